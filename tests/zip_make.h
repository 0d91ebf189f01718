/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file zip_make.h
 * @brief Write zip archives for tests: stored or deflated, with 32-bit or 64-bit numbers.
 */
#ifndef TESTS_ZIP_MAKE_H
#define TESTS_ZIP_MAKE_H

#include "tests/ps_test.h"

#include <stdbool.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

enum { ZIP_FILE_MAX = 1 << 20, ZIP_DIRECTORY_MAX = 4096 };

/** An archive in memory; fields may be spoiled before zip_write. */
struct zip_make {
    unsigned char file[ZIP_FILE_MAX];
    unsigned char directory[ZIP_DIRECTORY_MAX];
    size_t bytes, directory_bytes;
    unsigned members;
    bool wide; /* all numbers of the directory in 64 bits */
};

static inline void zip_number(unsigned char *to, size_t *at, uint64_t x, int bytes)
{
    for (int i = 0; i < bytes; i++)
        to[(*at)++] = (unsigned char)(x >> (8 * i));
}

/** Numbers one behind the other: pairs of (bytes, value), ended by 0. */
static inline void zip_numbers(unsigned char *to, size_t *at, const uint64_t *pair)
{
    for (; *pair != 0; pair += 2)
        zip_number(to, at, pair[1], (int)pair[0]);
}

static inline size_t zip_pack(unsigned char *to, size_t room, const void *data, size_t bytes)
{
    z_stream s = {0};

    assert_int_equal(deflateInit2(&s, 6, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
    /* NOLINTNEXTLINE(performance-no-int-to-ptr): zlib reads what it does not declare const */
    s.next_in = (z_const Bytef *)(uintptr_t)data;
    s.avail_in = (uInt)bytes;
    s.next_out = to;
    s.avail_out = (uInt)room;
    assert_int_equal(deflate(&s, Z_FINISH), Z_STREAM_END);
    assert_int_equal(deflateEnd(&s), Z_OK);
    return s.total_out;
}

static inline void zip_add(struct zip_make *z, const char *name, const void *data, size_t bytes,
                           bool deflated)
{
    size_t at = z->bytes, n = strlen(name), packed = bytes, *d = &z->directory_bytes;
    uint64_t method = deflated ? 8 : 0, crc = crc32(0, data, (uInt)bytes);
    size_t body = at + 30 + n;

    assert_true(body + bytes + 1024 < ZIP_FILE_MAX && *d + 128 + n < ZIP_DIRECTORY_MAX);
    if (deflated)
        packed = zip_pack(z->file + body, ZIP_FILE_MAX - body, data, bytes);
    else
        memcpy(z->file + body, data, bytes);
    zip_numbers(z->file, &z->bytes,
                (const uint64_t[]){4,   0x04034b50, 2,      20, 2,     0, 2, method, 4, 0, 4,
                                   crc, 4,          packed, 4,  bytes, 2, n, 2,      0, 0});
    memcpy(z->file + z->bytes, name, n);
    z->bytes = body + packed;
    zip_numbers(z->directory, d,
                (const uint64_t[]){4, 0x02014b50, 2, 20, 2, 20, 2, 0, 2, method, 4, 0, 4, crc, 0});
    zip_numbers(z->directory, d,
                (const uint64_t[]){4, z->wide ? UINT32_MAX : packed, 4,
                                   z->wide ? UINT32_MAX : bytes, 2, n, 2, z->wide ? 34 : 0, 2, 0,
                                   0});
    zip_numbers(z->directory, d,
                (const uint64_t[]){2, 0, 2, 0, 4, 0, 4, z->wide ? UINT32_MAX : at, 0});
    memcpy(z->directory + *d, name, n);
    *d += n;
    if (z->wide) /* behind a field of another kind, as numpy never writes but may */
        zip_numbers(
            z->directory, d,
            (const uint64_t[]){2, 0x5455, 2, 2, 2, 7, 2, 1, 2, 24, 8, bytes, 8, packed, 8, at, 0});
    z->members++;
}

/** Directory and end, then the file; @p cut bytes of its end are left away. */
static inline void zip_write(struct zip_make *z, const char *path, size_t cut)
{
    size_t at = z->bytes, end64 = at + z->directory_bytes, n;
    FILE *f;

    unlink(path); /* a file system may sync what is cut to nothing and written again */
    f = fopen(path, "wb");
    memcpy(z->file + at, z->directory, z->directory_bytes);
    n = end64;
    if (z->wide) {
        zip_numbers(z->file, &n,
                    (const uint64_t[]){4, 0x06064b50, 8, 44,         2, 45,
                                       2, 45,         4, 0,          4, 0,
                                       8, z->members, 8, z->members, 8, z->directory_bytes,
                                       8, at,         0});
        zip_numbers(z->file, &n, (const uint64_t[]){4, 0x07064b50, 4, 0, 8, end64, 4, 1, 0});
    }
    zip_numbers(z->file, &n,
                (const uint64_t[]){4, 0x06054b50, 2, 0, 2, 0, 2, z->wide ? UINT16_MAX : z->members,
                                   2, z->wide ? UINT16_MAX : z->members, 0});
    zip_numbers(z->file, &n,
                (const uint64_t[]){4, z->wide ? UINT32_MAX : z->directory_bytes, 4,
                                   z->wide ? UINT32_MAX : at, 2, 3, 0});
    memcpy(z->file + n, "end", 3); /* a comment */
    n += 3;
    assert_true(cut <= n);
    assert_non_null(f);
    assert_int_equal(fwrite(z->file, 1, n - cut, f), n - cut);
    assert_int_equal(fclose(f), 0);
}

#endif
