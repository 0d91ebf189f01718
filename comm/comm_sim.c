/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages between ranks that are threads of one process, over a struct ps_fabric.
 *
 * A rank sleeps until all that it has in flight has ended or arrived, or the time that the
 * generic layer gave is over: among 64 ranks on two cores, waking for each of 63 envelopes
 * would cost more than everything else.
 */
#include "comm/fabric_state.h"

#include <string.h>
#include <time.h>

/* A receive that was posted. */
struct posted {
    unsigned char *data;
    uint32_t bytes, slot;
    int tag;
    enum ps_channel channel;
};

/* Posted receives of one peer, in order. */
struct shelf {
    struct posted posted[PS_COMM_DEPTH];
    uint32_t count;
};

/* A long message that was found: to be copied when the box is open to others again. */
struct found {
    const unsigned char *from;
    unsigned char *to;
    uint32_t bytes, slot, peer;
};

struct sim {
    struct ps_fabric *f;
    struct ps_mem *mem;
    struct ps_net_box *box; /* own */
    uint32_t rank, net;
    uint32_t in_flight;    /* posted, not reported */
    uint64_t sent;         /* messages, for faults: the last one's number */
    uint64_t link_free_ns; /* when what was sent has left */
    uint64_t next_due_ns;  /* when the first message of the last look may be seen */
    struct ps_key key;
    bool poll_fails;
    struct shelf *shelf; /* (ranks) */
    struct found *found; /* (slots) */
};

static const struct ps_fault *fault_at(struct sim *s, uint64_t call, uint32_t among)
{
    const struct ps_fault *x = ps_fault_at(&s->f->plan, s->key, s->rank, call, among);

    if (x != NULL)
        atomic_fetch_add(&s->f->faults, 1);
    return x;
}

static PS_MUST ps_status take_room(struct sim *s)
{
    PS_TRY(PS_NEW(s->mem, PS_MEM_EXCHANGE, s->shelf, s->f->ranks));
    return PS_NEW(s->mem, PS_MEM_EXCHANGE, s->found, (size_t)s->f->ranks * PS_COMM_SLOTS);
}

static ps_status sim_init(void *state, struct ps_ctx *ctx, struct ps_comm_world *w)
{
    struct sim *s = state;
    struct ps_fabric *f = ctx->fabric;

    if (f == NULL)
        PS_FAIL(PS_EUSAGE, "there is no simulated network to join: --network sim is for commands "
                           "that make one");
    s->f = f;
    s->mem = &ctx->mem;
    s->rank = ctx->fabric_rank;
    s->box = ps_fabric_box(f, 0, s->rank);
    s->key = ps_key_make(f->seed, PS_FOR_SIM_NET, s->rank, 0, 0);
    PS_TRY(ps_fabric_join(f));
    *w = (struct ps_comm_world){
        .rank = s->rank, .ranks = f->ranks, .local_ranks = f->ranks, .any_thread = true};
    if (fault_at(s, 1, 1u << PS_NET_INIT) != NULL)
        PS_FAIL(PS_EPEER, "rank %u cannot join the simulated network, as --sim-net-faults said",
                s->rank);
    return take_room(s);
}

/* Its messages are counted, and fail, by themselves: which of two threads sends first is chance. */
static ps_status sim_twin(void *state, void *of)
{
    struct sim *s = state;
    const struct sim *first = of;

    s->f = first->f;
    s->mem = first->mem;
    s->rank = first->rank;
    s->net = 1;
    s->box = ps_fabric_box(s->f, s->net, s->rank);
    s->key = ps_key_make(s->f->seed, PS_FOR_SIM_NET, s->rank, s->net, 0);
    return take_room(s);
}

static void sim_fini(void *state)
{
    struct sim *s = state;

    if (s->f == NULL)
        return;
    ps_mem_free(s->mem, &s->found);
    ps_mem_free(s->mem, &s->shelf);
}

/* Under the lock of @p b: something is there for its owner. */
static void wake(struct ps_net_box *b)
{
    b->fresh++;
    if (b->wanted > 0 && b->fresh >= b->wanted)
        pthread_cond_signal(&b->changed);
}

static void tell_end(const struct sim *s, uint32_t sender, uint32_t slot)
{
    struct ps_fabric *f = s->f;
    struct ps_net_box *b = ps_fabric_box(f, s->net, sender);

    pthread_mutex_lock(&b->lock);
    PS_ASSERT(b->ended_count < f->ranks * PS_COMM_SLOTS);
    b->ended[b->ended_count++] = slot;
    wake(b);
    pthread_mutex_unlock(&b->lock);
}

