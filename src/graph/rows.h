/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file rows.h
 * @brief Feature rows of own nodes as they are stored, and in the form that models read.
 *
 * Batches get their rows through row_window.h; these are for whole stretches of nodes.
 */
#ifndef PS_GRAPH_ROWS_H
#define PS_GRAPH_ROWS_H

#include "src/graph/shard.h"
#include "src/kern/block.h"

/** Rows of this rank's own nodes, as stored, in one piece of memory (the slab). */
struct ps_slab {
    struct ps_shard *shard; /**< borrowed */
    uint64_t count;         /**< rows */
    uint32_t *node;         /**< (count) nodes within the shard, ascending */
    unsigned char *dense;   /**< (count, row_bytes) */
    uint64_t row_bytes;
    uint64_t *begin;    /**< (count+1) CSR: first value of each row */
    unsigned char *col; /**< (values) u16 or u32 columns */
    float *value;       /**< (values), or NULL if all are 1 */
    struct ps_extent *extent;
    size_t node_cap, dense_cap, begin_cap, col_cap, value_cap, extent_cap;
};

/** An empty slab. @return PS_EMEM */
PS_MUST ps_status ps_slab_init(struct ps_slab *s, struct ps_shard *shard);
/** Give the memory back; also after a failed init. */
void ps_slab_fini(struct ps_slab *s);
/** Make room for the numbers of @p count rows; the caller then fills node (ascending). */
PS_MUST ps_status ps_slab_begin(struct ps_slab *s, uint64_t count);
/** Read the rows of s->node. Not collective. @return PS_EIO, PS_EINPUT */
PS_MUST ps_status ps_slab_read(struct ps_slab *s);
/** Bytes of the rows of the last read, as stored. */
uint64_t ps_slab_bytes(const struct ps_slab *s);
/** Rows in the form that models read, filled row by row. */
struct ps_row_store {
    struct ps_mem *mem;
    const struct ps_meta *meta;
    float *dense;
    uint64_t *begin;
    uint32_t *col;
    float *value;
    uint32_t *out_degree; /**< (count) */
    uint32_t count;
    size_t dense_cap, begin_cap, col_cap, value_cap, degree_cap;
};

/** An empty store. @p meta is borrowed. */
void ps_row_store_init(struct ps_row_store *s, struct ps_mem *mem, const struct ps_meta *meta);
/** Give the memory back. */
void ps_row_store_fini(struct ps_row_store *s);
/** Borrowed until the store changes. */
struct ps_rows ps_row_store_rows(const struct ps_row_store *s);
/** Make the rows of a slab those of a store, in the same order. @return PS_EMEM */
PS_MUST ps_status ps_row_store_fill(struct ps_row_store *s, const struct ps_slab *slab);

#endif
