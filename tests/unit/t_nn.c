/* SPDX-License-Identifier: Apache-2.0 */
/* The model and its optimizers as the program builds them, in float. */
#include "tests/ps_test.h"

#include "src/nn/model.h"
#include "src/nn/optim.h"
#include "tests/ref/batch.h"
#include "tests/ref/nn_ref.h"

#include <string.h>

static const struct ps_model_shape both[] = {
    {PS_NN_GCN, 2, 33, 20, 5, 0.5, 0.5},
    {PS_NN_SAGE, 3, 33, 20, 5, 0.5, 0.25},
};

static struct ps_model *model_of(struct ps_ctx *ctx, const struct ps_model_shape *shape)
{
    struct ps_model *m;

    assert_ok(ps_model_new(&m, ctx, shape, 7));
    return m;
}

static void end(struct ps_ctx *ctx, struct ps_model *m)
{
    ps_model_free(&m);
    assert_null(m);
    assert_int_equal(ps_ctx_fini(ctx), 0);
}

static void tensors_cover_the_weights_and_start_as_glorot_says(void **state)
{
    struct ps_ctx ctx;

    (void)state;
    ps_ctx_init(&ctx, NULL);
    for (size_t k = 0; k < 2; k++) {
        struct ps_model *m = model_of(&ctx, &both[k]), *other;
        const ps_real *w = ps_model_weights(m);
        const struct ps_tensor *t;
        uint64_t at = 0;
        uint32_t count;
        t = ps_model_tensors(m, &count);
        for (uint32_t i = 0; i < count; i++) {
            const double limit = sqrt(6.0 / (t[i].rows + t[i].cols));
            const uint64_t size = (uint64_t)t[i].rows * t[i].cols;
            double square = 0;
            assert_int_equal(t[i].begin, at);
            assert_int_equal(t[i].decays, strstr(t[i].name, "bias") == NULL);
            for (uint64_t j = at; j < at + size; j++) {
                assert_true(t[i].decays ? fabs((double)w[j]) <= limit : w[j] == 0);
                square += (double)w[j] * (double)w[j];
            }
            at += size; /* a uniform number in +-a has variance a^2 / 3 */
            if (t[i].decays)
                assert_true(fabs(square / (double)size - limit * limit / 3) < limit * limit / 9);
        }
        assert_int_equal(at, ps_model_weight_count(m));
        assert_string_equal(t[0].name, k == 0 ? "layers/0/weight" : "layers/0/weight_self");
        assert_int_equal(ps_model_layer_dim(m, 0), 20);
        assert_int_equal(ps_model_layer_dim(m, both[k].layers - 1), 5);
        assert_ok(ps_model_new(&other, &ctx, &both[k], 8));
        assert_memory_not_equal(w, ps_model_weights(other), at * sizeof *w);
        ps_model_reset(other, 7);
        assert_memory_equal(w, ps_model_weights(other), at * sizeof *w);
        ps_model_free(&other);
        ps_model_free(&m);
    }
    end(&ctx, NULL);
}

static void a_forward_pass_equals_the_formulas(void **state)
{
    struct test_graph g;
    struct ps_ctx ctx;

    (void)state;
    ps_ctx_init(&ctx, NULL);
    test_graph_new(&g, 2, 200, 12, 33, 5);
    for (int i = 0; i < 8; i++) {
        struct ps_model *m = model_of(&ctx, &both[i % 2]);
        const bool training = i / 4 == 1;
        const ps_real *got;
        struct test_batch t;
        double *want;
        test_batch_new(&t, &g, both[i % 2].layers, 40, 1, 3, 5, i / 2 % 2 == 1);
        assert_ok(ps_model_forward(m, &t.b, training, &got));
        want = ref_logits(m, &t.b, training);
        for (size_t j = 0; j < (size_t)40 * 5; j++)
            assert_true(fabs((double)got[j] - want[j]) < 1e-4 * (1 + fabs(want[j])));
        free(want);
        test_batch_free(&t);
        ps_model_free(&m);
    }
    test_graph_free(&g);
    end(&ctx, NULL);
}

