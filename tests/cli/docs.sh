#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What the documents point to is there: files and headings of links, numbers of decisions, options
# of penstock, source files named in `code`.
. "$(dirname "$0")/lib.sh"
command -v $PYTHON >/dev/null || skip "there is no $PYTHON"

cat >"$T/docs.py" <<'PY'
import os, re, subprocess, sys

root, failed, seen = sys.argv[1], [], {"links": 0, "options": 0, "files": 0, "decisions": 0}


def pages():
    for folder in (".", "docs", "docs/decisions", "docs/perf"):
        for name in sorted(os.listdir(os.path.join(root, folder))):
            if name.endswith(".md"):
                yield os.path.normpath(os.path.join(folder, name))


def anchors(path):
    """Headings as the usual renderers name them."""
    found = set()
    for line in open(os.path.join(root, path)):
        if line.startswith("#"):
            text = re.sub(r"[^\w\- ]", "", line.lstrip("#").strip().lower())
            found.add(text.replace(" ", "-"))
    return found


def bad(page, what):
    failed.append("%s: %s" % (page, what))


known = set(re.findall(r'PS_OPT\(\w+, \w+, "([^"]+)"', open(root + "/src/base/opt_table.def").read()))
known |= {"help", "version"}
# Of cmake, mpirun, srun, Slurm and our scripts; options of the past or the future that pages speak of.
others = """signal requeue preset build install prefix bind-to oversubscribe map-by mpi mpi=pmix mpi=list job-name nodes
ntasks-per-node cpus-per-task time asan tsan all no-install check checks tests list name fanot cflags libs
target resume ranks epochs config
seconds corpus file signal requeue""".split()

for page in pages():
    text = open(os.path.join(root, page)).read()
    here = os.path.dirname(page)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        seen["links"] += 1
        path, _, anchor = target.partition("#")
        path = os.path.normpath(os.path.join(here, path)) if path else page
        if not os.path.exists(os.path.join(root, path)):
            bad(page, "links to %s, which is not there" % target)
        elif anchor and anchor not in anchors(path):
            bad(page, "links to %s, but %s has no such heading" % (target, path))
    for number in re.findall(r"decisions/(\d{4})|\((?:see )?(\d{4})(?=[):])", text):
        number = number[0] or number[1]
        seen["decisions"] += 1
        if not any(f.startswith(number + "-") for f in os.listdir(root + "/docs/decisions")):
            bad(page, "names decision %s, which is not there" % number)
    if page.startswith("CHANGELOG"):  # tells of the past
        continue
    for option in re.findall(r"(?<![\w-])--([a-z][a-z0-9-]*[a-z0-9])(?![\w-])", text):
        seen["options"] += 1
        if option not in known and option not in others:
            bad(page, "names --%s, which no command knows" % option)
    for path in re.findall(r"`((?:src|io|comm|accel|tests|scripts|docs)/[\w./-]+\.(?:[ch]|def|sh|md|py|cmake|svg))`", text):
        seen["files"] += 1
        if "NAME" not in path and not os.path.exists(os.path.join(root, path)):
            bad(page, "names %s, which is not there" % path)

print("\n".join(failed))
print(", ".join("%d %s" % (n, what) for what, n in seen.items()))
sys.exit(bool(failed) or min(seen.values()) == 0)
PY
$PYTHON "$T/docs.py" "$PS_SOURCE_DIR" >"$T/out" || fail "$(cat "$T/out")"
tail -n 1 "$T/out"
checks=$((checks + 1))

# Each kind of wrong reference is found.
mkdir "$T/tree" && cp -r "$PS_SOURCE_DIR"/{src,io,comm,tests,scripts,docs} "$PS_SOURCE_DIR"/*.md "$T/tree"
finds() {
    cp "$PS_SOURCE_DIR/docs/guide.md" "$T/tree/docs/guide.md"
    echo "$2" >>"$T/tree/docs/guide.md"
    if $PYTHON "$T/docs.py" "$T/tree" >"$T/out"; then fail "this passes: $2"; fi
    grep -qF "docs/guide.md: $1" "$T/out" || fail "not '$1' but: $(cat "$T/out")"
    checks=$((checks + 1))
}
finds "links to nowhere.md" "[a](nowhere.md)"
finds "links to map.md#nothing" "[a](map.md#nothing)"
finds "links to #nothing" "[a](#nothing)"
finds "names decision 9999" "see decisions/9999"
finds "names --fan-out" "try --fan-out 3"
finds "names src/base/nothing.c" 'in `src/base/nothing.c`'
done_with
