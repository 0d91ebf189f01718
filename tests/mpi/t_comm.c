/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The network edge over MPI, between real ranks.
 *
 * With PS_T_COMM set it plays a part for tests/cli/comm_*.sh instead.
 */
#include "tests/comm_promises.h"

int main(void)
{
    return run_job(comm_promises, COMM_PROMISES);
}