/* More nodes than a chunk of any product holds, for all orders of aggregation. */
static void a_step_gives_the_same_bits_for_any_number_of_threads(void **state)
{
    static const struct ps_model_shape shape[] = {
        {PS_NN_GCN, 2, 40, 8, 5, 0.5, 0.5},
        {PS_NN_GCN, 2, 8, 40, 5, 0.5, 0.5},
        {PS_NN_SAGE, 2, 40, 8, 5, 0.5, 0.5},
        {PS_NN_SAGE, 2, 8, 40, 5, 0.5, 0},
    };
    struct test_graph g;

    (void)state;
    for (int i = 0; i < 8; i++) {
        const struct ps_model_shape *s = &shape[i % 4];
        struct test_batch t;
        ps_real *first = NULL;
        double loss = 0;
        test_graph_new(&g, 3, 9000, 4, s->dim_in, 5);
        test_batch_new(&t, &g, 2, 8500, 1, 1, UINT32_MAX, i / 4 == 1);
        for (int threads = 1; threads <= 4; threads++) {
            struct ps_ctx ctx;
            struct ps_step_sums sums;
            struct ps_model *m;
            size_t bytes;
            ps_ctx_init(&ctx, NULL);
            ctx.threads = threads;
            m = model_of(&ctx, s);
            bytes = ps_model_weight_count(m) * sizeof *first;
            assert_ok(ps_model_step(m, &t.b, &sums));
            if (threads == 1) {
                first = malloc(bytes);
                memcpy(first, ps_model_gradients(m), bytes);
                loss = sums.loss;
            }
            assert_memory_equal(first, ps_model_gradients(m), bytes);
            assert_memory_equal(&loss, &sums.loss, sizeof loss);
            assert_int_equal(sums.seeds, 8500);
            end(&ctx, m);
        }
        free(first);
        test_batch_free(&t);
        test_graph_free(&g);
    }
}

/* Layer after layer over all nodes, into out (nodes, classes). */
static void infer(struct ps_model *m, const struct test_batch *t, ps_real *out)
{
    const uint32_t n = t->b.input.count, layers = ps_model_shape(m)->layers;
    const size_t size = (size_t)n * 64;
    ps_real *h = test_array(size, sizeof *h), *message = test_array(size, sizeof *h);
    ps_real *self = test_array(size, sizeof *h);
    struct ps_rows x = t->b.input;
    struct ps_block b = t->block[0];

    b.col_begin = NULL, b.row = NULL;
    for (uint32_t l = 0; l < layers; l++) {
        const bool sage = ps_model_shape(m)->kind == PS_NN_SAGE;
        assert_ok(ps_model_project(m, l, &x, message, sage ? self : NULL));
        ps_model_combine(m, l, &b, t->b.out_degree, message, sage ? self : NULL,
                         l + 1 == layers ? out : h);
        x = (struct ps_rows){.count = n, .dim = ps_model_layer_dim(m, l), .dense = h};
    }
    free(h), free(message), free(self);
}

static void one_layer_at_a_time_equals_the_forward_pass(void **state)
{
    enum { N = 3000, SIZE = 5 * N };
    ps_real *one = test_array(SIZE, sizeof *one), *two = test_array(SIZE, sizeof *two);
    struct test_graph g;

    (void)state;
    test_graph_new(&g, 2, N, 9, 33, 5);
    for (int i = 0; i < 4; i++) {
        struct test_batch t;
        struct ps_ctx ctx;
        struct ps_model *m;
        const ps_real *want;
        test_batch_new(&t, &g, both[i % 2].layers, N, 0, 1, UINT32_MAX, i / 2 == 1);
        ps_ctx_init(&ctx, NULL);
        m = model_of(&ctx, &both[i % 2]);
        infer(m, &t, one);
        for (ctx.threads = 2; ctx.threads <= 4; ctx.threads++) {
            infer(m, &t, two);
            assert_memory_equal(one, two, SIZE * sizeof *one);
        }
        assert_ok(ps_model_forward(m, &t.b, false, &want));
        for (size_t j = 0; j < SIZE; j++)
            assert_true(fabs((double)(one[j] - want[j])) < 2e-5 * (1 + fabs((double)want[j])));
        test_batch_free(&t);
        end(&ctx, m);
    }
    test_graph_free(&g);
    free(one), free(two);
}

