/* SPDX-License-Identifier: Apache-2.0 */
/*
 * While a job runs: when a checkpoint is due, and writing it.
 *
 * Only rank 0 looks at the clock, and any rank may hear a signal; what they wish travels in the
 * all-reduce of the step, so all ranks come here after the same step.
 */
#include "src/train/checkpoint.h"
#include "src/train/job.h"
#include "src/train/stop.h"

#include <string.h>

_Static_assert(sizeof(struct ps_trainer_counts) % 8 == 0 &&
                   sizeof(struct ps_fetch_counts) % 8 == 0 && sizeof(struct ps_total) % 8 == 0,
               "counts are 64-bit words");

static bool is_due(const struct ps_job *j, uint64_t now)
{
    const struct ps_opts_save *o = &j->o->save;

    return (o->steps > 0 && j->steps_unsaved >= o->steps) ||
           (o->every > 0 && 1e-9 * (double)(now - j->saved_ns) >= o->every);
}

static bool is_time_up(const struct ps_job *j, uint64_t now)
{
    double most = 3600 * j->o->save.max_hours;

    return most > 0 && 1e-9 * (double)(now - j->ctx->trace.start_ns) >= most;
}

void ps_job_wish(void *arg, uint64_t wish[PS_WISH_COUNT])
{
    struct ps_job *j = arg;
    bool is_first = ps_world_rank(j->world) == 0;
    uint64_t now = is_first ? ps_now_ns() : 0;

    j->steps_unsaved++;
    wish[PS_WISH_SAVE] = is_first && is_due(j, now);
    wish[PS_WISH_STOP] = ps_stop_asked() || (is_first && is_time_up(j, now));
}

void ps_job_facts(const struct ps_job *j, struct ps_rank_facts *f)
{
    uint64_t word[PS_FACT_WORDS];
    unsigned char *from = (unsigned char *)f + offsetof(struct ps_rank_facts, counts);

    ps_rank_facts(f, j->world, j->trainer);
    memcpy(word, from, sizeof word);
    for (size_t i = 0; i < PS_FACT_WORDS; i++)
        word[i] += j->base[i];
    memcpy(from, word, sizeof word);
}

/* What every rank has counted, to rank 0. */
static PS_MUST ps_status gather_sums(struct ps_job *j)
{
    struct ps_rank_facts own;

    ps_job_facts(j, &own);
    PS_TRY(ps_world_gather(j->world, PS_OK, &own, sizeof own, j->fact));
    for (uint32_t r = 0; j->sums != NULL && r < ps_world_ranks(j->world); r++)
        memcpy(j->sums + (size_t)r * PS_FACT_WORDS, &j->fact[r].counts,
               PS_FACT_WORDS * sizeof *j->sums);
    return PS_OK;
}

static PS_MUST ps_status write_checkpoint(struct ps_job *j, const struct ps_position *at)
{
    struct ps_span span = ps_span_begin(PS_EV_checkpoint);
    const struct ps_checkpoint c = {.o = j->o,
                                    .dataset_uuid = j->shard->meta->uuid,
                                    .run = j->run,
                                    .at = *at,
                                    .saved_accuracy = j->saved_accuracy,
                                    .resumed = j->record.resumed,
                                    .seconds = ps_record_seconds(&j->record),
                                    .state = ps_trainer_state(j->trainer),
                                    .runs = j->record.run,
                                    .run_count = j->record.run_count,
                                    .epochs_max = j->o->train.epochs,
                                    .sums = j->sums,
                                    .ranks = ps_world_ranks(j->world),
                                    .words = PS_FACT_WORDS};

    if (ps_world_rank(j->world) != 0)
        return PS_OK;
    PS_TRY(ps_checkpoint_save(j->ctx, j->record.dir, &c));
    ps_span_end(&j->ctx->trace, &span, 0);
    return PS_OK;
}

/* Training goes on without a new checkpoint, and with the last one: a disk that is full now may
 * have room later, and the result does not hang on it. Told once for each time that it begins. */
static void warn_of(struct ps_job *j, ps_status st)
{
    if (st != PS_OK && !j->save_failed)
        ps_warn(&j->ctx->log, "no checkpoint: %s; training goes on", ps_err_sentence());
    j->save_failed = st != PS_OK;
}

ps_status ps_job_on_wish(void *arg, const struct ps_run *run, const struct ps_position *at,
                         const uint64_t wish[PS_WISH_COUNT])
{
    struct ps_job *j = arg;
    ps_status st;

    PS_TRY(gather_sums(j));
    st = write_checkpoint(j, at);
    j->saved_ns = ps_now_ns();
    j->steps_unsaved = 0;
    if (wish[PS_WISH_STOP] == 0) {
        warn_of(j, st);
        return PS_OK;
    }
    PS_TRY(ps_world_agree(j->world, st));
    PS_FAIL(PS_ESTOP,
            "stopped in epoch %" PRIu64 " after batch %" PRIu64 " (seed %" PRIu64
            ", split %u): the same command with --resume and --out %s goes on from there",
            at->epoch + 1, at->batch, run->seed, run->split, j->record.dir);
}
