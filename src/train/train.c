/* SPDX-License-Identifier: Apache-2.0 */
#include "src/train/train.h"

#include "src/train/job.h"
#include "src/train/model_io.h"
#include "src/train/threads.h"

#include <stdlib.h>
#include <string.h>

static PS_MUST ps_status choose_splits(struct ps_job *j)
{
    const char *text = j->o->train.split;
    char *end;
    unsigned long k;

    if (strcmp(text, "all") == 0) {
        j->first_split = 0;
        j->split_count = j->shard->meta->splits;
        return PS_OK;
    }
    k = strtoul(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || k >= j->shard->meta->splits)
        PS_FAIL(PS_EUSAGE, "--split: '%s' is not one of the %u splits of %s (0 to %u), nor all",
                text, j->shard->meta->splits, ps_dataset_path(j->shard->dataset),
                j->shard->meta->splits == 0 ? 0 : j->shard->meta->splits - 1);
    j->first_split = (uint32_t)k;
    j->split_count = 1;
    return PS_OK;
}

static PS_MUST ps_status prepare_record(struct ps_job *j)
{
    struct ps_mem *m = &j->ctx->mem;
    struct ps_record *r = &j->record;

    PS_TRY(choose_splits(j));
    r->run_count = ps_u32(j->o->train.runs * j->split_count);
    r->feature_dim = j->shard->meta->feature_dim;
    PS_TRY(PS_NEW(m, PS_MEM_OTHER, r->run, r->run_count));
    for (uint32_t i = 0; i < r->run_count; i++)
        PS_TRY(PS_NEW(m, PS_MEM_OTHER, r->run[i].epoch, j->o->train.epochs));
    PS_TRY(PS_NEW(m, PS_MEM_OTHER, j->fact, ps_world_ranks(j->world)));
    if (ps_world_rank(j->world) != 0)
        return PS_OK;
    return PS_NEW(m, PS_MEM_OTHER, j->sums, (size_t)ps_world_ranks(j->world) * PS_FACT_WORDS);
}

static ps_status after_epoch(void *arg, const struct ps_run *run)
{
    struct ps_job *j = arg;

    return ps_record_epoch(&j->record, run);
}

/* model.h5 holds the run with the best validation accuracy; without validation, the last. */
static PS_MUST ps_status save_model(struct ps_job *j, const struct ps_run *run)
{
    struct ps_model *model = ps_trainer_model(j->trainer);
    struct ps_model_origin origin = {.split = run->split, .seed = run->seed};
    char path[PS_TEXT_BYTES + 32];
    double accuracy = run->has_valid ? run->valid_accuracy : j->saved_accuracy + 1;

    if (ps_world_rank(j->world) != 0 || accuracy <= j->saved_accuracy)
        return PS_OK;
    memcpy(origin.dataset_uuid, j->shard->meta->uuid, sizeof origin.dataset_uuid);
    snprintf(path, sizeof path, "%s/model.h5", j->record.dir);
    PS_TRY(ps_model_save(j->ctx, path, model, ps_model_weights(model), &origin));
    j->saved_accuracy = accuracy;
    return PS_OK;
}

static void say_run(struct ps_job *j, const struct ps_run *run)
{
    char test[48] = "";

    if (run->has_test)
        snprintf(test, sizeof test, ", test %.4f", run->test_accuracy);
    ps_log(&j->ctx->log,
           "seed %" PRIu64 " split %u: best epoch %" PRIu64 " of %" PRIu64 ", valid %.4f%s",
           run->seed, run->split, run->best_epoch + 1, run->epoch_count, run->valid_accuracy, test);
}

/* All runs that are not yet done; the first may be one that goes on. */
static PS_MUST ps_status train_all(struct ps_job *j)
{
    const struct ps_train_hooks hooks = {j, after_epoch, ps_job_wish, ps_job_on_wish};
    const struct ps_position *from = j->start == PS_JOB_GOES_ON ? &j->from : NULL;

    for (; j->run < j->record.run_count; j->run++) {
        struct ps_run *run = &j->record.run[j->run];
        PS_TRY(ps_trainer_run(j->trainer, ps_job_seed(j, j->run), ps_job_split(j, j->run), run,
                              from, &hooks));
        PS_TRY(ps_world_agree(j->world, save_model(j, run)));
        say_run(j, run);
        from = NULL;
    }
    return PS_OK;
}

