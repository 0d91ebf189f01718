/* SPDX-License-Identifier: Apache-2.0 */
#include "io/checksum.h"

#define XXH_STATIC_LINKING_ONLY /* the size of the streaming state */
#include <xxhash.h>

struct ps_hash_stream {
    XXH3_state_t state; /* aligned to 64 bytes, as all memory of ps_mem */
};

uint64_t ps_hash64(const void *data, uint64_t bytes)
{
    return XXH3_64bits(data, bytes);
}

void ps_hash128(const void *data, uint64_t bytes, unsigned char out[16])
{
    XXH128_canonical_t c;

    XXH128_canonicalFromHash(&c, XXH3_128bits(data, bytes));
    for (int i = 0; i < 16; i++)
        out[i] = c.digest[i];
}

void ps_block_sums(const void *data, uint64_t bytes, uint32_t *sum)
{
    const unsigned char *p = data;

    for (uint64_t at = 0; at < bytes; at += PS_BLOCK_BYTES)
        *sum++ = (uint32_t)(XXH3_64bits(p + at, ps_min(bytes - at, PS_BLOCK_BYTES)) & UINT32_MAX);
}

ps_status ps_hash_new(struct ps_hash_stream **h, struct ps_mem *m)
{
    PS_TRY(PS_NEW(m, PS_MEM_OTHER, *h, 1));
    ps_hash_reset(*h);
    return PS_OK;
}

void ps_hash_reset(struct ps_hash_stream *h)
{
    (void)XXH3_64bits_reset(&h->state);
}

void ps_hash_add(struct ps_hash_stream *h, const void *data, uint64_t bytes)
{
    (void)XXH3_64bits_update(&h->state, data, bytes);
}

uint64_t ps_hash_value(const struct ps_hash_stream *h)
{
    return XXH3_64bits_digest(&h->state);
}
