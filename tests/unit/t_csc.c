/* SPDX-License-Identifier: Apache-2.0 */
/* In-edges sorted in memory and on disk, compared with qsort over the whole list. */
#include "tests/ps_test.h"

#include "src/base/rng.h"
#include "src/graph/csc.h"
#include "src/graph/sort_u64.h"

#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { N = 500, E = 6000 };

struct edge {
    uint64_t target, source;
};

struct list {
    uint64_t source[E], target[E];
    struct edge want[2 * E];
    size_t want_count;
};

static char folder[] = "/tmp/penstock-t-csc-XXXXXX";
static char beside[sizeof folder + 8];

static int make_folder(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL)
        return 1;
    snprintf(beside, sizeof beside, "%s/d.ps", folder);
    return 0;
}

/* Fails if anything was left there. */
static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder);
}

static int by_target(const void *a, const void *b)
{
    const struct edge *x = a, *y = b;

    if (x->target != y->target)
        return x->target < y->target ? -1 : 1;
    return (x->source > y->source) - (x->source < y->source);
}

/* Skewed towards low ids, with loops and doubles. */
static struct list *make_list(const struct ps_csc_spec *spec)
{
    struct list *l = calloc(1, sizeof *l);
    struct ps_key key = ps_key_make(3, PS_FOR_TEST, 1, 0, 0);
    size_t n = 0, kept = 0;

    for (uint64_t i = 0; i < E; i++) {
        struct ps_draw d = ps_draw_at(key, i, 0);
        uint64_t u = d.w[0] % N, v = d.w[1] % (1 + d.w[2] % N);
        l->source[i] = i % 40 == 0 ? v : u;
        l->target[i] = v;
    }
    for (size_t i = 0; i < E; i++) {
        if (l->source[i] == l->target[i] && spec->drop_loops)
            continue;
        l->want[n++] = (struct edge){l->target[i], l->source[i]};
        if (spec->reverse && l->source[i] != l->target[i])
            l->want[n++] = (struct edge){l->source[i], l->target[i]};
    }
    qsort(l->want, n, sizeof l->want[0], by_target);
    for (size_t i = 0; i < n; i++)
        if (!spec->dedupe || i == 0 || by_target(&l->want[i - 1], &l->want[i]) != 0)
            l->want[kept++] = l->want[i];
    l->want_count = kept;
    return l;
}

static ps_status build(struct ps_csc **c, struct ps_ctx *ctx, const struct ps_csc_spec *spec,
                       const struct list *l)
{
    bool fits;

    PS_TRY(ps_csc_new(c, ctx, spec));
    ps_csc_count(*c, l->source, l->target, E / 2);
    ps_csc_count(*c, l->source + E / 2, l->target + E / 2, E - E / 2);
    PS_TRY(ps_csc_place_begin(*c));
    PS_TRY(ps_csc_place(*c, l->source, l->target, E, &fits));
    assert_true(fits);
    PS_TRY(ps_csc_sort(*c, &fits));
    assert_true(fits);
    return PS_OK;
}

static void check(struct ps_csc *c, const struct list *l)
{
    const uint64_t *indptr = ps_csc_indptr(c), *source;
    uint32_t out[N] = {0};
    uint64_t count, at = 0;

    assert_int_equal(ps_csc_edges(c), l->want_count);
    for (;;) {
        assert_ok(ps_csc_next(c, &source, &count));
        if (count == 0)
            break;
        for (uint64_t i = 0; i < count; i++)
            assert_int_equal(source[i], l->want[at + i].source);
        at += count;
    }
    assert_int_equal(at, l->want_count);
    assert_int_equal(indptr[0], 0);
    assert_int_equal(indptr[N], l->want_count);
    for (uint64_t v = 0; v < N; v++)
        for (uint64_t i = indptr[v]; i < indptr[v + 1]; i++)
            assert_int_equal(l->want[i].target, v);
    for (size_t i = 0; i < l->want_count; i++)
        out[l->want[i].source]++;
    assert_memory_equal(ps_csc_out_degree(c), out, sizeof out);
}

