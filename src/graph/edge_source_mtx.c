/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Edges of a Matrix Market file: a line that says what it is, comments, a line with rows, columns
 * and entries, then a line for each entry, from 1. What the header says is compared with what is
 * there.
 */
#include "src/graph/edge_source.h"

#include <string.h>
#include <strings.h>

enum { PAIR = 2, HEADER_WORDS = 5, LINE_BYTES_LEAST = 4 /* "1 1" and its end */ };

struct mtx_source {
    struct ps_edge_source base;
    struct ps_text *text;
    uint64_t nodes;     /* rows and columns */
    uint64_t size_line; /* that says how many */
    uint64_t done;      /* entries read in this pass */
    uint64_t first;     /* of them before the last batch */
    bool values;        /* a number behind row and column */
};

/* Word @p k of the first line must be @p want. */
static PS_MUST ps_status want_word(const struct mtx_source *s, int k, const char *word,
                                   const char *want)
{
    if (strcasecmp(word, want) != 0)
        PS_FAIL(PS_EINPUT, "%s: line 1: expected '%s' as word %d, found '%.40s'", s->text->path,
                want, k + 1, word);
    return PS_OK;
}

/* The kind of numbers and the symmetry. */
static PS_MUST ps_status read_kind(struct mtx_source *s, const char *field, const char *symmetry)
{
    s->values = strcasecmp(field, "pattern") != 0;
    if (s->values && strcasecmp(field, "real") != 0 && strcasecmp(field, "integer") != 0)
        PS_FAIL(PS_EINPUT,
                "%s: line 1: expected a matrix of pattern, real or integer, found "
                "'%.40s'",
                s->text->path, field);
    s->base.symmetric = strcasecmp(symmetry, "symmetric") == 0;
    if (!s->base.symmetric && strcasecmp(symmetry, "general") != 0)
        PS_FAIL(PS_EINPUT, "%s: line 1: expected a general or symmetric matrix, found '%.40s'",
                s->text->path, symmetry);
    s->base.more_fields = s->values;
    return PS_OK;
}

static PS_MUST ps_status read_banner(struct mtx_source *s)
{
    struct ps_text *t = s->text;
    char *word[HEADER_WORDS] = {0}, *rest = NULL, *w;
    bool more;
    int n = 0;

    PS_TRY(ps_text_line(t, &more));
    w = more ? strtok_r(t->at, " \t\r", &rest) : NULL;
    for (; w != NULL && n < HEADER_WORDS; w = strtok_r(NULL, " \t\r", &rest))
        word[n++] = w;
    if (n == 0 || strcasecmp(word[0], "%%MatrixMarket") != 0)
        PS_FAIL(PS_EINPUT, "%s: is no Matrix Market file: it does not begin with %%%%MatrixMarket",
                t->path);
    if (n < HEADER_WORDS || w != NULL)
        PS_FAIL(PS_EINPUT, "%s: line 1: expected 5 words, found %s", t->path,
                w != NULL ? "more" : "fewer");
    PS_TRY(want_word(s, 1, word[1], "matrix"));
    PS_TRY(want_word(s, 2, word[2], "coordinate"));
    return read_kind(s, word[3], word[4]);
}

static PS_MUST ps_status read_sizes(struct mtx_source *s)
{
    struct ps_text *t = s->text;
    uint64_t rows, columns, entries;
    uint64_t most = ps_stream_bytes_max(t->stream) / LINE_BYTES_LEAST + 1;
    bool more;

    PS_TRY(ps_text_next(t, &more));
    if (!more)
        PS_FAIL(PS_EINPUT, "%s: ends at line %" PRIu64 ", expected rows, columns and entries",
                t->path, t->line);
    PS_TRY(ps_text_u64(t, "rows", &rows));
    PS_TRY(ps_text_u64(t, "columns", &columns));
    PS_TRY(ps_text_u64(t, "entries", &entries));
    PS_TRY(ps_text_end(t, "rows, columns and entries"));
    if (rows != columns || rows == 0)
        PS_FAIL(PS_EINPUT,
                "%s: line %" PRIu64 ": expected a square matrix, found %" PRIu64
                " rows and %" PRIu64 " columns",
                t->path, t->line, rows, columns);
    if (entries > most)
        PS_FAIL(PS_EINPUT, "%s: line %" PRIu64 ": %" PRIu64 " entries are more than the file holds",
                t->path, t->line, entries);
    s->size_line = t->line;
    s->nodes = rows;
    s->base.edges = entries;
    return PS_OK;
}

static PS_MUST ps_status rewind_mtx(struct ps_edge_source *base)
{
    struct mtx_source *s = (struct mtx_source *)base;

    ps_text_rewind(s->text);
    s->done = 0;
    PS_TRY(read_banner(s));
    return read_sizes(s);
}

