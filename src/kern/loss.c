/* SPDX-License-Identifier: Apache-2.0 */
#include "src/kern/loss.h"

#include <math.h>
#include <string.h>

enum { ROWS = 256, AT_ONCE = 64 }; /* rows of one partial sum; partial sums held at a time */

static uint32_t largest(uint32_t classes, const ps_real *x)
{
    uint32_t best = 0;

    for (uint32_t c = 1; c < classes; c++)
        if (x[c] > x[best])
            best = c;
    return best;
}

/* One labelled row. `grad` may be `x`. */
static void labelled_row(uint32_t classes, const ps_real *x, uint32_t label, uint32_t best,
                         ps_real *grad, struct ps_loss_sums *sums)
{
    const double top = (double)x[best], at_label = (double)x[label];
    double rest = 0; /* the largest itself is exp(0) */

    for (uint32_t c = 0; c < classes; c++)
        rest += c == best ? 0 : exp((double)x[c] - top);
    sums->loss += log1p(rest) + top - at_label;
    sums->rows++;
    sums->correct += best == label;
    if (grad != NULL)
        for (uint32_t c = 0; c < classes; c++)
            grad[c] = (ps_real)(exp((double)x[c] - top) / (1 + rest) - (c == label ? 1 : 0));
}

/* Rows [begin, end). */
static void some_rows(uint32_t begin, uint32_t end, uint32_t classes, const ps_real *logits,
                      const int32_t *label, ps_real *grad, int32_t *best, struct ps_loss_sums *sums)
{
    for (uint32_t r = begin; r < end; r++) {
        const ps_real *x = logits + (size_t)r * classes;
        ps_real *g = grad == NULL ? NULL : grad + (size_t)r * classes;
        const uint32_t top = largest(classes, x);
        if (best != NULL)
            best[r] = (int32_t)top;
        if (label != NULL && label[r] >= 0)
            labelled_row(classes, x, (uint32_t)label[r], top, g, sums);
        else if (g != NULL)
            memset(g, 0, classes * sizeof *g);
    }
}

void ps_softmax_loss(int threads, uint32_t n, uint32_t classes, const ps_real *logits,
                     const int32_t *label, ps_real *grad, int32_t *best, struct ps_loss_sums *sums)
{
    const uint32_t parts = n / ROWS + (n % ROWS != 0);
    struct ps_loss_sums part[AT_ONCE];

    for (uint32_t done = 0; done < parts; done += AT_ONCE) {
        const uint32_t now = parts - done < AT_ONCE ? parts - done : AT_ONCE;
        memset(part, 0, sizeof part);
#pragma omp parallel for num_threads(threads) schedule(static) default(none)                       \
    firstprivate(n, classes, logits, label, grad, best, done, now) shared(part)
        for (uint32_t p = 0; p < now; p++) {
            const uint32_t begin = (done + p) * ROWS;
            some_rows(begin, n - begin < ROWS ? n : begin + ROWS, classes, logits, label, grad,
                      best, part + p);
        }
        for (uint32_t p = 0; p < now; p++) {
            sums->loss += part[p].loss;
            sums->rows += part[p].rows;
            sums->correct += part[p].correct;
        }
    }
}
