/* SPDX-License-Identifier: Apache-2.0 */
/* Fault plans: what a text means, what is refused and where, and when a fault happens. */
#include "tests/ps_test.h"

#include "src/base/fault.h"

#include <string.h>

enum { BOOM, WAIT, POOF };
static const struct ps_fault_kind kinds[] = {{"boom", false}, {"wait", true}, {"poof", false}, {0}};

static void a_plan_means_what_the_header_says(void **state)
{
    struct ps_fault_plan p;

    (void)state;
    assert_ok(ps_fault_plan_parse(&p, "--x", "", kinds));
    assert_int_equal(p.count, 0);
    assert_ok(ps_fault_plan_parse(
        &p, "--x",
        "boom@17,wait:2.5s@3-9,wait:1us@4-,boom@0.5%,poof@2/1,wait:100ms@100%/12,wait:3@1", kinds));
    assert_int_equal(p.count, 7);
    assert_true(p.fault[0].kind == BOOM && p.fault[0].first == 17 && p.fault[0].last == 17);
    assert_true(p.fault[0].rank == PS_FAULT_ANY_RANK && p.fault[0].probability == 0);
    assert_true(p.fault[1].kind == WAIT && p.fault[1].first == 3 && p.fault[1].last == 9);
    assert_true(p.fault[1].seconds == 2.5);
    assert_true(p.fault[2].first == 4 && p.fault[2].last == UINT64_MAX);
    assert_true(p.fault[2].seconds == 1e-6);
    assert_true(p.fault[3].probability == 0.005);
    assert_true(p.fault[4].kind == POOF && p.fault[4].first == 2 && p.fault[4].rank == 1);
    assert_true(p.fault[5].probability == 1 && p.fault[5].rank == 12);
    assert_true(p.fault[5].seconds == 100 * 1e-3 && p.fault[6].seconds == 3);
}

static void what_is_no_plan_is_refused_with_the_place(void **state)
{
    static const struct {
        const char *text, *part;
    } bad[] = {
        {"bang@1", "character 1 of 'bang@1': expected one of boom wait poof, found 'bang@1'"},
        {"boom@1,", "character 8 of 'boom@1,': expected one of boom wait poof, found ''"},
        {",boom@1", "character 1"},
        {"boom", "character 5 of 'boom': expected '@' and a call number or a probability"},
        {"boom@", "character 6 of 'boom@': expected a number, found ''"},
        {"boom@x", "expected a number, found 'x'"},
        {"boom@-1", "expected a number, found '-1'"},
        {"boom@0", "expected a call number from 1"},
        {"boom@1.5", "expected ',' or the end, found '.5'"},
        {"boom@9-8", "expected a range that does not end before it begins, found '9-8'"},
        {"boom@99999999999999999999", "expected a smaller number"},
        {"boom@0%", "expected a probability above 0% and at most 100%"},
        {"boom@101%", "expected a probability above 0% and at most 100%"},
        {"boom@1e999%", "expected a smaller number"},
        {"boom@1/", "expected a whole number, found ''"},
        {"boom@1/-1", "expected a whole number"},
        {"boom@1 ", "expected ',' or the end, found ' '"},
        {"boom:1s@1", "expected '@'"},
        {"wait@1", "expected ':' and a time such as 2s, found '@1'"},
        {"boom@1,wait:2h@1", "character 14 of 'boom@1,wait:2h@1': expected 'us', 'ms' or 's'"},
        {"wait:-2@1", "expected a number, found '-2@1'"},
        {"wait:nan@1", "expected a number"},
    };
    char many[200] = "boom@1";
    struct ps_fault_plan p;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_fails(ps_fault_plan_parse(&p, "--x", bad[i].text, kinds), PS_EUSAGE, bad[i].part);
    assert_non_null(strstr(ps_err_sentence(), "--x: at character"));
    for (size_t i = 1, n = strlen(many); i <= PS_FAULTS_MAX; i++, n = strlen(many)) {
        assert_ok(ps_fault_plan_parse(&p, "--x", many, kinds));
        assert_int_equal(p.count, i);
        snprintf(many + n, sizeof many - n, ",boom@1");
    }
    assert_fails(ps_fault_plan_parse(&p, "--x", many, kinds), PS_EUSAGE, "at most 16 faults");
}

static void the_first_fault_of_the_plan_that_falls_on_a_call_happens(void **state)
{
    const struct ps_key key = ps_key_make(1, PS_FOR_TEST, 0, 0, 0);
    struct ps_fault_plan p;

    (void)state;
    assert_ok(ps_fault_plan_parse(&p, "--x", "boom@3/1,poof@3-5,boom@5-", kinds));
    assert_null(ps_fault_at(&p, key, 0, 1, ~0U));
    assert_ptr_equal(ps_fault_at(&p, key, 1, 3, ~0U), &p.fault[0]);
    assert_ptr_equal(ps_fault_at(&p, key, 0, 3, ~0U), &p.fault[1]);
    assert_ptr_equal(ps_fault_at(&p, key, 0, 5, ~0U), &p.fault[1]);
    assert_ptr_equal(ps_fault_at(&p, key, 0, 5, 1U << BOOM), &p.fault[2]);
    assert_ptr_equal(ps_fault_at(&p, key, 0, UINT64_MAX, ~0U), &p.fault[2]);
    assert_null(ps_fault_at(&p, key, 0, 4, 1U << BOOM));
}

/* 10,000 draws of 10 %: 1,000 +- 30; six deviations are allowed. */
static void drawn_faults_have_their_share_and_follow_the_key(void **state)
{
    const struct ps_key a = ps_key_make(1, PS_FOR_TEST, 0, 0, 0);
    const struct ps_key b = ps_key_make(2, PS_FOR_TEST, 0, 0, 0);
    uint64_t hits = 0, same = 0, again = 0, other = 0;
    struct ps_fault_plan p;

    (void)state;
    assert_ok(ps_fault_plan_parse(&p, "--x", "boom@10%,poof@10%", kinds));
    for (uint64_t call = 1; call <= 10000; call++) {
        const struct ps_fault *boom = ps_fault_at(&p, a, 0, call, 1U << BOOM);

        hits += boom != NULL;
        again += boom == ps_fault_at(&p, a, 0, call, 1U << BOOM);
        same += boom != NULL && ps_fault_at(&p, b, 0, call, 1U << BOOM) != NULL;
        other += boom != NULL && ps_fault_at(&p, a, 0, call, 1U << POOF) != NULL;
    }
    assert_in_range(hits, 820, 1180);
    assert_int_equal(again, 10000);
    assert_in_range(same, 40, 160); /* independent: 100 +- 10 */
    assert_in_range(other, 40, 160);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plan_means_what_the_header_says),
        cmocka_unit_test(what_is_no_plan_is_refused_with_the_place),
        cmocka_unit_test(the_first_fault_of_the_plan_that_falls_on_a_call_happens),
        cmocka_unit_test(drawn_faults_have_their_share_and_follow_the_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
