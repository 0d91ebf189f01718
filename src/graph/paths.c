/* SPDX-License-Identifier: Apache-2.0 */
#include "src/graph/paths.h"

#include <string.h>
#include <unistd.h>

ps_status ps_paths_split(struct ps_paths *p, struct ps_ctx *ctx, const char *list)
{
    size_t n = strlen(list);
    bool one = access(list, F_OK) == 0;
    ps_status st;

    memset(p, 0, sizeof *p);
    p->ctx = ctx;
    PS_GO(st, PS_NEW(&ctx->mem, PS_MEM_OTHER, p->text, n + 1));
    PS_GO(st, PS_NEW(&ctx->mem, PS_MEM_OTHER, p->item, n + 1));
    memcpy(p->text, list, n);
    p->item[p->count++] = p->text;
    for (size_t i = 0; !one && i < n; i++)
        if (list[i] == ',') {
            p->text[i] = '\0';
            p->item[p->count++] = p->text + i + 1;
        }
    for (uint32_t k = 0; k < p->count; k++)
        if (p->item[k][0] == '\0')
            PS_GO_FAIL(st, PS_EUSAGE, "name %" PRIu32 " of '%s' is empty; expected FILE,FILE,...",
                       k + 1, list);
    return PS_OK;
out:
    ps_paths_fini(p);
    return st;
}

void ps_paths_fini(struct ps_paths *p)
{
    if (p->ctx == NULL)
        return;
    ps_mem_free(&p->ctx->mem, &p->item);
    ps_mem_free(&p->ctx->mem, &p->text);
}
