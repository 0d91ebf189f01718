# SPDX-License-Identifier: Apache-2.0
# What the tests of the program share. Source it first: it makes a directory $T that goes away.
set -u
: "${PENSTOCK:?the program to test}" "${PS_SOURCE_DIR:?the source root}"
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMP_WAIT_POLICY=passive
T=$(mktemp -d "${TMPDIR:-/tmp}/penstock-cli-XXXXXX")
trap 'rm -rf "$T"' EXIT
DATA=$PS_SOURCE_DIR/../shared/data
PYTHON=/usr/bin/python3
checks=0

fail() {
    echo "not true: $*" >&2
    [ ! -s "$T/err" ] || sed 's/^/  stderr: /' "$T/err" >&2
    exit 1
}
skip() {
    echo "skipped: $*"
    exit 77
}

# ranks N ARGS...: the program on N ranks.
ranks() {
    local n=$1
    shift
    timeout 600 mpirun --bind-to none --oversubscribe -n "$n" "$PENSTOCK" "$@"
}

# field FILE KEY: a value of a JSON object; lists and objects as compact JSON.
field() {
    $PYTHON -c 'import json,sys
v=json.load(open(sys.argv[1]))
for k in sys.argv[2].split("."): v=v[int(k)] if isinstance(v,list) else v[k]
print(v if not isinstance(v,(list,dict)) else json.dumps(v))' "$1" "$2"
}

# must WHAT COMMAND...: it succeeds; stdout in $T/out, stderr in $T/err.
must() {
    local what=$1
    shift
    "$@" >"$T/out" 2>"$T/err" </dev/null || fail "$what (exit $?): $*"
    checks=$((checks + 1))
}

# refused WHAT CODE TEXT COMMAND...: it fails with that exit code and exactly one sentence,
# which contains TEXT (mpirun may add words of its own).
refused() {
    local what=$1 code=$2 text=$3 rc=0
    shift 3
    "$@" >"$T/out" 2>"$T/err" </dev/null || rc=$?
    [ "$rc" = "$code" ] || fail "$what: exit $rc, expected $code: $*"
    [ "$(grep -c '^penstock: ' "$T/err" | cat)" = 1 ] || fail "$what: not exactly one sentence: $*"
    grep '^penstock: ' "$T/err" | grep -qF -- "$text" || fail "$what: no '$text' in the sentence: $*"
    checks=$((checks + 1))
}

# equal WHAT A B
equal() {
    [ "$2" = "$3" ] || fail "$1: '$2' is not '$3'"
    checks=$((checks + 1))
}
# differ WHAT A B
differ() {
    [ "$2" != "$3" ] || fail "$1: both are '$2'"
    checks=$((checks + 1))
}

# close_lists WHAT FILE_A FILE_B KEY TOLERANCE: lists of numbers, relative.
close_lists() {
    $PYTHON - "$2" "$3" "$4" "$5" <<'PY' || fail "$1: $4 of $2 and $3"
import json, sys
a, b = (json.load(open(f))[sys.argv[3]] for f in sys.argv[1:3])
tolerance = float(sys.argv[4])
worst = max(abs(x - y) / max(abs(x), 1e-12) for x, y in zip(a, b))
print(f"# {sys.argv[3]}: {len(a)} numbers, worst relative difference {worst:.3g}")
sys.exit(not (len(a) == len(b) > 0 and worst <= tolerance))
PY
    checks=$((checks + 1))
}

done_with() {
    echo "$checks checks passed"
    exit 0
}
