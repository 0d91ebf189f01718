/* SPDX-License-Identifier: Apache-2.0 */
#include "src/graph/rmat.h"

#include <math.h>
#include <string.h>

enum { WORDS = 4, TRY_DRAWS = 16 }; /* words of a draw; draws set aside for each try of an edge */

static const double unit = 0x1p32;
static const double kept_min = 1.0 / 64;

static PS_MUST ps_status set_quadrants(struct ps_rmat *m, const struct ps_opts_generate *g)
{
    double a = g->rmat_a, ab = a + g->rmat_b, abc = ab + g->rmat_c;

    if (abc > 1 + 1e-12)
        PS_FAIL(PS_EUSAGE,
                "--rmat-a %.6g, --rmat-b %.6g and --rmat-c %.6g add up to more than 1; the fourth "
                "quadrant gets what is left",
                g->rmat_a, g->rmat_b, g->rmat_c);
    m->upto[0] = (uint64_t)llround(a * unit);
    m->upto[1] = (uint64_t)llround(ab * unit);
    m->upto[2] = (uint64_t)llround(fmin(abc, 1) * unit);
    return PS_OK;
}

/* Level by level, the probability that no end has left the first N ids, by which ends still
 * have the leading bits of N - 1 (bit 0: target, bit 1: source): the others are below for good. */
double ps_rmat_kept(const struct ps_rmat *m)
{
    double p[4] = {0, 0, 0, 1}, quadrant[4], before = 0;

    for (int q = 0; q < 3; q++) {
        quadrant[q] = ((double)m->upto[q] - before) / unit;
        before = (double)m->upto[q];
    }
    quadrant[3] = (unit - before) / unit;
    for (unsigned level = m->levels; level-- > 0;) {
        unsigned top = (m->nodes - 1) >> level & 1 ? 3 : 0; /* the bit of N - 1, for both ends */
        double next[4] = {0, 0, 0, 0};
        for (unsigned tight = 0; tight < 4; tight++)
            for (unsigned q = 0; q < 4; q++)
                if ((tight & q & ~top) == 0) /* else an end with that prefix goes above N - 1 */
                    next[tight & ~(q ^ top)] += p[tight] * quadrant[q];
        memcpy(p, next, sizeof p);
    }
    return p[0] + p[1] + p[2] + p[3];
}

ps_status ps_rmat_init(struct ps_rmat *m, const struct ps_opts_generate *g, uint64_t seed)
{
    memset(m, 0, sizeof *m);
    if (g->nodes < 2)
        PS_FAIL(PS_EUSAGE, "--nodes %" PRIu64 ": a graph with edges needs 2 nodes at least",
                g->nodes);
    m->nodes = g->nodes;
    m->classes = ps_u32(g->classes);
    m->features = ps_u32(g->features);
    while (UINT64_C(1) << m->levels < m->nodes)
        m->levels++;
    PS_ASSERT(m->levels <= WORDS * TRY_DRAWS);
    PS_TRY(set_quadrants(m, g));
    if (ps_rmat_kept(m) < kept_min)
        PS_FAIL(PS_EUSAGE,
                "with these --rmat-a, -b and -c a share of %.3g of the edges falls among the first "
                "%" PRIu64 " of 2^%u nodes; make --nodes a power of two, or --rmat-a larger",
                ps_rmat_kept(m), m->nodes, m->levels);
    m->edge = ps_key_make(seed, PS_FOR_GENERATE_EDGE, 1, 0, 0);
    m->order = ps_key_make(seed, PS_FOR_GENERATE_ORDER, 0, 0, 0);
    m->label = ps_key_make(seed, PS_FOR_GENERATE_LABEL, 0, 0, 0);
    m->feature = ps_key_make(seed, PS_FOR_GENERATE_FEATURE, 0, 0, 0);
    m->split = ps_key_make(seed, PS_FOR_GENERATE_SPLIT, 0, 0, 0);
    return PS_OK;
}

/* One try: false as soon as an end is above the last id whatever its lower bits. */
static bool draw_edge(const struct ps_rmat *m, uint64_t i, uint64_t t, uint64_t *source,
                      uint64_t *target)
{
    uint64_t u = 0, v = 0, last = m->nodes - 1;

    for (unsigned done = 0; done < m->levels;) {
        struct ps_draw d = ps_draw_at(m->edge, i, t * TRY_DRAWS + done / WORDS);
        for (int k = 0; k < WORDS && done < m->levels; k++, done++) {
            uint64_t x = d.w[k];
            bool not_a = x >= m->upto[0], low = x >= m->upto[1], not_c = x >= m->upto[2];
            u = u << 1 | low;
            v = v << 1 | ((not_a && !low) || not_c);
        }
        if (u > last >> (m->levels - done) || v > last >> (m->levels - done))
            return false;
    }
    *source = u;
    *target = v;
    return true;
}

void ps_rmat_edge(const struct ps_rmat *m, uint64_t i, uint64_t *source, uint64_t *target)
{
    uint64_t t = 0;

    while (!draw_edge(m, i, t, source, target)) /* ends: one try in 64 at least is kept */
        t++;
}
