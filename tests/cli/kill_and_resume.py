# SPDX-License-Identifier: Apache-2.0
"""A run that is killed with SIGKILL at random moments, and resumed each time, ends as an
undisturbed one: the same model, metrics and results, to the bit.

kill_and_resume.py KILLS SEED RANKS FOLDER DATASET OPTION...

Moments are counted from the start of the program, or from its first new checkpoint. These are
written after every step, so many kills hit one that is being written. A run that ends before
its kill is compared, and another one is begun.
"""
import glob, json, os, random, shutil, signal, subprocess, sys, time

kills, seed, ranks = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
folder, dataset, options = sys.argv[4], sys.argv[5], sys.argv[6:]
program = os.environ["PENSTOCK"]
launch = [] if ranks == 1 else ["mpirun", "--bind-to", "none", "--oversubscribe", "-n", str(ranks)]
LIMIT = 300


def start(out, *more):
    command = launch + [program, "train", dataset, "--out", out, "--json", "--quiet",
                        "--threads", "1", *options, *more]
    log = open(out + ".err", "w")
    return subprocess.Popen(command, stdout=open(out + ".json", "w"), stderr=log,
                            stdin=subprocess.DEVNULL)


def children(pid):
    try:
        return [int(p) for p in open(f"/proc/{pid}/task/{pid}/children").read().split()]
    except OSError:
        return []


def kill(process):
    """All ranks at once; mpirun then sees that they are gone."""
    for pid in children(process.pid) if ranks > 1 else [process.pid]:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    try:
        return process.wait(timeout=60)
    except subprocess.TimeoutExpired:
        process.kill()
        sys.exit("mpirun did not notice that its ranks are gone")


def identity(path):
    """Another for each new file."""
    try:
        s = os.stat(path)
        return s.st_ino, s.st_mtime_ns
    except FileNotFoundError:
        return None


def bare(line):
    j = json.loads(line)
    return {k: v for k, v in j.items() if k not in ("seconds", "eval_seconds")}


def result(out):
    report = json.load(open(out + ".json"))
    record = json.load(open(out + "/run.json"))
    keys = ["samples_fingerprint", "bytes_fingerprint", "test_accuracy", "valid_accuracy",
            "epoch_loss", "seeds_per_rank", "sampled_edges", "epochs", "train_loss"]
    for k in keys:
        assert report[k] == record[k], k
    left = [n for n in os.listdir(out) if "checkpoint" in n or "tmp" in n]
    assert not left, left
    return ({k: report[k] for k in keys}, [bare(l) for l in open(out + "/metrics.jsonl")],
            open(out + "/model.h5", "rb").read()), record["resumed"]


plain = folder + "/plain"
begun = time.monotonic()
process = start(plain, "--checkpoint-steps", "1")
if process.wait(timeout=LIMIT) != 0:
    sys.exit("the undisturbed run failed: " + open(plain + ".err").read())
seconds = time.monotonic() - begun
want, resumed = result(plain)
assert resumed == 0
print(f"# {ranks} ranks, {seconds:.2f} s undisturbed; seed of the moments {seed}")

rng = random.Random(seed)
out, killed, finished, begun_files, sittings, most = folder + "/killed", 0, 0, 0, 0, 0
while killed < kills or sittings > 0:
    process = start(out, "--checkpoint-steps", "1", "--resume")
    before = identity(out + "/checkpoint.h5")
    at_once, moment = rng.random() < 0.4, rng.uniform(0, 0.4 * seconds)
    while not at_once and process.poll() is None and identity(out + "/checkpoint.h5") == before:
        time.sleep(0.001)
    try:
        rc = process.wait(timeout=moment if killed < kills else LIMIT)
        if rc != 0:
            sys.exit(f"exit {rc} after {killed} kills: " + open(out + ".err").read())
        got, resumed = result(out)
        for what, a, b in zip(("results", "metrics.jsonl", "model.h5"), want, got):
            if a != b:
                sys.exit(f"{what} of a run killed {sittings} times differ from the undisturbed")
        assert resumed <= sittings, (resumed, sittings)
        most = max(most, resumed)
        finished, sittings = finished + 1, 0
        shutil.rmtree(out)
    except subprocess.TimeoutExpired:
        if killed >= kills:
            kill(process)
            sys.exit(f"no end after {LIMIT} s")
        kill(process)
        killed, sittings = killed + 1, sittings + 1
        half = glob.glob(out + "/.checkpoint.new.h5.tmp-*") + glob.glob(out + "/checkpoint.new.h5")
        begun_files += bool(half)
print(f"# {killed} kills, {begun_files} of them while a checkpoint was written; {finished} runs "
      f"finished, each like the undisturbed one; one was resumed {most} times")
sys.exit(0 if finished > 0 and most > 0 else "no run was resumed: the test has shown nothing")
