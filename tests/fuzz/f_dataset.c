/* SPDX-License-Identifier: Apache-2.0 */
/* A dataset with wrong values and right checksums: verify looks at all of it and fails with a
 * sentence, or finds it sound; without an edit it is sound. */
#include "tests/fuzz/fuzz_graph.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_bytes b = {data, size};
    char path[PS_TEST_PATH_BYTES];
    struct fuzz_graph f;
    struct ps_ctx ctx;
    ps_status st;

    fuzz_ctx(&ctx);
    fuzz_graph_make(&f, &b);
    st = fuzz_graph_write(&f, &ctx, ps_test_path(path, fuzz_dir(), "d.ps"));
    fuzz_told(st);
    PS_ASSERT(st == PS_OK || f.edits > 0);
    if (st == PS_OK) {
        st = fuzz_verify(&ctx, path);
        fuzz_told(st);
        PS_ASSERT(st == PS_OK || f.edits > 0);
    }
    fuzz_graph_free(&f);
    fuzz_end(&ctx);
    return 0;
}
