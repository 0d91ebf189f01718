/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every backend of the network edge promises: tests/mpi/t_comm.c holds mpi to it,
 * tests/unit/t_comm_backends.c self and sim. Every rank runs every test, so a test
 * must make the same collective calls on all of them.
 */
#ifndef TESTS_COMM_PROMISES_H
#define TESTS_COMM_PROMISES_H

#include "tests/ps_test.h"

#include "tests/comm_test.h"

#include <pthread.h>

/* A part of the exchange of @p round: zero, short or long. */
static uint64_t part_bytes(uint64_t round, uint32_t from, uint32_t to, uint64_t most)
{
    uint64_t x = random_word(round, from, to, 0);

    return x % 5 == 0 ? 0 : x % 5 == 1 ? x / 5 % 40 : x / 5 % most;
}

static unsigned char byte_at(uint64_t round, uint32_t from, uint32_t to, uint64_t i)
{
    return (unsigned char)(ps_mix64(round * 64 + UINT64_C(8) * from + to) + i * 131 + (i >> 8));
}

struct parts {
    unsigned char **part;
    const void **borrowed;
    uint64_t *bytes;
};

static struct parts make_parts(uint64_t round, uint64_t most)
{
    struct parts p = {calloc(ranks, sizeof *p.part), calloc(ranks, sizeof *p.borrowed),
                      calloc(ranks, sizeof *p.bytes)};

    for (uint32_t to = 0; to < ranks; to++) {
        p.bytes[to] = part_bytes(round, rank, to, most);
        p.part[to] = malloc(p.bytes[to] + 1);
        for (uint64_t i = 0; i < p.bytes[to]; i++)
            p.part[to][i] = byte_at(round, rank, to, i);
        p.borrowed[to] = p.bytes[to] == 0 ? NULL : p.part[to];
    }
    return p;
}

static void free_parts(struct parts *p)
{
    for (uint32_t r = 0; r < ranks; r++)
        free(p->part[r]);
    free(p->part);
    free((void *)p->borrowed);
    free(p->bytes);
}

static void check_inbox(const struct ps_inbox *in, uint64_t round, uint64_t most)
{
    uint64_t at = 0;

    for (uint32_t from = 0; from < ranks; from++) {
        uint64_t bytes = part_bytes(round, from, rank, most), wrong = 0;
        assert_int_equal(in->bytes[from], bytes);
        assert_int_equal(in->begin[from], at);
        for (uint64_t i = 0; i < bytes; i++)
            wrong += in->data[at + i] != byte_at(round, from, rank, i);
        assert_int_equal(wrong, 0);
        at = ps_align_up(at + bytes, 8);
    }
    assert_int_equal(in->begin[ranks], at);
}

/* One exchange that must arrive intact. */
static void exchange(struct ps_inbox *in, uint64_t round, uint64_t most)
{
    struct parts p = make_parts(round, most);

    assert_ok(ps_comm_alltoall(comm, PS_TRAFFIC_ROWS, PS_OK, p.borrowed, p.bytes, in));
    check_inbox(in, round, most);
    free_parts(&p);
}

static void parts_of_any_size_arrive_intact_and_in_rank_order(void **state)
{
    static const uint64_t most[WAYS] = {9 << 20, 3000, 20000, 300000};
    struct ps_inbox in;

    (void)state;
    assert_ok(ps_inbox_init(&in, comm));
    for (int w = 0; w < WAYS; w++) {
        take_way(w);
        for (uint64_t round = 0; round < ps_div_up(w == 0 ? 4 : 10, ease); round++)
            exchange(&in, round, ps_div_up(most[w], ranks > 4 ? ease : 1));
        for (uint64_t round = 0; round < ps_div_up(200, ease); round++)
            exchange(&in, 100 + round, 60);
    }
    take_way(0);
    ps_inbox_fini(&in, comm);
}

static ps_status own_failure(void)
{
    PS_FAIL(PS_EINPUT, "part-00003.h5 of rank %u is shorter than it says", rank);
}

enum { CALLS = 5 };

