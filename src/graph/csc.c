/* SPDX-License-Identifier: Apache-2.0 */
#include "src/graph/csc.h"

#include "io/file.h"
#include "src/graph/sort_u64.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { LOAD_PAIRS = 4096, BUFFER_BYTES_MAX = 1 << 20, BUFFER_PAIRS_MIN = 64 };

/* A range of targets: nodes [first_node, next.first_node), and its region of the file. */
struct range {
    uint64_t first_node, first_edge;
    uint64_t filled;  /* edges of the region that are in the file, later: kept */
    uint64_t pending; /* edges in the buffer */
};

struct ps_csc {
    struct ps_ctx *ctx;
    struct ps_csc_spec spec;
    uint64_t *indptr;     /* (N + 1) counts, then first edges, in the end those of the result */
    uint32_t *out_degree; /* (N) */
    struct range *range;  /* (range_count + 1), the last one marks the end */
    unsigned char *buffer;
    size_t buffer_pairs, pair_bytes;
    uint64_t *row;    /* sources of the range in memory */
    uint64_t *cursor; /* (its nodes) where the next source goes; after loading: ends */
    uint64_t edges, placed;
    uint32_t range_count, next_range;
    int fd; /* of the temporary file, or -1 */
};

ps_status ps_csc_new(struct ps_csc **out, struct ps_ctx *ctx, const struct ps_csc_spec *spec)
{
    struct ps_csc *c;
    ps_status st;

    PS_ASSERT(spec->sort_bytes >= 4096);
    *out = NULL;
    PS_TRY(PS_NEW(&ctx->mem, PS_MEM_OTHER, c, 1));
    c->ctx = ctx;
    c->spec = *spec;
    c->fd = -1;
    c->pair_bytes = spec->nodes <= UINT64_C(1) << 32 && !spec->wide ? 8 : 16;
    PS_GO(st, PS_NEW(&ctx->mem, PS_MEM_TOPOLOGY, c->indptr, spec->nodes + 1));
    PS_GO(st, PS_NEW(&ctx->mem, PS_MEM_TOPOLOGY, c->out_degree, spec->nodes));
    *out = c;
    c = NULL;
out:
    ps_csc_free(&c);
    return st;
}

void ps_csc_free(struct ps_csc **c)
{
    struct ps_csc *p = *c;
    struct ps_ctx *ctx;

    if (p == NULL)
        return;
    ctx = p->ctx;
    if (p->fd >= 0)
        close(p->fd);
    ps_mem_free(&ctx->mem, &p->indptr);
    ps_mem_free(&ctx->mem, &p->out_degree);
    ps_mem_free(&ctx->mem, &p->range);
    ps_mem_free(&ctx->mem, &p->buffer);
    ps_mem_free(&ctx->mem, &p->row);
    ps_mem_free(&ctx->mem, &p->cursor);
    ps_mem_free(&ctx->mem, c);
}

/* Counts stand one behind, so that adding them up leaves the first edge of each node. */
void ps_csc_count(struct ps_csc *c, const uint64_t *source, const uint64_t *target, size_t n)
{
    PS_ASSERT(c->range == NULL);
    for (size_t i = 0; i < n; i++) {
        uint64_t u = source[i], v = target[i];
        PS_DASSERT(u < c->spec.nodes && v < c->spec.nodes);
        if (u == v && c->spec.drop_loops)
            continue;
        c->indptr[v + 1]++;
        c->edges++;
        if (c->spec.reverse && u != v) {
            c->indptr[u + 1]++;
            c->edges++;
        }
    }
}

static uint64_t sort_need(const struct ps_csc *c, uint64_t first, uint64_t end)
{
    return (c->indptr[end] - c->indptr[first] + (end - first)) * sizeof(uint64_t);
}

/* The end of the range that begins at @p first: as many nodes as fit, at least one. */
static uint64_t range_end(const struct ps_csc *c, uint64_t first)
{
    uint64_t end = first + 1;

    while (end < c->spec.nodes && sort_need(c, first, end + 1) <= c->spec.sort_bytes)
        end++;
    return end;
}

