/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the tests of the disk edge: files with known bytes, engines started or
 * visibly skipped, and an engine whose reads go wrong in chosen ways.
 */
#ifndef TESTS_DISK_TEST_H
#define TESTS_DISK_TEST_H

#include "tests/ps_test.h"

#include "io/engine.h"
#include "io/h5.h"
#include "src/base/rng.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK ((size_t)4096)
#define KIB ((size_t)1024)

struct test_file {
    char path[64];
    unsigned char *bytes;  /* (size) what is in it */
    unsigned char *arrays; /* (size) of an HDF5 file: the same, but 0 outside of its arrays */
    size_t size;
};

static inline void write_all(const char *path, const void *bytes, size_t size)
{
    FILE *f = fopen(path, "we");

    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
}

/* A file of its own content; @p which makes it differ from others. */
static inline void make_file(struct test_file *t, size_t size, uint64_t which)
{
    int fd;

    snprintf(t->path, sizeof t->path, "/tmp/penstock-t-disk-XXXXXX");
    fd = mkstemp(t->path);
    assert_true(fd >= 0);
    close(fd);
    t->size = size;
    t->arrays = NULL;
    t->bytes = calloc(1, size + sizeof(uint64_t));
    assert_non_null(t->bytes);
    for (size_t i = 0; i < size; i += sizeof(uint64_t)) {
        uint64_t word = ps_mix64(which << 40 ^ i);
        memcpy(t->bytes + i, &word, sizeof word);
    }
    write_all(t->path, t->bytes, size);
}

/* Arrays of two types and shapes, which fill the file but for the metadata. */
static inline void fill_h5(struct test_file *t, uint64_t fill, uint64_t which)
{
    struct ps_h5_shape cells = {PS_H5_U32, 3, {3, 5, 7}}, rest = {PS_H5_U8, 1, {fill}};
    unsigned char *noise = calloc(1, t->size + sizeof(uint64_t));
    struct ps_h5_extent *x;
    struct ps_ctx ctx;
    struct ps_h5 *f;
    uint64_t n;

    assert_non_null(noise);
    for (size_t i = 0; i < t->size; i += sizeof(uint64_t)) {
        uint64_t word = ps_mix64(which << 40 ^ i);
        memcpy(noise + i, &word, sizeof word);
    }
    ps_ctx_init(&ctx, NULL);
    ps_h5_enter();
    assert_ok(ps_h5_create(&f, &ctx, t->path));
    assert_ok(ps_h5_add(f, "/some/cells", &cells));
    assert_ok(ps_h5_write(f, "/some/cells", PS_H5_U32, 0, 3, noise));
    assert_ok(ps_h5_add(f, "/rest", &rest));
    assert_ok(ps_h5_write(f, "/rest", PS_H5_U8, 0, fill, noise + 420));
    assert_ok(ps_h5_close(&f));
    assert_ok(ps_h5_open(&f, &ctx, t->path));
    assert_ok(ps_h5_extents(f, &x, &n));
    assert_ok(ps_h5_close(&f));
    ps_h5_leave();
    assert_int_equal(n, 2);
    memset(t->arrays, 0, t->size);
    for (uint64_t i = 0; i < n; i++)
        if (x[i].offset + x[i].bytes <= t->size)
            memcpy(t->arrays + x[i].offset, noise + (x[i].bytes == 420 ? 0 : 420), x[i].bytes);
    ps_mem_free(&ctx.mem, &x);
    assert_int_equal(ps_ctx_fini(&ctx), 0);
    free(noise);
}

/* As make_file, for engines that want HDF5: a file of exactly that size that any engine reads. */
static inline void make_h5_file(struct test_file *t, size_t size, uint64_t which)
{
    uint64_t fill = 8;
    struct stat s;
    FILE *f;

    make_file(t, size, which);
    t->arrays = calloc(1, size);
    assert_non_null(t->arrays);
    fill_h5(t, fill, which);
    assert_int_equal(stat(t->path, &s), 0);
    assert_true((size_t)s.st_size < size);
    fill_h5(t, fill + size - (size_t)s.st_size, which);
    assert_int_equal(stat(t->path, &s), 0);
    assert_int_equal(s.st_size, size);
    f = fopen(t->path, "re");
    assert_non_null(f);
    assert_int_equal(fread(t->bytes, 1, size, f), size);
    fclose(f);
}

/* What an engine makes of a file: H5Dread knows nothing of bytes between arrays. */
static inline const unsigned char *seen_by(const struct ps_io_ops *ops, const struct test_file *t)
{
    return ops == &ps_io_hdf5 ? t->arrays : t->bytes;
}

static inline void drop_file(struct test_file *t)
{
    unlink(t->path);
    free(t->bytes);
    free(t->arrays);
}

