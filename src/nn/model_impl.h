/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file model_impl.h
 * @brief Inside of the model: what a layer keeps between forward and backward.
 *
 * Of each layer the output is kept (for ReLU and for the weights of the layer
 * above), and its aggregated input where it aggregates first (for its own
 * weights). On the way back the output's place takes the gradient of the
 * product that it came from, so no second set of activations is needed.
 */
#ifndef PS_NN_MODEL_IMPL_H
#define PS_NN_MODEL_IMPL_H

#include "src/kern/csr.h"
#include "src/nn/model.h"

/** Buffers that only grow. */
struct ps_buf_real {
    ps_real *p;
    size_t cap;
};
struct ps_buf_u64 {
    uint64_t *p;
    size_t cap;
};
struct ps_buf_u32 {
    uint32_t *p;
    size_t cap;
};
struct ps_buf_float {
    float *p;
    size_t cap;
};

#define PS_BUF_GROW(model, buf, count)                                                             \
    PS_GROW(&(model)->ctx->mem, PS_MEM_ACTIVATION, (buf).p, (buf).cap, (count), 0)

struct ps_layer {
    uint32_t dim_in, dim_out;
    uint32_t width;          /**< inputs of the product: 1, or 2 for [self | mean] */
    bool last;               /**< no ReLU behind it */
    uint32_t threshold;      /**< dropout of its input while training */
    uint64_t weight, bias;   /**< in the weights array; for SAGE the weight is W_self above W_neigh,
                                  a matrix (2 dim_in, dim_out) */
    bool aggregate_first;    /**< chosen in the forward pass */
    struct ps_buf_real h;    /**< (N, dim_out) output, later its gradient */
    struct ps_buf_real c;    /**< (N, width * dim_in), if aggregate_first */
    struct ps_buf_real a, s; /**< (N) factors of norm.h */
};

/** The input of a layer: dense, or in the first packed rows or bags of words. */
struct ps_input {
    uint32_t rows, cols;
    const ps_real *dense;    /**< (rows, cols), or NULL: packed or csr */
    struct ps_packed packed; /**< base not NULL: packed rows; only aggregated, never multiplied */
    struct ps_csr csr;
};

struct ps_model {
    struct ps_ctx *ctx;
    struct ps_model_shape shape;
    struct ps_layer *layer; /**< (shape.layers) */
    struct ps_tensor *tensor;
    uint32_t tensor_count;
    uint64_t weight_count;
    ps_real *weights, *gradients;

    struct ps_buf_real source;     /**< (M of block 0) b of norm.h, GCN */
    struct ps_buf_real scratch[2]; /**< projected rows and gradients on their way */
    struct ps_buf_real partial;    /**< partial sums of the weights' gradients */

    struct ps_buf_real dropped; /**< dense input after dropout, or unpacked */
    struct ps_buf_u64 drop_end; /**< the same for bags, see ps_csr_drop */
    struct ps_buf_u32 drop_index;
    struct ps_buf_float drop_value;

    struct ps_buf_u64 t_begin, t_scratch; /**< transpose of a block that came without */
    struct ps_buf_u32 t_row;
};

/** Rows as a layer's input. */
struct ps_input ps_input_of(const struct ps_rows *rows);

/** Whether layer @p l sums the rows of @p in before it multiplies them: from shapes alone. */
bool ps_layer_aggregates_first(const struct ps_model *m, uint32_t l, const struct ps_block *b,
                               const struct ps_input *in);

/** The weights that neighbours' rows are multiplied with; W_self is at layer->weight. */
static inline uint64_t ps_weight_neigh(const struct ps_layer *y)
{
    return y->weight + (uint64_t)(y->width - 1) * y->dim_in * y->dim_out;
}

/** y (rows, dim_out) = the first @p rows rows of @p in times w (dim_in, dim_out). */
void ps_layer_project(const struct ps_model *m, const struct ps_layer *layer,
                      const struct ps_input *in, uint32_t rows, const ps_real *w, ps_real *y);

/** Layer @p l of @p batch: its h from @p in. @param drop of its output, or NULL */
PS_MUST ps_status ps_layer_forward(struct ps_model *m, uint32_t l, const struct ps_batch *batch,
                                   const struct ps_input *in, const struct ps_drop *drop);

/** The weights' gradients of layer @p l from the gradient in its h, and the
 *  gradient for the layer below in that layer's h. @param in as in forward */
PS_MUST ps_status ps_layer_backward(struct ps_model *m, uint32_t l, const struct ps_batch *batch,
                                    const struct ps_input *in);

#endif
