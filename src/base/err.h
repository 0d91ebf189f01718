/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file err.h
 * @brief One status type, and one place where the story of a failure is kept.
 *
 * A function that can fail returns ps_status and nothing else; results come
 * back through pointers. PS_OK is zero, so `if (st)` reads "if it failed".
 * The first function that knows *why* writes one sentence with PS_FAIL, with
 * file, place, expected and found in it. Everyone above passes it on.
 *
 * Codes are grouped by what the caller can do about it; ps_exit_code() maps
 * them to the exit codes of docs/guide.md. A broken invariant is not a status:
 * it is PS_ASSERT, and the program stops.
 *
 * @par Threads  The record is thread-local and fixed in size; writing it never
 *               allocates, so running out of memory can be reported too. Work
 *               done by another thread hands its record over with
 *               ps_err_take and ps_err_give.
 * @par Ranks    A status is local. It travels in the exchanges of comm.h.
 */
#ifndef PS_BASE_ERR_H
#define PS_BASE_ERR_H

#include <stdio.h>

typedef enum ps_status {
    PS_OK = 0,
    PS_EUSAGE,  /**< An option or argument is wrong. Exit code 1. */
    PS_EINPUT,  /**< The bytes of a file are wrong, or it is not there. Exit code 2. */
    PS_EIO,     /**< The operating system said no. Exit code 3. */
    PS_EMEM,    /**< malloc failed or a byte budget is used up. Exit code 4. */
    PS_EPEER,   /**< MPI or a peer failed; the job cannot go on. Exit code 5. */
    PS_EUNSUPP, /**< This kernel or build cannot; try a fallback. Exit code 3. */
    PS_ESTOP,   /**< Stopped in time and resumable. Exit code 75. */
    PS_ECANCEL, /**< Another rank failed first; its sentence is the one. */
    PS_STATUS_COUNT
} ps_status;

#define PS_MUST __attribute__((warn_unused_result))
#define PS_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

enum { PS_ERR_TEXT_BYTES = 1024, PS_ERR_HOPS = 8 };

struct ps_err_hop {
    const char *file;
    const char *call;
    int line;
};

/** The story of one failure. Plain data: copy it between threads. */
struct ps_err_record {
    ps_status st;
    int sys; /**< errno of a failed system call, or 0 */
    int hop_count;
    struct ps_err_hop hop[PS_ERR_HOPS];
    char text[PS_ERR_TEXT_BYTES];
};

/** Record a failure. Use PS_FAIL. */
void ps_err_set(ps_status st, int sys, const char *file, int line, const char *fmt, ...)
    PS_PRINTF(5, 6);

/** Note that a failure passed through here. Use PS_TRY. */
void ps_err_note(const char *file, int line, const char *call);

/** While the sum of @p by is above zero, the record stays as it is. */
void ps_err_hold(int by);

/** Copy this thread's record out; make @p r this thread's record. */
void ps_err_take(struct ps_err_record *r);
void ps_err_give(const struct ps_err_record *r);

/** The sentence of this thread's last failure, without prefix or newline.
 *  "" if there is none. Borrowed until the next failure of this thread. */
const char *ps_err_sentence(void);

/** Print `penstock: SENTENCE\n`; with @p way also the calls it came through. */
void ps_err_print(FILE *out, int way);

/** Short name such as "io", for logs and the JSON run record. Never NULL. */
const char *ps_status_name(ps_status st);

/** The exit code of the process: 0 done, 1 usage, 2 input, 3 I/O, 4 memory,
 *  5 peer, 75 stopped in time and resumable. */
int ps_exit_code(ps_status st);

/** Fail here: one sentence, lower case, with the names and numbers in it. */
#define PS_FAIL(st, ...) PS_FAIL_AS_(st, 0, __VA_ARGS__)

/** As PS_FAIL, for a failed system call; @p sys is a positive errno, whose
 *  text is appended to the sentence. */
#define PS_FAIL_SYS(sys, ...) PS_FAIL_AS_(PS_EIO, sys, __VA_ARGS__)

/* The macro itself returns the constant, so an analyser can follow it. */
#define PS_FAIL_AS_(st, sys, ...)                                                                  \
    do {                                                                                           \
        ps_err_set((st), (sys), __FILE__, __LINE__, __VA_ARGS__);                                  \
        return (st);                                                                               \
    } while (0)

/** Call, and hand any failure to our own caller. Nothing to clean up. */
#define PS_TRY(call)                                                                               \
    do {                                                                                           \
        ps_status ps_st_ = (call);                                                                 \
        if (ps_st_ != PS_OK) {                                                                     \
            ps_err_note(__FILE__, __LINE__, #call);                                                \
            return ps_st_;                                                                         \
        }                                                                                          \
    } while (0)

/** Call, and on failure leave through the function's one `out:` label. */
#define PS_GO(st, call)                                                                            \
    do {                                                                                           \
        if (((st) = (call)) != PS_OK) {                                                            \
            ps_err_note(__FILE__, __LINE__, #call);                                                \
            goto out;                                                                              \
        }                                                                                          \
    } while (0)

/** As PS_FAIL, but through the `out:` label. */
#define PS_GO_FAIL(st, code, ...)                                                                  \
    do {                                                                                           \
        ps_err_set((code), 0, __FILE__, __LINE__, __VA_ARGS__);                                    \
        (st) = (code);                                                                             \
        goto out;                                                                                  \
    } while (0)

/** A call that must be made even after a failure (close, free, end). The
 *  first failure is the one told: the user needs the cause, not the echo. */
#define PS_KEEP(st, call)                                                                          \
    do {                                                                                           \
        int ps_held_ = (st) != PS_OK;                                                              \
        ps_status ps_st_;                                                                          \
        ps_err_hold(ps_held_);                                                                     \
        ps_st_ = (call);                                                                           \
        ps_err_hold(-ps_held_);                                                                    \
        if (!ps_held_)                                                                             \
            (st) = ps_st_;                                                                         \
    } while (0)

/** A broken invariant stops the program, in release builds too. PS_DASSERT is
 *  for checks that cost more than the work they guard; debug builds only. */
#define PS_ASSERT(cond) ((cond) ? (void)0 : ps_assert_failed(#cond, __FILE__, __LINE__))
#ifdef PS_DEBUG
#define PS_DASSERT(cond) PS_ASSERT(cond)
#else
#define PS_DASSERT(cond) ((void)sizeof((cond) ? 1 : 0))
#endif
__attribute__((noreturn)) void ps_assert_failed(const char *cond, const char *file, int line);

#endif
