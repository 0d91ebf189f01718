# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Completion of penstock for bash. Written by scripts/make-texts.sh from the options table; do not edit.
_penstock() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
    local command=${COMP_WORDS[1]-} value='' options='' kinds='' word
    if [ "$cur" = = ]; then
        cur=''
    elif [ "$prev" = = ] && [ "$COMP_CWORD" -ge 3 ]; then
        prev=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    COMPREPLY=()
    if [ "$COMP_CWORD" -le 1 ]; then
        mapfile -t COMPREPLY < <(compgen -W 'import generate partition info verify train infer bench --help --version' -- "$cur")
        return 0
    fi
    case $command in
    import)
        options='--json --quiet --config --out --force --seed --memory --name --symmetrise --drop-loops --dedupe --normalise --project --edges --features --labels --train --valid --test --splits --num-nodes --num-classes --ogb-split'
        kinds='dir npy edges mtx ogb'
        case $prev in
        --config) value='@files' ;;
        --out | -o) value='@files' ;;
        --seed) value='@other' ;;
        --memory) value='@other' ;;
        --name) value='@other' ;;
        --normalise) value='none row standard' ;;
        --project) value='@other' ;;
        --edges) value='@files' ;;
        --features) value='@files' ;;
        --labels) value='@files' ;;
        --train) value='@files' ;;
        --valid) value='@files' ;;
        --test) value='@files' ;;
        --splits) value='@files' ;;
        --num-nodes) value='@other' ;;
        --num-classes) value='@other' ;;
        --ogb-split) value='@other' ;;
        esac
        ;;
    generate)
        options='--json --quiet --config --out --force --seed --memory --threads --name --symmetrise --drop-loops --dedupe --nodes --edges --mean-degree --exponent --features --feature-type --classes --communities --homophily --near --near-window --near-weight --separation --rmat-a --rmat-b --rmat-c --train-share --valid-share --test-share'
        kinds='sbm rmat'
        case $prev in
        --config) value='@files' ;;
        --out | -o) value='@files' ;;
        --seed) value='@other' ;;
        --memory) value='@other' ;;
        --threads) value='@other' ;;
        --name) value='@other' ;;
        --nodes) value='@other' ;;
        --edges) value='@other' ;;
        --mean-degree) value='@other' ;;
        --exponent) value='@other' ;;
        --features) value='@other' ;;
        --feature-type) value='f32 f16' ;;
        --classes) value='@other' ;;
        --communities) value='@other' ;;
        --homophily) value='@other' ;;
        --near) value='@other' ;;
        --near-window) value='@other' ;;
        --near-weight) value='distance degree' ;;
        --separation) value='@other' ;;
        --rmat-a) value='@other' ;;
        --rmat-b) value='@other' ;;
        --rmat-c) value='@other' ;;
        --train-share) value='@other' ;;
        --valid-share) value='@other' ;;
        --test-share) value='@other' ;;
        esac
        ;;
    partition)
        options='--json --quiet --config --out --force --seed --memory --parts --method --imbalance'
        kinds=''
        case $prev in
        --config) value='@files' ;;
        --out | -o) value='@files' ;;
        --seed) value='@other' ;;
        --memory) value='@other' ;;
        --parts) value='@other' ;;
        --method) value='range metis hash' ;;
        --imbalance) value='@other' ;;
        esac
        ;;
    info)
        options='--json --quiet --config'
        kinds=''
        case $prev in
        --config) value='@files' ;;
        esac
        ;;
    verify)
        options='--json --quiet --config'
        kinds=''
        case $prev in
        --config) value='@files' ;;
        esac
        ;;
    train)
        options='--json --quiet --config --out --force --seed --memory --threads --trace --io --queue-depth --read-bytes --record-reads --io-request-time --io-bandwidth --verify-reads --network --ranks --timeout --sim-seed --sim-disk-bandwidth --sim-disk-latency --sim-disk-depth --sim-disk-faults --sim-net-bandwidth --sim-net-latency --sim-net-faults --model --layers --hidden --dropout --input-dropout --window --micro-batches --no-overlap --fanout --epochs --batch-size --optimizer --lr --weight-decay --select --patience --eval --eval-every --runs --split --log-every --record-rows --resume --checkpoint-every --checkpoint-steps --max-hours'
        kinds=''
        case $prev in
        --config) value='@files' ;;
        --out | -o) value='@files' ;;
        --seed) value='@other' ;;
        --memory) value='@other' ;;
        --threads) value='@other' ;;
        --trace) value='@files' ;;
        --io) value='auto uring pread hdf5 sim' ;;
        --queue-depth) value='@other' ;;
        --read-bytes) value='@other' ;;
        --record-reads) value='@files' ;;
        --io-request-time) value='@other' ;;
        --io-bandwidth) value='@other' ;;
        --network) value='auto mpi self sim' ;;
        --ranks) value='@other' ;;
        --timeout) value='@other' ;;
        --sim-seed) value='@other' ;;
        --sim-disk-bandwidth) value='@other' ;;
        --sim-disk-latency) value='@other' ;;
        --sim-disk-depth) value='@other' ;;
        --sim-disk-faults) value='@files' ;;
        --sim-net-bandwidth) value='@other' ;;
        --sim-net-latency) value='@other' ;;
        --sim-net-faults) value='@files' ;;
        --model) value='gcn sage' ;;
        --layers) value='@other' ;;
        --hidden) value='@other' ;;
        --dropout) value='@other' ;;
        --input-dropout) value='@other' ;;
        --window) value='@other' ;;
        --micro-batches) value='@other' ;;
        --fanout) value='@other' ;;
        --epochs) value='@other' ;;
        --batch-size) value='@other' ;;
        --optimizer) value='adam sgd' ;;
        --lr) value='@other' ;;
        --weight-decay) value='@other' ;;
        --select) value='loss accuracy' ;;
        --patience) value='@other' ;;
        --eval) value='exact none' ;;
        --eval-every) value='@other' ;;
        --runs) value='@other' ;;
        --split) value='all' ;;
        --log-every) value='@other' ;;
        --record-rows) value='@files' ;;
        --checkpoint-every) value='@other' ;;
        --checkpoint-steps) value='@other' ;;
        --max-hours) value='@other' ;;
        esac
        ;;
    infer)
        options='--json --quiet --config --out --force --memory --threads --io --queue-depth --read-bytes --io-request-time --io-bandwidth --verify-reads --network --ranks --timeout --sim-seed --sim-disk-bandwidth --sim-disk-latency --sim-disk-depth --sim-disk-faults --sim-net-bandwidth --sim-net-latency --sim-net-faults --run'
        kinds=''
        case $prev in
        --config) value='@files' ;;
        --out | -o) value='@files' ;;
        --memory) value='@other' ;;
        --threads) value='@other' ;;
        --io) value='auto uring pread hdf5 sim' ;;
        --queue-depth) value='@other' ;;
        --read-bytes) value='@other' ;;
        --io-request-time) value='@other' ;;
        --io-bandwidth) value='@other' ;;
        --network) value='auto mpi self sim' ;;
        --ranks) value='@other' ;;
        --timeout) value='@other' ;;
        --sim-seed) value='@other' ;;
        --sim-disk-bandwidth) value='@other' ;;
        --sim-disk-latency) value='@other' ;;
        --sim-disk-depth) value='@other' ;;
        --sim-disk-faults) value='@files' ;;
        --sim-net-bandwidth) value='@other' ;;
        --sim-net-latency) value='@other' ;;
        --sim-net-faults) value='@files' ;;
        --run) value='@files' ;;
        esac
        ;;
    bench)
        options='--json --quiet --config --seed --memory --io --queue-depth --read-bytes --io-request-time --io-bandwidth --verify-reads --dir --bytes --seconds --rounds --engines --pattern --cache --kib --depths --per-mille --rows --replay --belady --slots --row-bytes'
        kinds='io'
        case $prev in
        --config) value='@files' ;;
        --seed) value='@other' ;;
        --memory) value='@other' ;;
        --io) value='auto uring pread hdf5 sim' ;;
        --queue-depth) value='@other' ;;
        --read-bytes) value='@other' ;;
        --io-request-time) value='@other' ;;
        --io-bandwidth) value='@other' ;;
        --dir) value='@files' ;;
        --bytes) value='@other' ;;
        --seconds) value='@other' ;;
        --rounds) value='@other' ;;
        --engines) value='@files' ;;
        --pattern) value='all sequential random' ;;
        --cache) value='all direct buffered' ;;
        --kib) value='@other' ;;
        --depths) value='@other' ;;
        --per-mille) value='@other' ;;
        --rows) value='@files' ;;
        --replay) value='@files' ;;
        --belady) value='@files' ;;
        --slots) value='@other' ;;
        --row-bytes) value='@other' ;;
        esac
        ;;
    *) return 0 ;;
    esac
    if [ "$value" = @other ]; then
        return 0
    elif [ -n "$value" ] && [ "$value" != @files ]; then
        mapfile -t COMPREPLY < <(compgen -W "$value" -- "$cur")
        return 0
    elif [ -z "$value" ] && [ "${cur:0:1}" = - ]; then
        mapfile -t COMPREPLY < <(compgen -W "$options --help" -- "$cur")
        return 0
    fi
    if [ -z "$value" ] && [ -n "$kinds" ]; then
        for word in "${COMP_WORDS[@]:2:COMP_CWORD-2}"; do
            case " $kinds " in *" $word "*) kinds='' ;; esac
        done
        if [ -n "$kinds" ]; then
            mapfile -t COMPREPLY < <(compgen -W "$kinds" -- "$cur")
            return 0
        fi
    fi
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "$cur")
    return 0
}
complete -F _penstock penstock
