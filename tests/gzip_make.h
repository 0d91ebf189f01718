/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file gzip_make.h
 * @brief Files of given bytes, plain and packed, for tests.
 */
#ifndef TESTS_GZIP_MAKE_H
#define TESTS_GZIP_MAKE_H

#include "tests/ps_test.h"

#include <string.h>
#include <zlib.h>

/** Pack @p text as one gzip member. @return its bytes, at most @p cap */
static inline size_t gzip_pack(const void *data, size_t bytes, unsigned char *out, size_t cap)
{
    z_stream z = {0};

    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    /* NOLINTNEXTLINE(performance-no-int-to-ptr): zlib reads what it does not declare const */
    z.next_in = (Bytef *)(uintptr_t)data;
    z.avail_in = (uInt)bytes;
    z.next_out = out;
    z.avail_out = (uInt)cap;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    deflateEnd(&z);
    return cap - z.avail_out;
}

static inline void put_file(const char *path, const void *data, size_t bytes)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, bytes, f), bytes);
    assert_int_equal(fclose(f), 0);
}

#endif
