/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file stream.h
 * @brief The bytes of a file from front to back, unpacked where it is gzip.
 *
 * Whether a file is gzip is told by its first bytes, not by its name. Several gzip members one
 * behind the other are one stream, as gzip has it. Files of other packers are refused by name.
 *
 * @par Memory   128 KiB and zlib's 48 KiB for gzip, nothing for plain files; counted in ctx->mem
 * @par Failure  PS_EINPUT with the byte where gzip data is damaged or cut short; PS_EIO; PS_EMEM
 * @par Threads  one stream, one thread
 * @par Source   RFC 1952 (gzip)
 */
#ifndef PS_GRAPH_STREAM_H
#define PS_GRAPH_STREAM_H

#include "src/base/ctx.h"

struct ps_stream;

/** Open @p path. Pipes, folders and "-" are refused, because importers read their files more
 *  than once. @return PS_EINPUT, PS_EIO, PS_EMEM */
PS_MUST ps_status ps_stream_open(struct ps_stream **s, struct ps_ctx *ctx, const char *path);
/** The same over @p bytes bytes in memory, which are borrowed until close; @p name is for
 *  sentences and copied. */
PS_MUST ps_status ps_stream_memory(struct ps_stream **s, struct ps_ctx *ctx, const char *name,
                                   const void *data, size_t bytes);
/** Accepts NULL, clears *s. */
void ps_stream_close(struct ps_stream **s);

/** Up to @p bytes bytes; *got is less only at the end. */
PS_MUST ps_status ps_stream_read(struct ps_stream *s, void *dst, size_t bytes, size_t *got);
/** Back to the first byte. */
void ps_stream_rewind(struct ps_stream *s);

/** As opened. Borrowed until close. */
const char *ps_stream_path(const struct ps_stream *s);
/** Upper bound of the bytes that come out, from the size of the file: deflate makes at most 1032
 *  bytes of one. Saturates. */
uint64_t ps_stream_bytes_max(const struct ps_stream *s);

#endif
