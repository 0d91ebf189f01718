/* SPDX-License-Identifier: Apache-2.0 */
/* A .npz archive of any bytes: refused with a sentence, or each member has the size and the
 * CRC-32 that the directory says; its array x is refused or all of it can be read. */
#include "tests/fuzz/fuzz.h"

#include "src/graph/npz.h"

static ps_status count_bytes(void *arg, const void *bytes, size_t count)
{
    uint64_t *sum = arg;

    PS_ASSERT(bytes != NULL && count > 0);
    *sum += count;
    return PS_OK;
}

static void read_member(const struct ps_zip *z, const struct ps_zip_member *m)
{
    uint64_t sum = 0;
    ps_status st = ps_zip_read(z, m, count_bytes, &sum);

    fuzz_told(st);
    PS_ASSERT(sum <= m->bytes && (st != PS_OK || sum == m->bytes));
    PS_ASSERT(ps_zip_find(z, m->name) == m);
}

static void read_array(const struct ps_zip *z)
{
    struct ps_npy *a;
    double x;
    ps_status st = ps_npz_open(&a, z, "x", "x");

    fuzz_told(st);
    PS_ASSERT((st == PS_OK) == (a != NULL));
    for (uint64_t i = 0; a != NULL && i < ps_min(a->items, 64); i++) {
        st = ps_npy_read_f64(a, i % 2 == 0 ? i : a->items - 1 - i, 1, &x);
        PS_ASSERT(st == PS_OK);
    }
    ps_npy_close(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[FUZZ_PATH];
    int fd = fuzz_file(data, size, path);
    struct ps_ctx ctx;
    struct ps_zip *z;
    ps_status st;

    fuzz_ctx(&ctx);
    st = ps_zip_open(&z, &ctx, path);
    fuzz_told(st);
    PS_ASSERT((st == PS_OK) == (z != NULL));
    if (z != NULL) {
        for (uint64_t i = 0; i < z->member_count; i++)
            read_member(z, z->member + i);
        read_array(z);
    }
    ps_zip_close(&z);
    close(fd);
    fuzz_end(&ctx);
    return 0;
}
