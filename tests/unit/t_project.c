/* SPDX-License-Identifier: Apache-2.0 */
/* --project: dense rows from bags of words, as a plain product says, with lengths kept. */
#include "tests/import_box.h"

#include "src/base/rng.h"
#include "src/graph/project.h"

#include <math.h>

enum { COLUMNS = 10, DIM = 7, NODES = 5 };

/* An entry of P, by the definition: two normal numbers for each draw. */
static double entry(uint64_t seed, uint64_t column, uint64_t j, uint64_t dim)
{
    struct ps_draw d = ps_draw_at(ps_key_make(seed, PS_FOR_PROJECTION, 0, 0, 0), column, j / 2);
    double pair[2];

    ps_normal_pair(&d, pair);
    return (double)(float)(pair[j % 2] / sqrt((double)dim));
}

static void a_row_is_the_product_with_a_matrix_that_the_seed_decides(void **state)
{
    static const uint32_t column[] = {0, 3, 9};
    static const double value[] = {1, -2.5, 0.25};
    struct ps_projection p;
    struct ps_ctx ctx;

    (void)state;
    ps_ctx_init(&ctx, NULL);
    for (uint64_t seed = 1; seed < 3; seed++) {
        const float *x;
        assert_ok(ps_projection_init(&p, &ctx, seed, COLUMNS, DIM));
        x = ps_projection_row(&p, column, value, 3);
        for (uint64_t j = 0; j < DIM; j++) {
            double want = 0;
            for (int i = 0; i < 3; i++)
                want += value[i] * entry(seed, column[i], j, DIM);
            assert_true(fabs((double)x[j] - want) <= 1e-6);
            assert_true(fabs(want) > 1e-6);
        }
        x = ps_projection_row(&p, column, value, 0);
        for (uint64_t j = 0; j < DIM; j++)
            assert_true(x[j] == 0.0F);
        ps_projection_fini(&p);
    }
    assert_int_equal(ps_ctx_fini(&ctx), 0);
}

/* Rows of 1 to 40 items; the same bits from a table of all columns and from one of a few. */
static void little_memory_gives_the_same_bits(void **state)
{
    enum { F = 3000, D = 64, ROWS = 200, ITEMS = 40 };
    struct ps_projection all, few;
    struct ps_ctx ctx;
    struct ps_key key = ps_key_make(1, PS_FOR_TEST, 0, 0, 0);
    uint32_t column[ITEMS];
    double value[ITEMS];

    (void)state;
    ps_ctx_init(&ctx, NULL);
    assert_ok(ps_projection_init(&all, &ctx, 5, F, D));
    assert_int_equal(all.slots, F);
    atomic_store(&ctx.mem.limit_bytes, atomic_load(&ctx.mem.used_bytes) + 16384);
    assert_ok(ps_projection_init(&few, &ctx, 5, F, D));
    assert_in_range(few.slots, 2, 64);
    for (uint64_t r = 0; r < ROWS; r++) {
        size_t n = 1 + r % ITEMS;
        const float *x;
        for (size_t i = 0; i < n; i++) {
            struct ps_draw d = ps_draw_at(key, r, i);
            column[i] = d.w[0] % F;
            value[i] = ps_unit(ps_draw_u64(&d, 1));
        }
        x = ps_projection_row(&all, column, value, n);
        assert_memory_equal(x, ps_projection_row(&few, column, value, n), D * sizeof *x);
    }
    assert_in_range(all.rows_made, 1, F);
    assert_true(few.rows_made > all.rows_made);
    ps_projection_fini(&all);
    ps_projection_fini(&few);
    assert_int_equal(ps_ctx_fini(&ctx), 0);
}

/* |xP|^2 / |x|^2 has mean 1 and variance 2/D; of R rows that are independent given no shared
 * columns the mean is within four deviations of 1. */
static void squared_lengths_are_kept_on_average(void **state)
{
    enum { ROWS = 400, ITEMS = 30, F = ROWS * ITEMS, D = 128 };
    struct ps_projection p;
    struct ps_ctx ctx;
    uint32_t column[ITEMS];
    double value[ITEMS], mean = 0, square = 0;

    (void)state;
    ps_ctx_init(&ctx, NULL);
    assert_ok(ps_projection_init(&p, &ctx, 1, F, D));
    for (uint32_t r = 0; r < ROWS; r++) {
        double in = 0, out = 0;
        const float *x;
        for (uint32_t i = 0; i < ITEMS; i++) {
            column[i] = r * ITEMS + i;
            value[i] = 1 + i % 3;
            in += value[i] * value[i];
        }
        x = ps_projection_row(&p, column, value, ITEMS);
        for (int j = 0; j < D; j++)
            out += (double)x[j] * (double)x[j];
        mean += out / in / ROWS;
        square += out / in * (out / in) / ROWS;
    }
    assert_true(fabs(mean - 1) < 4 * sqrt(2.0 / D / ROWS));
    square -= mean * mean;
    assert_true(square > 0.7 * 2 / D && square < 1.3 * 2 / D);
    ps_projection_fini(&p);
    assert_int_equal(ps_ctx_fini(&ctx), 0);
}

