/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A folder in the neutral layout with any arrays. The input is a byte of options, then files: which
 * (1 byte), form (1), and for a .npy file rows, columns (1 each), length (2), data; other forms are
 * the bytes of the file as they are: length (2), data. What import accepts, verify finds sound.
 */
#include "tests/fuzz/fuzz_graph.h"
#include "tests/npy_make.h"

#include "src/graph/ingest.h"

enum { FILES = 12 };

static const char *const file[FILES] = {
    "meta.json",         "edges.npy",       "labels.npy",       "train.npy",
    "valid.npy",         "test.npy",        "splits.npy",       "features.npy",
    "features_bits.npy", "feat_indptr.npy", "feat_indices.npy", "feat_values.npy",
};

static void put_file(struct fuzz_bytes *b, const char *dir)
{
    static const char *const code[] = {"|i1", "|u1", "<i2", "<u2", "<i4", "<u4",
                                       "<i8", "<u8", "<f2", "<f4", "<f8"};
    uint64_t which = fuzz_take(b, 1) % FILES, form = fuzz_take(b, 1), rows = 0, cols = 0;
    bool raw = which == 0 || (form & 31) >= 11;
    char path[PS_TEST_PATH_BYTES], header[192], shape[64];
    size_t size;

    if (!raw) {
        rows = fuzz_take(b, 1);
        cols = fuzz_take(b, 1);
    }
    size = ps_min(fuzz_take(b, 2), b->left);
    (void)ps_test_path(path, dir, file[which]);
    if (raw) {
        fuzz_put(path, b->p, size);
    } else {
        snprintf(shape, sizeof shape, (form & 32) != 0 ? "(%d, %d)" : "(%d,)", (int)rows,
                 (int)cols);
        snprintf(header, sizeof header, "{'descr': '%s', 'fortran_order': %s, 'shape': %s, }  \n",
                 code[form & 31], (form & 64) != 0 ? "True" : "False", shape);
        npy_raw(path, 1, header, b->p, size);
    }
    b->p += size;
    b->left -= size;
}

static void import(struct ps_ctx *ctx, struct ps_opts *o, const char *dir)
{
    json_t *report = json_object();
    ps_status st = ps_import_dir(ctx, o, dir, "fuzz", report);

    fuzz_told(st);
    json_decref(report);
    if (st == PS_OK)
        fuzz_sound(ctx, o->common.out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char dir[PS_TEST_PATH_BYTES], out[PS_TEST_PATH_BYTES];
    struct fuzz_bytes b = {data, size};
    uint64_t bits = fuzz_take(&b, 1);
    static struct ps_opts o;
    struct ps_ctx ctx;

    (void)ps_test_path(out, fuzz_dir(), "d.ps");
    ps_test_dir_remove(ps_test_path(dir, fuzz_dir(), "in"));
    PS_ASSERT(mkdir(dir, 0700) == 0);
    ps_opts_init(&o);
    o.common.force = o.common.quiet = true;
    o.import.symmetrise = (bits & 1) != 0;
    o.import.drop_loops = (bits & 2) != 0;
    o.import.dedupe = (bits & 4) != 0;
    o.import.normalise = (bits >> 3 & 3) % 3;
    snprintf(o.common.out, sizeof o.common.out, "%s", out);
    fuzz_ctx(&ctx);
    while (b.left > 0)
        put_file(&b, dir);
    import(&ctx, &o, dir);
    fuzz_end(&ctx);
    return 0;
}
