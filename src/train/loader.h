/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file loader.h
 * @brief Windows of global batches, prepared ahead of training: seeds, blocks, rows.
 *
 * W global batches are sampled together, hop by hop, and the union of their rows is fetched once.
 * While a window is trained the next one is prepared by the thread that talks to the world. The
 * first windows are 1, 2, 4, ... batches long, so that training begins soon; a window ends
 * with its epoch. What is prepared does not depend on when, nor on W: only time does.
 *
 * @par Collective   everything but ps_loader_new and ps_loader_free, where all ranks call alike
 * @par Threads      one owner, which uses the world only through ps_loader_pause while a
 *                   window may be under way (all-reduces excepted: see world.h)
 */
#ifndef PS_TRAIN_LOADER_H
#define PS_TRAIN_LOADER_H

#include "src/graph/row_window.h"
#include "src/graph/seeds.h"
#include "src/kern/block.h"

/** One global batch on this rank, cut in parts whose gradients are added in order. */
struct ps_loaded {
    struct ps_batch_id id;
    uint64_t total;                 /**< seeds of the global batch */
    const struct ps_batch *part;    /**< (parts) */
    uint64_t samples, bytes, edges; /**< fingerprints and sampled edges: of this batch, this rank */
};

struct ps_loader_setup {
    const int64_t *fanout; /**< (layers) from the seeds outward */
    uint32_t layers;
    uint64_t batch_size;
    uint32_t window; /**< most batches in a window; 0: as many as pay and fit */
    uint32_t parts;  /**< parts of a batch on each rank, 1 for none */
    bool overlap;    /**< prepare the next window while one is trained */
    /** Bytes that training one part needs besides the batch itself. */
    uint64_t (*need)(const void *arg, const struct ps_sample *part);
    const void *need_arg;
};

struct ps_loader;

/** @p setup is copied, what it points to borrowed. @return PS_EMEM */
PS_MUST ps_status ps_loader_new(struct ps_loader **l, struct ps_shard *shard,
                                const struct ps_loader_setup *setup);
/** Accepts NULL, clears *l. Waits for what is under way. */
void ps_loader_free(struct ps_loader **l);

/** Begin at a batch of an epoch of the split in use, up to the end of epoch @p epochs - 1.
 *  Whatever was prepared is given up. @return PS_EMEM */
PS_MUST ps_status ps_loader_start(struct ps_loader *l, uint64_t seed, uint64_t epoch,
                                  uint64_t batch, uint64_t epochs);

/** The next batch. Borrowed until the next call. @pre there is one
 *  @return the same on all ranks, or PS_ECANCEL where another failed */
PS_MUST ps_status ps_loader_next(struct ps_loader *l, const struct ps_loaded **batch);

/** Wait until nothing is under way, so that others may use disk and exchange. What is ready stays
 *  ready. To be called by all ranks at the same place. @return a failure of what was under way, at
 *  once: a disk or network that failed must not be used again. All ranks know of it, but where this
 *  one cannot talk to them any more */
PS_MUST ps_status ps_loader_pause(struct ps_loader *l);

/** Wait until nothing is under way, because the run has failed: the sentence of this thread stays.
 *  Not collective. */
void ps_loader_rest(struct ps_loader *l);

struct ps_loader_counts {
    struct ps_row_counts rows;
    uint64_t windows, batches; /**< prepared */
    uint64_t slots;            /**< rows that the slab holds */
};
struct ps_loader_counts ps_loader_counts(const struct ps_loader *l);

#endif
