/* SPDX-License-Identifier: Apache-2.0 */
#include "src/kern/act.h"

#include "src/kern/simd.h"

#include <math.h>
#include <string.h>

enum {
    DRAWS = 256,      /* made at a time */
    TILE = 8 * DRAWS, /* columns they serve */
    ROWS_EACH = 256,  /* rows that a thread takes at a time */
    NUMBERS_EACH = 1 << 15,
};

uint32_t ps_drop_threshold(double p)
{
    const double t = floor(p * 65536 + 0.5);

    return t < 0 ? 0 : t > 65535 ? 65535 : (uint32_t)t;
}

ps_real ps_drop_scale(uint32_t threshold)
{
    return (ps_real)65536 / (ps_real)(65536 - threshold);
}

/* One stretch of a row: bias, ReLU. `y` may be `x`. */
PS_CLONES static void plain_span(uint32_t n, const ps_real *x, const ps_real *bias, bool relu,
                                 ps_real *y)
{
    const ps_real floor_at = relu ? 0 : -(ps_real)INFINITY;

    if (bias == NULL) {
        for (uint32_t c = 0; c < n; c++)
            y[c] = x[c] < floor_at ? floor_at : x[c];
        return;
    }
    for (uint32_t c = 0; c < n; c++) {
        const ps_real sum = x[c] + bias[c];
        y[c] = sum < floor_at ? floor_at : sum;
    }
}

/* The same and dropout. */
PS_CLONES static void drop_span(uint32_t n, const uint16_t *restrict bits, uint32_t threshold,
                                ps_real scale, ps_real *restrict y)
{
    for (uint32_t c = 0; c < n; c++)
        y[c] = bits[c] >= threshold ? y[c] * scale : 0;
}

/* Rows [begin, end), columns [c, c + n) with n <= TILE. */
static void drop_tile(const struct ps_drop *drop, uint32_t begin, uint32_t end, uint32_t cols,
                      uint32_t c, uint32_t n, ps_real *y)
{
    const uint32_t groups = (n + 7) / 8, rows_at_once = DRAWS / groups;
    const ps_real scale = ps_drop_scale(drop->threshold);
    uint64_t node[DRAWS];
    uint32_t group[DRAWS];
    uint16_t bits[TILE];

    for (uint32_t r = begin; r < end; r += rows_at_once) {
        const uint32_t rows = end - r < rows_at_once ? end - r : rows_at_once;
        for (uint32_t i = 0; i < rows; i++)
            for (uint32_t g = 0; g < groups; g++) {
                node[i * groups + g] = drop->node[r + i];
                group[i * groups + g] = c / 8 + g;
            }
        ps_drop_bits(drop->key, node, group, rows * groups, bits);
        if (n == cols && n % 8 == 0) { /* no gaps: all rows are one stretch */
            drop_span(rows * n, bits, drop->threshold, scale, y + (size_t)r * cols);
            continue;
        }
        for (uint32_t i = 0; i < rows; i++)
            drop_span(n, bits + 8 * (size_t)(i * groups), drop->threshold, scale,
                      y + (size_t)(r + i) * cols + c);
    }
}

/* Dropout of rows [begin, end), in place. */
static void drop_rows(const struct ps_drop *drop, uint32_t begin, uint32_t end, uint32_t cols,
                      ps_real *y)
{
    for (uint32_t c = 0; c < cols; c += TILE)
        drop_tile(drop, begin, end, cols, c, cols - c < TILE ? cols - c : TILE, y);
}

void ps_act_rows(const struct ps_act *act, uint32_t begin, uint32_t end, uint32_t cols, ps_real *y)
{
    enum { NUMBERS = 8192 }; /* rows are dropped while they are in the first cache */
    uint32_t step = NUMBERS / cols;

    step = step < 1 ? 1 : step;
    for (uint32_t r = begin; r < end; r += step) {
        const uint32_t last = end - r < step ? end : r + step;
        if (act->bias != NULL || act->relu)
            for (uint32_t i = r; i < last; i++) {
                ps_real *row = y + (size_t)i * cols;
                plain_span(cols, row, act->bias, act->relu, row);
            }
        if (act->drop.threshold != 0)
            drop_rows(&act->drop, r, last, cols, y);
    }
}

void ps_act(int threads, const struct ps_act *act, uint32_t rows, uint32_t cols, ps_real *y)
{
    const uint64_t parts = ((uint64_t)rows + ROWS_EACH - 1) / ROWS_EACH;

#pragma omp parallel for num_threads(threads) schedule(dynamic, 1) default(none)                   \
    firstprivate(act, rows, cols, y, parts)
    for (uint64_t p = 0; p < parts; p++) {
        const uint64_t end = (p + 1) * ROWS_EACH;
        ps_act_rows(act, (uint32_t)(p * ROWS_EACH), end < rows ? (uint32_t)end : rows, cols, y);
    }
}

void ps_drop_dense(int threads, const struct ps_drop *drop, uint32_t rows, uint32_t cols,
                   const ps_real *in, ps_real *out)
{
    const uint32_t each = cols >= 8192 ? 1 : 8192 / cols;
    const uint64_t parts = ((uint64_t)rows + each - 1) / each;

#pragma omp parallel for num_threads(threads) schedule(dynamic, 1) default(none)                   \
    firstprivate(drop, rows, cols, in, out, each, parts)
    for (uint64_t p = 0; p < parts; p++) {
        const uint32_t begin = (uint32_t)(p * each);
        const uint32_t end = rows - begin < each ? rows : begin + each;
        if (in != out)
            memcpy(out + (size_t)begin * cols, in + (size_t)begin * cols,
                   (size_t)(end - begin) * cols * sizeof *out);
        drop_rows(drop, begin, end, cols, out);
    }
}

PS_CLONES static void gate_span(uint64_t n, ps_real scale, const ps_real *restrict d,
                                ps_real *restrict h)
{
    for (uint64_t i = 0; i < n; i++)
        h[i] = h[i] > 0 ? d[i] * scale : 0;
}

void ps_gate(int threads, uint64_t n, ps_real scale, const ps_real *d, ps_real *h)
{
    const uint64_t parts = (n + NUMBERS_EACH - 1) / NUMBERS_EACH;

#pragma omp parallel for num_threads(threads) schedule(static) default(none)                       \
    firstprivate(n, scale, d, h, parts)
    for (uint64_t p = 0; p < parts; p++) {
        const uint64_t begin = p * NUMBERS_EACH;
        gate_span(n - begin < NUMBERS_EACH ? n - begin : NUMBERS_EACH, scale, d + begin, h + begin);
    }
}
