/* SPDX-License-Identifier: Apache-2.0 */
#include "src/train/stop.h"

#include <signal.h>
#include <stdatomic.h>
#include <string.h>

_Static_assert(ATOMIC_INT_LOCK_FREE == 2, "a handler may write it, and threads may read it");

/* The one mutable global besides locks: scripts/check_globals.sh knows its name. */
static atomic_int stop_asked;

static void on_signal(int number)
{
    (void)number;
    atomic_store(&stop_asked, 1);
}

void ps_stop_on_signals(void)
{
    struct sigaction a;

    memset(&a, 0, sizeof a);
    a.sa_handler = on_signal;
    a.sa_flags = SA_RESTART; /* a read of a file or of a socket goes on */
    (void)sigemptyset(&a.sa_mask);
    (void)sigaction(SIGUSR1, &a, NULL);
    (void)sigaction(SIGTERM, &a, NULL);
}

bool ps_stop_asked(void)
{
    return atomic_load(&stop_asked) != 0;
}
