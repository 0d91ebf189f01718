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

/* How the rows of x are stored: as ps_real one behind the other, or in slots. */
enum row_kind { ROW_REAL, ROW_F32, ROW_F16, ROW_I8 };

enum { AHEAD = 8, LINE = 64 }; /* edges prefetched, bytes of a cache line */

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

/* Where row r of x begins. */
PS_INLINE const unsigned char *row_at(const struct ps_spmm *s, uint32_t r, const enum row_kind row)
{
    if (row == ROW_REAL)
        return (const unsigned char *)(s->x + r * s->x_stride);
    return ps_packed_row(s->packed, r);
}

PS_INLINE size_t number_bytes(const enum row_kind row)
{
    return row == ROW_REAL ? sizeof(ps_real) : row == ROW_F32 ? 4 : row == ROW_F16 ? 2 : 1;
}

/* LOAD(name, vector, lanes): numbers c .. c + lanes of a row, widened. Through a pointer: what a
 * function returns in a vector depends on the instruction set. */
#define LOAD(name, vec, lanes)                                                                     \
    PS_INLINE void name(vec *out, const unsigned char *row, uint32_t c, const enum row_kind kind)  \
    {                                                                                              \
        typedef float narrow __attribute__((vector_size(4 * (lanes)), aligned(1), may_alias));     \
        typedef uint16_t half __attribute__((vector_size(2 * (lanes)), aligned(1), may_alias));    \
        typedef int8_t byte __attribute__((vector_size(1 * (lanes)), aligned(1), may_alias));      \
        typedef uint32_t word __attribute__((vector_size(4 * (lanes))));                           \
        typedef float single __attribute__((vector_size(4 * (lanes))));                            \
        const unsigned char *p = row + c * number_bytes(kind);                                     \
                                                                                                   \
        if (kind == ROW_REAL) {                                                                    \
            *out = *(const vec *)(const void *)p;                                                  \
        } else if (kind == ROW_F32) {                                                              \
            *out = __builtin_convertvector(*(const narrow *)(const void *)p, vec);                 \
        } else if (kind == ROW_I8) {                                                               \
            *out = __builtin_convertvector(*(const byte *)(const void *)p, vec);                   \
        } else { /* see ps_from_half */                                                            \
            const word h = __builtin_convertvector(*(const half *)(const void *)p, word);          \
            const word magnitude = (h & 0x7fffu) << 13;                                            \
            const word special = (word)((h & 0x7c00u) == 0x7c00u);                                 \
            word bits = (word)((single)magnitude * 0x1p112f);                                      \
            bits = (bits & ~special) | ((magnitude | 0x7f800000u) & special);                      \
            *out = __builtin_convertvector((single)(bits | (h & 0x8000u) << 16), vec);             \
        }                                                                                          \
    }

LOAD(load64, ps_v64, PS_LANES64)
LOAD(load32, ps_v32, PS_LANES32)
LOAD(load16, ps_v16, PS_LANES16)

