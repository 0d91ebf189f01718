/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file row_trace.h
 * @brief Which rows each batch of a run used, for simulating caches.
 *
 * The file, all numbers u64 little-endian:
 *
 * | bytes | what |
 * |---|---|
 * | 8 | "PSROWS1\n" |
 * | 16 | nodes of the dataset; bytes of a row as stored (0: not all the same) |
 * | 16 | a batch: epoch, count |
 * | 8 count | its node ids, ascending, each once |
 * | 16 | the end: 2^64 - 1, batches in all |
 *
 * Batches follow each other in the order of training; epochs ascend. A file without the end is
 * not whole.
 *
 * @par Threads  one at a time
 */
#ifndef PS_TRAIN_ROW_TRACE_H
#define PS_TRAIN_ROW_TRACE_H

#include "io/dataset.h"

struct ps_row_trace;

/** Bytes of a stored row of such a dataset; 0 if they differ from row to row. */
uint64_t ps_row_trace_bytes(const struct ps_meta *meta);

/** Begin FILE, on rank R > 0 FILE.R. @param[in] row_bytes  as above
 *  @return PS_EIO, PS_EMEM, PS_EUSAGE for a name too long */
PS_MUST ps_status ps_row_trace_new(struct ps_row_trace **t, struct ps_ctx *ctx, const char *path,
                                   uint64_t nodes, uint64_t row_bytes);
/** Rows of the batch that ps_row_trace_batch will end: for batches in several pieces. Any order,
 *  repetitions allowed. @return PS_EMEM */
PS_MUST ps_status ps_row_trace_add(struct ps_row_trace *t, const uint64_t *node, uint32_t count);
/** The last (or only) rows of a batch, as above; the batch is written. @param[in] epoch  where it
 *  differs from that of the batch before, an epoch begins: the file counts them from 0
 *  @return PS_EMEM, PS_EIO */
PS_MUST ps_status ps_row_trace_batch(struct ps_row_trace *t, uint64_t epoch, const uint64_t *node,
                                     uint32_t count);
/** Finish the file and give all back. Accepts NULL, clears *t. @return PS_EIO */
PS_MUST ps_status ps_row_trace_end(struct ps_row_trace **t);
/** Give all back and leave a file that is not whole. Accepts NULL, clears *t. */
void ps_row_trace_free(struct ps_row_trace **t);

/** A record, read back. */
struct ps_row_list {
    uint64_t nodes, row_bytes;
    uint64_t batches;
    uint64_t *epoch; /**< (batches) of each, ascending */
    uint64_t *begin; /**< (batches+1) its first row in `node` */
    uint64_t *node;  /**< (begin[batches]) ascending in each batch */
    size_t epoch_cap, begin_cap, node_cap;
};

/** @param[out] l  the caller's: ps_row_list_free. @return PS_EINPUT with file and batch, PS_EMEM */
PS_MUST ps_status ps_row_list_load(struct ps_row_list *l, struct ps_ctx *ctx, const char *path);
/** Give the memory back. */
void ps_row_list_free(struct ps_row_list *l, struct ps_ctx *ctx);

#endif
