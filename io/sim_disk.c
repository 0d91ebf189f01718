/* SPDX-License-Identifier: Apache-2.0 */
#include "io/sim_disk.h"

#include "src/base/num.h"

const struct ps_fault_kind ps_disk_fault_kinds[] = {
    [PS_DISK_EIO] = {"eio", false},       [PS_DISK_SHORT] = {"short", false},
    [PS_DISK_EINTR] = {"eintr", false},   [PS_DISK_EAGAIN] = {"eagain", false},
    [PS_DISK_EOF] = {"eof", false},       [PS_DISK_FLIP] = {"flip", false},
    [PS_DISK_STALL] = {"stall", true},    [PS_DISK_DEAD] = {"dead", false},
    [PS_DISK_ENOMEM] = {"enomem", false}, {NULL, false},
};

ps_status ps_sim_disk_of(struct ps_sim_disk *disk, const struct ps_opts_sim *o)
{
    *disk = (struct ps_sim_disk){
        .seed = o->seed,
        .bytes_per_second = (double)o->disk_bandwidth,
        .latency = o->disk_latency,
        .depth = ps_u32(o->disk_depth),
    };
    return ps_fault_plan_parse(&disk->plan, "--sim-disk-faults", o->disk_faults,
                               ps_disk_fault_kinds);
}

ps_status ps_sim_disk_unused(const struct ps_opts_sim *o)
{
    const char *name = o->disk_bandwidth != 0      ? "--sim-disk-bandwidth"
                       : o->disk_latency != 0      ? "--sim-disk-latency"
                       : o->disk_depth != 0        ? "--sim-disk-depth"
                       : o->disk_faults[0] != '\0' ? "--sim-disk-faults"
                                                   : NULL;

    if (name != NULL)
        PS_FAIL(PS_EUSAGE, "%s describes a simulated disk: expected --io sim beside it", name);
    return PS_OK;
}
