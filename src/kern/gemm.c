/* SPDX-License-Identifier: Apache-2.0 */
#include "src/kern/gemm.h"

#include "src/base/num.h"
#include "src/kern/simd.h"

#include <cblas.h>
#include <string.h>

#ifdef PS_REAL_DOUBLE
#define BLAS_GEMM cblas_dgemm
#else
#define BLAS_GEMM cblas_sgemm
#endif

/* Absent where CBLAS comes from elsewhere. */
extern __attribute__((weak)) void openblas_set_num_threads(int threads);

enum {
    AT_ONCE = 16,    /* partial sums held at a time; more threads hold more */
    SUM_EACH = 4096, /* numbers of them that a thread adds at a time */
};

void ps_gemm_setup(void)
{
    if (openblas_set_num_threads != NULL)
        openblas_set_num_threads(1);
}

static uint32_t part_count(uint32_t n, uint32_t each)
{
    return (uint32_t)ps_div_up(n, each);
}

/* Rows of part p of n rows. */
static uint32_t part_rows(uint32_t n, uint32_t each, uint32_t p)
{
    return n - p * each < each ? n - p * each : each;
}

void ps_gemm(int threads, uint32_t n, uint32_t k, uint32_t m, const ps_real *a, size_t a_stride,
             const ps_real *b, ps_real beta, ps_real *y, size_t y_stride, const struct ps_act *act)
{
    const uint32_t parts = part_count(n, PS_GEMM_ROWS);
    const int km = ps_int(m), kk = ps_int(k), lda = ps_int(a_stride), ldy = ps_int(y_stride);

#pragma omp parallel for num_threads(threads) schedule(dynamic, 1) default(none)                   \
    firstprivate(n, a, a_stride, b, beta, y, y_stride, act, parts, m, km, kk, lda, ldy)
    for (uint32_t p = 0; p < parts; p++) {
        const uint32_t begin = p * PS_GEMM_ROWS, rows = part_rows(n, PS_GEMM_ROWS, p);
        BLAS_GEMM(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)rows, km, kk, 1,
                  a + begin * a_stride, lda, b, km, beta, y + begin * y_stride, ldy);
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

/* Partial sums held at a time. The order of the additions does not depend on it. */
static uint32_t at_once(int threads, uint32_t parts)
{
    return (uint32_t)ps_min(parts, ps_max(AT_ONCE, (uint64_t)threads));
}

size_t ps_gemm_ta_scratch(int threads, uint32_t n, uint32_t k, uint32_t m)
{
    return (size_t)at_once(threads, part_count(n, PS_GEMM_SUM_ROWS)) * k * m;
}

/* w += or = the partial sums one after another, each of `size` numbers. */
static void add_parts(int threads, size_t size, uint32_t count, const ps_real *part, bool first,
                      ps_real *w)
{
    const size_t pieces = ps_div_up(size, SUM_EACH);

#pragma omp parallel for num_threads(threads) schedule(static) default(none)                       \
    firstprivate(size, count, part, first, w, pieces)
    for (size_t i = 0; i < pieces; i++) {
        const size_t begin = i * SUM_EACH, end = ps_min(begin + SUM_EACH, size);
        if (first)
            memset(w + begin, 0, (end - begin) * sizeof *w);
        for (uint32_t p = 0; p < count; p++)
            for (size_t j = begin; j < end; j++)
                w[j] += part[p * size + j];
    }
}

void ps_gemm_ta(int threads, uint32_t n, uint32_t k, uint32_t m, const ps_real *a, size_t a_stride,
                const ps_real *y, ps_real *w, ps_real *scratch)
{
    const uint32_t parts = part_count(n, PS_GEMM_SUM_ROWS), wave = at_once(threads, parts);
    const int km = ps_int(m), kk = ps_int(k), lda = ps_int(a_stride);
    const size_t size = (size_t)k * m;

    if (n == 0)
        memset(w, 0, size * sizeof *w);
    for (uint32_t done = 0; done < parts; done += wave) {
        const uint32_t now = parts - done < wave ? parts - done : wave;
#pragma omp parallel for num_threads(threads) schedule(dynamic, 1) default(none)                   \
    firstprivate(n, m, a, a_stride, y, scratch, size, km, kk, lda, done, now)
        for (uint32_t p = 0; p < now; p++) {
            const size_t begin = (size_t)(done + p) * PS_GEMM_SUM_ROWS;
            BLAS_GEMM(CblasRowMajor, CblasTrans, CblasNoTrans, kk, km,
                      (int)part_rows(n, PS_GEMM_SUM_ROWS, done + p), 1, a + begin * a_stride, lda,
                      y + begin * m, km, 0, scratch + p * size, km);
        }
        add_parts(threads, size, now, scratch, done == 0, w);
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
    const uint32_t parts = part_count(n, PS_GEMM_SUM_ROWS), wave = at_once(threads, parts);

    if (n == 0)
        memset(sum, 0, m * sizeof *sum);
    for (uint32_t done = 0; done < parts; done += wave) {
        const uint32_t now = parts - done < wave ? parts - done : wave;
#pragma omp parallel for num_threads(threads) schedule(dynamic, 1) default(none)                   \
    firstprivate(n, m, y, scratch, done, now)
        for (uint32_t p = 0; p < now; p++)
            sum_rows(part_rows(n, PS_GEMM_SUM_ROWS, done + p), m,
                     y + (size_t)(done + p) * PS_GEMM_SUM_ROWS * m, scratch + (size_t)p * m);
        add_parts(threads, m, now, scratch, done == 0, sum);
    }
}
