/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file spool.h
 * @brief Bytes that come once and in order, kept in a temporary file to be read at will.
 *
 * The importers read arrays several times and out of order; what comes from a compressed stream
 * is laid down once. The file lies beside the result and has no name, so it is gone with the
 * process, however that ends.
 *
 * @par Memory   256 KiB
 * @par Failure  PS_EIO; PS_EMEM
 */
#ifndef PS_GRAPH_SPOOL_H
#define PS_GRAPH_SPOOL_H

#include "src/graph/npy.h"

struct ps_spool {
    struct ps_ctx *ctx;
    const char *what; /**< what sentences call it; borrowed */
    int fd;
    size_t used; /**< of the buffer */
    unsigned char *buffer;
    uint64_t bytes; /**< given so far */
};

/** Begin a file beside @p beside, with space reserved for @p bytes (0: as it comes). */
PS_MUST ps_status ps_spool_init(struct ps_spool *s, struct ps_ctx *ctx, const char *what,
                                const char *beside, uint64_t bytes);
/** Close and free; accepts what init left after a failure, and zeros. */
void ps_spool_fini(struct ps_spool *s);

/** Append. */
PS_MUST ps_status ps_spool_put(struct ps_spool *s, const void *src, size_t bytes);

/** What was given becomes an array called what; @p head as ps_npy_open_at. The spool keeps
 *  nothing; call ps_spool_fini. */
PS_MUST ps_status ps_spool_end(struct ps_spool *s, const struct ps_npy_header *head,
                               struct ps_npy **a);

#endif
