/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file trace.h
 * @brief Where the time went, on every rank, always on.
 *
 * A span is two clock reads and a few relaxed additions. Totals are kept
 * always; single spans only after ps_trace_record, up to a limit, and the file
 * says how many were dropped. Events are listed in trace_table.def with the
 * unit of their amount, so that a rate can be printed.
 *
 * @code
 *   struct ps_span s = ps_span_begin(PS_EV_sample);
 *   ...
 *   ps_span_end(trace, &s, edge_count);
 * @endcode
 *
 * @par Threads  ps_span_end may be called by any thread at the same time.
 */
#ifndef PS_BASE_TRACE_H
#define PS_BASE_TRACE_H

#include "src/base/mem.h"

#include <stdint.h>
#include <stdio.h>

enum ps_event {
#define PS_EVENT(name, unit, doc) PS_EV_##name,
#include "src/base/trace_table.def"
#undef PS_EVENT
    PS_EVENT_COUNT
};

struct ps_span {
    uint64_t begin_ns;
    enum ps_event event;
};

/** Totals of one event. Plain data: sent between ranks as it is. */
struct ps_total {
    uint64_t count, time_ns, time_ns_max, amount;
};

/** One recorded span, for the trace file. */
struct ps_moment {
    uint64_t begin_ns, spent_ns, amount;
    uint32_t event, thread;
};

struct ps_trace {
    struct {
        _Atomic uint64_t count, time_ns, time_ns_max, amount;
    } total[PS_EVENT_COUNT];
    struct ps_moment *moment; /**< NULL unless recording */
    uint64_t moment_cap;
    _Atomic uint64_t moment_count; /**< may exceed the capacity: the rest was dropped */
    uint64_t start_ns;
};

/** Monotonic nanoseconds. */
uint64_t ps_now_ns(void);

/** All totals zero, not recording; the trace begins now. */
void ps_trace_init(struct ps_trace *t);

/** Keep single spans from now on, at most @p cap of them. @return PS_EMEM */
PS_MUST ps_status ps_trace_record(struct ps_trace *t, struct ps_mem *m, uint64_t cap);
/** Give back the recorded spans. */
void ps_trace_fini(struct ps_trace *t, struct ps_mem *m);

/** Begin a span, end it: its time and @p amount, in the unit of the event, join the totals. */
struct ps_span ps_span_begin(enum ps_event event);
void ps_span_end(struct ps_trace *t, struct ps_span *s, uint64_t amount);

/** The totals so far. */
void ps_trace_totals(const struct ps_trace *t, struct ps_total out[PS_EVENT_COUNT]);
/** "io_read" and its unit, "bytes", as in trace_table.def. Never NULL. */
const char *ps_event_name(enum ps_event e);
const char *ps_event_unit(enum ps_event e);

/** One line per event that happened: count, then min, mean and max seconds
 *  over ranks, and the rate over all ranks. @p per_rank is (ranks,
 *  PS_EVENT_COUNT), row-major. */
void ps_trace_report(FILE *out, const struct ps_total *per_rank, int ranks);

/** Write the recorded spans as Chrome trace JSON, which Perfetto opens.
 *  @p rank becomes the process id. @return PS_EIO */
PS_MUST ps_status ps_trace_write(const struct ps_trace *t, const char *path, int rank);

#endif