PS_INLINE void load1(ps_real *out, const unsigned char *row, uint32_t c, const enum row_kind kind)
{
    const enum ps_packed_type type = kind == ROW_F32   ? PS_PACKED_F32
                                     : kind == ROW_F16 ? PS_PACKED_F16
                                                       : PS_PACKED_I8;

    *out =
        kind == ROW_REAL ? ((const ps_real *)(const void *)row)[c] : ps_packed_number(row, c, type);
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

/* TILE(name, vector, lanes, load): columns [c, c + parts * lanes) of row v; the first
 * `skip` of them are stored already. `parts` is a constant in every call. */
#define TILE(name, vec, lanes, load)                                                               \
    PS_INLINE void name(const struct ps_spmm *s, uint32_t v, uint32_t c, uint32_t skip,            \
                        const int parts, const enum weight_kind kind, const enum row_kind row)     \
    {                                                                                              \
        vec sum[4], t, a = {0}, b = {0}, d = {0}, f = {0};                                         \
        const uint32_t l = (lanes), n = (uint32_t)parts;                                           \
        const uint64_t last = ahead_end(s, v);                                                     \
        const ps_real scale = s->scale == NULL ? 1 : s->scale[v];                                  \
                                                                                                   \
        for (uint64_t e = s->begin[v]; e < s->end[v]; e++) {                                       \
            const unsigned char *x = row_at(s, s->index[e], row);                                  \
            const ps_real w = weight_of(s, e, kind);                                               \
            if (e + AHEAD < last) {                                                                \
                const unsigned char *p =                                                           \
                    row_at(s, s->index[e + AHEAD], row) + c * number_bytes(row);                   \
                for (size_t i = 0; i < (size_t)n * l * number_bytes(row); i += LINE)               \
                    __builtin_prefetch(p + i);                                                     \
            }                                                                                      \
            load(&t, x, c, row);                                                                   \
            a += t * w;                                                                            \
            if (parts > 1) {                                                                       \
                load(&t, x, c + l, row);                                                           \
                b += t * w;                                                                        \
            }                                                                                      \
            if (parts > 2) {                                                                       \
                load(&t, x, c + 2 * l, row);                                                       \
                d += t * w;                                                                        \
            }                                                                                      \
            if (parts > 3) {                                                                       \
                load(&t, x, c + 3 * l, row);                                                       \
                f += t * w;                                                                        \
            }                                                                                      \
        }                                                                                          \
        sum[0] = a * scale, sum[1] = b * scale, sum[2] = d * scale, sum[3] = f * scale;            \
        if (v < s->self_rows && (row == ROW_REAL ? s->self_x != NULL : s->self != NULL)) {         \
            const unsigned char *x = row == ROW_REAL                                               \
                                         ? (const unsigned char *)(s->self_x + v * s->self_stride) \
                                         : row_at(s, v, row);                                      \
            const ps_real w = s->self == NULL ? 1 : s->self[v];                                    \
            for (uint32_t i = 0; i < n; i++) {                                                     \
                load(&t, x, c + i * l, row);                                                       \
                sum[i] += t * w;                                                                   \
            }                                                                                      \
        }                                                                                          \
        put(s, v, c, (const ps_real *)sum, skip, n *l);                                            \
    }

TILE(tile64, ps_v64, PS_LANES64, load64)
TILE(tile32, ps_v32, PS_LANES32, load32)
TILE(tile16, ps_v16, PS_LANES16, load16)
TILE(tile1, ps_real, 1, load1)

/* The columns left after whole tiles, where the row has at least one vector:
 * `left` < 4 vectors, ending with the row. */
PS_INLINE void rest64(const struct ps_spmm *s, uint32_t v, uint32_t c, const enum weight_kind kind,
                      const enum row_kind row)
{
    const uint32_t parts = (s->cols - c + PS_LANES64 - 1) / PS_LANES64;
    const uint32_t from = s->cols - parts * PS_LANES64;

    if (parts == 1)
        tile64(s, v, from, c - from, 1, kind, row);
    else if (parts == 2)
        tile64(s, v, from, c - from, 2, kind, row);
    else if (parts == 3)
        tile64(s, v, from, c - from, 3, kind, row);
    else
        tile64(s, v, from, c - from, 4, kind, row);
}

PS_INLINE void row_of(const struct ps_spmm *s, uint32_t v, const enum weight_kind kind,
                      const enum row_kind row)
{
    const uint32_t cols = s->cols;
    uint32_t c = 0;

    if (cols >= PS_LANES64) {
        for (; cols - c >= 4 * PS_LANES64; c += 4 * PS_LANES64)
            tile64(s, v, c, 0, 4, kind, row);
        if (c == 0 && cols >= 2 * PS_LANES64) { /* the rest would begin before the row */
            tile64(s, v, 0, 0, 2, kind, row);
            c = 2 * PS_LANES64;
        } else if (c == 0) {
            tile64(s, v, 0, 0, 1, kind, row);
            c = PS_LANES64;
        }
        if (c < cols)
            rest64(s, v, c, kind, row);
    } else if (cols >= PS_LANES32) {
        tile32(s, v, 0, 0, 1, kind, row);
        if (cols > PS_LANES32)
            tile32(s, v, cols - PS_LANES32, 2 * PS_LANES32 - cols, 1, kind, row);
    } else if (cols >= PS_LANES16) {
        tile16(s, v, 0, 0, 1, kind, row);
        if (cols > PS_LANES16)
            tile16(s, v, cols - PS_LANES16, 2 * PS_LANES16 - cols, 1, kind, row);
    } else {
        for (; c < cols; c++)
            tile1(s, v, c, 0, 1, kind, row);
    }
}

/* [beside | sum]: the left half, the row of x itself where rows are packed. */
PS_INLINE void put_beside(const struct ps_spmm *s, uint32_t v, const enum row_kind row)
{
    ps_real *restrict out = s->out + v * s->out_stride - s->cols;

    if (row == ROW_REAL) {
        memcpy(out, s->beside + v * s->beside_stride, s->cols * sizeof *s->out);
    } else {
        const unsigned char *x = row_at(s, v, row);
        for (uint32_t c = 0; c < s->cols; c++)
            load1(out + c, x, c, row);
    }
}

/* One function for each kind of weight and row, so that none is chosen edge by edge. */
#define ROWS(name, kind, row)                                                                      \
    PS_CLONES static void name(const struct ps_spmm *s, uint32_t begin, uint32_t end)              \
    {                                                                                              \
        const bool beside = s->beside != NULL || s->own_beside;                                    \
                                                                                                   \
        for (uint32_t v = begin; v < end; v++) {                                                   \
            row_of(s, v, (kind), (row));                                                           \
            if (beside)                                                                            \
                put_beside(s, v, (row));                                                           \
        }                                                                                          \
    }

ROWS(rows_one, WEIGHT_ONE, ROW_REAL)
ROWS(rows_edge, WEIGHT_EDGE, ROW_REAL)
ROWS(rows_source, WEIGHT_SOURCE, ROW_REAL)
ROWS(rows_degree, WEIGHT_DEGREE, ROW_REAL)
ROWS(f32_one, WEIGHT_ONE, ROW_F32)
ROWS(f16_one, WEIGHT_ONE, ROW_F16)
ROWS(i8_one, WEIGHT_ONE, ROW_I8)
ROWS(f32_source, WEIGHT_SOURCE, ROW_F32)
ROWS(f16_source, WEIGHT_SOURCE, ROW_F16)
ROWS(i8_source, WEIGHT_SOURCE, ROW_I8)

static void packed_rows(const struct ps_spmm *s, uint32_t begin, uint32_t end)
{
    typedef void rows_fn(const struct ps_spmm *, uint32_t, uint32_t);
    static rows_fn *const fn[][2] = {
        [PS_PACKED_F32] = {f32_one, f32_source},
        [PS_PACKED_F16] = {f16_one, f16_source},
        [PS_PACKED_I8] = {i8_one, i8_source},
    };

    fn[s->packed->type][s->source != NULL](s, begin, end);
}

void ps_spmm_rows(const struct ps_spmm *s, uint32_t begin, uint32_t end)
{
    if (s->packed != NULL)
        packed_rows(s, begin, end);
    else if (s->edge != NULL)
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
