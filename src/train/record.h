/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file record.h
 * @brief What is left of a run: metrics.jsonl, run.json, and the table at the end.
 *
 * metrics.jsonl has a line per epoch, written as it happens. run.json is written at the end,
 * aside and renamed: options, build, machine, dataset, results, times, counts, memory.
 */
#ifndef PS_TRAIN_RECORD_H
#define PS_TRAIN_RECORD_H

#include "src/base/opt.h"
#include "src/train/trainer.h"

#include <stddef.h>

/** What each rank contributes at the end; plain data, gathered as it is. */
struct ps_rank_facts {
    char host[64];
    uint64_t peak_rss_bytes, threads;
    uint64_t mem_peak_bytes, mem_cat_peak_bytes[PS_MEM_CAT_COUNT];
    /* from here on 64-bit counts that add up over the sittings of a resumed job */
    struct ps_trainer_counts counts;
    uint64_t sent_bytes[PS_TRAFFIC_COUNT];
    struct ps_fetch_counts fetch;
    struct ps_total total[PS_EVENT_COUNT];
};

/** Those counts as words. */
enum {
    PS_FACT_WORDS =
        (sizeof(struct ps_rank_facts) - offsetof(struct ps_rank_facts, counts)) / sizeof(uint64_t)
};

struct ps_record {
    struct ps_ctx *ctx;
    const struct ps_opts *o;
    const char *line;        /**< command line */
    char dir[PS_TEXT_BYTES]; /**< RUN; "" on other ranks than 0 */
    FILE *metrics;
    struct ps_run *run; /**< (run_count) */
    uint32_t run_count;
    uint32_t feature_dim;
    uint64_t begin_ns, said_ns;
    double earlier_seconds; /**< of the job, before this sitting */
    uint64_t resumed;       /**< how often the job was resumed */
};

/** Choose the directory and make it, where it is not there; rank 0 only. @return PS_EIO */
PS_MUST ps_status ps_record_begin(struct ps_record *r);
/** Write metrics.jsonl anew, with a line for each epoch that the runs have. @return PS_EIO */
PS_MUST ps_status ps_record_metrics(struct ps_record *r);
/** Seconds of the job so far, earlier sittings included. */
double ps_record_seconds(const struct ps_record *r);
/** The last epoch of @p run, as a line and as progress; rank 0 only. */
PS_MUST ps_status ps_record_epoch(struct ps_record *r, const struct ps_run *run);
void ps_record_fini(struct ps_record *r);

/** Collect facts of this rank. */
void ps_rank_facts(struct ps_rank_facts *f, struct ps_world *w, const struct ps_trainer *t);

/** The report of the whole job as JSON: the keys of design.md section 11. The caller owns it. NULL
 *  if memory is out. @param[in] fact (ranks) */
json_t *ps_record_report(const struct ps_record *r, const struct ps_world *w,
                         const struct ps_rank_facts *fact);
/** Write run.json from the report. @return PS_EIO */
PS_MUST ps_status ps_record_write(const struct ps_record *r, const struct ps_shard *shard,
                                  const json_t *report, const struct ps_rank_facts *fact);
/** The table at the end, for a person. */
void ps_record_table(FILE *out, const struct ps_record *r, const struct ps_world *w,
                     const struct ps_rank_facts *fact);

#endif
