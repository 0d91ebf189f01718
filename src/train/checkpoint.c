/* SPDX-License-Identifier: Apache-2.0 */
#include "src/train/checkpoint.h"

#include "io/file.h"
#include "io/table.h"
#include "src/train/identity.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static const char format_name[] = "penstock checkpoint";

enum { EPOCH_COLUMNS = 8, RUN_COLUMNS = 9, OPTIONS_BYTES = 60001 };

/* An epoch and a run as rows of doubles: counts stay far below 2^53. */
static void epoch_to_row(const struct ps_epoch *e, double row[EPOCH_COLUMNS])
{
    const double x[EPOCH_COLUMNS] = {
        e->loss,    e->train_accuracy, e->valid_accuracy, e->valid_loss,
        e->seconds, e->eval_seconds,   e->evaluated,      e->best};
    memcpy(row, x, sizeof x);
}

static void epoch_of_row(struct ps_epoch *e, const double row[EPOCH_COLUMNS])
{
    *e = (struct ps_epoch){.loss = row[0],
                           .train_accuracy = row[1],
                           .valid_accuracy = row[2],
                           .valid_loss = row[3],
                           .seconds = row[4],
                           .eval_seconds = row[5],
                           .evaluated = row[6] != 0,
                           .best = row[7] != 0};
}

static void run_to_row(const struct ps_run *r, double row[RUN_COLUMNS])
{
    const double x[RUN_COLUMNS] = {
        (double)r->epoch_count, (double)r->best_epoch, r->has_valid,  r->has_test,
        r->valid_accuracy,      r->test_accuracy,      r->valid_loss, r->test_loss,
        r->eval_seconds};
    memcpy(row, x, sizeof x);
}

static void run_of_row(struct ps_run *r, const double row[RUN_COLUMNS])
{
    r->epoch_count = (uint64_t)row[0];
    r->best_epoch = (uint64_t)row[1];
    r->has_valid = row[2] != 0;
    r->has_test = row[3] != 0;
    r->valid_accuracy = row[4];
    r->test_accuracy = row[5];
    r->valid_loss = row[6];
    r->test_loss = row[7];
    r->eval_seconds = row[8];
}

static PS_MUST ps_status put_identity(struct ps_table *t, const struct ps_checkpoint *c)
{
    json_t *identity = ps_identity(c->o);
    char *text = identity != NULL ? json_dumps(identity, JSON_REAL_PRECISION(17)) : NULL;
    ps_status st = PS_OK;

    json_decref(identity);
    if (text == NULL)
        PS_FAIL(PS_EMEM, "out of memory writing the options of a checkpoint");
    PS_GO(st, ps_table_put_text(t, "format", format_name));
    PS_GO(st, ps_table_put_u64(t, "format_version", PS_CHECKPOINT_VERSION));
    PS_GO(st, ps_table_put_text(t, "version", PS_VERSION));
    PS_GO(st, ps_table_put_text(t, "dataset_uuid", c->dataset_uuid));
    PS_GO(st, ps_table_put_text(t, "options", text));
out:
    free(text);
    return st;
}

static PS_MUST ps_status put_position(struct ps_table *t, const struct ps_checkpoint *c)
{
    const struct ps_position *at = &c->at;

    PS_TRY(ps_table_put_u64(t, "run", c->run));
    PS_TRY(ps_table_put_u64(t, "epoch", at->epoch));
    PS_TRY(ps_table_put_u64(t, "batch", at->batch));
    PS_TRY(ps_table_put_u64(t, "steps", at->steps));
    PS_TRY(ps_table_put_f64(t, "epoch_loss", at->sums.loss));
    PS_TRY(ps_table_put_u64(t, "epoch_seeds", at->sums.seeds));
    PS_TRY(ps_table_put_u64(t, "epoch_correct", at->sums.correct));
    PS_TRY(ps_table_put_f64(t, "epoch_seconds", at->seconds));
    PS_TRY(ps_table_put_f64(t, "saved_accuracy", c->saved_accuracy));
    PS_TRY(ps_table_put_u64(t, "resumed", c->resumed));
    return ps_table_put_f64(t, "seconds", c->seconds);
}

