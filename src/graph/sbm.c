/* SPDX-License-Identifier: Apache-2.0 */
/* The model of sbm.h. Every draw is (purpose, node, index); none depends on another node. */
#include "src/graph/sbm.h"

#include "src/graph/sort_u64.h"
#include "src/kern/normal.h"

#include <math.h>
#include <string.h>

enum { TRIES_OWN = 8, TRIES = 16, NODES_PER_COMMUNITY = 500 };

/* Sum of k^-p for k in (m, n]. Above some terms by Euler and Maclaurin's formula, whose next
 * term is below 1e-14 there. */
static double power_sum(double p, uint64_t m, uint64_t n)
{
    enum { BY_HAND = 1000 };
    double sum = 0, a, b, fa, fb;

    for (; m < n && m < BY_HAND; m++)
        sum += pow((double)(m + 1), -p);
    if (m >= n)
        return sum;
    a = (double)m, b = (double)n;
    fa = pow(a, -p), fb = pow(b, -p);
    sum += (a * fa - b * fb) / (p - 1); /* the integral; p > 1 */
    return sum + (fb - fa) / 2 - p * (fb / b - fa / a) / 12;
}

/* E[d] = sum over k of P(d >= k): 1 up to the scale, (scale/k)^tail above it. */
static double mean_at(const struct ps_sbm *m, double scale)
{
    uint64_t sure = scale >= (double)m->degree_cap ? m->degree_cap : (uint64_t)scale;

    sure = ps_max(sure, m->degree_min);
    return (double)sure + pow(scale, m->tail) * power_sum(m->tail, sure, m->degree_cap);
}

double ps_sbm_mean_degree(const struct ps_sbm *m)
{
    return mean_at(m, m->scale);
}

static void solve_scale(struct ps_sbm *m)
{
    double lo = 0, hi = (double)m->degree_cap;

    for (int i = 0; i < 200; i++) {
        double mid = lo + (hi - lo) / 2;
        if (mean_at(m, mid) < m->mean)
            lo = mid;
        else
            hi = mid;
    }
    m->scale = m->mean > 0 ? hi : 0;
}

static PS_MUST ps_status set_degrees(struct ps_sbm *m, const struct ps_opts_generate *g)
{
    double n = (double)m->nodes;

    m->mean = g->edges > 0 ? (double)g->edges / n : g->mean_degree;
    if (m->mean > n - 1)
        PS_FAIL(PS_EUSAGE,
                "a mean in-degree of %.6g needs more sources than the %" PRIu64
                " other nodes that each of %" PRIu64 " nodes has",
                m->mean, m->nodes - 1, m->nodes);
    if (g->exponent <= 2)
        PS_FAIL(PS_EUSAGE, "--exponent %.6g: the mean in-degree is finite above 2 only",
                g->exponent);
    m->tail = g->exponent - 1;
    m->degree_min = m->mean >= 1 ? 1 : 0;
    m->degree_cap = ps_min(m->nodes - 1, (uint64_t)ceil(16 * fmax(sqrt(n), m->mean)));
    solve_scale(m);
    return PS_OK;
}

static PS_MUST ps_status set_communities(struct ps_sbm *m, const struct ps_opts_generate *g)
{
    if (g->classes > m->nodes)
        PS_FAIL(PS_EUSAGE, "%" PRIu64 " classes cannot all occur among %" PRIu64 " nodes",
                g->classes, m->nodes);
    m->classes = ps_u32(g->classes);
    m->communities = g->communities;
    if (m->communities == 0)
        m->communities = ps_max(g->classes, m->nodes / NODES_PER_COMMUNITY);
    if (m->communities > m->nodes)
        PS_FAIL(PS_EUSAGE, "%" PRIu64 " communities are more than the %" PRIu64 " nodes",
                m->communities, m->nodes);
    if (m->communities < g->classes)
        PS_FAIL(PS_EUSAGE,
                "%" PRIu64 " communities are too few: each is of one class, and there are %" PRIu64
                " classes",
                m->communities, g->classes);
    if (g->homophily + g->near > 1 + 1e-12)
        PS_FAIL(PS_EUSAGE, "--homophily %.6g and --near %.6g add up to more than 1", g->homophily,
                g->near);
    m->homophily = g->homophily;
    m->near = g->near;
    m->near_by_degree = g->near_weight == PS_NEAR_DEGREE;
    m->near_window = ps_min(g->near_window, m->nodes - 1);
    /* a source that falls off one end is mirrored to the other side, so (N - 1) / 2 is the most */
    m->octaves = 1;
    while ((UINT64_C(2) << m->octaves) - 1 <= ps_min(m->near_window, (m->nodes - 1) / 2))
        m->octaves++;
    return PS_OK;
}

