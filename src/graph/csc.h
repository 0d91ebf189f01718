/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file csc.h
 * @brief The in-edges of every node, from edges in any order, in bounded memory.
 *
 * An external bucket sort. The edges are offered twice, in the same order or another. The
 * first time they are counted by target. Then targets are cut into ranges whose in-edges
 * fit the sort memory. The second time each edge goes to the region of its range in one
 * temporary file (without a name from the start, so that nothing is left behind even by a
 * kill). Then each range is sorted in memory. Where one range holds everything there is no
 * file. The result does not depend on the number of ranges.
 *
 *   new -> count (all edges) -> place_begin -> place (all edges) -> sort -> next until 0
 *
 * @par Memory   12 bytes per node, and spec.sort_bytes (more only where the in-edges of one
 *               node alone do not fit and the budget allows it)
 * @par Disk     8 bytes per edge while nodes < 2^32, else 16
 * @par Failure  PS_EMEM, PS_EIO (full disk told before the first edge is placed)
 */
#ifndef PS_GRAPH_CSC_H
#define PS_GRAPH_CSC_H

#include "src/base/ctx.h"

struct ps_csc_spec {
    uint64_t nodes;      /**< N; every id offered is below it */
    uint64_t sort_bytes; /**< memory for one range; at least 4096 */
    const char *beside;  /**< the temporary file lies in the folder of this path; borrowed */
    bool reverse;        /**< add the reverse of every edge; a loop is its own reverse */
    bool drop_loops;     /**< leave out edges from a node to itself */
    bool dedupe;         /**< keep one of several equal edges, after reverse */
    bool wide;           /**< ids of 8 bytes on disk also where 4 would do; for tests */
};

struct ps_csc;

/** @p spec is copied. @return PS_EMEM */
PS_MUST ps_status ps_csc_new(struct ps_csc **c, struct ps_ctx *ctx, const struct ps_csc_spec *spec);
/** Accepts NULL, clears *c. */
void ps_csc_free(struct ps_csc **c);

/** First offer of edges @p source[i] -> @p target[i]. @pre ids < nodes */
void ps_csc_count(struct ps_csc *c, const uint64_t *source, const uint64_t *target, size_t n);
PS_MUST ps_status ps_csc_place_begin(struct ps_csc *c);
/** Second offer. *fits is false if these were not the edges that were counted: the caller
 *  knows which input changed. */
PS_MUST ps_status ps_csc_place(struct ps_csc *c, const uint64_t *source, const uint64_t *target,
                               size_t n, bool *fits);
/** Sort, drop doubles, count. *fits as above. */
PS_MUST ps_status ps_csc_sort(struct ps_csc *c, bool *fits);

/** After sort: edges m; (nodes + 1) indptr; (nodes) out-degrees. Borrowed. */
uint64_t ps_csc_edges(const struct ps_csc *c);
const uint64_t *ps_csc_indptr(const struct ps_csc *c);
const uint32_t *ps_csc_out_degree(const struct ps_csc *c);
/** Ranges that the targets were cut into. */
uint32_t ps_csc_ranges(const struct ps_csc *c);

/** The next run of sources, ascending within each node, borrowed until the next call; count 0
 *  after the last. All runs together are (m). */
PS_MUST ps_status ps_csc_next(struct ps_csc *c, const uint64_t **source, uint64_t *count);

#endif
