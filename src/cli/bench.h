/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file bench.h
 * @brief The parts of `penstock bench io`: each measures, adds its keys to the report and, without
 * --json, prints its table.
 */
#ifndef PS_CLI_BENCH_H
#define PS_CLI_BENCH_H

#include "io/bench.h"
#include "src/cli/cmd.h"

/** Put @p value, a new reference, into @p object; NULL is memory that is out. @return PS_EMEM */
PS_MUST ps_status ps_bench_set(json_t *object, const char *key, json_t *value);

/** Median, smallest and largest of several measurements. */
struct ps_bench_spread {
    double median, min, max;
};
/** Sorts @p x (n). @pre n > 0 */
struct ps_bench_spread ps_bench_spread(double *x, uint64_t n);

/** Patterns of reads on one file: keys "patterns" and "skipped". @param[out] best_bytes best_reads
 *  the most bytes and reads per second that any way of reading reached; 0 if none was measured */
PS_MUST ps_status ps_bench_patterns(struct ps_ctx *ctx, const struct ps_opts *o, const char *path,
                                    json_t *report, double *best_bytes, double *best_reads);
/** Planned reads of rows: key "planned". @p best_bytes, @p best_reads as above */
PS_MUST ps_status ps_bench_planned(struct ps_ctx *ctx, const struct ps_opts *o, const char *dataset,
                                   json_t *report, double best_bytes, double best_reads);
/** The reads of --replay on the files in @p dataset. */
PS_MUST ps_status ps_bench_replay_all(struct ps_ctx *ctx, const struct ps_opts *o,
                                      const char *dataset, json_t *report);
/** Caches of --slots rows on the record --belady: key "caches". */
PS_MUST ps_status ps_bench_caches(struct ps_ctx *ctx, const struct ps_opts *o, json_t *report);

#endif
