/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dense features, a chunk of rows at a time. Computed in double, stored as float32;
 * float16 stays float16 where nothing is computed.
 *
 * --normalise row: each row divided by its sum; a row with sum 0 stays.
 * --normalise standard: (x - mean) / deviation for each column, deviation over all N
 * nodes (divisor N); a column with deviation 0 is only centred. Two passes before the one
 * that writes, so that a large mean does not eat the digits of the deviation.
 */
#include "src/graph/import_core.h"

#include <math.h>
#include <string.h>

enum { CHUNK_ITEMS = 64 * 1024 };

struct dense {
    struct ps_import *im;
    double *x;    /* (chunk rows, D) */
    float *out;   /* the same, rounded */
    double *mean; /* (D) only for standard */
    double *deviation;
    uint64_t dim, rows_max;
};

static void dense_fini(struct dense *d)
{
    struct ps_mem *m = &d->im->ctx->mem;

    ps_mem_free(m, &d->x);
    ps_mem_free(m, &d->out);
    ps_mem_free(m, &d->mean);
    ps_mem_free(m, &d->deviation);
}

static PS_MUST ps_status dense_init(struct dense *d, struct ps_import *im)
{
    struct ps_mem *m = &im->ctx->mem;

    memset(d, 0, sizeof *d);
    d->im = im;
    d->dim = im->feature_dim;
    d->rows_max = ps_max(1, CHUNK_ITEMS / d->dim);
    PS_TRY(PS_NEW(m, PS_MEM_STAGING, d->x, d->rows_max * d->dim));
    PS_TRY(PS_NEW(m, PS_MEM_STAGING, d->out, d->rows_max * d->dim));
    if (im->o->import.normalise == PS_NORMALISE_STANDARD) {
        PS_TRY(PS_NEW(m, PS_MEM_STAGING, d->mean, d->dim));
        PS_TRY(PS_NEW(m, PS_MEM_STAGING, d->deviation, d->dim));
    }
    return PS_OK;
}

static PS_MUST ps_status refuse(const struct dense *d, uint64_t row, uint64_t column,
                                const char *expected, double found)
{
    uint64_t item = row * d->dim;
    const char *path = ps_npy_place(d->im->dense, &item);

    PS_FAIL(PS_EINPUT, "%s: row %" PRIu64 ", column %" PRIu64 ": expected %s, found %g", path,
            item / d->dim, column, expected, found);
}

/* Rows from @p first; NaN and infinity are refused. */
static PS_MUST ps_status read_rows(struct dense *d, uint64_t first, uint64_t *rows)
{
    struct ps_npy *a = d->im->dense;

    *rows = ps_min(d->rows_max, d->im->nodes - first);
    PS_TRY(ps_npy_read_f64(a, first * d->dim, *rows * d->dim, d->x));
    for (uint64_t i = 0; i < *rows * d->dim; i++)
        if (!isfinite(d->x[i]))
            return refuse(d, first + i / d->dim, i % d->dim, "a finite number", d->x[i]);
    return PS_OK;
}

static PS_MUST ps_status find_mean_and_deviation(struct dense *d)
{
    double n = (double)d->im->nodes;
    uint64_t rows;

    for (uint64_t first = 0; first < d->im->nodes; first += rows) {
        PS_TRY(read_rows(d, first, &rows));
        for (uint64_t i = 0; i < rows * d->dim; i++)
            d->mean[i % d->dim] += d->x[i];
    }
    for (uint64_t c = 0; c < d->dim; c++)
        d->mean[c] /= n;
    for (uint64_t first = 0; first < d->im->nodes; first += rows) {
        PS_TRY(read_rows(d, first, &rows));
        for (uint64_t i = 0; i < rows * d->dim; i++) {
            double by = d->x[i] - d->mean[i % d->dim];
            d->deviation[i % d->dim] += by * by;
        }
    }
    for (uint64_t c = 0; c < d->dim; c++)
        d->deviation[c] = sqrt(d->deviation[c] / n);
    return PS_OK;
}

