/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file engine_state.h
 * @brief What a struct ps_io is, for the units of the generic layer alone.
 */
#ifndef IO_ENGINE_STATE_H
#define IO_ENGINE_STATE_H

#include "io/engine.h"

#include <pthread.h>

enum { PS_IO_ALIGN_MIN = 4096 }; /* suits every disk that we know of */

struct ps_io {
    struct ps_ctx *ctx;
    const struct ps_io_ops *ops;
    void *state; /* (ops->state_bytes) */
    bool is_open;
    bool is_broken; /* the engine itself failed; only freeing is left */
    pthread_t thread;
    uint32_t depth, read_bytes, align;

    uint32_t in_flight;       /* the caller's view: submitted, not reaped */
    uint32_t inside;          /* of these, in the engine */
    struct ps_io_req **again; /* (depth) the rest of these: to be read again */
    uint32_t again_count;
    struct ps_io_counts counts;
    struct ps_read_trace *record; /* where each read is written down; NULL: nowhere */
    bool record_held;             /* not now */

    int *fd;     /* (file_count) */
    char **path; /* (file_count) */
    size_t file_count, fd_cap, path_cap;
    bool is_pinned;     /* a region was handed over by ps_io_pin */
    bool buffered_said; /* the line about files without O_DIRECT was printed */
    bool eio_said;      /* the line about reads that succeeded at the second attempt */
};

/** Close all files and free their names. */
void ps_io_close_files(struct ps_io *io);

/** After a read that was refused with EINVAL: read the file through the page cache from now
 *  on. Nothing happens if it is read so already. */
void ps_io_give_up_direct(struct ps_io *io, uint32_t file);

#endif
