/* SPDX-License-Identifier: Apache-2.0 */
/* One rank and no library: the generic layer copies a rank's part to itself, so nothing is
 * ever posted here. */
#include "comm/backend.h"

#include <stdlib.h>

static ps_status self_init(void *state, struct ps_ctx *ctx, struct ps_comm_world *w)
{
    (void)state, (void)ctx;
    *w = (struct ps_comm_world){.rank = 0, .ranks = 1, .local_ranks = 1, .any_thread = true};
    return PS_OK;
}

static void self_fini(void *state)
{
    (void)state;
}

static ps_status self_send(void *state, enum ps_channel channel, uint32_t slot, int tag,
                           const void *data, uint32_t bytes)
{
    (void)state, (void)channel, (void)tag, (void)data;
    PS_FAIL(PS_EPEER, "a message of %u bytes in slot %u has nowhere to go: there is one rank",
            bytes, slot);
}

static ps_status self_recv(void *state, enum ps_channel channel, uint32_t slot, int tag, void *data,
                           uint32_t bytes)
{
    (void)state, (void)channel, (void)tag, (void)data;
    PS_FAIL(PS_EPEER, "a message of %u bytes in slot %u will never come: there is one rank", bytes,
            slot);
}

static ps_status self_poll(void *state, uint32_t slots, struct ps_comm_done *done, uint32_t *n)
{
    (void)state, (void)slots, (void)done;
    *n = 0;
    return PS_OK;
}

__attribute__((noreturn)) static void self_abort(void *state, int code)
{
    (void)state;
    exit(code); /* NOLINT(concurrency-mt-unsafe): as main would return */
}

const struct ps_comm_ops ps_comm_self = {
    .version = PS_COMM_OPS_VERSION,
    .name = "self",
    .state_bytes = 0,
    .init = self_init,
    .fini = self_fini,
    .send = self_send,
    .recv = self_recv,
    .poll = self_poll,
    .abort = self_abort,
};