/* The same nodes under other local numbers, dropout on: the same logits up to the order of
 * sums. Another batch or epoch: other masks. */
static void a_mask_does_not_depend_on_local_numbers(void **state)
{
    enum { N = 211, SIZE = 5 * N };
    struct test_graph g;
    struct ps_ctx ctx;

    (void)state;
    ps_ctx_init(&ctx, NULL);
    test_graph_new(&g, 2, N, 9, 33, 5);
    for (size_t k = 0; k < 4; k++) {
        struct ps_model *m = model_of(&ctx, &both[k % 2]);
        ps_real *one = test_array(SIZE, sizeof *one);
        const ps_real *logits;
        struct test_batch a, b;
        double largest[3] = {0};
        test_batch_new(&a, &g, both[k % 2].layers, N, 0, 1, UINT32_MAX, k / 2 == 1);
        test_batch_new(&b, &g, both[k % 2].layers, N, 5, 7, UINT32_MAX, k / 2 == 1);
        assert_ok(ps_model_forward(m, &a.b, true, &logits));
        memcpy(one, logits, SIZE * sizeof *one);
        for (int other = 0; other < 3; other++) {
            b.b.epoch = a.b.epoch + (other == 1);
            b.b.index = a.b.index + (other == 2);
            assert_ok(ps_model_forward(m, &b.b, true, &logits));
            for (uint32_t v = 0; v < N; v++)
                for (uint32_t c = 0; c < 5; c++)
                    largest[other] = fmax(
                        largest[other],
                        fabs((double)(one[a.local_of[v] * 5 + c] - logits[b.local_of[v] * 5 + c])));
        }
        assert_true(largest[0] < 1e-4);
        assert_true(largest[1] > 0.1 && largest[2] > 0.1);
        free(one);
        test_batch_free(&a), test_batch_free(&b);
        ps_model_free(&m);
    }
    test_graph_free(&g);
    end(&ctx, NULL);
}

/* Forget the edges of a batch, keeping its nodes. */
static void cut_edges(struct test_batch *t)
{
    for (uint32_t l = 0; l < t->b.layer_count; l++) {
        struct ps_block *b = &t->block[l];
        b->row_begin = test_own(t, (size_t)b->dst_count + 1, sizeof *b->row_begin);
        b->edge_count = 0;
        if (b->col_begin != NULL)
            b->col_begin = test_own(t, (size_t)b->src_count + 1, sizeof *b->col_begin);
    }
}

static void empty_batches_and_blocks_work(void **state)
{
    struct test_graph g;
    struct ps_ctx ctx;

    (void)state;
    ps_ctx_init(&ctx, NULL);
    ctx.threads = 2;
    test_graph_new(&g, 2, 50, 5, 33, 5);
    for (size_t k = 0; k < 4; k++) {
        struct ps_model *m = model_of(&ctx, &both[k % 2]);
        const uint64_t count = ps_model_weight_count(m);
        const ps_real *logits;
        struct ps_step_sums sums;
        struct test_batch t;
        double *want, total = 0;
        test_batch_new(&t, &g, both[k % 2].layers, 0, 0, 1, 4, k / 2 == 1);
        ps_model_gradients(m)[0] = 3;
        assert_ok(ps_model_step(m, &t.b, &sums));
        assert_true(sums.loss == 0 && sums.seeds == 0 && sums.correct == 0);
        for (uint64_t i = 0; i < count; i++)
            assert_true(ps_model_gradients(m)[i] == 0);
        assert_ok(ps_model_forward(m, &t.b, false, &logits));
        assert_non_null(logits);
        test_batch_free(&t);
        test_batch_new(&t, &g, both[k % 2].layers, 9, 0, 1, 4, k / 2 == 1);
        cut_edges(&t);
        assert_ok(ps_model_forward(m, &t.b, true, &logits));
        want = ref_logits(m, &t.b, true);
        for (size_t j = 0; j < (size_t)9 * 5; j++)
            assert_true(fabs((double)logits[j] - want[j]) < 1e-4 * (1 + fabs(want[j])));
        assert_ok(ps_model_step(m, &t.b, &sums));
        assert_int_equal(sums.seeds, 9);
        for (uint64_t i = 0; i < count; i++)
            total += fabs((double)ps_model_gradients(m)[i]);
        assert_true(isfinite(total) && total > 0);
        free(want);
        test_batch_free(&t);
        ps_model_free(&m);
    }
    test_graph_free(&g);
    end(&ctx, NULL);
}

