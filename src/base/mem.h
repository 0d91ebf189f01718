/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file mem.h
 * @brief Memory with a budget, counted by what it is for.
 *
 * Every byte of the heap is taken here and belongs to a category, so that the
 * end table can say where the memory went and a budget can be kept. Buffers
 * whose size is known only batch by batch grow with ps_mem_grow: after the
 * first epochs they have their final size and the steady state of training
 * does not allocate.
 *
 * Ownership is in the verb. X_new gives you an object, you call X_free.
 * X_init fills storage you already own, you call X_fini. X_begin starts, you
 * call X_end. A `const T *` return is borrowed: valid until the owner's next
 * non-const call. Freeing NULL is allowed; X_free takes T ** and clears it.
 *
 * @par Threads  All functions may be called from any thread at the same time.
 * @par Failure  PS_EMEM with the sizes in the sentence; *out is then NULL
 *               (ps_mem_grow: with keep > 0 the old buffer stays, else it is NULL).
 */
#ifndef PS_BASE_MEM_H
#define PS_BASE_MEM_H

#include "src/base/num.h"

#include <stdatomic.h>

/** What memory is for. Names are printed in the end table. */
enum ps_mem_cat {
    PS_MEM_OTHER,      /**< objects, tables, text */
    PS_MEM_TOPOLOGY,   /**< indptr, indices, degrees, labels, splits of own parts */
    PS_MEM_ROWS,       /**< feature rows of the batches in flight */
    PS_MEM_BLOCKS,     /**< blocks, their transposes, id maps */
    PS_MEM_ACTIVATION, /**< activations and their gradients */
    PS_MEM_WEIGHTS,    /**< weights, gradients, optimizer state */
    PS_MEM_STAGING,    /**< buffers that reads land in */
    PS_MEM_EXCHANGE,   /**< send and receive buffers */
    PS_MEM_CAT_COUNT
};

struct ps_mem {
    atomic_llong live;            /**< blocks held; zero at the end, or something leaked */
    atomic_llong fuse;            /**< test hook: allocations until one fails; negative = off */
    _Atomic uint64_t limit_bytes; /**< 0 = none */
    _Atomic uint64_t used_bytes, peak_bytes;
    _Atomic uint64_t cat_bytes[PS_MEM_CAT_COUNT], cat_peak_bytes[PS_MEM_CAT_COUNT];
};

/** An empty account. Cannot fail. @param[in] limit_bytes 0 for none */
void ps_mem_init(struct ps_mem *m, uint64_t limit_bytes);

/** Allocate @p count zeroed items, 64-byte aligned; from 256 KiB on aligned to 4096 bytes. @p out
 * is the address of a pointer of any type. count = 0 gives a valid pointer. */
PS_MUST ps_status ps_mem_new(struct ps_mem *m, enum ps_mem_cat cat, void *out, size_t count,
                             size_t item_bytes);

/** Free and clear the pointer at address @p ptr; NULL is allowed there. */
void ps_mem_free(struct ps_mem *m, void *ptr);

/**
 * Make the buffer at address @p ptr hold at least @p count items. Grows by a
 * quarter at least, so repeated calls are cheap.
 *
 * @param[in,out] ptr  address of a pointer made here, or of NULL
 * @param[in,out] cap  items it can hold
 * @param[in]     keep items at the front whose values are kept; the rest is undefined
 */
PS_MUST ps_status ps_mem_grow(struct ps_mem *m, enum ps_mem_cat cat, void *ptr, size_t *cap,
                              size_t count, size_t keep, size_t item_bytes);

/** Typed forms: `PS_TRY(PS_NEW(m, PS_MEM_ROWS, p, n));` */
#define PS_NEW(m, cat, ptr, count) ps_mem_new((m), (cat), &(ptr), (count), sizeof *(ptr))
#define PS_GROW(m, cat, ptr, cap, count, keep)                                                     \
    ps_mem_grow((m), (cat), &(ptr), &(cap), (count), (keep), sizeof *(ptr))

/** Blocks still held. */
long long ps_mem_live(const struct ps_mem *m);

/** Test hook: the @p n-th allocation from now fails. Negative turns it off. */
void ps_mem_fail_after(struct ps_mem *m, long long n);

/** "topology" and so on. Never NULL. */
const char *ps_mem_cat_name(enum ps_mem_cat cat);

/** Peak resident set of this process in bytes: VmHWM of /proc/self/status
 *  (ru_maxrss would be inherited through exec). 0 where there is no /proc. */
uint64_t ps_mem_peak_rss(void);

#endif
