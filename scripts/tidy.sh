#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# clang-tidy over every source that a configured build directory compiles; kept at zero.
#   scripts/tidy.sh BUILD_DIRECTORY [FILE...]
set -uo pipefail
cd "$(dirname "$0")/.."
build=${1-build/clang}
shift || true
[ -f "$build/compile_commands.json" ] || {
    echo "tidy: no compile_commands.json in '$build'; configure first" >&2
    exit 2
}
if [ $# -gt 0 ]; then
    printf '%s\0' "$@"
else
    git ls-files -z 'src/*.c' 'io/*.c' 'comm/*.c' 'accel/*.c' 'tests/*.c'
fi | xargs -0 -n 1 -P "$(nproc)" clang-tidy --quiet -p "$build" \
    --extra-arg=-Wno-unknown-warning-option 2>&1 |
    grep -vE '^[0-9]+ warnings? (generated|treated)|^Suppressed |^Use -(header|system)'
exit "${PIPESTATUS[1]}"
