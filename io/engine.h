/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file engine.h
 * @brief The disk edge: ask for byte ranges of files; be told when they have arrived.
 *
 * An engine is one table of functions (struct ps_io_ops). The caller never
 * calls the table: it calls the functions here, which check, count and time
 * every engine in the same way, then forward. Backends: uring (O_DIRECT,
 * batched submission), pread (plain, correct on sight), hdf5 (through H5Dread: the oracle that
 * says whether our extents are those of the HDF5 library) and sim (a disk that is as slow
 * and as faulty as it is told to be: io/sim_disk.h).
 *
 * @par Life of a request
 *   caller owns it -> submit -> engine owns it, and the bytes at dst -> reap
 *   -> caller owns it again. Nobody copies a request; its address is its name.
 * @par Back-pressure
 *   A full queue is not a failure. submit says how many it took; reap, then
 *   offer the rest. Nothing here blocks except reap with min > 0.
 * @par Short reads, interruptions, errors
 *   The generic layer resubmits the tail; EINTR and EAGAIN are tried again, up to 1000 times
 *   without a new byte. EIO is tried once more, for parallel file systems tell it while a
 *   server is replaced, and reading twice does no harm; a read that then succeeds is worth a line
 *   of log, once. Everything else is final. A caller sees len bytes, or sys != 0 in the request
 *   (ENODATA: the file ended).
 * @par Threads
 *   One handle, one thread: the one that called ps_io_new (the ring is made
 *   SINGLE_ISSUER where the kernel knows it).
 */
#ifndef IO_ENGINE_H
#define IO_ENGINE_H

#include "src/base/ctx.h"
#include "src/base/opt.h"

/** One read. Fill the first four members; the rest is the engine's. */
struct ps_io_req {
    uint32_t file;   /**< as ps_io_add_file gave it */
    uint32_t len;    /**< bytes: a multiple of ps_io_align, at most read_bytes */
    uint64_t offset; /**< bytes from the start of the file; a multiple of ps_io_align */
    void *dst;       /**< (len) aligned to ps_io_align */

    uint32_t done; /**< bytes that have arrived; may end below len at the end of the file,
                        then sys is ENODATA */
    int sys;       /**< 0, or the positive errno that ended the read */

    /* One attempt, between the generic layer and the engine. */
    uint32_t from;   /**< this attempt reads the bytes [from, len); a multiple of ps_io_align */
    int32_t result;  /**< the engine's answer, as of pread: bytes, or a negative errno */
    uint32_t futile; /**< attempts in a row that brought nothing new */
    bool had_eio;    /**< an attempt ended with EIO */
};

struct ps_io; /* files opened through one engine, for one thread */

enum { PS_IO_OPS_VERSION = 3, PS_IO_FILES_MAX = 65536 };

struct ps_sim_disk; /* io/sim_disk.h */

/** What an engine is started with; borrowed for the call of open only. */
struct ps_io_setup {
    uint32_t queue_depth;
    const struct ps_sim_disk
        *sim; /**< never NULL; a disk without limits or faults if not asked for */
};

/**
 * What an engine author writes. Statuses are failures of the engine itself, after
 * which it is only closed; the outcome of a read is reported in its request, so
 * the others can go on. One attempt for each request: offset + from, len - from
 * bytes, to dst + from, outcome in result. Tails and retries are the generic layer's.
 */
struct ps_io_ops {
    int version; /**< PS_IO_OPS_VERSION when this was compiled */
    const char *name;
    size_t state_bytes;
    bool direct;  /**< files are opened with O_DIRECT where the file system allows it */
    bool is_real; /**< its speed is that of a disk, and worth measuring */
    /** Set up @p state (zeroed). @return PS_EUNSUPP where this machine refuses. */
    ps_status (*open)(void *state, struct ps_ctx *ctx, const struct ps_io_setup *setup);
    /** A file was opened as @p fd; it gets number @p file, which counts up from 0. On failure
     *  the same number is offered again, with another file. NULL if files mean nothing to it. */
    ps_status (*add_file)(void *state, struct ps_ctx *ctx, uint32_t file, int fd, const char *path);
    /** Many reads will land in [base, base + bytes), until unpin or close: whatever can be made
     *  ready once is. At most one such region at a time. @return the bytes at its front that were
     *  made ready; reads land in the rest as they land anywhere. NULL if that means nothing here,
     *  then unpin is too */
    size_t (*pin)(void *state, struct ps_ctx *ctx, void *base, size_t bytes);
    void (*unpin)(void *state); /**< nothing is in flight, unless the engine failed */
    /** Take up to @p n requests; tell how many. @p fd is (files). Taking none
     *  is allowed only while others are in flight. */
    ps_status (*submit)(void *state, const int *fd, struct ps_io_req *const *req, uint32_t n,
                        uint32_t *taken);
    /** Wait for at least @p min, return at most @p max finished requests. */
    ps_status (*reap)(void *state, uint32_t min, uint32_t max, struct ps_io_req **req, uint32_t *n);
    /** Give everything back. No request is in flight, unless the engine failed. */
    void (*close)(void *state, struct ps_ctx *ctx);
};

