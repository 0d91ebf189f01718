/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file world.h
 * @brief The one thread of a rank that talks to disk and network.
 *
 * It owns the I/O engine and makes every MPI call; training hands it work and waits (or,
 * later, goes on). Where MPI allows calls from the main thread only, the work is done in
 * the caller.
 *
 * @par Threads     the functions here are called by the owner (training) only
 * @par Collective  as the functions of comm.h that they hand over
 */
#ifndef PS_GRAPH_WORLD_H
#define PS_GRAPH_WORLD_H

#include "comm/comm.h"
#include "io/fetch.h"
#include "src/base/worker.h"

struct ps_world;

/** Join the job, start the thread, open the engine. Collective. On failure all ranks fail. */
PS_MUST ps_status ps_world_open(struct ps_world **w, struct ps_ctx *ctx, const struct ps_opts *o);
/** Collective. Accepts NULL, clears *w. */
void ps_world_close(struct ps_world **w);

/**
 * The end of a job that may have failed with @p st here. Sets ctx->job_status to the status of the
 * lowest rank that failed, the same on all ranks; that rank tells its sentence, now: once the first
 * rank has left with a code that is not 0, a launcher may end the others.
 * @return PS_OK if nobody failed; PS_ECANCEL: all is told; @p st where the network broke here: then
 *         ps_world_close tells and ends the job. Not collective.
 */
ps_status ps_world_outcome(const struct ps_world *w, ps_status st);

/** The context it was opened with. Borrowed. */
struct ps_ctx *ps_world_ctx(const struct ps_world *w);
/** For questions that send nothing (rank, ranks, counts). Borrowed. */
struct ps_comm *ps_world_comm(const struct ps_world *w);
uint32_t ps_world_rank(const struct ps_world *w);
uint32_t ps_world_ranks(const struct ps_world *w);
const char *ps_world_io_name(const struct ps_world *w);
struct ps_fetch_counts ps_world_fetch_counts(const struct ps_world *w);

/** ps_io_add_file, ps_fetch_run on the thread. Not collective. */
PS_MUST ps_status ps_world_add_file(struct ps_world *w, const char *path, uint32_t *file);
PS_MUST ps_status ps_world_fetch(struct ps_world *w, const struct ps_extent *extent, uint64_t n);

/** The collectives of comm.h on the thread. */
PS_MUST ps_status ps_world_alltoall(struct ps_world *w, enum ps_traffic as, ps_status mine,
                                    const void *const *part, const uint64_t *bytes,
                                    struct ps_inbox *in);
PS_MUST ps_status ps_world_sum(struct ps_world *w, ps_status mine, float *real, uint64_t n_real,
                               double *wide, uint64_t n_wide, uint64_t *whole, uint64_t n_whole);
PS_MUST ps_status ps_world_gather(struct ps_world *w, ps_status mine, const void *own,
                                  uint64_t bytes, void *all);
PS_MUST ps_status ps_world_broadcast(struct ps_world *w, ps_status mine, void *data, uint64_t bytes,
                                     uint32_t root);
PS_MUST ps_status ps_world_agree(struct ps_world *w, ps_status mine);

#endif
