/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sparse features: CSR files or bit rows become CSR rows with columns ascending, without
 * zeros, with values only where not all are 1 or where --normalise row makes them so. With
 * --project they become dense rows instead (project.h).
 *
 * The rows are walked twice: once to check everything and count what will be stored
 * (the sizes must be known before a part is begun), once to write. Rows come in groups, so
 * that short rows are not one read each.
 */
#include "src/graph/import_core.h"

#include "src/graph/project.h"
#include "src/graph/sort_u64.h"

#include <math.h>
#include <string.h>

enum { GROUP_ROWS = 4096, GROUP_ITEMS = 64 * 1024 };

struct walk {
    struct ps_import *im;
    bool write;       /* the second walk */
    uint64_t row;     /* first of the group */
    uint64_t rows;    /* of the group */
    uint64_t stored;  /* items of the rows before */
    bool all_one;     /* no stored value differs from 1 */
    int64_t *ptr;     /* (GROUP_ROWS + 1) */
    uint64_t *indptr; /* (GROUP_ROWS + 1) of the output */
    int64_t *raw;     /* columns as read, or bytes of bit rows */
    uint32_t *column; /* the group's items; the output overtakes them from behind */
    double *value;
    float *value_out;
    uint16_t *column_out;
    uint64_t *key; /* one row, to sort it */
    double *unsorted;
    struct ps_projection projection; /* of the second walk */
    size_t raw_cap, column_cap, value_cap, out_cap, column_out_cap, key_cap, unsorted_cap;
};

static void walk_fini(struct walk *w)
{
    struct ps_mem *m = &w->im->ctx->mem;

    ps_mem_free(m, &w->ptr);
    ps_mem_free(m, &w->indptr);
    ps_mem_free(m, &w->raw);
    ps_mem_free(m, &w->column);
    ps_mem_free(m, &w->value);
    ps_mem_free(m, &w->value_out);
    ps_mem_free(m, &w->column_out);
    ps_mem_free(m, &w->key);
    ps_mem_free(m, &w->unsorted);
    ps_projection_fini(&w->projection);
}

static PS_MUST ps_status walk_init(struct walk *w, struct ps_import *im, bool write)
{
    memset(w, 0, sizeof *w);
    w->im = im;
    w->write = write;
    w->all_one = true;
    PS_TRY(PS_NEW(&im->ctx->mem, PS_MEM_STAGING, w->ptr, GROUP_ROWS + 1));
    PS_TRY(PS_NEW(&im->ctx->mem, PS_MEM_STAGING, w->indptr, GROUP_ROWS + 1));
    if (write && im->o->import.project != 0)
        PS_TRY(ps_projection_init(&w->projection, im->ctx, im->o->common.seed, im->feature_dim,
                                  im->o->import.project));
    return PS_OK;
}

static PS_MUST ps_status grow(struct walk *w, size_t items)
{
    struct ps_mem *m = &w->im->ctx->mem;

    PS_TRY(PS_GROW(m, PS_MEM_STAGING, w->raw, w->raw_cap, items, 0));
    PS_TRY(PS_GROW(m, PS_MEM_STAGING, w->column, w->column_cap, items, 0));
    PS_TRY(PS_GROW(m, PS_MEM_STAGING, w->value, w->value_cap, items, 0));
    PS_TRY(PS_GROW(m, PS_MEM_STAGING, w->value_out, w->out_cap, items, 0));
    return PS_GROW(m, PS_MEM_STAGING, w->column_out, w->column_out_cap, items, 0);
}

