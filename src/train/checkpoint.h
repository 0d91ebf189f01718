/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file checkpoint.h
 * @brief A checkpoint in a file: everything that a job needs to go on as if nothing had been.
 *
 * checkpoint.h5 in RUN is the newest, checkpoint.prev.h5 the one before. A new one is whole and on
 * disk, under a third name, before the others are renamed, so at any moment one of them is
 * whole. Each array has a checksum, and so has the structure around them.
 *
 * Not collective: rank 0 writes and reads. What a rank alone knows is gathered before.
 *
 * @par Source  docs/format.md, section on checkpoints
 */
#ifndef PS_TRAIN_CHECKPOINT_H
#define PS_TRAIN_CHECKPOINT_H

#include "src/train/trainer.h"

#define PS_CHECKPOINT_NEWEST "checkpoint.h5"
#define PS_CHECKPOINT_PREVIOUS "checkpoint.prev.h5"
#define PS_CHECKPOINT_NEXT "checkpoint.new.h5" /**< only while one is written */

enum { PS_CHECKPOINT_VERSION = 1 };

struct ps_checkpoint {
    const struct ps_opts *o;       /**< what must be the same is in the file, and is compared */
    const char *dataset_uuid;      /**< likewise */
    uint64_t run;                  /**< the run that is trained, of run_count */
    struct ps_position at;         /**< in it */
    double saved_accuracy;         /**< of the model in model.h5; -1: there is none yet */
    uint64_t resumed;              /**< how often so far */
    double seconds;                /**< of the job so far, on rank 0 */
    struct ps_trainer_state state; /**< read by save, overwritten by load */
    struct ps_run *runs;           /**< (run_count) likewise: [0, run] with their epochs */
    uint64_t run_count, epochs_max;
    uint64_t *sums; /**< (ranks, words) what each rank has counted so far */
    uint64_t ranks, words;
};

/** Write @p dir/checkpoint.h5; what has that name becomes the previous. @return PS_EIO, PS_EMEM;
 *  the earlier ones are untouched then */
PS_MUST ps_status ps_checkpoint_save(struct ps_ctx *ctx, const char *dir,
                                     const struct ps_checkpoint *c);

/**
 * Read one file.
 * @param[in,out] c  o, dataset_uuid, state, runs, run_count, epochs_max and words are given by the
 *                   caller; sums is made here, from ctx->mem, and the caller's to free
 * @return PS_EINPUT if it is not there or damaged; PS_EUSAGE if it is of another dataset, other
 *         options or another version; PS_EMEM. After a failure sums is NULL, and the numbers
 *         that state and runs point to are undefined
 */
PS_MUST ps_status ps_checkpoint_load(struct ps_ctx *ctx, const char *path, struct ps_checkpoint *c);

#endif
