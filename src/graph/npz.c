/* SPDX-License-Identifier: Apache-2.0 */
#include "src/graph/npz.h"

#include "src/graph/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

enum { KEY_BYTES = 64 };

static const struct ps_zip_member *find(const struct ps_zip *z, const char *key)
{
    char name[KEY_BYTES];
    int n = snprintf(name, sizeof name, "%s.npy", key);

    PS_ASSERT(n > 0 && (size_t)n < sizeof name);
    return ps_zip_find(z, name);
}

bool ps_npz_has(const struct ps_zip *z, const char *key)
{
    return find(z, key) != NULL;
}

static PS_MUST ps_status open_stored(struct ps_npy **a, const struct ps_zip *z,
                                     const struct ps_zip_member *m, const char *shown)
{
    uint64_t at;
    int fd;

    PS_TRY(ps_zip_read(z, m, NULL, NULL));
    PS_TRY(ps_zip_locate(z, m, &at));
    fd = fcntl(z->fd, F_DUPFD_CLOEXEC, 0);
    if (fd < 0)
        PS_FAIL_SYS(errno, "%s: cannot be opened once more", z->path);
    return ps_npy_open_at(a, z->ctx, shown, fd, at, m->bytes, NULL);
}

static ps_status put(void *spool, const void *bytes, size_t count)
{
    return ps_spool_put(spool, bytes, count);
}

static PS_MUST ps_status open_deflated(struct ps_npy **a, const struct ps_zip *z,
                                       const struct ps_zip_member *m, const char *shown,
                                       const char *beside)
{
    struct ps_spool s;
    ps_status st;

    PS_TRY(ps_spool_init(&s, z->ctx, shown, beside, m->bytes));
    PS_GO(st, ps_zip_read(z, m, put, &s));
    PS_GO(st, ps_spool_end(&s, NULL, a));
out:
    ps_spool_fini(&s);
    return st;
}

ps_status ps_npz_open(struct ps_npy **a, const struct ps_zip *z, const char *key,
                      const char *beside)
{
    const struct ps_zip_member *m = find(z, key);
    struct ps_mem *mem = &z->ctx->mem;
    size_t n = strlen(z->path) + KEY_BYTES;
    char *shown;
    ps_status st;

    *a = NULL;
    if (m == NULL)
        PS_FAIL(PS_EINPUT, "%s: expected an array '%s', found none", z->path, key);
    PS_TRY(PS_NEW(mem, PS_MEM_OTHER, shown, n));
    snprintf(shown, n, "%s: %s", z->path, m->name);
    st = m->deflated ? open_deflated(a, z, m, shown, beside) : open_stored(a, z, m, shown);
    ps_mem_free(mem, &shown);
    return st;
}
