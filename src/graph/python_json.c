/* SPDX-License-Identifier: Apache-2.0 */
#include "src/graph/python_json.h"

#include <errno.h>
#include <string.h>

enum { FILE_BYTES_MAX = 1 << 20 };

/* Outside of strings, in place, so that lines and columns stay what they are. */
static void quote_python_words(char *text)
{
    static const char *const word[] = {"NaN", "Infinity", "-Infinity"};
    bool in_string = false;

    for (char *p = text; *p != '\0'; p++) {
        if (*p == '"')
            in_string = !in_string;
        else if (in_string && *p == '\\' && p[1] != '\0')
            p++;
        for (size_t w = 0; !in_string && w < sizeof word / sizeof word[0]; w++) {
            size_t n = strlen(word[w]);
            if (strncmp(p, word[w], n) != 0)
                continue;
            memset(p, ' ', n);
            p[0] = p[1] = '"';
            p += n - 1;
            break;
        }
    }
}

static PS_MUST ps_status read_text(struct ps_ctx *ctx, const char *path, char **text, size_t *bytes)
{
    FILE *f = fopen(path, "re");
    ps_status st;

    if (f == NULL)
        PS_FAIL_AS_(PS_EINPUT, errno, "cannot open %s", path);
    PS_GO(st, PS_NEW(&ctx->mem, PS_MEM_OTHER, *text, FILE_BYTES_MAX + 1));
    *bytes = fread(*text, 1, FILE_BYTES_MAX, f);
    if (ferror(f)) {
        ps_err_set(PS_EINPUT, errno, __FILE__, __LINE__, "cannot read %s", path);
        st = PS_EINPUT;
    } else if (*bytes == FILE_BYTES_MAX) {
        PS_GO_FAIL(st, PS_EINPUT, "%s: expected less than %d bytes", path, FILE_BYTES_MAX);
    }
out:
    fclose(f);
    return st;
}

ps_status ps_python_json_load(struct ps_ctx *ctx, const char *path, json_t **j)
{
    char *text = NULL;
    size_t bytes = 0;
    json_error_t why;
    ps_status st;

    *j = NULL;
    PS_GO(st, read_text(ctx, path, &text, &bytes));
    quote_python_words(text);
    *j = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, &why);
    if (*j == NULL)
        PS_GO_FAIL(st, PS_EINPUT, "%s: line %d: %s", path, why.line, why.text);
out:
    ps_mem_free(&ctx->mem, &text);
    return st;
}