static PS_MUST ps_status cut_ranges(struct ps_csc *c)
{
    uint64_t count = 0, limit = atomic_load(&c->ctx->mem.limit_bytes);

    for (uint64_t v = 0, end; v < c->spec.nodes; v = end, count++) {
        end = range_end(c, v);
        if (limit != 0 && sort_need(c, v, end) > c->spec.sort_bytes)
            PS_FAIL(PS_EMEM,
                    "node %" PRIu64 " has %" PRIu64 " in-edges, which take %" PRIu64
                    " bytes to sort; the memory budget of %" PRIu64 " leaves %" PRIu64,
                    v, c->indptr[end] - c->indptr[v], sort_need(c, v, end), limit,
                    c->spec.sort_bytes);
    }
    if (count >= UINT32_MAX)
        PS_FAIL(PS_EMEM, "%" PRIu64 " ranges of nodes are too many to sort; give more memory",
                count);
    PS_TRY(PS_NEW(&c->ctx->mem, PS_MEM_OTHER, c->range, count + 1));
    c->range_count = ps_u32(count);
    for (uint64_t r = 0, v = 0; r <= count; r++) {
        c->range[r].first_node = v;
        c->range[r].first_edge = c->indptr[v];
        v = r < count ? range_end(c, v) : v;
    }
    return PS_OK;
}

static PS_MUST ps_status place_begin_on_disk(struct ps_csc *c)
{
    uint64_t bytes = c->edges * c->pair_bytes;
    size_t each = c->spec.sort_bytes / c->range_count;

    PS_TRY(ps_file_temporary(c->spec.beside, &c->fd));
    if (fallocate(c->fd, 0, 0, (off_t)bytes) != 0 && (errno == ENOSPC || errno == EFBIG))
        PS_FAIL_SYS(errno, "no room for %" PRIu64 " bytes of edges to sort beside %s", bytes,
                    c->spec.beside);
    each = ps_min(each, BUFFER_BYTES_MAX);
    c->buffer_pairs = ps_max(each / c->pair_bytes, BUFFER_PAIRS_MIN);
    return PS_NEW(&c->ctx->mem, PS_MEM_STAGING, c->buffer,
                  c->range_count * c->buffer_pairs * c->pair_bytes);
}

static void cursor_begin(struct ps_csc *c, uint32_t r)
{
    const struct range *g = &c->range[r];

    for (uint64_t v = g->first_node; v < g[1].first_node; v++)
        c->cursor[v - g->first_node] = c->indptr[v] - g->first_edge;
}

/* Room for the largest range. */
static PS_MUST ps_status sort_begin(struct ps_csc *c)
{
    uint64_t nodes = 0, edges = 0;

    for (uint32_t r = 0; r < c->range_count; r++) {
        nodes = ps_max(nodes, c->range[r + 1].first_node - c->range[r].first_node);
        edges = ps_max(edges, c->range[r + 1].first_edge - c->range[r].first_edge);
    }
    PS_TRY(PS_NEW(&c->ctx->mem, PS_MEM_TOPOLOGY, c->row, edges));
    return PS_NEW(&c->ctx->mem, PS_MEM_TOPOLOGY, c->cursor, nodes);
}

ps_status ps_csc_place_begin(struct ps_csc *c)
{
    for (uint64_t v = 0; v < c->spec.nodes; v++)
        c->indptr[v + 1] += c->indptr[v];
    PS_ASSERT(c->indptr[c->spec.nodes] == c->edges);
    PS_TRY(cut_ranges(c));
    if (c->range_count > 1)
        return place_begin_on_disk(c);
    PS_TRY(sort_begin(c));
    if (c->range_count == 1)
        cursor_begin(c, 0);
    return PS_OK;
}

