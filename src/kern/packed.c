/* SPDX-License-Identifier: Apache-2.0 */
#include "src/kern/packed.h"

#include "src/kern/spmm.h"

PS_CLONES static void unpack_half(const unsigned char *row, uint32_t cols, ps_real *restrict out)
{
    for (uint32_t c = 0; c < cols; c++)
        out[c] = ps_packed_number(row, c, PS_PACKED_F16);
}

PS_CLONES static void unpack_byte(const unsigned char *row, uint32_t cols, ps_real *restrict out)
{
    for (uint32_t c = 0; c < cols; c++)
        out[c] = ps_packed_number(row, c, PS_PACKED_I8);
}

PS_CLONES static void unpack_float(const unsigned char *row, uint32_t cols, ps_real *restrict out)
{
    for (uint32_t c = 0; c < cols; c++)
        out[c] = ps_packed_number(row, c, PS_PACKED_F32);
}

void ps_packed_unpack_row(const unsigned char *row, enum ps_packed_type type, uint32_t cols,
                          ps_real *out)
{
    switch (type) {
    case PS_PACKED_F32:
        unpack_float(row, cols, out);
        break;
    case PS_PACKED_F16:
        unpack_half(row, cols, out);
        break;
    case PS_PACKED_I8:
        unpack_byte(row, cols, out);
        break;
    }
}

void ps_packed_unpack(int threads, const struct ps_packed *in, uint32_t rows, uint32_t cols,
                      ps_real *out)
{
    const uint32_t each = ps_rows_each(rows, threads);
    const uint64_t parts = ((uint64_t)rows + each - 1) / each;

#pragma omp parallel for num_threads(threads) schedule(dynamic, 1) default(none)                   \
    firstprivate(in, rows, cols, out, each, parts)
    for (uint64_t p = 0; p < parts; p++)
        for (uint64_t r = p * each; r < rows && r < (p + 1) * each; r++)
            ps_packed_unpack_row(ps_packed_row(in, (uint32_t)r), in->type, cols, out + r * cols);
}
