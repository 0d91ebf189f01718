/* SPDX-License-Identifier: Apache-2.0 */
#include "src/train/budget.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Buffers grow by a quarter beyond what is asked for. */
static const double roomy = 1.25;

/* Batches differ in size, small ones more than large ones: what the largest may be of the first. */
static double vary(uint64_t rows)
{
    return 1.1 + 6 / sqrt((double)rows + 1);
}

/* Kept free for what is small and comes later: files that are written, lists that grow. */
static const double spare = 1.0 / 16;
enum { SPARE_BYTES = 3 << 20 };

enum { UNION_BYTES = 120 }; /* of the maps and lists that a window needs for each distinct row */

/* One number from a file, such as of a cgroup; 0 if it is not there or says "max". */
static uint64_t number_in(const char *path)
{
    FILE *f = fopen(path, "re");
    char text[64] = "";

    if (f == NULL)
        return 0;
    if (fgets(text, sizeof text, f) == NULL)
        text[0] = '\0';
    fclose(f);
    return strtoull(text, NULL, 10);
}

uint64_t ps_budget_available(void)
{
    FILE *f = fopen("/proc/meminfo", "re");
    char line[256];
    uint64_t kib = 0, limit = number_in("/sys/fs/cgroup/memory.max"),
             used = number_in("/sys/fs/cgroup/memory.current");

    if (f == NULL)
        return 0;
    while (fgets(line, sizeof line, f) != NULL)
        if (strncmp(line, "MemAvailable:", 13) == 0)
            kib = strtoull(line + 13, NULL, 10);
    fclose(f);
    if (limit != 0)
        return ps_min(kib * 1024, limit > used ? limit - used : 0);
    return kib * 1024;
}

static uint64_t scaled(uint64_t x, double by)
{
    return (uint64_t)ceil((double)x * by);
}

/* Bytes of training that are not held yet. */
static uint64_t to_come(const struct ps_mem *m, uint64_t training, uint64_t rows)
{
    uint64_t held = atomic_load(&m->cat_bytes[PS_MEM_ACTIVATION]);
    uint64_t want = scaled(training, vary(rows) * roomy);

    return want > held ? want - held : 0;
}

/* Bytes for the batches of two windows of @p width, where one batch has so many. */
static uint64_t in_flight(uint64_t batch_bytes, uint64_t batch_rows, uint64_t width)
{
    return scaled(2 * width * batch_bytes, roomy * vary(batch_rows)) +
           scaled(width * batch_rows * UNION_BYTES, roomy);
}

ps_status ps_budget_slots(const struct ps_mem *m, const struct ps_budget_rows *need,
                          uint64_t *slots)
{
    uint64_t limit = atomic_load(&m->limit_bytes), used = atomic_load(&m->used_bytes);
    uint64_t batch_rows = need->rows / need->width, batch_bytes = need->blocks / need->width;
    uint64_t least = ps_min(scaled(2 * batch_rows, vary(batch_rows)) + 64, need->nodes);
    uint64_t fixed = used - ps_min(used, need->blocks) + to_come(m, need->training, batch_rows) +
                     in_flight(batch_bytes, batch_rows, 1);
    uint64_t left, needed = scaled(fixed + least * need->row_bytes, 1 / (1 - spare)) + SPARE_BYTES;

    *slots = 0;
    if (need->row_bytes == 0)
        return PS_OK;
    if (limit == 0) {
        uint64_t half = ps_budget_available() / 2 / need->ranks;
        *slots = ps_max(least, ps_min(need->nodes, half / need->row_bytes));
        return PS_OK;
    }
    if (needed > limit)
        PS_FAIL(
            PS_EMEM,
            "--memory %" PRIu64 " is too small for these batches: topology, buffers and weights "
            "take %" PRIu64 " bytes, training a batch %" PRIu64 ", the rows of two batches %" PRIu64
            "; give --memory %" PRIu64 "M or more, or a smaller --batch-size or --fanout, or "
            "--micro-batches",
            limit, fixed - to_come(m, need->training, batch_rows),
            to_come(m, need->training, batch_rows), least * need->row_bytes,
            ps_div_up(needed, 1 << 20) + 1);
    left = scaled(limit - SPARE_BYTES, 1 - spare) - fixed;
    *slots = ps_max(least, left / 4 * 3 / need->row_bytes);
    *slots = ps_min(*slots, need->nodes);
    return PS_OK;
}

uint64_t ps_budget_width(const struct ps_mem *m, const struct ps_budget_window *seen,
                         uint64_t slots, uint64_t want)
{
    uint64_t limit = atomic_load(&m->limit_bytes), used = atomic_load(&m->used_bytes);
    uint64_t bytes = seen->block_bytes / seen->width, rows = ps_div_up(seen->rows, seen->width);
    uint64_t held = ps_min(used, 2 * seen->block_bytes);

    for (; want > 1; want--) {
        /* a union grows no faster than its batches */
        bool in_slab =
            slots == 0 || scaled(seen->rows, vary(rows)) + scaled(rows * want, vary(rows)) <= slots;
        if (in_slab && (limit == 0 || used - held + to_come(m, seen->training, rows) +
                                              in_flight(bytes, rows, want) <=
                                          limit))
            break;
    }
    return want;
}
