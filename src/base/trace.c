/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/trace.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *const event_name[] = {
#define PS_EVENT(name, unit, doc) #name,
#include "src/base/trace_table.def"
#undef PS_EVENT
};
static const char *const event_unit[] = {
#define PS_EVENT(name, unit, doc) unit,
#include "src/base/trace_table.def"
#undef PS_EVENT
};

const char *ps_event_name(enum ps_event e)
{
    return event_name[e];
}

const char *ps_event_unit(enum ps_event e)
{
    return event_unit[e];
}

uint64_t ps_now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void ps_trace_init(struct ps_trace *t)
{
    memset(t, 0, sizeof *t);
    t->start_ns = ps_now_ns();
}

ps_status ps_trace_record(struct ps_trace *t, struct ps_mem *m, uint64_t cap)
{
    PS_TRY(PS_NEW(m, PS_MEM_OTHER, t->moment, cap));
    t->moment_cap = cap;
    return PS_OK;
}

void ps_trace_fini(struct ps_trace *t, struct ps_mem *m)
{
    ps_mem_free(m, &t->moment);
    t->moment_cap = 0;
}

struct ps_span ps_span_begin(enum ps_event event)
{
    PS_DASSERT((unsigned)event < PS_EVENT_COUNT);
    return (struct ps_span){ps_now_ns(), event};
}

static void keep_moment(struct ps_trace *t, const struct ps_span *s, uint64_t spent,
                        uint64_t amount)
{
    uint64_t i = atomic_fetch_add_explicit(&t->moment_count, 1, memory_order_relaxed);

    if (i < t->moment_cap)
        t->moment[i] = (struct ps_moment){s->begin_ns - t->start_ns, spent, amount,
                                          (uint32_t)s->event, (uint32_t)gettid()};
}

void ps_span_end(struct ps_trace *t, struct ps_span *s, uint64_t amount)
{
    uint64_t spent = ps_now_ns() - s->begin_ns, seen;

    PS_ASSERT(s->begin_ns != 0); /* ended twice */
    atomic_fetch_add_explicit(&t->total[s->event].count, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&t->total[s->event].time_ns, spent, memory_order_relaxed);
    atomic_fetch_add_explicit(&t->total[s->event].amount, amount, memory_order_relaxed);
    seen = atomic_load_explicit(&t->total[s->event].time_ns_max, memory_order_relaxed);
    while (seen < spent &&
           !atomic_compare_exchange_weak(&t->total[s->event].time_ns_max, &seen, spent))
        ;
    if (t->moment != NULL)
        keep_moment(t, s, spent, amount);
    s->begin_ns = 0;
}

void ps_trace_totals(const struct ps_trace *t, struct ps_total out[PS_EVENT_COUNT])
{
    for (int e = 0; e < PS_EVENT_COUNT; e++)
        out[e] = (struct ps_total){t->total[e].count, t->total[e].time_ns, t->total[e].time_ns_max,
                                   t->total[e].amount};
}

void ps_trace_report(FILE *out, const struct ps_total *per_rank, int ranks)
{
    fprintf(out, "%-10s %9s %9s %9s %9s %11s %s\n", "stage", "count", "min s", "mean s", "max s",
            "rate", "unit");
    for (int e = 0; e < PS_EVENT_COUNT; e++) {
        double count = 0, amount = 0, sum = 0, hi = 0, lo = 1e300;

        for (int r = 0; r < ranks; r++) {
            const struct ps_total *t = &per_rank[(size_t)r * PS_EVENT_COUNT + (size_t)e];
            double s = 1e-9 * (double)t->time_ns;
            count += (double)t->count;
            amount += (double)t->amount;
            sum += s;
            hi = s > hi ? s : hi;
            lo = s < lo ? s : lo;
        }
        if (count == 0)
            continue;
        fprintf(out, "%-10s %9.0f %9.3f %9.3f %9.3f", event_name[e], count, lo, sum / ranks, hi);
        if (*event_unit[e] != '\0' && hi > 0)
            fprintf(out, " %11.3e %s/s", amount / hi, event_unit[e]);
        fputc('\n', out);
    }
}

ps_status ps_trace_write(const struct ps_trace *t, const char *path, int rank)
{
    FILE *f = fopen(path, "we");
    uint64_t seen = t->moment_count, kept = ps_min(seen, t->moment_cap);
    int bad;

    if (f == NULL)
        PS_FAIL_SYS(errno, "cannot write the trace %s", path);
    fprintf(f,
            "{\"displayTimeUnit\":\"ms\",\"otherData\":{\"dropped\":%" PRIu64 "},\n"
            "\"traceEvents\":[\n",
            seen - kept);
    for (uint64_t i = 0; i < kept; i++) {
        const struct ps_moment *m = &t->moment[i];
        fprintf(f,
                "{\"name\":\"%s\",\"ph\":\"X\",\"pid\":%d,\"tid\":%u,\"ts\":%.3f,\"dur\":%.3f,"
                "\"args\":{\"amount\":%" PRIu64 "}}%s\n",
                event_name[m->event], rank, m->thread, 1e-3 * (double)m->begin_ns,
                1e-3 * (double)m->spent_ns, m->amount, i + 1 < kept ? "," : "");
    }
    fputs("]}\n", f);
    bad = ferror(f);
    if (fclose(f) != 0 || bad)
        PS_FAIL_SYS(errno ? errno : EIO, "cannot write the trace %s", path);
    return PS_OK;
}
