/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Before a job runs: what RUN holds, and from where training goes on.
 *
 *   run.json there        the job is finished; without --resume another may take its place
 *   a checkpoint there    it is not finished: --resume goes on, --force begins anew, else refused
 *   neither               begin
 *
 * Rank 0 looks and reads; the numbers that all ranks share go to them by broadcast.
 */
#include "src/train/checkpoint.h"
#include "src/train/identity.h"
#include "src/train/job.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

static void in_run(const struct ps_job *j, const char *name, char path[PATH_MAX])
{
    PS_ASSERT(snprintf(path, PATH_MAX, "%s/%s", j->record.dir, name) < PATH_MAX);
}

static bool has(const struct ps_job *j, const char *name)
{
    char path[PATH_MAX];

    in_run(j, name, path);
    return access(path, F_OK) == 0;
}

static PS_MUST ps_status remove_file(const struct ps_job *j, const char *name)
{
    char path[PATH_MAX];

    in_run(j, name, path);
    if (unlink(path) != 0 && errno != ENOENT)
        PS_FAIL_SYS(errno, "cannot remove %s", path);
    return PS_OK;
}

/* Files that a writer was killed over: .checkpoint.new.h5.tmp-PID, .model.h5.tmp-PID. */
static void remove_begun(const struct ps_job *j)
{
    static const char *const stem[] = {"." PS_CHECKPOINT_NEXT ".tmp-", ".model.h5.tmp-"};
    DIR *d = opendir(j->record.dir);
    const struct dirent *e;

    /* NOLINTNEXTLINE(concurrency-mt-unsafe): the stream is this thread's alone */
    while (d != NULL && (e = readdir(d)) != NULL)
        for (size_t i = 0; i < sizeof stem / sizeof stem[0]; i++)
            if (strncmp(e->d_name, stem[i], strlen(stem[i])) == 0)
                (void)unlinkat(dirfd(d), e->d_name, 0);
    if (d != NULL)
        closedir(d);
}

ps_status ps_job_forget(const struct ps_job *j)
{
    remove_begun(j);
    PS_TRY(remove_file(j, PS_CHECKPOINT_NEXT));
    PS_TRY(remove_file(j, PS_CHECKPOINT_PREVIOUS));
    return remove_file(j, PS_CHECKPOINT_NEWEST);
}

/* The record or model of an earlier job beside the metrics of this one would tell lies. */
static PS_MUST ps_status clear(const struct ps_job *j)
{
    PS_TRY(ps_job_forget(j));
    PS_TRY(remove_file(j, "run.json"));
    return remove_file(j, "model.h5");
}

static struct ps_checkpoint blank(struct ps_job *j)
{
    return (struct ps_checkpoint){.o = j->o,
                                  .dataset_uuid = j->shard->meta->uuid,
                                  .state = ps_trainer_state(j->trainer),
                                  .runs = j->record.run,
                                  .run_count = j->record.run_count,
                                  .epochs_max = j->o->train.epochs,
                                  .words = PS_FACT_WORDS};
}

/* The newest is damaged, or gone with a writer that was killed: the one before it is as good, and
 * a little older. The damaged one is kept under another name, for whoever wants to know. */
static PS_MUST ps_status load_previous(struct ps_job *j, struct ps_checkpoint *c)
{
    char newest[PATH_MAX], previous[PATH_MAX], aside[PATH_MAX], why[PS_ERR_TEXT_BYTES];
    bool is_there = has(j, PS_CHECKPOINT_NEWEST);
    ps_status st;

    snprintf(why, sizeof why, "%s", ps_err_sentence());
    in_run(j, PS_CHECKPOINT_NEWEST, newest);
    in_run(j, PS_CHECKPOINT_PREVIOUS, previous);
    in_run(j, "checkpoint.damaged.h5", aside);
    *c = blank(j);
    st = ps_checkpoint_load(j->ctx, previous, c);
    if (st == PS_EINPUT || st == PS_EIO)
        PS_FAIL(PS_EINPUT,
                "no checkpoint can be read (%.300s; %.300s): --force in place of --resume begins "
                "anew",
                why, ps_err_sentence());
    if (st == PS_OK && is_there) {
        ps_warn(&j->ctx->log, "%s; going on from %s", why, previous);
        if (rename(newest, aside) != 0)
            PS_FAIL_SYS(errno, "cannot rename %s to %s", newest, aside);
    }
    return st;
}