/* Rows {0, 7, 8}, {}, {8, 9}, {4}, {0 .. 9}. */
static void put_bits(struct box *b)
{
    static const uint8_t bits[NODES][2] = {{0x81, 0x01}, {0, 0}, {0, 0x03}, {0x10, 0}, {0xff, 3}};

    box_drop(b, "features.npy");
    box_put(b, "features_bits.npy", "|u1", "(5, 2)", bits, sizeof bits);
    box_text(b, "meta.json", "{\"nodes\": 5, \"feature_dim\": 10}");
}

static void put_csr(struct box *b)
{
    static const uint8_t indptr[] = {0, 3, 3, 5, 6, 16};
    static const uint8_t indices[] = {0, 7, 8, 9, 8, 4, 0, 1, 2, 3, 4, 5, 6, 7, 9, 8};
    static const uint8_t values[] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};

    box_drop(b, "features_bits.npy");
    box_put(b, "feat_indptr.npy", "|u1", "(6,)", indptr, sizeof indptr);
    box_put(b, "feat_indices.npy", "|u1", "(16,)", indices, sizeof indices);
    box_put(b, "feat_values.npy", "|u1", "(16,)", values, sizeof values);
}

static void import_projected(struct box *b, float x[NODES * DIM])
{
    struct got g;

    assert_ok(box_import(b));
    got_open(&g, b);
    assert_int_equal(g.meta->feature_kind, PS_FEATURES_DENSE);
    assert_int_equal(g.meta->feature_type, PS_TYPE_F32);
    assert_int_equal(g.meta->feature_dim, DIM);
    assert_int_equal(ps_part_array(g.part, PS_ARRAY_FEATURES)->rows, NODES);
    assert_ok(ps_part_read(g.part, PS_ARRAY_FEATURES, 0, NODES * DIM, x));
    got_close(&g);
    assert_int_equal(box_count(b, "feature_dim"), DIM);
    assert_int_equal(box_count(b, "projected_from"), COLUMNS);
}

static void import_writes_projected_rows(void **state)
{
    static const int first[] = {0, 3, 3, 5, 6, 16};
    static const uint64_t column[] = {0, 7, 8, 8, 9, 4, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    struct box *b = box_new();
    float x[NODES * DIM], again[NODES * DIM];

    (void)state;
    put_bits(b);
    b->o.common.seed = 7;
    b->o.common.force = true;
    b->o.import.project = DIM;
    for (int by_sum = 0; by_sum < 2; by_sum++) {
        b->o.import.normalise = by_sum ? PS_NORMALISE_ROW : PS_NORMALISE_NONE;
        import_projected(b, x);
        for (int v = 0; v < NODES; v++)
            for (uint64_t j = 0; j < DIM; j++) {
                double want = 0;
                for (int i = first[v]; i < first[v + 1]; i++)
                    want += entry(7, column[i], j, DIM);
                if (by_sum && first[v + 1] > first[v])
                    want /= first[v + 1] - first[v];
                assert_true(fabs((double)x[v * DIM + (int)j] - want) <= 1e-6);
            }
    }
    put_csr(b); /* the same bags in another form */
    import_projected(b, again);
    assert_memory_equal(x, again, sizeof x);
    box_free(b);
}

/* Every column of node 4 as large as float32 goes. */
static void put_too_large(struct box *b)
{
    static const uint8_t indptr[] = {0, 0, 0, 0, 0, COLUMNS};
    static const uint8_t indices[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    float values[COLUMNS];

    for (int i = 0; i < COLUMNS; i++)
        values[i] = 3.4e38F;
    box_put(b, "feat_indptr.npy", "|u1", "(6,)", indptr, sizeof indptr);
    box_put(b, "feat_indices.npy", "|u1", "(10,)", indices, sizeof indices);
    box_put(b, "feat_values.npy", "<f4", "(10,)", values, sizeof values);
    box_text(b, "meta.json", "{\"nodes\": 5, \"feature_dim\": 10}");
}

static void what_is_no_bag_of_words_is_refused(void **state)
{
    struct box *b = box_new();

    (void)state;
    b->o.import.project = DIM;
    assert_fails(box_import(b), PS_EUSAGE, "these features are dense already");
    box_drop(b, "features.npy");
    box_text(b, "meta.json", "{\"nodes\": 5}");
    assert_fails(box_import(b), PS_EUSAGE, "this graph comes without features");
    assert_true(box_is_clean(b));
    put_too_large(b);
    assert_fails(box_import(b), PS_EINPUT, "of its projection is beyond float32");
    assert_true(box_is_clean(b));
    box_free(b);
}

static void every_allocation_may_fail(void **state)
{
    struct box *b = box_new();
    ps_status st = PS_EMEM;
    int n;

    (void)state;
    put_bits(b);
    b->o.import.project = DIM;
    for (n = 0; st != PS_OK; n++) {
        ps_mem_fail_after(&b->ctx.mem, n);
        st = box_import(b);
        ps_mem_fail_after(&b->ctx.mem, -1);
        assert_true(st == PS_OK || st == PS_EMEM);
        assert_int_equal(ps_mem_live(&b->ctx.mem), 0);
        assert_int_equal(box_is_clean(b), st != PS_OK);
    }
    assert_true(n > 40);
    box_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_is_the_product_with_a_matrix_that_the_seed_decides),
        cmocka_unit_test(little_memory_gives_the_same_bits),
        cmocka_unit_test(squared_lengths_are_kept_on_average),
        cmocka_unit_test(import_writes_projected_rows),
        cmocka_unit_test(what_is_no_bag_of_words_is_refused),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
