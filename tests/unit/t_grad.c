/* SPDX-License-Identifier: Apache-2.0 */
/* The model in double: against the formulas, against finite differences. */
#include "tests/ps_test.h"

#include "src/nn/model_impl.h"
#include "src/nn/optim.h"
#include "tests/ref/batch.h"
#include "tests/ref/nn_ref.h"

#include <string.h>

struct setting {
    enum ps_model_kind kind;
    uint32_t layers, dim, hidden, classes, fanout, seeds;
    double dropout, input_dropout;
    bool bags;
};

static int seen[2][2]; /* how often each order was taken: by bags, by aggregate first */

static double loss_of(struct ps_model *m, const struct ps_batch *b)
{
    const ps_real *logits;
    struct ps_step_sums sums = {0};
    const struct ps_block *last = &b->block[b->layer_count - 1];

    assert_ok(ps_model_forward(m, b, true, &logits));
    ps_model_score(logits, last->dst_count, ps_model_shape(m)->classes, b->label, &sums, NULL);
    return sums.loss;
}

static void logits_equal_the_formulas(struct ps_model *m, const struct ps_batch *b, bool training)
{
    const size_t n = (size_t)b->block[b->layer_count - 1].dst_count * ps_model_shape(m)->classes;
    double *want = ref_logits(m, b, training);
    const ps_real *got;

    assert_ok(ps_model_forward(m, b, training, &got));
    for (size_t i = 0; i < n; i++)
        if (!(fabs(got[i] - want[i]) <= 1e-6 * (1 + fabs(want[i]))))
            fail_msg("logit %zu is %.12g, the formula gives %.12g", i, got[i], want[i]);
    free(want);
}

/* Central differences of the loss in every weight. The step is small, so that no ReLU turns
 * in between; the bound holds its rounding (1e-16 * loss / step) too. */
static void gradients_equal_differences(struct ps_model *m, const struct ps_batch *b)
{
    const double step = 1e-5;
    const uint64_t count = ps_model_weight_count(m);
    ps_real *w = ps_model_weights(m), *grad = test_array(count, sizeof *grad);
    struct ps_step_sums sums;
    double largest = 0;

    assert_ok(ps_model_step(m, b, &sums));
    memcpy(grad, ps_model_gradients(m), count * sizeof *grad);
    for (uint64_t i = 0; i < count; i++)
        largest = fmax(largest, fabs(grad[i]));
    assert_true(largest > 1e-3); /* a gradient of zeros proves nothing */
    for (uint64_t i = 0; i < count; i++) {
        const ps_real keep = w[i];
        double up, down, want;
        w[i] = keep + step;
        up = loss_of(m, b);
        w[i] = keep - step;
        down = loss_of(m, b);
        w[i] = keep;
        want = (up - down) / (2 * step);
        if (!(fabs(grad[i] - want) <= 1e-6 * (fabs(want) + 1e-2 * largest)))
            fail_msg("weight %zu: gradient %.12g, difference %.12g", (size_t)i, grad[i], want);
    }
    free(grad);
}

static void check(const struct test_graph *g, const struct setting *s)
{
    struct ps_model_shape shape = {s->kind,    s->layers,  g->dim,          s->hidden,
                                   g->classes, s->dropout, s->input_dropout};
    struct test_batch t;
    struct ps_model *m;
    struct ps_ctx ctx;
    ps_real *w;

    ps_ctx_init(&ctx, NULL);
    ctx.threads = 2;
    test_batch_new(&t, g, s->layers, s->seeds, 3, 5, s->fanout, s->bags);
    assert_ok(ps_model_new(&m, &ctx, &shape, 11));
    w = ps_model_weights(m);
    for (uint64_t i = 0; i < ps_model_weight_count(m); i++) /* biases are not 0 here */
        w[i] += 0.1 * test_real(77, i);
    logits_equal_the_formulas(m, &t.b, false);
    logits_equal_the_formulas(m, &t.b, true);
    gradients_equal_differences(m, &t.b);
    for (uint32_t l = 0; l < s->layers; l++)
        seen[s->bags && l == 0][m->layer[l].aggregate_first]++;
    ps_model_free(&m);
    test_batch_free(&t);
    assert_int_equal(ps_ctx_fini(&ctx), 0);
}

