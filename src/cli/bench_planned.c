/* SPDX-License-Identifier: Apache-2.0 */
/* Planned reads of feature rows, random or recorded, and recorded reads once more. */
#include "src/cli/bench.h"
#include "src/train/row_trace.h"

#include <string.h>

enum { ROUNDS_MAX = 1000 };

/* Rows of one density, over all rounds. */
struct set {
    double share; /* of all rows; below 0: recorded */
    struct ps_bench_planned sum;
    double rate[ROUNDS_MAX]; /* wanted bytes per second */
};

struct job {
    struct ps_ctx *ctx;
    const struct ps_opts *o;
    struct ps_bench_rows *rows;
    struct ps_row_list list;
    struct set *set; /* (sets) */
    uint32_t sets;
    double best_bytes, best_reads;
};

static void add(struct set *s, uint64_t round, const struct ps_bench_planned *d)
{
    s->rate[round] = d->seconds > 0 ? (double)d->fetch.wanted_bytes / d->seconds : 0;
    s->sum.rows += d->rows;
    s->sum.seconds += d->seconds;
    s->sum.fetch.wanted_bytes += d->fetch.wanted_bytes;
    s->sum.fetch.read_bytes += d->fetch.read_bytes;
    s->sum.fetch.requests += d->fetch.requests;
    s->sum.fetch.extents += d->fetch.extents;
    s->sum.fetch.cost = d->fetch.cost;
}

/* The rows of each recorded batch, one batch after another. */
static PS_MUST ps_status recorded(struct job *j, struct ps_bench_planned *d)
{
    const struct ps_row_list *l = &j->list;

    PS_TRY(ps_bench_rows_drop(j->rows));
    for (uint64_t b = 0; b < l->batches; b++)
        PS_TRY(
            ps_bench_rows_fetch(j->rows, l->node + l->begin[b], l->begin[b + 1] - l->begin[b], d));
    return PS_OK;
}

static PS_MUST ps_status measure_all(struct job *j)
{
    for (uint64_t round = 0; round < j->o->bench.rounds; round++)
        for (uint32_t i = 0; i < j->sets; i++) {
            struct ps_bench_planned d = {.rows = 0};
            struct set *s = &j->set[i];

            if (s->share < 0)
                PS_TRY(recorded(j, &d));
            else
                PS_TRY(ps_bench_rows_random(j->rows, s->share, j->o->bench.seconds,
                                            j->o->common.seed + round, &d));
            add(s, round, &d);
        }
    return PS_OK;
}

static double ratio(uint64_t a, uint64_t b)
{
    return b > 0 ? (double)a / (double)b : 0;
}

/* The time that the disk would need for these reads at its best, over the time they took; 0 where
 * its best is not known. */
static double of_ceiling(const struct job *j, const struct ps_bench_planned *d)
{
    double by_bytes, by_reads;

    if (j->best_bytes <= 0 || j->best_reads <= 0 || d->seconds <= 0)
        return 0;
    by_bytes = (double)d->fetch.read_bytes / j->best_bytes;
    by_reads = (double)d->fetch.requests / j->best_reads;
    return (by_bytes > by_reads ? by_bytes : by_reads) / d->seconds;
}

static json_t *set_json(const struct set *s, const struct ps_bench_spread *speed, double ceiling)
{
    const struct ps_fetch_counts *f = &s->sum.fetch;

    return json_pack("{s:o, s:I, s:I, s:I, s:I, s:f, s:f, s:f, s:f, s:f, s:f, s:o}", "share_wanted",
                     s->share < 0 ? json_null() : json_real(s->share), "rows",
                     (json_int_t)s->sum.rows, "wanted_bytes", (json_int_t)f->wanted_bytes, "bytes",
                     (json_int_t)f->read_bytes, "requests", (json_int_t)f->requests, "seconds",
                     s->sum.seconds, "wanted_bytes_per_second", speed->median,
                     "wanted_bytes_per_second_min", speed->min, "wanted_bytes_per_second_max",
                     speed->max, "read_per_wanted", ratio(f->read_bytes, f->wanted_bytes),
                     "merge_ratio", ratio(f->extents, f->requests), "of_ceiling",
                     ceiling > 0 ? json_real(ceiling) : json_null());
}

static void print_set(const struct set *s, const struct ps_bench_spread *speed, double ceiling)
{
    const struct ps_bench_planned *d = &s->sum;
    char wanted[32] = "recorded";

    if (s->share >= 0)
        snprintf(wanted, sizeof wanted, "%.1f %%", 100 * s->share);
    printf("%-10s %9.3f %8.3f %8.3f %9.3f %10.3f %9.2f %9.1f", wanted, speed->median * 1e-9,
           speed->min * 1e-9, speed->max * 1e-9,
           d->seconds > 0 ? (double)d->fetch.read_bytes / d->seconds * 1e-9 : 0,
           ratio(d->fetch.read_bytes, d->fetch.wanted_bytes),
           ratio(d->fetch.extents, d->fetch.requests),
           d->seconds > 0 ? (double)d->fetch.requests / d->seconds * 1e-3 : 0);
    if (ceiling > 0)
        printf(" %8.2f", ceiling);
    putchar('\n');
}

static json_t *cost_json(const struct ps_io_cost *c)
{
    return json_pack("{s:f, s:f}", "request_seconds", c->request_ns * 1e-9, "bytes_per_second",
                     1e9 / c->byte_ns);
}

