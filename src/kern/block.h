/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file block.h
 * @brief What passes between sampler, row fetch and model: blocks and rows.
 *
 * Plain structs of borrowed arrays. Sizes: N destination rows, M source rows,
 * E edges, D columns. Nodes of one batch on one rank are numbered locally in
 * first-occurrence order, and every block of the batch uses the same numbers:
 * the destinations of a block are the first N of its M sources, and the
 * sources of one block are the destinations of the block below it.
 */
#ifndef PS_KERN_BLOCK_H
#define PS_KERN_BLOCK_H

#include "src/kern/packed.h"
#include "src/kern/real.h"

#include <stdint.h>

/** The bipartite CSR of one hop of one batch (message-flow graph). */
struct ps_block {
    uint32_t dst_count; /**< N */
    uint32_t src_count; /**< M >= N */
    uint64_t edge_count;
    const uint64_t *row_begin;    /**< (N+1) first edge of each destination */
    const uint32_t *col;          /**< (E) local source of each edge */
    const uint64_t *col_begin;    /**< (M+1) the transpose: first edge of each source. May be
                                       NULL: the model then makes it, if it needs it, which in
                                       block[0] it seldom does */
    const uint32_t *row;          /**< (E) destination of each edge of the transpose, ascending
                                       within one source; NULL with col_begin */
    const uint32_t *in_degree;    /**< (N) full in-degree d(v) in the graph, which may be above
                                       the number of edges drawn */
    const uint32_t *multiplicity; /**< (N) m: ranks whose blocks hold this destination at this
                                       hop of the global batch; at least 1 */
};

/** Feature rows of one batch: dense, packed in slots, or CSR bags of words. */
struct ps_rows {
    uint32_t count;            /**< M of the input block */
    uint32_t dim;              /**< D */
    const ps_real *dense;      /**< (count, dim) row-major, or NULL: packed or CSR */
    struct ps_packed packed;   /**< rows in slots, or packed.base NULL */
    const uint64_t *row_begin; /**< (count+1) CSR only */
    const uint32_t *col;       /**< (nnz) ascending within a row */
    const float *value;        /**< (nnz), NULL if all are 1 */
};

/** One mini-batch on one rank, ready to train. */
struct ps_batch {
    uint64_t seed, epoch, index; /**< of the run; keys of the dropout masks */
    uint32_t layer_count;
    const struct ps_block *block; /**< (layer_count) block[0] reads the features */
    const uint64_t *node;         /**< (M of block[0]) global ids by local number */
    const uint32_t *out_degree;   /**< (M of block[0]) d(u) for symmetric normalisation */
    struct ps_rows input;
    const int32_t *label; /**< (N of the last block) one for each seed, in [0, classes) */
};

#endif
