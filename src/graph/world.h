/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file world.h
 * @brief Disk and network of a rank: the thread that brings data, beside the one that trains.
 *
 * A thread owns the I/O engine. The owner of the world hands it reads and waits, or hands it a
 * whole job, which reads and exchanges while the owner goes on. Collective calls of the job and of
 * the owner have an order each and travel on communicators of their own; MPI is never called by two
 * threads at a time. Where MPI allows calls from the main thread only, jobs are done in the caller.
 *
 * @par Threads     the functions here are called by the owner (training) and by its job
 * @par Collective  as the functions of comm.h
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

/**
 * Hand a whole job to the thread: it may use everything below while the owner goes on, who until
 * the end may make collective calls but no reads. At most one job at a time. Where MPI allows calls
 * from the main thread only the job is done at once.
 */
void ps_world_begin(struct ps_world *w, ps_job_fn *fn, void *arg);
/** Wait for it. @return what it returned */
PS_MUST ps_status ps_world_end(struct ps_world *w);

/** ps_io_add_file, ps_fetch_run on the thread. Not collective. By the owner only while no job is
 *  under way. */
PS_MUST ps_status ps_world_add_file(struct ps_world *w, const char *path, uint32_t *file);
PS_MUST ps_status ps_world_fetch(struct ps_world *w, const struct ps_extent *extent, uint64_t n);

/** The collectives of comm.h. */
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
