/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `--method hash`: where a keyed permutation puts a node among all N decides its partition, so
 * sizes differ by one node at most and nothing about the graph matters: the baseline that other
 * methods are compared with. Within a partition the order of ids stays, so that the input is
 * read forwards.
 */
#include "src/graph/partition.h"

#include "src/base/rng.h"

#include <string.h>

/* Nodes come in ascending order, so each takes the next place of its partition. */
static void number_nodes(struct ps_cut *c, uint64_t nodes, struct ps_key key, uint64_t *next)
{
    memcpy(next, c->offsets, c->parts * sizeof *next);
    for (uint64_t v = 0; v < nodes; v++) {
        uint64_t place = ps_permute(key, v, nodes);
        uint64_t k = ps_find_range(c->offsets, c->parts, place);
        c->new_of[v] = ps_u32(next[k]);
        c->old_of[next[k]++] = ps_u32(v);
    }
}

ps_status ps_cut_hash(struct ps_source *s, uint32_t parts, uint64_t seed, struct ps_cut *c)
{
    struct ps_key key = ps_key_make(seed, PS_FOR_PARTITION, 1, 0, 0);
    struct ps_mem *m = &s->ctx->mem;
    uint64_t n = s->meta->nodes, *next = NULL;
    ps_status st;

    PS_ASSERT(parts > 0 && parts <= n);
    memset(c, 0, sizeof *c);
    c->parts = parts;
    if (n > UINT32_MAX)
        PS_FAIL(PS_EUSAGE,
                "%s has %" PRIu64 " nodes; --method hash renumbers at most %" PRIu32
                ", --method range any number",
                ps_dataset_path(s->ds), n, UINT32_MAX);
    PS_GO(st, PS_NEW(m, PS_MEM_OTHER, c->offsets, (size_t)parts + 1));
    PS_GO(st, PS_NEW(m, PS_MEM_OTHER, next, parts));
    PS_GO(st, PS_NEW(m, PS_MEM_TOPOLOGY, c->old_of, n));
    PS_GO(st, PS_NEW(m, PS_MEM_TOPOLOGY, c->new_of, n));
    for (uint32_t k = 0; k <= parts; k++)
        c->offsets[k] = (uint64_t)((ps_u128)n * k / parts);
    number_nodes(c, n, key, next);
out:
    ps_mem_free(m, &next);
    return st;
}
