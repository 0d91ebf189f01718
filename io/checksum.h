/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file checksum.h
 * @brief XXH3 as the format uses it.
 *
 * @par Source  docs/format.md, section on checksums; XXH3 is that of libxxhash 0.8
 */
#ifndef IO_CHECKSUM_H
#define IO_CHECKSUM_H

#include "io/dataset.h"

/** XXH3-64 of @p bytes bytes, seed 0. */
uint64_t ps_hash64(const void *data, uint64_t bytes);
/** XXH3-128 in canonical (big-endian) order. */
void ps_hash128(const void *data, uint64_t bytes, unsigned char out[16]);

/** Blocks of 4096 bytes that hold @p bytes; the last may be smaller. */
static inline uint64_t ps_block_count(uint64_t bytes)
{
    return ps_div_up(bytes, PS_BLOCK_BYTES);
}
/** Low 32 bits of XXH3-64 of each block. @param[out] sum (ps_block_count(bytes)) */
void ps_block_sums(const void *data, uint64_t bytes, uint32_t *sum);

/** XXH3-64 of bytes that come in pieces. */
struct ps_hash_stream;
PS_MUST ps_status ps_hash_new(struct ps_hash_stream **h, struct ps_mem *m);
void ps_hash_reset(struct ps_hash_stream *h);
void ps_hash_add(struct ps_hash_stream *h, const void *data, uint64_t bytes);
uint64_t ps_hash_value(const struct ps_hash_stream *h);

#endif
