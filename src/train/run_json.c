/* SPDX-License-Identifier: Apache-2.0 */
/* run.json: everything that is needed to understand a run, and to start it again. */
#include "src/train/record.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#ifdef __clang__
#define COMPILER "clang " __clang_version__
#else
#define COMPILER "gcc " __VERSION__
#endif

static json_t *whole(uint64_t x)
{
    return json_integer((json_int_t)x);
}

/* The first "model name" of /proc/cpuinfo. */
static json_t *cpu_name(void)
{
    FILE *f = fopen("/proc/cpuinfo", "re");
    char line[256];
    json_t *name = NULL;

    while (f != NULL && name == NULL && fgets(line, sizeof line, f) != NULL) {
        char *value = strchr(line, ':');
        if (strncmp(line, "model name", 10) != 0 || value == NULL)
            continue;
        value[strcspn(value, "\n")] = '\0';
        name = json_string(value + 1 + (value[1] == ' '));
    }
    if (f != NULL)
        fclose(f);
    return name != NULL ? name : json_string("unknown");
}

static json_t *machine_json(const struct ps_rank_facts *fact, uint32_t ranks)
{
    json_t *j = json_object(), *hosts = json_array();
    struct utsname u;

    for (uint32_t r = 0; r < ranks; r++)
        json_array_append_new(hosts, json_string(fact[r].host));
    json_object_set_new(j, "host_of_rank", hosts);
    json_object_set_new(j, "cpu", cpu_name());
    json_object_set_new(j, "cpus", whole((uint64_t)sysconf(_SC_NPROCESSORS_ONLN)));
    if (uname(&u) == 0)
        json_object_set_new(j, "kernel", json_string(u.release));
    return j;
}

static json_t *dataset_json(const struct ps_shard *shard)
{
    const struct ps_meta *m = shard->meta;
    json_t *j = json_object();

    json_object_set_new(j, "path", json_string(ps_dataset_path(shard->dataset)));
    json_object_set_new(j, "name", json_string(m->name));
    json_object_set_new(j, "uuid", json_string(m->uuid));
    json_object_set_new(j, "nodes", whole(m->nodes));
    json_object_set_new(j, "edges", whole(m->edges));
    json_object_set_new(j, "feature_dim", whole(m->feature_dim));
    json_object_set_new(j, "classes", whole(m->classes));
    json_object_set_new(j, "parts", whole(m->parts));
    return j;
}

/* What the plan of each rank took reads to cost. */
static json_t *cost_json(const struct ps_rank_facts *fact, uint32_t ranks)
{
    json_t *j = json_object(), *request = json_array(), *byte = json_array();

    for (uint32_t r = 0; r < ranks; r++) {
        json_array_append_new(request, json_real(fact[r].fetch.cost.request_ns));
        json_array_append_new(byte, json_real(fact[r].fetch.cost.byte_ns));
    }
    json_object_set_new(j, "request_ns", request);
    json_object_set_new(j, "byte_ns", byte);
    return j;
}

/* Each stage: count, and seconds on each rank. */
static json_t *stages_json(const struct ps_rank_facts *fact, uint32_t ranks)
{
    json_t *j = json_object();

    for (int e = 0; e < PS_EVENT_COUNT; e++) {
        json_t *stage = json_object(), *seconds = json_array();
        uint64_t count = 0, amount = 0;
        for (uint32_t r = 0; r < ranks; r++) {
            count += fact[r].total[e].count;
            amount += fact[r].total[e].amount;
            json_array_append_new(seconds, json_real(1e-9 * (double)fact[r].total[e].time_ns));
        }
        json_object_set_new(stage, "count", whole(count));
        json_object_set_new(stage, "amount", whole(amount));
        json_object_set_new(stage, "unit", json_string(ps_event_unit((enum ps_event)e)));
        json_object_set_new(stage, "seconds", seconds);
        json_object_set_new(j, ps_event_name((enum ps_event)e), stage);
    }
    return j;
}

static json_t *memory_json(const struct ps_rank_facts *fact, uint32_t ranks)
{
    json_t *j = json_object();

    for (int c = 0; c < PS_MEM_CAT_COUNT; c++) {
        json_t *bytes = json_array();
        for (uint32_t r = 0; r < ranks; r++)
            json_array_append_new(bytes, whole(fact[r].mem_cat_peak_bytes[c]));
        json_object_set_new(j, ps_mem_cat_name((enum ps_mem_cat)c), bytes);
    }
    return j;
}

static json_t *build_json(void)
{
    json_t *j = json_object();

    json_object_set_new(j, "version", json_string(PS_VERSION));
    json_object_set_new(j, "compiler", json_string(COMPILER));
#ifdef PS_DEBUG
    json_object_set_new(j, "debug", json_true());
#else
    json_object_set_new(j, "debug", json_false());
#endif
    return j;
}

static PS_MUST ps_status write_aside(const char *path, const char *aside, const json_t *j)
{
    FILE *f = fopen(aside, "we");
    int bad;

    if (f == NULL)
        PS_FAIL_SYS(errno, "cannot write %s", aside);
    bad = json_dumpf(j, f, JSON_INDENT(1) | JSON_REAL_PRECISION(15)) != 0 ||
          fputc('\n', f) == EOF || fflush(f) != 0 || fsync(fileno(f)) != 0;
    if (fclose(f) != 0 || bad) {
        unlink(aside);
        PS_FAIL_SYS(errno ? errno : EIO, "cannot write %s", aside);
    }
    if (rename(aside, path) != 0)
        PS_FAIL_SYS(errno, "cannot rename %s to %s", aside, path);
    return PS_OK;
}