/* Row pointers of up to GROUP_ROWS rows; the group ends where its items get too many. */
static PS_MUST ps_status load_indptr(struct walk *w)
{
    struct ps_import *im = w->im;
    uint64_t want = ps_min(GROUP_ROWS, im->nodes - w->row);
    int64_t last = (int64_t)im->csr_indices->items;

    PS_TRY(ps_npy_read_i64(im->csr_indptr, w->row, want + 1, w->ptr));
    if (w->row == 0 && w->ptr[0] != 0)
        PS_FAIL(PS_EINPUT, "%s: item 0 is %" PRId64 ", expected 0", im->csr_indptr->path,
                w->ptr[0]);
    for (w->rows = 0; w->rows < want; w->rows++) {
        int64_t from = w->ptr[w->rows], to = w->ptr[w->rows + 1];
        if (from < 0 || to < from || to > last)
            PS_FAIL(PS_EINPUT,
                    "%s: item %" PRIu64 " is %" PRId64 ", expected %" PRId64 " to %" PRId64
                    " (ascending, up to the length of %s)",
                    im->csr_indptr->path, w->row + w->rows + 1, to, from, last,
                    im->csr_indices->path);
        if ((uint64_t)(to - from) > im->feature_dim)
            PS_FAIL(PS_EINPUT,
                    "%s: row %" PRIu64 " has %" PRId64 " columns, expected at most %" PRIu64,
                    im->csr_indptr->path, w->row + w->rows, to - from, im->feature_dim);
        if (w->rows > 0 && to - w->ptr[0] > GROUP_ITEMS)
            return PS_OK;
    }
    if (w->row + want == im->nodes && w->ptr[want] != last)
        PS_FAIL(PS_EINPUT,
                "%s: the last item is %" PRId64 ", expected %" PRId64 ", the length of %s",
                im->csr_indptr->path, w->ptr[want], last, im->csr_indices->path);
    return PS_OK;
}

/* Where item @p i of the group stands, for the sentence. */
static uint64_t row_of(const struct walk *w, uint64_t i)
{
    uint64_t k = 0;

    while (k + 1 < w->rows && (uint64_t)(w->ptr[k + 1] - w->ptr[0]) <= i)
        k++;
    return w->row + k;
}

static PS_MUST ps_status load_csr(struct walk *w)
{
    struct ps_import *im = w->im;
    uint64_t first, n;

    PS_TRY(load_indptr(w));
    first = (uint64_t)w->ptr[0];
    n = (uint64_t)w->ptr[w->rows] - first;
    PS_TRY(grow(w, n));
    PS_TRY(ps_npy_read_i64(im->csr_indices, first, n, w->raw));
    for (uint64_t i = 0; i < n; i++) {
        if (w->raw[i] < 0 || (uint64_t)w->raw[i] >= im->feature_dim)
            PS_FAIL(PS_EINPUT,
                    "%s: row %" PRIu64 ", item %" PRIu64 ": expected a column from 0 to %" PRIu64
                    ", found %" PRId64,
                    im->csr_indices->path, row_of(w, i), first + i, im->feature_dim - 1, w->raw[i]);
        w->column[i] = (uint32_t)w->raw[i];
        w->value[i] = 1;
    }
    if (im->csr_values == NULL)
        return PS_OK;
    PS_TRY(ps_npy_read_f64(im->csr_values, first, n, w->value));
    for (uint64_t i = 0; i < n; i++)
        if (!isfinite(w->value[i]) || fabs(w->value[i]) > 3.4028234663852886e38)
            PS_FAIL(PS_EINPUT,
                    "%s: row %" PRIu64 ", column %" PRIu32
                    ": expected a finite number that fits float32, found %g",
                    im->csr_values->path, row_of(w, i), w->column[i], w->value[i]);
    return PS_OK;
}

static PS_MUST ps_status expand_bits(struct walk *w, const unsigned char *byte, uint64_t row_bytes)
{
    uint64_t n = 0;

    for (uint64_t r = 0; r < w->rows; r++) {
        w->ptr[r] = (int64_t)n;
        for (uint64_t b = 0; b < row_bytes; b++)
            for (unsigned left = byte[r * row_bytes + b]; left != 0; left &= left - 1) {
                uint64_t column = b * 8 + (unsigned)__builtin_ctz(left);
                if (column >= w->im->feature_dim)
                    PS_FAIL(PS_EINPUT,
                            "%s: row %" PRIu64 ": bit %" PRIu64
                            " is set, expected bits 0 to %" PRIu64 " only",
                            w->im->bits->path, w->row + r, column, w->im->feature_dim - 1);
                w->column[n] = ps_u32(column);
                w->value[n++] = 1;
            }
    }
    w->ptr[w->rows] = (int64_t)n;
    return PS_OK;
}

static PS_MUST ps_status load_bits(struct walk *w)
{
    uint64_t row_bytes = w->im->bits->head.shape[1];

    w->rows = ps_max(1, GROUP_ITEMS / (row_bytes * 8));
    w->rows = ps_min(w->rows, ps_min(GROUP_ROWS, w->im->nodes - w->row));
    PS_TRY(grow(w, w->rows * row_bytes * 8));
    PS_TRY(ps_npy_read_raw(w->im->bits, w->row * row_bytes, w->rows * row_bytes, w->raw));
    return expand_bits(w, (const unsigned char *)w->raw, row_bytes);
}

