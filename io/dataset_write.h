/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file dataset_write.h
 * @brief Writing a dataset: sizes first, then rows in order, then a rename.
 *
 * Everything is written into a directory beside the final one (".NAME.ps.tmp-PID"),
 * synced and renamed at the end, so that nothing half-written ever has the final name. Sizes of
 * all arrays of a part are known when it is begun: space is reserved
 * (posix_fallocate), so a full disk is told before the first row.
 *
 *   create, then for each part in order: begin, write each array, end; finish.
 *
 * @par Memory   one buffer of about 1 MiB and the checksums (1/1024 of the bytes) for each
 *               array of the part being written
 * @par Failure  after any failure only ps_dataset_abort may follow; it removes what was written
 */
#ifndef IO_DATASET_WRITE_H
#define IO_DATASET_WRITE_H

#include "io/dataset.h"

struct ps_dataset_writer;

/**
 * Begin a dataset. @p meta is copied; part_offsets must be complete; edges, edge_cut and
 * train_offsets are filled in by the writer or through ps_dataset_writer_meta. index_bytes
 * is set here, uuid (of the contents: equal contents, equal uuid) at finish. With @p force an
 * existing dataset is replaced at finish; a folder with anything else in it never is. What the
 * nodes alone take must be free on the disk.
 * @return PS_EUSAGE if @p path exists and may not be replaced; PS_EINPUT if @p meta contradicts
 *         itself; PS_EIO
 */
PS_MUST ps_status ps_dataset_create(struct ps_dataset_writer **w, struct ps_ctx *ctx,
                                    const char *path, bool force, const struct ps_meta *meta);

/** Begin part @p k (0, 1, ... in order) with @p edges in-edges and @p feature_count stored CSR
 *  values (0 if not CSR). @return PS_EIO if the space cannot be had */
PS_MUST ps_status ps_dataset_part_begin(struct ps_dataset_writer *w, uint32_t k, uint64_t edges,
                                        uint64_t feature_count);

/**
 * Append @p count items (numbers, row-major) to an array of the part, as stored in the file:
 * ids of PS_ARRAY_INDICES as u64 (narrowed here), all others in the type of the file.
 * @param[in] plane  split number for PS_ARRAY_SPLIT, each of which has its own end; else 0
 */
PS_MUST ps_status ps_dataset_write(struct ps_dataset_writer *w, enum ps_array_id id, uint32_t plane,
                                   const void *items, uint64_t count);

/** End the part. A broken invariant if an array is not complete. Training nodes are counted here.
 */
PS_MUST ps_status ps_dataset_part_end(struct ps_dataset_writer *w);

/** The meta that will be written; edge_cut, provenance, symmetrised may be changed until
 *  finish. provenance is the caller's text, borrowed until finish. */
struct ps_meta *ps_dataset_writer_meta(struct ps_dataset_writer *w);

/** Write meta.h5, sync everything, rename. Frees and clears *w, even on failure. */
PS_MUST ps_status ps_dataset_finish(struct ps_dataset_writer **w);
/** Remove what was written. Accepts NULL, clears *w. */
void ps_dataset_abort(struct ps_dataset_writer **w);

#endif
