/* SPDX-License-Identifier: Apache-2.0 */
#include "src/kern/norm.h"

#include <math.h>

void ps_norm_gcn(uint32_t n, const uint64_t *row_begin, const uint32_t *in_degree, ps_real *a,
                 ps_real *s)
{
    for (uint32_t v = 0; v < n; v++) {
        const double d = in_degree[v], k = (double)(row_begin[v + 1] - row_begin[v]);
        a[v] = (ps_real)(k > 0 ? d / k / sqrt(d + 1) : 0);
        s[v] = (ps_real)(1 / (d + 1));
    }
}

void ps_norm_source(uint32_t n, const uint32_t *out_degree, ps_real *b)
{
    for (uint32_t u = 0; u < n; u++)
        b[u] = (ps_real)(1 / sqrt((double)out_degree[u] + 1));
}

void ps_norm_mean(uint32_t n, const uint64_t *row_begin, ps_real *a)
{
    for (uint32_t v = 0; v < n; v++) {
        const double k = (double)(row_begin[v + 1] - row_begin[v]);
        a[v] = (ps_real)(k > 0 ? 1 / k : 0);
    }
}