static PS_MUST ps_status get_position(struct ps_table *t, struct ps_checkpoint *c)
{
    struct ps_position *at = &c->at;

    PS_TRY(ps_table_get_u64(t, "run", &c->run));
    PS_TRY(ps_table_get_u64(t, "epoch", &at->epoch));
    PS_TRY(ps_table_get_u64(t, "batch", &at->batch));
    PS_TRY(ps_table_get_u64(t, "steps", &at->steps));
    PS_TRY(ps_table_get_f64(t, "epoch_loss", &at->sums.loss));
    PS_TRY(ps_table_get_u64(t, "epoch_seeds", &at->sums.seeds));
    PS_TRY(ps_table_get_u64(t, "epoch_correct", &at->sums.correct));
    PS_TRY(ps_table_get_f64(t, "epoch_seconds", &at->seconds));
    PS_TRY(ps_table_get_f64(t, "saved_accuracy", &c->saved_accuracy));
    PS_TRY(ps_table_get_u64(t, "resumed", &c->resumed));
    return ps_table_get_f64(t, "seconds", &c->seconds);
}

static PS_MUST ps_status put_array(struct ps_table *t, const char *name, enum ps_column type,
                                   uint64_t rows, uint64_t cols, const void *data)
{
    PS_TRY(ps_table_add(t, name, type, rows, cols));
    return ps_table_put(t, name, 0, rows, data);
}

static PS_MUST ps_status put_arrays(struct ps_table *t, const struct ps_checkpoint *c)
{
    const struct ps_trainer_state *s = &c->state;

    PS_TRY(put_array(t, "weights", PS_COLUMN_F32, s->count, 0, s->weights));
    PS_TRY(put_array(t, "best", PS_COLUMN_F32, s->count, 0, s->best));
    if (s->m != NULL) {
        PS_TRY(put_array(t, "moment_1", PS_COLUMN_F32, s->count, 0, s->m));
        PS_TRY(put_array(t, "moment_2", PS_COLUMN_F32, s->count, 0, s->v));
    }
    return put_array(t, "sums", PS_COLUMN_U64, c->ranks, c->words, c->sums);
}

/* The rows of all epochs of runs [0, run], one run after another. */
static PS_MUST ps_status put_records(struct ps_table *t, const struct ps_checkpoint *c)
{
    double row[RUN_COLUMNS];
    uint64_t epochs = 0;

    PS_TRY(ps_table_add(t, "runs", PS_COLUMN_F64, c->run + 1, RUN_COLUMNS));
    for (uint64_t i = 0; i <= c->run; i++) {
        run_to_row(&c->runs[i], row);
        PS_TRY(ps_table_put(t, "runs", i, 1, row));
        epochs += c->runs[i].epoch_count;
    }
    PS_TRY(ps_table_add(t, "epochs", PS_COLUMN_F64, epochs, EPOCH_COLUMNS));
    epochs = 0;
    for (uint64_t i = 0; i <= c->run; i++)
        for (uint64_t e = 0; e < c->runs[i].epoch_count; e++) {
            epoch_to_row(&c->runs[i].epoch[e], row);
            PS_TRY(ps_table_put(t, "epochs", epochs++, 1, row));
        }
    return PS_OK;
}

static uint64_t bytes_of(const struct ps_checkpoint *c)
{
    uint64_t epochs = 0;

    for (uint64_t i = 0; i <= c->run; i++)
        epochs += c->runs[i].epoch_count;
    return (c->state.m != NULL ? 4 : 2) * c->state.count * sizeof(float) +
           c->ranks * c->words * sizeof(uint64_t) +
           ((c->run + 1) * RUN_COLUMNS + epochs * EPOCH_COLUMNS) * sizeof(double);
}

static PS_MUST ps_status write_file(struct ps_ctx *ctx, const char *path,
                                    const struct ps_checkpoint *c)
{
    struct ps_table *t;
    ps_status st = PS_OK;

    PS_TRY(ps_table_create_in_memory(&t, ctx, path, bytes_of(c)));
    PS_GO(st, put_identity(t, c));
    PS_GO(st, put_position(t, c));
    PS_GO(st, put_records(t, c));
    PS_GO(st, put_arrays(t, c));
    return ps_table_finish(&t);
out:
    ps_table_close(&t);
    return st;
}

