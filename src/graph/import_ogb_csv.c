/* SPDX-License-Identifier: Apache-2.0 */
#include "src/graph/ogb.h"

#include "src/graph/spool.h"
#include "src/graph/text_read.h"

#include <math.h>
#include <string.h>

enum { CHUNK_ITEMS = 32 * 1024, COLUMNS_MAX = 1 << 20 };

/* A table on its way into a spool. */
struct table {
    struct ps_import *im;
    struct ps_text *text;
    struct ps_spool spool;
    struct ps_npy_header head;
    float *row; /* (columns) of the rows */
    size_t row_cap;
};

static void table_fini(struct table *t)
{
    ps_text_close(&t->text);
    ps_spool_fini(&t->spool);
    ps_mem_free(&t->im->ctx->mem, &t->row);
}

/* Zeros but for the file; note it in the provenance. */
static PS_MUST ps_status table_init(struct table *t, struct ps_import *im, const char *path)
{
    *t = (struct table){.im = im, .head = {.rank = 1, .shape = {0, 1}}};
    PS_TRY(ps_import_note(im, path));
    return ps_text_open(&t->text, im->ctx, path);
}

/* Lay down items of @p type, of which @p items are expected. */
static PS_MUST ps_status table_begin(struct table *t, enum ps_npy_type type, uint64_t items)
{
    uint64_t bytes;

    t->head.type = type;
    if (items > ps_stream_bytes_max(t->text->stream)) /* before space is reserved for them */
        PS_FAIL(PS_EINPUT,
                "%s: expected %" PRIu64 " numbers for %" PRIu64
                " nodes, the file is too small for so many",
                t->text->path, items, t->im->nodes);
    if (__builtin_mul_overflow(items, ps_npy_type_bytes(type), &bytes) || bytes > INT64_MAX)
        PS_FAIL(PS_EINPUT, "%s: %" PRIu64 " items of %s are more than a file can hold",
                t->text->path, items, ps_npy_type_name(type));
    return ps_spool_init(&t->spool, t->im->ctx, t->text->path, t->im->beside, bytes);
}

static PS_MUST ps_status wrong_lines(const struct table *t, bool more)
{
    PS_FAIL(PS_EINPUT,
            "%s: line %" PRIu64 ": expected %" PRIu64 " lines, one for each node, found %s",
            t->text->path, t->text->line, t->im->nodes, more ? "more" : "the end of the file");
}

ps_status ps_ogb_csv_count(struct ps_import *im, const char *path, uint64_t *count)
{
    struct table t;
    bool more;
    ps_status st;

    PS_GO(st, table_init(&t, im, path));
    PS_GO(st, ps_text_next(t.text, &more));
    if (!more)
        PS_GO_FAIL(st, PS_EINPUT, "%s: expected a count, found nothing", path);
    PS_GO(st, ps_text_u64(t.text, "a count", count));
    PS_GO(st, ps_text_end(t.text, "one count"));
    PS_GO(st, ps_text_next(t.text, &more));
    if (more)
        PS_GO_FAIL(st, PS_EINPUT,
                   "%s: line %" PRIu64 ": expected one graph, found the count of another", path,
                   t.text->line);
out:
    table_fini(&t);
    return st;
}

static PS_MUST ps_status whole_label(const char *path, const char *unit, uint64_t at, double x,
                                     int64_t *label)
{
    if (!isnan(x) && (fabs(x) > INT32_MAX || x != floor(x)))
        PS_FAIL(PS_EINPUT,
                "%s: %s %" PRIu64 ": expected a label, a whole number or NaN for none, found %g",
                path, unit, at, x);
    *label = isnan(x) ? -1 : (int64_t)x;
    return PS_OK;
}

/* The label of the line in hand. */
static PS_MUST ps_status read_label(struct ps_text *t, int64_t *label)
{
    double x = (double)NAN;
    bool there;

    if (strcmp(t->at, "\"\"") != 0 && strcmp(t->at, "\"\"\r") != 0) { /* as pandas writes NaN */
        PS_TRY(ps_text_more(t, &there));
        if (there) {
            PS_TRY(ps_text_f64(t, "a label", &x));
            PS_TRY(ps_text_end(t, "one label for each node (several tasks are not read)"));
        }
    }
    return whole_label(t->path, "line", t->line, x, label);
}

ps_status ps_ogb_csv_labels(struct ps_import *im, const char *path, struct ps_npy **a)
{
    struct table t;
    bool more;
    int64_t label;
    ps_status st;

    PS_GO(st, table_init(&t, im, path));
    PS_GO(st, table_begin(&t, PS_NPY_I8, im->nodes));
    PS_GO(st, ps_text_line(t.text, &more));
    while (more) {
        if (t.head.shape[0] == im->nodes)
            PS_GO(st, wrong_lines(&t, true));
        PS_GO(st, read_label(t.text, &label));
        PS_GO(st, ps_spool_put(&t.spool, &label, sizeof label));
        t.head.shape[0]++;
        PS_GO(st, ps_text_line(t.text, &more));
    }
    if (t.head.shape[0] != im->nodes)
        PS_GO(st, wrong_lines(&t, false));
    PS_GO(st, ps_spool_end(&t.spool, &t.head, a));
out:
    table_fini(&t);
    return st;
}

