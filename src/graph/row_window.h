/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file row_window.h
 * @brief The rows of a window of batches: read once by their owner, sent once to each rank that
 *        does not hold them, and found in the slab by every batch.
 *
 * The union of the nodes of all batches is looked up in the slab. What is missing is read by its
 * owner, in order of its place on disk: rows of this rank straight into their slots, rows that
 * only others want into the answer to them. A rank tells owners of all nodes that its batches
 * use, also of those whose rows it holds: the owner then says which rank counts a (batch, node)
 * that several use, so that the fingerprint counts it once wherever it is resident.
 *
 * @par Collective   ps_row_window_run
 * @par Determinism  rows are found by local number; what is resident changes no value
 * @par Cost         two all-to-alls for a window: 4 bytes and a bit for each batch for each node of
 *                   the union, and the rows that are missing
 */
#ifndef PS_GRAPH_ROW_WINDOW_H
#define PS_GRAPH_ROW_WINDOW_H

#include "src/graph/row_pool.h"
#include "src/graph/rows.h"
#include "src/graph/sample.h"

enum { PS_WINDOW_MAX = 64 }; /**< batches: one bit of a word for each */

/** The rows of one batch, by local number. */
struct ps_batch_rows {
    uint32_t *slot;           /**< (count) dense rows: where they lie in the slab */
    uint32_t *degree;         /**< (count) out-degrees */
    uint64_t fingerprint;     /**< sum mod 2^64 over the nodes that this rank counts for the batch
                                   of XXH3-64 of the u64 words epoch, batch, node, width in bits and
                                   XXH3-64 of the row as stored; summed over ranks, each (batch,
                                   node) is in it once. 0 for all parts of a batch but the first */
    struct ps_row_store bags; /**< bags of words, compact */
    uint32_t count;
    size_t slot_cap, degree_cap;
};
void ps_batch_rows_init(struct ps_batch_rows *b, struct ps_mem *mem, const struct ps_meta *meta);
/** Accepts zeros. */
void ps_batch_rows_fini(struct ps_batch_rows *b, struct ps_mem *mem);

struct ps_row_window;

/** @param[in] slots  rows that the slab can hold (dense features). Not collective. */
PS_MUST ps_status ps_row_window_new(struct ps_row_window **w, struct ps_shard *shard,
                                    uint64_t slots);
/** Accepts NULL, clears *w. */
void ps_row_window_free(struct ps_row_window **w);

/**
 * Bring the rows of @p batch (n), which may have other numbers of nodes on other ranks; every
 * @p parts of them are parts of one batch, of which there are at most PS_WINDOW_MAX. Collective.
 * Rows of the window before stay where they are, so that it can be trained meanwhile. A failure
 * after the last exchange is this rank's alone.
 */
PS_MUST ps_status ps_row_window_run(struct ps_row_window *w, ps_status mine,
                                    const struct ps_sample *batch, uint32_t n, uint32_t parts,
                                    struct ps_batch_rows *rows);
/** As models read them. Borrowed: until the window after the next is brought. */
struct ps_rows ps_row_window_rows(const struct ps_row_window *w, const struct ps_batch_rows *b);

/** Distinct rows of the last window. */
uint64_t ps_row_window_union(const struct ps_row_window *w);

struct ps_row_counts {
    uint64_t used;               /**< rows that batches of this rank read, each batch by itself */
    uint64_t wanted;             /**< rows of unions of windows */
    uint64_t missing;            /**< of these, those that were not resident */
    uint64_t rows, stored_bytes; /**< rows that this rank read as owner, and their bytes */
    uint64_t heard_bytes;        /**< answers from other ranks, headers included */
    uint64_t raw_bytes;          /**< the same answers with float32 rows of 4 D bytes in them */
};
struct ps_row_counts ps_row_window_counts(const struct ps_row_window *w);

#endif
