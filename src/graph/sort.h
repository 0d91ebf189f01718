/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file sort.h
 * @brief Sorting ids: rows of graphs are short, so insertion first, qsort for the long ones.
 */
#ifndef PS_GRAPH_SORT_H
#define PS_GRAPH_SORT_H

#include <stdint.h>

/** Ascending. */
void ps_sort_ids(uint64_t *id, uint64_t count);

/** An id and what belongs to it. */
struct ps_sort_pair {
    uint64_t id, with;
};

/** By id, then by `with`, ascending: a stable order where `with` is a position. */
void ps_sort_pairs(struct ps_sort_pair *pair, uint64_t count);

#endif