extern const struct ps_io_ops ps_io_uring, ps_io_pread, ps_io_hdf5, ps_io_sim;
/** NULL-terminated: every engine of this build, the preferred one first. Tests loop over it. */
extern const struct ps_io_ops *const ps_io_engines[];

struct ps_io_counts {
    uint64_t requests, bytes; /**< finished reads and what they brought, alignment included */
    uint64_t attempts;        /**< requests, and every time that one was tried again */
};

/**
 * Start an engine. PS_IO_AUTO tries io_uring and falls back to pread with one
 * line (ps_warn, so a job says it once, on rank 0) that says why; an engine asked for by
 * name that this machine refuses is PS_EUNSUPP with the remedy. The environment plays no
 * part. With o->record every read is written to that file (io/read_trace.h).
 * @param[in] sim  what --io sim does; NULL for a disk without limits and faults
 * @return PS_EUSAGE for read_bytes that is no multiple of 4096, a fault plan that cannot be read,
 *         settings of a simulated disk without --io sim; PS_EUNSUPP, PS_EMEM
 */
PS_MUST ps_status ps_io_new(struct ps_io **io, struct ps_ctx *ctx, const struct ps_opts_io *o,
                            const struct ps_opts_sim *sim);
/** Start this engine and no other; o->engine is not looked at. For tests and measurements.
 *  @param[in] sim  for ps_io_sim; NULL as above */
PS_MUST ps_status ps_io_new_with(struct ps_io **io, struct ps_ctx *ctx, const struct ps_io_ops *ops,
                                 const struct ps_opts_io *o, const struct ps_sim_disk *sim);
/** @pre nothing is in flight, unless a submit or reap failed. Accepts NULL, clears *io,
 *  closes its files. */
void ps_io_free(struct ps_io **io);

/** Open @p path for reading, with O_DIRECT for a direct engine where the file system takes it
 *  (tmpfs of older kernels does not: then buffered, with one line). Alignment
 *  comes from statx STATX_DIOALIGN where the kernel tells it; adding a file may raise
 *  ps_io_align. @return PS_EINPUT if it is not there or no regular file, PS_EUSAGE if
 *  its alignment is above read_bytes, PS_EIO, PS_EMEM */
PS_MUST ps_status ps_io_add_file(struct ps_io *io, const char *path, uint32_t *file);

/** Tell the engine that many reads will land in this memory: io_uring maps it once instead of for
 *  each read, as far as the limit of locked memory (ulimit -l) allows; where nothing of it is
 *  allowed one line says so. Reads may land anywhere else as before, and all bring the same. One
 *  region at a time: the first. It must stay until ps_io_unpin or ps_io_free.
 *  @return the bytes at its front that are mapped; 0: none, and ps_io_unpin is not called for it */
size_t ps_io_pin(struct ps_io *io, void *base, size_t bytes);
/** @pre nothing is in flight, unless a submit or reap failed */
void ps_io_unpin(struct ps_io *io);

/** Offer requests, in order. @param[out] taken how many the engine has now; the rest is
 *  still the caller's: 0 if the queue is full. @return PS_EIO, PS_EMEM: the engine failed */
PS_MUST ps_status ps_io_submit(struct ps_io *io, struct ps_io_req *const *req, uint32_t n,
                               uint32_t *taken);
/** Finished requests, in any order. @param[in] min wait for so many; at most what is in
 *  flight @param[out] req (max) @return PS_EIO: the engine failed */
PS_MUST ps_status ps_io_reap(struct ps_io *io, uint32_t min, uint32_t max, struct ps_io_req **req,
                             uint32_t *n);

/** Leave the reads that follow out of the record (o->record), until told otherwise: for such as
 *  measure and bring nothing that is wanted. */
void ps_io_hold_record(struct ps_io *io, bool hold);

/** Alignment of offset, length and address that suits every open file: a power of two, at
 *  least 4096. */
uint32_t ps_io_align(const struct ps_io *io);
uint32_t ps_io_in_flight(const struct ps_io *io);
uint32_t ps_io_queue_depth(const struct ps_io *io);
uint32_t ps_io_read_bytes(const struct ps_io *io); /**< the largest single read */
uint32_t ps_io_file_count(const struct ps_io *io);
const char *ps_io_name(const struct ps_io *io); /**< "uring", ...: the one in use */
bool ps_io_is_real(const struct ps_io *io);     /**< it reads from a disk at the disk's speed */
/** Bytes of an open file now; 0 if the system does not tell. */
uint64_t ps_io_file_bytes(const struct ps_io *io, uint32_t file);
const char *ps_io_path(const struct ps_io *io, uint32_t file);
struct ps_io_counts ps_io_counts(const struct ps_io *io);

#endif
