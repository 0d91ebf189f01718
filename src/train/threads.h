/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file threads.h
 * @brief How many threads a rank should use, and a warning where they are too many.
 */
#ifndef PS_TRAIN_THREADS_H
#define PS_TRAIN_THREADS_H

#include "src/graph/world.h"

/**
 * Set ctx->threads from --threads; 0 means the CPUs that the ranks of this machine may use,
 * shared between them. Warns once where all their threads exceed those CPUs, or where a
 * rank is bound to fewer CPUs than it has threads. Collective.
 */
PS_MUST ps_status ps_threads_choose(struct ps_world *w, uint64_t asked);

#endif
