/* SPDX-License-Identifier: Apache-2.0 */
/* A zip archive of any bytes: refused with a sentence, or each member can be asked for, as bytes
 * and as an array of an .npz, and is refused or read whole. */
#include "tests/fuzz/fuzz_graph.h"

#include "src/graph/npz.h"

enum { MEMBERS = 16, UNPACKED_MAX = 1 << 24 };

static ps_status count_bytes(void *arg, const void *bytes, size_t count)
{
    uint64_t *sum = arg;

    (void)bytes;
    *sum += count;
    if (*sum > UNPACKED_MAX) /* a small file may hold gigabytes of zeros */
        PS_FAIL(PS_EINPUT, "more than enough");
    return PS_OK;
}

static void read_member(const struct ps_zip *z, const struct ps_zip_member *m)
{
    uint64_t at, sum = 0;
    ps_status st = ps_zip_locate(z, m, &at);

    fuzz_told(st);
    PS_ASSERT(ps_zip_find(z, m->name) != NULL);
    if (st != PS_OK)
        return;
    st = ps_zip_read(z, m, count_bytes, &sum);
    fuzz_told(st);
    PS_ASSERT(st != PS_OK || sum == m->bytes);
}

static void read_array(const struct ps_zip *z, const struct ps_zip_member *m)
{
    char key[64], beside[PS_TEST_PATH_BYTES];
    size_t n = strlen(m->name);
    struct ps_npy *a;
    ps_status st;

    if (n < 4 || n >= sizeof key || m->bytes > UNPACKED_MAX)
        return;
    memcpy(key, m->name, n - 4);
    key[n - 4] = '\0';
    st = ps_npz_open(&a, z, key, ps_test_path(beside, fuzz_dir(), "d.ps"));
    fuzz_told(st);
    if (st == PS_OK && a->items > 0) {
        double x;
        st = ps_npy_read_f64(a, a->items - 1, 1, &x);
        PS_ASSERT(st == PS_OK);
    }
    ps_npy_close(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[FUZZ_PATH];
    int fd = fuzz_file(data, size, path);
    struct ps_zip *z;
    struct ps_ctx ctx;
    ps_status st;

    fuzz_ctx(&ctx);
    st = ps_zip_open(&z, &ctx, path);
    fuzz_told(st);
    for (uint64_t i = 0; st == PS_OK && i < ps_min(MEMBERS, z->member_count); i++) {
        read_member(z, &z->member[i]);
        read_array(z, &z->member[i]);
    }
    ps_zip_close(&z);
    close(fd);
    fuzz_end(&ctx);
    return 0;
}
