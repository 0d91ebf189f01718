/* SPDX-License-Identifier: Apache-2.0 */
#include "src/train/row_trace.h"

#include "src/graph/sort_u64.h"

#include <errno.h>
#include <string.h>

static const char magic[8] = "PSROWS1\n";

enum { NAME_BYTES = 4096 };

struct ps_row_trace {
    struct ps_ctx *ctx;
    FILE *out;
    uint64_t epoch, batches; /* of the file */
    uint64_t given;          /* the epoch that the caller named last */
    uint64_t *node;          /* (count) of the current batch */
    size_t count, cap;
    char path[NAME_BYTES];
};

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "numbers are written as they are");

static PS_MUST ps_status cannot_write(const struct ps_row_trace *t)
{
    PS_FAIL_SYS(errno, "cannot write the record of rows %s", t->path);
}

uint64_t ps_row_trace_bytes(const struct ps_meta *meta)
{
    static const uint64_t item[] = {[PS_TYPE_F32] = 4, [PS_TYPE_F16] = 2, [PS_TYPE_I8] = 1};

    return meta->feature_kind == PS_FEATURES_DENSE ? meta->feature_dim * item[meta->feature_type]
                                                   : 0;
}

ps_status ps_row_trace_new(struct ps_row_trace **t, struct ps_ctx *ctx, const char *path,
                           uint64_t nodes, uint64_t row_bytes)
{
    const uint64_t head[2] = {nodes, row_bytes};
    struct ps_row_trace *p;
    ps_status st;

    *t = NULL;
    PS_TRY(PS_NEW(&ctx->mem, PS_MEM_OTHER, p, 1));
    p->ctx = ctx;
    if (strlen(path) >= NAME_BYTES - 16)
        PS_GO_FAIL(st, PS_EUSAGE, "the name of the record of rows, %.64s..., is too long", path);
    if (ctx->log.rank == 0)
        snprintf(p->path, NAME_BYTES, "%s", path);
    else
        snprintf(p->path, NAME_BYTES, "%s.%d", path, ctx->log.rank);
    p->out = fopen(p->path, "we");
    if (p->out == NULL || fwrite(magic, sizeof magic, 1, p->out) != 1 ||
        fwrite(head, sizeof head, 1, p->out) != 1)
        PS_GO(st, cannot_write(p));
    *t = p;
    return PS_OK;
out:
    if (p->out != NULL)
        fclose(p->out);
    ps_mem_free(&ctx->mem, &p);
    return st;
}

ps_status ps_row_trace_add(struct ps_row_trace *t, const uint64_t *node, uint32_t count)
{
    PS_TRY(PS_GROW(&t->ctx->mem, PS_MEM_OTHER, t->node, t->cap, t->count + count, t->count));
    if (count > 0)
        memcpy(t->node + t->count, node, count * sizeof *node);
    t->count += count;
    return PS_OK;
}

ps_status ps_row_trace_batch(struct ps_row_trace *t, uint64_t epoch, const uint64_t *node,
                             uint32_t count)
{
    uint64_t head[2], n = 0;

    t->epoch += t->batches > 0 && epoch != t->given;
    t->given = epoch;
    PS_TRY(ps_row_trace_add(t, node, count));
    ps_sort_u64(t->node, t->count);
    for (size_t i = 0; i < t->count; i++)
        if (n == 0 || t->node[i] != t->node[n - 1])
            t->node[n++] = t->node[i];
    t->count = 0;
    t->batches++;
    head[0] = t->epoch;
    head[1] = n;
    if (fwrite(head, sizeof head, 1, t->out) != 1 ||
        (n > 0 && fwrite(t->node, n * sizeof *t->node, 1, t->out) != 1))
        return cannot_write(t);
    return PS_OK;
}

ps_status ps_row_trace_end(struct ps_row_trace **t)
{
    struct ps_row_trace *p = *t;
    ps_status st = PS_OK;
    uint64_t tail[2];
    bool bad;

    if (p == NULL)
        return PS_OK;
    tail[0] = UINT64_MAX;
    tail[1] = p->batches;
    bad = ferror(p->out) || fwrite(tail, sizeof tail, 1, p->out) != 1;
    bad = fclose(p->out) != 0 || bad;
    p->out = NULL;
    if (bad)
        st = cannot_write(p);
    ps_row_trace_free(t);
    return st;
}

void ps_row_trace_free(struct ps_row_trace **t)
{
    struct ps_row_trace *p = *t;

    if (p == NULL)
        return;
    if (p->out != NULL)
        fclose(p->out);
    ps_mem_free(&p->ctx->mem, &p->node);
    ps_mem_free(&p->ctx->mem, t);
}

