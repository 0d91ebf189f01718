/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file stop.h
 * @brief The wish of the outside world that this process stops: SIGUSR1 and SIGTERM.
 *
 * A signal is sent to a process, so there is one flag for the process, also where several ranks
 * live in it as threads. It is never taken back: what was asked to stop stops.
 */
#ifndef PS_TRAIN_STOP_H
#define PS_TRAIN_STOP_H

#include <stdbool.h>

/** From now on SIGUSR1 and SIGTERM do no more than to be remembered. To be called once, by a
 *  program; a library leaves the signals of its host alone. */
void ps_stop_on_signals(void);

/** Whether one of them has come. */
bool ps_stop_asked(void);

#endif