static inline struct ps_opts_io io_opts(uint64_t depth, uint64_t read_bytes)
{
    struct ps_opts_io o = {.engine = PS_IO_AUTO, .queue_depth = depth, .read_bytes = read_bytes};

    return o;
}

/* Start @p ops; where this machine refuses it, say so and return false. */
static inline bool started(struct ps_io **io, struct ps_ctx *ctx, const struct ps_io_ops *ops,
                           const struct ps_opts_io *o)
{
    ps_status st = ps_io_new_with(io, ctx, ops, o, NULL);

    if (st == PS_EUNSUPP) {
        print_message("# skipped for %s: %s\n", ops->name, ps_err_sentence());
        assert_null(*io);
        return false;
    }
    assert_ok(st);
    return true;
}

static inline void *aligned(size_t bytes)
{
    void *p = aligned_alloc(BLOCK, ps_align_up(bytes, BLOCK));

    assert_non_null(p);
    memset(p, 0xA5, bytes);
    return p;
}

/* What the faulty engine does to the reads of one test. */
struct faults {
    uint32_t take_max;   /* of one submit */
    bool take_none;      /* every second submit takes nothing while others are inside */
    bool cut_short;      /* reads end after about a third, at any byte */
    uint32_t interrupts; /* so many attempts in a row end with this errno */
    int interrupt_errno;
    uint64_t bad_offset; /* the read that covers it ends with this errno, if not 0 */
    int bad_errno;
    bool no_direct;   /* EINVAL as long as the file has O_DIRECT */
    int submits_left; /* then submit itself fails; negative: never */
};

struct faulty {
    struct ps_io_req *held[1024];
    uint32_t count, calls, interrupted;
};

static struct faults test_faults;

static inline ps_status faulty_open(void *state, struct ps_ctx *ctx,
                                    const struct ps_io_setup *setup)
{
    (void)state, (void)ctx;
    assert_true(setup->queue_depth <= 1024);
    return PS_OK;
}

static inline int32_t faulty_read(struct faulty *s, int fd, const struct ps_io_req *r)
{
    const struct faults *t = &test_faults;
    uint64_t at = r->offset + r->from;
    char *dst = (char *)r->dst + r->from;
    size_t len = r->len - r->from, arrived, cut;
    ssize_t got;

    assert_int_equal((at | len | (uintptr_t)r->dst) % BLOCK, 0);
    if (t->no_direct && (fcntl(fd, F_GETFL) & O_DIRECT) != 0)
        return -EINVAL;
    if (t->bad_errno != 0 && at <= t->bad_offset && t->bad_offset < at + len)
        return -t->bad_errno;
    if (s->interrupted++ < t->interrupts)
        return -t->interrupt_errno;
    s->interrupted = 0;
    got = pread(fd, dst, len, (off_t)at);
    if (got < 0)
        return -errno;
    arrived = (size_t)got;
    cut = arrived / 3 > BLOCK ? arrived / 3 - 7 : BLOCK + 1;
    if (t->cut_short && cut < arrived) { /* the rest has not arrived */
        memset(dst + cut, 0xEE, arrived - cut);
        arrived = cut;
    }
    return ps_int(arrived);
}

static inline ps_status faulty_submit(void *state, const int *fd, struct ps_io_req *const *req,
                                      uint32_t n, uint32_t *taken)
{
    struct faulty *s = state;

    *taken = 0;
    if (test_faults.submits_left == 0)
        PS_FAIL(PS_EIO, "the faulty engine broke down");
    test_faults.submits_left--;
    if (test_faults.take_none && s->calls++ % 2 == 1 && s->count > 0)
        return PS_OK;
    for (; *taken < n && *taken < test_faults.take_max; ++*taken) {
        struct ps_io_req *r = req[*taken];

        r->result = faulty_read(s, fd[r->file], r);
        s->held[s->count++] = r;
    }
    return PS_OK;
}

/* Last in, first out, and no more than must be. */
static inline ps_status faulty_reap(void *state, uint32_t min, uint32_t max, struct ps_io_req **req,
                                    uint32_t *n)
{
    struct faulty *s = state;
    uint32_t want = min > 0 ? min : 1;

    assert_true(min <= s->count && min <= max);
    for (*n = 0; *n < want && *n < max && s->count > 0; ++*n)
        req[*n] = s->held[--s->count];
    return PS_OK;
}

static inline void faulty_close(void *state, struct ps_ctx *ctx)
{
    (void)state, (void)ctx;
}

static const struct ps_io_ops faulty_engine = {
    .version = PS_IO_OPS_VERSION,
    .name = "faulty",
    .state_bytes = sizeof(struct faulty),
    .direct = true,
    .open = faulty_open,
    .submit = faulty_submit,
    .reap = faulty_reap,
    .close = faulty_close,
};

/* No faults yet: whoever calls this adds his. */
static inline void no_faults(void)
{
    test_faults = (struct faults){.take_max = 1024, .submits_left = -1};
}

#endif
