/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages over MPI, MPI-3 calls only; the one unit that includes <mpi.h>.
 *
 * Isend, Irecv and Testsome while the job runs; calls that may wait only where
 * the job is joined and left. Each channel is a duplicate of the world, so
 * messages of another library in the process cannot match ours. A twin has channels of its own;
 * MPI was asked for calls from one thread at a time, so the two share a lock, which is never held
 * longer than one call that does not wait.
 */
#include "comm/backend.h"

#include <mpi.h>

#include <pthread.h>
#include <stdlib.h>

struct mpi {
    struct ps_mem *mem;
    uint32_t ranks;
    pthread_mutex_t *lock; /* around every call while the job runs; of the first of two */
    bool is_twin;
    bool joined; /* the communicators below are there */
    bool owned;  /* MPI was started here, so it is ended here */
    MPI_Comm comm[PS_CHANNEL_COUNT];
    MPI_Request *request; /* (slots) */
    MPI_Status *status;   /* (slots) */
    int *index;           /* (slots) */
};

/* MPI's own words for @p rc. */
static const char *text_of(int rc, char text[MPI_MAX_ERROR_STRING])
{
    int n = 0;

    if (MPI_Error_string(rc, text, &n) != MPI_SUCCESS)
        snprintf(text, MPI_MAX_ERROR_STRING, "error %d", rc);
    return text;
}

static PS_MUST ps_status check(int rc, const char *call)
{
    char why[MPI_MAX_ERROR_STRING];

    if (rc == MPI_SUCCESS)
        return PS_OK;
    PS_FAIL(PS_EPEER, "%s failed: %s", call, text_of(rc, why));
}

static PS_MUST ps_status start(struct mpi *m, struct ps_comm_world *w)
{
    int there, ended, granted = MPI_THREAD_SINGLE;

    PS_TRY(check(MPI_Finalized(&ended), "MPI_Finalized"));
    if (ended)
        PS_FAIL(PS_EPEER, "MPI was ended in this process and cannot be started again");
    PS_TRY(check(MPI_Initialized(&there), "MPI_Initialized"));
    if (there) {
        PS_TRY(check(MPI_Query_thread(&granted), "MPI_Query_thread"));
    } else {
        PS_TRY(
            check(MPI_Init_thread(NULL, NULL, MPI_THREAD_SERIALIZED, &granted), "MPI_Init_thread"));
        m->owned = true;
    }
    w->any_thread = granted >= MPI_THREAD_SERIALIZED;
    return check(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN),
                 "MPI_Comm_set_errhandler");
}

static PS_MUST ps_status count_local(struct ps_comm_world *w)
{
    MPI_Comm local;
    int n = 1;

    PS_TRY(
        check(MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &local),
              "MPI_Comm_split_type"));
    PS_TRY(check(MPI_Comm_size(local, &n), "MPI_Comm_size"));
    w->local_ranks = (uint32_t)n;
    return check(MPI_Comm_free(&local), "MPI_Comm_free");
}

/* Channels of our own, and room for the requests. */
static PS_MUST ps_status open_channels(struct mpi *m)
{
    size_t slots = (size_t)m->ranks * PS_COMM_SLOTS;

    /* a duplicate has the error handler of its original */
    for (int i = 0; i < PS_CHANNEL_COUNT; i++)
        PS_TRY(check(MPI_Comm_dup(MPI_COMM_WORLD, &m->comm[i]), "MPI_Comm_dup"));
    m->joined = true;
    PS_TRY(PS_NEW(m->mem, PS_MEM_EXCHANGE, m->status, slots));
    PS_TRY(PS_NEW(m->mem, PS_MEM_EXCHANGE, m->index, slots));
    PS_TRY(PS_NEW(m->mem, PS_MEM_EXCHANGE, m->request, slots));
    for (size_t i = 0; i < slots; i++)
        m->request[i] = MPI_REQUEST_NULL;
    return PS_OK;
}

static ps_status mpi_init(void *state, struct ps_ctx *ctx, struct ps_comm_world *w)
{
    struct mpi *m = state;
    struct ps_mem *mem = &ctx->mem;
    int rank = 0, ranks = 1;

    m->mem = mem;
    PS_TRY(start(m, w));
    PS_TRY(check(MPI_Comm_rank(MPI_COMM_WORLD, &rank), "MPI_Comm_rank"));
    PS_TRY(check(MPI_Comm_size(MPI_COMM_WORLD, &ranks), "MPI_Comm_size"));
    w->rank = (uint32_t)rank;
    w->ranks = m->ranks = (uint32_t)ranks;
    PS_TRY(count_local(w));
    PS_TRY(PS_NEW(mem, PS_MEM_OTHER, m->lock, 1));
    if (pthread_mutex_init(m->lock, NULL) != 0)
        PS_FAIL(PS_EMEM, "cannot make a lock");
    return open_channels(m);
}

