/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file fuzz_edges.h
 * @brief What holds for a source of edges, whatever it is made of.
 */
#ifndef TESTS_FUZZ_EDGES_H
#define TESTS_FUZZ_EDGES_H

#include "tests/fuzz/fuzz.h"

#include "src/base/rng.h"
#include "src/graph/edge_source.h"

/* A number for all edges from the first on. */
static inline uint64_t fuzz_edges_sum(struct ps_edge_source *s, ps_status *st)
{
    static uint64_t source[PS_EDGES_CHUNK], target[PS_EDGES_CHUNK];
    uint64_t sum = 0;
    size_t n = 1;

    *st = ps_edge_source_rewind(s);
    while (*st == PS_OK && n > 0) {
        *st = ps_edge_source_next(s, source, target, &n);
        for (size_t i = 0; *st == PS_OK && i < n; i++)
            sum = ps_mix64(sum ^ source[i] ^ ps_mix64(target[i]));
    }
    return sum;
}

/** Every reading gives the same edges, or the same refusal. @return that of the first */
static inline ps_status fuzz_edges(struct ps_edge_source *s)
{
    uint64_t nodes = 0, first, second;
    ps_status st = ps_edge_source_scan(s, &nodes), again;

    fuzz_told(st);
    first = fuzz_edges_sum(s, &again);
    PS_ASSERT(again == st);
    second = fuzz_edges_sum(s, &again);
    PS_ASSERT(again == st && first == second);
    PS_ASSERT(st != PS_OK || s->edges != PS_EDGES_UNKNOWN);
    return st;
}

#endif