/* Columns ascending, values with them. Keys carry the place in the row in their low half. */
static PS_MUST ps_status sort_row(struct walk *w, uint32_t *column, double *value, size_t n)
{
    struct ps_mem *m = &w->im->ctx->mem;
    bool ascending = true;

    for (size_t i = 1; ascending && i < n; i++)
        ascending = column[i - 1] <= column[i];
    if (ascending)
        return PS_OK;
    PS_TRY(PS_GROW(m, PS_MEM_STAGING, w->key, w->key_cap, n, 0));
    PS_TRY(PS_GROW(m, PS_MEM_STAGING, w->unsorted, w->unsorted_cap, n, 0));
    memcpy(w->unsorted, value, n * sizeof *value);
    for (size_t i = 0; i < n; i++)
        w->key[i] = (uint64_t)column[i] << 32 | i;
    ps_sort_u64(w->key, n);
    for (size_t i = 0; i < n; i++) {
        column[i] = (uint32_t)(w->key[i] >> 32);
        value[i] = w->unsorted[w->key[i] & UINT32_MAX];
    }
    return PS_OK;
}

/* Sort, refuse doubles, drop zeros, normalise. *n becomes what is left. */
static PS_MUST ps_status clean_row(struct walk *w, uint64_t row, uint32_t *column, double *value,
                                   size_t *n)
{
    size_t kept = 0;
    double sum = 0;

    PS_TRY(sort_row(w, column, value, *n));
    for (size_t i = 1; i < *n; i++)
        if (column[i - 1] == column[i])
            PS_FAIL(PS_EINPUT, "%s: row %" PRIu64 " has column %" PRIu32 " twice",
                    w->im->csr_indices->path, row, column[i]);
    for (size_t i = 0; i < *n; i++) {
        if ((float)value[i] == 0.0F)
            continue;
        sum += value[i];
        column[kept] = column[i];
        value[kept++] = value[i];
    }
    *n = kept;
    for (size_t i = 0; i < kept; i++) {
        if (w->im->o->import.normalise == PS_NORMALISE_ROW && sum != 0)
            value[i] /= sum;
        w->all_one = w->all_one && (float)value[i] == 1.0F;
        if (!isfinite((float)value[i]))
            PS_FAIL(PS_EINPUT,
                    "%s: row %" PRIu64 ", column %" PRIu32 " divided by the sum of the row is %g",
                    w->im->csr_values->path, row, column[i], value[i]);
    }
    return PS_OK;
}

static PS_MUST ps_status write_group(struct walk *w, uint64_t n)
{
    struct ps_dataset_writer *out = w->im->w;

    PS_TRY(ps_dataset_write(out, PS_ARRAY_FEATURES_INDPTR, 0, w->indptr, w->rows));
    if (w->im->feature_dim <= 65536) {
        for (uint64_t i = 0; i < n; i++)
            w->column_out[i] = (uint16_t)w->column[i];
        PS_TRY(ps_dataset_write(out, PS_ARRAY_FEATURES_INDICES, 0, w->column_out, n));
    } else {
        PS_TRY(ps_dataset_write(out, PS_ARRAY_FEATURES_INDICES, 0, w->column, n));
    }
    if (!w->im->feature_values)
        return PS_OK;
    for (uint64_t i = 0; i < n; i++)
        w->value_out[i] = (float)w->value[i];
    return ps_dataset_write(out, PS_ARRAY_FEATURES_VALUES, 0, w->value_out, n);
}

/* Row @p r of the group, its items clean, as a dense row. */
static PS_MUST ps_status project_row(struct walk *w, uint64_t r, const uint32_t *column,
                                     const double *value, size_t n)
{
    const struct ps_npy *a = w->im->bits != NULL ? w->im->bits : w->im->csr_indices;
    const float *x = ps_projection_row(&w->projection, column, value, n);

    for (uint64_t j = 0; j < w->projection.dim; j++)
        if (!isfinite(x[j]))
            PS_FAIL(PS_EINPUT,
                    "%s: row %" PRIu64 ": column %" PRIu64 " of its projection is beyond float32",
                    a->path, w->row + r, j);
    return ps_dataset_write(w->im->w, PS_ARRAY_FEATURES, 0, x, w->projection.dim);
}

static PS_MUST ps_status changed(const struct walk *w)
{
    PS_FAIL(PS_EINPUT, "%s: changed while it was read",
            (w->im->bits != NULL ? w->im->bits : w->im->csr_indices)->path);
}