static void in_dir(const char *dir, const char *name, char path[PATH_MAX])
{
    PS_ASSERT(snprintf(path, PATH_MAX, "%s/%s", dir, name) < PATH_MAX);
}

ps_status ps_checkpoint_save(struct ps_ctx *ctx, const char *dir, const struct ps_checkpoint *c)
{
    char newest[PATH_MAX], previous[PATH_MAX], next[PATH_MAX];

    in_dir(dir, PS_CHECKPOINT_NEWEST, newest);
    in_dir(dir, PS_CHECKPOINT_PREVIOUS, previous);
    in_dir(dir, PS_CHECKPOINT_NEXT, next);
    PS_TRY(write_file(ctx, next, c));
    /* killed between the two, a job finds the previous one, and loses a little time */
    if (rename(newest, previous) != 0 && errno != ENOENT)
        PS_FAIL_SYS(errno, "cannot rename %s to %s", newest, previous);
    PS_TRY(ps_file_rename(next, newest));
    return ps_dir_sync(dir);
}

static PS_MUST ps_status check_options(struct ps_ctx *ctx, struct ps_table *t, const char *path,
                                       const struct ps_checkpoint *c)
{
    json_t *then = NULL;
    json_error_t why;
    ps_status st = PS_OK;
    char *text;

    PS_TRY(PS_NEW(&ctx->mem, PS_MEM_OTHER, text, OPTIONS_BYTES));
    PS_GO(st, ps_table_get_text(t, "options", text, OPTIONS_BYTES));
    then = json_loads(text, 0, &why);
    if (then == NULL)
        PS_GO_FAIL(st, PS_EINPUT, "%s: the options are no JSON, character %d: %s", path,
                   why.position, why.text);
    PS_GO(st, ps_identity_check(c->o, then, path));
out:
    json_decref(then);
    ps_mem_free(&ctx->mem, &text);
    return st;
}

static PS_MUST ps_status check_identity(struct ps_ctx *ctx, struct ps_table *t, const char *path,
                                        const struct ps_checkpoint *c)
{
    char text[64];
    uint64_t version;

    PS_TRY(ps_table_get_text(t, "format", text, sizeof text));
    if (strcmp(text, format_name) != 0)
        PS_FAIL(PS_EINPUT, "%s: the format is '%s', expected '%s'", path, text, format_name);
    PS_TRY(ps_table_get_u64(t, "format_version", &version));
    if (version != PS_CHECKPOINT_VERSION)
        PS_FAIL(PS_EUSAGE, "%s: format version %" PRIu64 " found, %d is known", path, version,
                PS_CHECKPOINT_VERSION);
    PS_TRY(ps_table_get_text(t, "dataset_uuid", text, sizeof text));
    if (strcmp(text, c->dataset_uuid) != 0)
        PS_FAIL(PS_EUSAGE, "%s is of a run on dataset %s, this one is %s", path, text,
                c->dataset_uuid);
    return check_options(ctx, t, path, c);
}

static PS_MUST ps_status check_shape(struct ps_table *t, const char *path, const char *name,
                                     uint64_t rows, uint64_t cols)
{
    uint64_t found_rows, found_cols;

    PS_TRY(ps_table_shape(t, name, &found_rows, &found_cols));
    if (found_rows != rows || found_cols != cols)
        PS_FAIL(PS_EINPUT, "%s: %s is %" PRIu64 " x %" PRIu64 ", expected %" PRIu64 " x %" PRIu64,
                path, name, found_rows, found_cols, rows, cols);
    return PS_OK;
}

static PS_MUST ps_status get_weights(struct ps_table *t, const char *path, const char *name,
                                     uint64_t count, float *dst)
{
    PS_TRY(check_shape(t, path, name, count, 0));
    return ps_table_get(t, name, PS_COLUMN_F32, dst);
}

static PS_MUST ps_status get_arrays(struct ps_ctx *ctx, struct ps_table *t, const char *path,
                                    struct ps_checkpoint *c)
{
    const struct ps_trainer_state *s = &c->state;
    uint64_t words;

