/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file fetch.h
 * @brief Bring scattered byte ranges of files into memory, in few large reads.
 *
 * Wanted extents, ascending by file and offset, are merged into aligned reads
 * of at most --read-bytes: neighbours whose gap is not larger than a threshold
 * share a read, long extents are split. Reads land in a ring of staging buffers and
 * what is wanted is copied from there, once, while later reads fly.
 *
 * @par Threads  that of the engine
 * @par Memory   queue_depth staging buffers of read_bytes each, together at most 64 MiB (but
 *               at least two), from new; a run allocates nothing
 * @par Failure  PS_EINPUT if a file ends too early (bytes that nobody wants may be missing), PS_EIO
 * for a failed read: with path, offset, expected and found. Other reads are waited for; the fetch
 * can be used again.
 */
#ifndef IO_FETCH_H
#define IO_FETCH_H

#include "io/engine.h"

/** One wanted range. */
struct ps_extent {
    uint32_t file;
    uint64_t offset; /**< any alignment */
    uint64_t bytes;  /**< may be 0 */
    void *dst;       /**< (bytes) any alignment */
};

struct ps_fetch_counts {
    uint64_t wanted_bytes; /**< what the extents ask for, repetitions included */
    uint64_t read_bytes;   /**< what the reads brought: alignment and gaps included */
    uint64_t requests;     /**< reads */
};

struct ps_fetch;

/** @p io is borrowed; @p o as it was made with. @return PS_EMEM */
PS_MUST ps_status ps_fetch_new(struct ps_fetch **f, struct ps_ctx *ctx, struct ps_io *io,
                               const struct ps_opts_io *o);
/** Accepts NULL, clears *f. */
void ps_fetch_free(struct ps_fetch **f);

/** Fetch all of them; returns when the last byte is at its place.
 *  @param[in] extent (n) ascending by (file, offset); they may overlap or repeat (the
 *             time is that of n + reads, plus n again for each read inside one long extent
 *             that many others repeat) */
PS_MUST ps_status ps_fetch_run(struct ps_fetch *f, const struct ps_extent *extent, uint64_t n);

/** Sums over all runs that succeeded; reads of failed runs count too. */
struct ps_fetch_counts ps_fetch_counts(const struct ps_fetch *f);

#endif