/* A failed rank has nothing to give, so it gives NULL. */
static ps_status call(int which, ps_status mine, struct ps_inbox *in)
{
    static _Thread_local float real[5000];
    static _Thread_local double wide[3];
    static _Thread_local unsigned char all[64 * 3000];
    struct parts p;
    ps_status st;

    switch (which) {
    case 0:
        if (mine != PS_OK)
            return ps_comm_alltoall(comm, PS_TRAFFIC_IDS, mine, NULL, NULL, NULL);
        p = make_parts(7, 5000);
        st = ps_comm_alltoall(comm, PS_TRAFFIC_IDS, mine, p.borrowed, p.bytes, in);
        free_parts(&p);
        return st;
    case 1:
        if (mine != PS_OK)
            return ps_comm_sum(comm, mine, NULL, 0, NULL, 0, NULL, 0);
        return ps_comm_sum(comm, mine, real, 5000, wide, 3, NULL, 0);
    case 2:
        return mine != PS_OK ? ps_comm_gather(comm, mine, NULL, 0, NULL)
                             : ps_comm_gather(comm, mine, real, 3000, all);
    case 3:
        return mine != PS_OK ? ps_comm_broadcast(comm, mine, NULL, 0, ranks - 1)
                             : ps_comm_broadcast(comm, mine, all, 9000, ranks - 1);
    default:
        return ps_comm_agree(comm, mine);
    }
}

static void a_failing_rank_makes_all_leave_and_the_next_call_works(void **state)
{
    struct ps_inbox in;
    uint32_t first = 99;
    ps_status st, told = PS_OK;

    (void)state;
    assert_ok(ps_inbox_init(&in, comm));
    for (int w = 0; w < WAYS; w++)
        for (uint32_t bad = 0; bad < ranks; bad += ease)
            for (int which = 0; which < CALLS; which++) {
                take_way(w);
                st = rank == bad ? own_failure() : PS_OK;
                st = call(which, st, &in);
                assert_int_equal(st, rank == bad ? PS_EINPUT : PS_ECANCEL);
                if (rank == bad)
                    assert_non_null(strstr(ps_err_sentence(), "part-00003.h5"));
                assert_true(ps_comm_first_failure(comm, &first, &told));
                assert_int_equal(first, bad);
                assert_int_equal(told, PS_EINPUT);
                assert_ok(call(which, PS_OK, &in));
            }
    take_way(0);
    ps_inbox_fini(&in, comm);
}

static void a_failing_rank_need_not_know_which_call_the_others_are_in(void **state)
{
    struct ps_inbox in;
    ps_status st;

    (void)state;
    assert_ok(ps_inbox_init(&in, comm));
    for (uint32_t bad = 0; bad < ranks; bad++)
        for (int which = 0; which < CALLS; which++)
            for (int its = 0; its < CALLS; its++) {
                st = rank == bad ? own_failure() : PS_OK;
                st = call(rank == bad ? its : which, st, &in);
                assert_int_equal(st, rank == bad ? PS_EINPUT : PS_ECANCEL);
                assert_ok(call(its, PS_OK, &in));
            }
    ps_inbox_fini(&in, comm);
}

static void the_lowest_failing_rank_is_told_and_stays_told(void **state)
{
    uint32_t first = 99;
    ps_status told = PS_OK, mine = rank + 2 >= ranks ? PS_EIO : PS_OK;

    (void)state;
    mine = ps_comm_agree(comm, mine);
    assert_int_equal(mine, rank + 2 >= ranks ? PS_EIO : PS_ECANCEL);
    for (int i = 0; i < 2; i++) {
        assert_true(ps_comm_first_failure(comm, &first, &told));
        assert_int_equal(first, ranks >= 2 ? ranks - 2 : 0);
        assert_int_equal(told, PS_EIO);
        /* the way out is collective too, and must not hide the cause */
        assert_int_equal(ps_comm_agree(comm, i == 0 ? mine : PS_ECANCEL),
                         i == 0 ? mine : PS_ECANCEL);
    }
    assert_ok(ps_comm_agree(comm, PS_OK));
}

