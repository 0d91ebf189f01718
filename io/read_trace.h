/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file read_trace.h
 * @brief The disk reads of a run, in the order in which they were asked for, as a text file.
 *
 * @code
 *   # penstock reads 1
 *   file 0 part-00000.h5      number and name, before the first read of the file
 *   0 4096 262144             a read: file, offset, bytes
 *   end 1                     reads in all; a file without it is not whole
 * @endcode
 *
 * Reads that were tried again are there once, such as measure the disk at start not at all. Names
 * are without folder, so that a record can be replayed on a copy of the dataset.
 *
 * @par Threads  that of the engine
 */
#ifndef IO_READ_TRACE_H
#define IO_READ_TRACE_H

#include "io/engine.h"

struct ps_read_trace; /* a record that is being written */

/** Begin FILE, on rank R > 0 FILE.R. @return PS_EIO, PS_EMEM, PS_EUSAGE for a name too long */
PS_MUST ps_status ps_read_trace_new(struct ps_read_trace **t, struct ps_ctx *ctx, const char *path);
/** One read more of @p io. That the file cannot be written is told at the end: reads are in flight
 *  here, and a measurement must not break them off. */
void ps_read_trace_put(struct ps_read_trace *t, const struct ps_io *io, const struct ps_io_req *r);
/** Finish the file; what cannot be written now is told in a line of log, and the file has no end
 *  line. Accepts NULL, clears *t. */
void ps_read_trace_end(struct ps_read_trace **t);

enum { PS_READ_NAME_BYTES = 256 };

/** A record, read back. */
struct ps_read_list {
    char (*name)[PS_READ_NAME_BYTES]; /**< (files) */
    struct ps_read_item {
        uint32_t file, bytes;
        uint64_t offset;
    } * item; /**< (count) */
    uint32_t files;
    uint64_t count;
    uint32_t largest; /**< bytes of the longest read */
    size_t name_cap, item_cap;
};

/** @param[out] l  the caller's: ps_read_list_free. @return PS_EINPUT with file and line, PS_EMEM */
PS_MUST ps_status ps_read_list_load(struct ps_read_list *l, struct ps_ctx *ctx, const char *path);
/** Give the memory back. */
void ps_read_list_free(struct ps_read_list *l, struct ps_ctx *ctx);

#endif
