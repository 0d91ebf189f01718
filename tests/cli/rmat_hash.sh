# SPDX-License-Identifier: Apache-2.0
# generate rmat and partition --method hash, from the command line to a trained model on 1 to 4
# ranks.
. "$(dirname "$0")/lib.sh"

must "generate" "$PENSTOCK" generate rmat -o "$T/g.ps" --nodes 3000 --edges 40000 --features 16 \
    --classes 4 --train-share 0.3 --seed 3 --json
equal "edges" "$(field "$T/out" edges)" 40000
equal "training nodes" "$(field "$T/out" train)" 900
must "verify" "$PENSTOCK" verify "$T/g.ps"
must "partition" "$PENSTOCK" partition "$T/g.ps" -o "$T/p.ps" --method hash --parts 5 --json
equal "nodes of partitions" "$(field "$T/out" balance_nodes)" 1.0
must "verify" "$PENSTOCK" verify "$T/p.ps"

for n in 1 2 3 4; do
    must "train on $n ranks" ranks "$n" train "$T/p.ps" --json --quiet --epochs 1 --fanout 5,5 \
        --batch-size 300 --threads 1 --hidden 8 --out "$T/run"
    cp "$T/out" "$T/$n.json"
    equal "ranks" "$(field "$T/$n.json" ranks)" "$n"
    equal "samples of $n ranks" "$(field "$T/$n.json" samples_fingerprint)" \
        "$(field "$T/1.json" samples_fingerprint)"
    close_lists "losses of $n ranks" "$T/1.json" "$T/$n.json" epoch_loss 1e-5
done

# The same graph with features in half the bytes: they differ by rounding alone.
must "halves" "$PENSTOCK" generate rmat -o "$T/h.ps" --nodes 3K --edges 40K --features 16 \
    --classes 4 --train-share 0.3 --seed 3 --feature-type f16
must "verify" "$PENSTOCK" verify "$T/h.ps"
must "partition" "$PENSTOCK" partition "$T/h.ps" -o "$T/q.ps" --method hash --parts 5
must "train on halves" ranks 2 train "$T/q.ps" --json --quiet --epochs 1 --fanout 5,5 \
    --batch-size 300 --threads 1 --hidden 8 --out "$T/run"
cp "$T/out" "$T/h.json"
equal "samples" "$(field "$T/h.json" samples_fingerprint)" "$(field "$T/1.json" samples_fingerprint)"
differ "losses" "$(field "$T/h.json" epoch_loss)" "$(field "$T/1.json" epoch_loss)"
close_lists "losses" "$T/1.json" "$T/h.json" epoch_loss 1e-3

# Graph500's graph is undirected: what METIS and GCN are given.
must "symmetrised" "$PENSTOCK" generate rmat -o "$T/s.ps" --nodes 1024 --mean-degree 16 \
    --features 2 --symmetrise --dedupe --drop-loops
must "metis takes it" "$PENSTOCK" partition "$T/s.ps" -o "$T/m.ps" --method metis --parts 4

refused "no nodes" 1 "outside 1" "$PENSTOCK" generate rmat -o "$T/x.ps" --nodes 0
refused "one node" 1 "needs 2 nodes" "$PENSTOCK" generate rmat -o "$T/x.ps" --nodes 1
refused "shares" 1 "add up to more than 1" "$PENSTOCK" generate rmat -o "$T/x.ps" --rmat-c 0.3
refused "disk" 3 "cannot reserve" timeout 20 "$PENSTOCK" generate rmat -o "$T/x.ps" \
    --edges 70368744177664
refused "memory" 4 "would do" "$PENSTOCK" generate rmat -o "$T/x.ps" --memory 1M
refused "training nodes" 1 "have in-edges" "$PENSTOCK" generate rmat -o "$T/x.ps" --nodes 1000 \
    --edges 100 --train-share 0.5
refused "reverse edges of sbm" 1 "for generate rmat" "$PENSTOCK" generate sbm -o "$T/x.ps" \
    --symmetrise
equal "what is left behind" "$(ls -A "$T" | grep -c 'x.ps\|penstock-sort' | cat)" 0
done_with
