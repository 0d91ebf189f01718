/* SPDX-License-Identifier: Apache-2.0 */
#include "io/plan.h"

/* Copying less costs less than having the kernel look up and hold the pages. */
enum { IN_PLACE_MIN = 64 * 1024 };

void ps_plan_begin(struct ps_plan *p, const struct ps_extent *extent, uint64_t n, uint32_t align,
                   uint32_t read_bytes, const struct ps_io_cost *cost)
{
    PS_ASSERT(read_bytes >= align);
    *p = (struct ps_plan){
        .extent = extent,
        .n = n,
        .align = align,
        .read_bytes = ps_u32(ps_align_down(read_bytes, align)),
        .gap_bytes = ps_io_cost_gap(cost),
    };
}

/* Step over extents that are covered. @return false at the end */
static bool advance(struct ps_plan *p)
{
    for (; p->at < p->n; p->at++) {
        const struct ps_extent *e = &p->extent[p->at];

        if (e->file != p->file)
            p->pos = 0;
        p->file = e->file;
        if (e->bytes > 0 && ps_extent_end(e) > p->pos)
            return true;
    }
    return false;
}

/* Where all bytes of a read are wanted, one after another. @return NULL if that is not so */
static void *place_of(const struct ps_plan *p, const struct ps_plan_read *r)
{
    const struct ps_extent *e = &p->extent[r->first];
    uint64_t end = r->offset + r->len;
    char *dst;

    if (r->len < IN_PLACE_MIN || e->offset > r->offset)
        return NULL;
    dst = (char *)e->dst + (r->offset - e->offset);
    if ((uintptr_t)dst % p->align != 0)
        return NULL;
    for (uint64_t i = r->first; ps_extent_end(e) < end; e++)
        if (++i == r->end || e[1].offset != ps_extent_end(e) ||
            e[1].dst != (char *)e->dst + e->bytes)
            return NULL;
    return dst;
}

bool ps_plan_next(struct ps_plan *p, struct ps_plan_read *r)
{
    uint64_t begin, end, limit, i;

    if (!advance(p))
        return false;
    begin = ps_align_down(ps_max(p->extent[p->at].offset, p->pos), p->align);
    limit = begin + p->read_bytes;
    end = begin + 1;
    for (i = p->at; i < p->n; i++) {
        const struct ps_extent *e = &p->extent[i];

        if (e->file != p->file || e->offset >= limit)
            break;
        if (e->bytes == 0 || ps_extent_end(e) <= end)
            continue;
        if (ps_align_down(e->offset, p->align) > ps_align_up(end, p->align) + p->gap_bytes)
            break;
        end = ps_min(ps_extent_end(e), limit);
    }
    *r = (struct ps_plan_read){
        .file = p->file,
        .len = ps_u32(ps_align_up(end, p->align) - begin),
        .offset = begin,
        .first = p->at,
        .end = i,
    };
    r->in_place = place_of(p, r);
    p->pos = begin + r->len;
    return true;
}
