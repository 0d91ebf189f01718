/* SPDX-License-Identifier: Apache-2.0 */
/* What this machine can give, and how near to it we come. */
#include "src/cli/bench.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The part with the largest file: that of a dataset on which patterns are measured. */
static PS_MUST ps_status largest_part(struct ps_ctx *ctx, const char *dataset,
                                      char path[PS_TEXT_BYTES])
{
    struct ps_dataset *ds;
    struct ps_part *p = NULL;
    uint64_t most = 0;
    ps_status st = PS_OK;

    PS_TRY(ps_dataset_open(&ds, ctx, dataset));
    for (uint32_t k = 0; k < ps_dataset_meta(ds)->parts; k++) {
        PS_GO(st, ps_part_open(&p, ds, k));
        if (ps_part_file_bytes(p) > most) {
            most = ps_part_file_bytes(p);
            snprintf(path, PS_TEXT_BYTES, "%s", ps_part_path(p));
        }
        ps_part_close(&p);
    }
out:
    ps_dataset_close(&ds);
    return st;
}

/* Where reads go: a given file, that of a dataset, or one that is made. */
struct where {
    const char *dataset; /* NULL: none */
    char path[PS_TEXT_BYTES];
    bool made;
};

static PS_MUST ps_status choose_file(struct ps_ctx *ctx, const struct ps_opts *o, struct where *w)
{
    const char *given = o->positional_count > 1 ? o->positional[1] : NULL;
    const char *dir = *o->bench.dir != '\0' ? o->bench.dir : ".";
    struct stat s;

    if (given != NULL && *o->bench.dir != '\0')
        PS_FAIL(PS_EUSAGE, "--dir is where a file is made; %s is there already", given);
    if (given == NULL) {
        ps_log_progress(&ctx->log, "writing %" PRIu64 " bytes to be read, in %s", o->bench.bytes,
                        dir);
        PS_TRY(ps_bench_file_make(ctx, dir, o->bench.bytes, o->common.seed, w->path));
        w->made = true;
        return PS_OK;
    }
    if (strlen(given) >= PS_TEXT_BYTES)
        PS_FAIL(PS_EUSAGE, "the name %.64s... is too long", given);
    if (stat(given, &s) != 0)
        PS_FAIL(PS_EINPUT, "%s: %s", given,
                errno == ENOENT || errno == ENOTDIR ? "there is no such file or dataset"
                                                    : "cannot be looked at");
    if (S_ISDIR(s.st_mode)) {
        w->dataset = given;
        return largest_part(ctx, given, w->path);
    }
    snprintf(w->path, PS_TEXT_BYTES, "%s", given);
    return PS_OK;
}

static PS_MUST ps_status tell_file(const struct ps_opts *o, const struct where *w, json_t *report)
{
    struct stat s;

    if (stat(w->path, &s) != 0)
        PS_FAIL_SYS(errno, "cannot look at %s", w->path);
    PS_TRY(ps_bench_set(report, "file", json_string(w->path)));
    PS_TRY(ps_bench_set(report, "file_bytes", json_integer((json_int_t)s.st_size)));
    PS_TRY(ps_bench_set(report, "made", json_boolean(w->made)));
    PS_TRY(ps_bench_set(report, "seconds_each", json_real(o->bench.seconds)));
    PS_TRY(ps_bench_set(report, "rounds", json_integer((json_int_t)o->bench.rounds)));
    if (!o->common.json)
        printf("%s, %lld bytes; medians of %" PRIu64
               " rounds; buffered: page cache emptied of the file before (posix_fadvise)\n",
               w->path, (long long)s.st_size, o->bench.rounds);
    return ps_bench_set(report, "page_cache",
                        json_string("emptied of the file by posix_fadvise(DONTNEED) before each "
                                    "buffered measurement; still_cached: share of its pages that "
                                    "were there after that"));
}

static PS_MUST ps_status measure(struct ps_ctx *ctx, const struct ps_opts *o, json_t *report)
{
    double best_bytes = 0, best_reads = 0;
    struct where w = {.dataset = NULL};
    ps_status st;

    PS_GO(st, choose_file(ctx, o, &w));
    PS_GO(st, tell_file(o, &w, report));
    if (o->bench.seconds > 0 && *o->bench.rows == '\0')
        PS_GO(st, ps_bench_patterns(ctx, o, w.path, report, &best_bytes, &best_reads));
    if (w.dataset != NULL && (o->bench.seconds > 0 || *o->bench.rows != '\0'))
        PS_GO(st, ps_bench_planned(ctx, o, w.dataset, report, best_bytes, best_reads));
out:
    if (w.made)
        unlink(w.path);
    return st;
}

static PS_MUST ps_status check(const struct ps_opts *o)
{
    bool replay = *o->bench.replay != '\0', belady = *o->bench.belady != '\0';
    bool rows = *o->bench.rows != '\0';

    if (strcmp(o->positional[0], "io") != 0)
        PS_FAIL(PS_EUSAGE, "there is no bench %s; expected bench io", o->positional[0]);
    if (replay + belady + rows > 1)
        PS_FAIL(PS_EUSAGE, "--replay, --belady and --rows are three measurements; ask for one");
    if ((replay || rows) && o->positional_count < 2)
        PS_FAIL(PS_EUSAGE, "%s needs the dataset: penstock bench io D.ps %s FILE",
                replay ? "--replay" : "--rows", replay ? "--replay" : "--rows");
    if (o->io.engine == PS_IO_SIM)
        PS_FAIL(PS_EUSAGE, "--io sim is a disk that is not there; expected auto, uring, pread or "
                           "hdf5");
    return PS_OK;
}

static ps_status run(struct ps_ctx *ctx, const struct ps_opts *o, const char *line)
{
    bool replay = *o->bench.replay != '\0', belady = *o->bench.belady != '\0';
    json_t *report = json_object();
    ps_status st;

    (void)line;
    PS_GO(st, check(o));
    if (replay)
        PS_GO(st, ps_bench_replay_all(ctx, o, o->positional[1], report));
    else if (belady)
        PS_GO(st, ps_bench_caches(ctx, o, report));
    else
        PS_GO(st, measure(ctx, o, report));
    if (o->common.json || replay)
        PS_GO(st, ps_report_print(o, report));
    if (fflush(stdout) != 0 || ferror(stdout))
        PS_GO_FAIL(st, PS_EIO, "cannot write the report to stdout");
out:
    json_decref(report);
    return st;
}

const struct ps_command ps_cmd_bench = {
    .usage = {PS_CMD_BENCH, "bench", "io [D.ps | FILE]",
              "Measure what the disk gives, and how near to it reading rows comes.",
              "Reads a file in every way, sequentially and at random, and of a dataset also rows "
              "as training plans them; with no file named, one is made and removed. --replay, "
              "--belady and --rows measure what a run recorded. docs/perf/README.md says how to "
              "read the table.",
              1, 2},
    .run = run,
};
