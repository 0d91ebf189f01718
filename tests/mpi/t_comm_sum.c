/* SPDX-License-Identifier: Apache-2.0 */
/* Sums over MPI, between real ranks. */
#include "tests/comm_sum_promises.h"

int main(void)
{
    return run_job(sum_promises, SUM_PROMISES);
}