static PS_MUST ps_status tell(struct job *j, json_t *list)
{
    const struct ps_io_cost *cost = &j->set[0].sum.fetch.cost;

    if (!j->o->common.json)
        printf("\nplanned reads of rows of %" PRIu64
               " bytes, --io %s; a read costs %.1f us and its bytes at %.3f GB/s\n"
               "%-10s %9s %8s %8s %9s %10s %9s %9s %8s\n",
               ps_bench_rows_bytes(j->rows), ps_bench_rows_engine(j->rows), cost->request_ns * 1e-3,
               1 / cost->byte_ns, "wanted", "GB/s", "least", "most", "read GB/s", "per wanted",
               "rows/read", "k reads/s", "of disk");
    for (uint32_t i = 0; i < j->sets; i++) {
        struct set *s = &j->set[i];
        struct ps_bench_spread speed = ps_bench_spread(s->rate, j->o->bench.rounds);
        double ceiling = of_ceiling(j, &s->sum);

        if (json_array_append_new(list, set_json(s, &speed, ceiling)) != 0)
            PS_FAIL(PS_EMEM, "out of memory for the report");
        if (!j->o->common.json)
            print_set(s, &speed, ceiling);
    }
    return PS_OK;
}

/* What is wanted: densities, or the record. */
static PS_MUST ps_status make_sets(struct job *j, const struct ps_dataset *ds)
{
    const struct ps_opts_bench *o = &j->o->bench;
    bool random = *o->rows == '\0';

    j->sets = random ? o->per_mille.count : 1;
    PS_TRY(PS_NEW(&j->ctx->mem, PS_MEM_OTHER, j->set, j->sets));
    for (uint32_t i = 0; i < j->sets; i++)
        j->set[i].share = random ? (double)o->per_mille.item[i] * 1e-3 : -1;
    if (random)
        return PS_OK;
    PS_TRY(ps_row_list_load(&j->list, j->ctx, o->rows));
    if (j->list.nodes != ps_dataset_meta(ds)->nodes)
        PS_FAIL(PS_EINPUT, "%s is of a graph of %" PRIu64 " nodes, %s has %" PRIu64, o->rows,
                j->list.nodes, ps_dataset_path(ds), ps_dataset_meta(ds)->nodes);
    return PS_OK;
}

ps_status ps_bench_planned(struct ps_ctx *ctx, const struct ps_opts *o, const char *dataset,
                           json_t *report, double best_bytes, double best_reads)
{
    struct job j = {.ctx = ctx, .o = o, .best_bytes = best_bytes, .best_reads = best_reads};
    struct ps_dataset *ds = NULL;
    json_t *list = json_array();
    ps_status st = PS_OK;

    if (list == NULL)
        PS_GO_FAIL(st, PS_EMEM, "out of memory for the report");
    PS_GO(st, ps_dataset_open(&ds, ctx, dataset));
    if (ps_dataset_meta(ds)->feature_kind != PS_FEATURES_DENSE && *o->bench.rows == '\0') {
        if (!o->common.json)
            printf("\nplanned reads: left out: its features are not dense rows\n");
        goto out;
    }
    PS_GO(st, make_sets(&j, ds));
    PS_GO(st, ps_bench_rows_open(&j.rows, ctx, ds, &o->io));
    PS_GO(st, measure_all(&j));
    PS_GO(st, tell(&j, list));
    PS_GO(st, ps_bench_set(report, "planned", json_incref(list)));
    PS_GO(st,
          ps_bench_set(report, "row_bytes", json_integer((json_int_t)ps_bench_rows_bytes(j.rows))));
    PS_GO(st, ps_bench_set(report, "io_engine", json_string(ps_bench_rows_engine(j.rows))));
    PS_GO(st, ps_bench_set(report, "io_cost", cost_json(&j.set[0].sum.fetch.cost)));
out:
    json_decref(list);
    ps_bench_rows_close(&j.rows);
    ps_row_list_free(&j.list, ctx);
    ps_mem_free(&ctx->mem, &j.set);
    ps_dataset_close(&ds);
    return st;
}

ps_status ps_bench_replay_all(struct ps_ctx *ctx, const struct ps_opts *o, const char *dataset,
                              json_t *report)
{
    uint64_t rounds = o->bench.rounds;
    struct ps_bench_spread seconds;
    struct ps_read_list list;
    struct ps_bench_done d = {0};
    const char *engine = "";
    double *spent = NULL;
    ps_status st;

    PS_TRY(ps_read_list_load(&list, ctx, o->bench.replay));
    PS_GO(st, PS_NEW(&ctx->mem, PS_MEM_OTHER, spent, rounds));
    for (uint64_t i = 0; i < rounds; i++) {
        PS_GO(st, ps_bench_replay(ctx, &list, dataset, &o->io, &d, &engine));
        spent[i] = d.seconds;
        ps_log_progress(&ctx->log, "round %" PRIu64 " of %" PRIu64 ": %.3f s", i + 1, rounds,
                        d.seconds);
    }
    ps_log_progress_end(&ctx->log);
    seconds = ps_bench_spread(spent, rounds);
    PS_GO(st, ps_bench_set(report, "io_engine", json_string(engine)));
    PS_GO(st, ps_bench_set(report, "queue_depth", json_integer((json_int_t)o->io.queue_depth)));
    PS_GO(st, ps_bench_set(report, "requests", json_integer((json_int_t)d.requests)));
    PS_GO(st, ps_bench_set(report, "bytes", json_integer((json_int_t)d.bytes)));
    PS_GO(st, ps_bench_set(report, "seconds", json_real(seconds.median)));
    PS_GO(st, ps_bench_set(report, "seconds_min", json_real(seconds.min)));
    PS_GO(st, ps_bench_set(report, "seconds_max", json_real(seconds.max)));
    PS_GO(st, ps_bench_set(report, "bytes_per_second",
                           json_real(seconds.median > 0 ? (double)d.bytes / seconds.median : 0)));
out:
    ps_mem_free(&ctx->mem, &spent);
    ps_read_list_free(&list, ctx);
    return st;
}
