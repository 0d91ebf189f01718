/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/rng.h"

#include "src/base/err.h"

#include <math.h>

struct ps_key ps_key_make(uint64_t seed, enum ps_purpose purpose, uint64_t a, uint64_t b,
                          uint64_t c)
{
    uint64_t h = ps_mix64(seed);

    h = ps_mix64(h ^ (uint64_t)purpose);
    h = ps_mix64(h ^ a);
    h = ps_mix64(h ^ b);
    h = ps_mix64(h ^ c);
    return (struct ps_key){{(uint32_t)h, (uint32_t)(h >> 32)}};
}

void ps_normal_pair(const struct ps_draw *d, double out[2])
{
    static const double two_pi = 6.283185307179586;
    double u = ps_unit(ps_draw_u64(d, 0)), v = ps_unit(ps_draw_u64(d, 1));
    double radius = sqrt(-2.0 * log1p(-u)); /* 1 - u is in (0, 1]: the logarithm is finite */

    out[0] = radius * cos(two_pi * v);
    out[1] = radius * sin(two_pi * v);
}

/* One pass through the network over 2 * half_bits bits. */
static uint64_t feistel(struct ps_key key, uint64_t x, unsigned half_bits)
{
    uint64_t mask = (UINT64_C(1) << half_bits) - 1;
    uint64_t left = x >> half_bits, right = x & mask;

    for (uint64_t round = 0; round < 4; round++) {
        struct ps_draw d = ps_draw_at(key, right, round);
        uint64_t next = left ^ (ps_draw_u64(&d, 0) & mask);
        left = right;
        right = next;
    }
    return left << half_bits | right;
}

uint64_t ps_permute(struct ps_key key, uint64_t i, uint64_t count)
{
    unsigned half_bits = 1;

    PS_ASSERT(i < count);
    while (half_bits < 32 && (UINT64_C(1) << (2 * half_bits)) < count)
        half_bits++;
    do /* ends: the network is a bijection, so the cycle of i comes back below count */
        i = feistel(key, i, half_bits);
    while (i >= count);
    return i;
}
