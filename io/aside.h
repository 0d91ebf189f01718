/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file aside.h
 * @brief A dataset's folder under another name until it is whole.
 *
 * Only files that a dataset consists of (meta.h5, part-NNNNN.h5) are ever removed, and a folder
 * only when it is empty.
 *
 * @par Internal  to io/
 */
#ifndef IO_ASIDE_H
#define IO_ASIDE_H

#include "src/base/num.h"

struct ps_aside {
    char final[PATH_MAX]; /**< without trailing slashes */
    char dir[PATH_MAX];   /**< the folder that is written now; "" when there is none */
    bool force;
};

/** "D.ps/" to "D.ps". @return PS_EUSAGE for nothing or too much */
PS_MUST ps_status ps_path_trim(const char *path, char out[PATH_MAX]);
/** "DIR/NAME". @return PS_EUSAGE if too long */
PS_MUST ps_status ps_path_join(const char *dir, const char *name, char out[PATH_MAX]);
/** "DIR/part-00012.h5" */
PS_MUST ps_status ps_path_part(const char *dir, uint32_t part, char out[PATH_MAX]);

/** Make ".NAME.tmp-PID" beside @p path. @return PS_EUSAGE if @p path exists and may not or
 *  cannot be replaced */
PS_MUST ps_status ps_aside_begin(struct ps_aside *a, const char *path, bool force);
/** Sync the folder and give it the final name; what had it before is removed afterwards. */
PS_MUST ps_status ps_aside_commit(struct ps_aside *a);
/** Remove what was written; nothing if there is nothing (any more). */
void ps_aside_drop(struct ps_aside *a);

#endif
