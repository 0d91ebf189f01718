/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { ALIGN = 64, PAGE = 4096 };

/* Blocks from here on are mapped: the kernel has them back as soon as they are freed, pages that
 * nobody touches cost nothing, and huge pages spare the address translation. */
enum { MAP_FROM = 256 * 1024, HUGE_FROM = 8 * 1024 * 1024 };

/* Stands in front of every block, so that freeing knows what to give back. */
struct header {
    _Alignas(ALIGN) uint64_t bytes; /* of the whole block, this header included */
    enum ps_mem_cat cat;
};
_Static_assert(sizeof(struct header) == ALIGN, "the block behind the header stays aligned");

static const char *const cat_name[PS_MEM_CAT_COUNT] = {
    "other", "topology", "rows", "blocks", "activation", "weights", "staging", "exchange",
};

const char *ps_mem_cat_name(enum ps_mem_cat cat)
{
    return (unsigned)cat < PS_MEM_CAT_COUNT ? cat_name[cat] : "unknown";
}

void ps_mem_init(struct ps_mem *m, uint64_t limit_bytes)
{
    memset(m, 0, sizeof *m);
    atomic_store(&m->fuse, -1);
    atomic_store(&m->limit_bytes, limit_bytes);
}

long long ps_mem_live(const struct ps_mem *m)
{
    return atomic_load(&m->live);
}

void ps_mem_fail_after(struct ps_mem *m, long long n)
{
    atomic_store(&m->fuse, n);
}

static bool fuse_blown(struct ps_mem *m)
{
    long long left = atomic_load(&m->fuse);

    if (left < 0)
        return false;
    if (left == 0)
        return true;
    atomic_fetch_sub(&m->fuse, 1);
    return false;
}

static void raise_peak(_Atomic uint64_t *peak, uint64_t now)
{
    uint64_t seen = atomic_load(peak);

    while (seen < now && !atomic_compare_exchange_weak(peak, &seen, now))
        ;
}

static PS_MUST ps_status book(struct ps_mem *m, enum ps_mem_cat cat, uint64_t bytes)
{
    uint64_t limit = atomic_load(&m->limit_bytes);
    uint64_t used = atomic_fetch_add(&m->used_bytes, bytes) + bytes;

    if (limit != 0 && used > limit) {
        atomic_fetch_sub(&m->used_bytes, bytes);
        PS_FAIL(PS_EMEM,
                "the memory budget of %" PRIu64 " bytes is used up: %" PRIu64
                " bytes held, %" PRIu64 " more asked for %s",
                limit, used - bytes, bytes, ps_mem_cat_name(cat));
    }
    raise_peak(&m->peak_bytes, used);
    raise_peak(&m->cat_peak_bytes[cat], atomic_fetch_add(&m->cat_bytes[cat], bytes) + bytes);
    return PS_OK;
}

static void unbook(struct ps_mem *m, enum ps_mem_cat cat, uint64_t bytes)
{
    atomic_fetch_sub(&m->used_bytes, bytes);
    atomic_fetch_sub(&m->cat_bytes[cat], bytes);
}

/* The header is at the end of the first page: the block behind it is aligned to pages, so that
 * reads may land there directly. */
static struct header *map(size_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (p == MAP_FAILED)
        return NULL;
    if (bytes >= HUGE_FROM)
        (void)madvise(p, bytes,
                      MADV_HUGEPAGE); /* a wish; where it is not granted, small pages do */
    return (struct header *)(void *)((char *)p + PAGE) - 1;
}

static void give_back(struct header *h)
{
    if (h->bytes >= MAP_FROM)
        (void)munmap((char *)(h + 1) - PAGE, h->bytes);
    else
        free(h);
}

/* A block without its contents set; a mapped one is zero. */
static PS_MUST ps_status take(struct ps_mem *m, enum ps_mem_cat cat, void **out, size_t count,
                              size_t item_bytes)
{
    size_t bytes;
    struct header *h;

    *out = NULL;
    if (!ps_bytes(count, item_bytes, &bytes) || bytes > SIZE_MAX / 2)
        PS_FAIL(PS_EMEM, "%zu items of %zu bytes overflow", count, item_bytes);
    bytes = (size_t)ps_align_up(bytes, ALIGN) + sizeof *h;
    if (bytes >= MAP_FROM)
        bytes = (size_t)ps_align_up(bytes - sizeof *h, PAGE) + PAGE;
    PS_TRY(book(m, cat, bytes));
    h = fuse_blown(m) ? NULL : bytes >= MAP_FROM ? map(bytes) : aligned_alloc(ALIGN, bytes);
    if (h == NULL) {
        unbook(m, cat, bytes);
        PS_FAIL(PS_EMEM, "out of memory asking for %zu bytes for %s", bytes, ps_mem_cat_name(cat));
    }
    h->bytes = bytes;
    h->cat = cat;
    atomic_fetch_add(&m->live, 1);
    *out = h + 1;
    return PS_OK;
}

ps_status ps_mem_new(struct ps_mem *m, enum ps_mem_cat cat, void *out, size_t count,
                     size_t item_bytes)
{
    void *p;
    ps_status st = take(m, cat, &p, count, item_bytes);

    if (st == PS_OK && ((struct header *)p - 1)->bytes < MAP_FROM)
        memset(p, 0, count * item_bytes);
    memcpy(out, &p, sizeof p);
    return st;
}

void ps_mem_free(struct ps_mem *m, void *ptr)
{
    void *p;
    struct header *h;

    memcpy(&p, ptr, sizeof p);
    if (p == NULL)
        return;
    h = (struct header *)p - 1;
    unbook(m, h->cat, h->bytes);
    atomic_fetch_sub(&m->live, 1);
    give_back(h);
    p = NULL;
    memcpy(ptr, &p, sizeof p);
}

ps_status ps_mem_grow(struct ps_mem *m, enum ps_mem_cat cat, void *ptr, size_t *cap, size_t count,
                      size_t keep, size_t item_bytes)
{
    void *old, *now;
    size_t roomy;

    memcpy(&old, ptr, sizeof old);
    PS_ASSERT(keep <= *cap && keep <= count);
    if (old != NULL && count <= *cap)
        return PS_OK;
    roomy = *cap + *cap / 4;
    roomy = roomy > count ? roomy : count;
    if (keep == 0) { /* nothing to copy: give the old one back before taking the new */
        ps_mem_free(m, ptr);
        *cap = 0;
    }
    PS_TRY(take(m, cat, &now, roomy, item_bytes));
    if (keep > 0) {
        PS_ASSERT(old != NULL);
        memcpy(now, old, keep * item_bytes);
        ps_mem_free(m, ptr);
    }
    memcpy(ptr, &now, sizeof now);
    *cap = roomy;
    return PS_OK;
}

uint64_t ps_mem_peak_rss(void)
{
    FILE *f = fopen("/proc/self/status", "re");
    char line[256];
    uint64_t kib = 0;

    if (f == NULL)
        return 0;
    while (fgets(line, sizeof line, f) != NULL)
        if (strncmp(line, "VmHWM:", 6) == 0)
            kib = strtoull(line + 6, NULL, 10);
    fclose(f);
    return kib * 1024;
}
