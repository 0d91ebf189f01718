/* SPDX-License-Identifier: Apache-2.0 */
/* Every way to read, in turn, round after round; medians. */
#include "src/cli/bench.h"

#include <stdlib.h>
#include <string.h>

/* One line of the table. */
struct row {
    struct ps_bench_case c;
    double *rate; /* (rounds) bytes per second */
    uint64_t requests, bytes, rounds;
    double seconds, cached; /* sum; the most of any round */
    struct ps_bench_spread speed;
    bool skip;
};

struct grid {
    struct ps_ctx *ctx;
    const struct ps_opts *o;
    const char *path;
    struct row *row; /* (count) */
    size_t count, cap;
    double *rate; /* (count, rounds) */
    json_t *skipped;
    char wanted[PS_BENCH_ENGINES]; /* by --engines */
};

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

struct ps_bench_spread ps_bench_spread(double *x, uint64_t n)
{
    qsort(x, n, sizeof *x, ascending);
    return (struct ps_bench_spread){(x[(n - 1) / 2] + x[n / 2]) / 2, x[0], x[n - 1]};
}

ps_status ps_bench_set(json_t *object, const char *key, json_t *value)
{
    if (json_object_set_new(object, key, value) != 0)
        PS_FAIL(PS_EMEM, "out of memory for the report");
    return PS_OK;
}

static PS_MUST ps_status choose_engines(struct grid *g)
{
    const char *p = g->o->bench.engines;

    while (*p != '\0') {
        size_t n = strcspn(p, ",");
        int e = 0;

        while (e < PS_BENCH_ENGINES &&
               (strlen(ps_bench_engine_name((enum ps_bench_engine)e)) != n ||
                memcmp(p, ps_bench_engine_name((enum ps_bench_engine)e), n) != 0))
            e++;
        if (e == PS_BENCH_ENGINES)
            PS_FAIL(PS_EUSAGE, "--engines: '%.*s' is not one of uring, pread, mmap, hdf5", (int)n,
                    p);
        g->wanted[e] = 1;
        p += n + (p[n] == ',');
    }
    return PS_OK;
}

static bool makes_sense(const struct grid *g, const struct ps_bench_case *c)
{
    const struct ps_opts_bench *o = &g->o->bench;

    if (!g->wanted[c->engine] || (c->engine == PS_BENCH_HDF5 && c->depth != 1) ||
        (c->direct && c->engine != PS_BENCH_URING && c->engine != PS_BENCH_PREAD))
        return false;
    if ((o->cache == PS_BENCH_DIRECT && !c->direct) || (o->cache == PS_BENCH_BUFFERED && c->direct))
        return false;
    return o->pattern == PS_BENCH_ALL || c->is_random == (o->pattern == PS_BENCH_RANDOM);
}

/* Size and pattern outside, so that what is compared stands together. */
static PS_MUST ps_status make_rows(struct grid *g)
{
    const struct ps_opts_bench *o = &g->o->bench;
    const uint32_t way = 2 * PS_BENCH_ENGINES;
    uint64_t all = 2 * (uint64_t)o->kib.count * way * o->depths.count;

    for (uint64_t i = 0; i < all; i++) {
        uint64_t depth = i % o->depths.count, how = i / o->depths.count % way;
        uint64_t size = i / o->depths.count / way % o->kib.count;
        struct ps_bench_case c = {
            .engine = (enum ps_bench_engine)(how / 2),
            .direct = how % 2 == 0,
            .is_random = i >= all / 2,
            .bytes = ps_u32((uint64_t)o->kib.item[size] * 1024),
            .depth = ps_u32((uint64_t)o->depths.item[depth]),
        };

        if (c.bytes % 4096 != 0)
            PS_FAIL(PS_EUSAGE, "--kib: %" PRId64 " is not a multiple of 4", o->kib.item[size]);
        if (!makes_sense(g, &c))
            continue;
        PS_TRY(PS_GROW(&g->ctx->mem, PS_MEM_OTHER, g->row, g->cap, g->count + 1, g->count));
        g->row[g->count++] = (struct row){.c = c};
    }
    if (g->count == 0)
        PS_FAIL(PS_EUSAGE, "--engines, --cache, --pattern, --kib and --depths leave nothing to "
                           "measure; mmap and hdf5 read buffered only, hdf5 at depth 1 only");
    PS_TRY(PS_NEW(&g->ctx->mem, PS_MEM_OTHER, g->rate, g->count * o->rounds));
    for (size_t i = 0; i < g->count; i++)
        g->row[i].rate = g->rate + i * o->rounds;
    return PS_OK;
}

static const char *cache_of(const struct ps_bench_case *c)
{
    return c->direct ? "direct" : "buffered";
}

static const char *pattern_of(const struct ps_bench_case *c)
{
    return c->is_random ? "random" : "sequential";
}

/* Leave out all that has the same reason. */
static PS_MUST ps_status skip(struct grid *g, const struct row *r, const char *why)
{
    struct ps_bench_case c = r->c;
    json_t *j = json_pack("{s:s, s:s, s:s}", "engine", ps_bench_engine_name(c.engine), "cache",
                          cache_of(&c), "why", why);

    if (j == NULL || json_array_append_new(g->skipped, j) != 0)
        PS_FAIL(PS_EMEM, "out of memory for the report");
    for (size_t i = 0; i < g->count; i++)
        if (g->row[i].c.engine == c.engine && g->row[i].c.direct == c.direct)
            g->row[i].skip = true;
    if (!g->o->common.json)
        printf("%s, %s: left out: %s\n", ps_bench_engine_name(c.engine), cache_of(&c), why);
    return PS_OK;
}

