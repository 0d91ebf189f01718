/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file texts.h
 * @brief The texts that repeat the options table: man page, completion, docs/options.md.
 *
 * `penstock texts man|bash|markdown` prints one of them; the command is for
 * scripts/make-texts.sh and is not in --help. A test compares what it prints with the
 * committed files, so a text cannot say other than the program does.
 */
#ifndef PS_CLI_TEXTS_H
#define PS_CLI_TEXTS_H

#include "src/base/opt_row.h"
#include "src/cli/cmd.h"

/** `penstock texts WHICH` on stdout. @param[in] argv  (argc) argv[1] is "texts"
 *  @return PS_EUSAGE for another WHICH, PS_EIO if stdout cannot be written */
PS_MUST ps_status ps_texts_print(int argc, char **argv);

/** The three texts. A failed write shows in ferror(out). */
void ps_texts_man(FILE *out);
void ps_texts_bash(FILE *out);
void ps_texts_markdown(FILE *out);

/** An exit code with its meaning and what helps. */
struct ps_texts_code {
    int code;
    const char *meaning, *remedy;
};
/** An environment variable that matters, and how. */
struct ps_texts_variable {
    const char *name, *meaning;
};
extern const struct ps_texts_code ps_texts_codes[];         /* ends with meaning NULL */
extern const struct ps_texts_variable ps_texts_variables[]; /* ends with name NULL */

/** A walk over the rows that a command knows, in the order of the table. */
struct ps_texts_walk {
    unsigned cmds;
    int at;
    const char *title; /* of a group not yet told */
};
/** The next row, or NULL. @param[out] title  of the group that begins here, or NULL */
const struct ps_opt_row *ps_texts_next(struct ps_texts_walk *w, const char **title);

/** What stands for the value: "FILE.npy", "N"; "" for a flag. Never NULL. */
const char *ps_texts_value(const struct ps_opt_row *r);

enum { PS_TEXTS_LIMITS_BYTES = 96 };
/** "1 to 1024", "4K to 16M"; "" where there is no order. */
void ps_texts_limits(const struct ps_opt_row *r, char out[PS_TEXTS_LIMITS_BYTES]);

/** One of the words of "a|b|c", and where the next begins; NULL at the end.
 *  @param[out] bytes  of the word */
const char *ps_texts_word(const char **rest, size_t *bytes);

#endif