    PS_TRY(get_weights(t, path, "weights", s->count, s->weights));
    PS_TRY(get_weights(t, path, "best", s->count, s->best));
    if (s->m != NULL) {
        PS_TRY(get_weights(t, path, "moment_1", s->count, s->m));
        PS_TRY(get_weights(t, path, "moment_2", s->count, s->v));
    }
    PS_TRY(ps_table_shape(t, "sums", &c->ranks, &words));
    if (words != c->words || c->ranks == 0 || c->ranks > UINT32_MAX)
        PS_FAIL(PS_EUSAGE,
                "%s: %" PRIu64 " sums for each of %" PRIu64 " ranks found, %" PRIu64
                " expected: it was written by another version of penstock",
                path, words, c->ranks, c->words);
    PS_TRY(PS_NEW(&ctx->mem, PS_MEM_OTHER, c->sums, c->ranks * words));
    return ps_table_get(t, "sums", PS_COLUMN_U64, c->sums);
}

static PS_MUST ps_status get_runs(struct ps_ctx *ctx, struct ps_table *t, const char *path,
                                  struct ps_checkpoint *c, uint64_t *epochs)
{
    double *row;
    ps_status st = PS_OK;

    PS_TRY(check_shape(t, path, "runs", c->run + 1, RUN_COLUMNS));
    PS_TRY(PS_NEW(&ctx->mem, PS_MEM_OTHER, row, (c->run + 1) * RUN_COLUMNS));
    PS_GO(st, ps_table_get(t, "runs", PS_COLUMN_F64, row));
    *epochs = 0;
    for (uint64_t i = 0; i <= c->run; i++) {
        const double *of = row + i * RUN_COLUMNS;
        uint64_t most = i < c->run ? c->epochs_max : c->at.epoch;
        if (!(of[0] >= 0 && of[0] <= (double)most && of[1] >= 0 && of[1] <= of[0]))
            PS_GO_FAIL(st, PS_EINPUT,
                       "%s: run %" PRIu64 " has %.15g epochs, at most %" PRIu64
                       " expected, the best at %.15g",
                       path, i, of[0], most, of[1]);
        run_of_row(&c->runs[i], of);
        *epochs += c->runs[i].epoch_count;
    }
out:
    ps_mem_free(&ctx->mem, &row);
    return st;
}

static PS_MUST ps_status get_records(struct ps_ctx *ctx, struct ps_table *t, const char *path,
                                     struct ps_checkpoint *c)
{
    uint64_t epochs, next = 0;
    ps_status st = PS_OK;
    double *row;

    if (c->run >= c->run_count || c->at.epoch >= c->epochs_max)
        PS_FAIL(PS_EINPUT,
                "%s: run %" PRIu64 ", epoch %" PRIu64 " found, expected less than %" PRIu64
                " runs of %" PRIu64 " epochs",
                path, c->run, c->at.epoch, c->run_count, c->epochs_max);
    PS_TRY(get_runs(ctx, t, path, c, &epochs));
    PS_TRY(check_shape(t, path, "epochs", epochs, EPOCH_COLUMNS));
    PS_TRY(PS_NEW(&ctx->mem, PS_MEM_OTHER, row, epochs * EPOCH_COLUMNS));
    PS_GO(st, ps_table_get(t, "epochs", PS_COLUMN_F64, row));
    for (uint64_t i = 0; i <= c->run; i++)
        for (uint64_t e = 0; e < c->runs[i].epoch_count; e++)
            epoch_of_row(&c->runs[i].epoch[e], row + EPOCH_COLUMNS * next++);
out:
    ps_mem_free(&ctx->mem, &row);
    return st;
}

ps_status ps_checkpoint_load(struct ps_ctx *ctx, const char *path, struct ps_checkpoint *c)
{
    struct ps_table *t = NULL;
    ps_status st = PS_OK;

    c->sums = NULL;
    PS_GO(st, ps_table_open(&t, ctx, path));
    PS_GO(st, check_identity(ctx, t, path, c));
    PS_GO(st, get_position(t, c));
    PS_GO(st, get_records(ctx, t, path, c));
    PS_GO(st, get_arrays(ctx, t, path, c));
out:
    ps_table_close(&t);
    if (st != PS_OK)
        ps_mem_free(&ctx->mem, &c->sums);
    return st;
}
