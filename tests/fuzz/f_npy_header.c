/* SPDX-License-Identifier: Apache-2.0 */
/* The header text of a .npy file alone, so that lengths need not be guessed; and what is accepted
 * is accepted again in the words of NumPy. */
#include "tests/fuzz/fuzz.h"

#include "src/graph/npy.h"

static void again(const struct ps_npy_header *h)
{
    static const char *const code[PS_NPY_TYPE_COUNT] = {"|i1", "|u1", "<i2", "<u2", "<i4", "<u4",
                                                        "<i8", "<u8", "<f2", "<f4", "<f8"};
    char text[192], shape[64];
    struct ps_npy_header twin = {0};
    int n = snprintf(text, sizeof text, "{'descr': '%s', 'fortran_order': %s, 'shape': %s, }\n",
                     code[h->type], h->fortran ? "True" : "False", ps_npy_shape_text(h, shape));
    ps_status st = ps_npy_parse("twin", text, (size_t)n, &twin);

    PS_ASSERT(st == PS_OK && twin.type == h->type && twin.fortran == h->fortran);
    PS_ASSERT(twin.rank == h->rank && twin.shape[0] == h->shape[0] && twin.shape[1] == h->shape[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ps_npy_header h = {0};
    ps_status st = ps_npy_parse("input", (const char *)data, size, &h);

    fuzz_told(st);
    if (st == PS_OK)
        again(&h);
    return 0;
}
