/* SPDX-License-Identifier: Apache-2.0 */
#include "src/graph/text_read.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static PS_MUST ps_status make(struct ps_text **out, struct ps_ctx *ctx, struct ps_stream **stream)
{
    struct ps_text *t;
    ps_status st;

    PS_TRY(PS_NEW(&ctx->mem, PS_MEM_OTHER, t, 1));
    t->ctx = ctx;
    PS_GO(st, PS_NEW(&ctx->mem, PS_MEM_STAGING, t->buffer, PS_TEXT_LINE_MAX + 2));
    t->c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (t->c_locale == (locale_t)0)
        PS_GO_FAIL(st, PS_EMEM, "out of memory for the C locale");
    t->stream = *stream;
    *stream = NULL;
    t->path = ps_stream_path(t->stream);
    ps_text_rewind(t);
    *out = t;
    t = NULL;
out:
    ps_text_close(&t);
    return st;
}

ps_status ps_text_open(struct ps_text **t, struct ps_ctx *ctx, const char *path)
{
    struct ps_stream *s;
    ps_status st;

    *t = NULL;
    PS_TRY(ps_stream_open(&s, ctx, path));
    st = make(t, ctx, &s);
    ps_stream_close(&s);
    return st;
}

ps_status ps_text_memory(struct ps_text **t, struct ps_ctx *ctx, const char *name, const void *data,
                         size_t bytes)
{
    struct ps_stream *s;
    ps_status st;

    *t = NULL;
    PS_TRY(ps_stream_memory(&s, ctx, name, data, bytes));
    st = make(t, ctx, &s);
    ps_stream_close(&s);
    return st;
}

void ps_text_close(struct ps_text **t)
{
    struct ps_text *p = *t;
    struct ps_ctx *ctx;

    if (p == NULL)
        return;
    ctx = p->ctx;
    ps_stream_close(&p->stream);
    if (p->c_locale != (locale_t)0)
        freelocale(p->c_locale);
    ps_mem_free(&ctx->mem, &p->buffer);
    ps_mem_free(&ctx->mem, t);
}

void ps_text_rewind(struct ps_text *t)
{
    ps_stream_rewind(t->stream);
    t->line = 0;
    t->words = 0;
    t->begin = t->end = 0;
    t->at = t->stop = t->buffer;
    t->at_end = false;
}

/* Move what is left to the front and fill up behind it. */
static PS_MUST ps_status fill(struct ps_text *t)
{
    size_t want, got;

    memmove(t->buffer, t->buffer + t->begin, t->end - t->begin);
    t->end -= t->begin;
    t->begin = 0;
    want = PS_TEXT_LINE_MAX + 1 - t->end; /* one more for the newline, one for the 0 behind */
    PS_TRY(ps_stream_read(t->stream, t->buffer + t->end, want, &got));
    t->end += got;
    t->at_end = got < want;
    return PS_OK;
}

static char *find_newline(const struct ps_text *t)
{
    return memchr(t->buffer + t->begin, '\n', t->end - t->begin);
}

