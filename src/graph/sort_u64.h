/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PS_GRAPH_SORT_U64_H
#define PS_GRAPH_SORT_U64_H

#include <stddef.h>
#include <stdint.h>

/** Sort @p x (n) ascending, in place, without allocation: n steps if it is sorted already, else
 *  O(n log n) in the worst case. */
void ps_sort_u64(uint64_t *x, size_t n);

#endif
