#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What a command line or an options file can be that it should not: one sentence each.
. "$(dirname "$0")/lib.sh"

refused "a missing path behind -o" 1 "-o needs a value: PATH" "$PENSTOCK" import dir x -o
refused "a value for a flag" 1 "--json is a flag and takes no value" "$PENSTOCK" info x --json=yes
refused "a missing value" 1 "--epochs needs a value" "$PENSTOCK" train x --epochs
refused "a short option" 1 "no option is called -x; see --help" "$PENSTOCK" info -x
refused "an unknown option" 1 "did you mean --epochs?" "$PENSTOCK" train x --epcohs=3
refused "an option of 600 letters" 1 "no option is called --aaaa" \
    "$PENSTOCK" train x "--$(printf 'a%.0s' {1..600})"
refused "too many words" 1 "more than 64 words: 65" "$PENSTOCK" import dir {2..65}
refused "two words where one is wanted" 1 "usage: penstock info D.ps" "$PENSTOCK" info a b
refused "an empty path" 1 "--out is needed" "$PENSTOCK" generate sbm --nodes=10 -o ""
refused "a path that is too long" 1 "--out: longer than 1023 bytes" \
    "$PENSTOCK" generate sbm --nodes=10 -o "$(printf 'a%.0s' {1..5000})"

# One sentence also where a name has a newline in it, or turns a terminal red.
refused "a name of two lines" 2 "a?b is not there" "$PENSTOCK" info $'a\nb'
refused "a name that colours" 2 "?[31mred is not there" "$PENSTOCK" info $'\e[31mred'
refused "a name that is no UTF-8" 1 "argument 2 of the command line is not UTF-8" \
    "$PENSTOCK" info $'\xff'

config() {
    printf "$1" >"$T/run.ini"
}
config 'epochs = 3\nthis is not one\n'
refused "a line without a value" 1 "run.ini: line 2 is not \`name = value\`" \
    "$PENSTOCK" train x --config="$T/run.ini"
config 'epochs = 3\nlr = fast\n'
refused "a value that is no number" 1 "--lr: 'fast' is not a number (line 2)" \
    "$PENSTOCK" train x --config="$T/run.ini"
config 'out = \377\n'
refused "a value that is no UTF-8" 1 "is not UTF-8 (line 1)" \
    "$PENSTOCK" train x --config="$T/run.ini"
refused "a file that is not there" 2 "cannot read the options file" \
    "$PENSTOCK" train x --config="$T/none.ini"
done_with