/* Both models, 1 to 3 layers, dense and bags, all and some neighbours, wide and narrow. */
static void gradients_are_those_of_the_loss(void **state)
{
    static const struct {
        uint32_t dim, hidden, classes;
    } size[] = {{5, 9, 3}, {23, 4, 2}, {9, 17, 6}};

    (void)state;
    for (size_t i = 0; i < sizeof size / sizeof size[0]; i++) {
        struct test_graph g;
        test_graph_new(&g, 1 + i, 60, 9, size[i].dim, size[i].classes);
        for (uint32_t c = 0; c < 24; c++) {
            struct setting s = {.kind = c % 2 == 0 ? PS_NN_GCN : PS_NN_SAGE,
                                .layers = 1 + c / 2 % 3,
                                .hidden = size[i].hidden,
                                .fanout = c / 6 % 2 == 0 ? 3 : UINT32_MAX,
                                .seeds = 11,
                                .dropout = 0.5,
                                .input_dropout = 0.25,
                                .bags = c / 12 == 1};
            s.input_dropout = c % 3 == 0 ? 0 : s.input_dropout;
            check(&g, &s);
        }
        test_graph_free(&g);
    }
    for (int i = 0; i < 4; i++)
        assert_true(seen[i / 2][i % 2] > 5);
}

static void bags_without_values_are_bags_of_ones(void **state)
{
    struct test_graph g;
    struct test_batch ones, valued;
    struct ps_model *m;
    struct ps_ctx ctx;
    struct ps_step_sums a, b;
    float *value;

    (void)state;
    test_graph_new(&g, 4, 50, 6, 19, 4);
    for (int kind = PS_NN_GCN; kind <= PS_NN_SAGE; kind++) {
        struct ps_model_shape shape = {(enum ps_model_kind)kind, 2, 19, 6, 4, 0.5, 0.5};
        ps_real *first;
        ps_ctx_init(&ctx, NULL);
        test_batch_new(&ones, &g, 2, 20, 0, 2, UINT32_MAX, true);
        test_batch_new(&valued, &g, 2, 20, 0, 2, UINT32_MAX, true);
        value = test_own(&valued, (size_t)50 * 19, sizeof *value);
        for (size_t i = 0; i < (size_t)50 * 19; i++)
            value[i] = 1;
        ones.b.input.value = NULL;
        valued.b.input.value = value;
        for (int drop = 0; drop < 2; drop++) {
            shape.input_dropout = drop * 0.5;
            assert_ok(ps_model_new(&m, &ctx, &shape, 3));
            first = test_array(ps_model_weight_count(m), sizeof *first);
            assert_ok(ps_model_step(m, &ones.b, &a));
            memcpy(first, ps_model_gradients(m), ps_model_weight_count(m) * sizeof *first);
            assert_ok(ps_model_step(m, &valued.b, &b));
            assert_memory_equal(first, ps_model_gradients(m),
                                ps_model_weight_count(m) * sizeof *first);
            assert_memory_equal(&a.loss, &b.loss, sizeof a.loss);
            logits_equal_the_formulas(m, &ones.b, true);
            free(first);
            ps_model_free(&m);
        }
        test_batch_free(&ones);
        test_batch_free(&valued);
        assert_int_equal(ps_ctx_fini(&ctx), 0);
    }
    test_graph_free(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_are_those_of_the_loss),
        cmocka_unit_test(bags_without_values_are_bags_of_ones),
    };

    _Static_assert(sizeof(ps_real) == 8, "linked with the double libraries");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
