/* SPDX-License-Identifier: Apache-2.0 */
/* While it runs: the directory, metrics.jsonl, progress. */
#include "src/train/record.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

/* RUN if it was named, else a name made of the time. */
static void choose_dir(struct ps_record *r)
{
    time_t now = time(NULL);
    struct tm tm;

    if (*r->o->common.out != '\0') {
        memcpy(r->dir, r->o->common.out, sizeof r->dir);
        return;
    }
    localtime_r(&now, &tm);
    strftime(r->dir, sizeof r->dir, "run-%Y%m%d-%H%M%S", &tm);
}

ps_status ps_record_begin(struct ps_record *r)
{
    choose_dir(r);
    if (mkdir(r->dir, 0777) != 0 && errno != EEXIST)
        PS_FAIL_SYS(errno, "cannot make the run directory %s", r->dir);
    r->begin_ns = r->said_ns = ps_now_ns();
    return PS_OK;
}

double ps_record_seconds(const struct ps_record *r)
{
    return r->earlier_seconds + 1e-9 * (double)(ps_now_ns() - r->begin_ns);
}

void ps_record_fini(struct ps_record *r)
{
    if (r->metrics != NULL)
        fclose(r->metrics);
    r->metrics = NULL;
}

static void say_progress(struct ps_record *r, const struct ps_run *run)
{
    const struct ps_epoch *e = &run->epoch[run->epoch_count - 1];
    uint64_t now = ps_now_ns(), done = run->epoch_count, all = r->o->train.epochs;
    double interval = r->ctx->log.is_terminal ? 0.2 : r->o->train.log_every;
    double each = e->seconds + e->eval_seconds, left = each * (double)(all - done);
    char head[64] = "", valid[48] = "";

    if (1e-9 * (double)(now - r->said_ns) < interval)
        return;
    r->said_ns = now;
    if (r->run_count > 1)
        snprintf(head, sizeof head, "seed %" PRIu64 " split %u ", run->seed, run->split);
    if (e->evaluated)
        snprintf(valid, sizeof valid, ", valid %.4f", e->valid_accuracy);
    ps_log_progress(&r->ctx->log,
                    "%sepoch %" PRIu64 "/%" PRIu64
                    ": loss %.4f, train %.4f%s, %.3g s/epoch, %.0f s "
                    "left%s",
                    head, done, all, e->loss, e->train_accuracy, valid, e->seconds, left,
                    r->run_count > 1 ? " in this run" : "");
}

/* The line of epoch @p i, counted from 0. */
static void put_line(const struct ps_record *r, const struct ps_run *run, uint64_t i)
{
    const struct ps_epoch *e = &run->epoch[i];

    fprintf(r->metrics,
            "{\"seed\":%" PRIu64 ",\"split\":%u,\"epoch\":%" PRIu64
            ",\"train_loss\":%.9g,\"train_accuracy\":%.9g,\"seconds\":%.6f",
            run->seed, run->split, i + 1, e->loss, e->train_accuracy, e->seconds);
    if (e->evaluated)
        fprintf(r->metrics,
                ",\"valid_accuracy\":%.9g,\"valid_loss\":%.9g,\"eval_seconds\":%.6f,\"best\":%s",
                e->valid_accuracy, e->valid_loss, e->eval_seconds, e->best ? "true" : "false");
    fputs("}\n", r->metrics);
}

static PS_MUST ps_status flush(const struct ps_record *r)
{
    if (fflush(r->metrics) != 0 || ferror(r->metrics))
        PS_FAIL_SYS(errno ? errno : EIO, "cannot write %s/metrics.jsonl", r->dir);
    return PS_OK;
}

ps_status ps_record_metrics(struct ps_record *r)
{
    char path[PS_TEXT_BYTES + 32];

    snprintf(path, sizeof path, "%s/metrics.jsonl", r->dir);
    r->metrics = fopen(path, "we");
    if (r->metrics == NULL)
        PS_FAIL_SYS(errno, "cannot write %s", path);
    for (uint32_t i = 0; i < r->run_count; i++)
        for (uint64_t e = 0; e < r->run[i].epoch_count; e++)
            put_line(r, &r->run[i], e);
    return flush(r);
}

ps_status ps_record_epoch(struct ps_record *r, const struct ps_run *run)
{
    if (r->metrics == NULL)
        return PS_OK;
    put_line(r, run, run->epoch_count - 1);
    PS_TRY(flush(r));
    say_progress(r, run);
    return PS_OK;
}
