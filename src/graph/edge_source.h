/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file edge_source.h
 * @brief Edges of an input file in any format, a batch at a time, as often as they are wanted.
 *
 * What sorts edges (import_edges.c) does not know where they come from. A source is one table of
 * functions over one or more files, whose edges come one behind the other. This layer checks the
 * ids of every format alike.
 *
 * @par Memory   about 1 MiB and what the format's reader takes
 * @par Failure  PS_EINPUT with file, line or index, expected and found; PS_EIO; PS_EMEM
 * @par Threads  one source, one thread
 */
#ifndef PS_GRAPH_EDGE_SOURCE_H
#define PS_GRAPH_EDGE_SOURCE_H

#include "src/graph/edges.h"
#include "src/graph/npy.h"
#include "src/graph/text_read.h"

#define PS_EDGES_UNKNOWN UINT64_MAX

enum { PS_EDGE_PLACE_BYTES = 1200 };

struct ps_edge_source;

/** What a format does. @p s is the format's own struct, which begins with ps_edge_source. */
struct ps_edge_source_ops {
    /** Before the first edge again. */
    PS_MUST ps_status (*rewind)(struct ps_edge_source *s);
    /** The next edges, at most PS_EDGES_CHUNK, *n = 0 behind the last. Ids need not be checked;
     *  a negative one becomes what its cast to uint64_t gives. */
    PS_MUST ps_status (*next)(struct ps_edge_source *s, uint64_t *source, uint64_t *target,
                              size_t *n);
    /** Where edge @p i of the last batch is: "FILE: line 17" or "FILE: edge 17". */
    void (*where)(const struct ps_edge_source *s, size_t i, char place[PS_EDGE_PLACE_BYTES]);
    void (*close)(struct ps_edge_source *s);
    bool is_signed; /**< ids above INT64_MAX are negative ones */
};

/** Set by the format; nodes is the caller's. */
struct ps_edge_source {
    const struct ps_edge_source_ops *ops;
    struct ps_ctx *ctx;
    const char *name;     /**< the first file, for sentences about all of them; borrowed */
    uint64_t edges;       /**< E, or PS_EDGES_UNKNOWN until ps_edge_source_scan */
    uint64_t nodes;       /**< N: ids from there on are refused; 0: not known */
    bool symmetric;       /**< each edge is given once and stands for both directions */
    uint32_t more_fields; /**< numbers behind source and target that are left out (weights) */
};

/** Arrays of integers [E,2] or [2,E]; [2,2] is two edges in rows. Opens the files.
 *  @param[in] path  (count) copied; count is at least 1 */
PS_MUST ps_status ps_edge_source_npy(struct ps_edge_source **s, struct ps_ctx *ctx,
                                     const char *const *path, uint32_t count);

/** The same from one open array of integers [2,E], which is always two rows. *a is taken over and
 *  cleared, but not on failure. */
PS_MUST ps_status ps_edge_source_array(struct ps_edge_source **s, struct ps_ctx *ctx,
                                       struct ps_npy **a);

/** Text, plain or gzip (text_read.h): a line for each edge, source and target, then at most two
 *  numbers that are left out (a weight, a time). All lines of a file have equally many words.
 *  @param[in] path  (count) copied; count is at least 1 */
PS_MUST ps_status ps_edge_source_text(struct ps_edge_source **s, struct ps_ctx *ctx,
                                      const char *const *path, uint32_t count);
/** The same over bytes in memory, plain or gzip, borrowed until close. */
PS_MUST ps_status ps_edge_source_text_memory(struct ps_edge_source **s, struct ps_ctx *ctx,
                                             const char *name, const void *data, size_t bytes);

/** One Matrix Market file, plain or gzip: coordinate; pattern, real or integer; general or
 *  symmetric. Entry (i, j) is the edge from node i-1 to node j-1; values are left out. The header
 *  is read at once: *nodes, s->edges and s->symmetric are known.
 *  Source: Boisvert, Pozo, Remington, The Matrix Market Exchange Formats, NISTIR 5935 (1996). */
PS_MUST ps_status ps_edge_source_mtx(struct ps_edge_source **s, struct ps_ctx *ctx,
                                     const char *path, uint64_t *nodes);
/** The same over bytes in memory, borrowed until close. */
PS_MUST ps_status ps_edge_source_mtx_memory(struct ps_edge_source **s, struct ps_ctx *ctx,
                                            const char *name, const void *data, size_t bytes,
                                            uint64_t *nodes);

/** Accepts NULL, clears *s. */
void ps_edge_source_close(struct ps_edge_source **s);

/** As ops->rewind. */
PS_MUST ps_status ps_edge_source_rewind(struct ps_edge_source *s);
/** As ops->next, with ids below s->nodes, or below 2^40 where that is 0. */
PS_MUST ps_status ps_edge_source_next(struct ps_edge_source *s, uint64_t *source, uint64_t *target,
                                      size_t *n);
/** Read all edges once: s->edges becomes known; *nodes is the largest id + 1, 0 without edges. */
PS_MUST ps_status ps_edge_source_scan(struct ps_edge_source *s, uint64_t *nodes);

#endif
