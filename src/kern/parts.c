/* SPDX-License-Identifier: Apache-2.0 */
#include "src/kern/parts.h"

#include "src/base/num.h"

#include <string.h>

enum {
    AT_ONCE = 16,    /* more threads hold more */
    SUM_EACH = 4096, /* numbers that a thread adds at a time */
};

uint32_t ps_parts_at_once(int threads, uint32_t parts)
{
    return (uint32_t)ps_min(parts, ps_max(AT_ONCE, (uint64_t)threads));
}

void ps_parts_add(int threads, size_t size, uint32_t count, const ps_real *part, bool first,
                  ps_real *w)
{
    const size_t pieces = ps_div_up(size, SUM_EACH);

#pragma omp parallel for num_threads(threads) schedule(static) default(none)                       \
    firstprivate(size, count, part, first, w, pieces)
    for (size_t i = 0; i < pieces; i++) {
        const size_t begin = i * SUM_EACH, end = ps_min(begin + SUM_EACH, size);
        if (first)
            memset(w + begin, 0, (end - begin) * sizeof *w);
        for (uint32_t p = 0; p < count; p++)
            for (size_t j = begin; j < end; j++)
                w[j] += part[p * size + j];
    }
}
