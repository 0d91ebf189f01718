/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file worker.h
 * @brief A thread that does what it is handed, one job after another.
 *
 * Each rank has one: the thread that brings data. It makes and owns the io_uring,
 * which so needs no lock, and prepares windows while training goes on. An inline
 * worker has no thread: jobs run in the caller at begin (for MPI libraries that
 * allow calls from the main thread only).
 *
 * @par Threads  begin, end and call come from one thread, the owner.
 * @par Failure  A job's status and sentence are handed to the caller of end.
 */
#ifndef PS_BASE_WORKER_H
#define PS_BASE_WORKER_H

#include "src/base/mem.h"

struct ps_worker;

typedef ps_status ps_job_fn(void *arg);

/** Start the thread (or not, with @p is_inline). @return PS_EMEM, PS_EIO */
PS_MUST ps_status ps_worker_new(struct ps_worker **w, struct ps_mem *m, bool is_inline);

/** Accepts NULL, clears *w. @pre no job is under way. */
void ps_worker_free(struct ps_worker **w);

/** Hand over a job; @p arg is the worker's until end. @pre no job is under way. */
void ps_worker_begin(struct ps_worker *w, ps_job_fn *fn, void *arg);
/** Wait for it. @return what the job returned */
PS_MUST ps_status ps_worker_end(struct ps_worker *w);

/** Made without a thread. */
bool ps_worker_is_inline(const struct ps_worker *w);
/** Whether the caller is the worker's own thread. */
bool ps_worker_inside(const struct ps_worker *w);

/** begin and end. Called by the worker's own thread, it just calls. */
PS_MUST ps_status ps_worker_call(struct ps_worker *w, ps_job_fn *fn, void *arg);

#endif