static PS_MUST ps_status do_group(struct walk *w)
{
    uint64_t at = 0;

    PS_TRY(w->im->bits != NULL ? load_bits(w) : load_csr(w));
    for (uint64_t r = 0; r < w->rows; r++) {
        uint64_t from = (uint64_t)(w->ptr[r] - w->ptr[0]);
        size_t n = (size_t)(w->ptr[r + 1] - w->ptr[r]);
        PS_TRY(clean_row(w, w->row + r, w->column + from, w->value + from, &n));
        if (w->projection.dim != 0)
            PS_TRY(project_row(w, r, w->column + from, w->value + from, n));
        memmove(w->column + at, w->column + from, n * sizeof *w->column);
        memmove(w->value + at, w->value + from, n * sizeof *w->value);
        w->indptr[r] = w->stored + at;
        at += n;
    }
    if (w->write && w->stored + at > w->im->feature_count)
        return changed(w);
    if (w->write && w->projection.dim == 0)
        PS_TRY(write_group(w, at));
    w->stored += at;
    w->row += w->rows;
    return PS_OK;
}

static PS_MUST ps_status walk_rows(struct walk *w)
{
    while (w->row < w->im->nodes)
        PS_TRY(do_group(w));
    return PS_OK;
}

static PS_MUST ps_status check_shapes(struct ps_import *im)
{
    struct ps_npy *a = im->bits != NULL ? im->bits : im->csr_indptr;
    char text[64];

    if (im->feature_dim == 0 || im->feature_dim > UINT32_MAX)
        PS_FAIL(PS_EINPUT, "%s: expected 1 to 4294967295 feature columns, found %" PRIu64, a->path,
                im->feature_dim);
    if (im->o->import.normalise == PS_NORMALISE_STANDARD)
        PS_FAIL(PS_EUSAGE,
                "--normalise standard is for dense features: with its mean taken away no entry of "
                "%s would stay zero",
                a->path);
    PS_TRY(ps_import_want(a, im->bits != NULL ? 2 : 1, true,
                          im->bits != NULL ? "a row of bits for each node" : "row pointers"));
    PS_TRY(ps_import_want_c_order(a));
    if (im->bits != NULL) {
        if (a->head.shape[0] != im->nodes || a->head.shape[1] != ps_div_up(im->feature_dim, 8) ||
            a->head.type != PS_NPY_U1)
            PS_FAIL(PS_EINPUT, "%s: expected uint8 (%" PRIu64 ", %" PRIu64 "), found %s %s",
                    a->path, im->nodes, ps_div_up(im->feature_dim, 8),
                    ps_npy_type_name(a->head.type), ps_npy_shape_text(&a->head, text));
        return PS_OK;
    }
    if (a->items != im->nodes + 1)
        PS_FAIL(PS_EINPUT, "%s: expected %" PRIu64 " row pointers, nodes plus one, found %" PRIu64,
                a->path, im->nodes + 1, a->items);
    PS_TRY(ps_import_want(im->csr_indices, 1, true, "columns"));
    if (im->csr_values == NULL)
        return PS_OK;
    PS_TRY(ps_import_want(im->csr_values, 1, false, "values"));
    if (im->csr_values->items != im->csr_indices->items)
        PS_FAIL(PS_EINPUT,
                "%s: expected %" PRIu64 " values, as many as %s has columns, found %" PRIu64,
                im->csr_values->path, im->csr_indices->items, im->csr_indices->path,
                im->csr_values->items);
    return PS_OK;
}

ps_status ps_import_scan_csr(struct ps_import *im)
{
    struct walk w;
    ps_status st;

    PS_TRY(check_shapes(im));
    PS_GO(st, walk_init(&w, im, false));
    PS_GO(st, walk_rows(&w));
    im->feature_count = w.stored;
    im->feature_values = !w.all_one;
out:
    walk_fini(&w);
    return st;
}

ps_status ps_import_write_csr(struct ps_import *im)
{
    struct walk w;
    ps_status st;

    PS_GO(st, walk_init(&w, im, true));
    PS_GO(st, walk_rows(&w));
    PS_GO(st, w.stored == im->feature_count ? PS_OK : changed(&w));
    if (w.projection.dim == 0)
        PS_GO(st, ps_dataset_write(im->w, PS_ARRAY_FEATURES_INDPTR, 0, &w.stored, 1));
out:
    walk_fini(&w);
    return st;
}