static PS_MUST ps_status write_at(struct ps_csc *c, uint64_t offset, const void *src, size_t bytes)
{
    const unsigned char *p = src;

    for (size_t done = 0; done < bytes;) {
        ssize_t put = pwrite(c->fd, p + done, bytes - done, (off_t)(offset + done));
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            PS_FAIL_SYS(put < 0 ? errno : EIO, "cannot write edges to sort beside %s",
                        c->spec.beside);
        done += (size_t)put;
    }
    return PS_OK;
}

static PS_MUST ps_status read_at(struct ps_csc *c, uint64_t offset, void *dst, size_t bytes)
{
    unsigned char *p = dst;

    for (size_t done = 0; done < bytes;) {
        ssize_t got = pread(c->fd, p + done, bytes - done, (off_t)(offset + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            PS_FAIL_SYS(got < 0 ? errno : EIO, "cannot read the edges to sort beside %s",
                        c->spec.beside);
        done += (size_t)got;
    }
    return PS_OK;
}

static PS_MUST ps_status flush(struct ps_csc *c, uint32_t r)
{
    struct range *g = &c->range[r];

    PS_TRY(write_at(c, (g->first_edge + g->filled) * c->pair_bytes,
                    c->buffer + r * c->buffer_pairs * c->pair_bytes, g->pending * c->pair_bytes));
    g->filled += g->pending;
    g->pending = 0;
    return PS_OK;
}

static uint32_t find_range(const struct ps_csc *c, uint64_t node)
{
    uint32_t lo = 0, hi = c->range_count;

    while (hi - lo > 1) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (c->range[mid].first_node <= node)
            lo = mid;
        else
            hi = mid;
    }
    return lo;
}

/* Put an edge of the range in memory to its row. @return false if the row is full */
static bool put_in_memory(struct ps_csc *c, uint32_t r, uint64_t u, uint64_t v)
{
    const struct range *g = &c->range[r];
    uint64_t *at;

    if (v < g->first_node || v >= g[1].first_node)
        return false;
    at = &c->cursor[v - g->first_node];
    if (*at >= c->indptr[v + 1] - g->first_edge)
        return false;
    c->row[(*at)++] = u;
    return true;
}

static PS_MUST ps_status place_one(struct ps_csc *c, uint64_t u, uint64_t v, bool *fits)
{
    uint32_t r = find_range(c, v);
    struct range *g = &c->range[r];
    unsigned char *p;

    c->placed++;
    if (c->range_count == 1) {
        *fits = put_in_memory(c, 0, u, v);
        return PS_OK;
    }
    *fits = g->first_edge + g->filled + g->pending < g[1].first_edge;
    if (!*fits)
        return PS_OK;
    p = c->buffer + (r * c->buffer_pairs + g->pending) * c->pair_bytes;
    if (c->pair_bytes == 8) {
        uint32_t pair[2] = {ps_u32(u), ps_u32(v)};
        memcpy(p, pair, sizeof pair);
    } else {
        uint64_t pair[2] = {u, v};
        memcpy(p, pair, sizeof pair);
    }
    return ++g->pending == c->buffer_pairs ? flush(c, r) : PS_OK;
}

ps_status ps_csc_place(struct ps_csc *c, const uint64_t *source, const uint64_t *target, size_t n,
                       bool *fits)
{
    *fits = true;
    for (size_t i = 0; *fits && i < n; i++) {
        uint64_t u = source[i], v = target[i];
        if (u == v && c->spec.drop_loops)
            continue;
        PS_TRY(place_one(c, u, v, fits));
        if (*fits && c->spec.reverse && u != v)
            PS_TRY(place_one(c, v, u, fits));
    }
    return PS_OK;
}

static PS_MUST ps_status load_range(struct ps_csc *c, uint32_t r, unsigned char *pairs, bool *fits)
{
    const struct range *g = &c->range[r];
    uint64_t count = g[1].first_edge - g->first_edge;

    cursor_begin(c, r);
    for (uint64_t done = 0; *fits && done < count; done += LOAD_PAIRS) {
        size_t n = ps_min(LOAD_PAIRS, count - done);
        PS_TRY(read_at(c, (g->first_edge + done) * c->pair_bytes, pairs, n * c->pair_bytes));
        for (size_t i = 0; *fits && i < n; i++) {
            uint64_t wide[2];
            uint32_t narrow[2];
            if (c->pair_bytes == 8) {
                memcpy(narrow, pairs + i * 8, 8);
                *fits = put_in_memory(c, r, narrow[0], narrow[1]);
            } else {
                memcpy(wide, pairs + i * 16, 16);
                *fits = put_in_memory(c, r, wide[0], wide[1]);
            }
        }
    }
    return PS_OK;
}

/* Sort the rows of the range in memory, drop doubles, move up what is kept. */
static PS_MUST ps_status finish_range(struct ps_csc *c, uint32_t r)
{
    struct range *g = &c->range[r];
    uint64_t nodes = g[1].first_node - g->first_node, from = 0, kept = 0;

    for (uint64_t k = 0; k < nodes; k++) {
        uint64_t end = c->cursor[k], row_begin = kept;
        ps_sort_u64(c->row + from, end - from);
        c->indptr[g->first_node + k] = c->edges + kept;
        for (uint64_t i = from; i < end; i++) {
            uint64_t u = c->row[i];
            if (c->spec.dedupe && kept > row_begin && c->row[kept - 1] == u)
                continue;
            if (c->out_degree[u]++ == UINT32_MAX)
                PS_FAIL(PS_EINPUT, "node %" PRIu64 " has more than %" PRIu32 " out-edges", u,
                        UINT32_MAX);
            c->row[kept++] = u;
        }
        from = end;
    }
    g->filled = kept;
    c->edges += kept;
    return PS_OK;
}

static PS_MUST ps_status sort_on_disk(struct ps_csc *c, bool *fits)
{
    unsigned char *pairs = NULL;
    ps_status st;

    for (uint32_t r = 0; r < c->range_count; r++)
        PS_TRY(flush(c, r));
    ps_mem_free(&c->ctx->mem, &c->buffer);
    PS_TRY(sort_begin(c));
    PS_GO(st, PS_NEW(&c->ctx->mem, PS_MEM_STAGING, pairs, LOAD_PAIRS * c->pair_bytes));
    c->edges = 0;
    for (uint32_t r = 0; r < c->range_count; r++) {
        PS_GO(st, load_range(c, r, pairs, fits));
        if (!*fits)
            goto out;
        PS_GO(st, finish_range(c, r));
        PS_GO(st, write_at(c, c->range[r].first_edge * c->pair_bytes, c->row,
                           c->range[r].filled * sizeof *c->row));
    }
out:
    ps_mem_free(&c->ctx->mem, &pairs);
    return st;
}

ps_status ps_csc_sort(struct ps_csc *c, bool *fits)
{
    *fits = c->placed == c->edges;
    if (!*fits)
        return PS_OK;
    if (c->range_count > 1) {
        PS_TRY(sort_on_disk(c, fits));
    } else {
        c->edges = 0;
        PS_TRY(finish_range(c, 0));
    }
    if (*fits)
        c->indptr[c->spec.nodes] = c->edges;
    return PS_OK;
}

uint64_t ps_csc_edges(const struct ps_csc *c)
{
    return c->edges;
}
const uint64_t *ps_csc_indptr(const struct ps_csc *c)
{
    return c->indptr;
}
const uint32_t *ps_csc_out_degree(const struct ps_csc *c)
{
    return c->out_degree;
}
uint32_t ps_csc_ranges(const struct ps_csc *c)
{
    return c->range_count;
}

ps_status ps_csc_next(struct ps_csc *c, const uint64_t **source, uint64_t *count)
{
    const struct range *g;

    *source = c->row;
    *count = 0;
    while (c->next_range < c->range_count && *count == 0) {
        g = &c->range[c->next_range++];
        *count = g->filled;
        if (c->range_count > 1)
            PS_TRY(read_at(c, g->first_edge * c->pair_bytes, c->row, *count * sizeof *c->row));
    }
    return PS_OK;
}