ps_status ps_text_line(struct ps_text *t, bool *more)
{
    char *newline = find_newline(t), *nul;

    if (newline == NULL && !t->at_end) {
        PS_TRY(fill(t));
        newline = find_newline(t);
    }
    *more = newline != NULL || t->end > t->begin;
    t->at = t->stop = t->buffer + t->begin;
    t->words = 0;
    if (!*more)
        return PS_OK;
    t->line++;
    if (newline == NULL && t->end - t->begin > PS_TEXT_LINE_MAX)
        PS_FAIL(PS_EINPUT, "%s: line %" PRIu64 " is longer than %d bytes", t->path, t->line,
                PS_TEXT_LINE_MAX);
    t->stop = newline != NULL ? newline : t->buffer + t->end;
    t->begin = (size_t)(t->stop - t->buffer) + (newline != NULL);
    *t->stop = '\0';
    nul = memchr(t->at, '\0', (size_t)(t->stop - t->at));
    if (nul != NULL)
        PS_FAIL(PS_EINPUT, "%s: line %" PRIu64 " has a NUL byte at column %zu; expected text",
                t->path, t->line, (size_t)(nul - t->at) + 1);
    if (t->line == 1 && strncmp(t->at, "\xef\xbb\xbf", 3) == 0)
        t->at += 3;
    return PS_OK;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

static bool is_comma(char c)
{
    return c == ',' || c == ';';
}

static bool ends_word(char c)
{
    return c == '\0' || is_space(c) || is_comma(c);
}

ps_status ps_text_more(struct ps_text *t, bool *more)
{
    bool comma = false;

    while (is_space(*t->at))
        t->at++;
    if (t->words > 0 && is_comma(*t->at)) {
        comma = true;
        do
            t->at++;
        while (is_space(*t->at));
    }
    *more = *t->at != '\0' && *t->at != '#' && *t->at != '%';
    if (is_comma(*t->at) || (comma && !*more))
        PS_FAIL(PS_EINPUT, "%s: line %" PRIu64 ": field %" PRIu32 " is empty", t->path, t->line,
                t->words + 1);
    if (!*more)
        t->at = t->stop;
    return PS_OK;
}

ps_status ps_text_next(struct ps_text *t, bool *more)
{
    bool word = false;

    do {
        PS_TRY(ps_text_line(t, more));
        if (*more)
            PS_TRY(ps_text_more(t, &word));
    } while (*more && !word);
    return PS_OK;
}

const char *ps_text_shown(const struct ps_text *t, char text[PS_TEXT_SHOWN])
{
    enum { MORE = 3 };
    size_t n = 0;

    while (!ends_word(t->at[n]) && n < PS_TEXT_SHOWN - 1 - MORE) {
        unsigned char c = (unsigned char)t->at[n];
        text[n++] = (char)(c < ' ' || c > '~' ? '?' : c);
    }
    memcpy(text + n, "...", MORE);
    if (ends_word(t->at[n]))
        text[n] = '\0';
    else
        text[n + MORE] = '\0';
    return text;
}

static PS_MUST ps_status refuse(const struct ps_text *t, const char *what, const char *kind)
{
    char text[PS_TEXT_SHOWN];

    PS_FAIL(PS_EINPUT, "%s: line %" PRIu64 ": expected %s, %s, found '%s'", t->path, t->line, what,
            kind, ps_text_shown(t, text));
}

/* To the word that must be there. */
static PS_MUST ps_status find_word(struct ps_text *t, const char *what)
{
    bool more;

    PS_TRY(ps_text_more(t, &more));
    if (!more)
        PS_FAIL(PS_EINPUT, "%s: line %" PRIu64 ": expected %s, found the end of the line", t->path,
                t->line, what);
    return PS_OK;
}

/* The digits from @p p to the end of the word. @return NULL if it is no number or above 2^64 - 1 */
static char *parse_digits(char *p, uint64_t *x)
{
    uint64_t v = 0;
    char *first = p;

    for (; *p >= '0' && *p <= '9'; p++)
        if (__builtin_mul_overflow(v, UINT64_C(10), &v) ||
            __builtin_add_overflow(v, (uint64_t)(*p - '0'), &v))
            return NULL;
    *x = v;
    return p > first && ends_word(*p) ? p : NULL;
}

ps_status ps_text_u64(struct ps_text *t, const char *what, uint64_t *x)
{
    char *end;

    PS_TRY(find_word(t, what));
    end = parse_digits(t->at, x);
    if (end == NULL)
        return refuse(t, what, "a whole number from 0 to 2^64 - 1");
    t->at = end;
    t->words++;
    return PS_OK;
}

ps_status ps_text_i64(struct ps_text *t, const char *what, int64_t *x)
{
    uint64_t magnitude = 0;
    bool negative;
    char *end;

    PS_TRY(find_word(t, what));
    negative = *t->at == '-';
    end = parse_digits(t->at + negative, &magnitude);
    if (end == NULL || magnitude > (uint64_t)INT64_MAX + negative)
        return refuse(t, what, "a whole number from -2^63 to 2^63 - 1");
    *x = (int64_t)(negative ? 0 - magnitude : magnitude);
    t->at = end;
    t->words++;
    return PS_OK;
}

ps_status ps_text_f64(struct ps_text *t, const char *what, double *x)
{
    char *end;
    size_t n;

    PS_TRY(find_word(t, what));
    n = strcspn(t->at, " \t\r\v\f,;");
    errno = 0;
    *x = strtod_l(t->at, &end, t->c_locale);
    /* hexadecimal and nan(...) are strtod's own; a small number that rounds to 0 is no error */
    if (end != t->at + n || memchr(t->at, 'x', n) != NULL || memchr(t->at, 'X', n) != NULL ||
        memchr(t->at, '(', n) != NULL)
        return refuse(t, what, "a number");
    if (errno == ERANGE && isinf(*x))
        return refuse(t, what, "a number that fits float64");
    t->at = end;
    t->words++;
    return PS_OK;
}

ps_status ps_text_end(struct ps_text *t, const char *expected)
{
    char text[PS_TEXT_SHOWN];
    bool more;

    PS_TRY(ps_text_more(t, &more));
    if (more)
        PS_FAIL(PS_EINPUT, "%s: line %" PRIu64 ": expected only %s, found also '%s'", t->path,
                t->line, expected, ps_text_shown(t, text));
    return PS_OK;
}
