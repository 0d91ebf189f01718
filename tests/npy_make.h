/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file npy_make.h
 * @brief Write .npy files for tests, well-formed or not.
 */
#ifndef TESTS_NPY_MAKE_H
#define TESTS_NPY_MAKE_H

#include "tests/ps_test.h"

#include <string.h>

/** A file of @p version with @p header as its header text, then @p bytes of data. */
static inline void npy_raw(const char *path, unsigned char version, const char *header,
                           const void *data, size_t bytes)
{
    FILE *f = fopen(path, "wb");
    size_t n = strlen(header);
    unsigned char size[4] = {(unsigned char)n, (unsigned char)(n >> 8), (unsigned char)(n >> 16),
                             (unsigned char)(n >> 24)};
    unsigned char head[8] = {0x93, 'N', 'U', 'M', 'P', 'Y', version, 0};

    assert_non_null(f);
    assert_int_equal(fwrite(head, 1, sizeof head, f), sizeof head);
    assert_int_equal(fwrite(size, 1, version == 1 ? 2 : 4, f), version == 1 ? 2 : 4);
    assert_int_equal(fwrite(header, 1, n, f), n);
    if (bytes > 0)
        assert_int_equal(fwrite(data, 1, bytes, f), bytes);
    assert_int_equal(fclose(f), 0);
}

/** A well-formed file as NumPy writes it; @p shape such as "(3, 2)". */
static inline void npy_make(const char *path, const char *descr, const char *shape,
                            const void *data, size_t bytes)
{
    char header[256];

    snprintf(header, sizeof header, "{'descr': '%s', 'fortran_order': False, 'shape': %s, }    \n",
             descr, shape);
    npy_raw(path, 1, header, data, bytes);
}

#endif
