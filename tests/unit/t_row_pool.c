/* SPDX-License-Identifier: Apache-2.0 */
/* Which rows stay in the slab, and how its memory is shared. */
#include "tests/ps_test.h"

#include "src/graph/row_pool.h"
#include "src/train/budget.h"

#include <string.h>

static struct ps_mem mem;
static const struct ps_meta dense = {.nodes = 100000,
                                     .feature_kind = PS_FEATURES_DENSE,
                                     .feature_type = PS_TYPE_F32,
                                     .feature_dim = 8};

/* Place nodes [first, first + n) and pretend that the missing ones came. @return how many */
static uint64_t place(struct ps_row_pool *p, uint32_t window, uint64_t first, uint64_t n)
{
    uint64_t node[600] = {0}, missing = 0;
    uint32_t slot[600];

    for (uint64_t i = 0; i < n; i++)
        node[i] = first + i;
    assert_ok(ps_row_pool_place(p, window, node, n, slot));
    for (uint64_t i = 0; i < n; i++) {
        uint32_t s = slot[i] & ~PS_ROW_MISSING;
        if ((slot[i] & PS_ROW_MISSING) != 0)
            memcpy(ps_row_pool_row(p, s), &node[i], sizeof node[i]);
        missing += slot[i] >> PS_ROW_MISSING_BIT;
        assert_memory_equal(ps_row_pool_row(p, s), &node[i], sizeof node[i]);
        assert_int_equal(ps_row_pool_find(p, node[i]), s);
    }
    return missing;
}

/* Rows of the window before stay in their slots, whatever the others do. */
static void rows_of_two_windows_are_held(void **state)
{
    struct ps_row_pool p;

    (void)state;
    assert_ok(ps_row_pool_init(&p, &mem, &dense, 300));
    assert_int_equal(place(&p, 1, 0, 150), 150);
    assert_int_equal(place(&p, 2, 100, 150), 100); /* 50 are matched */
    for (uint64_t v = 0; v < 250; v++)
        assert_true(ps_row_pool_find(&p, v) != PS_SLOT_NONE);
    assert_int_equal(place(&p, 3, 250, 150), 150); /* those of the first window alone may go */
    for (uint64_t v = 100; v < 400; v++)
        assert_true(ps_row_pool_find(&p, v) != PS_SLOT_NONE);
    for (uint32_t w = 4; w < 400; w++)
        (void)place(&p, w, w * 37 % 5000, 150);
    assert_true(p.evicted > 10000);
    ps_row_pool_fini(&p);
}

static void too_few_slots_are_told(void **state)
{
    uint64_t node[250] = {0};
    uint32_t slot[250];
    struct ps_row_pool p;

    (void)state;
    assert_ok(ps_row_pool_init(&p, &mem, &dense, 300));
    (void)place(&p, 1, 0, 200);
    for (uint64_t i = 0; i < 250; i++)
        node[i] = 1000 + i;
    assert_fails(ps_row_pool_place(&p, 2, node, 250, slot), PS_EMEM, "needs 150 more");
    for (uint64_t v = 0; v < 200; v++) /* what is trained is untouched */
        assert_true(ps_row_pool_find(&p, v) != PS_SLOT_NONE);
    ps_row_pool_fini(&p);
}

/* The hot ones outlive any number of windows that do not want them; two windows and they fill
 * the slab. */
static void rows_with_a_high_score_stay(void **state)
{
    struct ps_row_pool p;

    (void)state;
    assert_ok(ps_row_pool_init(&p, &mem, &dense, 220));
    (void)place(&p, 1, 0, 50);
    for (uint64_t v = 0; v < 50; v++)
        p.slot[ps_row_pool_find(&p, v)].score = v < 20 ? 500 : 1;
    for (uint32_t w = 2; w < 50; w++)
        (void)place(&p, w, w * 1000, 100);
    for (uint64_t v = 0; v < 50; v++)
        assert_true((ps_row_pool_find(&p, v) != PS_SLOT_NONE) == (v < 20));
    ps_row_pool_fini(&p);
}

static void forgotten_rows_are_not_found_and_others_still_are(void **state)
{
    struct ps_row_pool p;

    (void)state;
    assert_ok(ps_row_pool_init(&p, &mem, &dense, 600));
    (void)place(&p, 1, 0, 600);
    for (uint64_t v = 0; v < 600; v += 3)
        ps_row_pool_forget(&p, ps_row_pool_find(&p, v));
    for (uint64_t v = 0; v < 600; v++)
        assert_true((ps_row_pool_find(&p, v) == PS_SLOT_NONE) == (v % 3 == 0));
    assert_int_equal(place(&p, 3, 0, 600), 200);
    ps_row_pool_fini(&p);
}

static void the_slab_gets_what_is_left(void **state)
{
    struct ps_budget_rows need = {.nodes = 1000000,
                                  .row_bytes = 100,
                                  .rows = 10000,
                                  .blocks = 1 << 20,
                                  .training = 4 << 20,
                                  .width = 1,
                                  .ranks = 1};
    uint64_t slots, more;
    struct ps_mem m;

    (void)state;
    ps_mem_init(&m, 20 << 20);
    assert_ok(ps_budget_slots(&m, &need, &slots));
    assert_true(slots >= 23000 && slots * need.row_bytes < 10 << 20);
    ps_mem_init(&m, 32 << 20);
    assert_ok(ps_budget_slots(&m, &need, &more));
    assert_true(more > slots);
    ps_mem_init(&m, 4 << 20);
    assert_fails(ps_budget_slots(&m, &need, &slots), PS_EMEM, "give --memory");
    need.nodes = 500; /* never more than there are */
    ps_mem_init(&m, 64 << 20);
    assert_ok(ps_budget_slots(&m, &need, &slots));
    assert_int_equal(slots, 500);
    need.row_bytes = 0;
    assert_ok(ps_budget_slots(&m, &need, &slots));
    assert_int_equal(slots, 0);
}

static void a_window_is_as_wide_as_two_fit(void **state)
{
    const struct ps_budget_window seen = {.width = 4, .rows = 4000, .block_bytes = 4 << 20};
    struct ps_mem m;

    (void)state;
    ps_mem_init(&m, 0);
    assert_int_equal(ps_budget_width(&m, &seen, 0, 16), 16);
    assert_int_equal(ps_budget_width(&m, &seen, 1000000, 16), 16);
    assert_int_equal(ps_budget_width(&m, &seen, 10000, 16), 3); /* 5,160 now and 1,290 each */
    assert_int_equal(ps_budget_width(&m, &seen, 100, 16), 1);
    ps_mem_init(&m, 8 << 20);
    assert_true(ps_budget_width(&m, &seen, 0, 16) < 4);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_of_two_windows_are_held),
        cmocka_unit_test(too_few_slots_are_told),
        cmocka_unit_test(rows_with_a_high_score_stay),
        cmocka_unit_test(forgotten_rows_are_not_found_and_others_still_are),
        cmocka_unit_test(the_slab_gets_what_is_left),
        cmocka_unit_test(a_window_is_as_wide_as_two_fit),
    };

    ps_mem_init(&mem, 0);
    return cmocka_run_group_tests(tests, NULL, NULL) != 0 || ps_mem_live(&mem) != 0;
}
