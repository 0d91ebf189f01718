#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What no test has reached, as a list of work: builds with gcc's --coverage, runs the quick tests,
# prints the source files with the most uncovered branches first.
#
#   scripts/coverage.sh [-- CTEST_ARGUMENTS]     all of it
#       --report                                 only print what the last run has left
#       --file FILE.c                            print its lines that were not reached
#       --top N                                  files to print (25)
#
# Needs gcov (of gcc) and python3.
set -euo pipefail
cd "$(dirname "$0")/.."

run=yes top=25 file=
while [ $# -gt 0 ]; do
    case $1 in
    --report) run=no ;;
    --file) file=${2:?--file takes a source file} run=no && shift ;;
    --top) top=${2:?--top takes a number} && shift ;;
    --) shift && break ;;
    --help | -h)
        sed -n '3,11s/^# \{0,1\}//p' "$0"
        exit 0
        ;;
    *)
        echo "coverage.sh: unknown option $1; see scripts/coverage.sh --help" >&2
        exit 1
        ;;
    esac
    shift
done

if [ $run = yes ]; then
    cmake --preset coverage -DPS_TESTS=ON >/dev/null
    cmake --build --preset coverage
    find build/coverage -name '*.gcda' -delete
    # A failing test is told, and covers what it covers.
    ctest --preset coverage -j "$(nproc)" "$@" ||
        echo "coverage.sh: some tests failed" >&2
fi

python3 - "$top" "$file" <<'PY'
import collections, glob, json, os, subprocess, sys

top, wanted = int(sys.argv[1]), sys.argv[2]
root = os.getcwd()
lines = collections.defaultdict(dict)  # file -> line -> times reached
branches = collections.defaultdict(dict)  # file -> (line, branch) -> times taken, by any clone
notes = [n for n in glob.glob("build/coverage/CMakeFiles/ps_*.dir/**/*.gcno", recursive=True)
         if "_f64.dir" not in n]
if not notes:
    sys.exit("coverage.sh: build/coverage has nothing; run it without --report first")
for note in notes:  # a unit that never ran has no .gcda; gcov counts it as zero
    out = subprocess.run(["gcov", "--json-format", "--stdout", "--branch-probabilities", note],
                         capture_output=True, check=True).stdout
    for text in out.decode().splitlines():
        for f in json.loads(text)["files"]:
            path = os.path.relpath(os.path.join(root, f["file"]), root)
            if path.startswith(("..", "/", "tests")):
                continue
            for l in f["lines"]:
                at = l["line_number"]
                lines[path][at] = max(lines[path].get(at, 0), l["count"])
                for i, b in enumerate(l["branches"]):
                    key = (at, i)
                    branches[path][key] = max(branches[path].get(key, 0), b["count"])

if wanted:
    path = os.path.relpath(wanted, root)
    if path not in lines:
        sys.exit("coverage.sh: %s is not among the files measured" % path)
    source = open(path).read().split("\n")
    for at in sorted(lines[path]):
        missed = sum(c == 0 for (l, _), c in branches[path].items() if l == at)
        if lines[path][at] == 0 or missed:
            print("%5d %s %s" % (at, "never " if lines[path][at] == 0 else "%d way " % missed,
                                 source[at - 1]))
    sys.exit()


def missed(counts):
    return sum(c == 0 for c in counts.values())


rows = sorted(lines, key=lambda p: (-missed(branches[p]), -missed(lines[p]), p))
print("%-36s %18s %18s" % ("file", "branches not taken", "lines not reached"))
for path in rows[:top]:
    print("%-36s %8d of %6d %8d of %6d" % (path, missed(branches[path]), len(branches[path]),
                                           missed(lines[path]), len(lines[path])))
for name, table in (("branches", branches), ("lines", lines)):
    n, m = sum(map(len, table.values())), sum(map(missed, table.values()))
    print("%s: %d of %d reached (%.1f %%)" % (name, n - m, n, 100 * (n - m) / max(n, 1)))
PY
