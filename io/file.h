/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file file.h
 * @brief Whole reads and writes, reserved space, syncs: system calls with sentences.
 *
 * @par Threads  all of it
 * @par Failure  PS_EIO with the path and what the system said; PS_EINPUT where noted
 */
#ifndef IO_FILE_H
#define IO_FILE_H

#include "src/base/num.h"

/** @param[in] flags  of open(2); O_CLOEXEC is added. @return PS_EINPUT if it is to be read
 *  and is not there */
PS_MUST ps_status ps_file_open(const char *path, int flags, int *fd);
/** Open for reading what must be a regular file with something in it; HDF5's own sentences for
 *  others are poor, and it waits for ever for the writer of a pipe. @return PS_EINPUT */
PS_MUST ps_status ps_file_open_regular(const char *path, int *fd, uint64_t *bytes);
PS_MUST ps_status ps_file_size(int fd, const char *path, uint64_t *bytes);
/** @return PS_EINPUT if the file ends before */
PS_MUST ps_status ps_file_read(int fd, const char *path, uint64_t offset, uint64_t bytes,
                               void *dst);
PS_MUST ps_status ps_file_write(int fd, const char *path, uint64_t offset, uint64_t bytes,
                                const void *src);
/** A file for reading and writing in the folder of @p beside, without a name: gone when it is
 *  closed, however that happens. @return PS_EUSAGE if the path is too long */
PS_MUST ps_status ps_file_temporary(const char *beside, int *fd);
/** Let the file have at least @p bytes, with space for all of them on the disk. A full disk is
 *  told here, with the bytes needed and free. */
PS_MUST ps_status ps_file_reserve(int fd, const char *path, uint64_t bytes);
/** Whether @p bytes more for @p path fit the file system that folder @p dir is on; nothing is
 *  reserved. */
PS_MUST ps_status ps_dir_has_room(const char *dir, const char *path, uint64_t bytes);
PS_MUST ps_status ps_file_sync(int fd, const char *path);
PS_MUST ps_status ps_dir_sync(const char *path);
PS_MUST ps_status ps_file_rename(const char *from, const char *to);
/** The folder that @p path lies in: "." for a bare name. @param[out] dir  (PATH_MAX) */
void ps_dir_of(const char *path, char *dir);

#endif