static void a_rank_without_memory_tells_before_data_flows(void **state)
{
    uint64_t before[PS_TRAFFIC_COUNT], after[PS_TRAFFIC_COUNT];
    uint32_t first = 99;
    ps_status st, told = PS_OK;

    (void)state;
    for (uint32_t bad = 0; bad < ranks; bad++) {
        uint64_t *bytes = calloc(ranks, sizeof *bytes);
        const void **part = calloc(ranks, sizeof *part);
        unsigned char *data = calloc(1, 200000);
        struct ps_inbox in;
        assert_ok(ps_inbox_init(&in, comm));
        for (uint32_t r = 0; r < ranks; r++) {
            part[r] = data;
            bytes[r] = r == bad ? 200000 : 10;
        }
        ps_comm_sent_bytes(comm, before);
        if (rank == bad)
            ps_mem_fail_after(&ctx.mem, 0);
        st = ps_comm_alltoall(comm, PS_TRAFFIC_ROWS, PS_OK, part, bytes, &in);
        ps_mem_fail_after(&ctx.mem, -1);
        assert_int_equal(st, rank == bad ? PS_EMEM : PS_ECANCEL);
        assert_true(ps_comm_first_failure(comm, &first, &told));
        assert_int_equal(first, bad);
        assert_int_equal(told, PS_EMEM);
        ps_comm_sent_bytes(comm, after);
        assert_memory_equal(before, after, sizeof before);
        assert_ok(ps_comm_alltoall(comm, PS_TRAFFIC_ROWS, PS_OK, part, bytes, &in));
        assert_int_equal(in.begin[ranks], ranks * (rank == bad ? 200000u : 16u));
        ps_inbox_fini(&in, comm);
        free(data);
        free((void *)part);
        free(bytes);
    }
}

static const uint64_t share_bytes[] = {0,    1, 100, PS_COMM_BODY_BYTES, PS_COMM_BODY_BYTES + 1,
                                       30001};
enum { SHARES = sizeof share_bytes / sizeof share_bytes[0] };

static void a_gather_gives_every_rank_all_in_rank_order(void **state)
{
    (void)state;
    for (int w = 0; w < WAYS; w++)
        for (int k = 0; k < SHARES; k++) {
            uint64_t bytes = share_bytes[k], wrong = 0;
            unsigned char *own = malloc(bytes + 1), *all = calloc(1, ranks * bytes + 1);
            take_way(w);
            for (uint64_t i = 0; i < bytes; i++)
                own[i] = byte_at(bytes, rank, 0, i);
            assert_ok(ps_comm_gather(comm, PS_OK, own, bytes, all));
            for (uint32_t r = 0; r < ranks; r++)
                for (uint64_t i = 0; i < bytes; i++)
                    wrong += all[r * bytes + i] != byte_at(bytes, r, 0, i);
            assert_int_equal(wrong, 0);
            free(own);
            free(all);
        }
    take_way(0);
}

static void a_broadcast_reaches_all_from_each_root(void **state)
{
    (void)state;
    for (int w = 0; w < WAYS; w++)
        for (int k = 0; k < SHARES; k++)
            for (uint32_t root = 0; root < ranks; root++) {
                uint64_t bytes = share_bytes[k], wrong = 0;
                unsigned char *data = calloc(1, bytes + 1);
                take_way(w);
                for (uint64_t i = 0; i < bytes && rank == root; i++)
                    data[i] = byte_at(bytes, root, 1, i);
                assert_ok(ps_comm_broadcast(comm, PS_OK, data, bytes, root));
                for (uint64_t i = 0; i < bytes; i++)
                    wrong += data[i] != byte_at(bytes, root, 1, i);
                assert_int_equal(wrong, 0);
                free(data);
            }
    take_way(0);
}

static void the_steady_state_allocates_nothing(void **state)
{
    float *real = calloc(20000, sizeof *real);
    struct ps_inbox in;

    (void)state;
    assert_ok(ps_inbox_init(&in, comm));
    for (int i = 0; i < 3; i++) {
        exchange(&in, 11, 300000);
        assert_ok(ps_comm_sum(comm, PS_OK, real, 20000, NULL, 0, NULL, 0));
        ps_mem_fail_after(&ctx.mem, 0);
    }
    ps_mem_fail_after(&ctx.mem, -1);
    ps_inbox_fini(&in, comm);
    free(real);
}

