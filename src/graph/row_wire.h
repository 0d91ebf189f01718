/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file row_wire.h
 * @brief Sizes and places in the messages of row_answer.h, for both ends.
 */
#ifndef PS_GRAPH_ROW_WIRE_H
#define PS_GRAPH_ROW_WIRE_H

#include "src/graph/row_answer.h"

#include <string.h>

static inline bool ps_wire_bags(const struct ps_row_answer *a)
{
    return a->shard->meta->feature_kind == PS_FEATURES_CSR;
}

static inline uint64_t ps_wire_mask_bytes(uint64_t batches)
{
    return ps_div_up(batches, 8);
}

/* Sizes of the parts of a message about n nodes. */
static inline uint64_t ps_wire_ids_bytes(uint64_t n)
{
    return ps_align_up(n * sizeof(uint32_t), 8);
}

static inline uint64_t ps_wire_masks_bytes(uint64_t n, uint64_t batches)
{
    return ps_align_up(n * ps_wire_mask_bytes(batches), 8);
}

/* An answer taken apart; sizes of the parts of `wanted` rows. */
struct ps_wire_answer {
    unsigned char *flag;
    uint32_t *degree, *score, *size;
    unsigned char *data;
};

static inline uint64_t ps_wire_head_bytes(const struct ps_row_answer *a, uint64_t wanted)
{
    return ps_align_up(wanted * (ps_wire_bags(a) ? 3 : 2) * sizeof(uint32_t), 8);
}

static inline struct ps_wire_answer ps_wire_open(const struct ps_row_answer *a, unsigned char *p,
                                                 uint64_t n, uint64_t wanted, uint64_t batches)
{
    struct ps_wire_answer x = {.flag = p};

    x.degree = (uint32_t *)(void *)(p + ps_wire_masks_bytes(n, batches));
    x.score = x.degree + wanted;
    x.size = x.score + wanted;
    x.data = p + ps_wire_masks_bytes(n, batches) + ps_wire_head_bytes(a, wanted);
    return x;
}

static inline uint64_t ps_wire_mask(const unsigned char *p, uint64_t width)
{
    uint64_t mask = 0;

    memcpy(&mask, p, width); /* little endian: the format of all our files and wires */
    return mask;
}

static inline uint64_t ps_wire_values(const struct ps_shard *g, uint64_t v)
{
    return g->feature_begin[v + 1] - g->feature_begin[v];
}

/* Where the bag of own node @p v is among those that were read. @pre it is */
static inline uint64_t ps_wire_bag(const struct ps_row_answer *a, uint64_t v)
{
    uint64_t lo = 0, hi = a->slab.count;

    while (hi - lo > 1) {
        uint64_t mid = lo + (hi - lo) / 2;
        if (a->slab.node[mid] <= v)
            lo = mid;
        else
            hi = mid;
    }
    return lo;
}

#endif
