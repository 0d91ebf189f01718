/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file log.h
 * @brief Words for the person at the terminal: stderr, rank 0, one line each.
 *
 * stdout belongs to results (tables, `--json`); everything said on the way
 * goes to stderr with the prefix `penstock:`. Other ranks are silent unless
 * they have something that only they know (ps_log_here).
 */
#ifndef PS_BASE_LOG_H
#define PS_BASE_LOG_H

#include "src/base/err.h"

#include <stdbool.h>

struct ps_log {
    FILE *out;          /**< NULL: say nothing */
    int rank;           /**< only rank 0 speaks through ps_log */
    bool quiet;         /**< only warnings */
    bool is_terminal;   /**< progress may overwrite its line */
    bool progress_open; /**< a progress line waits for its newline */
};

/** Words go to @p out (NULL: nowhere), as rank 0 until told otherwise. */
void ps_log_init(struct ps_log *log, FILE *out);

/** One line from rank 0; silent with quiet. */
void ps_log(struct ps_log *log, const char *fmt, ...) PS_PRINTF(2, 3);
/** One line from rank 0, with `warning:`; never silenced. */
void ps_warn(struct ps_log *log, const char *fmt, ...) PS_PRINTF(2, 3);
/** One line from this rank, whichever it is, with its number. */
void ps_log_here(struct ps_log *log, const char *fmt, ...) PS_PRINTF(2, 3);
/** Progress from rank 0: overwritten in place on a terminal, else a line. The
 *  caller decides how often. */
void ps_log_progress(struct ps_log *log, const char *fmt, ...) PS_PRINTF(2, 3);
/** Finish an open progress line. */
void ps_log_progress_end(struct ps_log *log);

#endif