static void rows_are_those_of_a_plain_sort_for_any_memory_and_options(void **state)
{
    static const uint64_t sort_bytes[] = {UINT64_C(1) << 30, 32768, 4096};
    struct ps_ctx ctx;

    (void)state;
    ps_ctx_init(&ctx, NULL);
    for (unsigned o = 0; o < 16; o++)
        for (size_t s = 0; s < 3; s++) {
            struct ps_csc_spec spec = {.nodes = N,
                                       .sort_bytes = sort_bytes[s],
                                       .beside = beside,
                                       .reverse = o & 1,
                                       .drop_loops = o & 2,
                                       .dedupe = o & 4,
                                       .wide = o & 8};
            struct list *l = make_list(&spec);
            struct ps_csc *c = NULL;
            assert_ok(build(&c, &ctx, &spec, l));
            assert_true(s == 0 ? ps_csc_ranges(c) == 1 : ps_csc_ranges(c) > 1);
            check(c, l);
            ps_csc_free(&c);
            free(l);
        }
    assert_int_equal(ps_ctx_fini(&ctx), 0);
}

static void a_node_that_does_not_fit_the_budget_is_named(void **state)
{
    struct ps_csc_spec spec = {.nodes = N, .sort_bytes = 4096, .beside = beside};
    struct ps_ctx ctx;
    struct ps_csc *c;
    uint64_t source[1000], target[1000];

    (void)state;
    for (uint64_t i = 0; i < 1000; i++) {
        source[i] = i % N;
        target[i] = 17;
    }
    ps_ctx_init(&ctx, NULL);
    atomic_store(&ctx.mem.limit_bytes, 1 << 20);
    assert_ok(ps_csc_new(&c, &ctx, &spec));
    ps_csc_count(c, source, target, 1000);
    assert_fails(ps_csc_place_begin(c), PS_EMEM,
                 "node 17 has 1000 in-edges, which take 8008 bytes to sort");
    ps_csc_free(&c);
    assert_int_equal(ps_ctx_fini(&ctx), 0);
}

static void edges_that_differ_from_those_counted_are_noticed(void **state)
{
    static const uint64_t sort_bytes[] = {UINT64_C(1) << 30, 4096};
    struct ps_ctx ctx;

    (void)state;
    ps_ctx_init(&ctx, NULL);
    for (size_t s = 0; s < 2; s++)
        for (int more = 0; more < 3; more++) {
            struct ps_csc_spec spec = {.nodes = N, .sort_bytes = sort_bytes[s], .beside = beside};
            struct list *l = make_list(&spec);
            struct ps_csc *c;
            bool fits;
            assert_ok(ps_csc_new(&c, &ctx, &spec));
            ps_csc_count(c, l->source, l->target, E);
            assert_ok(ps_csc_place_begin(c));
            if (more == 1)
                l->target[5]++; /* one row too long, another too short */
            assert_ok(ps_csc_place(c, l->source, l->target, more == 0 ? E - 1 : E, &fits));
            if (more == 2 && fits)
                assert_ok(ps_csc_place(c, l->source, l->target, 1, &fits));
            if (fits)
                assert_ok(ps_csc_sort(c, &fits));
            assert_false(fits);
            ps_csc_free(&c);
            free(l);
        }
    assert_int_equal(ps_ctx_fini(&ctx), 0);
}

static void a_graph_without_edges_has_empty_rows(void **state)
{
    struct ps_csc_spec spec = {.nodes = N, .sort_bytes = 4096, .beside = beside};
    struct ps_ctx ctx;
    struct ps_csc *c;
    const uint64_t *source;
    uint64_t count;
    bool fits;

    (void)state;
    ps_ctx_init(&ctx, NULL);
    assert_ok(ps_csc_new(&c, &ctx, &spec));
    assert_ok(ps_csc_place_begin(c));
    assert_ok(ps_csc_sort(c, &fits));
    assert_true(fits);
    assert_ok(ps_csc_next(c, &source, &count));
    assert_int_equal(count, 0);
    assert_int_equal(ps_csc_indptr(c)[N], 0);
    ps_csc_free(&c);
    assert_int_equal(ps_ctx_fini(&ctx), 0);
}

