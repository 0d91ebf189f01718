/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file opt_row.h
 * @brief One row of the options table, for the files that read the table.
 */
#ifndef PS_BASE_OPT_ROW_H
#define PS_BASE_OPT_ROW_H

#include "src/base/opt.h"

#include <stddef.h>

enum ps_opt_type {
    PS_TYPE_BOOL,
    PS_TYPE_COUNT,
    PS_TYPE_BYTES,
    PS_TYPE_TIME,
    PS_TYPE_REAL,
    PS_TYPE_ENUM,
    PS_TYPE_TEXT,
    PS_TYPE_LIST,
};

struct ps_opt_row {
    const char *name;  /**< "batch-size"; NULL in a row that only opens a group */
    const char *title; /**< of the group, in such a row */
    const char *dfl;
    const char *unit; /**< for ENUM: the choices, separated by '|' */
    const char *help;
    double lo, hi;
    size_t offset; /**< in struct ps_opts */
    unsigned cmds; /**< ps_cmd, or-ed */
    enum ps_opt_type type;
};

extern const struct ps_opt_row ps_opt_rows[];
extern const int ps_opt_row_count;

/** The row of that name that one of @p cmds knows, or NULL. */
const struct ps_opt_row *ps_opt_row_find(unsigned cmds, const char *name);
/** Fail with a suggestion. @return PS_EUSAGE always */
PS_MUST ps_status ps_opt_unknown(unsigned cmds, const char *name);
PS_MUST ps_status ps_opt_row_set(struct ps_opts *o, const struct ps_opt_row *r, const char *text);

#endif
