/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Philox4x32-10 of rng.h for four counters side by side. A product of two
 * 32-bit words is what AVX2 gives in one instruction if each word has a 64-bit
 * lane to itself; the upper halves of the lanes may hold anything, because the
 * product and the result read the lower ones only. GCC does not find this by
 * itself: its own vector code is slower than the scalar loop.
 */
#include "src/kern/act.h"

#include "src/kern/simd.h"

#include <string.h>

static void bits_plain(struct ps_key key, const uint64_t *node, const uint32_t *group, uint32_t n,
                       uint16_t *bits)
{
    for (uint32_t i = 0; i < n; i++) {
        const struct ps_draw d = ps_draw_at(key, node[i], group[i]);
        for (int j = 0; j < 8; j++)
            bits[8 * i + (uint32_t)j] = (uint16_t)(d.w[j / 2] >> (16 * (j % 2)));
    }
}

#if defined(__x86_64__)
#include <immintrin.h>

__attribute__((target("avx2"))) static void four(struct ps_key key, const uint64_t *node,
                                                 const uint32_t *group, uint16_t *bits)
{
    const __m256i m0 = _mm256_set1_epi64x(0xD2511F53), m1 = _mm256_set1_epi64x(0xCD9E8D57);
    const __m256i low = _mm256_set1_epi64x(0xFFFFFFFF);
    uint32_t k0 = key.k[0], k1 = key.k[1];
    __m256i x0 = _mm256_loadu_si256((const __m256i_u *)node), x1 = _mm256_srli_epi64(x0, 32);
    __m256i x2 = _mm256_cvtepu32_epi64(_mm_loadu_si128((const __m128i_u *)group));
    __m256i x3 = _mm256_setzero_si256(), even, odd;

    for (int round = 0; round < 10; round++) {
        const __m256i p0 = _mm256_mul_epu32(x0, m0), p1 = _mm256_mul_epu32(x2, m1);
        x0 = _mm256_srli_epi64(p1, 32) ^ x1 ^ _mm256_set1_epi64x(k0);
        x2 = _mm256_srli_epi64(p0, 32) ^ x3 ^ _mm256_set1_epi64x(k1);
        x1 = p1, x3 = p0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    x0 = (x0 & low) | _mm256_slli_epi64(x1, 32);
    x2 = (x2 & low) | _mm256_slli_epi64(x3, 32);
    even = _mm256_unpacklo_epi64(x0, x2); /* draws 0 and 2 */
    odd = _mm256_unpackhi_epi64(x0, x2);  /* draws 1 and 3 */
    _mm256_storeu_si256((__m256i_u *)bits, _mm256_permute2x128_si256(even, odd, 0x20));
    _mm256_storeu_si256((__m256i_u *)(bits + 16), _mm256_permute2x128_si256(even, odd, 0x31));
}

__attribute__((target("avx2"))) static void bits_avx2(struct ps_key key, const uint64_t *node,
                                                      const uint32_t *group, uint32_t n,
                                                      uint16_t *bits)
{
    uint32_t i = 0;

    for (; n - i >= 4; i += 4)
        four(key, node + i, group + i, bits + 8 * (size_t)i);
    bits_plain(key, node + i, group + i, n - i, bits + 8 * (size_t)i);
}
#endif

void ps_drop_bits(struct ps_key key, const uint64_t *node, const uint32_t *group, uint32_t n,
                  uint16_t *bits)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2")) {
        bits_avx2(key, node, group, n, bits);
        return;
    }
#endif
    bits_plain(key, node, group, n, bits);
}
