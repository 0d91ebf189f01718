/* SPDX-License-Identifier: Apache-2.0 */
#include "src/graph/draw.h"

#include "src/base/err.h"

#include <string.h>

struct ps_key ps_draw_key(uint64_t seed, uint64_t epoch, uint64_t batch, uint32_t hop)
{
    return ps_key_make(seed, PS_FOR_SAMPLING, epoch, batch, hop);
}

/* Where @p x is or belongs in the ascending position[0..n). */
static uint64_t lower_bound(const uint64_t *position, uint64_t n, uint64_t x)
{
    uint64_t lo = 0, hi = n;

    while (lo < hi) {
        uint64_t mid = lo + (hi - lo) / 2;
        if (position[mid] < x)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* Floyd: for j = d-k .. d-1 take a uniform t in [0, j]; if t was taken already, take j, which is
 * above all taken so far. The list is kept ascending, so that finding t is a binary search and
 * no other storage is needed. */
void ps_draw_positions(struct ps_key key, uint64_t node, uint64_t degree, uint64_t k,
                       uint64_t *position)
{
    struct ps_draw d = {{0}};

    PS_DASSERT(k <= degree);
    if (k == degree) {
        for (uint64_t i = 0; i < k; i++)
            position[i] = i;
        return;
    }
    for (uint64_t i = 0; i < k; i++) {
        uint64_t j = degree - k + i, t, at;
        if (i % 2 == 0)
            d = ps_draw_at(key, node, i / 2);
        t = ps_below(ps_draw_u64(&d, i % 2), j + 1);
        at = lower_bound(position, i, t);
        if (at < i && position[at] == t) {
            position[i] = j;
            continue;
        }
        memmove(position + at + 1, position + at, (size_t)(i - at) * sizeof *position);
        position[at] = t;
    }
}
