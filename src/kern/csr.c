/* SPDX-License-Identifier: Apache-2.0 */
#include "src/kern/csr.h"

#include "src/kern/spmm.h"

#include <string.h>

enum { GROUPS = 256 }; /* draws made at a time */

/* Entries [begin, last) of one row, whose groups of eight columns are drawn
 * once each. `slot` says which draw an entry uses. @return entries kept */
static uint64_t drop_entries(const struct ps_csr *in, const struct ps_drop *drop, uint64_t node,
                             uint64_t begin, uint64_t last, uint64_t at, uint32_t *index,
                             float *value)
{
    const float scale = (float)ps_drop_scale(drop->threshold);
    uint64_t nodes[GROUPS];
    uint32_t group[GROUPS];
    uint16_t bits[8 * GROUPS], slot[GROUPS];
    uint32_t groups = 0, before = UINT32_MAX; /* no group: columns / 8 are smaller */

    /* Columns ascend, so equal groups touch. Neither loop has a branch that depends on the
     * columns or the mask: nothing could predict it. */
    for (uint64_t e = begin; e < last; e++) {
        const uint32_t g = in->index[e] / 8;
        groups += g != before;
        before = g;
        group[groups - 1] = g;
        slot[e - begin] = (uint16_t)(8 * (groups - 1) + in->index[e] % 8);
    }
    for (uint32_t i = 0; i < groups; i++)
        nodes[i] = node;
    ps_drop_bits(drop->key, nodes, group, groups, bits);
    for (uint64_t e = begin; e < last; e++) { /* written always, counted if kept */
        index[at] = in->index[e];
        value[at] = (in->value == NULL ? 1 : in->value[e]) * scale;
        /* cppcheck-suppress uninitvar ; the loop above has the same bounds */
        at += bits[slot[e - begin]] >= drop->threshold;
    }
    return at;
}

void ps_csr_drop(int threads, const struct ps_csr *in, const struct ps_drop *drop, uint64_t *end,
                 uint32_t *index, float *value)
{
#pragma omp parallel for num_threads(threads) schedule(dynamic, 64) default(none)                  \
    firstprivate(in, drop, end, index, value)
    for (uint32_t r = 0; r < in->rows; r++) {
        uint64_t at = in->begin[r];
        for (uint64_t e = in->begin[r]; e < in->end[r]; e += GROUPS) {
            const uint64_t left = in->end[r] - e, last = e + (left < GROUPS ? left : GROUPS);
            at = drop_entries(in, drop, drop->node[r], e, last, at, index, value);
        }
        end[r] = at;
    }
}

size_t ps_csr_transpose_scratch(int threads, uint32_t cols)
{
    return (size_t)threads * cols;
}

/* First row of part p: any cut gives the same transpose. */
static uint32_t cut(uint32_t rows, uint32_t p, uint32_t parts)
{
    return (uint32_t)((uint64_t)rows * p / parts);
}

static void count_part(const struct ps_csr *in, uint32_t p, uint32_t parts, uint64_t *count)
{
    memset(count, 0, in->cols * sizeof *count);
    for (uint32_t r = cut(in->rows, p, parts); r < cut(in->rows, p + 1, parts); r++)
        for (uint64_t e = in->begin[r]; e < in->end[r]; e++)
            count[in->index[e]]++;
}

static void place_part(const struct ps_csr *in, uint32_t p, uint32_t parts, uint64_t *place,
                       uint32_t *row, float *value)
{
    for (uint32_t r = cut(in->rows, p, parts); r < cut(in->rows, p + 1, parts); r++)
        for (uint64_t e = in->begin[r]; e < in->end[r]; e++) {
            const uint64_t at = place[in->index[e]]++;
            row[at] = r;
            if (value != NULL)
                value[at] = in->value == NULL ? 1 : in->value[e];
        }
}

void ps_csr_transpose(int threads, const struct ps_csr *in, uint64_t *begin, uint32_t *row,
                      float *value, uint64_t *scratch)
{
    const uint32_t parts = (uint32_t)threads;
    const size_t cols = in->cols;
    uint64_t sum = 0;

#pragma omp parallel for num_threads(threads) schedule(static, 1) default(none)                    \
    firstprivate(in, parts, cols, scratch)
    for (uint32_t p = 0; p < parts; p++)
        count_part(in, p, parts, scratch + p * cols);
    for (size_t c = 0; c < cols; c++) { /* counts become places: by column, then by part */
        begin[c] = sum;
        for (uint32_t p = 0; p < parts; p++) {
            const uint64_t count = scratch[p * cols + c];
            scratch[p * cols + c] = sum;
            sum += count;
        }
    }
    begin[cols] = sum;
#pragma omp parallel for num_threads(threads) schedule(static, 1) default(none)                    \
    firstprivate(in, parts, cols, scratch, row, value)
    for (uint32_t p = 0; p < parts; p++)
        place_part(in, p, parts, scratch + p * cols, row, value);
}

/* out += w * bag r */
static inline void add_bag(const struct ps_csr *in, uint32_t r, ps_real w, ps_real *out)
{
    if (in->value == NULL)
        for (uint64_t e = in->begin[r]; e < in->end[r]; e++)
            out[in->index[e]] += w;
    else
        for (uint64_t e = in->begin[r]; e < in->end[r]; e++)
            out[in->index[e]] += w * (ps_real)in->value[e];
}

void ps_bag_sum(int threads, const struct ps_bag_sum *s)
{
    const uint32_t each = ps_rows_each(s->rows, threads);

#pragma omp parallel for num_threads(threads) schedule(dynamic, each) default(none)                \
    firstprivate(s, each)
    for (uint32_t v = 0; v < s->rows; v++) {
        ps_real *out = s->out + v * s->out_stride;
        const ps_real scale = s->scale == NULL ? 1 : s->scale[v];
        memset(out, 0, s->in->cols * sizeof *out);
        for (uint64_t e = s->begin[v]; e < s->begin[v + 1]; e++) {
            const uint32_t u = s->index[e];
            add_bag(s->in, u, s->source == NULL ? scale : scale * s->source[u], out);
        }
        if (s->self != NULL)
            add_bag(s->in, v, s->self[v], out);
    }
}

void ps_csr_dense(int threads, const struct ps_csr *in, uint32_t rows, ps_real *out,
                  size_t out_stride)
{
#pragma omp parallel for num_threads(threads) schedule(dynamic, 64) default(none)                  \
    firstprivate(in, rows, out, out_stride)
    for (uint32_t r = 0; r < rows; r++) {
        memset(out + r * out_stride, 0, in->cols * sizeof *out);
        add_bag(in, r, 1, out + r * out_stride);
    }
}
