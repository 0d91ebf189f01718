/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file fuzz.h
 * @brief What the fuzz targets share: input as a file, input as numbers, what a failure must be.
 *
 * A target is one file f_NAME.c with LLVMFuzzerTestOneInput. With preset fuzz it is linked with
 * libFuzzer (scripts/fuzz.sh); in every other build replay.c runs it over tests/fuzz/corpus/NAME
 * and tests/fuzz/golden/NAME, as test fuzz_NAME. A target stops the process by PS_ASSERT where
 * something that must hold does not.
 */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include "src/base/ctx.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/** One input. @return 0 always */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FUZZ_PATH = 64, FUZZ_MEMORY = 64 << 20 };

/** A context with a budget: a small input that asks for much memory gets a sentence. */
static inline void fuzz_ctx(struct ps_ctx *ctx)
{
    ps_ctx_init(ctx, NULL);
    atomic_store(&ctx->mem.limit_bytes, FUZZ_MEMORY);
}

/** The bytes as a file without a folder. @return its descriptor, to be closed by the caller */
static inline int fuzz_file(const void *data, size_t size, char path[FUZZ_PATH])
{
    int fd = memfd_create("input", MFD_CLOEXEC);

    PS_ASSERT(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    snprintf(path, FUZZ_PATH, "/proc/self/fd/%d", fd);
    return fd;
}

/** A failure is one sentence, whatever the input was; and its status tells the user that the
 *  input is to blame, or that it is too large. */
static inline void fuzz_told(ps_status st)
{
    const char *text = ps_err_sentence();

    if (st == PS_OK)
        return;
    PS_ASSERT(st == PS_EINPUT || st == PS_EUSAGE || st == PS_EMEM);
    PS_ASSERT(text[0] != '\0');
    for (; *text != '\0'; text++)
        PS_ASSERT((unsigned char)*text >= ' ' && *text != 0x7f);
}

/** The end of a target: all memory was given back. */
static inline void fuzz_end(struct ps_ctx *ctx)
{
    PS_ASSERT(ps_ctx_fini(ctx) == 0);
}

/** Input as a row of numbers; behind its end there are zeros. */
struct fuzz_bytes {
    const uint8_t *p;
    size_t left;
};

static inline uint64_t fuzz_take(struct fuzz_bytes *b, size_t bytes)
{
    uint64_t x = 0;

    bytes = ps_min(bytes, b->left);
    memcpy(&x, b->p, bytes);
    b->p += bytes;
    b->left -= bytes;
    return x;
}

/** A text of at most @p bytes - 1 characters: a length byte, then these. */
static inline void fuzz_text(struct fuzz_bytes *b, char *dst, size_t bytes)
{
    size_t n = ps_min(fuzz_take(b, 1), ps_min(b->left, bytes - 1));

    memcpy(dst, b->p, n);
    dst[n] = '\0';
    b->p += n;
    b->left -= n;
}

/** A number of the width that a first byte says: small ones need few bytes. */
static inline uint64_t fuzz_number(struct fuzz_bytes *b)
{
    return fuzz_take(b, fuzz_take(b, 1) % 9);
}

#endif
