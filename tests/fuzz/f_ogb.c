/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A folder of Open Graph Benchmark with tables or archives of any bytes. The input is a byte of
 * options, then files: which (1 byte), length (2), data. What import accepts, verify finds sound.
 */
#include "tests/fuzz/fuzz_graph.h"

#include "src/graph/ingest.h"

enum { FILES = 12 };

static const char *const file[FILES] = {
    "raw/num-node-list.csv", "raw/num-edge-list.csv", "raw/edge.csv",
    "raw/node-label.csv",    "raw/node-feat.csv",     "split/time/train.csv",
    "split/time/valid.csv",  "split/time/test.csv",   "raw/data.npz",
    "raw/node-label.npz",    "raw/edge.csv.gz",       "raw/triplet-type-list.csv",
};

static void make_folder(struct fuzz_bytes *b, const char *dir)
{
    char path[PS_TEST_PATH_BYTES];

    ps_test_dir_remove(dir);
    PS_ASSERT(mkdir(dir, 0700) == 0);
    PS_ASSERT(mkdir(ps_test_path(path, dir, "raw"), 0700) == 0);
    PS_ASSERT(mkdir(ps_test_path(path, dir, "split"), 0700) == 0);
    PS_ASSERT(mkdir(ps_test_path(path, dir, "split/time"), 0700) == 0);
    while (b->left > 0) {
        uint64_t which = fuzz_take(b, 1) % FILES;
        size_t size = fuzz_take(b, 2);
        size = ps_min(size, b->left);
        fuzz_put(ps_test_path(path, dir, file[which]), b->p, size);
        b->p += size;
        b->left -= size;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char dir[PS_TEST_PATH_BYTES], out[PS_TEST_PATH_BYTES];
    struct fuzz_bytes b = {data, size};
    uint64_t bits = fuzz_take(&b, 1);
    static struct ps_opts o;
    json_t *report = json_object();
    struct ps_ctx ctx;
    ps_status st;

    (void)ps_test_path(out, fuzz_dir(), "d.ps");
    make_folder(&b, ps_test_path(dir, fuzz_dir(), "in"));
    ps_opts_init(&o);
    o.common.force = o.common.quiet = true;
    o.import.symmetrise = (bits & 1) != 0;
    snprintf(o.common.out, sizeof o.common.out, "%s", out);
    fuzz_ctx(&ctx);
    st = ps_import_ogb(&ctx, &o, dir, "fuzz", report);
    fuzz_told(st);
    if (st == PS_OK)
        fuzz_sound(&ctx, out);
    json_decref(report);
    fuzz_end(&ctx);
    return 0;
}
