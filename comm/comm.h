/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file comm.h
 * @brief The network edge: ranks, all-to-all in pieces, sums in rank order.
 *
 * Backends are tables of a few functions (struct ps_comm_ops): mpi, self (one
 * rank, no MPI started) and sim (ranks are threads of one process, comm/fabric.h). The generic
 * layer builds the operations below on non-blocking point-to-point messages of at most
 * PS_COMM_PIECE_BYTES, so no count ever meets the 2^31 limit of MPI, and sums do not depend on the
 * algorithm that an MPI library chooses.
 *
 * It never blocks inside MPI: messages are posted and tested, with sleeps of
 * at most 200 us between. A wait longer than the timeout says which rank
 * waits for which and for what, and aborts the job with exit code 5.
 *
 * @par Collective   every function marked so is called by all ranks in the same order
 * @par Status       each of them carries a status word. A rank that failed calls with its
 *                   status and takes part with nothing; the others get PS_ECANCEL, it gets
 *                   its own status back. It need not know which call the others are in:
 *                   any call with its status makes them leave theirs. ps_comm_first_failure
 *                   tells the lowest failing rank and its status, the same on all ranks;
 *                   that rank tells its sentence, all exit with that status' code.
 * @par Threads      calls of one communicator from one thread at a time; see ps_comm_twin
 * @par Determinism  results are stored by rank, never by time of arrival; sums are
 *                   made in the order of ranks
 */
#ifndef COMM_COMM_H
#define COMM_COMM_H

#include "src/base/ctx.h"
#include "src/base/opt.h"

struct ps_comm;

enum { PS_COMM_PIECE_BYTES = 4 << 20, PS_COMM_OPS_VERSION = 2 };

/** What bytes are counted as. */
enum ps_traffic {
    PS_TRAFFIC_ROWS,
    PS_TRAFFIC_IDS,
    PS_TRAFFIC_SAMPLING,
    PS_TRAFFIC_GRADIENTS,
    PS_TRAFFIC_OTHER,
    PS_TRAFFIC_COUNT
};
const char *ps_traffic_name(enum ps_traffic t); /**< "rows" and so on */

/** True where a launcher (mpirun, srun --mpi=pmix or pmi2) started this process as one of
 *  several or of one; then the mpi backend is used, else self. Told by the variables that
 *  launchers set: OMPI_COMM_WORLD_SIZE, PMIX_RANK, PMI_RANK, PMI_SIZE, MPI_LOCALNRANKS,
 *  MV2_COMM_WORLD_SIZE. SLURM_* are not looked at: the shell of a batch job has them too. */
bool ps_comm_launched(void);

/** The rank of @p ctx before the job is joined: that on its simulated network, else that of the
 *  process as its launcher says; 0 where none tells. */
uint32_t ps_comm_launch_rank(const struct ps_ctx *ctx);

/**
 * Join the job by the backend that @p o names; auto is mpi where a launcher started us, else self.
 * mpi asks for MPI_THREAD_SERIALIZED; sim needs ctx->fabric. Collective. Sets ctx->log.rank.
 * Duplicates the world communicator twice: exchanges, and sums. MPI can be started once in a
 * process.
 *
 * A rank of several that fails here after MPI has started ends the job, since the
 * others count on it and cannot be told; alone, it returns the failure.
 */
PS_MUST ps_status ps_comm_new(struct ps_comm **c, struct ps_ctx *ctx, const struct ps_opts_comm *o);
/**
 * A second communicator of the same ranks, whose calls have an order of their own: one thread may
 * be in a call of this one while another is in a call of the first. Collective on @p of, which is
 * borrowed and must be freed last; it then counts bytes and failures of both.
 * @return PS_EMEM, PS_EPEER, on all ranks alike
 */
PS_MUST ps_status ps_comm_twin(struct ps_comm **c, struct ps_comm *of);
/** Leave the job (MPI_Finalize). Collective; after a failure that all ranks
 *  know of too. Accepts NULL, clears *c. Where the network failed, or the others are not
 *  leaving, it ends the job with code 5 as ps_comm_abort does: leaving would wait for ever. */
void ps_comm_free(struct ps_comm **c);
/** End the whole job now with the exit code of @p st; prints this thread's sentence first,
 *  as ps_comm_tell does. */
__attribute__((noreturn)) void ps_comm_abort(struct ps_comm *c, ps_status st);

/** Print this thread's sentence on stderr. Where ranks share a process, the first that tells is
 *  the only one. Not collective. */
