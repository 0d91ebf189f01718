/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PS_GRAPH_SORT_PAIRS_H
#define PS_GRAPH_SORT_PAIRS_H

#include <stdint.h>

/** An id and what belongs to it. */
struct ps_sort_pair {
    uint64_t id, with;
};

/** By id, then by `with`, ascending: a stable order where `with` is a position. In place, without
 *  allocation, O(n log n) in the worst case. */
void ps_sort_pairs(struct ps_sort_pair *pair, uint64_t count);

#endif