/* A record while it is read. */
struct reading {
    struct ps_row_list *list;
    struct ps_ctx *ctx;
    const char *path;
    FILE *in;
    uint64_t left; /* bytes of the file that were not read */
};

static PS_MUST ps_status take(struct reading *r, void *dst, uint64_t bytes)
{
    if (bytes > r->left || (bytes > 0 && fread(dst, bytes, 1, r->in) != 1))
        PS_FAIL(PS_EINPUT, "%s ends too early, in batch %" PRIu64 ": the record is not whole",
                r->path, r->list->batches);
    r->left -= bytes;
    return PS_OK;
}

static PS_MUST ps_status check_batch(const struct reading *r, const uint64_t *node, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++)
        if (node[i] >= r->list->nodes || (i > 0 && node[i] <= node[i - 1]))
            PS_FAIL(PS_EINPUT,
                    "%s, batch %" PRIu64 ", row %" PRIu64
                    ": expected ascending nodes below %" PRIu64 ", found %" PRIu64,
                    r->path, r->list->batches, i, r->list->nodes, node[i]);
    return PS_OK;
}

static PS_MUST ps_status take_batch(struct reading *r, const uint64_t head[2])
{
    struct ps_row_list *l = r->list;
    struct ps_mem *m = &r->ctx->mem;
    uint64_t b = l->batches, have = l->begin[b], n = head[1];

    if (b > 0 && head[0] < l->epoch[b - 1])
        PS_FAIL(PS_EINPUT,
                "%s, batch %" PRIu64 ": expected epoch %" PRIu64 " or later, found %" PRIu64,
                r->path, b, l->epoch[b - 1], head[0]);
    if (n > r->left / sizeof *l->node)
        PS_FAIL(PS_EINPUT, "%s ends too early, in batch %" PRIu64 ": the record is not whole",
                r->path, b);
    PS_TRY(PS_GROW(m, PS_MEM_OTHER, l->epoch, l->epoch_cap, b + 1, b));
    PS_TRY(PS_GROW(m, PS_MEM_OTHER, l->begin, l->begin_cap, b + 2, b + 1));
    PS_TRY(PS_GROW(m, PS_MEM_OTHER, l->node, l->node_cap, have + n, have));
    PS_TRY(take(r, l->node + have, n * sizeof *l->node));
    PS_TRY(check_batch(r, l->node + have, n));
    l->epoch[b] = head[0];
    l->begin[b + 1] = have + n;
    l->batches++;
    return PS_OK;
}

static PS_MUST ps_status take_all(struct reading *r)
{
    struct ps_row_list *l = r->list;
    uint64_t head[2];
    char found[sizeof magic];

    if (fseeko(r->in, 0, SEEK_END) != 0 || ftello(r->in) < 0)
        PS_FAIL_SYS(errno, "cannot read %s", r->path);
    r->left = (uint64_t)ftello(r->in);
    rewind(r->in);
    if (r->left < sizeof found || fread(found, sizeof found, 1, r->in) != 1 ||
        memcmp(found, magic, sizeof magic) != 0)
        PS_FAIL(PS_EINPUT, "%s: expected a record of rows, which begins with PSROWS1", r->path);
    r->left -= sizeof found;
    PS_TRY(take(r, head, sizeof head));
    l->nodes = head[0];
    l->row_bytes = head[1];
    PS_TRY(PS_GROW(&r->ctx->mem, PS_MEM_OTHER, l->begin, l->begin_cap, 1, 0));
    l->begin[0] = 0;
    for (;;) {
        PS_TRY(take(r, head, sizeof head));
        if (head[0] == UINT64_MAX)
            break;
        PS_TRY(take_batch(r, head));
    }
    if (head[1] != l->batches || r->left != 0)
        PS_FAIL(PS_EINPUT,
                "%s: expected the end after %" PRIu64 " batches, found it after %" PRIu64
                " with %" PRIu64 " bytes behind it",
                r->path, head[1], l->batches, r->left);
    return PS_OK;
}

ps_status ps_row_list_load(struct ps_row_list *l, struct ps_ctx *ctx, const char *path)
{
    struct reading r = {.list = l, .ctx = ctx, .path = path};
    ps_status st;

    memset(l, 0, sizeof *l);
    r.in = fopen(path, "re");
    if (r.in == NULL)
        PS_FAIL(PS_EINPUT, "cannot open the record of rows %s", path);
    st = take_all(&r);
    fclose(r.in);
    if (st != PS_OK)
        ps_row_list_free(l, ctx);
    return st;
}

void ps_row_list_free(struct ps_row_list *l, struct ps_ctx *ctx)
{
    ps_mem_free(&ctx->mem, &l->epoch);
    ps_mem_free(&ctx->mem, &l->begin);
    ps_mem_free(&ctx->mem, &l->node);
    memset(l, 0, sizeof *l);
}
