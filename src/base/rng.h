/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file rng.h
 * @brief Random numbers as a pure function of what they are for.
 *
 * One counter-based generator, keyed by purpose: there is no state that a
 * thread or a rank could advance, so whoever asks for draw i of node v in
 * batch b gets the same number.
 *
 * A key is made from the seed, the purpose and up to three coordinates (epoch,
 * batch, hop or layer); the counter holds two 64-bit coordinates (a node id,
 * an index). One call gives 128 random bits.
 *
 * @par Source  Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as
 *              1, 2, 3 (SC11), Philox4x32 with 10 rounds. Checked against the
 *              known-answer vectors published with Random123.
 */
#ifndef PS_BASE_RNG_H
#define PS_BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

/** Never renumber: results depend on these values. */
enum ps_purpose {
    PS_FOR_SEED_ORDER = 1, /**< permutation of training nodes */
    PS_FOR_SAMPLING = 2,   /**< neighbour draws */
    PS_FOR_DROPOUT = 3,
    PS_FOR_WEIGHTS = 4, /**< initial weights */
    PS_FOR_GENERATE_DEGREE = 5,
    PS_FOR_GENERATE_EDGE = 6,
    PS_FOR_GENERATE_FEATURE = 7,
    PS_FOR_GENERATE_CENTRE = 8,
    PS_FOR_GENERATE_SPLIT = 9,
    PS_FOR_GENERATE_COMMUNITY = 10,
    PS_FOR_TEST = 11,
    PS_FOR_PARTITION = 12,
    PS_FOR_GENERATE_ORDER = 13, /**< permutation of ids */
    PS_FOR_GENERATE_LABEL = 14,
    PS_FOR_SIM_DISK = 15,   /**< faults and order of arrival */
    PS_FOR_SIM_NET = 16,    /**< faults */
    PS_FOR_PROJECTION = 20, /**< import --project */
    PS_FOR_IO_COST = 21,    /**< where the disk is measured */
};

__extension__ typedef unsigned __int128 ps_u128; /* the full product of two 64-bit words */

struct ps_key {
    uint32_t k[2];
};

/** 128 random bits. */
struct ps_draw {
    uint32_t w[4];
};

/** Philox4x32-10 of counter @p ctr under @p key. */
static inline struct ps_draw ps_philox(struct ps_key key, const uint32_t ctr[4])
{
    struct ps_draw x = {{ctr[0], ctr[1], ctr[2], ctr[3]}};
    uint32_t k0 = key.k[0], k1 = key.k[1];

    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)0xD2511F53u * x.w[0];
        uint64_t p1 = (uint64_t)0xCD9E8D57u * x.w[2];
        x = (struct ps_draw){{(uint32_t)(p1 >> 32) ^ x.w[1] ^ k0, (uint32_t)p1,
                              (uint32_t)(p0 >> 32) ^ x.w[3] ^ k1, (uint32_t)p0}};
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    return x;
}

/** A key for one purpose; @p a, @p b, @p c as the purpose wants (epoch, batch, hop). */
struct ps_key ps_key_make(uint64_t seed, enum ps_purpose purpose, uint64_t a, uint64_t b,
                          uint64_t c);

/** Draw @p index for @p node under @p key. */
static inline struct ps_draw ps_draw_at(struct ps_key key, uint64_t node, uint64_t index)
{
    uint32_t ctr[4] = {(uint32_t)node, (uint32_t)(node >> 32), (uint32_t)index,
                       (uint32_t)(index >> 32)};
    return ps_philox(key, ctr);
}

/** Half 0 or 1 of a draw. */
static inline uint64_t ps_draw_u64(const struct ps_draw *d, size_t half)
{
    return (uint64_t)d->w[2 * half] | (uint64_t)d->w[2 * half + 1] << 32;
}

/** Uniform in [0, 1) with 53 bits, from 64 random bits. */
static inline double ps_unit(uint64_t bits)
{
    return (double)(bits >> 11) * 0x1p-53;
}

/** Uniform in [0, bound) from 64 random bits: the high half of bits * bound.
 *  The bias is below bound / 2^64. @pre bound > 0 */
static inline uint64_t ps_below(uint64_t bits, uint64_t bound)
{
    return (uint64_t)(((ps_u128)bits * bound) >> 64);
}

/** Two independent standard normal numbers (Box and Muller) from one draw. */
void ps_normal_pair(const struct ps_draw *d, double out[2]);

/** A bijection of 64-bit words that scatters nearby values (the finaliser of
 *  splitmix64; Steele, Lea, Flood, OOPSLA 2014). */
static inline uint64_t ps_mix64(uint64_t x)
{
    x += 0x9E3779B97F4A7C15u;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

/**
 * A keyed permutation of [0, count) without a table: where @p i goes.
 * Four-round Feistel network over the next even power of two with cycle
 * walking, so the expected cost is below four rounds of four draws.
 * @pre i < count
 */
uint64_t ps_permute(struct ps_key key, uint64_t i, uint64_t count);

#endif
