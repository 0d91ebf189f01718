/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file bench.h
 * @brief What a disk gives, to whom, and how near to it our planned reads come.
 *
 * All measurements go through struct ps_io (io/engine.h), so what is measured is what training
 * uses, its bookkeeping included. mmap is an engine here and nowhere else.
 *
 * @par Page cache  a buffered measurement begins with posix_fadvise(DONTNEED) on the file; what
 *                  the cache still holds of it after that is told (mincore)
 * @par Failure     PS_EUNSUPP where this machine or this file cannot be read in that way; the
 *                  others can
 */
#ifndef IO_BENCH_H
#define IO_BENCH_H

#include "io/dataset.h"
#include "io/fetch.h"
#include "io/read_trace.h"

enum ps_bench_engine {
    PS_BENCH_URING,
    PS_BENCH_PREAD,
    PS_BENCH_MMAP,
    PS_BENCH_HDF5,
    PS_BENCH_ENGINES
};
const char *ps_bench_engine_name(enum ps_bench_engine e); /**< "uring"; never NULL */

/** One way to read a file. */
struct ps_bench_case {
    enum ps_bench_engine engine;
    bool direct;    /**< ask for O_DIRECT: uring and pread only */
    bool is_random; /**< blocks in a random order, else ascending */
    uint32_t bytes; /**< of a read, a multiple of 4096 */
    uint32_t depth; /**< uring: reads in its queue; pread, mmap: threads with one each; hdf5: 1 */
};

struct ps_bench_done {
    uint64_t requests, bytes;
    double seconds;
    bool direct;   /**< the file system took O_DIRECT to the end */
    double cached; /**< share of the file's pages in the cache at the beginning; 0 if direct */
};

/** Read whole blocks of @p path for @p seconds, or until each was read once. @param[in] seed  of
 *  the random order
 *  @return PS_EINPUT for a file that is not there or shorter than a block, PS_EUNSUPP, PS_EIO,
 *          PS_EMEM */
PS_MUST ps_status ps_bench_run(struct ps_ctx *ctx, const struct ps_bench_case *c, const char *path,
                               double seconds, uint64_t seed, struct ps_bench_done *done);

/** Reads through a mapping: page faults, with MADV_SEQUENTIAL or MADV_RANDOM. A file that is cut
 *  meanwhile ends the process, so this is for measurements only. */
extern const struct ps_io_ops ps_io_mmap_sequential, ps_io_mmap_random;

/** Ask the kernel to drop the file from the page cache. @param[out] cached  share of its pages
 *  that is there all the same; NULL if that does not matter */
PS_MUST ps_status ps_bench_drop(const char *path, double *cached);

/** Make a file to be read: HDF5 with one array of random bytes, u8 [bytes / 4096, 4096], written in
 *  full and synced. @param[out] path  (PS_TEXT_BYTES) a new name in @p dir
 *  @return PS_EIO where it does not fit; nothing is left then */
PS_MUST ps_status ps_bench_file_make(struct ps_ctx *ctx, const char *dir, uint64_t bytes,
                                     uint64_t seed, char *path);

/** Dense feature rows of a dataset, open for planned reads. */
struct ps_bench_rows;

/** @p o: engine, depth and read size. @return PS_EUNSUPP if its rows are not dense */
PS_MUST ps_status ps_bench_rows_open(struct ps_bench_rows **b, struct ps_ctx *ctx,
                                     const struct ps_dataset *ds, const struct ps_opts_io *o);
/** Accepts NULL, clears *b. */
void ps_bench_rows_close(struct ps_bench_rows **b);
uint64_t ps_bench_rows_bytes(const struct ps_bench_rows *b);     /**< of one row */
const char *ps_bench_rows_engine(const struct ps_bench_rows *b); /**< "uring", ... */

/** What planned reads cost. */
struct ps_bench_planned {
    uint64_t rows;
    struct ps_fetch_counts fetch;
    double seconds;
};

/** Fetch rows of nodes (global ids, ascending, each once), in pieces of at most 64 MiB; the cost
 *  is added to @p d. @return PS_EINPUT for a node that the dataset has not */
PS_MUST ps_status ps_bench_rows_fetch(struct ps_bench_rows *b, const uint64_t *node, uint64_t n,
                                      struct ps_bench_planned *d);
/** Fetch a random set of @p share of all rows, or as much of it as can be had in @p seconds, from
 *  a random node on; again with other sets until the time is over. The page cache is emptied of the
 *  dataset before. */
PS_MUST ps_status ps_bench_rows_random(struct ps_bench_rows *b, double share, double seconds,
                                       uint64_t seed, struct ps_bench_planned *d);
/** Empty the page cache of the dataset's files. */
PS_MUST ps_status ps_bench_rows_drop(struct ps_bench_rows *b);

/** Repeat recorded reads on the files of that name in folder @p dir, in order, with as many in
 *  flight as @p o says. Reads may end at the end of a file. @param[out] d  direct, cached: not set
 *  @param[out] engine  the one in use, a constant */
PS_MUST ps_status ps_bench_replay(struct ps_ctx *ctx, const struct ps_read_list *l, const char *dir,
                                  const struct ps_opts_io *o, struct ps_bench_done *d,
                                  const char **engine);

#endif