static void divide_by_sum(double *x, uint64_t dim)
{
    double sum = 0;

    for (uint64_t c = 0; c < dim; c++)
        sum += x[c];
    for (uint64_t c = 0; sum != 0 && c < dim; c++)
        x[c] /= sum;
}

static void standardise(double *x, const double *mean, const double *deviation, uint64_t dim)
{
    for (uint64_t c = 0; c < dim; c++)
        x[c] = (x[c] - mean[c]) / (deviation[c] != 0 ? deviation[c] : 1);
}

static PS_MUST ps_status round_row(const struct dense *d, uint64_t row, const double *x, float *out)
{
    for (uint64_t c = 0; c < d->dim; c++) {
        out[c] = (float)x[c];
        if (!isfinite(out[c]))
            return refuse(d, row, c, "a number that fits float32", x[c]);
    }
    return PS_OK;
}

/* One chunk: normalise, round, write. */
static PS_MUST ps_status put_rows(struct dense *d, uint64_t first, uint64_t rows)
{
    for (uint64_t r = 0; r < rows; r++) {
        double *x = d->x + r * d->dim;
        if (d->im->o->import.normalise == PS_NORMALISE_ROW)
            divide_by_sum(x, d->dim);
        if (d->mean != NULL && d->deviation != NULL)
            standardise(x, d->mean, d->deviation, d->dim);
        PS_TRY(round_row(d, first + r, x, d->out + r * d->dim));
    }
    return ps_dataset_write(d->im->w, PS_ARRAY_FEATURES, 0, d->out, rows * d->dim);
}

/* float16 as it is; it was checked through its value. */
static PS_MUST ps_status put_halves(struct dense *d, uint64_t first, uint64_t rows)
{
    PS_TRY(ps_npy_read_raw(d->im->dense, first * d->dim, rows * d->dim, d->out));
    return ps_dataset_write(d->im->w, PS_ARRAY_FEATURES, 0, d->out, rows * d->dim);
}

ps_status ps_import_write_dense(struct ps_import *im)
{
    bool halves = ps_import_feature_type(im) == PS_TYPE_F16;
    struct dense d;
    uint64_t rows;
    ps_status st;

    PS_GO(st, dense_init(&d, im));
    if (d.mean != NULL)
        PS_GO(st, find_mean_and_deviation(&d));
    for (uint64_t first = 0; first < im->nodes; first += rows) {
        PS_GO(st, read_rows(&d, first, &rows));
        PS_GO(st, halves ? put_halves(&d, first, rows) : put_rows(&d, first, rows));
    }
out:
    dense_fini(&d);
    return st;
}

ps_status ps_import_scan_dense(struct ps_import *im)
{
    struct ps_npy *a = im->dense;
    char text[64];

    PS_TRY(ps_import_want(a, 2, false, "a row for each node"));
    PS_TRY(ps_import_want_c_order(a));
    if (ps_npy_is_integer(a))
        PS_FAIL(PS_EINPUT, "%s: expected float16, float32 or float64, found %s", a->path,
                ps_npy_type_name(a->head.type));
    if (a->head.shape[0] != im->nodes || a->head.shape[1] == 0 || a->head.shape[1] > UINT32_MAX)
        PS_FAIL(PS_EINPUT, "%s: expected %" PRIu64 " rows, one for each node, found shape %s",
                a->path, im->nodes, ps_npy_shape_text(&a->head, text));
    if (im->feature_dim != 0 && im->feature_dim != a->head.shape[1])
        PS_FAIL(PS_EINPUT, "%s: expected %" PRIu64 " columns, found %" PRIu64, a->path,
                im->feature_dim, a->head.shape[1]);
    im->feature_dim = a->head.shape[1];
    return PS_OK;
}
