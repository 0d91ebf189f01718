/* SPDX-License-Identifier: Apache-2.0 */
/* Edges of text files, one line each, one file behind the other; only one is open at a time. */
#include "src/graph/edge_source.h"

#include <string.h>

enum { PAIR = 2, FIELDS_MAX = 4 };

struct text_source {
    struct ps_edge_source base;
    struct ps_text *text; /* the file in hand */
    char **path;          /* (count) */
    uint64_t *line;       /* (PS_EDGES_CHUNK) of each edge of the last batch */
    const void *memory;   /* in place of files */
    size_t memory_bytes;
    uint64_t first_line; /* of the first edge of the file in hand */
    uint32_t count;
    uint32_t at;     /* the file in hand */
    uint32_t fields; /* words of its first edge; 0 before */
};

/* Any number of fields behind source and target: how many are there? */
static PS_MUST ps_status take_fields(struct text_source *s)
{
    struct ps_text *t = s->text;
    double unused;
    bool more;

    PS_TRY(ps_text_more(t, &more));
    while (more && t->words < FIELDS_MAX) {
        PS_TRY(ps_text_f64(t, "a weight or a time behind source and target", &unused));
        PS_TRY(ps_text_more(t, &more));
    }
    if (more)
        return ps_text_end(t, "source, target and at most two more numbers");
    if (s->fields == 0) {
        s->fields = t->words;
        s->first_line = t->line;
        s->base.more_fields = ps_u32(ps_max(s->base.more_fields, t->words - PAIR));
    }
    if (t->words != s->fields)
        PS_FAIL(PS_EINPUT,
                "%s: line %" PRIu64 ": expected %" PRIu32 " words as in line %" PRIu64
                ", found %" PRIu32,
                t->path, t->line, s->fields, s->first_line, t->words);
    return PS_OK;
}

/* The file in hand, opened if it is not. */
static PS_MUST ps_status open_text(struct text_source *s)
{
    if (s->text != NULL)
        return PS_OK;
    s->fields = 0;
    if (s->memory != NULL)
        return ps_text_memory(&s->text, s->base.ctx, s->path[0], s->memory, s->memory_bytes);
    return ps_text_open(&s->text, s->base.ctx, s->path[s->at]);
}

static PS_MUST ps_status rewind_text(struct ps_edge_source *base)
{
    struct text_source *s = (struct text_source *)base;

    if (s->at > 0)
        ps_text_close(&s->text);
    s->at = 0;
    s->fields = 0;
    PS_TRY(open_text(s)); /* held, so that its memory is counted before the sort takes its share */
    ps_text_rewind(s->text);
    return PS_OK;
}

/* Edges of the file in hand; *n is less than the chunk only at its end. */
static PS_MUST ps_status read_lines(struct text_source *s, uint64_t *source, uint64_t *target,
                                    size_t *n)
{
    bool more = true;

    for (*n = 0; *n < PS_EDGES_CHUNK; ++*n) {
        PS_TRY(ps_text_next(s->text, &more));
        if (!more)
            break;
        PS_TRY(ps_text_u64(s->text, "the source", &source[*n]));
        PS_TRY(ps_text_u64(s->text, "the target", &target[*n]));
        PS_TRY(take_fields(s));
        s->line[*n] = s->text->line;
    }
    return PS_OK;
}

static PS_MUST ps_status next_text(struct ps_edge_source *base, uint64_t *source, uint64_t *target,
                                   size_t *n)
{
    struct text_source *s = (struct text_source *)base;

    for (*n = 0; *n == 0 && s->at < s->count;) {
        PS_TRY(open_text(s));
        PS_TRY(read_lines(s, source, target, n));
        if (*n == 0) { /* else it stays open, also for where */
            ps_text_close(&s->text);
            s->at++;
        }
    }
    return PS_OK;
}

static void where_text(const struct ps_edge_source *base, size_t i, char place[PS_EDGE_PLACE_BYTES])
{
    const struct text_source *s = (const struct text_source *)base;

    snprintf(place, PS_EDGE_PLACE_BYTES, "%s: line %" PRIu64, s->text->path, s->line[i]);
}

static void close_text(struct ps_edge_source *base)
{
    struct text_source *s = (struct text_source *)base;
    struct ps_mem *m = &base->ctx->mem;

    ps_text_close(&s->text);
    for (uint32_t k = 0; s->path != NULL && k < s->count; k++)
        ps_mem_free(m, &s->path[k]);
    ps_mem_free(m, &s->path);
    ps_mem_free(m, &s->line);
    ps_mem_free(m, &s);
}

static const struct ps_edge_source_ops text_ops = {
    .rewind = rewind_text,
    .next = next_text,
    .where = where_text,
    .close = close_text,
};

static PS_MUST ps_status make(struct ps_edge_source **out, struct ps_ctx *ctx,
                              const char *const *path, uint32_t count, const void *memory,
                              size_t bytes)
{
    struct text_source *s;
    ps_status st;

    *out = NULL;
    PS_TRY(PS_NEW(&ctx->mem, PS_MEM_OTHER, s, 1));
    s->base.ops = &text_ops;
    s->base.ctx = ctx;
    s->base.edges = PS_EDGES_UNKNOWN;
    s->memory = memory;
    s->memory_bytes = bytes;
    s->count = count;
    PS_GO(st, PS_NEW(&ctx->mem, PS_MEM_OTHER, s->path, count));
    for (uint32_t k = 0; k < count; k++) {
        PS_GO(st, PS_NEW(&ctx->mem, PS_MEM_OTHER, s->path[k], strlen(path[k]) + 1));
        memcpy(s->path[k], path[k], strlen(path[k]) + 1);
    }
    s->base.name = s->path[0];
    PS_GO(st, PS_NEW(&ctx->mem, PS_MEM_STAGING, s->line, PS_EDGES_CHUNK));
    PS_GO(st, rewind_text(&s->base));
    *out = &s->base;
    return PS_OK;
out:
    close_text(&s->base);
    return st;
}

ps_status ps_edge_source_text(struct ps_edge_source **s, struct ps_ctx *ctx,
                              const char *const *path, uint32_t count)
{
    return make(s, ctx, path, count, NULL, 0);
}

ps_status ps_edge_source_text_memory(struct ps_edge_source **s, struct ps_ctx *ctx,
                                     const char *name, const void *data, size_t bytes)
{
    return make(s, ctx, &name, 1, data != NULL ? data : "", bytes);
}
