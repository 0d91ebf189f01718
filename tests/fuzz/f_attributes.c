/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attributes of meta.h5 and of a part file, replaced through the HDF5 library by values of any
 * size and kind: numbers where texts belong, texts that are too long, texts without an end.
 */
#include "tests/fuzz/fuzz_graph.h"

#include "io/h5.h"

enum { IMAGE_MAX = 1 << 20, NAMES = 24 };

static const char *const name[NAMES] = {
    "format", "format_version", "name",         "uuid",        "partitioner", "nodes",
    "edges",  "feature_kind",   "feature_type", "feature_dim", "classes",     "feature_index_bytes",
    "task",   "feature_values", "symmetrised",  "weighted",    "index_bytes", "splits",
    "parts",  "edge_cut",       "checksum",     "provenance",  "part",        "file_bytes",
};

/* A file of the sound dataset, kept in memory and put back before each input. */
struct image {
    char path[PS_TEST_PATH_BYTES];
    unsigned char bytes[IMAGE_MAX];
    size_t size;
};

static void image_take(struct image *m, const char *dir, const char *file)
{
    FILE *f = fopen(ps_test_path(m->path, dir, file), "rb");

    PS_ASSERT(f != NULL);
    m->size = fread(m->bytes, 1, IMAGE_MAX, f);
    PS_ASSERT(m->size > 0 && m->size < IMAGE_MAX);
    fclose(f);
}

static void image_put(const struct image *m)
{
    FILE *f = fopen(m->path, "wb");

    PS_ASSERT(f != NULL && fwrite(m->bytes, 1, m->size, f) == m->size);
    fclose(f);
}

static void make_images(struct image image[2], char path[PS_TEST_PATH_BYTES])
{
    struct ps_test_shape shape = {.nodes = 20,
                                  .parts = 2,
                                  .degree = 3,
                                  .kind = PS_FEATURES_CSR,
                                  .dim = 8,
                                  .values = true,
                                  .classes = 3,
                                  .splits = 2};
    struct ps_test_graph g;
    struct ps_ctx ctx;

    ps_ctx_init(&ctx, NULL);
    ps_test_graph_make(&g, &shape);
    assert_ok(ps_test_graph_write(&g, &ctx, ps_test_path(path, fuzz_dir(), "d.ps"), true));
    ps_test_graph_free(&g);
    image_take(&image[0], path, "meta.h5");
    image_take(&image[1], path, "part-00001.h5");
    fuzz_end(&ctx);
}

static ps_status put(struct ps_h5 *f, struct fuzz_bytes *b)
{
    const char *to = name[fuzz_take(b, 1) % NAMES];
    uint64_t kind = fuzz_take(b, 1), bits;
    char text[300];
    double x;

    if (kind % 3 == 0)
        return ps_h5_put_u64(f, "/", to, fuzz_number(b));
    if (kind % 3 == 1) {
        bits = fuzz_number(b);
        memcpy(&x, &bits, sizeof x);
        return ps_h5_put_f64(f, "/", to, x);
    }
    fuzz_text(b, text, sizeof text);
    return ps_h5_put_text(f, "/", to, text);
}

static void edit(struct ps_ctx *ctx, const char *path, struct fuzz_bytes *b)
{
    struct ps_h5 *f = NULL;
    ps_status st = PS_OK;

    ps_h5_enter();
    PS_GO(st, ps_h5_reopen(&f, ctx, path));
    while (b->left > 0)
        PS_GO(st, put(f, b));
out:
    PS_KEEP(st, ps_h5_close(&f));
    ps_h5_leave();
    if (st != PS_OK)
        ps_err_print(stderr, 1);
    PS_ASSERT(st == PS_OK);
}

static ps_status open_all(struct ps_ctx *ctx, const char *path)
{
    struct ps_dataset *ds;
    struct ps_part *p;
    ps_status st = PS_OK;

    PS_TRY(ps_dataset_open(&ds, ctx, path));
    for (uint32_t k = 0; k < ps_dataset_meta(ds)->parts && st == PS_OK; k++) {
        st = ps_part_open(&p, ds, k);
        ps_part_close(&p);
    }
    ps_dataset_close(&ds);
    return st;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct image image[2];
    static char path[PS_TEST_PATH_BYTES];
    struct fuzz_bytes b = {data, size};
    struct ps_ctx ctx;

    if (image[0].size == 0)
        make_images(image, path);
    fuzz_ctx(&ctx);
    image_put(&image[0]);
    image_put(&image[1]);
    if (fuzz_take(&b, 1) % 4 != 0)
        edit(&ctx, image[0].path, &b);
    else
        edit(&ctx, image[1].path, &b);
    fuzz_told(open_all(&ctx, path));
    fuzz_end(&ctx);
    return 0;
}