static PS_MUST ps_status read_index(struct mtx_source *s, const char *what, uint64_t *node)
{
    uint64_t i;

    PS_TRY(ps_text_u64(s->text, what, &i));
    if (i == 0 || i > s->nodes)
        PS_FAIL(PS_EINPUT,
                "%s: line %" PRIu64 " has %s %" PRIu64 ", expected 1 to %" PRIu64
                " as line %" PRIu64 " says",
                s->text->path, s->text->line, what, i, s->nodes, s->size_line);
    *node = i - 1;
    return PS_OK;
}

static PS_MUST ps_status read_entry(struct mtx_source *s, uint64_t *source, uint64_t *target)
{
    struct ps_text *t = s->text;
    double unused;

    PS_TRY(read_index(s, "row", source));
    PS_TRY(read_index(s, "column", target));
    if (s->values)
        PS_TRY(ps_text_f64(t, "a value", &unused));
    PS_TRY(ps_text_end(t, s->values ? "row, column and value" : "row and column"));
    if (s->base.symmetric && *target > *source)
        PS_FAIL(PS_EINPUT,
                "%s: line %" PRIu64 ": expected an entry on or below the diagonal of a symmetric "
                "matrix, found row %" PRIu64 ", column %" PRIu64,
                t->path, t->line, *source + 1, *target + 1);
    return PS_OK;
}

static PS_MUST ps_status next_mtx(struct ps_edge_source *base, uint64_t *source, uint64_t *target,
                                  size_t *n)
{
    struct mtx_source *s = (struct mtx_source *)base;
    bool more = true;

    s->first = s->done;
    for (*n = 0; *n < PS_EDGES_CHUNK; ++*n) {
        PS_TRY(ps_text_next(s->text, &more));
        if (!more)
            break;
        if (s->done == base->edges)
            PS_FAIL(PS_EINPUT,
                    "%s: line %" PRIu64 ": expected the end of the file after %" PRIu64
                    " entries as line %" PRIu64 " says",
                    s->text->path, s->text->line, base->edges, s->size_line);
        PS_TRY(read_entry(s, &source[*n], &target[*n]));
        s->done++;
    }
    if (!more && s->done < base->edges)
        PS_FAIL(PS_EINPUT,
                "%s: ends at line %" PRIu64 " after %" PRIu64 " entries, expected %" PRIu64
                " as line %" PRIu64 " says",
                s->text->path, s->text->line, s->done, base->edges, s->size_line);
    return PS_OK;
}

static void where_mtx(const struct ps_edge_source *base, size_t i, char place[PS_EDGE_PLACE_BYTES])
{
    const struct mtx_source *s = (const struct mtx_source *)base;

    snprintf(place, PS_EDGE_PLACE_BYTES, "%s: entry %" PRIu64, s->text->path, s->first + i + 1);
}

static void close_mtx(struct ps_edge_source *base)
{
    struct mtx_source *s = (struct mtx_source *)base;

    ps_text_close(&s->text);
    ps_mem_free(&base->ctx->mem, &s);
}

static const struct ps_edge_source_ops mtx_ops = {
    .rewind = rewind_mtx,
    .next = next_mtx,
    .where = where_mtx,
    .close = close_mtx,
};

static PS_MUST ps_status make(struct ps_edge_source **out, struct ps_ctx *ctx, const char *path,
                              const void *memory, size_t bytes, uint64_t *nodes)
{
    struct mtx_source *s;
    ps_status st;

    *out = NULL;
    PS_TRY(PS_NEW(&ctx->mem, PS_MEM_OTHER, s, 1));
    s->base.ops = &mtx_ops;
    s->base.ctx = ctx;
    PS_GO(st, memory != NULL ? ps_text_memory(&s->text, ctx, path, memory, bytes)
                             : ps_text_open(&s->text, ctx, path));
    s->base.name = s->text->path;
    PS_GO(st, rewind_mtx(&s->base));
    *nodes = s->nodes;
    *out = &s->base;
    return PS_OK;
out:
    close_mtx(&s->base);
    return st;
}

ps_status ps_edge_source_mtx(struct ps_edge_source **s, struct ps_ctx *ctx, const char *path,
                             uint64_t *nodes)
{
    return make(s, ctx, path, NULL, 0, nodes);
}

ps_status ps_edge_source_mtx_memory(struct ps_edge_source **s, struct ps_ctx *ctx, const char *name,
                                    const void *data, size_t bytes, uint64_t *nodes)
{
    return make(s, ctx, name, data != NULL ? data : "", bytes, nodes);
}
