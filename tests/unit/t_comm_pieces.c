/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The generic layer over a network that is not there: a backend in this file
 * plays the other rank, so that parts of 5 GiB can be "sent" without touching
 * memory, and messages can fail, come short, or not come.
 */
#include "tests/ps_test.h"

#include "comm/backend.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { RANKS = 2, PEER = 1, SLOTS = PS_COMM_SLOTS * RANKS };

/* What the peer says and does, and what was posted. */
static struct play {
    struct ps_comm_head says; /* status and words of its envelopes */
    int stop;                 /* nothing ends any more; time runs out */
    int fail_send, fail_poll; /* posts, polls until one fails; negative: never */
    uint32_t short_by;        /* bytes missing in data that arrives */
    uint32_t envelope_bytes;  /* if not 0: size of its envelopes */
    uint64_t data_bytes[PS_COMM_DIRECTIONS], pieces[PS_COMM_DIRECTIONS];
    uint64_t in_flight, in_flight_most, piece_most;
    const unsigned char *next[PS_COMM_DIRECTIONS]; /* where the next piece must begin */
    struct {
        int busy;
        uint32_t bytes;
    } slot[SLOTS];
    int aborted; /* exit code */
    jmp_buf back;
} play;

static ps_status fake_init(void *state, struct ps_ctx *ctx, struct ps_comm_world *w)
{
    (void)state, (void)ctx;
    *w = (struct ps_comm_world){.rank = 0, .ranks = RANKS, .local_ranks = 1};
    return PS_OK;
}

static void fake_fini(void *state)
{
    (void)state;
}

/* Pieces of a lane must follow one another without gaps. */
static void post(uint32_t slot, int tag, const unsigned char *data, uint32_t bytes)
{
    uint32_t direction = ps_slot_direction(slot, RANKS);

    assert_int_equal(ps_slot_peer(slot, RANKS), PEER);
    assert_false(play.slot[slot].busy);
    assert_true(bytes > 0 && bytes <= PS_COMM_PIECE_BYTES);
    play.slot[slot].busy = 1;
    play.slot[slot].bytes = bytes;
    if (tag != PS_COMM_TAG_DATA)
        return;
    if (play.next[direction] != NULL)
        assert_ptr_equal(data, play.next[direction]);
    play.next[direction] = data + bytes;
    play.data_bytes[direction] += bytes;
    play.pieces[direction]++;
    play.piece_most = ps_max(play.piece_most, bytes);
    play.in_flight++;
    play.in_flight_most = ps_max(play.in_flight_most, play.in_flight);
}

static ps_status fake_send(void *state, enum ps_channel channel, uint32_t slot, int tag,
                           const void *data, uint32_t bytes)
{
    (void)state, (void)channel;
    if (play.fail_send == 0)
        PS_FAIL(PS_EPEER, "the wire is cut");
    play.fail_send--;
    if (tag == PS_COMM_TAG_ENVELOPE) { /* the peer is in the same call, so it says the same */
        const struct ps_comm_head *h = data;
        play.says.turn = h->turn;
        play.says.op = h->op;
    }
    post(slot, tag, data, bytes);
    return PS_OK;
}

static ps_status fake_recv(void *state, enum ps_channel channel, uint32_t slot, int tag, void *data,
                           uint32_t bytes)
{
    (void)channel;
    post(slot, tag, data, bytes);
    if (tag == PS_COMM_TAG_ENVELOPE) {
        *(struct ps_comm_head **)state = data;
        play.slot[slot].bytes = sizeof play.says;
        if (play.envelope_bytes > 0)
            play.slot[slot].bytes = play.envelope_bytes;
    } else {
        play.slot[slot].bytes = bytes - play.short_by;
    }
    return PS_OK;
}

static ps_status fake_poll(void *state, uint32_t slots, struct ps_comm_done *done, uint32_t *n)
{
    struct ps_comm_head **mail = state;

    *n = 0;
    if (play.fail_poll == 0)
        PS_FAIL(PS_EPEER, "the wire is cut");
    play.fail_poll--;
    if (*mail != NULL)
        **mail = play.says;
    *mail = NULL;
    for (uint32_t s = 0; s < SLOTS && !play.stop; s++) {
        if (!play.slot[s].busy)
            continue;
        assert_true(s < slots);
        done[(*n)++] = (struct ps_comm_done){s, play.slot[s].bytes};
        play.slot[s].busy = 0;
        play.in_flight -= play.in_flight > 0;
    }
    return PS_OK;
}