static PS_MUST ps_status load(struct ps_job *j, struct ps_checkpoint *c)
{
    char path[PATH_MAX];
    ps_status st;

    in_run(j, PS_CHECKPOINT_NEWEST, path);
    *c = blank(j);
    st = ps_checkpoint_load(j->ctx, path, c);
    if (st == PS_EINPUT || st == PS_EIO)
        st = load_previous(j, c);
    if (st == PS_OK && c->saved_accuracy >= 0 && !has(j, "model.h5")) {
        ps_mem_free(&j->ctx->mem, &c->sums);
        PS_FAIL(PS_EINPUT,
                "%s/model.h5 is not there: the checkpoint counts on the model of an earlier run "
                "in it; --force in place of --resume begins anew",
                j->record.dir);
    }
    return st;
}

/* The results of a job that is finished, if it is the one that the options describe. */
static PS_MUST ps_status read_finished(struct ps_job *j, json_t **report)
{
    char path[PATH_MAX];
    json_error_t why;
    const char *uuid;
    json_t *run;
    ps_status st = PS_OK;

    in_run(j, "run.json", path);
    run = json_load_file(path, 0, &why);
    if (run == NULL)
        PS_FAIL(PS_EINPUT, "%s: line %d: %s", path, why.line, why.text);
    uuid = json_string_value(json_object_get(json_object_get(run, "dataset"), "uuid"));
    if (uuid == NULL || strcmp(uuid, j->shard->meta->uuid) != 0)
        PS_GO_FAIL(st, PS_EUSAGE, "%s is of a run on dataset %s, this one is %s", path,
                   uuid != NULL ? uuid : "unknown", j->shard->meta->uuid);
    PS_GO(st, ps_identity_check(j->o, json_object_get(run, "options"), path));
    json_object_set_new(run, "out", json_string(j->record.dir));
    PS_GO(st, ps_job_forget(j)); /* where the job was killed between its last two acts */
    ps_log(&j->ctx->log, "%s is finished: nothing is left to train", j->record.dir);
    *report = run;
    return PS_OK;
out:
    json_decref(run);
    return st;
}

/* What rank 0 finds, for all. */
struct found {
    enum ps_job_start start;
    uint64_t run, ranks, resumed;
    struct ps_position at;
    double saved_accuracy;
};

static PS_MUST ps_status look(struct ps_job *j, struct found *f, struct ps_checkpoint *c,
                              json_t **report)
{
    const struct ps_opts *o = j->o;
    bool is_begun, is_finished;

    if (o->save.resume && *o->common.out == '\0')
        PS_FAIL(PS_EUSAGE, "--resume needs --out RUN: which run?");
    if (o->save.resume && o->common.force)
        PS_FAIL(PS_EUSAGE, "--resume goes on and --force begins anew: give one of them");
    PS_TRY(ps_record_begin(&j->record));
    is_begun = has(j, PS_CHECKPOINT_NEWEST) || has(j, PS_CHECKPOINT_PREVIOUS);
    is_finished = has(j, "run.json");
    if (o->save.resume && is_finished) {
        f->start = PS_JOB_IS_FINISHED;
        return read_finished(j, report);
    }
    if (is_begun && !is_finished && !o->save.resume && !o->common.force)
        PS_FAIL(PS_EUSAGE,
                "%s holds a checkpoint of a run that is not finished: --resume goes on from it, "
                "--force begins anew",
                j->record.dir);
    if (!o->save.resume || !is_begun) {
        if (o->save.resume)
            ps_log(&j->ctx->log, "%s holds no checkpoint: training begins at the first epoch",
                   j->record.dir);
        return clear(j);
    }
    PS_TRY(load(j, c));
    remove_begun(j);
    *f = (struct found){PS_JOB_GOES_ON, c->run, c->ranks, c->resumed + 1, c->at, c->saved_accuracy};
    return PS_OK;
}

