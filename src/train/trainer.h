/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file trainer.h
 * @brief One training run: epochs of global batches, evaluation, the best model.
 *
 * Batches come from a loader (loader.h), which prepares windows of them ahead of training.
 *
 * @par Collective   everything here
 * @par Determinism  see design.md section 1, promise 2
 */
#ifndef PS_TRAIN_TRAINER_H
#define PS_TRAIN_TRAINER_H

#include "src/graph/row_window.h"
#include "src/graph/sample.h"
#include "src/graph/seeds.h"
#include "src/nn/optim.h"
#include "src/train/evaluate.h"
#include "src/train/row_trace.h"

/** What happened in one epoch; the same on all ranks. */
struct ps_epoch {
    double loss;           /**< mean over the seeds of the epoch, while it was trained */
    double train_accuracy; /**< likewise, dropout on */
    double valid_accuracy, valid_loss; /**< if evaluated */
    double seconds;                    /**< without evaluation; of rank 0 */
    double eval_seconds;
    bool evaluated, best;
};

/** One run: one seed on one split. */
struct ps_run {
    uint64_t seed;
    uint32_t split;
    uint64_t epoch_count;
    struct ps_epoch *epoch; /**< (epoch_count) */
    uint64_t best_epoch;    /**< counted from 0 */
    bool has_valid, has_test;
    double valid_accuracy, test_accuracy, valid_loss, test_loss;
    double eval_seconds;
};

/** How far a run has come, at the end of a step; the same on all ranks. */
struct ps_position {
    uint64_t epoch;           /**< counted from 0 */
    uint64_t batch;           /**< global batches of this epoch that are trained */
    uint64_t steps;           /**< of the optimizer, in this run */
    struct ps_step_sums sums; /**< over those batches and all ranks */
    double seconds;           /**< spent on them; of rank 0 */
};

/** What a rank can wish for after a step; wishes are added up in the step's all-reduce, so that
 *  all ranks hear of them at the same step. */
enum ps_wish { PS_WISH_SAVE, PS_WISH_STOP, PS_WISH_COUNT };

/** What the caller of a run wants to hear of. Each is called on every rank. */
struct ps_train_hooks {
    void *arg;
    /** After every epoch. A failure ends the run on all ranks. */
    ps_status (*after_epoch)(void *arg, const struct ps_run *run);
    /** Before the all-reduce of a step: count this rank's wishes, 0 or 1 each. Sends nothing. */
    void (*wish)(void *arg, uint64_t wish[PS_WISH_COUNT]);
    /** After a step in which some rank wished something. Collective.
     *  @param[in] wish  how many ranks wish it. @return on all ranks alike; not PS_OK ends the run
     */
    ps_status (*on_wish)(void *arg, const struct ps_run *run, const struct ps_position *at,
                         const uint64_t wish[PS_WISH_COUNT]);
};

struct ps_trainer;

/** Model, optimizer and everything for batches of @p shard; both arguments are borrowed.
 * Collective.
 *  @return PS_EINPUT if the dataset cannot be trained on, PS_EUSAGE for --fanout, PS_EMEM */
PS_MUST ps_status ps_trainer_new(struct ps_trainer **t, struct ps_shard *shard,
                                 const struct ps_opts *o);
/** Accepts NULL, clears *t. */
void ps_trainer_free(struct ps_trainer **t);

/** Finish the file of --record-rows, where there is one. Not collective. @return PS_EIO */
PS_MUST ps_status ps_trainer_end_record(struct ps_trainer *t);

/**
 * Train with @p seed on the shard's @p split.
 * @param[in,out] run   epoch has room for --epochs
 * @param[in]     from  NULL: from the beginning. Else *run and what ps_trainer_state shows are as
 *                      they were at that position, and training goes on to the same end
 */
PS_MUST ps_status ps_trainer_run(struct ps_trainer *t, uint64_t seed, uint32_t split,
                                 struct ps_run *run, const struct ps_position *from,
                                 const struct ps_train_hooks *hooks);

/** The numbers that a run is made of, the same on all ranks; borrowed, and may be written before
 *  a run goes on. The counter-based generator has no state: its keys are seed, epoch, batch. */
struct ps_trainer_state {
    uint64_t count;        /**< weights */
    float *weights, *best; /**< (count) now, and of the best epoch so far */
    float *m, *v;          /**< (count) moments of the optimizer, or NULL */
};
struct ps_trainer_state ps_trainer_state(struct ps_trainer *t);

/** The model with the best weights of the last run. */
struct ps_model *ps_trainer_model(struct ps_trainer *t);
/** Sums over the trainer's life, of this rank. */
struct ps_trainer_counts {
    uint64_t seeds, samples_fingerprint, bytes_fingerprint, sampled_edges;
    struct ps_row_counts rows;
    uint64_t windows, slots; /**< windows prepared, rows that the slab holds */
};
struct ps_trainer_counts ps_trainer_counts(const struct ps_trainer *t);

#endif
