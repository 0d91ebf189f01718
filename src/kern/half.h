/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file half.h
 * @brief float to IEEE 754 binary16 and back, as rows of features are stored in half the bytes.
 */
#ifndef PS_KERN_HALF_H
#define PS_KERN_HALF_H

#include <stdint.h>
#include <string.h>

/** The nearest half, ties to even; infinity from 65520 on, the same for infinity; NaN stays one. */
static inline uint16_t ps_half_of(float x)
{
    uint32_t bits, sign;

    memcpy(&bits, &x, sizeof bits);
    sign = bits >> 16 & 0x8000u;
    bits &= 0x7fffffffu;
    if (bits >= 0x47800000u) /* 2^16 and above */
        bits = bits > 0x7f800000u ? 0x7e00u : 0x7c00u;
    else if (bits < 0x38800000u) { /* below 2^-14: adding 1/2 leaves multiples of 2^-24 */
        float shifted;
        memcpy(&shifted, &bits, sizeof shifted);
        shifted += 0.5f;
        memcpy(&bits, &shifted, sizeof bits);
        bits -= 0x3f000000u;
    } else /* exponent 127 becomes 15; a carry out of the fraction goes into the exponent */
        bits = (bits - (112u << 23) + 0xfffu + (bits >> 13 & 1u)) >> 13;
    return (uint16_t)(sign | bits);
}

/** IEEE 754 binary16 to binary32, exact. */
static inline float ps_from_half(uint16_t h)
{
    const uint32_t sign = (uint32_t)(h & 0x8000u) << 16, magnitude = (uint32_t)(h & 0x7fffu) << 13;
    uint32_t bits;
    float x;

    memcpy(&x, &magnitude, sizeof x);
    x *= 0x1p112f; /* exact: also makes subnormals normal */
    memcpy(&bits, &x, sizeof bits);
    if ((h & 0x7c00u) == 0x7c00u) /* infinite, or no number */
        bits = magnitude | 0x7f800000u;
    bits |= sign;
    memcpy(&x, &bits, sizeof x);
    return x;
}

#endif
