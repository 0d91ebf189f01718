/* SPDX-License-Identifier: Apache-2.0 */
#include "src/cli/cmd.h"

int main(int argc, char **argv)
{
    return ps_cli_main(argc, argv);
}
