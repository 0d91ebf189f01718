/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file update.h
 * @brief One optimizer step on a run of weights.
 *
 * @par Source  the formulas stand in src/nn/optim.h
 */
#ifndef PS_KERN_UPDATE_H
#define PS_KERN_UPDATE_H

#include "src/kern/real.h"

#include <stdint.h>

struct ps_update {
    ps_real lr, decay;
    ps_real scale;              /**< of the gradient */
    ps_real m_unbias, v_unbias; /**< 1 / (1 - beta^t); Adam only */
};

/** All arrays (n); @p m and @p v are the moments. */
void ps_update_adam(int threads, const struct ps_update *u, uint64_t n, const ps_real *grad,
                    ps_real *m, ps_real *v, ps_real *w);
void ps_update_sgd(int threads, const struct ps_update *u, uint64_t n, const ps_real *grad,
                   ps_real *w);

#endif
