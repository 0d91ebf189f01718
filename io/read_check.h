/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file read_check.h
 * @brief What is read against the checksums of the dataset, without reading more (--verify-reads).
 *
 * Reads are aligned to the blocks that the checksums are of, so each block that holds a wanted
 * byte has arrived whole, and is hashed once for each read that brings it. The checksums
 * themselves are held in memory: 4 bytes for each 4 KiB of all arrays of the files.
 *
 * @par Threads  one; adding a file takes the lock of HDF5
 * @par Source   docs/format.md, section on checksums
 */
#ifndef IO_READ_CHECK_H
#define IO_READ_CHECK_H

#include "src/base/ctx.h"

struct ps_read_check;

/** Without files yet. @return PS_EMEM */
PS_MUST ps_status ps_read_check_new(struct ps_read_check **c, struct ps_ctx *ctx);
/** Accepts NULL, clears *c. */
void ps_read_check_free(struct ps_read_check **c);

/** Files so far: the number of the next one. */
uint32_t ps_read_check_files(const struct ps_read_check *c);
/** Load the checksums of a part file, for the number ps_read_check_files.
 *  @return PS_EINPUT if it is no part file, has an array without checksums, or checksums that
 *          do not have the checksum which is stored with them; PS_EIO, PS_EMEM */
PS_MUST ps_status ps_read_check_add_file(struct ps_read_check *c, const char *path);

/** Bytes that have arrived. */
struct ps_arrived {
    uint32_t file;
    uint64_t offset, end; /**< in the file; offset is a multiple of 4096 */
    const void *bytes;    /**< (end - offset) */
};
/** Check the blocks of arrays that hold bytes [from, to), of which all have arrived; bytes outside
 *  of arrays are not checked. @param[out] checked  end of the last block: nothing below it needs
 *  another look
 *  @return PS_EINPUT with file, array, block, offset, checksum expected and found; also where the
 *          end of a block has not arrived */
PS_MUST ps_status ps_read_check_bytes(const struct ps_read_check *c, const struct ps_arrived *a,
                                      uint64_t from, uint64_t to, uint64_t *checked);

#endif
