/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file zip.h
 * @brief Read zip archives, as numpy.savez and savez_compressed write them.
 *
 * Accepted: members stored or deflated, sizes and offsets of 32 or 64 bits. Refused with a
 * sentence: encrypted or otherwise packed members, archives in several files, anything that is
 * cut short or contradicts itself. A member's content counts as read only when its size and
 * its CRC-32 are as the directory says.
 *
 * @par Memory   the directory (at most 1.2 MiB), while a member is read 320 KiB
 * @par Failure  PS_EINPUT with the file and member or byte; PS_EIO, PS_EMEM
 * @par Threads  one archive, one thread
 * @par Source   PKWARE, APPNOTE.TXT: .ZIP file format specification 6.3.10; RFC 1951 (deflate)
 */
#ifndef PS_GRAPH_ZIP_H
#define PS_GRAPH_ZIP_H

#include "src/base/ctx.h"

struct ps_zip_member {
    char *name;            /**< in the archive; of any bytes but 0 */
    uint64_t bytes;        /**< of the content */
    uint64_t packed_bytes; /**< in the archive; stored: the same */
    uint64_t header_at;    /**< local header, bytes from the start of the file */
    uint32_t crc;          /**< CRC-32 of the content */
    bool deflated;         /**< else stored */
};

/** One open archive. Read the members, change none. */
struct ps_zip {
    struct ps_ctx *ctx;
    char *path;
    int fd;
    uint64_t directory_at, directory_bytes; /**< the central directory in the file */
    unsigned char *directory;               /**< its bytes while they are read, then names */
    struct ps_zip_member *member;
    uint64_t member_count;
};

/** Open @p path and read its directory. */
PS_MUST ps_status ps_zip_open(struct ps_zip **z, struct ps_ctx *ctx, const char *path);
/** Accepts NULL, clears *z. */
void ps_zip_close(struct ps_zip **z);

/** Borrowed; NULL if there is none. */
const struct ps_zip_member *ps_zip_find(const struct ps_zip *z, const char *name);

/** Where the packed bytes of @p m begin in the file; its local header is checked. */
PS_MUST ps_status ps_zip_locate(const struct ps_zip *z, const struct ps_zip_member *m,
                                uint64_t *data_at);

/** Takes @p count bytes of the content, in order. */
typedef ps_status ps_zip_sink(void *arg, const void *bytes, size_t count);

/** All of the content to @p sink (NULL: nowhere), then size and CRC-32 are compared: what the sink
 *  was given is right only if this succeeds. */
PS_MUST ps_status ps_zip_read(const struct ps_zip *z, const struct ps_zip_member *m,
                              ps_zip_sink *sink, void *arg);

#endif
