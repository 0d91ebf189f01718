/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file sim_disk.h
 * @brief The simulated disk (--io sim): bytes of real files, as slow and as faulty as it is told.
 *
 * @par Time
 *   `depth` reads are served at once, the others wait in order. A served read waits `latency`
 *   for its first byte, then for the one bus over which all bytes come at `bytes_per_second`:
 *
 *       start  = max(offered, end of the read `depth` places before it)
 *       end    = max(end of the read before it, start + latency) + bytes / bytes_per_second
 *
 *   So many small reads reach min(depth / latency, bytes_per_second / size) reads per second.
 *   These are seconds of the clock: the engine sleeps. An early end of sleep is waited out, a late
 *   one is no loss as long as other reads are in flight.
 * @par Order
 *   Which of the reads in service is the one that ends is drawn, so reads overtake each other.
 *   reap returns as many as it was asked for and no more. Therefore the order of all calls, and
 *   with it the number of each, is a function of the seed and of what the program asks for, never
 *   of the clock.
 * @par Faults  Reads offered to the engine are counted from 1 by each rank, attempts that repeat
 *   one included; so are the files that are opened, for enomem.
 *
 *   | kind   | what happens                                   | what it leads to                  |
 *   |--------|------------------------------------------------|-----------------------------------|
 *   | eio    | the read ends with EIO                         | once more, then one sentence      |
 *   | short  | a part arrives, cut at any byte, at least one  | the rest is read                  |
 *   | eintr  | the read ends with EINTR                       | tried again, up to 1000 times     |
 *   | eagain | the read ends with EAGAIN                      | tried again, up to 1000 times     |
 *   | eof    | no byte arrives, as behind the end of the file | one sentence if one was wanted    |
 *   | flip   | one bit of what arrives is another             | nothing: only checksums can tell  |
 *   | stall  | this read and all after it come so much later  | waiting                           |
 *   | dead   | the engine itself fails                        | one sentence                      |
 *   | enomem | the n-th file cannot be opened: ENOMEM         | one sentence                      |
 */
#ifndef IO_SIM_DISK_H
#define IO_SIM_DISK_H

#include "src/base/fault.h"
#include "src/base/opt.h"

enum ps_disk_fault {
    PS_DISK_EIO,
    PS_DISK_SHORT,
    PS_DISK_EINTR,
    PS_DISK_EAGAIN,
    PS_DISK_EOF,
    PS_DISK_FLIP,
    PS_DISK_STALL,
    PS_DISK_DEAD,
    PS_DISK_ENOMEM,
};
/** Their names, in that order. */
extern const struct ps_fault_kind ps_disk_fault_kinds[];

/** All zero: no limits, no faults. */
struct ps_sim_disk {
    uint64_t seed;
    double bytes_per_second; /**< 0 for no limit */
    double latency;          /**< seconds */
    uint32_t depth;          /**< reads served at once; 0 for all */
    struct ps_fault_plan plan;
};

/** From --sim-...; @return PS_EUSAGE if the fault plan cannot be read */
PS_MUST ps_status ps_sim_disk_of(struct ps_sim_disk *disk, const struct ps_opts_sim *o);

/** The disk is not simulated. @return PS_EUSAGE, naming the option, if it is described all the same
 */
PS_MUST ps_status ps_sim_disk_unused(const struct ps_opts_sim *o);

#endif
