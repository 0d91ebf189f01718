/* SPDX-License-Identifier: Apache-2.0 */
#include "src/graph/edge_source.h"

static const uint64_t ids_max = UINT64_C(1) << 40;

void ps_edge_source_close(struct ps_edge_source **s)
{
    if (*s != NULL)
        (*s)->ops->close(*s);
    *s = NULL;
}

ps_status ps_edge_source_rewind(struct ps_edge_source *s)
{
    return s->ops->rewind(s);
}

/* Which end of which edge is out of range? */
static PS_MUST ps_status refuse(const struct ps_edge_source *s, size_t i, const char *end,
                                uint64_t id, uint64_t limit)
{
    bool negative = s->ops->is_signed && id > INT64_MAX;
    char place[PS_EDGE_PLACE_BYTES], nodes[40] = "";

    s->ops->where(s, i, place);
    if (s->nodes != 0)
        snprintf(nodes, sizeof nodes, " (%" PRIu64 " nodes)", s->nodes);
    PS_FAIL(PS_EINPUT, "%s has %s %s%" PRIu64 ", expected 0 to %" PRIu64 "%s", place, end,
            negative ? "-" : "", negative ? 0 - id : id, limit - 1, nodes);
}

ps_status ps_edge_source_next(struct ps_edge_source *s, uint64_t *source, uint64_t *target,
                              size_t *n)
{
    uint64_t limit = s->nodes != 0 ? s->nodes : ids_max;

    PS_TRY(s->ops->next(s, source, target, n));
    for (size_t i = 0; i < *n; i++) {
        if (source[i] >= limit)
            return refuse(s, i, "source", source[i], limit);
        if (target[i] >= limit)
            return refuse(s, i, "target", target[i], limit);
    }
    return PS_OK;
}

ps_status ps_edge_source_scan(struct ps_edge_source *s, uint64_t *nodes)
{
    uint64_t *source = NULL, *target, edges = 0;
    size_t n = 1;
    ps_status st;

    *nodes = 0;
    PS_TRY(PS_NEW(&s->ctx->mem, PS_MEM_STAGING, source, (size_t)2 * PS_EDGES_CHUNK));
    target = source + PS_EDGES_CHUNK;
    PS_GO(st, ps_edge_source_rewind(s));
    while (n > 0) {
        PS_GO(st, ps_edge_source_next(s, source, target, &n));
        for (size_t i = 0; i < n; i++)
            *nodes = ps_max(*nodes, ps_max(source[i], target[i]) + 1);
        edges += n;
    }
    s->edges = edges;
    st = PS_OK;
out:
    ps_mem_free(&s->ctx->mem, &source);
    return st;
}
