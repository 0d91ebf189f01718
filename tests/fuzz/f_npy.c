/* SPDX-License-Identifier: Apache-2.0 */
/* A .npy file of any bytes: refused with a sentence, or every item can be read, in each way that
 * its type allows, and the ways agree. */
#include "tests/fuzz/fuzz.h"

#include "src/graph/npy.h"

enum { ITEMS = 512 };

static void compare(const struct ps_npy *a, const double *f, const int64_t *n, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        PS_ASSERT(a->head.type == PS_NPY_I8 || a->head.type == PS_NPY_U8 || f[i] == (double)n[i]);
}

static void read_some(struct ps_npy *a, uint64_t first)
{
    uint64_t count = ps_min(ITEMS, a->items - first), raw[ITEMS];
    int64_t n[ITEMS];
    double f[ITEMS];
    ps_status st;

    st = ps_npy_read_raw(a, first, count, raw);
    PS_ASSERT(st == PS_OK);
    st = ps_npy_read_f64(a, first, count, f);
    PS_ASSERT(st == PS_OK);
    if (!ps_npy_is_integer(a))
        return;
    st = ps_npy_read_i64(a, first, count, n);
    fuzz_told(st);
    PS_ASSERT(st == PS_OK || a->head.type == PS_NPY_U8);
    if (st == PS_OK)
        compare(a, f, n, count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[FUZZ_PATH], shape[64];
    int fd = fuzz_file(data, size, path);
    struct ps_ctx ctx;
    struct ps_npy *a;
    ps_status st;

    fuzz_ctx(&ctx);
    st = ps_npy_open(&a, &ctx, path);
    fuzz_told(st);
    if (st == PS_OK) {
        PS_ASSERT(a->data_offset + a->items * a->item_bytes <= size);
        PS_ASSERT(strlen(ps_npy_shape_text(&a->head, shape)) > 1);
        read_some(a, 0);
        read_some(a, a->items - ps_min(a->items, 3));
    }
    ps_npy_close(&a);
    close(fd);
    fuzz_end(&ctx);
    return 0;
}