ps_status ps_sbm_init(struct ps_sbm *m, const struct ps_opts_generate *g, uint64_t seed)
{
    memset(m, 0, sizeof *m);
    if (g->nodes < 2)
        PS_FAIL(PS_EUSAGE, "--nodes %" PRIu64 ": a graph with edges needs 2 nodes at least",
                g->nodes);
    m->nodes = g->nodes;
    m->features = ps_u32(g->features);
    m->centre_deviation = (float)(g->separation / sqrt(2.0 * (double)g->features));
    PS_TRY(set_degrees(m, g));
    PS_TRY(set_communities(m, g));
    PS_TRY(ps_split_sizes_set(&m->split_sizes, g));
    m->degree_order = ps_key_make(seed, PS_FOR_GENERATE_DEGREE, 0, 0, 0);
    m->degree_jitter = ps_key_make(seed, PS_FOR_GENERATE_DEGREE, 1, 0, 0);
    m->edge = ps_key_make(seed, PS_FOR_GENERATE_EDGE, 0, 0, 0);
    m->feature = ps_key_make(seed, PS_FOR_GENERATE_FEATURE, 0, 0, 0);
    m->centre = ps_key_make(seed, PS_FOR_GENERATE_CENTRE, 0, 0, 0);
    m->split = ps_key_make(seed, PS_FOR_GENERATE_SPLIT, 0, 0, 0);
    return PS_OK;
}

uint64_t ps_sbm_degree(const struct ps_sbm *m, uint64_t v)
{
    struct ps_draw d = ps_draw_at(m->degree_jitter, v, 0);
    uint64_t slice = ps_permute(m->degree_order, v, m->nodes);
    double above = ((double)(slice + 1) - ps_unit(ps_draw_u64(&d, 0))) / (double)m->nodes;
    double x = m->scale * pow(above, -1 / m->tail); /* above is in (0, 1] */

    if (x >= (double)m->degree_cap)
        return m->degree_cap;
    return ps_max(m->degree_min, (uint64_t)x);
}

uint64_t ps_sbm_slots(uint64_t degree)
{
    uint64_t slots = 4;

    while (slots < 2 * (degree + 1)) /* v itself is held too */
        slots *= 2;
    return slots;
}

/* Put @p id into the set. @return false if it was there */
static bool claim(uint64_t *slots, uint64_t mask, uint64_t id)
{
    uint64_t at = ps_mix64(id) & mask;

    while (slots[at] != UINT64_MAX) {
        if (slots[at] == id)
            return false;
        at = (at + 1) & mask;
    }
    slots[at] = id;
    return true;
}

static uint64_t draw_near(const struct ps_sbm *m, uint64_t v, uint64_t bits)
{
    uint64_t octave = ps_below(bits, m->octaves); /* from the high bits; the rest from the low */
    uint64_t first = UINT64_C(1) << octave;
    uint64_t distance = first + ((bits >> 1) & (first - 1));
    bool up = (bits & 1) != 0;

    if (up ? distance >= m->nodes - v : distance > v)
        up = !up;
    return up ? v + distance : v - distance;
}

