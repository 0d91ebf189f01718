/* SPDX-License-Identifier: Apache-2.0 */
/* Logits, loss and every gradient against an independent implementation in numpy:
 * tests/ref/nn_golden.py made the numbers of tests/ref/nn_golden.h. */
#include "tests/ps_test.h"

#include "src/nn/model_impl.h"
#include "tests/ref/nn_golden.h"

#include <math.h>
#include <string.h>

static void fill_batch(struct ps_batch *b, struct ps_block block[2])
{
    static const uint32_t one[GOLD_ALL] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};

    block[0] = (struct ps_block){.dst_count = GOLD_MIDDLE, .src_count = GOLD_ALL};
    block[0].row_begin = gold_begin0, block[0].col = gold_col0;
    block[0].in_degree = gold_degree0, block[0].edge_count = gold_begin0[GOLD_MIDDLE];
    block[1] = (struct ps_block){.dst_count = GOLD_SEEDS, .src_count = GOLD_MIDDLE};
    block[1].row_begin = gold_begin1, block[1].col = gold_col1;
    block[1].in_degree = gold_degree1, block[1].edge_count = gold_begin1[GOLD_SEEDS];
    block[0].multiplicity = block[1].multiplicity = one;
    *b = (struct ps_batch){.seed = GOLD_SEED, .epoch = GOLD_EPOCH, .index = GOLD_BATCH};
    b->layer_count = 2, b->block = block;
    b->node = gold_node, b->out_degree = gold_out_degree, b->label = gold_label;
    b->input = (struct ps_rows){.count = GOLD_ALL, .dim = GOLD_DIM, .dense = gold_x};
}

static void near(const double *got, const double *want, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!(fabs(got[i] - want[i]) <= 1e-12 * (1 + fabs(want[i]))))
            fail_msg("number %zu is %.17g, numpy has %.17g", i, got[i], want[i]);
}

struct gold {
    enum ps_model_kind kind;
    const double *weights, *logits, *loss, *gradients;
    size_t count;
};

static void check(const struct gold *g)
{
    const struct ps_model_shape shape = {
        g->kind, 2, GOLD_DIM, GOLD_HIDDEN, GOLD_CLASSES, gold_dropout[1], gold_dropout[0],
    };
    struct ps_block block[2];
    struct ps_step_sums sums;
    struct ps_batch batch;
    struct ps_model *m;
    struct ps_ctx ctx;
    const ps_real *logits;

    ps_ctx_init(&ctx, NULL);
    ctx.threads = 2;
    fill_batch(&batch, block);
    assert_ok(ps_model_new(&m, &ctx, &shape, 0));
    assert_int_equal(ps_model_weight_count(m), g->count);
    memcpy(ps_model_weights(m), g->weights, g->count * sizeof(double));
    assert_ok(ps_model_forward(m, &batch, true, &logits));
    near(logits, g->logits, (size_t)GOLD_SEEDS * GOLD_CLASSES);
    assert_ok(ps_model_step(m, &batch, &sums));
    near(&sums.loss, g->loss, 1);
    near(ps_model_gradients(m), g->gradients, g->count);
    ps_model_free(&m);
    assert_int_equal(ps_ctx_fini(&ctx), 0);
}

static void gcn_equals_numpy(void **state)
{
    const struct gold g = {PS_NN_GCN,     gold_gcn_weights,   gold_gcn_logits,
                           gold_gcn_loss, gold_gcn_gradients, sizeof gold_gcn_weights / 8};

    (void)state;
    check(&g);
}

static void sage_equals_numpy(void **state)
{
    const struct gold g = {PS_NN_SAGE,     gold_sage_weights,   gold_sage_logits,
                           gold_sage_loss, gold_sage_gradients, sizeof gold_sage_weights / 8};

    (void)state;
    check(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gcn_equals_numpy),
        cmocka_unit_test(sage_equals_numpy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
