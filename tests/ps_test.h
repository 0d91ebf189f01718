/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file ps_test.h
 * @brief cmocka with the headers it wants, and the few things all tests share.
 *
 * A test is named after what must be true, not after the function it calls.
 */
#ifndef TESTS_PS_TEST_H
#define TESTS_PS_TEST_H

/* cmocka wants these four before itself */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/base/err.h"

#include <stdio.h>
#include <stdlib.h>

/* It never returns, which cmocka 1 does not declare: a reader of the code behind it must know. */
__attribute__((noreturn)) void _fail(const char *file, int line);

/** The call succeeds, or the test fails with the sentence. */
#define assert_ok(call)                                                                            \
    do {                                                                                           \
        if ((call) != PS_OK) {                                                                     \
            ps_err_print(stderr, 1);                                                               \
            fail_msg("%s failed", #call);                                                          \
        }                                                                                          \
    } while (0)

/** The call fails with this status and a sentence that holds @p part. */
#define assert_fails(call, status, part)                                                           \
    do {                                                                                           \
        assert_int_equal((call), (status));                                                        \
        if (strstr(ps_err_sentence(), (part)) == NULL)                                             \
            fail_msg("expected '%s' in: %s", (part), ps_err_sentence());                           \
    } while (0)

#endif