static void only_payload_to_others_is_counted(void **state)
{
    uint64_t before[PS_TRAFFIC_COUNT], after[PS_TRAFFIC_COUNT], want = 0;
    struct parts p = make_parts(5, 9000);
    struct ps_inbox in;

    (void)state;
    assert_ok(ps_inbox_init(&in, comm));
    ps_comm_sent_bytes(comm, before);
    assert_ok(ps_comm_alltoall(comm, PS_TRAFFIC_SAMPLING, PS_OK, p.borrowed, p.bytes, &in));
    ps_comm_sent_bytes(comm, after);
    for (uint32_t r = 0; r < ranks; r++)
        want += r == rank ? 0 : p.bytes[r];
    assert_int_equal(after[PS_TRAFFIC_SAMPLING] - before[PS_TRAFFIC_SAMPLING], want);
    for (int t = 0; t < PS_TRAFFIC_COUNT; t++)
        if (t != PS_TRAFFIC_SAMPLING)
            assert_int_equal(after[t], before[t]);
    ps_inbox_fini(&in, comm);
    free_parts(&p);
}

static void ranks_in_different_calls_are_told_apart(void **state)
{
    unsigned char all[64];
    ps_status st;

    (void)state;
    if (ranks == 1)
        return;
    st = rank == 0 ? ps_comm_agree(comm, PS_OK) : ps_comm_gather(comm, PS_OK, &rank, 4, all);
    assert_int_equal(st, PS_EPEER);
    assert_non_null(strstr(ps_err_sentence(), "a gather"));
    assert_non_null(strstr(ps_err_sentence(), "an agreement"));
    assert_int_equal(ps_comm_gather(comm, PS_OK, all, rank == ranks - 1 ? 3 : 4, all + 8),
                     PS_EPEER);
    assert_ok(ps_comm_agree(comm, PS_OK));
}

static void the_job_knows_itself(void **state)
{
    uint64_t at = 99;

    (void)state;
    assert_int_equal(ps_comm_launched(), strcmp(ps_comm_name(comm), "mpi") == 0);
    assert_int_equal(ps_comm_local_ranks(comm), ranks);
    assert_false(ps_comm_broken(comm));
    assert_int_equal(ctx.log.rank, rank);
    at = rank;
    assert_ok(ps_comm_sum(comm, PS_OK, NULL, 0, NULL, 0, &at, 1));
    assert_int_equal(at, ranks * (ranks - 1) / 2);
}

struct elsewhere {
    struct ps_comm *comm;
    ps_status st;
};

static void *agree_elsewhere(void *arg)
{
    struct elsewhere *e = arg;

    e->st = ps_comm_agree(e->comm, PS_OK);
    return NULL;
}

static void another_thread_may_call_where_the_backend_allows_it(void **state)
{
    struct elsewhere e = {comm, PS_EPEER};
    pthread_t thread;

    (void)state;
    if (!ps_comm_any_thread(comm))
        skip();
    assert_int_equal(pthread_create(&thread, NULL, agree_elsewhere, &e), 0);
    pthread_join(thread, NULL);
    assert_int_equal(e.st, PS_OK);
}

static const struct promise comm_promises[] = {
    PROMISE(the_job_knows_itself),
    PROMISE(parts_of_any_size_arrive_intact_and_in_rank_order),
    PROMISE(a_failing_rank_makes_all_leave_and_the_next_call_works),
    PROMISE(a_failing_rank_need_not_know_which_call_the_others_are_in),
    PROMISE(the_lowest_failing_rank_is_told_and_stays_told),
    PROMISE(a_rank_without_memory_tells_before_data_flows),
    PROMISE(a_gather_gives_every_rank_all_in_rank_order),
    PROMISE(a_broadcast_reaches_all_from_each_root),
    PROMISE(the_steady_state_allocates_nothing),
    PROMISE(only_payload_to_others_is_counted),
    PROMISE(ranks_in_different_calls_are_told_apart),
    PROMISE(another_thread_may_call_where_the_backend_allows_it),
};
enum { COMM_PROMISES = sizeof comm_promises / sizeof comm_promises[0] };

#endif