static PS_MUST ps_status write_trace(struct ps_job *j)
{
    const char *path = j->o->common.trace;
    uint32_t rank = ps_world_rank(j->world);
    size_t stem = strlen(path);
    char own[PS_TEXT_BYTES + 32];

    if (*path == '\0')
        return PS_OK;
    if (rank == 0)
        return ps_trace_write(&j->ctx->trace, path, 0);
    if (stem > 5 && strcmp(path + stem - 5, ".json") == 0)
        stem -= 5;
    snprintf(own, sizeof own, "%.*s.%u.json", (int)stem, path, rank);
    return ps_trace_write(&j->ctx->trace, own, (int)rank);
}

/* The report, the table and run.json, on rank 0. */
static PS_MUST ps_status tell(struct ps_job *j, FILE *table, json_t **report)
{
    if (ps_world_rank(j->world) != 0)
        return PS_OK;
    *report = ps_record_report(&j->record, j->world, j->fact);
    if (*report == NULL)
        PS_FAIL(PS_EMEM, "out of memory making the report");
    if (table != NULL) {
        ps_log_progress_end(&j->ctx->log);
        ps_record_table(table, &j->record, j->world, j->fact);
    }
    PS_TRY(ps_record_write(&j->record, j->shard, *report, j->fact));
    return ps_job_forget(j); /* all is written */
}

static PS_MUST ps_status finish(struct ps_job *j, FILE *table, json_t **report)
{
    struct ps_rank_facts own;

    ps_job_facts(j, &own);
    PS_TRY(ps_world_gather(j->world, PS_OK, &own, sizeof own, j->fact));
    PS_TRY(ps_world_agree(j->world, tell(j, table, report)));
    PS_TRY(ps_world_agree(j->world, ps_trainer_end_record(j->trainer)));
    return ps_world_agree(j->world, write_trace(j)); /* last: the record must not hang on it */
}

enum { TRACE_SPANS = 1 << 18 };

static PS_MUST ps_status run_job(struct ps_job *j, FILE *table, json_t **report)
{
    PS_TRY(ps_threads_choose(j->world, j->o->common.threads));
    PS_TRY(ps_shard_open(&j->shard, j->world, j->o->positional[0]));
    PS_TRY(ps_trainer_new(&j->trainer, j->shard, j->o));
    PS_TRY(ps_world_agree(j->world, prepare_record(j)));
    PS_TRY(ps_job_begin(j, report));
    if (j->start == PS_JOB_IS_FINISHED)
        return PS_OK;
    PS_TRY(train_all(j));
    return finish(j, table, report);
}

static void free_job(struct ps_job *j)
{
    struct ps_mem *m = &j->ctx->mem;

    for (uint32_t i = 0; j->record.run != NULL && i < j->record.run_count; i++)
        ps_mem_free(m, &j->record.run[i].epoch);
    ps_mem_free(m, &j->record.run);
    ps_mem_free(m, &j->fact);
    ps_mem_free(m, &j->sums);
    ps_record_fini(&j->record);
    ps_trainer_free(&j->trainer);
    ps_shard_close(&j->shard);
}

ps_status ps_train(struct ps_ctx *ctx, const struct ps_opts *o, const char *line, FILE *table,
                   json_t **report)
{
    struct ps_job j = {.ctx = ctx, .o = o, .saved_accuracy = -1};
    ps_status st;

    *report = NULL;
    j.record = (struct ps_record){.ctx = ctx, .o = o, .line = line};
    if (*o->common.trace != '\0')
        PS_TRY(ps_trace_record(&ctx->trace, &ctx->mem, TRACE_SPANS));
    PS_TRY(ps_world_open(&j.world, ctx, o));
    st = ps_world_outcome(j.world, run_job(&j, table, report));
    free_job(&j);
    ps_world_close(&j.world);
    return st;
}