void ps_comm_tell(struct ps_comm *c);

uint32_t ps_comm_rank(const struct ps_comm *c);    /**< this one, from 0 */
uint32_t ps_comm_ranks(const struct ps_comm *c);   /**< how many; at least 1 */
const char *ps_comm_name(const struct ps_comm *c); /**< "mpi", "self", "sim" */
/** MPI may be called from a thread that is not the main one. */
bool ps_comm_any_thread(const struct ps_comm *c);
/** Ranks on this machine, this one included. */
uint32_t ps_comm_local_ranks(const struct ps_comm *c);

/** What arrived: the parts of all ranks one behind the other, each begun at a multiple of 8. */
struct ps_inbox {
    unsigned char *data;
    size_t cap;
    uint64_t *begin; /**< (ranks+1) offset of each rank's part; begin[ranks] = total room used */
    uint64_t *bytes; /**< (ranks) size of each part */
};
/** Room for 64 KiB at first, so that small exchanges never wait for memory. Not collective. */
PS_MUST ps_status ps_inbox_init(struct ps_inbox *in, struct ps_comm *c);
/** Gives the memory back; also after a failed init, and twice. Not collective. */
void ps_inbox_fini(struct ps_inbox *in, struct ps_comm *c);

/**
 * Every rank sends a part to every rank, itself included. Collective.
 * @param[in]  mine  this rank's status so far; not PS_OK: nothing is sent, and the arguments
 *                   below are not looked at
 * @param[in]  part  (ranks) borrowed until return; part[r] is bytes[r] long, not inside @p in; NULL
 * for 0 bytes
 * @param[in]  bytes (ranks) each at most 2^60
 * @param[out] in    filled; grows as needed (an allocation that fails is a status of its own
 *                   which all ranks learn of before data flows). After a failure its content is
 *                   undefined. Valid until the next exchange into it.
 * @return PS_OK on all ranks or on none
 */
PS_MUST ps_status ps_comm_alltoall(struct ps_comm *c, enum ps_traffic as, ps_status mine,
                                   const void *const *part, const uint64_t *bytes,
                                   struct ps_inbox *in);

/**
 * Sum over ranks, in rank order, the same bits on all ranks. Collective. One
 * message exchange for all three arrays; long ones on the communicator of sums. Counts must be
 * the same on all ranks (PS_EPEER on all otherwise). On failure the arrays are as they were.
 * @param[in,out] real  (n_real) floats (gradients): each rank sums a slice, slices are gathered
 * @param[in,out] wide  (n_wide) doubles
 * @param[in,out] whole (n_whole) integers, modulo 2^64
 */
PS_MUST ps_status ps_comm_sum(struct ps_comm *c, ps_status mine, float *real, uint64_t n_real,
                              double *wide, uint64_t n_wide, uint64_t *whole, uint64_t n_whole);

/** Every rank gives @p bytes bytes, all get (ranks, bytes) in rank order. Collective.
 *  @p bytes must be the same on all ranks (PS_EPEER on all otherwise). */
PS_MUST ps_status ps_comm_gather(struct ps_comm *c, ps_status mine, const void *own, uint64_t bytes,
                                 void *all);
/** Rank @p root's bytes to all. Collective. @p bytes and @p root must be the same on all
 *  ranks (PS_EPEER on all otherwise). */
PS_MUST ps_status ps_comm_broadcast(struct ps_comm *c, ps_status mine, void *data, uint64_t bytes,
                                    uint32_t root);
/** All give their status, all learn whether to go on. Collective. */
PS_MUST ps_status ps_comm_agree(struct ps_comm *c, ps_status mine);

/** After a collective call failed: the lowest rank that reported a status and that
 *  status. PS_ECANCEL, which only passes on what an earlier call told, does not count beside
 *  it. False if none did. Kept until another failure is told. Where ranks were found in
 *  different calls it is rank 0 with PS_EPEER. */
bool ps_comm_first_failure(const struct ps_comm *c, uint32_t *rank, ps_status *st);

/** The backend failed here: nothing can be agreed any more, and ps_comm_free ends the job. */
bool ps_comm_broken(const struct ps_comm *c);

/** Payload bytes that this rank sent to other ranks, by kind; (PS_TRAFFIC_COUNT). */
void ps_comm_sent_bytes(const struct ps_comm *c, uint64_t out[PS_TRAFFIC_COUNT]);

#endif
