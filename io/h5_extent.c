/* SPDX-License-Identifier: Apache-2.0 */
/* Extents of a file's arrays, and byte ranges of arrays, as the library sees them. */
#include "io/h5.h"

#include <hdf5.h>
#include <stdlib.h>
#include <string.h>

struct search {
    struct ps_h5 *f;
    struct ps_h5_extent *x; /* (n), room for cap */
    size_t n, cap;
    ps_status st;
};

static bool is_array(hid_t group, const char *name)
{
    hid_t o = H5Oopen(group, name, H5P_DEFAULT);
    bool yes = o >= 0 && H5Iget_type(o) == H5I_DATASET;

    if (o >= 0)
        H5Oclose(o);
    return yes;
}

static PS_MUST ps_status keep_extent(struct search *s, const char *name)
{
    struct ps_h5_found found;
    struct ps_h5_extent *x;
    char path[sizeof x->name];
    int used = snprintf(path, sizeof path, "/%s", name);

    if (used < 0 || (size_t)used >= sizeof path)
        PS_FAIL(PS_EINPUT, "%s: expected names below %zu characters, found %s", ps_h5_path(s->f),
                sizeof path, name);
    PS_TRY(ps_h5_find(s->f, path, &found));
    if (!found.present || !found.contiguous || found.bytes == 0 ||
        found.shape.type == PS_H5_OTHER || found.shape.rank > PS_H5_RANK_MAX ||
        found.shape.rank == 0)
        return PS_OK;
    PS_TRY(PS_GROW(ps_h5_mem(s->f), PS_MEM_OTHER, s->x, s->cap, s->n + 1, s->n));
    x = &s->x[s->n++];
    memcpy(x->name, path, sizeof path);
    x->shape = found.shape;
    x->offset = found.offset;
    x->bytes = found.bytes;
    return PS_OK;
}

static herr_t on_link(hid_t group, const char *name, const H5L_info_t *info, void *search)
{
    struct search *s = search;

    /* other links lead to what has a hard link already, or to other files */
    if (info->type == H5L_TYPE_HARD && is_array(group, name))
        s->st = keep_extent(s, name);
    return s->st == PS_OK ? 0 : -1;
}

static int by_offset(const void *a, const void *b)
{
    const struct ps_h5_extent *x = a, *y = b;

    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

ps_status ps_h5_extents(struct ps_h5 *f, struct ps_h5_extent **x, uint64_t *n)
{
    struct search s = {.f = f};
    herr_t rc = H5Lvisit((hid_t)ps_h5_handle(f), H5_INDEX_NAME, H5_ITER_INC, on_link, &s);

    if (s.st == PS_OK && rc < 0)
        s.st = ps_h5_refused(f, "list the arrays of", "the file");
    if (s.st != PS_OK)
        ps_mem_free(ps_h5_mem(f), &s.x);
    else if (s.n > 0)
        qsort(s.x, s.n, sizeof *s.x, by_offset);
    *x = s.x;
    *n = s.st == PS_OK ? s.n : 0;
    return s.st;
}

/* The largest box of items that begins with item @p first in row-major order and holds no item
 * behind @p end. @return items in it */
static uint64_t next_box(const struct ps_h5_shape *s, uint64_t first, uint64_t end,
                         hsize_t start[PS_H5_RANK_MAX], hsize_t count[PS_H5_RANK_MAX])
{
    uint64_t below = 1, rest = first;
    uint32_t k = s->rank - 1;

    PS_ASSERT(s->rank >= 1 && s->rank <= PS_H5_RANK_MAX);
    for (uint32_t i = s->rank; i-- > 0;) {
        start[i] = rest % s->dim[i];
        rest /= s->dim[i];
        count[i] = 1;
    }
    for (; k > 0 && start[k] == 0 && end - first >= below * s->dim[k]; k--) {
        count[k] = s->dim[k];
        below *= s->dim[k];
    }
    count[k] = ps_min((end - first) / below, s->dim[k] - start[k]);
    return count[k] * below;
}

/* Items [first, end) in the type that they have in the file: nothing is converted. */
static PS_MUST ps_status read_items(struct ps_h5 *f, hid_t d, const struct ps_h5_extent *x,
                                    uint64_t first, uint64_t end, unsigned char *dst)
{
    hsize_t start[PS_H5_RANK_MAX], count[PS_H5_RANK_MAX], items;
    hid_t space = H5Dget_space(d), type = H5Dget_type(d), memory;
    ps_status st = PS_OK;

    while (first < end && st == PS_OK) {
        items = next_box(&x->shape, first, end, start, count);
        memory = H5Screate_simple(1, &items, NULL);
        if (H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL) < 0 ||
            H5Dread(d, type, memory, space, H5P_DEFAULT, dst) < 0)
            st = ps_h5_refused(f, "read", x->name);
        H5Sclose(memory);
        dst += items * ps_h5_type_bytes(x->shape.type);
        first += items;
    }
    H5Tclose(type);
    H5Sclose(space);
    return st;
}

ps_status ps_h5_read_bytes(struct ps_h5 *f, const struct ps_h5_extent *x, uint64_t from,
                           uint64_t bytes, void *dst)
{
    uint64_t item = ps_h5_type_bytes(x->shape.type), n;
    unsigned char *at = dst, whole[8];
    ps_status st = PS_OK;
    hid_t d;

    PS_ASSERT(item > 0 && item <= sizeof whole && from <= x->bytes && bytes <= x->bytes - from);
    d = H5Dopen2((hid_t)ps_h5_handle(f), x->name, H5P_DEFAULT);
    if (d < 0)
        return ps_h5_refused(f, "open", x->name);
    for (; bytes > 0 && st == PS_OK; from += n, bytes -= n, at += n) {
        uint64_t skip = from % item;

        n = bytes - bytes % item;
        if (skip == 0 && n > 0) {
            st = read_items(f, d, x, from / item, (from + n) / item, at);
            continue;
        }
        n = ps_min(item - skip, bytes); /* a part of an item */
        st = read_items(f, d, x, from / item, from / item + 1, whole);
        memcpy(at, whole + skip, n);
    }
    H5Dclose(d);
    return st;
}