static ps_status mpi_twin(void *state, void *of)
{
    struct mpi *m = state;
    const struct mpi *first = of;

    m->mem = first->mem;
    m->ranks = first->ranks;
    m->lock = first->lock;
    m->is_twin = true;
    return open_channels(m);
}

static void mpi_fini(void *state)
{
    struct mpi *m = state;

    for (int i = 0; i < PS_CHANNEL_COUNT && m->joined; i++)
        MPI_Comm_free(&m->comm[i]);
    if (m->owned)
        MPI_Finalize();
    ps_mem_free(m->mem, &m->request);
    ps_mem_free(m->mem, &m->index);
    ps_mem_free(m->mem, &m->status);
    if (m->is_twin || m->lock == NULL)
        return;
    pthread_mutex_destroy(m->lock);
    ps_mem_free(m->mem, &m->lock);
}

static ps_status mpi_send(void *state, enum ps_channel channel, uint32_t slot, int tag,
                          const void *data, uint32_t bytes)
{
    struct mpi *m = state;
    int peer = ps_int(ps_slot_peer(slot, m->ranks)), rc;

    pthread_mutex_lock(m->lock);
    rc = MPI_Isend(data, ps_int(bytes), MPI_BYTE, peer, tag, m->comm[channel], &m->request[slot]);
    pthread_mutex_unlock(m->lock);
    return check(rc, "MPI_Isend");
}

static ps_status mpi_recv(void *state, enum ps_channel channel, uint32_t slot, int tag, void *data,
                          uint32_t bytes)
{
    struct mpi *m = state;
    int peer = ps_int(ps_slot_peer(slot, m->ranks)), rc;

    pthread_mutex_lock(m->lock);
    rc = MPI_Irecv(data, ps_int(bytes), MPI_BYTE, peer, tag, m->comm[channel], &m->request[slot]);
    pthread_mutex_unlock(m->lock);
    return check(rc, "MPI_Irecv");
}

/* Testsome says that some message failed: tell which and why. */
static PS_MUST ps_status tell_failed(const struct mpi *m, int n)
{
    char why[MPI_MAX_ERROR_STRING];

    for (int i = 0; i < n; i++) {
        int rc = m->status[i].MPI_ERROR;
        uint32_t slot = (uint32_t)m->index[i];
        if (rc != MPI_SUCCESS && rc != MPI_ERR_PENDING)
            PS_FAIL(PS_EPEER, "a message %s rank %u failed: %s",
                    ps_slot_direction(slot, m->ranks) == PS_COMM_SEND ? "to" : "from",
                    ps_slot_peer(slot, m->ranks), text_of(rc, why));
    }
    PS_FAIL(PS_EPEER, "MPI_Testsome reports a failed message without a reason");
}

static ps_status mpi_poll(void *state, uint32_t slots, struct ps_comm_done *done, uint32_t *n)
{
    struct mpi *m = state;
    int ended = 0, bytes, rc;

    *n = 0;
    pthread_mutex_lock(m->lock);
    rc = MPI_Testsome(ps_int(slots), m->request, &ended, m->index, m->status);
    pthread_mutex_unlock(m->lock);
    if (rc == MPI_ERR_IN_STATUS)
        return tell_failed(m, ended);
    PS_TRY(check(rc, "MPI_Testsome"));
    if (ended == MPI_UNDEFINED)
        return PS_OK;
    for (int i = 0; i < ended; i++) {
        uint32_t slot = (uint32_t)m->index[i];
        bytes = 0;
        if (ps_slot_direction(slot, m->ranks) == PS_COMM_RECV)
            PS_TRY(check(MPI_Get_count(&m->status[i], MPI_BYTE, &bytes), "MPI_Get_count"));
        done[i] = (struct ps_comm_done){slot, (uint32_t)bytes};
    }
    *n = (uint32_t)ended;
    return PS_OK;
}

__attribute__((noreturn)) static void mpi_abort(void *state, int code)
{
    (void)state;
    MPI_Abort(MPI_COMM_WORLD, code);
    _Exit(code); /* MPI_Abort may return where it can only try */
}

const struct ps_comm_ops ps_comm_mpi = {
    .version = PS_COMM_OPS_VERSION,
    .name = "mpi",
    .state_bytes = sizeof(struct mpi),
    .init = mpi_init,
    .twin = mpi_twin,
    .fini = mpi_fini,
    .send = mpi_send,
    .recv = mpi_recv,
    .poll = mpi_poll,
    .abort = mpi_abort,
};
