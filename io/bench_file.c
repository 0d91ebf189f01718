/* SPDX-License-Identifier: Apache-2.0 */
/* A file to be read, and a page cache without it. */
#include "io/bench.h"
#include "io/file.h"
#include "io/h5.h"
#include "src/base/rng.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { ROW_BYTES = 4096, PIECE_BYTES = 4 * 1024 * 1024, HEAD_BYTES = 64 * 1024 };

static const char array_name[] = "/bench/rows";

/* Share of the pages of a mapping that are in the cache. */
static PS_MUST ps_status count_cached(void *base, uint64_t bytes, const char *path, double *cached)
{
    enum { PAGES = 4096 };
    unsigned char page[PAGES];
    uint64_t size = (uint64_t)sysconf(_SC_PAGESIZE), there = 0;

    for (uint64_t at = 0; at < bytes; at += PAGES * size) {
        uint64_t n = ps_min(bytes - at, PAGES * size);
        if (mincore((char *)base + at, n, page) != 0)
            PS_FAIL_SYS(errno, "cannot tell what the page cache holds of %s", path);
        for (uint64_t i = 0; i < ps_div_up(n, size); i++)
            there += page[i] & 1;
    }
    *cached = (double)there / (double)ps_div_up(bytes, size);
    return PS_OK;
}

ps_status ps_bench_drop(const char *path, double *cached)
{
    uint64_t bytes;
    void *base;
    ps_status st = PS_OK;
    int fd;

    PS_TRY(ps_file_open_regular(path, &fd, &bytes));
    (void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED); /* what comes of it is counted below */
    if (cached != NULL) {
        base = mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, 0);
        if (base == MAP_FAILED)
            PS_GO_FAIL(st, PS_EIO, "cannot map %" PRIu64 " bytes of %s", bytes, path);
        st = count_cached(base, bytes, path, cached);
        munmap(base, bytes);
    }
out:
    close(fd);
    return st;
}

/* The HDF5 side: one array with space. @param[out] offset  of its bytes */
static PS_MUST ps_status lay_out(struct ps_ctx *ctx, int fd, const char *path, uint64_t rows,
                                 uint64_t *offset)
{
    const struct ps_h5_shape shape = {.type = PS_H5_U8, .rank = 2, .dim = {rows, ROW_BYTES}};
    unsigned char *image = NULL;
    struct ps_h5 *f = NULL;
    uint64_t bytes;
    ps_status st;

    ps_h5_enter();
    PS_GO(st, ps_h5_image(&f, ctx, path, HEAD_BYTES));
    PS_GO(st, ps_h5_add(f, array_name, &shape));
    PS_GO(st, ps_h5_image_take(&f, &image, &bytes));
    PS_GO(st, ps_file_write(fd, path, 0, bytes, image));
    PS_GO(st, ps_h5_reopen(&f, ctx, path));
    PS_GO(st, ps_h5_place(f, array_name, offset));
out:
    PS_KEEP(st, ps_h5_close(&f));
    ps_h5_leave();
    ps_mem_free(&ctx->mem, &image);
    return st;
}

/* Bytes that no disk can compress or guess. */
static PS_MUST ps_status fill(struct ps_ctx *ctx, int fd, const char *path, uint64_t offset,
                              uint64_t bytes, uint64_t seed)
{
    uint64_t *piece, at = 0;
    ps_status st = PS_OK;

    PS_TRY(PS_NEW(&ctx->mem, PS_MEM_STAGING, piece, PIECE_BYTES / sizeof *piece));
    while (at < bytes) {
        uint64_t n = ps_min(bytes - at, PIECE_BYTES);
        for (uint64_t i = 0; i < n / sizeof *piece; i++)
            piece[i] = ps_mix64(ps_mix64(seed) + at / sizeof *piece + i);
        PS_GO(st, ps_file_write(fd, path, offset + at, n, piece));
        at += n;
    }
out:
    ps_mem_free(&ctx->mem, &piece);
    return st;
}

/* A new file with a name of its own: other engines open it by name. */
static PS_MUST ps_status open_new(const char *dir, char *path, int *fd)
{
    enum { NAMES = 100 }; /* of runs that were killed with the same number of a process */

    for (int i = 0; i < NAMES; i++) {
        int n = snprintf(path, PS_TEXT_BYTES, "%s/penstock-bench-%ld-%d", dir, (long)getpid(), i);
        if (n < 0 || n >= PS_TEXT_BYTES)
            PS_FAIL(PS_EUSAGE, "the name of the folder %.64s... is too long", dir);
        *fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (*fd >= 0 || errno != EEXIST)
            break;
    }
    if (*fd < 0)
        PS_FAIL_SYS(errno, "cannot make a file to be read in %s", dir);
    return PS_OK;
}

ps_status ps_bench_file_make(struct ps_ctx *ctx, const char *dir, uint64_t bytes, uint64_t seed,
                             char *path)
{
    uint64_t rows = bytes / ROW_BYTES, offset;
    ps_status st;
    int fd = -1;

    PS_ASSERT(rows > 0);
    PS_TRY(open_new(dir, path, &fd));
    PS_GO(st, ps_dir_has_room(dir, path, rows * ROW_BYTES + HEAD_BYTES));
    PS_GO(st, lay_out(ctx, fd, path, rows, &offset));
    PS_GO(st, ps_file_reserve(fd, path, offset + rows * ROW_BYTES));
    PS_GO(st, fill(ctx, fd, path, offset, rows * ROW_BYTES, seed));
    PS_GO(st, ps_file_sync(fd, path));
out:
    close(fd);
    if (st != PS_OK)
        unlink(path);
    return st;
}
