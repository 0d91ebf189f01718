/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file simd.h
 * @brief Wide registers without leaving C: clones by CPU, and vectors of ps_real.
 *
 * A function marked PS_CLONES is compiled once for each instruction set and
 * chosen when the program is loaded. All clones give the same bits: every
 * column is summed by itself, in the order of the edges, and the compiler may
 * not contract a product and a sum (-ffp-contract=off). Where the tool chain
 * cannot choose at load time (clang 14, sanitizers whose run time is not up
 * yet when the choice is made), there is one plain version.
 */
#ifndef PS_KERN_SIMD_H
#define PS_KERN_SIMD_H

#include "src/kern/real.h"

#include <stdint.h>

#if defined(__x86_64__) && defined(__gnu_linux__) && defined(__GNUC__) && !defined(__clang__) &&   \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define PS_CLONES __attribute__((noinline, target_clones("avx512f", "avx2", "default")))
#else
#define PS_CLONES __attribute__((noinline))
#endif

#define PS_INLINE static inline __attribute__((always_inline))

/* Vectors of 64, 32 and 16 bytes that may stand at any address of a ps_real. */
typedef ps_real ps_v64 __attribute__((vector_size(64), aligned(sizeof(ps_real)), may_alias));
typedef ps_real ps_v32 __attribute__((vector_size(32), aligned(sizeof(ps_real)), may_alias));
typedef ps_real ps_v16 __attribute__((vector_size(16), aligned(sizeof(ps_real)), may_alias));

enum {
    PS_LANES64 = 64 / sizeof(ps_real),
    PS_LANES32 = 32 / sizeof(ps_real),
    PS_LANES16 = 16 / sizeof(ps_real),
};

#endif
