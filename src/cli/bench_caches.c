/* SPDX-License-Identifier: Apache-2.0 */
/* What caches of some sizes would have missed in a run that was recorded. */
#include "src/cli/bench.h"
#include "src/train/cache_sim.h"

#include <string.h>

struct job {
    struct ps_ctx *ctx;
    const struct ps_opts *o;
    struct ps_row_list list;
    struct ps_row_facts facts;
    uint64_t row_bytes;
    uint64_t *missed; /* (epochs) */
    json_t *caches;
};

/* One policy at one size; @p fits: it can be had with so many slots. */
static PS_MUST ps_status add(struct job *j, enum ps_cache_policy policy, uint64_t slots, bool fits)
{
    json_t *each = json_array(), *one;
    uint64_t sum = 0, bytes;

    for (uint64_t e = 0; fits && e < j->facts.epochs; e++) {
        sum += j->missed[e];
        (void)json_array_append_new(each, json_integer((json_int_t)j->missed[e]));
    }
    bytes = sum * j->row_bytes;
    one = json_pack(
        "{s:s, s:I, s:o, s:o, s:o, s:o}", "policy", ps_cache_policy_name(policy), "slots",
        (json_int_t)slots, "missed", fits ? json_integer((json_int_t)sum) : json_null(),
        "missed_bytes", fits ? json_integer((json_int_t)bytes) : json_null(), "missed_share",
        fits && j->facts.uses > 0 ? json_real((double)sum / (double)j->facts.uses) : json_null(),
        "missed_by_epoch", each);
    if (one == NULL || json_array_append_new(j->caches, one) != 0)
        PS_FAIL(PS_EMEM, "out of memory for the report");
    if (j->o->common.json)
        return PS_OK;
    if (!fits)
        printf("%12" PRIu64 " %-12s a batch has up to %" PRIu64 " rows\n", slots,
               ps_cache_policy_name(policy), j->facts.largest);
    for (uint64_t e = 0; fits && e < j->facts.epochs; e++)
        printf("%12" PRIu64 " %-12s %6" PRIu64 " %14" PRIu64 " %18" PRIu64 "\n", slots,
               ps_cache_policy_name(policy), e, j->missed[e], j->missed[e] * j->row_bytes);
    return PS_OK;
}

static PS_MUST ps_status simulate_all(struct job *j)
{
    const struct ps_list *slots = &j->o->bench.slots;

    if (!j->o->common.json)
        printf("%12s %-12s %6s %14s %18s\n", "slots", "policy", "epoch", "rows missed", "bytes");
    for (uint32_t i = 0; i < slots->count; i++)
        for (int p = 0; p < PS_CACHE_POLICIES; p++) {
            enum ps_cache_policy policy = (enum ps_cache_policy)p;
            uint64_t n = (uint64_t)slots->item[i];
            bool fits = policy != PS_CACHE_HELD || n >= j->facts.largest;

            if (fits)
                PS_TRY(ps_cache_simulate(&j->list, j->ctx, policy, n, j->missed));
            PS_TRY(add(j, policy, n, fits));
        }
    return PS_OK;
}

static PS_MUST ps_status tell_facts(const struct job *j, json_t *r)
{
    PS_TRY(ps_bench_set(r, "batches", json_integer((json_int_t)j->list.batches)));
    PS_TRY(ps_bench_set(r, "epochs", json_integer((json_int_t)j->facts.epochs)));
    PS_TRY(ps_bench_set(r, "rows_used", json_integer((json_int_t)j->facts.uses)));
    PS_TRY(ps_bench_set(r, "different_rows", json_integer((json_int_t)j->facts.rows)));
    PS_TRY(ps_bench_set(r, "largest_batch", json_integer((json_int_t)j->facts.largest)));
    return ps_bench_set(r, "row_bytes", json_integer((json_int_t)j->row_bytes));
}

ps_status ps_bench_caches(struct ps_ctx *ctx, const struct ps_opts *o, json_t *report)
{
    struct job j = {.ctx = ctx, .o = o, .caches = json_array()};
    ps_status st = PS_OK;

    if (j.caches == NULL)
        PS_GO_FAIL(st, PS_EMEM, "out of memory for the report");
    if (o->bench.slots.count == 0)
        PS_GO_FAIL(st, PS_EUSAGE, "--belady needs --slots N, the rows that the cache holds");
    PS_GO(st, ps_row_list_load(&j.list, ctx, o->bench.belady));
    j.row_bytes = o->bench.row_bytes > 0 ? o->bench.row_bytes : j.list.row_bytes;
    if (j.row_bytes == 0)
        PS_GO_FAIL(st, PS_EUSAGE, "%s is of rows of different lengths; --row-bytes says their mean",
                   o->bench.belady);
    PS_GO(st, ps_row_list_facts(&j.list, ctx, &j.facts));
    PS_GO(st, PS_NEW(&ctx->mem, PS_MEM_OTHER, j.missed, j.facts.epochs));
    PS_GO(st, simulate_all(&j));
    PS_GO(st, tell_facts(&j, report));
    PS_GO(st, ps_bench_set(report, "caches", json_incref(j.caches)));
out:
    json_decref(j.caches);
    ps_row_list_free(&j.list, ctx);
    ps_mem_free(&ctx->mem, &j.missed);
    return st;
}
