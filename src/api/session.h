/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file session.h
 * @brief What stands behind every object of the library: a context and its options.
 */
#ifndef PS_API_SESSION_H
#define PS_API_SESSION_H

#include "src/base/ctx.h"
#include "src/base/opt.h"

struct ps_session {
    struct ps_ctx ctx;
    struct ps_opts opts;
    char *line; /**< the call as one text, for the run record */
};

/**
 * A session with the options of a call; words go to stderr. Not collective.
 * @param[in] path     of the dataset, the first positional; must outlive the session
 * @param[in] options  NULL-terminated names and values in turn, or NULL. "config" counts first
 */
PS_MUST ps_status ps_session_new(struct ps_session **s, enum ps_cmd cmd, const char *path,
                                 const char *const *options);

/** End it. Accepts NULL, clears *s. @return the code that a public function returns for @p st; for
 *  PS_ECANCEL that of the rank that failed first */
int ps_session_end(struct ps_session **s, ps_status st);

/** The code of @p st while the session lives on. */
int ps_session_code(const struct ps_session *s, ps_status st);

#endif
