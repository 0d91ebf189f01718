/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a record of rows: refused with a sentence, or caches of any size can be simulated on
 * it, and none misses fewer rows than Belady's. */
#include "tests/fuzz/fuzz.h"

#include "src/train/cache_sim.h"

static ps_status missed(const struct ps_row_list *l, struct ps_ctx *ctx,
                        const struct ps_row_facts *facts, uint64_t slots,
                        uint64_t sum[PS_CACHE_POLICIES])
{
    uint64_t *each;
    ps_status st;

    PS_TRY(PS_NEW(&ctx->mem, PS_MEM_OTHER, each, facts->epochs));
    for (int p = 0; p < PS_CACHE_POLICIES; p++) {
        sum[p] = 0;
        if (p == PS_CACHE_HELD && slots < facts->largest)
            continue;
        PS_GO(st, ps_cache_simulate(l, ctx, (enum ps_cache_policy)p, slots, each));
        for (uint64_t e = 0; e < facts->epochs; e++)
            sum[p] += each[e];
        PS_ASSERT(sum[p] >= facts->rows && sum[p] <= facts->uses);
        PS_ASSERT(p == PS_CACHE_STATIC || slots < facts->rows || sum[p] == facts->rows);
    }
    st = PS_OK;
out:
    ps_mem_free(&ctx->mem, &each);
    return st;
}

static ps_status simulate(const struct ps_row_list *l, struct ps_ctx *ctx)
{
    uint64_t sum[PS_CACHE_POLICIES];
    struct ps_row_facts facts;

    PS_TRY(ps_row_list_facts(l, ctx, &facts));
    for (uint64_t slots = 1; slots < 9; slots += 3) {
        PS_TRY(missed(l, ctx, &facts, slots, sum));
        PS_ASSERT(sum[PS_CACHE_BELADY] <= sum[PS_CACHE_LRU]);
        PS_ASSERT(sum[PS_CACHE_HELD] == 0 || sum[PS_CACHE_BELADY] <= sum[PS_CACHE_HELD]);
    }
    return PS_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ps_row_list l;
    char path[FUZZ_PATH];
    struct ps_ctx ctx;
    ps_status st;
    int fd;

    fuzz_ctx(&ctx);
    fd = fuzz_file(data, size, path);
    st = ps_row_list_load(&l, &ctx, path);
    if (st == PS_OK)
        st = simulate(&l, &ctx);
    fuzz_told(st);
    ps_row_list_free(&l, &ctx);
    close(fd);
    fuzz_end(&ctx);
    return 0;
}
