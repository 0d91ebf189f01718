/* SPDX-License-Identifier: Apache-2.0 */
/* A race in an OpenMP loop and nothing else. The test passes if TSan tells of it: were TSan blind
 * to such loops, all other tests would pass unseen. */
#include <stdio.h>

int main(void)
{
    long sum = 0;

#pragma omp parallel for num_threads(4) schedule(static) default(none) shared(sum)
    for (int i = 0; i < 100000; i++)
        sum += i;
    printf("%ld\n", sum);
    return 0;
}
