/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file text_read.h
 * @brief Lines and words of a text file, plain or gzip, with the number of the line.
 *
 * Words are separated by white space (blank, tab, carriage return, vertical tab, form feed), or by
 * one comma or semicolon with or without white space around it; an empty field is refused. A `#`
 * or `%` at the beginning of a word begins a comment. The last line may lack its newline; a
 * byte order mark is skipped. Refused with file and line: lines above PS_TEXT_LINE_MAX bytes, NUL
 * bytes, words that are not the number that was asked for, numbers that overflow.
 *
 *   while (PS_TRY(ps_text_next(t, &more)), more) { ps_text_u64(t, ..); ... ps_text_end(t, ..); }
 *
 * Numbers do not depend on the locale of the process: the decimal point is a point.
 *
 * @par Memory   1 MiB, and the stream's
 * @par Failure  PS_EINPUT with file, line, expected and found; PS_EIO; PS_EMEM
 * @par Threads  one file, one thread
 */
#ifndef PS_GRAPH_TEXT_READ_H
#define PS_GRAPH_TEXT_READ_H

#include "src/graph/stream.h"

#include <locale.h>

enum { PS_TEXT_LINE_MAX = 1024 * 1024, PS_TEXT_SHOWN = 44 };

/** One open file. Read the first three members, leave the others alone. */
struct ps_text {
    const char *path; /**< borrowed from the stream */
    uint64_t line;    /**< number of the line in hand, from 1; 0 before the first */
    uint32_t words;   /**< numbers taken from it */
    char *at, *stop;  /**< what is left of it; *stop is 0 */
    struct ps_ctx *ctx;
    struct ps_stream *stream;
    char *buffer;      /**< (PS_TEXT_LINE_MAX + 2) */
    size_t begin, end; /**< of the bytes in the buffer that no line was made of yet */
    locale_t c_locale;
    bool at_end; /**< the stream has no more */
};

/** Open a file. @return PS_EINPUT, PS_EIO, PS_EMEM */
PS_MUST ps_status ps_text_open(struct ps_text **t, struct ps_ctx *ctx, const char *path);
/** The same over bytes in memory (plain or gzip), which are borrowed until close. */
PS_MUST ps_status ps_text_memory(struct ps_text **t, struct ps_ctx *ctx, const char *name,
                                 const void *data, size_t bytes);
/** Accepts NULL, clears *t. */
void ps_text_close(struct ps_text **t);
/** Before the first line again. */
void ps_text_rewind(struct ps_text *t);

/** The next line, whatever is in it; *more is false behind the last. t->at to t->stop are its
 *  bytes, without the newline, until the next call. */
PS_MUST ps_status ps_text_line(struct ps_text *t, bool *more);
/** The next line that has a word; blank lines and comments are skipped. */
PS_MUST ps_status ps_text_next(struct ps_text *t, bool *more);

/** Whether the line has another word; it then begins at t->at. */
PS_MUST ps_status ps_text_more(struct ps_text *t, bool *more);

/* The next word of the line as a number. @p what says what it is, for the sentence: "expected
 * WHAT, a whole number, found 'x'". A line that has no more words is refused too. */

/** 0 to 2^64 - 1. */
PS_MUST ps_status ps_text_u64(struct ps_text *t, const char *what, uint64_t *x);
/** -2^63 to 2^63 - 1. */
PS_MUST ps_status ps_text_i64(struct ps_text *t, const char *what, int64_t *x);
/** Decimal, with or without exponent, or nan, or inf; 1e999 is refused, 1e-999 is 0. */
PS_MUST ps_status ps_text_f64(struct ps_text *t, const char *what, double *x);

/** Fail if the line has another word: "expected only EXPECTED, found also 'x'". */
PS_MUST ps_status ps_text_end(struct ps_text *t, const char *expected);

/** The word at t->at as a sentence may hold it: cut, without control characters.
 *  @return @p text */
const char *ps_text_shown(const struct ps_text *t, char text[PS_TEXT_SHOWN]);

#endif
