/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Training and inference on a dataset with wrong values and right checksums. Nobody runs verify
 * before each training, so what a run relies on it must check itself: it ends with a result or
 * with a sentence.
 */
#include "tests/fuzz/fuzz_graph.h"

#include "src/train/train.h"

static void choose(struct ps_opts *o, struct fuzz_bytes *b, const char *path)
{
    uint64_t bits = fuzz_take(b, 1);

    ps_opts_init(o);
    o->positional[0] = path;
    o->positional_count = 1;
    o->common.threads = 1;
    o->common.quiet = true;
    o->io.engine = PS_IO_PREAD;
    o->model.kind = (bits & 1) != 0 ? PS_MODEL_GCN : PS_MODEL_SAGE;
    o->model.layers = 1 + (bits >> 1 & 1);
    o->model.hidden = 3;
    o->train.epochs = 2;
    o->train.batch_size = 1 + (bits >> 2 & 15);
    o->train.fanout = (struct ps_list){.item = {(bits & 64) != 0 ? -1 : 2, 3},
                                       .count = (uint32_t)o->model.layers};
}

static ps_status train_and_infer(struct ps_ctx *ctx, struct ps_opts *o)
{
    json_t *report = NULL;
    ps_status st;

    snprintf(o->common.out, sizeof o->common.out, "%s/run", fuzz_dir());
    st = ps_train(ctx, o, "fuzz", NULL, &report);
    json_decref(report);
    if (st != PS_OK)
        return st;
    snprintf(o->infer.run, sizeof o->infer.run, "%s/run", fuzz_dir());
    snprintf(o->common.out, sizeof o->common.out, "%s/out.h5", fuzz_dir());
    o->common.force = true;
    st = ps_infer(ctx, o, &report);
    json_decref(report);
    return st;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_bytes b = {data, size};
    static char path[PS_TEST_PATH_BYTES]; /* the options point to it */
    static struct ps_opts o;
    struct fuzz_graph f;
    struct ps_ctx ctx;
    ps_status st;

    ps_ctx_init(&ctx, NULL);
    choose(&o, &b, ps_test_path(path, fuzz_dir(), "d.ps"));
    fuzz_graph_make(&f, &b);
    st = fuzz_graph_write(&f, &ctx, path);
    fuzz_told(st);
    if (st == PS_OK)
        st = train_and_infer(&ctx, &o);
    fuzz_told(st == PS_ECANCEL ? ctx.job_status : st); /* where the job has told it */
    fuzz_graph_free(&f);
    fuzz_end(&ctx);
    return 0;
}