/* When a message of @p bytes that is sent now may be seen; 0: at once. */
static uint64_t due(struct sim *s, uint32_t bytes, const struct ps_fault *x)
{
    double later = s->f->latency_ns + (x != NULL ? x->seconds * 1e9 : 0);

    if (later <= 0 && s->f->ns_per_byte <= 0)
        return 0;
    s->link_free_ns = ps_max(s->link_free_ns, ps_now_ns()) + (uint64_t)(s->f->ns_per_byte * bytes);
    return s->link_free_ns + (uint64_t)later;
}

/* @return whether it was copied, so that the sender is done with it */
static bool put(struct sim *s, uint32_t peer, struct ps_net_message m)
{
    struct ps_net_box *b = ps_fabric_box(s->f, s->net, peer);
    struct ps_net_wire *w = &b->wire[s->rank];

    pthread_mutex_lock(&b->lock);
    PS_ASSERT(w->count < PS_WIRE_DEPTH);
    m.copy = -1;
    for (int i = 0; i < PS_WIRE_COPIES && m.bytes <= PS_WIRE_COPY_BYTES && m.copy < 0; i++)
        if ((w->copies >> i & 1) == 0)
            m.copy = i;
    if (m.copy >= 0) {
        unsigned char *at =
            b->copy + ((size_t)s->rank * PS_WIRE_COPIES + (size_t)m.copy) * PS_WIRE_COPY_BYTES;
        memcpy(at, m.data, m.bytes);
        m.data = at;
        w->copies |= 1u << m.copy;
    }
    w->message[w->count++] = m;
    wake(b);
    pthread_mutex_unlock(&b->lock);
    return m.copy >= 0;
}

static void count_sent(struct sim *s, uint32_t bytes)
{
    uint64_t most = atomic_load(&s->f->most_by_one_rank);

    s->sent++;
    atomic_fetch_add(&s->f->messages, 1);
    atomic_fetch_add(&s->f->bytes, bytes);
    while (most < s->sent && !atomic_compare_exchange_weak(&s->f->most_by_one_rank, &most, s->sent))
        continue;
}

static ps_status sim_send(void *state, enum ps_channel channel, uint32_t slot, int tag,
                          const void *data, uint32_t bytes)
{
    struct sim *s = state;
    uint32_t peer = ps_slot_peer(slot, s->f->ranks);
    const struct ps_fault *x;
    struct ps_net_message m = {
        .data = data, .bytes = bytes, .slot = slot, .tag = tag, .channel = channel};

    count_sent(s, bytes);
    x = fault_at(s, s->sent, (1u << PS_NET_INIT) - 1);
    if (x != NULL && x->kind == PS_NET_DEAD)
        ps_fabric_die(s->f, s->rank, s->sent);
    if (x != NULL && x->kind == PS_NET_REFUSE)
        PS_FAIL(PS_EPEER,
                "the simulated network refuses message %" PRIu64 " of rank %u, to rank %u", s->sent,
                s->rank, peer);
    s->in_flight++;
    s->poll_fails = s->poll_fails || (x != NULL && x->kind == PS_NET_POLL);
    m.due_ns = due(s, bytes, x);
    if (x != NULL && x->kind == PS_NET_CUT)
        m.bytes /= 2;
    if ((x != NULL && x->kind == PS_NET_LOST) || put(s, peer, m))
        tell_end(s, s->rank, slot);
    return PS_OK;
}

static ps_status sim_recv(void *state, enum ps_channel channel, uint32_t slot, int tag, void *data,
                          uint32_t bytes)
{
    struct sim *s = state;
    struct shelf *shelf = &s->shelf[ps_slot_peer(slot, s->f->ranks)];

    PS_ASSERT(shelf->count < PS_COMM_DEPTH);
    shelf->posted[shelf->count++] = (struct posted){data, bytes, slot, tag, channel};
    s->in_flight++;
    return PS_OK;
}

/* Under the lock: the message for this receive, or NULL. */
static struct ps_net_message *find(struct sim *s, struct ps_net_wire *w, const struct posted *p,
                                   uint64_t now_ns)
{
    for (uint32_t i = 0; i < w->count; i++) {
        struct ps_net_message *m = &w->message[i];
        if (m->tag != p->tag || m->channel != p->channel)
            continue;
        if (m->due_ns <= now_ns)
            return m;
        s->next_due_ns = ps_min(s->next_due_ns, m->due_ns);
        return NULL; /* those behind it must not overtake it */
    }
    return NULL;
}

