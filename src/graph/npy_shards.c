/* SPDX-License-Identifier: Apache-2.0 */
/* Several .npy files as one array, their rows one behind the other. */
#include "src/graph/npy.h"

#include "src/graph/paths.h"

static bool in_fortran_order(const struct ps_npy_header *h)
{
    return h->fortran && h->shape[0] > 1 && h->shape[1] > 1; /* else both orders are the same */
}

/* Add the rows of @p b to those of @p a, of which @p last is the last file. */
static PS_MUST ps_status attach(struct ps_npy *a, struct ps_npy *last, struct ps_npy *b)
{
    const struct ps_npy_header *h = &a->head, *g = &b->head;
    char want[64], found[64];

    if (g->type != h->type)
        PS_FAIL(PS_EINPUT, "%s: expected %s as in %s, found %s", b->path, ps_npy_type_name(h->type),
                a->path, ps_npy_type_name(g->type));
    if (g->rank != h->rank || h->rank == 0 || g->shape[1] != h->shape[1])
        PS_FAIL(PS_EINPUT, "%s: shape %s cannot follow shape %s of %s", b->path,
                ps_npy_shape_text(g, found), ps_npy_shape_text(h, want), a->path);
    if (in_fortran_order(g) || in_fortran_order(&last->head))
        PS_FAIL(PS_EINPUT,
                "%s: expected C order in each of several files, found Fortran order "
                "(numpy.ascontiguousarray changes it)",
                in_fortran_order(g) ? b->path : last->path);
    if (__builtin_add_overflow(a->items, b->items, &a->items) ||
        __builtin_add_overflow(a->head.shape[0], g->shape[0], &a->head.shape[0]))
        PS_FAIL(PS_EINPUT, "%s: one row more than 2^64 - 1", b->path);
    a->head.fortran = false;
    last->next = b;
    ps_mem_free(&b->ctx->mem, &b->chunk); /* only that of the first is used */
    return PS_OK;
}

ps_status ps_npy_open_list(struct ps_npy **out, struct ps_ctx *ctx, const char *list)
{
    struct ps_npy *a = NULL, *last, *b = NULL;
    struct ps_paths paths;
    ps_status st;

    *out = NULL;
    PS_TRY(ps_paths_split(&paths, ctx, list));
    PS_GO(st, ps_npy_open(&a, ctx, paths.item[0]));
    last = a;
    for (uint32_t k = 1; k < paths.count; k++) {
        PS_GO(st, ps_npy_open(&b, ctx, paths.item[k]));
        PS_GO(st, attach(a, last, b));
        last = b;
        b = NULL;
    }
    *out = a;
    a = NULL;
out:
    ps_npy_close(&a);
    ps_npy_close(&b);
    ps_paths_fini(&paths);
    return st;
}

const char *ps_npy_place(const struct ps_npy *a, uint64_t *item)
{
    PS_ASSERT(*item < a->items);
    while (*item >= a->own_items) {
        *item -= a->own_items;
        a = a->next;
    }
    return a->path;
}