/* In proportion to in-degrees, v itself left out. @return v where nobody else has any */
static uint64_t draw_by_degree(const struct ps_sbm *m, const struct ps_sbm_around *around,
                               uint64_t v, uint64_t bits)
{
    const uint64_t *sum = around->sum;
    uint64_t begin, end, own, all, x;

    ps_sbm_near(m, v, &begin, &end);
    begin -= around->first, end -= around->first, v -= around->first;
    own = sum[v + 1] - sum[v];
    all = sum[end] - sum[begin] - own;
    if (all == 0)
        return v + around->first;
    x = sum[begin] + ps_below(bits, all);
    if (x >= sum[v])
        x += own;
    return around->first + begin + ps_find_range(sum + begin, end - begin, x);
}

static uint64_t draw_in_community(const struct ps_sbm *m, uint64_t v, uint64_t bits)
{
    uint64_t c = ps_sbm_community(m, v), begin = ps_sbm_community_begin(m, c);

    return begin + ps_below(bits, ps_sbm_community_begin(m, c + 1) - begin);
}

static enum ps_sbm_drawn choose(const struct ps_sbm *m, uint64_t bits)
{
    double x = ps_unit(bits);

    if (x < m->homophily)
        return PS_SBM_COMMUNITY;
    return x < m->homophily + m->near ? PS_SBM_NEAR : PS_SBM_ANY;
}

/* In-edge @p j of v: the source, which is now in the set. */
static uint64_t draw_source(const struct ps_sbm *m, const struct ps_sbm_around *around, uint64_t v,
                            uint64_t j, uint64_t *slots, uint64_t mask, enum ps_sbm_drawn *kind)
{
    struct ps_draw d = ps_draw_at(m->edge, v, j * TRIES);
    uint64_t u = 0;

    *kind = choose(m, ps_draw_u64(&d, 0));
    for (uint64_t t = 0; t < TRIES; t++) {
        uint64_t bits;
        if (t > 0)
            d = ps_draw_at(m->edge, v, j * TRIES + t);
        if (t == TRIES_OWN)
            *kind = PS_SBM_ANY;
        bits = ps_draw_u64(&d, 1);
        if (*kind == PS_SBM_COMMUNITY)
            u = draw_in_community(m, v, bits);
        else if (*kind == PS_SBM_ANY)
            u = ps_below(bits, m->nodes);
        else
            u = m->near_by_degree ? draw_by_degree(m, around, v, bits) : draw_near(m, v, bits);
        if (claim(slots, mask, u))
            return u;
    }
    while (!claim(slots, mask, u)) /* ends: fewer than N ids are taken */
        u = u + 1 == m->nodes ? 0 : u + 1;
    return u;
}

void ps_sbm_sources(const struct ps_sbm *m, const struct ps_sbm_around *around, uint64_t v,
                    uint64_t degree, uint64_t *slots, uint64_t *out, uint64_t *drawn)
{
    uint64_t mask = ps_sbm_slots(degree) - 1;

    PS_ASSERT(degree < m->nodes);
    memset(slots, 0xff, (mask + 1) * sizeof *slots);
    claim(slots, mask, v); /* no loops */
    for (uint64_t j = 0; j < degree; j++) {
        enum ps_sbm_drawn kind;
        out[j] = draw_source(m, around, v, j, slots, mask, &kind);
        drawn[kind]++;
    }
    ps_sort_u64(out, degree);
}

void ps_sbm_centre(const struct ps_sbm *m, uint32_t c, float *out)
{
    memset(out, 0, m->features * sizeof *out);
    ps_add_normals(m->centre, c, m->centre_deviation, m->features, out);
}

void ps_sbm_add_noise(const struct ps_sbm *m, uint64_t v, float *row)
{
    ps_add_normals(m->feature, v, 1, m->features, row);
}

uint8_t ps_sbm_split(const struct ps_sbm *m, uint64_t v)
{
    const struct ps_split_sizes *s = &m->split_sizes;
    uint64_t place = ps_permute(m->split, v, m->nodes);

    if (place < s->train)
        return PS_SPLIT_TRAIN;
    if (place < s->train + s->valid)
        return PS_SPLIT_VALID;
    return place < s->train + s->valid + s->test ? PS_SPLIT_TEST : PS_SPLIT_NONE;
}
