/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file rows.h
 * @brief Feature rows: read once by their owner, sent once to each rank that needs them.
 *
 * A row travels as it is stored: a dense row in its stored type, a bag of words as columns and
 * values. It becomes floats (or CSR) at the rank that trains on it. The out-degree of each
 * node travels with its row.
 *
 * @par Collective   ps_rows_fetch
 * @par Determinism  rows are placed by local number
 * @par Cost         two all-to-alls a batch; each wanted row is read once by its owner, in order
 *                   of its place on disk
 */
#ifndef PS_GRAPH_ROWS_H
#define PS_GRAPH_ROWS_H

#include "src/graph/ask.h"
#include "src/graph/sample.h"
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
/** XXH3-64 of epoch, batch, node, width in bits (32 x stored bytes / 4 for dense: 32, 16 or 8; 32
 * for CSR) and the stored bytes of row @p i. */
uint64_t ps_slab_hash(const struct ps_slab *s, const struct ps_batch_id *id, uint64_t i);

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

struct ps_row_fetch;

/** Room for fetching rows of @p shard, which is borrowed. Not collective. @return PS_EMEM */
PS_MUST ps_status ps_row_fetch_new(struct ps_row_fetch **f, struct ps_shard *shard);
/** Accepts NULL, clears *f. */
void ps_row_fetch_free(struct ps_row_fetch **f);

/** Fetch the rows of @p node (count), distinct global ids. Collective. As with ps_sampler_run, a
 *  failure after the last exchange is this rank's alone. */
PS_MUST ps_status ps_row_fetch_run(struct ps_row_fetch *f, ps_status mine,
                                   const struct ps_batch_id *id, const uint64_t *node,
                                   uint32_t count);
/** What the last run brought, in the order of its nodes. Borrowed until the next run. */
const struct ps_row_store *ps_row_fetch_store(const struct ps_row_fetch *f);
/** Sum mod 2^64 of ps_slab_hash over what this rank gave as owner, distinct (epoch, batch, node).
 */
uint64_t ps_row_fetch_fingerprint(const struct ps_row_fetch *f);

struct ps_row_counts {
    uint64_t rows, stored_bytes; /**< rows that this rank read as owner, and their bytes */
    uint64_t heard_bytes;        /**< answers from other ranks, headers included */
    uint64_t raw_bytes;          /**< the same answers with float32 rows of 4 D bytes in them */
};
struct ps_row_counts ps_row_fetch_counts(const struct ps_row_fetch *f);

#endif
