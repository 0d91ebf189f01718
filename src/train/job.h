/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file job.h
 * @brief One training job, all runs of all splits asked for, and how it is stopped and resumed.
 *
 * Where a job stands is found out once, in resume.c; while it runs, save.c writes checkpoints.
 *
 * @par Internal  to src/train
 */
#ifndef PS_TRAIN_JOB_H
#define PS_TRAIN_JOB_H

#include "src/train/record.h"

/** What a job does with its RUN directory. */
enum ps_job_start { PS_JOB_ANEW, PS_JOB_GOES_ON, PS_JOB_IS_FINISHED };

struct ps_job {
    struct ps_ctx *ctx;
    const struct ps_opts *o;
    struct ps_world *world;
    struct ps_shard *shard;
    struct ps_trainer *trainer;
    struct ps_record record;
    uint32_t first_split, split_count;
    double saved_accuracy;      /**< of the model in model.h5; -1: none yet */
    struct ps_rank_facts *fact; /**< (ranks) */

    enum ps_job_start start;
    uint64_t run;                 /**< the run that is trained, of record.run_count */
    struct ps_position from;      /**< where in it training goes on, with PS_JOB_GOES_ON */
    uint64_t base[PS_FACT_WORDS]; /**< what this rank counts from: earlier sittings of the job */
    uint64_t *sums;               /**< (ranks, PS_FACT_WORDS) for a checkpoint; rank 0 */
    uint64_t saved_ns;            /**< when the last checkpoint was written, or training began */
    uint64_t steps_unsaved;       /**< since then */
    bool save_failed;             /**< the last checkpoint could not be written, which was told */
};

/** Runs are numbered seeds first, then splits. */
static inline uint64_t ps_job_seed(const struct ps_job *j, uint64_t run)
{
    return j->o->common.seed + run % j->o->train.runs;
}
static inline uint32_t ps_job_split(const struct ps_job *j, uint64_t run)
{
    return j->first_split + ps_u32(run / j->o->train.runs);
}

/**
 * Look at RUN, as --resume and --force say, and leave the job ready to train from where it stands;
 * metrics.jsonl then has the epochs that are done. Collective.
 * @param[out] report  of a job that is finished, on rank 0; the caller owns it
 * @return PS_EUSAGE if it holds a checkpoint that was not asked for, or of another run; PS_EINPUT
 * if no checkpoint can be read; PS_EIO, PS_EMEM
 */
PS_MUST ps_status ps_job_begin(struct ps_job *j, json_t **report);

/** The hooks of a trainer that write checkpoints; arg is the job. */
void ps_job_wish(void *arg, uint64_t wish[PS_WISH_COUNT]);
PS_MUST ps_status ps_job_on_wish(void *arg, const struct ps_run *run, const struct ps_position *at,
                                 const uint64_t wish[PS_WISH_COUNT]);

/** Remove what RUN holds of checkpoints, whole or begun; other files stay. Rank 0 only.
 *  @return PS_EIO */
PS_MUST ps_status ps_job_forget(const struct ps_job *j);

/** The facts of this rank, with those of earlier sittings added. */
void ps_job_facts(const struct ps_job *j, struct ps_rank_facts *f);

#endif