__attribute__((noreturn)) static void fake_abort(void *state, int code)
{
    (void)state;
    play.aborted = code;
    longjmp(play.back, 1);
}

static const struct ps_comm_ops fake = {
    .version = PS_COMM_OPS_VERSION,
    .name = "fake",
    .state_bytes = sizeof(struct ps_comm_head *),
    .init = fake_init,
    .fini = fake_fini,
    .send = fake_send,
    .recv = fake_recv,
    .poll = fake_poll,
    .abort = fake_abort,
};

struct world {
    struct ps_ctx ctx;
    struct ps_comm *c;
    struct ps_inbox in;
};

static int join(void **state)
{
    static const struct ps_opts_comm o = {.timeout = 0.2};
    struct world *w = calloc(1, sizeof *w);

    memset(&play, 0, sizeof play);
    play.fail_send = play.fail_poll = -1;
    ps_ctx_init(&w->ctx, NULL);
    assert_ok(ps_comm_new_with(&w->c, &w->ctx, &o, &fake));
    assert_ok(ps_inbox_init(&w->in, w->c));
    *state = w;
    return 0;
}

static int leave(void **state)
{
    struct world *w = *state;

    memset(&play.says, 0, sizeof play.says);
    ps_inbox_fini(&w->in, w->c);
    ps_comm_free(&w->c);
    assert_int_equal(ps_ctx_fini(&w->ctx), 0);
    free(w);
    return 0;
}

/* A broken job cannot be left, only ended; then its memory is the system's. Kept in sight
 * of the leak checker. */
static struct world *ended[16];
static int ended_count;

static int keep(void **state)
{
    ended[ended_count++] = *state;
    return 0;
}

static int leave_broken(void **state)
{
    struct world *w = *state;

    keep(state);
    if (setjmp(play.back) == 0) {
        ps_comm_free(&w->c);
        return 1;
    }
    return play.aborted != 5;
}

/* 5 GiB and 3 bytes; addresses only. */
static const uint64_t huge = (UINT64_C(5) << 30) + 3;

static unsigned char *reserve(uint64_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    assert_true(p != MAP_FAILED);
    return p;
}

static void a_part_of_5_gib_is_sent_in_pieces_without_gaps(void **state)
{
    struct world *w = *state;
    unsigned char *data = reserve(huge);
    const void *part[RANKS] = {NULL, data};
    uint64_t bytes[RANKS] = {0, huge}, sent[PS_TRAFFIC_COUNT];

    play.says.word[2] = 2 * huge; /* the peer has room; this rank has not, hence two agreements */
    assert_ok(ps_comm_alltoall(w->c, PS_TRAFFIC_ROWS, PS_OK, part, bytes, &w->in));
    assert_int_equal(play.data_bytes[PS_COMM_SEND], huge);
    assert_int_equal(play.pieces[PS_COMM_SEND], 1281);
    assert_int_equal(play.piece_most, PS_COMM_PIECE_BYTES);
    assert_int_equal(play.in_flight_most, PS_COMM_DEPTH);
    assert_ptr_equal(play.next[PS_COMM_SEND], data + huge);
    ps_comm_sent_bytes(w->c, sent);
    assert_int_equal(sent[PS_TRAFFIC_ROWS], huge);
    munmap(data, huge);
}

static void a_part_of_5_gib_is_received_in_pieces_without_gaps(void **state)
{
    struct world *w = *state;
    unsigned char *own = w->in.data, *data = reserve(huge + 8);
    size_t own_cap = w->in.cap;
    const void *part[RANKS] = {NULL, NULL};
    uint64_t bytes[RANKS] = {0, 0};

    w->in.data = data;
    w->in.cap = huge + 8;
    play.says.word[0] = play.says.word[1] = huge;
    play.says.word[2] = huge + 8;
    assert_ok(ps_comm_alltoall(w->c, PS_TRAFFIC_ROWS, PS_OK, part, bytes, &w->in));
    assert_int_equal(w->in.bytes[PEER], huge);
    assert_int_equal(w->in.begin[RANKS], (UINT64_C(5) << 30) + 8);
    assert_int_equal(play.data_bytes[PS_COMM_RECV], huge);
    assert_int_equal(play.pieces[PS_COMM_RECV], 1281);
    w->in.data = own;
    w->in.cap = own_cap;
    munmap(data, huge + 8);
}

