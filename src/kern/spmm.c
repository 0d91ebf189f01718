/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows are summed in registers, a tile of up to 64 columns (floats) at a time;
 * each tile walks over the edges again, which by then are in the first cache.
 * The last tile is moved back so that it ends with the row: the columns that
 * are computed twice give the same bits twice, and no column is left over for
 * a slow loop as soon as a row has 4 columns.
 */
#include "src/kern/spmm.h"

#include "src/kern/simd.h"

#include <math.h>
#include <string.h>

enum weight_kind { WEIGHT_ONE, WEIGHT_EDGE, WEIGHT_SOURCE, WEIGHT_DEGREE };

enum { AHEAD = 8, LINE = 64 / sizeof(ps_real) }; /* edges prefetched, numbers of a cache line */

PS_INLINE ps_real weight_of(const struct ps_spmm *s, uint64_t e, const enum weight_kind kind)
{
    switch (kind) {
    case WEIGHT_EDGE:
        return (ps_real)s->edge[e];
    case WEIGHT_SOURCE:
        return s->source[s->index[e]];
    case WEIGHT_DEGREE:
#ifdef PS_REAL_DOUBLE
        return 1 / sqrt((double)s->degree[s->index[e]] + 1);
#else
        return 1 / sqrtf((float)s->degree[s->index[e]] + 1);
#endif
    case WEIGHT_ONE:
    default:
        return 1;
    }
}

/* Where the edges end that may be read ahead of row v. */
PS_INLINE uint64_t ahead_end(const struct ps_spmm *s, uint32_t v)
{
    return s->end == s->begin + 1 ? s->begin[s->rows] : s->end[v];
}

/* Numbers c + skip .. c + n of row v: the gate, or just the store. */
PS_INLINE void put(const struct ps_spmm *s, uint32_t v, uint32_t c, const ps_real *sum,
                   uint32_t skip, uint32_t n)
{
    ps_real *restrict out = s->out + v * s->out_stride + c;

    if (s->gated) {
        for (uint32_t i = skip; i < n; i++)
            out[i] = out[i] > 0 ? sum[i] * s->gate : 0;
    } else {
        memcpy(out + skip, sum + skip, (n - skip) * sizeof *out);
    }
}

/* TILE(name, vector, lanes): columns [c, c + parts * lanes) of row v; the first
 * `skip` of them are stored already. `parts` is a constant in every call. */
#define TILE(name, vec, lanes)                                                                     \
    PS_INLINE void name(const struct ps_spmm *s, uint32_t v, uint32_t c, uint32_t skip,            \
                        const int parts, const enum weight_kind kind)                              \
    {                                                                                              \
        vec sum[4], a = {0}, b = {0}, d = {0}, f = {0};                                            \
        const size_t l = (lanes);                                                                  \
        const uint64_t last = ahead_end(s, v);                                                     \
        const ps_real scale = s->scale == NULL ? 1 : s->scale[v];                                  \
                                                                                                   \
        for (uint64_t e = s->begin[v]; e < s->end[v]; e++) {                                       \
            const ps_real *x = s->x + s->index[e] * s->x_stride + c;                               \
            const ps_real w = weight_of(s, e, kind);                                               \
            if (e + AHEAD < last) {                                                                \
                const ps_real *p = s->x + s->index[e + AHEAD] * s->x_stride + c;                   \
                for (size_t i = 0; i < (size_t)parts * l; i += LINE)                               \
                    __builtin_prefetch(p + i);                                                     \
            }                                                                                      \
            a += *(const vec *)x * w;                                                              \
            if (parts > 1)                                                                         \
                b += *(const vec *)(x + l) * w;                                                    \
            if (parts > 2)                                                                         \
                d += *(const vec *)(x + 2 * l) * w;                                                \
            if (parts > 3)                                                                         \
                f += *(const vec *)(x + 3 * l) * w;                                                \
        }                                                                                          \
        sum[0] = a * scale, sum[1] = b * scale, sum[2] = d * scale, sum[3] = f * scale;            \
        if (s->self_x != NULL && v < s->self_rows) {                                               \
            const ps_real *x = s->self_x + v * s->self_stride + c;                                 \
            const ps_real w = s->self == NULL ? 1 : s->self[v];                                    \
            for (size_t i = 0; i < (size_t)parts; i++)                                             \
                sum[i] += *(const vec *)(x + i * l) * w;                                           \
        }                                                                                          \
        put(s, v, c, (const ps_real *)sum, skip, (uint32_t)parts *(lanes));                        \
    }

