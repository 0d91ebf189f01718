/* SPDX-License-Identifier: Apache-2.0 */
#include "src/kern/update.h"

#include "src/kern/simd.h"

#include <math.h>

enum { EACH = 1 << 14 };

#ifdef PS_REAL_DOUBLE
#define REAL_SQRT sqrt
#else
#define REAL_SQRT sqrtf
#endif

PS_CLONES static void adam_span(const struct ps_update *u, uint64_t n, const ps_real *restrict grad,
                                ps_real *restrict m, ps_real *restrict v, ps_real *restrict w)
{
    const ps_real beta1 = (ps_real)0.9, beta2 = (ps_real)0.999, tiny = (ps_real)1e-8;
    const ps_real rest1 = (ps_real)0.1, rest2 = (ps_real)0.001;
    const struct ps_update k = *u;

    for (uint64_t i = 0; i < n; i++) {
        const ps_real g = grad[i] * k.scale + k.decay * w[i];
        m[i] = beta1 * m[i] + rest1 * g;
        v[i] = beta2 * v[i] + rest2 * (g * g);
        w[i] -= k.lr * (m[i] * k.m_unbias) / (REAL_SQRT(v[i] * k.v_unbias) + tiny);
    }
}

PS_CLONES static void sgd_span(const struct ps_update *u, uint64_t n, const ps_real *restrict grad,
                               ps_real *restrict w)
{
    const struct ps_update k = *u;

    for (uint64_t i = 0; i < n; i++)
        w[i] -= k.lr * (grad[i] * k.scale + k.decay * w[i]);
}

void ps_update_adam(int threads, const struct ps_update *u, uint64_t n, const ps_real *grad,
                    ps_real *m, ps_real *v, ps_real *w)
{
    const uint64_t parts = (n + EACH - 1) / EACH;

#pragma omp parallel for num_threads(threads) schedule(static) default(none)                       \
    firstprivate(u, n, grad, m, v, w, parts) if (parts > 1)
    for (uint64_t p = 0; p < parts; p++) {
        const uint64_t at = p * EACH;
        adam_span(u, n - at < EACH ? n - at : EACH, grad + at, m + at, v + at, w + at);
    }
}

void ps_update_sgd(int threads, const struct ps_update *u, uint64_t n, const ps_real *grad,
                   ps_real *w)
{
    const uint64_t parts = (n + EACH - 1) / EACH;

#pragma omp parallel for num_threads(threads) schedule(static) default(none)                       \
    firstprivate(u, n, grad, w, parts) if (parts > 1)
    for (uint64_t p = 0; p < parts; p++) {
        const uint64_t at = p * EACH;
        sgd_span(u, n - at < EACH ? n - at : EACH, grad + at, w + at);
    }
}
