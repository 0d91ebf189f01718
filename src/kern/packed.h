/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file packed.h
 * @brief Dense rows as they are stored, each in a slot of a slab: read in place.
 *
 * Row r of a batch lies at base + slot[r] * stride, as float32, float16 or int8. Kernels widen
 * the numbers while they load them, so a row that stays in its slot from one batch to the next
 * costs nothing, and the gathered matrix of a batch is never made.
 */
#ifndef PS_KERN_PACKED_H
#define PS_KERN_PACKED_H

#include "src/kern/half.h"
#include "src/kern/real.h"
#include "src/kern/simd.h"

#include <stddef.h>
#include <string.h>

enum ps_packed_type { PS_PACKED_F32, PS_PACKED_F16, PS_PACKED_I8 };

struct ps_packed {
    const unsigned char *base; /**< NULL: there are no packed rows */
    size_t stride;             /**< bytes from slot to slot */
    const uint32_t *slot;      /**< (rows) */
    enum ps_packed_type type;
};

static inline const unsigned char *ps_packed_row(const struct ps_packed *p, uint32_t row)
{
    return p->base + (size_t)p->slot[row] * p->stride;
}

/** Number @p c of a row. */
PS_INLINE ps_real ps_packed_number(const unsigned char *row, size_t c,
                                   const enum ps_packed_type type)
{
    float x;
    uint16_t h;

    switch (type) {
    case PS_PACKED_F16:
        memcpy(&h, row + 2 * c, sizeof h);
        return (ps_real)ps_from_half(h);
    case PS_PACKED_I8:
        return (ps_real)(signed char)row[c];
    case PS_PACKED_F32:
    default:
        memcpy(&x, row + 4 * c, sizeof x);
        return (ps_real)x;
    }
}

/** out (rows, cols) = the numbers of rows [0, rows). */
void ps_packed_unpack(int threads, const struct ps_packed *in, uint32_t rows, uint32_t cols,
                      ps_real *out);
/** One row. */
void ps_packed_unpack_row(const unsigned char *row, enum ps_packed_type type, uint32_t cols,
                          ps_real *out);

#endif
