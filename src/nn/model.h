/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file model.h
 * @brief GCN and GraphSAGE (mean): weights, a training step, one layer at a time.
 *
 * A layer maps H (M, D_in) to (N, D_out) over a block. d(v) is the full
 * in-degree of v, d_out(u) the full out-degree of u, k the edges drawn for v.
 *
 *   GCN    out[v] = ( d(v)/k * sum_u H[u] / sqrt((d_out(u)+1)(d(v)+1))
 *                     + H[v] / (d(v)+1) ) W + b
 *   SAGE   out[v] = H[v] W_self + mean_u H[u] W_neigh + b
 *
 * so all neighbours (k = d) is exact and a sample is unbiased; a node without
 * in-edges has sum and mean 0. ReLU and dropout follow every layer but the
 * last; --input-dropout acts on the features. A dropout mask is a pure function
 * of (seed, epoch, batch, layer, global node id, column).
 *
 * All weights lie in one array, all gradients in another of the same shape, so
 * the optimizer is one loop and the all-reduce one message.
 *
 * @par Threads        one model, one caller; OpenMP inside with ctx->threads
 * @par Determinism    the same bits for any number of threads
 * @par Memory         weights at new; activations grow to the largest batch and stay
 * @par Source         Kipf and Welling 2017, equation 2; Hamilton et al. 2017,
 *                     algorithm 1 (mean aggregator); design.md section 7
 */
#ifndef PS_NN_MODEL_H
#define PS_NN_MODEL_H

#include "src/base/ctx.h"
#include "src/base/rng.h"
#include "src/kern/block.h"

struct ps_model;

enum ps_model_kind { PS_NN_GCN, PS_NN_SAGE };

struct ps_model_shape {
    enum ps_model_kind kind;
    uint32_t layers;      /**< L >= 1 */
    uint32_t dim_in;      /**< feature columns */
    uint32_t hidden;      /**< columns of hidden layers */
    uint32_t classes;     /**< columns of the last layer */
    double dropout;       /**< share dropped of the input of layers 1..L-1, in [0, 1) */
    double input_dropout; /**< share dropped of the features, in [0, 1) */
};

/** A part of the weights array. */
struct ps_tensor {
    char name[48];       /**< "layers/0/weight", "layers/0/weight_self", "layers/0/bias" */
    uint32_t rows, cols; /**< a bias is (1, cols) */
    uint64_t begin;      /**< index of its first number in the weights array */
    bool decays;         /**< weight decay acts on it (weights do, biases do not) */
};

/** Weights are Glorot-uniform, biases zero, drawn from @p seed. @return PS_EMEM */
PS_MUST ps_status ps_model_new(struct ps_model **m, struct ps_ctx *ctx,
                               const struct ps_model_shape *shape, uint64_t seed);
/** Accepts NULL, clears *m. */
void ps_model_free(struct ps_model **m);
/** New initial weights, as ps_model_new with @p seed makes them. */
void ps_model_reset(struct ps_model *m, uint64_t seed);

/** What it was made with; borrowed. */
const struct ps_model_shape *ps_model_shape(const struct ps_model *m);
/** All tensors, in order; they cover the weights array without gaps. */
const struct ps_tensor *ps_model_tensors(const struct ps_model *m, uint32_t *count);
/** (weight_count), borrowed, may be written (optimizer, loading). */
ps_real *ps_model_weights(struct ps_model *m);
ps_real *ps_model_gradients(struct ps_model *m);
uint64_t ps_model_weight_count(const struct ps_model *m);

/** What a step adds up over the seeds of this rank. */
struct ps_step_sums {
    double loss;      /**< sum of -log softmax(logits)[label] */
    uint64_t seeds;   /**< rows */
    uint64_t correct; /**< rows whose largest logit (first of equals) is the label */
};

/**
 * Forward, loss and backward of one batch. Gradients are set (not added) to
 * the sums over this rank's seeds; the caller divides by the seeds of the
 * global batch after the all-reduce. A batch without seeds gives zeros.
 * @pre the batch has as many blocks as the model has layers
 * @return PS_EMEM
 */
PS_MUST ps_status ps_model_step(struct ps_model *m, const struct ps_batch *batch,
                                struct ps_step_sums *sums);

/** Bytes of buffers that a step on such blocks takes, up to how much a bag of words holds.
 *  @param[in] block (layers) only counts are looked at @param[in] bags  the features are bags */
uint64_t ps_model_step_bytes(const struct ps_model *m, const struct ps_block *block, bool bags);

/**
 * Forward only. @param[out] logits (N of the last block, classes); borrowed from
 * the model, valid until its next call. With @p training dropout is on.
 */
PS_MUST ps_status ps_model_forward(struct ps_model *m, const struct ps_batch *batch, bool training,
                                   const ps_real **logits);

/** @name One layer at a time, for exact inference
 * Layer @p l on n rows is split into a projection, which needs each row alone,
 * and a combination over neighbours, so that only projected rows (D_out wide)
 * cross the network. No dropout. Together they equal the forward pass over
 * all neighbours up to the order of summation.
 * @{ */

/** Columns of layer @p l's output. */
uint32_t ps_model_layer_dim(const struct ps_model *m, uint32_t l);

/**
 * Project rows. @param[in] x (n) rows: features for l = 0, else dense hidden rows
 * @param[out] message (n, D_out) what neighbours will sum: x W or x W_neigh
 * @param[out] self    (n, D_out) x W_self for SAGE; untouched for GCN, may be NULL then
 */
PS_MUST ps_status ps_model_project(struct ps_model *m, uint32_t l, const struct ps_rows *x,
                                   ps_real *message, ps_real *self);

/**
 * Combine over all neighbours, add the bias, ReLU unless @p l is the last layer.
 * @param[in]  block      its col_begin and row may be NULL; all in-edges are there
 * @param[in]  out_degree (M)
 * @param[in]  message    (M, D_out) rows of all sources, destinations first
 * @param[in]  self       (N, D_out) for SAGE, else NULL
 * @param[out] out        (N, D_out)
 */
void ps_model_combine(const struct ps_model *m, uint32_t l, const struct ps_block *block,
                      const uint32_t *out_degree, const ps_real *message, const ps_real *self,
                      ps_real *out);
/** @} */

/** Softmax cross-entropy of rows: adds loss, rows and hits. @param[in] logits (n, classes)
 *  @param[in] label (n), or NULL; a row with a label below 0 adds nothing
 *  @param[out] best (n) index of the largest logit, or NULL */
void ps_model_score(const ps_real *logits, uint32_t n, uint32_t classes, const int32_t *label,
                    struct ps_step_sums *sums, int32_t *best);

#endif
