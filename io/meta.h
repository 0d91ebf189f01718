/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file meta.h
 * @brief meta.h5: what the whole dataset is, as attributes, with offsets as arrays.
 *
 * @par Internal  to io/
 * @par Source    docs/format.md
 */
#ifndef IO_META_H
#define IO_META_H

#include "io/dataset.h"
#include "io/h5.h"

/** Width of node ids in /graph/indices. */
static inline uint32_t ps_index_bytes(uint64_t nodes)
{
    return nodes <= UINT64_C(1) << 32 ? 4 : 8;
}

/** Whether the numbers fit together. @param[in] where begins the sentence. @return PS_EINPUT */
PS_MUST ps_status ps_meta_check(const struct ps_meta *m, const char *where);

/** Allocate the arrays of @p m, for its parts and splits. */
PS_MUST ps_status ps_meta_arrays(struct ps_meta *m, struct ps_mem *mem);
/** Free them, and the provenance. */
void ps_meta_fini(struct ps_meta *m, struct ps_mem *mem);

/** Give @p m its uuid and write it to the new file @p path, synced. */
PS_MUST ps_status ps_meta_write(struct ps_meta *m, struct ps_ctx *ctx, const char *path);
/** Read and check @p path. @param[out] m the caller's; ps_meta_fini it */
PS_MUST ps_status ps_meta_read(struct ps_meta *m, struct ps_ctx *ctx, const char *path);

/** The file's format_version is one that this program reads. @pre between ps_h5_enter and leave */
PS_MUST ps_status ps_meta_check_version(struct ps_h5 *f, const char *path);

#endif
