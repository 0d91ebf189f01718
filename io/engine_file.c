/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of an engine: opened once, with O_DIRECT where the engine wants it and
 * the file system takes it. A file system can refuse in three places: in what
 * statx says, at open, or at the first read. Each ends in the page cache.
 */
#include "io/engine_state.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Linux 6.1; older headers do not have them, and struct statx has kept its layout. */
enum { DIOALIGN_MASK = 0x2000, DIO_MEM_ALIGN_AT = 152, DIO_OFFSET_ALIGN_AT = 156 };
#ifdef STATX_DIOALIGN
_Static_assert(STATX_DIOALIGN == DIOALIGN_MASK, "as in linux/stat.h");
_Static_assert(offsetof(struct statx, stx_dio_mem_align) == DIO_MEM_ALIGN_AT, "the same");
_Static_assert(offsetof(struct statx, stx_dio_offset_align) == DIO_OFFSET_ALIGN_AT, "the same");
#endif
_Static_assert(sizeof(struct statx) >= DIO_OFFSET_ALIGN_AT + sizeof(uint32_t), "room for both");

static void say_buffered(struct ps_io *io, const char *path)
{
    if (!io->buffered_said)
        ps_log(&io->ctx->log, "%s: its file system refuses O_DIRECT; read through the page cache",
               path);
    io->buffered_said = true;
}

/* What the kernel tells about direct reads of this file. @p align is left as
 * it is where it tells nothing. @return false if there are none */
static bool direct_align(int fd, uint32_t *align)
{
    struct statx s;
    uint32_t mem, offset;

    memset(&s, 0, sizeof s);
    if (statx(fd, "", AT_EMPTY_PATH, DIOALIGN_MASK, &s) != 0 || (s.stx_mask & DIOALIGN_MASK) == 0)
        return true;
    memcpy(&mem, (const char *)&s + DIO_MEM_ALIGN_AT, sizeof mem);
    memcpy(&offset, (const char *)&s + DIO_OFFSET_ALIGN_AT, sizeof offset);
    if (mem == 0 || offset == 0)
        return false;
    *align = mem > offset ? mem : offset;
    return true;
}

static PS_MUST ps_status check_regular(const char *path)
{
    struct stat s;

    if (stat(path, &s) != 0) {
        if (errno == ENOENT || errno == ENOTDIR)
            PS_FAIL(PS_EINPUT, "%s: there is no such file", path);
        PS_FAIL_SYS(errno, "cannot look at %s", path);
    }
    if (!S_ISREG(s.st_mode))
        PS_FAIL(PS_EINPUT, "%s: expected a regular file", path);
    return PS_OK;
}

static PS_MUST ps_status open_one(struct ps_io *io, const char *path, int *fd, uint32_t *align)
{
    const int flags = O_RDONLY | O_CLOEXEC;

    PS_TRY(check_regular(path)); /* before open, which would wait for a pipe's writer */
    *fd = open(path, io->ops->direct ? flags | O_DIRECT : flags);
    if (*fd < 0 && errno == EINVAL && io->ops->direct) {
        say_buffered(io, path);
        *fd = open(path, flags);
    } else if (*fd >= 0 && io->ops->direct && !direct_align(*fd, align)) {
        say_buffered(io, path);
        close(*fd);
        *fd = open(path, flags);
    }
    if (*fd < 0 && errno == EMFILE)
        PS_FAIL(PS_EIO, "cannot open %s: %zu files are open already; raise the limit (ulimit -n)",
                path, io->file_count);
    if (*fd < 0)
        PS_FAIL_SYS(errno, "cannot open %s", path);
    return PS_OK;
}

static PS_MUST ps_status keep(struct ps_io *io, const char *path, int fd)
{
    struct ps_mem *m = &io->ctx->mem;
    size_t n = io->file_count, bytes = strlen(path) + 1;
    char *name;

    PS_TRY(PS_GROW(m, PS_MEM_OTHER, io->fd, io->fd_cap, n + 1, n));
    PS_TRY(PS_GROW(m, PS_MEM_OTHER, io->path, io->path_cap, n + 1, n));
    PS_TRY(PS_NEW(m, PS_MEM_OTHER, name, bytes));
    memcpy(name, path, bytes);
    io->fd[n] = fd;
    io->path[n] = name;
    io->file_count = n + 1;
    return PS_OK;
}

ps_status ps_io_add_file(struct ps_io *io, const char *path, uint32_t *file)
{
    uint32_t align = PS_IO_ALIGN_MIN;
    int fd = -1;
    ps_status st;

    *file = ps_u32(io->file_count);
    if (io->file_count == PS_IO_FILES_MAX)
        PS_FAIL(PS_EUSAGE, "%s: %d files are open already, the most that one rank can read", path,
                PS_IO_FILES_MAX);
    PS_GO(st, open_one(io, path, &fd, &align));
    if (align > io->read_bytes || (align & (align - 1)) != 0)
        PS_GO_FAIL(st, PS_EUSAGE,
                   "%s: direct reads here are aligned to %" PRIu32
                   " bytes, --read-bytes is %" PRIu32 "; use a multiple of it, or --io pread",
                   path, align, io->read_bytes);
    if (io->ops->add_file != NULL)
        PS_GO(st, io->ops->add_file(io->state, io->ctx, *file, fd, path));
    PS_GO(st, keep(io, path, fd));
    io->align = align > io->align ? align : io->align;
    return PS_OK;
out:
    if (fd >= 0)
        close(fd);
    return st;
}

void ps_io_give_up_direct(struct ps_io *io, uint32_t file)
{
    int flags = fcntl(io->fd[file], F_GETFL);

    if (flags < 0 || (flags & O_DIRECT) == 0)
        return;
    if (fcntl(io->fd[file], F_SETFL, flags & ~O_DIRECT) == 0)
        say_buffered(io, io->path[file]);
}

uint64_t ps_io_file_bytes(const struct ps_io *io, uint32_t file)
{
    struct stat s;

    PS_ASSERT(file < io->file_count);
    return fstat(io->fd[file], &s) == 0 ? (uint64_t)s.st_size : 0;
}

void ps_io_close_files(struct ps_io *io)
{
    struct ps_mem *m = &io->ctx->mem;

    for (size_t i = 0; i < io->file_count; i++) {
        close(io->fd[i]); /* read only: nothing that could still fail matters */
        ps_mem_free(m, &io->path[i]);
    }
    ps_mem_free(m, &io->fd);
    ps_mem_free(m, &io->path);
}