static void every_allocation_may_fail(void **state)
{
    static const uint64_t sort_bytes[] = {UINT64_C(1) << 30, 4096};
    struct ps_ctx ctx;

    (void)state;
    ps_ctx_init(&ctx, NULL);
    for (size_t s = 0; s < 2; s++) {
        struct ps_csc_spec spec = {.nodes = N, .sort_bytes = sort_bytes[s], .beside = beside};
        struct list *l = make_list(&spec);
        ps_status st = PS_EMEM;
        int n;
        for (n = 0; st != PS_OK; n++) {
            struct ps_csc *c;
            ps_mem_fail_after(&ctx.mem, n);
            st = build(&c, &ctx, &spec, l);
            assert_true(st == PS_OK || st == PS_EMEM);
            ps_csc_free(&c);
            assert_int_equal(ps_mem_live(&ctx.mem), 0);
        }
        assert_true(n > 4);
        ps_mem_fail_after(&ctx.mem, -1);
        free(l);
    }
    assert_int_equal(ps_ctx_fini(&ctx), 0);
}

/* A limit on the size of files stands for the full disk. */
static void a_full_disk_is_told_before_the_first_edge(void **state)
{
    struct ps_csc_spec spec = {.nodes = N, .sort_bytes = 4096, .beside = beside};
    struct list *l = make_list(&spec);
    struct rlimit old, small;
    struct ps_ctx ctx;
    struct ps_csc *c;

    (void)state;
    ps_ctx_init(&ctx, NULL);
    assert_ok(ps_csc_new(&c, &ctx, &spec));
    ps_csc_count(c, l->source, l->target, E);
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old);
    small = (struct rlimit){8192, old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    assert_fails(ps_csc_place_begin(c), PS_EIO, "no room for 48000 bytes of edges to sort");
    setrlimit(RLIMIT_FSIZE, &old);
    ps_csc_free(&c);
    free(l);
    spec.beside = "/tmp/penstock-no-such-folder/d.ps";
    l = make_list(&spec);
    assert_fails(build(&c, &ctx, &spec, l), PS_EIO, "cannot make a temporary file");
    ps_csc_free(&c);
    free(l);
    assert_int_equal(ps_ctx_fini(&ctx), 0);
}

static int by_value(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static void numbers_of_any_count_and_order_are_sorted(void **state)
{
    static const size_t size[] = {0, 1, 2, 31, 32, 33, 64, 1000, 1001};
    uint64_t x[1001], want[1001];

    (void)state;
    for (size_t s = 0; s < sizeof size / sizeof size[0]; s++)
        for (uint64_t order = 0; order < 4; order++) {
            struct ps_key key = ps_key_make(s, PS_FOR_TEST, order, 0, 0);
            for (uint64_t i = 0; i < size[s]; i++) {
                struct ps_draw d = ps_draw_at(key, i, 0);
                const uint64_t of[] = {d.w[0], d.w[0] % 5, i, UINT64_MAX - i};
                x[i] = want[i] = of[order];
            }
            qsort(want, size[s], sizeof want[0], by_value);
            ps_sort_u64(x, size[s]);
            assert_memory_equal(x, want, size[s] * sizeof want[0]);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_those_of_a_plain_sort_for_any_memory_and_options),
        cmocka_unit_test(a_node_that_does_not_fit_the_budget_is_named),
        cmocka_unit_test(edges_that_differ_from_those_counted_are_noticed),
        cmocka_unit_test(a_graph_without_edges_has_empty_rows),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(a_full_disk_is_told_before_the_first_edge),
        cmocka_unit_test(numbers_of_any_count_and_order_are_sorted),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
