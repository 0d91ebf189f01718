/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file paths.h
 * @brief Several files in one option: "a.npy,b.npy".
 *
 * @par Failure  PS_EMEM; PS_EUSAGE for an empty name
 */
#ifndef PS_GRAPH_PATHS_H
#define PS_GRAPH_PATHS_H

#include "src/base/ctx.h"

struct ps_paths {
    struct ps_ctx *ctx;
    char *text;        /**< the names, each with a 0 behind it */
    const char **item; /**< (count) */
    uint32_t count;
};

/** Cut @p list at its commas; a file whose name is the whole list is one file. */
PS_MUST ps_status ps_paths_split(struct ps_paths *p, struct ps_ctx *ctx, const char *list);
/** Give the memory back; accepts zeros. */
void ps_paths_fini(struct ps_paths *p);

#endif
