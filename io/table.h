/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file table.h
 * @brief Named arrays in one HDF5 file: models and predictions.
 *
 * Not for training data (that is dataset.h). Written aside, synced, renamed.
 * Rank 0 writes; nothing here is collective. Each array has its XXH3-64 as attribute
 * `checksum`, which ps_table_get checks.
 *
 * @par Failure  after one while writing, only ps_table_close may follow
 */
#ifndef IO_TABLE_H
#define IO_TABLE_H

#include "src/base/ctx.h"

/** Types of arrays. */
enum ps_column { PS_COLUMN_F32, PS_COLUMN_F64, PS_COLUMN_I32, PS_COLUMN_U32, PS_COLUMN_U64 };

struct ps_table;

/** Begin to write @p path; it appears under that name at finish. An existing file is replaced.
 *  @return PS_EIO */
PS_MUST ps_status ps_table_create(struct ps_table **t, struct ps_ctx *ctx, const char *path);
/** The same, but in memory until finish, which alone touches the disk: for a writer that goes on
 *  where the disk is full. (The HDF5 library does not clean up after a file that it could
 *  not write.) @param[in] room  bytes that all arrays will have, taken now. @return PS_EMEM */
PS_MUST ps_status ps_table_create_in_memory(struct ps_table **t, struct ps_ctx *ctx,
                                            const char *path, uint64_t room);
/** Make an array (rows, cols), cols = 0 for one dimension; groups in @p name are made. Its
 *  space is reserved, on disk or in memory. @return PS_EIO if it cannot be had */
PS_MUST ps_status ps_table_add(struct ps_table *t, const char *name, enum ps_column type,
                               uint64_t rows, uint64_t cols);
/** Write rows [first, first + count) of an array, in its type. Rows that are never written
 *  are undefined. @pre it was added, and has these rows */
PS_MUST ps_status ps_table_put(struct ps_table *t, const char *name, uint64_t first, uint64_t count,
                               const void *data);
/** Attributes of the file itself; a text has at most 60,000 characters, else PS_EUSAGE. */
PS_MUST ps_status ps_table_put_text(struct ps_table *t, const char *name, const char *text);
PS_MUST ps_status ps_table_put_u64(struct ps_table *t, const char *name, uint64_t x);
PS_MUST ps_status ps_table_put_f64(struct ps_table *t, const char *name, double x);
/** Sync and rename. Frees and clears *t, even on failure. */
PS_MUST ps_status ps_table_finish(struct ps_table **t);

/** Open for reading. @return PS_EINPUT */
PS_MUST ps_status ps_table_open(struct ps_table **t, struct ps_ctx *ctx, const char *path);
/** Shape of an array; cols = 0 for one dimension. @return PS_EINPUT if it is not there */
PS_MUST ps_status ps_table_shape(struct ps_table *t, const char *name, uint64_t *rows,
                                 uint64_t *cols);
/** All of it. @pre dst has room. @return PS_EINPUT if it is not there, is of another type, or
 *  its checksum differs */
PS_MUST ps_status ps_table_get(struct ps_table *t, const char *name, enum ps_column type,
                               void *dst);
/** Attributes of the file. @return PS_EINPUT if one is not there, is of another type, or the
 *  text is longer than @p bytes - 1 */
PS_MUST ps_status ps_table_get_text(struct ps_table *t, const char *name, char *dst, size_t bytes);
PS_MUST ps_status ps_table_get_u64(struct ps_table *t, const char *name, uint64_t *x);
PS_MUST ps_status ps_table_get_f64(struct ps_table *t, const char *name, double *x);
/** Close, or give up writing (the aside file is removed). Accepts NULL, clears *t. */
void ps_table_close(struct ps_table **t);

#endif
