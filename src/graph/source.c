/* SPDX-License-Identifier: Apache-2.0 */
#include "src/graph/source.h"

#include <string.h>

enum { PIECE = 1 << 15 }; /* items read at once */

void ps_source_init(struct ps_source *s, struct ps_ctx *ctx, const struct ps_dataset *ds)
{
    memset(s, 0, sizeof *s);
    s->ctx = ctx;
    s->ds = ds;
    s->meta = ps_dataset_meta(ds);
}

void ps_source_fini(struct ps_source *s)
{
    for (int i = 0; i < PS_SOURCE_OPEN; i++)
        ps_part_close(&s->open[i]);
}

uint32_t ps_source_part_of(const struct ps_source *s, uint64_t v)
{
    uint32_t lo = 0, hi = s->meta->parts; /* part_offsets[lo] <= v < part_offsets[hi] */

    PS_ASSERT(v < s->meta->nodes);
    while (hi - lo > 1) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (s->meta->part_offsets[mid] <= v)
            lo = mid;
        else
            hi = mid;
    }
    return lo;
}

ps_status ps_source_part(struct ps_source *s, uint32_t k, const struct ps_part **part)
{
    uint32_t at = k % PS_SOURCE_OPEN;

    if (s->open[at] == NULL || s->which[at] != k) {
        ps_part_close(&s->open[at]);
        PS_TRY(ps_part_open(&s->open[at], s->ds, k));
        s->which[at] = k;
    }
    *part = s->open[at];
    return PS_OK;
}

/* Nodes [first, first + *count) cut to those in the part of the first: *row is its place there. */
static PS_MUST ps_status piece_at(struct ps_source *s, uint64_t first, uint64_t *count,
                                  const struct ps_part **part, uint64_t *row)
{
    uint32_t k = ps_source_part_of(s, first);

    *row = first - s->meta->part_offsets[k];
    *count = ps_min(*count, s->meta->part_offsets[k + 1] - first);
    return ps_source_part(s, k, part);
}

ps_status ps_source_split(struct ps_source *s, uint32_t plane, uint64_t first, uint64_t count,
                          uint8_t *dst)
{
    PS_ASSERT(plane < s->meta->splits);
    while (count > 0) {
        const struct ps_part *p;
        uint64_t n = count, row;
        PS_TRY(piece_at(s, first, &n, &p, &row));
        PS_TRY(ps_part_read(p, PS_ARRAY_SPLIT, plane * ps_part_nodes(p) + row, n, dst));
        first += n, count -= n, dst += n;
    }
    return PS_OK;
}

ps_status ps_source_check_ends(const struct ps_part *p, enum ps_array_id indptr, uint64_t row,
                               uint64_t begin, uint64_t end)
{
    uint64_t items = indptr == PS_ARRAY_INDPTR ? ps_part_edges(p) : ps_part_features(p);

    if (begin > end || end > items)
        PS_FAIL(PS_EINPUT,
                "%s: %s says that row %" PRIu64 " is [%" PRIu64 ", %" PRIu64
                "), expected a range within %" PRIu64 " items",
                ps_part_path(p), ps_array_name(indptr), row, begin, end, items);
    return PS_OK;
}

ps_status ps_source_lengths(struct ps_source *s, enum ps_array_id indptr, uint64_t first,
                            uint64_t count, uint64_t *length)
{
    while (count > 0) {
        const struct ps_part *p;
        uint64_t n = count, row, last;
        PS_TRY(piece_at(s, first, &n, &p, &row));
        PS_TRY(ps_part_read(p, indptr, row, n, length)); /* beginnings; the last end by itself */
        PS_TRY(ps_part_read(p, indptr, row + n, 1, &last));
        for (uint64_t i = 0; i < n; i++) {
            uint64_t end = i + 1 < n ? length[i + 1] : last;
            PS_TRY(ps_source_check_ends(p, indptr, row + i, length[i], end));
            length[i] = end - length[i];
        }
        first += n, count -= n, length += n;
    }
    return PS_OK;
}

ps_status ps_source_check_ids(const struct ps_source *s, const struct ps_part *p, uint64_t at,
                              uint64_t count, const uint64_t *id)
{
    for (uint64_t i = 0; i < count; i++)
        if (id[i] >= s->meta->nodes)
            PS_FAIL(PS_EINPUT, "%s: %s[%" PRIu64 "] is node %" PRIu64 ", expected below %" PRIu64,
                    ps_part_path(p), ps_array_name(PS_ARRAY_INDICES), at + i, id[i],
                    s->meta->nodes);
    return PS_OK;
}

struct walk {
    struct ps_source *s;
    ps_source_fn *fn;
    void *arg;
    uint64_t *length; /* (PIECE) */
    uint64_t *id;     /* (PIECE) */
};

/* Rows [row, row + n) of a part, whose sources begin at *at; ids are read a piece at a time and
 * handed out row by row. */
static PS_MUST ps_status walk_rows(struct walk *w, const struct ps_part *p, uint64_t row,
                                   uint64_t n, uint64_t *at)
{
    uint64_t have = 0, used = 0, left = 0;

    for (uint64_t i = 0; i < n; i++)
        left += w->length[i];
    for (uint64_t i = 0; i < n; i++)
        for (uint64_t want = w->length[i], m; want > 0; want -= m) {
            if (used == have) {
                have = ps_min(left, PIECE);
                used = 0;
                PS_TRY(ps_part_read_indices(p, *at, have, w->id));
                PS_TRY(ps_source_check_ids(w->s, p, *at, have, w->id));
                *at += have;
                left -= have;
            }
            m = ps_min(want, have - used);
            w->fn(w->arg, ps_part_first_node(p) + row + i, w->id + used, m);
            used += m;
        }
    return PS_OK;
}

ps_status ps_source_edges(struct ps_source *s, ps_source_fn *fn, void *arg)
{
    struct walk w = {.s = s, .fn = fn, .arg = arg};
    struct ps_mem *m = &s->ctx->mem;
    ps_status st;

    PS_GO(st, PS_NEW(m, PS_MEM_STAGING, w.length, PIECE));
    PS_GO(st, PS_NEW(m, PS_MEM_STAGING, w.id, PIECE));
    for (uint32_t k = 0; k < s->meta->parts; k++) {
        uint64_t first = s->meta->part_offsets[k], end = s->meta->part_offsets[k + 1], at = 0;
        const struct ps_part *p;
        if (first < end)
            PS_GO(st, ps_source_part(s, k, &p));
        for (uint64_t v = first; v < end; v += PIECE) {
            uint64_t n = ps_min(PIECE, end - v);
            PS_GO(st, ps_source_lengths(s, PS_ARRAY_INDPTR, v, n, w.length));
            PS_GO(st, walk_rows(&w, p, v - first, n, &at));
        }
    }
out:
    ps_mem_free(m, &w.length);
    ps_mem_free(m, &w.id);
    return st;
}
