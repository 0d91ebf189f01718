/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenBLAS before 0.3.25 takes an Intel CPU that is younger than itself for a
 * Prescott of 2004 and multiplies four times slower than it could (its issue
 * 4267, pull request 4268; Debian 12 has 0.3.21). It chooses when it is loaded,
 * from OPENBLAS_CORETYPE if that is set. So where it chose a core without AVX2
 * on a CPU that has it, and nobody asked for that, it is made to choose again,
 * before main and thus before there is any other thread. Its functions for this
 * are no documented interface: all are weak, and without them nothing happens.
 */
#include "src/kern/gemm.h"

#include <stdlib.h>
#include <string.h>

extern __attribute__((weak)) void openblas_set_num_threads(int threads);

void ps_gemm_setup(void)
{
    if (openblas_set_num_threads != NULL)
        openblas_set_num_threads(1);
}

#if defined(__x86_64__)
extern __attribute__((weak)) char *openblas_get_corename(void);
extern __attribute__((weak)) void gotoblas_dynamic_init(void);
extern __attribute__((weak)) void gotoblas_dynamic_quit(void);

__attribute__((constructor)) static void choose_again(void)
{
    /* NOLINTBEGIN(concurrency-mt-unsafe): there is no other thread before main */
    static const char name[] = "OPENBLAS_CORETYPE";
    const char *core;

    if (openblas_get_corename == NULL || gotoblas_dynamic_init == NULL ||
        gotoblas_dynamic_quit == NULL || getenv(name) != NULL)
        return;
    __builtin_cpu_init();
    core = __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") &&
                   __builtin_cpu_supports("avx512dq")
               ? "SkylakeX"
               : "Haswell";
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") ||
        strcmp(openblas_get_corename(), "Prescott") != 0 || setenv(name, core, 1) != 0)
        return;
    gotoblas_dynamic_quit();
    gotoblas_dynamic_init();
    unsetenv(name);
    /* NOLINTEND(concurrency-mt-unsafe) */
}
#endif