static PS_MUST ps_status share_weights(struct ps_job *j)
{
    struct ps_trainer_state s = ps_trainer_state(j->trainer);
    uint64_t bytes = s.count * sizeof *s.weights;

    PS_TRY(ps_world_broadcast(j->world, PS_OK, s.weights, bytes, 0));
    PS_TRY(ps_world_broadcast(j->world, PS_OK, s.best, bytes, 0));
    if (s.m == NULL)
        return PS_OK;
    PS_TRY(ps_world_broadcast(j->world, PS_OK, s.m, bytes, 0));
    return ps_world_broadcast(j->world, PS_OK, s.v, bytes, 0);
}

/* The run that goes on, without its epochs, which rank 0 alone records. */
static PS_MUST ps_status share_run(struct ps_job *j)
{
    struct ps_run *run = &j->record.run[j->run];
    struct ps_epoch *room = run->epoch;
    ps_status st = ps_world_broadcast(j->world, PS_OK, run, sizeof *run, 0);

    run->epoch = room;
    return st;
}

/* What ranks counted goes to the ranks there are now: sums over all of them are what they were. */
static PS_MUST ps_status share_sums(struct ps_job *j, const struct found *f, uint64_t *sums)
{
    uint32_t rank = ps_world_rank(j->world), ranks = ps_world_ranks(j->world);
    uint64_t *all = sums;
    ps_status st = PS_OK;

    if (all == NULL)
        st = PS_NEW(&j->ctx->mem, PS_MEM_OTHER, all, f->ranks * PS_FACT_WORDS);
    PS_GO(st, ps_world_broadcast(j->world, st, all, f->ranks * PS_FACT_WORDS * sizeof *all, 0));
    for (uint64_t r = rank; r < f->ranks; r += ranks)
        for (size_t i = 0; i < PS_FACT_WORDS; i++)
            j->base[i] += all[r * PS_FACT_WORDS + i];
out:
    if (all != sums)
        ps_mem_free(&j->ctx->mem, &all);
    return st;
}

static PS_MUST ps_status go_on(struct ps_job *j, const struct found *f, uint64_t *sums)
{
    j->run = f->run;
    j->from = f->at;
    j->saved_accuracy = f->saved_accuracy;
    j->record.resumed = f->resumed;
    PS_TRY(share_weights(j));
    PS_TRY(share_run(j));
    PS_TRY(share_sums(j, f, sums));
    for (uint64_t i = 0; i <= j->run; i++) {
        j->record.run[i].seed = ps_job_seed(j, i);
        j->record.run[i].split = ps_job_split(j, i);
    }
    ps_log(&j->ctx->log, "going on in epoch %" PRIu64 " after batch %" PRIu64, f->at.epoch + 1,
           f->at.batch);
    return PS_OK;
}

ps_status ps_job_begin(struct ps_job *j, json_t **report)
{
    bool is_first = ps_world_rank(j->world) == 0;
    struct ps_checkpoint c = {.sums = NULL};
    struct found f;
    ps_status st = PS_OK;

    memset(&f, 0, sizeof f); /* it travels as it is */
    j->saved_ns = ps_now_ns();
    if (is_first)
        st = look(j, &f, &c, report);
    PS_GO(st, ps_world_broadcast(j->world, st, &f, sizeof f, 0));
    j->start = f.start;
    if (f.start == PS_JOB_GOES_ON) {
        PS_GO(st, go_on(j, &f, c.sums));
        j->record.earlier_seconds = c.seconds;
    }
    if (f.start != PS_JOB_IS_FINISHED)
        st = ps_world_agree(j->world, is_first ? ps_record_metrics(&j->record) : PS_OK);
out:
    ps_mem_free(&j->ctx->mem, &c.sums);
    return st;
}
