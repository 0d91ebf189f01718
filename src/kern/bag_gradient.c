/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gradient of the first weights from bags: row after row is pushed into a
 * partial sum of its part, which stays in the second cache. The other way, a
 * sort of all entries by column and a pull for each column, took twice as long
 * on 13,752 bags of 267 words in 767 columns: the sort alone cost more than
 * everything here.
 */
#include "src/base/num.h"
#include "src/kern/csr.h"
#include "src/kern/parts.h"
#include "src/kern/simd.h"

#include <string.h>

enum {
    ROWS = 2048, /* of a part, at least */
    REUSE = 8, /* entries for each column in a part, at least: else adding the parts is the work */
    PANEL = 128, /* columns of the gradient that one thread takes at a time */
};

static uint32_t part_count(const struct ps_csr *in)
{
    const uint64_t entries = in->begin[in->rows] - in->begin[0];
    const uint64_t parts = ps_min(ps_div_up(in->rows, ROWS), entries / REUSE / in->cols);

    return (uint32_t)ps_max(parts, 1);
}

size_t ps_bag_gradient_scratch(int threads, const struct ps_csr *in, uint32_t m)
{
    const uint32_t parts = part_count(in);

    return parts == 1 ? 0 : (size_t)ps_parts_at_once(threads, parts) * in->cols * m;
}

/* Rows [begin, end) of the bags, columns [c, c + n) of d and w (., m). */
PS_CLONES static void push(const struct ps_csr *in, uint32_t begin, uint32_t end, uint32_t c,
                           uint32_t n, uint32_t m, const ps_real *d, ps_real *w)
{
    for (uint32_t k = 0; k < in->cols; k++)
        memset(w + (size_t)k * m + c, 0, n * sizeof *w);
    for (uint32_t r = begin; r < end; r++) {
        const ps_real *restrict from = d + (size_t)r * m + c;
        for (uint64_t e = in->begin[r]; e < in->end[r]; e++) {
            const ps_real v = in->value == NULL ? 1 : (ps_real)in->value[e];
            ps_real *restrict to = w + (size_t)in->index[e] * m + c;
            for (uint32_t i = 0; i < n; i++)
                to[i] += v * from[i];
        }
    }
}

void ps_bag_gradient(int threads, const struct ps_csr *in, uint32_t m, const ps_real *d, ps_real *w,
                     ps_real *scratch)
{
    const uint32_t parts = part_count(in), wave = ps_parts_at_once(threads, parts);
    const uint32_t panels = (uint32_t)ps_div_up(m, PANEL);
    const uint32_t each = (uint32_t)ps_div_up(in->rows, parts);
    const size_t size = (size_t)in->cols * m;
    ps_real *sums = parts == 1 ? w : scratch;

    for (uint32_t done = 0; done < parts; done += wave) {
        const uint32_t now = (uint32_t)ps_min(wave, parts - done);
#pragma omp parallel for num_threads(threads) schedule(dynamic, 1) default(none)                   \
    firstprivate(in, m, d, sums, size, done, now, panels, each)
        for (uint32_t t = 0; t < now * panels; t++) {
            const uint64_t begin = (uint64_t)(done + t / panels) * each;
            const uint32_t c = t % panels * PANEL;
            push(in, (uint32_t)ps_min(begin, in->rows), (uint32_t)ps_min(begin + each, in->rows), c,
                 (uint32_t)ps_min(PANEL, m - c), m, d, sums + t / panels * size);
        }
        if (parts > 1)
            ps_parts_add(threads, size, now, scratch, done == 0, w);
    }
}
