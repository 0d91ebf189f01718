/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file bench_order.h
 * @brief Blocks of a file in the order in which a measurement reads them, each once.
 *
 * @par Internal  to io/bench_run.c, and to its test
 * @par Threads   ps_bench_order_next: all of them, on one order
 */
#ifndef IO_BENCH_ORDER_H
#define IO_BENCH_ORDER_H

#include "src/base/rng.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

struct ps_bench_order {
    bool is_random;
    uint32_t bits; /* of a counter that reaches the number of blocks */
    uint64_t blocks, salt;
    _Atomic uint64_t next;
};

/** @pre blocks < 2^63 */
static inline void ps_bench_order_init(struct ps_bench_order *o, bool is_random, uint64_t blocks,
                                       uint64_t seed)
{
    memset(o, 0, sizeof *o);
    o->is_random = is_random;
    o->blocks = blocks;
    o->salt = ps_mix64(seed);
    while ((UINT64_C(1) << o->bits) < blocks)
        o->bits++;
}

/** A bijection of words of @p bits bits: each step can be undone. Drawing a block must cost next
 *  to nothing beside a read of 4 KiB, which ps_permute does not. */
static inline uint64_t ps_bench_scatter(uint64_t x, uint32_t bits, uint64_t salt)
{
    const uint64_t mask = (UINT64_C(1) << bits) - 1;
    const uint32_t half = bits / 2 + 1;

    for (int round = 0; round < 3; round++) {
        x = (x + (salt >> (8 * round))) & mask;
        x = (x * UINT64_C(0x9E3779B97F4A7C15)) & mask;
        x ^= x >> half;
    }
    return x;
}

/** The next block. @return false when all were drawn */
static inline bool ps_bench_order_next(struct ps_bench_order *o, uint64_t *block)
{
    for (;;) {
        uint64_t i = atomic_fetch_add_explicit(&o->next, 1, memory_order_relaxed);

        if (i >> o->bits != 0 || (!o->is_random && i >= o->blocks))
            return false;
        *block = o->is_random ? ps_bench_scatter(i, o->bits, o->salt) : i;
        if (*block < o->blocks)
            return true;
    }
}

#endif
