/* SPDX-License-Identifier: Apache-2.0 */
/* Edges of .npy arrays, one behind the other. */
#include "src/graph/edge_source.h"

#include "src/graph/import_core.h"

enum { PAIR = 2 };

struct shard {
    struct ps_npy *a;
    uint64_t edges;
    bool side_by_side; /* source and target of an edge are neighbours in the file */
};

struct npy_source {
    struct ps_edge_source base;
    struct shard *shard; /* (count) */
    uint32_t count;
    uint32_t at;      /* the shard that the next batch comes from */
    uint64_t next;    /* its first edge in that shard */
    uint32_t last_at; /* where the last batch came from */
    uint64_t last_first;
    int64_t *raw; /* (PS_EDGES_CHUNK, 2) or (2, PS_EDGES_CHUNK) */
};

/* Fortran order of one shape is C order of the other. */
static PS_MUST ps_status find_layout(struct shard *d)
{
    struct ps_npy *a = d->a;
    bool rows_of_pairs;
    char text[64];

    PS_TRY(ps_import_want(a, 2, true, "source and target of each edge"));
    if (a->head.shape[0] != PAIR && a->head.shape[1] != PAIR)
        PS_FAIL(PS_EINPUT, "%s: expected shape (edges, 2) or (2, edges), found %s", a->path,
                ps_npy_shape_text(&a->head, text));
    rows_of_pairs = a->head.shape[1] == PAIR;
    d->side_by_side = rows_of_pairs != a->head.fortran;
    d->edges = a->head.shape[rows_of_pairs ? 0 : 1];
    return PS_OK;
}

static PS_MUST ps_status rewind_npy(struct ps_edge_source *base)
{
    struct npy_source *s = (struct npy_source *)base;

    s->at = 0;
    s->next = 0;
    return PS_OK;
}

static PS_MUST ps_status next_npy(struct ps_edge_source *base, uint64_t *source, uint64_t *target,
                                  size_t *n)
{
    struct npy_source *s = (struct npy_source *)base;
    struct shard *d;

    *n = 0;
    while (s->at < s->count && s->next == s->shard[s->at].edges) {
        s->at++;
        s->next = 0;
    }
    if (s->at == s->count)
        return PS_OK;
    d = &s->shard[s->at];
    *n = ps_min(PS_EDGES_CHUNK, d->edges - s->next);
    if (d->side_by_side) {
        PS_TRY(ps_npy_read_i64(d->a, s->next * PAIR, *n * PAIR, s->raw));
    } else {
        PS_TRY(ps_npy_read_i64(d->a, s->next, *n, s->raw));
        PS_TRY(ps_npy_read_i64(d->a, d->edges + s->next, *n, s->raw + *n));
    }
    for (size_t i = 0; i < *n; i++) {
        source[i] = (uint64_t)s->raw[d->side_by_side ? PAIR * i : i];
        target[i] = (uint64_t)s->raw[d->side_by_side ? PAIR * i + 1 : *n + i];
    }
    s->last_at = s->at;
    s->last_first = s->next;
    s->next += *n;
    return PS_OK;
}

static void where_npy(const struct ps_edge_source *base, size_t i, char place[PS_EDGE_PLACE_BYTES])
{
    const struct npy_source *s = (const struct npy_source *)base;

    snprintf(place, PS_EDGE_PLACE_BYTES, "%s: edge %" PRIu64, s->shard[s->last_at].a->path,
             s->last_first + i);
}

static void close_npy(struct ps_edge_source *base)
{
    struct npy_source *s = (struct npy_source *)base;
    struct ps_mem *m = &base->ctx->mem;

    for (uint32_t k = 0; s->shard != NULL && k < s->count; k++)
        ps_npy_close(&s->shard[k].a);
    ps_mem_free(m, &s->shard);
    ps_mem_free(m, &s->raw);
    ps_mem_free(m, &s);
}

static const struct ps_edge_source_ops npy_ops = {
    .rewind = rewind_npy,
    .next = next_npy,
    .where = where_npy,
    .close = close_npy,
    .is_signed = true,
};

/* Without arrays yet. */
static PS_MUST ps_status source_new(struct npy_source **out, struct ps_ctx *ctx, uint32_t count)
{
    struct npy_source *s;
    ps_status st;

    *out = NULL;
    PS_TRY(PS_NEW(&ctx->mem, PS_MEM_OTHER, s, 1));
    s->base.ops = &npy_ops;
    s->base.ctx = ctx;
    s->count = count;
    PS_GO(st, PS_NEW(&ctx->mem, PS_MEM_OTHER, s->shard, count));
    PS_GO(st, PS_NEW(&ctx->mem, PS_MEM_STAGING, s->raw, (size_t)PS_EDGES_CHUNK * PAIR));
    *out = s;
    return PS_OK;
out:
    close_npy(&s->base);
    return st;
}

ps_status ps_edge_source_npy(struct ps_edge_source **out, struct ps_ctx *ctx,
                             const char *const *path, uint32_t count)
{
    struct npy_source *s;
    ps_status st;

    *out = NULL;
    PS_TRY(source_new(&s, ctx, count));
    for (uint32_t k = 0; k < count; k++) {
        PS_GO(st, ps_npy_open(&s->shard[k].a, ctx, path[k]));
        PS_GO(st, find_layout(&s->shard[k]));
        s->base.edges += s->shard[k].edges;
    }
    s->base.name = s->shard[0].a->path;
    *out = &s->base;
    return PS_OK;
out:
    close_npy(&s->base);
    return st;
}

ps_status ps_edge_source_array(struct ps_edge_source **out, struct ps_ctx *ctx, struct ps_npy **a)
{
    const struct ps_npy_header *head = &(*a)->head;
    struct npy_source *s;

    *out = NULL;
    PS_ASSERT(head->rank == 2 && head->shape[0] == PAIR && ps_npy_is_integer(*a));
    PS_TRY(source_new(&s, ctx, 1));
    *s->shard = (struct shard){*a, head->shape[1], head->fortran};
    s->base.edges = head->shape[1];
    s->base.name = (*a)->path;
    *a = NULL;
    *out = &s->base;
    return PS_OK;
}
