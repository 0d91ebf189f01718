/* SPDX-License-Identifier: Apache-2.0 */
/* model.h5 with any attributes and arrays: refused with a sentence, or a model of that shape can
 * be made (memory permitting) and its weights are read. */
#include "tests/fuzz/fuzz_graph.h"

#include "io/table.h"
#include "src/train/model_io.h"

static double real(struct fuzz_bytes *b)
{
    uint64_t bits = fuzz_number(b);
    double x;

    if (bits < 256)
        return (double)bits / 128;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static ps_status put_attributes(struct ps_table *t, struct fuzz_bytes *b)
{
    static const char *const number[] = {"layers", "dim_in", "hidden", "classes", "split", "seed"};
    uint64_t there = fuzz_take(b, 2);
    char text[64];

    fuzz_text(b, text, sizeof text);
    PS_TRY(ps_table_put_text(t, "model", (there & 1) != 0 ? "gcn" : (there & 2) ? "sage" : text));
    for (int i = 0; i < 6; i++)
        if ((there >> (2 + i) & 1) == 0)
            PS_TRY(ps_table_put_u64(t, number[i], fuzz_number(b)));
    if ((there & 256) == 0)
        PS_TRY(ps_table_put_f64(t, "dropout", real(b)));
    if ((there & 512) == 0)
        PS_TRY(ps_table_put_f64(t, "input_dropout", real(b)));
    fuzz_text(b, text, sizeof text);
    return ps_table_put_text(t, "dataset_uuid", text);
}

static ps_status put_tensors(struct ps_table *t, struct fuzz_bytes *b)
{
    static const char *const part[] = {"weight", "weight_self", "weight_neigh", "bias"};
    float zeros[64 * 64] = {0};
    char name[32];

    for (int i = 0; i < 6 && b->left > 0; i++) {
        uint64_t which = fuzz_take(b, 1), rows = fuzz_take(b, 1) % 64, cols = fuzz_take(b, 1) % 64;
        snprintf(name, sizeof name, "layers/%d/%s", (int)(which >> 2 & 3), part[which & 3]);
        PS_TRY(
            ps_table_add(t, name, (which & 16) != 0 ? PS_COLUMN_F64 : PS_COLUMN_F32, rows, cols));
        if ((which & 48) == 0)
            PS_TRY(ps_table_put(t, name, 0, rows, zeros));
    }
    return PS_OK;
}

static ps_status write_file(struct ps_ctx *ctx, struct fuzz_bytes *b, const char *path)
{
    struct ps_table *t;
    ps_status st;

    PS_TRY(ps_table_create(&t, ctx, path));
    PS_GO(st, put_attributes(t, b));
    PS_GO(st, put_tensors(t, b));
    return ps_table_finish(&t);
out:
    ps_table_close(&t);
    return st;
}

static ps_status load(struct ps_ctx *ctx, const char *path)
{
    struct ps_model_origin origin;
    struct ps_model_shape shape;
    struct ps_model *model;
    ps_status st;

    PS_TRY(ps_model_load_shape(ctx, path, &shape, &origin));
    PS_ASSERT(strlen(origin.dataset_uuid) < sizeof origin.dataset_uuid);
    PS_TRY(ps_model_new(&model, ctx, &shape, 1));
    st = ps_model_load_weights(ctx, path, model);
    ps_model_free(&model);
    return st;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_bytes b = {data, size};
    char path[PS_TEST_PATH_BYTES];
    struct ps_ctx ctx;
    ps_status st;

    fuzz_ctx(&ctx);
    st = write_file(&ctx, &b, ps_test_path(path, fuzz_dir(), "model.h5"));
    if (st == PS_OK) /* else two arrays of one name */
        fuzz_told(load(&ctx, path));
    fuzz_end(&ctx);
    return 0;
}
