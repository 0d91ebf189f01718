/* SPDX-License-Identifier: Apache-2.0 */
/* The simulated network as a thing: made, joined, left, died on. comm_sim.c moves its messages. */
#include "comm/fabric_state.h"

#include <stdlib.h>
#include <time.h>

/* In the order of enum ps_net_fault. */
static const struct ps_fault_kind kinds[] = {
    {"delay", true}, {"lost", false}, {"cut", false},  {"refuse", false},
    {"dead", false}, {"poll", false}, {"init", false}, {NULL, false},
};

static void make_lock(pthread_mutex_t *lock, pthread_cond_t *changed)
{
    pthread_condattr_t a;

    PS_ASSERT(pthread_mutex_init(lock, NULL) == 0);
    PS_ASSERT(pthread_condattr_init(&a) == 0);
    PS_ASSERT(pthread_condattr_setclock(&a, CLOCK_MONOTONIC) == 0);
    PS_ASSERT(pthread_cond_init(changed, &a) == 0);
    pthread_condattr_destroy(&a);
}

static PS_MUST ps_status fill_box(struct ps_fabric *f, struct ps_net_box *b)
{
    size_t ranks = f->ranks;

    make_lock(&b->lock, &b->changed);
    f->box_count++;
    PS_TRY(PS_NEW(f->mem, PS_MEM_EXCHANGE, b->wire, ranks));
    PS_TRY(PS_NEW(f->mem, PS_MEM_EXCHANGE, b->ended, ranks * PS_COMM_SLOTS));
    return PS_NEW(f->mem, PS_MEM_EXCHANGE, b->copy, ranks * PS_WIRE_COPIES * PS_WIRE_COPY_BYTES);
}

ps_status ps_fabric_new(struct ps_fabric **out, struct ps_mem *m, uint32_t ranks,
                        const struct ps_opts_sim *o)
{
    struct ps_fabric *f;
    ps_status st;

    *out = NULL;
    PS_ASSERT(ranks > 0);
    PS_TRY(PS_NEW(m, PS_MEM_OTHER, f, 1));
    f->mem = m;
    f->ranks = ranks;
    f->seed = o->seed;
    f->latency_ns = o->net_latency * 1e9;
    f->ns_per_byte = o->net_bandwidth == 0 ? 0 : 1e9 / (double)o->net_bandwidth;
    make_lock(&f->lock, &f->changed);
    PS_ASSERT(pthread_mutex_init(&f->telling, NULL) == 0);
    PS_GO(st, ps_fault_plan_parse(&f->plan, "--sim-net-faults", o->net_faults, kinds));
    PS_GO(st, PS_NEW(m, PS_MEM_OTHER, f->box, (size_t)ranks * PS_NETS));
    for (uint32_t r = 0; r < ranks * PS_NETS; r++)
        PS_GO(st, fill_box(f, &f->box[r]));
    *out = f;
    return PS_OK;
out:
    ps_fabric_free(&f);
    return st;
}

void ps_fabric_free(struct ps_fabric **out)
{
    struct ps_fabric *f = *out;

    if (f == NULL)
        return;
    for (uint32_t r = 0; r < f->box_count; r++) {
        struct ps_net_box *b = &f->box[r];
        ps_mem_free(f->mem, &b->copy);
        ps_mem_free(f->mem, &b->ended);
        ps_mem_free(f->mem, &b->wire);
        pthread_cond_destroy(&b->changed);
        pthread_mutex_destroy(&b->lock);
    }
    ps_mem_free(f->mem, &f->box);
    pthread_mutex_destroy(&f->telling);
    pthread_cond_destroy(&f->changed);
    pthread_mutex_destroy(&f->lock);
    ps_mem_free(f->mem, &f);
    *out = NULL;
}

ps_status ps_fabric_join(struct ps_fabric *f)
{
    bool all;

    pthread_mutex_lock(&f->lock);
    f->joined++;
    pthread_cond_broadcast(&f->changed);
    while (f->joined < f->ranks && f->gone == 0)
        pthread_cond_wait(&f->changed, &f->lock);
    all = f->joined == f->ranks;
    pthread_mutex_unlock(&f->lock);
    if (!all)
        PS_FAIL(PS_ECANCEL, "another rank failed before it joined the simulated network");
    return PS_OK;
}

void ps_fabric_gone(struct ps_fabric *f, uint32_t rank)
{
    PS_ASSERT(rank < f->ranks);
    pthread_mutex_lock(&f->lock);
    f->gone++;
    PS_ASSERT(f->gone + f->dead <= f->ranks);
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->lock);
}

void ps_fabric_tell(struct ps_fabric *f)
{
    struct ps_err_record r;

    ps_err_take(&r);
    pthread_mutex_lock(&f->telling);
    if (f->told == PS_OK) {
        ps_err_print(stderr, 0);
        f->told = r.st;
    }
    pthread_mutex_unlock(&f->telling);
}

/* The other ranks are under way: nothing that they use may be taken down, so no exit(). */
void ps_fabric_end(struct ps_fabric *f, int code)
{
    pthread_mutex_lock(&f->telling); /* for ever: one rank ends the process */
    fflush(NULL);
    _Exit(f->told != PS_OK ? ps_exit_code(f->told) : code);
}

void ps_fabric_die(struct ps_fabric *f, uint32_t rank, uint64_t call)
{
    pthread_mutex_lock(&f->lock);
    f->dead++;
    pthread_cond_broadcast(&f->changed);
    while (f->gone + f->dead < f->ranks)
        pthread_cond_wait(&f->changed, &f->lock);
    pthread_mutex_unlock(&f->lock);
    /* Who is left would wait for this thread for ever, and nobody could tell them. */
    ps_err_set(PS_EPEER, 0, __FILE__, __LINE__,
               "rank %u died before its message %" PRIu64 ", as --sim-net-faults said", rank, call);
    ps_fabric_tell(f);
    ps_fabric_end(f, ps_exit_code(PS_EPEER));
}

struct ps_fabric_counts ps_fabric_counts(struct ps_fabric *f)
{
    return (struct ps_fabric_counts){
        .messages = atomic_load(&f->messages),
        .bytes = atomic_load(&f->bytes),
        .most_by_one_rank = atomic_load(&f->most_by_one_rank),
        .faults = atomic_load(&f->faults),
    };
}