static void a_part_that_no_memory_can_hold_is_a_failure_told_before_data_flows(void **state)
{
    struct world *w = *state;
    const void *part[RANKS] = {NULL, NULL};
    uint64_t bytes[RANKS] = {0, 0};

    play.says.word[0] = play.says.word[1] = UINT64_MAX - 2;
    assert_int_equal(ps_comm_alltoall(w->c, PS_TRAFFIC_ROWS, PS_OK, part, bytes, &w->in), PS_EMEM);
    assert_int_equal(play.pieces[PS_COMM_RECV], 0);
}

static void a_peer_that_does_not_come_ends_the_job_with_5_and_a_sentence(void **state)
{
    struct world *w = *state;

    play.stop = 1;
    if (setjmp(play.back) == 0) {
        ps_status st = ps_comm_agree(w->c, PS_OK);
        fail_msg("the wait ended with %s", ps_status_name(st));
    }
    assert_int_equal(play.aborted, 5);
    assert_string_equal(ps_err_sentence(), "rank 0 has waited 0.2 s for rank 1 in an agreement "
                                           "(status and counts); giving up");
}

static void a_broken_network_is_told_and_nothing_is_tried_again(void **state)
{
    struct world *w = *state;
    char all[RANKS];

    play.fail_send = 0;
    assert_fails(ps_comm_gather(w->c, PS_OK, "x", 1, all), PS_EPEER, "the wire is cut");
    play.fail_send = -1;
    assert_fails(ps_comm_agree(w->c, PS_OK), PS_EPEER, "cannot talk to the others any more");
}

static void a_network_that_breaks_while_polling_is_told(void **state)
{
    struct world *w = *state;

    play.fail_poll = 0;
    assert_fails(ps_comm_agree(w->c, PS_OK), PS_EPEER, "the wire is cut");
}

static void a_piece_that_is_too_short_is_told(void **state)
{
    static unsigned char own[5000], all[RANKS][5000];
    struct world *w = *state;

    play.says.word[0] = sizeof own;
    play.short_by = 1;
    assert_fails(ps_comm_gather(w->c, PS_OK, own, sizeof own, all), PS_EPEER,
                 "a piece of 4999 bytes, expected 5000");
}

static void an_envelope_that_is_not_well_formed_is_told(void **state)
{
    struct world *w = *state;

    play.envelope_bytes = 7;
    assert_fails(ps_comm_agree(w->c, PS_OK), PS_EPEER, "not well formed");
}

static void a_status_that_does_not_exist_is_told_and_ones_own_failure_wins(void **state)
{
    struct world *w = *state;

    play.says.status = PS_STATUS_COUNT;
    assert_fails(ps_comm_agree(w->c, PS_OK), PS_EPEER, "unknown kind");
    ps_err_set(PS_EIO, 0, __FILE__, __LINE__, "the disk is gone");
    assert_int_equal(ps_comm_agree(w->c, PS_EIO), PS_EIO);
    assert_string_equal(ps_err_sentence(), "the disk is gone");
}

/* In a child: what a job that is ended leaves behind is the system's to clear. */
static void joining_without_memory_ends_a_job_of_several(void **state)
{
    static const struct ps_opts_comm o = {.timeout = 5};
    struct world *w = *state;
    int status = 0;
    pid_t child;

    fflush(NULL);
    child = fork();
    if (child == 0) {
        ps_mem_fail_after(&w->ctx.mem, 3);
        if (setjmp(play.back) == 0 && ps_comm_new_with(&w->c, &w->ctx, &o, &fake) == PS_OK)
            _exit(99);
        _exit(play.aborted);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 4);
}

#define PLAYED(f) cmocka_unit_test_setup_teardown(f, join, leave)
#define PLAYED_TO_THE_END(f) cmocka_unit_test_setup_teardown(f, join, leave_broken)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLAYED(a_part_of_5_gib_is_sent_in_pieces_without_gaps),
        PLAYED(a_part_of_5_gib_is_received_in_pieces_without_gaps),
        PLAYED(a_part_that_no_memory_can_hold_is_a_failure_told_before_data_flows),
        PLAYED_TO_THE_END(a_broken_network_is_told_and_nothing_is_tried_again),
        PLAYED_TO_THE_END(a_network_that_breaks_while_polling_is_told),
        PLAYED_TO_THE_END(a_piece_that_is_too_short_is_told),
        PLAYED_TO_THE_END(an_envelope_that_is_not_well_formed_is_told),
        PLAYED(a_status_that_does_not_exist_is_told_and_ones_own_failure_wins),
        cmocka_unit_test_setup_teardown(
            a_peer_that_does_not_come_ends_the_job_with_5_and_a_sentence, join, keep),
        PLAYED(joining_without_memory_ends_a_job_of_several),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
