/* SPDX-License-Identifier: Apache-2.0 */
#include "src/kern/gemm.h"

#include "src/base/num.h"
#include "src/kern/parts.h"
#include "src/kern/simd.h"

#include <cblas.h>
#include <string.h>

#ifdef PS_REAL_DOUBLE
#define BLAS_GEMM cblas_dgemm
#else
#define BLAS_GEMM cblas_sgemm
#endif

static uint32_t part_count(uint32_t n, uint32_t each)
{
    return (uint32_t)ps_div_up(n, each);
}

/* Rows of part p of n rows. */
static uint32_t part_rows(uint32_t n, uint32_t each, uint32_t p)
{
    return n - p * each < each ? n - p * each : each;
}

void ps_gemm(int threads, uint32_t n, uint32_t k, uint32_t m, const ps_real *a, const ps_real *b,
             ps_real *y, const struct ps_act *act)
{
    const uint32_t parts = part_count(n, PS_GEMM_ROWS);
    const int km = ps_int(m), kk = ps_int(k);

#pragma omp parallel for num_threads(threads) schedule(dynamic, 1) default(none)                   \
    firstprivate(n, a, b, y, act, parts, k, m, km, kk)
    for (uint32_t p = 0; p < parts; p++) {
        const uint32_t begin = p * PS_GEMM_ROWS, rows = part_rows(n, PS_GEMM_ROWS, p);
        BLAS_GEMM(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)rows, km, kk, 1,
                  a + (size_t)begin * k, kk, b, km, 0, y + (size_t)begin * m, km);
        if (act != NULL)
            ps_act_rows(act, begin, begin + rows, m, y);
    }
}

void ps_gemm_bt(int threads, uint32_t n, uint32_t m, uint32_t k, const ps_real *a, const ps_real *b,
                ps_real beta, ps_real *y)
{
    const uint32_t parts = part_count(n, PS_GEMM_ROWS);
    const int km = ps_int(m), kk = ps_int(k);

#pragma omp parallel for num_threads(threads) schedule(dynamic, 1) default(none)                   \
    firstprivate(n, a, b, beta, y, parts, m, k, km, kk)
    for (uint32_t p = 0; p < parts; p++) {
        const size_t begin = (size_t)p * PS_GEMM_ROWS;
        BLAS_GEMM(CblasRowMajor, CblasNoTrans, CblasTrans, (int)part_rows(n, PS_GEMM_ROWS, p), kk,
                  km, 1, a + begin * m, km, b, km, beta, y + begin * k, kk);
    }
}

size_t ps_gemm_ta_scratch(int threads, uint32_t n, uint32_t k, uint32_t m)
{
    return (size_t)ps_parts_at_once(threads, part_count(n, PS_GEMM_SUM_ROWS)) * k * m;
}

void ps_gemm_ta(int threads, uint32_t n, uint32_t k, uint32_t m, const ps_real *a, const ps_real *y,
                ps_real *w, ps_real *scratch)
{
    const uint32_t parts = part_count(n, PS_GEMM_SUM_ROWS), wave = ps_parts_at_once(threads, parts);
    const int km = ps_int(m), kk = ps_int(k);
    const size_t size = (size_t)k * m;

    if (n == 0)
        memset(w, 0, size * sizeof *w);
    for (uint32_t done = 0; done < parts; done += wave) {
        const uint32_t now = parts - done < wave ? parts - done : wave;
#pragma omp parallel for num_threads(threads) schedule(dynamic, 1) default(none)                   \
    firstprivate(n, k, m, a, y, scratch, size, km, kk, done, now)
        for (uint32_t p = 0; p < now; p++) {
            const size_t begin = (size_t)(done + p) * PS_GEMM_SUM_ROWS;
            BLAS_GEMM(CblasRowMajor, CblasTrans, CblasNoTrans, kk, km,
                      (int)part_rows(n, PS_GEMM_SUM_ROWS, done + p), 1, a + begin * k, kk,
                      y + begin * m, km, 0, scratch + p * size, km);
        }
        ps_parts_add(threads, size, now, scratch, done == 0, w);
    }
}

PS_CLONES static void sum_rows(size_t rows, uint32_t m, const ps_real *restrict y,
                               ps_real *restrict sum)
{
    memset(sum, 0, m * sizeof *sum);
    for (size_t r = 0; r < rows; r++)
        for (uint32_t c = 0; c < m; c++)
            sum[c] += y[r * m + c];
}

void ps_column_sums(int threads, uint32_t n, uint32_t m, const ps_real *y, ps_real *sum,
                    ps_real *scratch)
{
    const uint32_t parts = part_count(n, PS_GEMM_SUM_ROWS), wave = ps_parts_at_once(threads, parts);

    if (n == 0)
        memset(sum, 0, m * sizeof *sum);
    for (uint32_t done = 0; done < parts; done += wave) {
        const uint32_t now = parts - done < wave ? parts - done : wave;
#pragma omp parallel for num_threads(threads) schedule(dynamic, 1) default(none)                   \
    firstprivate(n, m, y, scratch, done, now)
        for (uint32_t p = 0; p < now; p++)
            sum_rows(part_rows(n, PS_GEMM_SUM_ROWS, done + p), m,
                     y + (size_t)(done + p) * PS_GEMM_SUM_ROWS * m, scratch + (size_t)p * m);
        ps_parts_add(threads, m, now, scratch, done == 0, sum);
    }
}
