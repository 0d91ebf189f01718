/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file optim.h
 * @brief Adam and SGD over one flat array of weights.
 *
 *   g = grad * scale + weight_decay * w      (decay: only where the tensor decays)
 *   SGD   w -= lr * g
 *   Adam  m = 0.9 m + 0.1 g,  v = 0.999 v + 0.001 g^2,
 *         w -= lr * (m / (1 - 0.9^t)) / (sqrt(v / (1 - 0.999^t)) + 1e-8)
 *
 * @par Determinism  each weight by itself: any number of threads, the same bits
 * @par Source       Kingma and Ba 2015, algorithm 1; decay as L2 in the gradient
 */
#ifndef PS_NN_OPTIM_H
#define PS_NN_OPTIM_H

#include "src/nn/model.h"

struct ps_optim;

enum ps_optim_kind { PS_NN_ADAM, PS_NN_SGD };

struct ps_optim_setup {
    enum ps_optim_kind kind;
    double lr, weight_decay;
};

/** State for the weights of @p model, which is borrowed. @return PS_EMEM */
PS_MUST ps_status ps_optim_new(struct ps_optim **o, struct ps_ctx *ctx,
                               const struct ps_optim_setup *setup, struct ps_model *model);
void ps_optim_free(struct ps_optim **o);
/** Forget all moments: step 0. */
void ps_optim_reset(struct ps_optim *o);

/** What a checkpoint holds of an optimizer; borrowed, and may be written to go on from there.
 *  @param[out] m, v  (weight_count) moments; NULL for SGD. @return how many steps were made */
uint64_t *ps_optim_state(struct ps_optim *o, ps_real **m, ps_real **v);

/** One step with the model's gradients times @p scale (1 / seeds of the global batch). */
void ps_optim_step(struct ps_optim *o, double scale);

#endif