static PS_MUST ps_status measure(struct grid *g, struct row *r, uint64_t round)
{
    uint64_t seed = g->o->common.seed + (round << 32) + r->c.bytes;
    struct ps_bench_done d;
    ps_status st = ps_bench_run(g->ctx, &r->c, g->path, g->o->bench.seconds, seed, &d);
    char why[PS_ERR_TEXT_BYTES];

    if (st == PS_EUNSUPP || (st == PS_EINPUT && r->c.engine == PS_BENCH_HDF5)) {
        snprintf(why, sizeof why, "%s", ps_err_sentence());
        return skip(g, r, why);
    }
    PS_TRY(st);
    if (r->c.direct && !d.direct)
        return skip(g, r, "the file system refuses O_DIRECT");
    r->rate[r->rounds++] = (double)d.bytes / d.seconds;
    r->requests += d.requests;
    r->bytes += d.bytes;
    r->seconds += d.seconds;
    r->cached = d.cached > r->cached ? d.cached : r->cached;
    return PS_OK;
}

static PS_MUST ps_status measure_all(struct grid *g)
{
    for (uint64_t round = 0; round < g->o->bench.rounds; round++) {
        for (size_t i = 0; i < g->count; i++)
            if (!g->row[i].skip)
                PS_TRY(measure(g, &g->row[i], round));
        ps_log_progress(&g->ctx->log, "round %" PRIu64 " of %" PRIu64 " of reading %s", round + 1,
                        g->o->bench.rounds, g->path);
    }
    ps_log_progress_end(&g->ctx->log);
    return PS_OK;
}

/* The fastest of those with the same size and pattern. */
static double best_like(const struct grid *g, const struct row *r)
{
    double best = 0;

    for (size_t i = 0; i < g->count; i++) {
        const struct row *x = &g->row[i];
        if (!x->skip && x->c.bytes == r->c.bytes && x->c.is_random == r->c.is_random &&
            x->speed.median > best)
            best = x->speed.median;
    }
    return best;
}

static json_t *row_json(const struct row *r, double share)
{
    return json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:f, s:f, s:f, s:f, s:f, s:f, s:f}",
                     "engine", ps_bench_engine_name(r->c.engine), "cache", cache_of(&r->c),
                     "pattern", pattern_of(&r->c), "read_bytes", (json_int_t)r->c.bytes, "depth",
                     (json_int_t)r->c.depth, "requests", (json_int_t)r->requests, "bytes",
                     (json_int_t)r->bytes, "seconds", r->seconds, "bytes_per_second",
                     r->speed.median, "bytes_per_second_min", r->speed.min, "bytes_per_second_max",
                     r->speed.max, "reads_per_second", r->speed.median / r->c.bytes,
                     "share_of_best", share, "still_cached", r->cached);
}

static void print_row(const struct row *r, double share)
{
    printf("%-10s %5" PRIu32 "K  %-5s %-8s %5" PRIu32 " %9.3f %8.3f %8.3f %9.1f %7.2f\n",
           pattern_of(&r->c), r->c.bytes / 1024, ps_bench_engine_name(r->c.engine), cache_of(&r->c),
           r->c.depth, r->speed.median * 1e-9, r->speed.min * 1e-9, r->speed.max * 1e-9,
           r->speed.median / r->c.bytes * 1e-3, share);
}

static PS_MUST ps_status tell(struct grid *g, json_t *list, double *best_bytes, double *best_reads)
{
    for (size_t i = 0; i < g->count; i++)
        if (!g->row[i].skip)
            g->row[i].speed = ps_bench_spread(g->row[i].rate, g->row[i].rounds);
    if (!g->o->common.json)
        printf("%-10s %6s  %-5s %-8s %5s %9s %8s %8s %9s %7s\n", "pattern", "read", "how", "cache",
               "depth", "GB/s", "least", "most", "k reads/s", "of best");
    for (size_t i = 0; i < g->count; i++) {
        const struct row *r = &g->row[i];
        double share = r->speed.median / best_like(g, r), reads = r->speed.median / r->c.bytes;

        if (r->skip)
            continue;
        *best_bytes = r->speed.median > *best_bytes ? r->speed.median : *best_bytes;
        *best_reads = reads > *best_reads ? reads : *best_reads;
        if (json_array_append_new(list, row_json(r, share)) != 0)
            PS_FAIL(PS_EMEM, "out of memory for the report");
        if (!g->o->common.json)
            print_row(r, share);
    }
    return PS_OK;
}

ps_status ps_bench_patterns(struct ps_ctx *ctx, const struct ps_opts *o, const char *path,
                            json_t *report, double *best_bytes, double *best_reads)
{
    struct grid g = {.ctx = ctx, .o = o, .path = path, .skipped = json_array()};
    json_t *list = json_array();
    ps_status st = PS_OK;

    *best_bytes = *best_reads = 0;
    if (g.skipped == NULL || list == NULL)
        PS_GO_FAIL(st, PS_EMEM, "out of memory for the report");
    PS_GO(st, choose_engines(&g));
    PS_GO(st, make_rows(&g));
    PS_GO(st, measure_all(&g));
    PS_GO(st, tell(&g, list, best_bytes, best_reads));
    PS_GO(st, ps_bench_set(report, "patterns", json_incref(list)));
    PS_GO(st, ps_bench_set(report, "skipped", json_incref(g.skipped)));
out:
    json_decref(list);
    json_decref(g.skipped);
    ps_mem_free(&ctx->mem, &g.row);
    ps_mem_free(&ctx->mem, &g.rate);
    return st;
}
