/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file fault.h
 * @brief A fault plan: what goes wrong at a simulated edge, and at which of its calls.
 *
 * As text, without blanks:
 *
 *     plan  = fault *( "," fault )
 *     fault = kind [ ":" time ] "@" when [ "/" rank ]
 *     when  = N          at the N-th call, counted from 1
 *           | N "-" M    at calls N to M
 *           | N "-"      at call N and all after it
 *           | P "%"      at each call with a probability of P in 100, drawn by the seed
 *     time  = number [ "us" | "ms" | "s" ]     seconds without a unit
 *
 * An edge names its own kinds and says which of them take a time. Calls are counted by each rank
 * for itself; without "/rank" a fault is one of every rank. Where several faults of a plan
 * fall on one call, the first of the plan happens. For example `eio@17,short@3-9,stall:2s@9/1`.
 *
 * @par Reproducible  The plan has no state: whether a fault falls on a call is a function of plan,
 *                    key, rank and the call's number.
 */
#ifndef PS_BASE_FAULT_H
#define PS_BASE_FAULT_H

#include "src/base/err.h"
#include "src/base/rng.h"

#include <stdbool.h>
#include <stdint.h>

enum { PS_FAULTS_MAX = 16, PS_FAULT_KINDS_MAX = 32 };
#define PS_FAULT_ANY_RANK UINT64_MAX

/** What a simulated edge can do; a table of these ends with a name of NULL. */
struct ps_fault_kind {
    const char *name;
    bool takes_time; /**< ":" and a time must follow; otherwise must not */
};

struct ps_fault {
    uint32_t kind;        /**< index into the edge's table */
    double seconds;       /**< of a kind that takes a time */
    double probability;   /**< above 0: drawn for each call, and first and last play no part */
    uint64_t first, last; /**< calls, from 1, both included */
    uint64_t rank;        /**< PS_FAULT_ANY_RANK, or the only one */
};

struct ps_fault_plan {
    struct ps_fault fault[PS_FAULTS_MAX];
    uint32_t count;
};

/** Read a plan; the empty text is the empty plan. @param[in] option  for sentences: "--x"
 *  @return PS_EUSAGE with the position in @p text, what was expected and what was found */
PS_MUST ps_status ps_fault_plan_parse(struct ps_fault_plan *plan, const char *option,
                                      const char *text, const struct ps_fault_kind *kinds);

/**
 * The fault of call number @p call (from 1) of @p rank, or NULL. @param[in] among  a bit for
 * each kind that can fall on such a call @param[in] key  of the edge's draws on this rank
 */
const struct ps_fault *ps_fault_at(const struct ps_fault_plan *plan, struct ps_key key,
                                   uint64_t rank, uint64_t call, uint32_t among);

#endif
