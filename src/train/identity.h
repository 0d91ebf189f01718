/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file identity.h
 * @brief Which options decide what a run computes: a resumed run must have the same.
 *
 * All options of train do but those of reading from disk, of talking to other ranks and of their
 * simulation, and a few that say where and how fast (the list is in identity.c). So a new option
 * belongs to the identity until somebody says that it does not.
 */
#ifndef PS_TRAIN_IDENTITY_H
#define PS_TRAIN_IDENTITY_H

#include "src/base/opt.h"

/** The options of the identity with their values. The caller owns it; NULL if memory is out. */
json_t *ps_identity(const struct ps_opts *o);

/**
 * Compare.
 * @param[in] then  an object that has at least the options of the identity, as ps_identity or
 *                  ps_opts_json made it, from where it was stored
 * @param[in] where the file that it was read from, for the sentence
 * @return PS_EUSAGE naming the option, its value then and now
 */
PS_MUST ps_status ps_identity_check(const struct ps_opts *o, const json_t *then, const char *where);

#endif