ps_status ps_record_write(const struct ps_record *r, const struct ps_shard *shard,
                          const json_t *report, const struct ps_rank_facts *fact)
{
    uint32_t ranks = ps_world_ranks(shard->world);
    char path[PS_TEXT_BYTES + 32], aside[PS_TEXT_BYTES + 40];
    json_t *j = json_deep_copy(report);
    ps_status st;

    if (j == NULL)
        PS_FAIL(PS_EMEM, "out of memory writing %s/run.json", r->dir);
    json_object_set_new(j, "command", json_string(r->line));
    json_object_set_new(j, "options", ps_opts_json(r->o, PS_CMD_TRAIN));
    json_object_set_new(j, "build", build_json());
    json_object_set_new(j, "machine", machine_json(fact, ranks));
    json_object_set_new(j, "dataset", dataset_json(shard));
    json_object_set_new(j, "stages", stages_json(fact, ranks));
    json_object_set_new(j, "io_cost", cost_json(fact, ranks));
    json_object_set_new(j, "memory_peak_bytes", memory_json(fact, ranks));
    json_object_set_new(j, "seconds", json_real(ps_record_seconds(r)));
    snprintf(path, sizeof path, "%s/run.json", r->dir);
    snprintf(aside, sizeof aside, "%s.tmp", path);
    st = write_aside(path, aside, j);
    json_decref(j);
    return st;
}

static void say_bytes(FILE *out, const char *what, const uint64_t *of_rank, uint32_t ranks,
                      size_t stride)
{
    double lo = 1e300, hi = 0, sum = 0;

    for (uint32_t r = 0; r < ranks; r++) {
        uint64_t bytes;
        double mib;
        memcpy(&bytes, (const char *)of_rank + r * stride, sizeof bytes);
        mib = (double)bytes / 1048576;
        lo = mib < lo ? mib : lo;
        hi = mib > hi ? mib : hi;
        sum += mib;
    }
    if (hi > 0)
        fprintf(out, "%-22s %10.1f %10.1f %10.1f\n", what, lo, sum / ranks, hi);
}

/* How well wanted ranges were merged, and by which costs on rank 0. */
static void say_plan(FILE *out, const struct ps_rank_facts *fact, uint32_t ranks)
{
    const struct ps_io_cost *c = &fact[0].fetch.cost;
    uint64_t requests = 0, extents = 0;

    for (uint32_t r = 0; r < ranks; r++) {
        requests += fact[r].fetch.requests;
        extents += fact[r].fetch.extents;
    }
    if (requests > 0)
        fprintf(out,
                "%" PRIu64 " reads for %" PRIu64
                " ranges; a read was taken to cost %.1f us and 1 s per %.2f GB\n",
                requests, extents, c->request_ns / 1000, 1 / c->byte_ns);
}

void ps_record_table(FILE *out, const struct ps_record *r, const struct ps_world *w,
                     const struct ps_rank_facts *fact)
{
    uint32_t ranks = ps_world_ranks(w);
    struct ps_total *total;
    char what[64];

    if (PS_NEW(&r->ctx->mem, PS_MEM_OTHER, total, (size_t)ranks * PS_EVENT_COUNT) != PS_OK)
        return; /* the record has it all */
    for (uint32_t p = 0; p < ranks; p++)
        memcpy(total + (size_t)p * PS_EVENT_COUNT, fact[p].total, sizeof fact[p].total);
    fprintf(out, "%u rank%s x %" PRIu64 " thread%s, %s, %s, after %.1f s\n", ranks,
            ranks == 1 ? "" : "s", fact[0].threads, fact[0].threads == 1 ? "" : "s",
            ps_world_io_name(w), ps_comm_name(ps_world_comm(w)), ps_record_seconds(r));
    ps_trace_report(out, total, (int)ranks);
    fprintf(out, "%-22s %10s %10s %10s\n", "MiB per rank", "min", "mean", "max");
    say_bytes(out, "peak resident", &fact->peak_rss_bytes, ranks, sizeof *fact);
    for (int c = 0; c < PS_MEM_CAT_COUNT; c++) {
        snprintf(what, sizeof what, "  %s", ps_mem_cat_name((enum ps_mem_cat)c));
        say_bytes(out, what, &fact->mem_cat_peak_bytes[c], ranks, sizeof *fact);
    }
    say_bytes(out, "read from disk", &fact->fetch.read_bytes, ranks, sizeof *fact);
    say_bytes(out, "  of it wanted", &fact->fetch.wanted_bytes, ranks, sizeof *fact);
    for (int t = 0; t < PS_TRAFFIC_COUNT; t++) {
        snprintf(what, sizeof what, "sent: %s", ps_traffic_name((enum ps_traffic)t));
        say_bytes(out, what, &fact->sent_bytes[t], ranks, sizeof *fact);
    }
    say_plan(out, fact, ranks);
    ps_mem_free(&r->ctx->mem, &total);
}
