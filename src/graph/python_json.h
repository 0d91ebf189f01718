/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PS_GRAPH_PYTHON_JSON_H
#define PS_GRAPH_PYTHON_JSON_H

#include "src/base/ctx.h"

#include <jansson.h>

/** Load a JSON file that Python may have written: its NaN and Infinity, which are no JSON, become
 *  empty strings. At most 1 MiB. The caller owns the reference; NULL on failure.
 *  @return PS_EINPUT with file and line */
PS_MUST ps_status ps_python_json_load(struct ps_ctx *ctx, const char *path, json_t **j);

#endif
