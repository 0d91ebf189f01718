/* SPDX-License-Identifier: Apache-2.0 */
/* The library is one for the whole process, and so is its lock: the one mutable global of io/. */
#include "io/h5.h"

#include <hdf5.h>
#include <pthread.h>

static pthread_mutex_t library = PTHREAD_MUTEX_INITIALIZER;

void ps_h5_enter(void)
{
    PS_ASSERT(pthread_mutex_lock(&library) == 0);
    /* At exit the library would try again to write files whose writing failed. Refused after
     * its first call, and without harm then. */
    (void)H5dont_atexit();
    (void)H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}

void ps_h5_leave(void)
{
    PS_ASSERT(pthread_mutex_unlock(&library) == 0);
}

bool ps_h5_is_locked(void)
{
    if (pthread_mutex_trylock(&library) != 0)
        return true;
    ps_h5_leave();
    return false;
}