static ps_status some_training(struct ps_ctx *ctx, size_t k, const struct test_batch *t)
{
    const struct ps_optim_setup setup = {PS_NN_ADAM, 0.01, 0};
    struct ps_step_sums sums;
    struct ps_optim *o = NULL;
    struct ps_model *m = NULL;
    ps_status st;

    PS_GO(st, ps_model_new(&m, ctx, &both[k], 3));
    PS_GO(st, ps_optim_new(&o, ctx, &setup, m));
    for (int i = 0; i < 2; i++) {
        PS_GO(st, ps_model_step(m, &t->b, &sums));
        ps_optim_step(o, 0.1);
        if (i == 0) /* the second step finds all its buffers */
            ps_mem_fail_after(&ctx->mem, 0);
    }
out:
    ps_optim_free(&o);
    ps_model_free(&m);
    return st;
}

static void every_allocation_may_fail_and_the_second_step_makes_none(void **state)
{
    struct test_graph g;

    (void)state;
    test_graph_new(&g, 2, 100, 5, 33, 5);
    for (size_t k = 0; k < 4; k++) {
        struct test_batch t;
        struct ps_ctx ctx;
        ps_status st = PS_EMEM;
        long long n = 0;
        ps_ctx_init(&ctx, NULL);
        test_batch_new(&t, &g, both[k % 2].layers, 30, 0, 1, 4, k / 2 == 1);
        for (; st != PS_OK && n < 200; n++) {
            ps_mem_fail_after(&ctx.mem, n);
            st = some_training(&ctx, k % 2, &t);
            assert_true(st == PS_OK || st == PS_EMEM);
            assert_int_equal(ps_mem_live(&ctx.mem), 0);
        }
        assert_int_equal(st, PS_OK);
        assert_true(n > 10);
        assert_int_equal(ctx.mem.cat_peak_bytes[PS_MEM_ROWS], 0);
        assert_true(ctx.mem.cat_peak_bytes[PS_MEM_ACTIVATION] > 0);
        test_batch_free(&t);
        assert_int_equal(ps_ctx_fini(&ctx), 0);
    }
    test_graph_free(&g);
}

