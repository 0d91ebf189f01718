/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file cost.h
 * @brief What reads cost on the disk at hand: two numbers.
 *
 *     time of n reads of together m bytes, at full queue = n * request_ns + m * byte_ns
 *
 * The first is 1 / (reads per second) of small reads, less their bytes; the second 1 / bandwidth of
 * large ones. They are measured at start, on a file of the dataset, or given by --io-request-time
 * and --io-bandwidth. What is fetched does not depend on them, only in how many reads.
 */
#ifndef IO_COST_H
#define IO_COST_H

#include "io/engine.h"

struct ps_io_cost {
    double request_ns, byte_ns; /**< byte_ns > 0 */
};

/**
 * For files too small to measure on and for disks that are not there (--io hdf5, sim). The largest
 * gap is then 8 KiB: it is 4 to 6 KiB for local NVMe and SATA disks (3 GB/s and 600 k/s; 550 MB/s
 * and 90 k/s), 12 KiB for a virtual disk (1.3 GB/s, 110 k/s), and above that for network disks,
 * which count requests.
 */
struct ps_io_cost ps_io_cost_default(void);

/** The two options. @param[out] is_given  false if both are 0: to be measured
 *  @return PS_EUSAGE for one without the other */
PS_MUST ps_status ps_io_cost_given(struct ps_io_cost *c, const struct ps_opts_io *o,
                                   bool *is_given);

/** The largest gap worth reading along: request_ns / byte_ns, at most 1 GiB. */
uint64_t ps_io_cost_gap(const struct ps_io_cost *c);

enum {
    PS_IO_COST_FILE_MIN = 64 * 1024 * 1024, /**< smaller files are not measured on */
    PS_IO_COST_MS_MAX = 30                  /**< measuring stops offering reads after that */
};

/**
 * Measure: random small reads at full queue and random large ones, in turn, four times; the best
 * of each counts. At most about 4 MiB and 16 MiB are read.
 * Offsets are fixed by the file's size. Reads that fail leave @p c as it is: whoever wants
 * these bytes will hear of it. Nothing is counted as fetched.
 * No gap above 128 KiB is measured. @param[in,out] c  left as it is if the answer makes no sense
 * @param[in] file_bytes  of @p file, at least PS_IO_COST_FILE_MIN
 * @param[in,out] idle (n) requests with dst set to (read_bytes) each, as many as are to be in
 *                flight; they come back in another order
 * @param[out] done (n) scratch
 * @pre nothing is in flight
 * @return PS_EIO: the engine failed
 */
PS_MUST ps_status ps_io_cost_measure(struct ps_io_cost *c, struct ps_io *io, uint32_t file,
                                     uint64_t file_bytes, uint32_t read_bytes,
                                     struct ps_io_req **idle, uint32_t n, struct ps_io_req **done);

#endif