TILE(tile64, ps_v64, PS_LANES64)
TILE(tile32, ps_v32, PS_LANES32)
TILE(tile16, ps_v16, PS_LANES16)
TILE(tile1, ps_real, 1)

/* The columns left after whole tiles, where the row has at least one vector:
 * `left` < 4 vectors, ending with the row. */
PS_INLINE void rest64(const struct ps_spmm *s, uint32_t v, uint32_t c, const enum weight_kind kind)
{
    const uint32_t parts = (s->cols - c + PS_LANES64 - 1) / PS_LANES64;
    const uint32_t from = s->cols - parts * PS_LANES64;

    if (parts == 1)
        tile64(s, v, from, c - from, 1, kind);
    else if (parts == 2)
        tile64(s, v, from, c - from, 2, kind);
    else if (parts == 3)
        tile64(s, v, from, c - from, 3, kind);
    else
        tile64(s, v, from, c - from, 4, kind);
}

PS_INLINE void row_of(const struct ps_spmm *s, uint32_t v, const enum weight_kind kind)
{
    const uint32_t cols = s->cols;
    uint32_t c = 0;

    if (cols >= PS_LANES64) {
        for (; cols - c >= 4 * PS_LANES64; c += 4 * PS_LANES64)
            tile64(s, v, c, 0, 4, kind);
        if (c == 0 && cols >= 2 * PS_LANES64) { /* the rest would begin before the row */
            tile64(s, v, 0, 0, 2, kind);
            c = 2 * PS_LANES64;
        } else if (c == 0) {
            tile64(s, v, 0, 0, 1, kind);
            c = PS_LANES64;
        }
        if (c < cols)
            rest64(s, v, c, kind);
    } else if (cols >= PS_LANES32) {
        tile32(s, v, 0, 0, 1, kind);
        if (cols > PS_LANES32)
            tile32(s, v, cols - PS_LANES32, 2 * PS_LANES32 - cols, 1, kind);
    } else if (cols >= PS_LANES16) {
        tile16(s, v, 0, 0, 1, kind);
        if (cols > PS_LANES16)
            tile16(s, v, cols - PS_LANES16, 2 * PS_LANES16 - cols, 1, kind);
    } else {
        for (; c < cols; c++)
            tile1(s, v, c, 0, 1, kind);
    }
}

/* One function for each kind of weight, so that none is chosen edge by edge. */
#define ROWS(name, kind)                                                                           \
    PS_CLONES static void name(const struct ps_spmm *s, uint32_t begin, uint32_t end)              \
    {                                                                                              \
        for (uint32_t v = begin; v < end; v++) {                                                   \
            row_of(s, v, (kind));                                                                  \
            if (s->beside != NULL)                                                                 \
                memcpy(s->out + v * s->out_stride - s->cols, s->beside + v * s->beside_stride,     \
                       s->cols * sizeof *s->out);                                                  \
        }                                                                                          \
    }

ROWS(rows_one, WEIGHT_ONE)
ROWS(rows_edge, WEIGHT_EDGE)
ROWS(rows_source, WEIGHT_SOURCE)
ROWS(rows_degree, WEIGHT_DEGREE)

void ps_spmm_rows(const struct ps_spmm *s, uint32_t begin, uint32_t end)
{
    if (s->edge != NULL)
        rows_edge(s, begin, end);
    else if (s->source != NULL)
        rows_source(s, begin, end);
    else if (s->degree != NULL)
        rows_degree(s, begin, end);
    else
        rows_one(s, begin, end);
}

uint32_t ps_rows_each(uint64_t rows, int threads)
{
    const uint64_t each = rows / ((uint64_t)threads * 16);

    return each < 1 ? 1 : each > 64 ? 64 : (uint32_t)each;
}

void ps_spmm(int threads, const struct ps_spmm *s)
{
    const uint32_t each = ps_rows_each(s->rows, threads);
    const uint64_t parts = ((uint64_t)s->rows + each - 1) / each;

#pragma omp parallel for num_threads(threads) schedule(dynamic, 1) default(none)                   \
    firstprivate(s, each, parts)
    for (uint64_t p = 0; p < parts; p++) {
        const uint64_t begin = p * each, end = begin + each;
        ps_spmm_rows(s, (uint32_t)begin, end < s->rows ? (uint32_t)end : s->rows);
    }
}
