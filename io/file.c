/* SPDX-License-Identifier: Apache-2.0 */
#include "io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* Linux moves at most this much in one call anyway (read(2), notes). */
enum { PIECE_BYTES = 1 << 30 };

ps_status ps_file_open(const char *path, int flags, int *fd)
{
    *fd = open(path, flags | O_CLOEXEC, 0666);
    if (*fd >= 0)
        return PS_OK;
    if (errno == ENOENT && (flags & O_ACCMODE) == O_RDONLY)
        PS_FAIL(PS_EINPUT, "%s is not there", path);
    PS_FAIL_SYS(errno, "cannot open %s", path);
}

static PS_MUST ps_status check_regular(int fd, const char *path, uint64_t *bytes)
{
    struct stat s;

    if (fstat(fd, &s) != 0)
        PS_FAIL_SYS(errno, "cannot look at %s", path);
    if (!S_ISREG(s.st_mode))
        PS_FAIL(PS_EINPUT, "%s: a regular file expected, found %s", path,
                S_ISDIR(s.st_mode) ? "a folder" : "something else");
    if (s.st_size == 0)
        PS_FAIL(PS_EINPUT, "%s: an HDF5 file expected, found 0 bytes", path);
    *bytes = (uint64_t)s.st_size;
    return PS_OK;
}

ps_status ps_file_open_regular(const char *path, int *fd, uint64_t *bytes)
{
    ps_status st;

    PS_TRY(ps_file_open(path, O_RDONLY | O_NONBLOCK, fd)); /* a pipe must not make us wait */
    st = check_regular(*fd, path, bytes);
    if (st != PS_OK) {
        close(*fd);
        *fd = -1;
    }
    return st;
}

/* For file systems without files that have no name: a name of this process that is not taken. */
static PS_MUST ps_status open_named(const char *dir, int *fd)
{
    char path[PATH_MAX];
    int n, tries = 0;

    do {
        n = snprintf(path, sizeof path, "%s/.penstock-tmp-%ld-%d", dir, (long)getpid(), tries);
        if (n < 0 || (size_t)n >= sizeof path)
            PS_FAIL(PS_EUSAGE, "the path of a temporary file in %.64s... is too long", dir);
        *fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    } while (*fd < 0 && errno == EEXIST && ++tries < 1000);
    if (*fd < 0)
        PS_FAIL_SYS(errno, "cannot make a temporary file in %s", dir);
    unlink(path);
    return PS_OK;
}

ps_status ps_file_temporary(const char *beside, int *fd)
{
    char dir[PATH_MAX];

    ps_dir_of(beside, dir);
    *fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    return *fd >= 0 ? PS_OK : open_named(dir, fd);
}

ps_status ps_file_size(int fd, const char *path, uint64_t *bytes)
{
    struct stat s;

    if (fstat(fd, &s) != 0)
        PS_FAIL_SYS(errno, "cannot tell the size of %s", path);
    *bytes = (uint64_t)s.st_size;
    return PS_OK;
}

ps_status ps_file_read(int fd, const char *path, uint64_t offset, uint64_t bytes, void *dst)
{
    unsigned char *p = dst;
    uint64_t done = 0;

    while (done < bytes) {
        ssize_t n = pread(fd, p + done, ps_min(bytes - done, PIECE_BYTES), (off_t)(offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            PS_FAIL_SYS(errno, "cannot read %" PRIu64 " bytes at %" PRIu64 " of %s", bytes, offset,
                        path);
        if (n == 0)
            PS_FAIL(PS_EINPUT,
                    "%s ends too early: %" PRIu64 " bytes at %" PRIu64 " expected, found %" PRIu64,
                    path, bytes, offset, done);
        done += (uint64_t)n;
    }
    return PS_OK;
}

ps_status ps_file_write(int fd, const char *path, uint64_t offset, uint64_t bytes, const void *src)
{
    const unsigned char *p = src;
    uint64_t done = 0;

    while (done < bytes) {
        ssize_t n = pwrite(fd, p + done, ps_min(bytes - done, PIECE_BYTES), (off_t)(offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            PS_FAIL_SYS(n < 0 ? errno : ENOSPC,
                        "cannot write %" PRIu64 " bytes at %" PRIu64 " of %s", bytes, offset, path);
        done += (uint64_t)n;
    }
    return PS_OK;
}

static uint64_t free_bytes(const struct statvfs *v)
{
    uint64_t bytes;

    return __builtin_mul_overflow((uint64_t)v->f_bavail, (uint64_t)v->f_frsize, &bytes) ? UINT64_MAX
                                                                                        : bytes;
}

/* @p e: why, an errno. */
static PS_MUST ps_status no_room(int e, const char *path, uint64_t bytes, uint64_t there)
{
    PS_FAIL_SYS(e,
                "cannot reserve %" PRIu64 " bytes for %s, whose file system has %" PRIu64 " free",
                bytes, path, there);
}

ps_status ps_file_reserve(int fd, const char *path, uint64_t bytes)
{
    struct statvfs v;
    int e;

    do
        e = bytes > 0 ? posix_fallocate(fd, 0, (off_t)bytes) : 0;
    while (e == EINTR);
    if (e == 0)
        return PS_OK;
    if (fstatvfs(fd, &v) != 0)
        PS_FAIL_SYS(e, "cannot reserve %" PRIu64 " bytes for %s", bytes, path);
    return no_room(e, path, bytes, free_bytes(&v));
}

ps_status ps_dir_has_room(const char *dir, const char *path, uint64_t bytes)
{
    struct statvfs v;

    if (statvfs(dir, &v) != 0 || bytes <= free_bytes(&v))
        return PS_OK; /* what cannot be told now is told when space is reserved */
    return no_room(ENOSPC, path, bytes, free_bytes(&v));
}

ps_status ps_file_sync(int fd, const char *path)
{
    if (fsync(fd) != 0)
        PS_FAIL_SYS(errno, "cannot sync %s", path);
    return PS_OK;
}

ps_status ps_dir_sync(const char *path)
{
    ps_status st = PS_OK;
    int fd;

    PS_TRY(ps_file_open(path, O_RDONLY | O_DIRECTORY, &fd));
    /* some network file systems cannot sync a folder and say EINVAL */
    if (fsync(fd) != 0 && errno != EINVAL) {
        ps_err_set(PS_EIO, errno, __FILE__, __LINE__, "cannot sync folder %s", path);
        st = PS_EIO;
    }
    close(fd);
    return st;
}

ps_status ps_file_rename(const char *from, const char *to)
{
    if (rename(from, to) != 0)
        PS_FAIL_SYS(errno, "cannot rename %s to %s", from, to);
    return PS_OK;
}

void ps_dir_of(const char *path, char *dir)
{
    const char *slash = strrchr(path, '/');

    if (slash == NULL)
        snprintf(dir, PATH_MAX, ".");
    else if (slash == path)
        snprintf(dir, PATH_MAX, "/");
    else
        snprintf(dir, PATH_MAX, "%.*s", (int)(slash - path), path);
}