ps_status ps_ogb_csv_nodes(struct ps_import *im, const char *path, struct ps_npy **a)
{
    struct table t;
    bool more;
    uint64_t node;
    ps_status st;

    PS_GO(st, table_init(&t, im, path));
    PS_GO(st, table_begin(&t, PS_NPY_U8, 0));
    PS_GO(st, ps_text_next(t.text, &more));
    while (more) {
        PS_GO(st, ps_text_u64(t.text, "a node number", &node));
        PS_GO(st, ps_text_end(t.text, "one node number"));
        if (node >= im->nodes)
            PS_GO_FAIL(st, PS_EINPUT,
                       "%s: line %" PRIu64 ": expected a node number from 0 to %" PRIu64
                       ", found %" PRIu64,
                       path, t.text->line, im->nodes - 1, node);
        if (t.head.shape[0] == im->nodes) /* some node twice: keeps the spool bounded */
            PS_GO(st, wrong_lines(&t, true));
        PS_GO(st, ps_spool_put(&t.spool, &node, sizeof node));
        t.head.shape[0]++;
        PS_GO(st, ps_text_next(t.text, &more));
    }
    PS_GO(st, ps_spool_end(&t.spool, &t.head, a));
out:
    table_fini(&t);
    return st;
}

/* The first line says how many columns there are. */
static PS_MUST ps_status read_first(struct table *t)
{
    struct ps_mem *m = &t->im->ctx->mem;
    bool more;
    size_t n = 0;
    double x;

    PS_TRY(ps_text_more(t->text, &more));
    for (; more; n++) {
        if (n == COLUMNS_MAX)
            PS_FAIL(PS_EINPUT, "%s: line 1: expected at most %d columns, found more", t->text->path,
                    COLUMNS_MAX);
        PS_TRY(ps_text_f64(t->text, "a feature", &x));
        PS_TRY(PS_GROW(m, PS_MEM_STAGING, t->row, t->row_cap, n + 1, n));
        t->row[n] = (float)x;
        PS_TRY(ps_text_more(t->text, &more));
    }
    t->head.rank = 2;
    t->head.shape[1] = n;
    return table_begin(t, PS_NPY_F4, t->im->nodes * n);
}

static PS_MUST ps_status read_row(struct table *t)
{
    double x;

    for (uint64_t c = 0; c < t->head.shape[1]; c++) {
        PS_TRY(ps_text_f64(t->text, "a feature", &x));
        t->row[c] = (float)x;
    }
    return ps_text_end(t->text, "as many columns as in the first line");
}

ps_status ps_ogb_csv_rows(struct ps_import *im, const char *path, struct ps_npy **a)
{
    struct table t;
    bool more;
    ps_status st;

    PS_GO(st, table_init(&t, im, path));
    PS_GO(st, ps_text_next(t.text, &more));
    while (more) {
        if (t.head.shape[0] == im->nodes)
            PS_GO(st, wrong_lines(&t, true));
        PS_GO(st, t.head.shape[0] == 0 ? read_first(&t) : read_row(&t));
        PS_GO(st, ps_spool_put(&t.spool, t.row, t.head.shape[1] * sizeof *t.row));
        t.head.shape[0]++;
        PS_GO(st, ps_text_next(t.text, &more));
    }
    if (t.head.shape[0] != im->nodes)
        PS_GO(st, wrong_lines(&t, false));
    PS_GO(st, ps_spool_end(&t.spool, &t.head, a));
out:
    table_fini(&t);
    return st;
}

ps_status ps_ogb_whole_labels(struct ps_import *im, struct ps_npy **a)
{
    struct ps_mem *m = &im->ctx->mem;
    struct ps_npy *from = *a;
    struct ps_npy_header head = from->head;
    struct ps_spool s = {.ctx = NULL};
    double *x = NULL;
    int64_t *label = NULL;
    ps_status st = PS_OK;

    if (ps_npy_is_integer(from))
        return PS_OK;
    head.type = PS_NPY_I8;
    *a = NULL;
    PS_GO(st, PS_NEW(m, PS_MEM_STAGING, x, CHUNK_ITEMS));
    PS_GO(st, PS_NEW(m, PS_MEM_STAGING, label, CHUNK_ITEMS));
    PS_GO(st, ps_spool_init(&s, im->ctx, from->path, im->beside, from->items * sizeof *label));
    for (uint64_t i = 0; i < from->items; i += CHUNK_ITEMS) {
        size_t n = ps_min(CHUNK_ITEMS, from->items - i);
        PS_GO(st, ps_npy_read_f64(from, i, n, x));
        for (size_t k = 0; k < n; k++)
            PS_GO(st, whole_label(from->path, "item", i + k, x[k], label + k));
        PS_GO(st, ps_spool_put(&s, label, n * sizeof *label));
    }
    PS_GO(st, ps_spool_end(&s, &head, a));
out:
    ps_npy_close(&from);
    ps_spool_fini(&s);
    ps_mem_free(m, &x);
    ps_mem_free(m, &label);
    return st;
}
