/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file fetch.h
 * @brief Bring scattered byte ranges of files into memory, in few large reads.
 *
 * Wanted extents, ascending by file and offset, are merged into aligned reads
 * of at most --read-bytes: neighbours whose gap costs less than another request
 * share a read (io/plan.h), long extents are split. What a gap and a request cost is
 * measured in the first run that has a file of 64 MiB or more (io/cost.h). Reads land in a ring of
 * staging buffers and what is wanted is copied from there, once, while later reads fly.
 *
 * @par In place  a read of 64 KiB or more of which every byte is wanted, in order, lands at dst
 *               where dst is aligned as the offset is (blocks of ps_mem from 256 KiB on begin
 *               aligned, as arrays do in files): a tenth of the CPU time
 * @par Threads  that of the engine
 * @par Memory   queue_depth staging buffers of read_bytes and 16 KiB each, together at most 64 MiB
 * (but at least two), from new; a run allocates nothing
 * @par Checksums with o->verify_reads every block that holds a wanted byte is checked (files
 *               must be parts of datasets then); their checksums are loaded by the next run after
 *               a file was added, which allocates for that
 * @par Failure  PS_EINPUT if a file ends too early (bytes that nobody wants may be missing) or a
 * block is damaged, PS_EIO for a failed read: with path, offset, expected and found. Other reads
 * are waited for; the fetch can be used again.
 */
#ifndef IO_FETCH_H
#define IO_FETCH_H

#include "io/plan.h"

struct ps_fetch_counts {
    uint64_t wanted_bytes;  /**< what the extents ask for, repetitions included */
    uint64_t read_bytes;    /**< what the reads brought: alignment and gaps included */
    uint64_t requests;      /**< reads */
    uint64_t extents;       /**< that want bytes; extents / requests is the merge ratio */
    struct ps_io_cost cost; /**< that the plan was made with */
};

struct ps_fetch;

/** @p io is borrowed; @p o as it was made with. @return PS_EMEM, PS_EUSAGE for half a cost
 */
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
