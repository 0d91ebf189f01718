/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks of 64 columns in arrays of lanes, which the compiler turns into wide registers. */
#include "src/kern/normal.h"

#include "src/kern/simd.h"

#include <math.h>
#include <string.h>

enum { LANES = PS_NORMAL_LANES, KINDS = PS_NORMAL_BLOCK / PS_NORMAL_LANES };

/* Draws first to first + LANES of a node: the ten rounds of ps_philox, a lane each. */
PS_INLINE void draw_lanes(struct ps_key key, uint64_t node, uint64_t first, uint32_t w[4][LANES])
{
    uint32_t k0 = key.k[0], k1 = key.k[1];

    for (int i = 0; i < LANES; i++) {
        w[0][i] = (uint32_t)node;
        w[1][i] = (uint32_t)(node >> 32);
        w[2][i] = (uint32_t)(first + (uint64_t)i);
        w[3][i] = (uint32_t)((first + (uint64_t)i) >> 32);
    }
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < LANES; i++) {
            uint64_t p0 = (uint64_t)0xD2511F53u * w[0][i];
            uint64_t p1 = (uint64_t)0xCD9E8D57u * w[2][i];
            w[0][i] = (uint32_t)(p1 >> 32) ^ w[1][i] ^ k0;
            w[1][i] = (uint32_t)p1;
            w[2][i] = (uint32_t)(p0 >> 32) ^ w[3][i] ^ k1;
            w[3][i] = (uint32_t)p0;
        }
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
}

/* sqrt(-2 ln u), u in (0, 1]: u = m 2^e with m in [sqrt(1/2), sqrt(2)). */
PS_INLINE float radius_of(uint32_t x)
{
    float u = (float)((x >> 8) + 1) * 0x1p-24f, m, e, z, y;
    uint32_t bits, up;

    memcpy(&bits, &u, sizeof bits);
    up = (bits & 0x7fffff) >= 0x3504f3; /* the fraction of sqrt(2) */
    e = (float)((int32_t)(bits >> 23) - 127 + (int32_t)up);
    bits = (bits & 0x7fffff) | (127 - up) << 23;
    memcpy(&m, &bits, sizeof m);
    m -= 1;
    z = m * m;
    y = 7.0376836292e-2f;
    y = y * m - 1.1514610310e-1f;
    y = y * m + 1.1676998740e-1f;
    y = y * m - 1.2420140846e-1f;
    y = y * m + 1.4249322787e-1f;
    y = y * m - 1.6668057665e-1f;
    y = y * m + 2.0000714765e-1f;
    y = y * m - 2.4999993993e-1f;
    y = y * m + 3.3333331174e-1f;
    y = y * m * z - 2.12194440e-4f * e - 0.5f * z;
    z = m + y + 0.693359375f * e;
    return sqrtf(z < 0 ? -2 * z : 0);
}

/* The nearest multiple of a quarter turn, and what is left: within an eighth. */
PS_INLINE void turn(uint32_t y, float *cosine, float *sine)
{
    uint32_t quarter = (y + (1u << 29)) >> 30;
    float t = (float)(int32_t)(y - (quarter << 30)) * 1.4629180792671596e-9f, z = t * t;
    float s = ((-1.9515295891e-4f * z + 8.3321608736e-3f) * z - 1.6666654611e-1f) * z * t + t;
    float c =
        ((2.443315711809948e-5f * z - 1.388731625493765e-3f) * z + 4.166664568298827e-2f) * z * z -
        0.5f * z + 1;
    float a = (quarter & 1) != 0 ? s : c, b = (quarter & 1) != 0 ? c : s;

    *cosine = ((quarter + 1) & 2) != 0 ? -a : a;
    *sine = (quarter & 2) != 0 ? -b : b;
}

PS_CLONES void ps_add_normals(struct ps_key key, uint64_t node, float deviation, uint32_t columns,
                              float *row)
{
    float z[KINDS][LANES];
    uint32_t w[4][LANES];

    for (uint32_t first = 0; first < columns; first += PS_NORMAL_BLOCK) {
        uint32_t n = columns - first < PS_NORMAL_BLOCK ? columns - first : PS_NORMAL_BLOCK;
        draw_lanes(key, node, first / KINDS, w);
        for (int i = 0; i < LANES; i++) {
            float r0 = deviation * radius_of(w[0][i]), r1 = deviation * radius_of(w[2][i]);
            float c0, s0, c1, s1;
            turn(w[1][i], &c0, &s0);
            turn(w[3][i], &c1, &s1);
            z[0][i] = r0 * c0;
            z[1][i] = r0 * s0;
            z[2][i] = r1 * c1;
            z[3][i] = r1 * s1;
        }
        for (uint32_t i = 0; i < n; i++)
            row[first + i] += z[i / LANES][i % LANES];
    }
}
