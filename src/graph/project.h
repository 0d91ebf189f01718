/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file project.h
 * @brief Bags of words times a Gaussian matrix: short dense rows in place of long sparse ones.
 *
 * The matrix P is (columns, dim); its entries are independent, normal with mean 0 and variance
 * 1/dim, so that |xP|^2 is |x|^2 on average and distances between rows are kept the better the
 * larger dim is. Entry (c, j) is a pure function of (seed, c, j): no table of all of them is
 * needed. Rows of P that were used are kept in a table of bounded size, placed by column; where
 * it holds all columns each is made once.
 *
 * @par Memory   what the table takes: as much as P, at most 64 MiB and at most half of what
 *               --memory leaves, but at least one row
 * @par Failure  PS_EMEM
 * @par Source   Johnson and Lindenstrauss, Contemp. Math. 26 (1984); entries as in Dasgupta and
 *               Gupta, Random Struct. Alg. 22 (2003), section 2
 */
#ifndef PS_GRAPH_PROJECT_H
#define PS_GRAPH_PROJECT_H

#include "src/base/ctx.h"
#include "src/base/rng.h"

struct ps_projection {
    struct ps_ctx *ctx;
    struct ps_key key;
    uint64_t dim;       /**< columns of the result */
    uint64_t slots;     /**< rows of P in the table */
    double scale;       /**< 1 / sqrt(dim) */
    uint64_t *held;     /**< (slots) column whose row is there, plus one; 0: none */
    float *row;         /**< (slots, dim) */
    double *sum;        /**< (dim) */
    float *result;      /**< (dim) */
    uint64_t rows_made; /**< rows of P that were computed */
};

/** @pre columns > 0, dim > 0 */
PS_MUST ps_status ps_projection_init(struct ps_projection *p, struct ps_ctx *ctx, uint64_t seed,
                                     uint64_t columns, uint64_t dim);
/** Accepts what init left after a failure, and zeros. */
void ps_projection_fini(struct ps_projection *p);

/** The row of @p n items (@p column, @p value) times P, summed in double in the order of the
 *  items, rounded once. Borrowed until the next call; (dim). Not finite where a sum is beyond
 *  float32. @pre columns below those of init */
const float *ps_projection_row(struct ps_projection *p, const uint32_t *column, const double *value,
                               size_t n);

#endif
