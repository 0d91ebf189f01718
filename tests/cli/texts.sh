#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Man page, completion and docs/options.md are what the options table says now; the page renders
# without a warning, and the completion completes.
. "$(dirname "$0")/lib.sh"
make=$PS_SOURCE_DIR/scripts/make-texts.sh
man=$PS_SOURCE_DIR/docs/man/penstock.1
options=$PS_SOURCE_DIR/docs/options.md

must "the committed texts are up to date (scripts/make-texts.sh makes them so)" \
    bash -c '"$1" --check "$2" >&2' - "$make" "$PENSTOCK"
refused "another kind of text" 1 "found 'tex'" "$PENSTOCK" texts tex
refused "texts on a full disk" 3 "cannot write the man text" \
    bash -c '"$1" texts man >/dev/full' - "$PENSTOCK"
must "help without the hidden command" "$PENSTOCK" --help
if grep -qw texts "$T/out"; then fail "texts is in --help"; fi

# A changed text is found: the check can fail.
mkdir -p "$T/tree/scripts" "$T/tree/docs"
cp "$make" "$T/tree/scripts"
must "texts are written where there are none" "$T/tree/scripts/make-texts.sh" "$PENSTOCK"
must "and are then up to date" "$T/tree/scripts/make-texts.sh" --check "$PENSTOCK"
sed -i 's/--batch-size/--batchsize/' "$T/tree/docs/options.md"
if "$T/tree/scripts/make-texts.sh" --check "$PENSTOCK" >"$T/out"; then
    fail "a changed docs/options.md is not found"
fi
grep -q 'docs/options.md is not what' "$T/out" || fail "the check does not name the file"

# Every option that --help prints is in the page and in the table of its command, and no other.
for command in $("$PENSTOCK" --help | sed -n 's/^  \([a-z]*\) .*/\1/p'); do
    "$PENSTOCK" "$command" --help | grep -oE '^ +(-., )?--[a-z0-9-]+' | grep -oE -- '--[a-z0-9-]+' |
        grep -vx -- --help | sort -u >"$T/help"
    sed -n "/^## $command\$/,/^## [^#]/p" "$options" | sed -nE 's/^\| (`-o`, )?`(--[a-z0-9-]+)` .*/\2/p' |
        sort >"$T/table"
    sed -n "/^\.SH ${command^^}\$/,/^\.SH [^.]*\$/p" "$man" | grep -A1 '^\.TP' |
        sed -nE 's/\\-/-/g; s/^(\\fB-o\\fR, )?\\fB(--[a-z0-9-]+)\\fR.*/\2/p' | sort >"$T/page"
    [ -s "$T/help" ] || fail "$command --help names no option"
    equal "options of $command in docs/options.md" "$(cat "$T/help")" "$(cat "$T/table")"
    equal "options of $command in the man page" "$(cat "$T/help")" "$(cat "$T/page")"
done

if command -v groff >/dev/null; then
    must "the man page renders" groff -man -Tutf8 -ww -rLL=90n "$man"
    [ ! -s "$T/err" ] || fail "groff warns: $(cat "$T/err")"
    grep -q 'batch' "$T/out" || fail "the rendered page lacks an option"
fi

# complete WORD...: what the completion offers for the last word, sorted on one line.
cat >"$T/complete.sh" <<'BASH'
source "$1"
shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_penstock
printf '%s\n' "${COMPREPLY[@]}" | sort | paste -sd' '
BASH
complete() {
    (cd "$T/files" && bash "$T/complete.sh" "$PS_SOURCE_DIR/docs/completion/penstock.bash" penstock "$@")
}
mkdir -p "$T/files/graph.ps" "$T/files/a folder"
touch "$T/files/edges.npy"
equal "commands" "train" "$(complete tr)"
equal "import or infer or info" "import infer info" "$(complete i | tr ' ' '\n' | grep '^i' | paste -sd' ')"
equal "options of train" "--eval --eval-every" "$(complete train graph.ps --eval)"
equal "options of another command are not offered" "" "$(complete info --eval)"
case " $(complete train --) " in
*" --help "*) ;;
*) fail "--help is not offered" ;;
esac
equal "choices" "uring" "$(complete train --io u)"
equal "choices after =" "uring" "$(complete train --io = u)"
equal "choices directly after =" "$(complete train --io '')" "$(complete train --io =)"
equal "all choices are those of the table" \
    "$(sed -n '/^## train$/,/^## infer/p' "$options" | sed -n 's/^| `--io` | one of \([^|]*\) |.*/\1/p' |
        tr -d '`,' | tr ' ' '\n' | sort | paste -sd' ')" "$(complete train --io '')"
equal "a word among others" "all" "$(complete train --split a)"
equal "files for paths" "edges.npy" "$(complete import npy --edges e)"
equal "the same option counts in another command" "" "$(complete generate sbm --edges e)"
equal "names of one's own are not guessed" "" "$(complete import --name e)"
equal "numbers are not guessed" "" "$(complete train --epochs '')"
equal "files of arguments" "graph.ps" "$(complete train g)"
equal "a name with a space is one" "a folder" "$(complete verify 'a ')"
case " $(complete import '') " in
*" dir "*) ;;
*) fail "import does not offer its kinds" ;;
esac
equal "after the kind come files" "graph.ps" "$(complete import dir g)"
equal "nothing for an unknown command" "" "$(complete frobnicate --)"
equal "the function is registered" "complete -F _penstock penstock" \
    "$(bash -c '. "$1"; complete -p penstock' - "$PS_SOURCE_DIR/docs/completion/penstock.bash")"
done_with
