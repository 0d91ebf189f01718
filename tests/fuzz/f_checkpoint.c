/* SPDX-License-Identifier: Apache-2.0 */
/*
 * checkpoint.h5 with any position, records and options, and right checksums: refused with a
 * sentence, or a position within the job and records that fit its arrays.
 */
#include "tests/fuzz/fuzz_graph.h"

#include "io/table.h"
#include "src/train/checkpoint.h"
#include "src/train/identity.h"

enum {
    WEIGHTS = 6,
    RUNS = 3,
    EPOCHS = 4,
    WORDS = 2,
    RUN_COLUMNS = 9,
    EPOCH_COLUMNS = 8,
    ROWS = 16
};

/* Small whole numbers are the likely ones. */
static double real(struct fuzz_bytes *b)
{
    uint64_t bits = fuzz_number(b);
    double x;

    if (bits < 256)
        return (double)bits;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static ps_status put_identity(struct ps_table *t, const struct ps_opts *o, struct fuzz_bytes *b)
{
    uint64_t kind = fuzz_take(b, 1);
    char text[256];
    json_t *then;
    char *told;
    ps_status st;

    PS_TRY(ps_table_put_text(t, "format", "penstock checkpoint"));
    PS_TRY(ps_table_put_u64(t, "format_version", (kind & 2) != 0 ? fuzz_number(b) : 1));
    fuzz_text(b, text, sizeof text);
    PS_TRY(ps_table_put_text(t, "dataset_uuid", (kind & 4) != 0 ? text : "uuid"));
    if ((kind & 1) != 0)
        return ps_table_put_text(t, "options", text);
    then = ps_identity(o);
    told = json_dumps(then, 0);
    st = ps_table_put_text(t, "options", told);
    free(told);
    json_decref(then);
    return st;
}

static ps_status put_position(struct ps_table *t, struct fuzz_bytes *b)
{
    static const char *const count[] = {"run",         "epoch",         "batch",  "steps",
                                        "epoch_seeds", "epoch_correct", "resumed"};
    static const char *const value[] = {"epoch_loss", "epoch_seconds", "saved_accuracy", "seconds"};

    for (int i = 0; i < 7; i++)
        PS_TRY(ps_table_put_u64(t, count[i], fuzz_number(b)));
    for (int i = 0; i < 4; i++)
        PS_TRY(ps_table_put_f64(t, value[i], real(b)));
    return PS_OK;
}

static ps_status put_rows(struct ps_table *t, const char *name, uint64_t cols, struct fuzz_bytes *b)
{
    double x[ROWS * RUN_COLUMNS];
    uint64_t rows = fuzz_take(b, 1) % ROWS;

    for (uint64_t i = 0; i < rows * cols; i++)
        x[i] = i % cols < 2 ? real(b) : 0.5;
    PS_TRY(ps_table_add(t, name, PS_COLUMN_F64, rows, cols));
    return ps_table_put(t, name, 0, rows, x);
}

static ps_status put_arrays(struct ps_table *t, struct fuzz_bytes *b)
{
    static const char *const name[] = {"weights", "best", "moment_1", "moment_2"};
    const float x[WEIGHTS + 2] = {1, 2, 3};
    uint64_t sums[ROWS] = {1, 2, 3}, odd = fuzz_take(b, 1), ranks = fuzz_take(b, 1) % 4;

    for (unsigned i = 0; i < 4; i++) {
        uint64_t count = WEIGHTS + ((odd >> (2 * i) & 3) == 3 ? 1 : 0);
        if ((odd >> (2 * i) & 3) == 2)
            continue;
        PS_TRY(ps_table_add(t, name[i], PS_COLUMN_F32, count, 0));
        PS_TRY(ps_table_put(t, name[i], 0, count, x));
    }
    PS_TRY(ps_table_add(t, "sums", PS_COLUMN_U64, ranks, WORDS));
    return ps_table_put(t, "sums", 0, ranks, sums);
}

static ps_status write_file(struct ps_ctx *ctx, const struct ps_opts *o, struct fuzz_bytes *b,
                            const char *path)
{
    struct ps_table *t;
    ps_status st;

    PS_TRY(ps_table_create_in_memory(&t, ctx, path, 1 << 16));
    PS_GO(st, put_identity(t, o, b));
    PS_GO(st, put_position(t, b));
    PS_GO(st, put_rows(t, "runs", RUN_COLUMNS, b));
    PS_GO(st, put_rows(t, "epochs", EPOCH_COLUMNS, b));
    PS_GO(st, put_arrays(t, b));
    return ps_table_finish(&t);
out:
    ps_table_close(&t);
    return st;
}

static void load(struct ps_ctx *ctx, const struct ps_opts *o, const char *path)
{
    float x[4][WEIGHTS];
    struct ps_epoch epoch[RUNS][EPOCHS];
    struct ps_run run[RUNS];
    struct ps_checkpoint c = {.o = o,
                              .dataset_uuid = "uuid",
                              .state = {WEIGHTS, x[0], x[1], x[2], x[3]},
                              .runs = run,
                              .run_count = RUNS,
                              .epochs_max = EPOCHS,
                              .words = WORDS};
    ps_status st;

    memset(run, 0, sizeof run);
    for (int i = 0; i < RUNS; i++)
        run[i].epoch = epoch[i];
    st = ps_checkpoint_load(ctx, path, &c);
    fuzz_told(st);
    PS_ASSERT(st == PS_OK || c.sums == NULL);
    if (st != PS_OK)
        return;
    PS_ASSERT(c.run < RUNS && c.at.epoch < EPOCHS && c.ranks > 0);
    for (uint64_t i = 0; i <= c.run; i++)
        PS_ASSERT(run[i].epoch_count <= EPOCHS && run[i].best_epoch <= run[i].epoch_count);
    ps_mem_free(&ctx->mem, &c.sums);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_bytes b = {data, size};
    char path[PS_TEST_PATH_BYTES];
    static struct ps_opts o;
    struct ps_ctx ctx;
    ps_status st;

    fuzz_ctx(&ctx);
    ps_opts_init(&o);
    st = write_file(&ctx, &o, &b, ps_test_path(path, fuzz_dir(), "checkpoint.h5"));
    PS_ASSERT(st == PS_OK);
    load(&ctx, &o, path);
    fuzz_end(&ctx);
    return 0;
}