/* The formulas of optim.h, number by number, in double. */
static void optimizers_follow_their_formulas(void **state)
{
    struct ps_ctx ctx;

    (void)state;
    ps_ctx_init(&ctx, NULL);
    ctx.threads = 2;
    for (int kind = PS_NN_ADAM; kind <= PS_NN_SGD; kind++) {
        const struct ps_optim_setup setup = {(enum ps_optim_kind)kind, 0.02, 0.3};
        const struct ps_model_shape shape = {PS_NN_SAGE, 2, 300, 60, 5, 0, 0};
        struct ps_model *m = model_of(&ctx, &shape);
        const uint64_t count = ps_model_weight_count(m);
        ps_real *w = ps_model_weights(m), *grad = ps_model_gradients(m);
        double *mom = test_array(count, 8), *var = test_array(count, 8);
        double *want = test_array(count, 8);
        const struct ps_tensor *t;
        struct ps_optim *o;
        uint32_t tensors;
        assert_ok(ps_optim_new(&o, &ctx, &setup, m));
        t = ps_model_tensors(m, &tensors);
        for (int again = 0; again < 2; again++) { /* after a reset it is step 1 again */
            memset(mom, 0, count * 8), memset(var, 0, count * 8);
            for (uint64_t i = 0; i < count; i++)
                want[i] = (double)(w[i] = test_real(4, i));
            for (int step = 1; step <= 5; step++) {
                test_fill((uint64_t)step, count, grad);
                ps_optim_step(o, 0.25);
                for (uint32_t i = 0; i < tensors; i++)
                    for (uint64_t j = t[i].begin; j < t[i].begin + (uint64_t)t[i].rows * t[i].cols;
                         j++) {
                        const double g =
                            (double)grad[j] * 0.25 + (t[i].rows > 1 ? 0.3 * want[j] : 0);
                        mom[j] = 0.9 * mom[j] + 0.1 * g;
                        var[j] = 0.999 * var[j] + 0.001 * g * g;
                        want[j] -=
                            0.02 * (kind == PS_NN_SGD
                                        ? g
                                        : mom[j] / (1 - pow(0.9, step)) /
                                              (sqrt(var[j] / (1 - pow(0.999, step))) + 1e-8));
                        assert_true(fabs((double)w[j] - want[j]) < 2e-5);
                    }
            }
            ps_optim_reset(o);
        }
        ps_optim_free(&o);
        assert_null(o);
        free(mom), free(var), free(want);
        ps_model_free(&m);
    }
    end(&ctx, NULL);
}

static void training_lowers_the_loss_and_counts_its_time(void **state)
{
    const struct ps_model_shape shape = {PS_NN_SAGE, 2, 33, 16, 5, 0.2, 0};
    const struct ps_optim_setup setup = {PS_NN_ADAM, 0.02, 0};
    struct ps_total total[PS_EVENT_COUNT];
    struct ps_step_sums sums, scored = {0};
    struct test_graph g;
    struct test_batch t;
    struct ps_optim *o;
    struct ps_model *m;
    struct ps_ctx ctx;
    const ps_real *logits;
    double first = 0;

    (void)state;
    ps_ctx_init(&ctx, NULL);
    test_graph_new(&g, 2, 120, 5, 33, 5);
    test_batch_new(&t, &g, 2, 100, 0, 1, 5, false);
    m = model_of(&ctx, &shape);
    assert_ok(ps_optim_new(&o, &ctx, &setup, m));
    for (int i = 0; i < 60; i++) {
        t.b.epoch = (uint64_t)i;
        assert_ok(ps_model_step(m, &t.b, &sums));
        first = i == 0 ? sums.loss : first;
        ps_optim_step(o, 1.0 / 100);
    }
    assert_true(sums.loss < 0.3 * first);
    assert_ok(ps_model_forward(m, &t.b, false, &logits));
    ps_model_score(logits, 100, 5, t.b.label, &scored, NULL);
    assert_int_equal(scored.seeds, 100);
    assert_true(scored.correct > 90); /* it can learn a hundred labels by heart */
    ps_trace_totals(&ctx.trace, total);
    assert_int_equal(total[PS_EV_forward].count, 61);
    assert_int_equal(total[PS_EV_backward].count, 60);
    assert_int_equal(total[PS_EV_backward].amount, 6000);
    assert_int_equal(total[PS_EV_update].count, 60);
    ps_optim_free(&o);
    test_batch_free(&t);
    test_graph_free(&g);
    end(&ctx, m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tensors_cover_the_weights_and_start_as_glorot_says),
        cmocka_unit_test(a_forward_pass_equals_the_formulas),
        cmocka_unit_test(a_step_gives_the_same_bits_for_any_number_of_threads),
        cmocka_unit_test(one_layer_at_a_time_equals_the_forward_pass),
        cmocka_unit_test(a_mask_does_not_depend_on_local_numbers),
        cmocka_unit_test(empty_batches_and_blocks_work),
        cmocka_unit_test(every_allocation_may_fail_and_the_second_step_makes_none),
        cmocka_unit_test(optimizers_follow_their_formulas),
        cmocka_unit_test(training_lowers_the_loss_and_counts_its_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