/* Under the lock: off the wire, copied if it is short, else among @p found. */
static void take(struct sim *s, struct ps_net_wire *w, struct ps_net_message *m, uint32_t peer,
                 unsigned char *to, uint32_t *found)
{
    if (m->copy >= 0) {
        memcpy(to, m->data, m->bytes);
        w->copies &= ~(1u << m->copy);
    } else {
        s->found[(*found)++] = (struct found){m->data, to, m->bytes, m->slot, peer};
    }
    w->count--;
    memmove(m, m + 1, (size_t)(w->message + w->count - m) * sizeof *m);
}

/* Under the lock: all that has come from one peer for the receives that are posted. */
static PS_MUST ps_status look(struct sim *s, uint32_t peer, uint64_t now_ns,
                              struct ps_comm_done *done, uint32_t *n, uint32_t *found)
{
    struct shelf *shelf = &s->shelf[peer];
    struct ps_net_wire *w = &s->box->wire[peer];

    for (uint32_t i = 0; i < shelf->count && w->count > 0;) {
        const struct posted *p = &shelf->posted[i];
        struct ps_net_message *m = find(s, w, p, now_ns);
        if (m == NULL) {
            i++;
            continue;
        }
        if (m->bytes > p->bytes)
            PS_FAIL(PS_EPEER,
                    "a message of %u bytes from rank %u does not fit where %u bytes are "
                    "expected",
                    m->bytes, peer, p->bytes);
        done[(*n)++] = (struct ps_comm_done){p->slot, m->bytes};
        take(s, w, m, peer, p->data, found);
        shelf->count--;
        memmove(&shelf->posted[i], &shelf->posted[i + 1],
                (shelf->count - i) * sizeof shelf->posted[0]);
    }
    return PS_OK;
}

static ps_status sim_poll(void *state, uint32_t slots, struct ps_comm_done *done, uint32_t *n)
{
    struct sim *s = state;
    struct ps_net_box *b = s->box;
    uint64_t now_ns = ps_now_ns();
    uint32_t found = 0;
    ps_status st = PS_OK;

    *n = 0;
    if (s->poll_fails)
        PS_FAIL(PS_EPEER, "the simulated network fails rank %u after its message %" PRIu64, s->rank,
                s->sent);
    s->next_due_ns = UINT64_MAX;
    pthread_mutex_lock(&b->lock);
    b->fresh = 0;
    while (b->ended_count > 0)
        done[(*n)++] = (struct ps_comm_done){b->ended[--b->ended_count], 0};
    for (uint32_t peer = 0; peer < s->f->ranks && st == PS_OK; peer++)
        st = look(s, peer, now_ns, done, n, &found);
    pthread_mutex_unlock(&b->lock);
    PS_TRY(st);
    for (uint32_t i = 0; i < found; i++) {
        const struct found *x = &s->found[i];
        memcpy(x->to, x->from, x->bytes);
        tell_end(s, x->peer, x->slot);
    }
    PS_ASSERT(*n <= s->in_flight && *n <= slots);
    s->in_flight -= *n;
    return PS_OK;
}

static void sim_wait(void *state, uint64_t ns)
{
    struct sim *s = state;
    struct ps_net_box *b = s->box;
    uint64_t until_ns = ps_min(ps_now_ns() + ns, s->next_due_ns);
    struct timespec t = {.tv_sec = (time_t)(until_ns / 1000000000),
                         .tv_nsec = (long)(until_ns % 1000000000)};
    int rc = 0;

    pthread_mutex_lock(&b->lock);
    b->wanted = s->in_flight;
    while (b->fresh < b->wanted && rc == 0)
        rc = pthread_cond_timedwait(&b->changed, &b->lock, &t);
    b->wanted = 0;
    pthread_mutex_unlock(&b->lock);
}

static void sim_tell(void *state)
{
    struct sim *s = state;

    ps_fabric_tell(s->f);
}

__attribute__((noreturn)) static void sim_abort(void *state, int code)
{
    struct sim *s = state;

    ps_fabric_end(s->f, code);
}

const struct ps_comm_ops ps_comm_sim = {
    .version = PS_COMM_OPS_VERSION,
    .name = "sim",
    .state_bytes = sizeof(struct sim),
    .init = sim_init,
    .twin = sim_twin,
    .fini = sim_fini,
    .send = sim_send,
    .recv = sim_recv,
    .poll = sim_poll,
    .wait = sim_wait,
    .tell = sim_tell,
    .abort = sim_abort,
};
