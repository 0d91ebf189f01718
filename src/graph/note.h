/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file note.h
 * @brief What ingest commands write beside the arrays: report and provenance.
 *
 * @par Failure  PS_EMEM
 */
#ifndef PS_GRAPH_NOTE_H
#define PS_GRAPH_NOTE_H

#include "src/base/err.h"

#include <jansson.h>
#include <stdint.h>

/** Set a key to a number below 2^63. */
PS_MUST ps_status ps_note_u64(json_t *report, const char *key, uint64_t x);
/** Set a key to a finite number. */
PS_MUST ps_status ps_note_real(json_t *report, const char *key, double x);
/** Set a key to a text; what is not UTF-8 becomes a remark that it was not. */
PS_MUST ps_status ps_note_text(json_t *report, const char *key, const char *text);
/** Takes the reference of @p value, which may be NULL if memory was out. */
PS_MUST ps_status ps_note_json(json_t *report, const char *key, json_t *value);

/** The name of a dataset at @p path: its last part without ".ps". @return PS_EUSAGE if it does
 *  not fit in @p bytes */
PS_MUST ps_status ps_note_name(const char *path, char *name, size_t bytes);

/** Something at @p path? Then fail as the writer will, but before the work.
 *  @return PS_EUSAGE if @p path is empty, or exists and not @p force */
PS_MUST ps_status ps_note_free_path(const char *path, int force);

#endif
