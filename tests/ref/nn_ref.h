/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file nn_ref.h
 * @brief The model as the formulas of model.h say it: edge by edge, in double.
 */
#ifndef TESTS_REF_NN_REF_H
#define TESTS_REF_NN_REF_H

#include "src/nn/model.h"

#include <math.h>
#include <stdlib.h>

/** The factor of one number under dropout: 0 or 65536 / (65536 - threshold). */
static inline double ref_mask(const struct ps_batch *b, double share, uint32_t l, uint32_t row,
                              uint32_t col)
{
    const uint32_t threshold = (uint32_t)floor(share * 65536 + 0.5);
    const struct ps_key key = ps_key_make(b->seed, PS_FOR_DROPOUT, b->epoch, b->index, l);
    const struct ps_draw d = ps_draw_at(key, b->node[row], col / 8);
    const uint32_t bits = d.w[col % 8 / 2] >> (col % 2 == 0 ? 0 : 16) & 0xffff;

    return bits >= threshold ? 65536.0 / (65536 - threshold) : 0;
}

static inline const struct ps_tensor *ref_tensor(const struct ps_model *m, uint32_t l,
                                                 const char *part)
{
    const struct ps_tensor *t;
    char name[48];
    uint32_t count;

    snprintf(name, sizeof name, "layers/%u/%s", l, part);
    t = ps_model_tensors(m, &count);
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(t[i].name, name) == 0)
            return &t[i];
    abort();
}

/** out[j] += f * x W[., j] */
static inline void ref_add_row(const struct ps_tensor *t, const ps_real *weights, double f,
                               const double *x, double *out)
{
    for (uint32_t i = 0; i < t->rows; i++)
        for (uint32_t j = 0; j < t->cols; j++)
            out[j] += f * x[i] * (double)weights[t->begin + (uint64_t)i * t->cols + j];
}

/** One destination row of one layer, before ReLU. h: (M, dim_in). */
static inline void ref_row(struct ps_model *m, const struct ps_batch *batch, uint32_t l, uint32_t v,
                           const double *h, uint32_t d_in, double *out)
{
    const struct ps_block *b = &batch->block[l];
    const bool gcn = ps_model_shape(m)->kind == PS_NN_GCN;
    const ps_real *w = ps_model_weights(m);
    const struct ps_tensor *bias = ref_tensor(m, l, "bias");
    const double d = b->in_degree[v], k = (double)(b->row_begin[v + 1] - b->row_begin[v]);

    for (uint32_t j = 0; j < bias->cols; j++)
        out[j] = (double)w[bias->begin + j];
    for (uint64_t e = b->row_begin[v]; e < b->row_begin[v + 1]; e++) {
        const uint32_t u = b->col[e];
        const double f = gcn ? d / k / sqrt((batch->out_degree[u] + 1.0) * (d + 1)) : 1 / k;
        ref_add_row(ref_tensor(m, l, gcn ? "weight" : "weight_neigh"), w, f, h + (size_t)u * d_in,
                    out);
    }
    ref_add_row(ref_tensor(m, l, gcn ? "weight" : "weight_self"), w, gcn ? 1 / (d + 1) : 1,
                h + (size_t)v * d_in, out);
}

/** (rows, D) of the features after dropout. */
static inline double *ref_input(const struct ps_model *m, const struct ps_batch *b, bool training)
{
    const struct ps_rows *in = &b->input;
    const double share = training ? ps_model_shape(m)->input_dropout : 0;
    double *x = calloc((size_t)in->count * in->dim + 1, sizeof *x);

    for (uint32_t r = 0; r < in->count; r++) {
        double *row = x + (size_t)r * in->dim;
        if (in->dense != NULL)
            for (uint32_t c = 0; c < in->dim; c++)
                row[c] = (double)in->dense[(size_t)r * in->dim + c];
        else
            for (uint64_t e = in->row_begin[r]; e < in->row_begin[r + 1]; e++)
                row[in->col[e]] = in->value == NULL ? 1 : (double)in->value[e];
        for (uint32_t c = 0; c < in->dim; c++)
            row[c] *= ref_mask(b, share, 0, r, c);
    }
    return x;
}

/** Logits (N, classes); free with free. */
static inline double *ref_logits(struct ps_model *m, const struct ps_batch *batch, bool training)
{
    const struct ps_model_shape *s = ps_model_shape(m);
    double *h = ref_input(m, batch, training);
    uint32_t d_in = s->dim_in;

    for (uint32_t l = 0; l < s->layers; l++) {
        const uint32_t n = batch->block[l].dst_count, d_out = ps_model_layer_dim(m, l);
        double *y = calloc((size_t)n * d_out + 1, sizeof *y);
        for (uint32_t v = 0; v < n; v++) {
            double *row = y + (size_t)v * d_out;
            ref_row(m, batch, l, v, h, d_in, row);
            for (uint32_t c = 0; c < d_out && l + 1 < s->layers; c++)
                row[c] = (row[c] > 0 ? row[c] : 0) *
                         ref_mask(batch, training ? s->dropout : 0, l + 1, v, c);
        }
        free(h);
        h = y;
        d_in = d_out;
    }
    return h;
}

#endif
