#!/usr/bin/env python3
"""Width against saturation: models of equal depth and different widths on the same text, every checkpoint measured.

    python3 examples/study_width.py [--quick] [--build BUILD] [--out FOLDER] [--text FILE...] [--steps N]

Trains with neck-train, one run for each width and seed. What is there already is kept or taken up where it was stopped, so the
study may be interrupted at any time. Leaves results.md (the table), and with gnuplot loss.svg, entropy.svg, anisotropy.svg
(every width over training) and spectrum-dWIDTH.svg (singular values over training) in FOLDER.

Several processes share the runs: start the same command as often as there are machines or cores, by ssh, by the
cluster's launcher (srun, mpirun), at any time, with SOFTNECK_NUM_THREADS as each may use. FOLDER must be the same for
all, with working locks (flock; NFS has them). A process takes a run that no other is at, and when none is left waits:
should another be killed, its run is taken up from its last checkpoint. Whoever finds all runs finished writes the
results.
"""
import argparse
import contextlib
import fcntl
import glob
import json
import os
import shutil
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
COMMON = {"vocab-size": 2048, "layers": 2, "batch": 16, "learning-rate": 2e-3, "weight-decay": 0.1, "schedule": "constant",
          "validation-share": 0.1}
FULL = {**COMMON, "context": 128, "steps": 20000, "checkpoint-every": 1000, "evaluate-every": 250, "monitor-every": 50,
        "save-every": 500}
QUICK = {**COMMON, "context": 64, "steps": 400, "checkpoint-every": 100, "evaluate-every": 50, "monitor-every": 25,
         "save-every": 100}
FIGURES = {"loss": ("validation_loss", "validation loss (nats)"),
           "entropy": ("singular_entropy", "singular entropy of the head (nats)"),
           "anisotropy": ("anisotropy", "anisotropy of the last states")}


PATIENCE = 2  # seconds between two looks for a run that another process has let go of


def alone():
    """The environment without what a launcher says of ranks: the tools that are started here work for themselves."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("OMPI_", "PMIX_", "PMI_"))}


@contextlib.contextmanager
def held(path):
    """Whether this process has the lock, which no other can have meanwhile; the system frees it when a process dies."""
    with open(path, "w", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def train(tool, run, settings, texts, tokenizer):
    """Makes, continues or keeps a run."""
    if os.path.exists(os.path.join(run, "run.json")):
        command = [tool, "--resume", run]
    else:
        command = [tool, "--out", run, *[part for name, value in settings.items() for part in (f"--{name}", str(value))]]
        command += ["--tokenizer", tokenizer] if os.path.exists(tokenizer) else []
        command += ["--text", *texts]
    subprocess.run([*command, "--quiet"], check=True, stdout=subprocess.DEVNULL, env=alone())


def train_all(tool, out, runs, texts):
    """runs: name -> settings. What other processes are at is waited for. The first run makes the tokenizer of all."""
    left, first = list(runs), next(iter(runs))
    tokenizer = os.path.join(out, first, "tokenizer.json")
    while left:
        before = len(left)
        for name in list(left):
            if name != first and first in left and not os.path.exists(tokenizer):
                break
            with held(os.path.join(out, f".{name}.lock")) as mine:
                if mine:
                    print(name, file=sys.stderr)
                    train(tool, os.path.join(out, name), runs[name], texts, tokenizer)
                    left.remove(name)
        if len(left) == before:
            time.sleep(PATIENCE)


def rows(run):
    with open(os.path.join(run, "log.jsonl"), encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def events(run):
    with open(os.path.join(run, "monitor.jsonl"), encoding="utf-8") as file:
        found = [json.loads(line) for line in file]
    return [f"{row['event']} ({row['step']})" for row in found if row.get("event") and "raw" in row["series"]]


def summary(run):
    """The numbers of a run that say whether it saturated. A head starts flat: its entropy counts after a tenth of the run."""
    log = rows(run)
    series = {name: [(row[key], row["step"]) for row in log if key in row] for name, (key, _) in FIGURES.items()}
    low, at = min(series["loss"])
    flat, flat_at = min(pair for pair in series["entropy"] if pair[1] >= log[-1]["step"] // 10)
    tail = [row["loss"] for row in log if "loss" in row][-len(log) // 20:]
    return {"training loss": statistics.mean(tail), "lowest loss": low, "at": at, "last loss": series["loss"][-1][0],
            "lowest entropy": flat, "entropy at": flat_at, "last entropy": series["entropy"][-1][0],
            "last anisotropy": series["anisotropy"][-1][0], "events": ", ".join(events(run)) or "none"}


COLUMNS = ["training loss", "lowest loss", "at", "last loss", "lowest entropy", "entropy at", "last entropy",
           "last anisotropy", "events"]


def cell(value):
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def table(found):
    lines = ["| width | seed | " + " | ".join(COLUMNS) + " |", "|" + "---:|" * (len(COLUMNS) + 1) + "---|"]
    lines += [f"| {width} | {seed} | " + " | ".join(cell(values[name]) for name in COLUMNS) + " |"
              for (width, seed), values in found.items()]
    return "\n".join(lines) + "\n"


def draw(out, name, runs):
    """One line a width, over the steps of its first seed."""
    key, label = FIGURES[name]
    plots = []
    for width, run in runs.items():
        data = os.path.join(out, f".{name}-{width}.dat")
        with open(data, "w", encoding="utf-8") as file:
            file.writelines(f"{max(row['step'], 1)} {row[key]!r}\n" for row in rows(run) if key in row)
        plots.append(f"'{data}' with lines lw 2 title 'd = {width}'")
    script = (f"set terminal svg size 720,440 font 'sans,13'; set output '{os.path.join(out, name)}.svg'; set logscale x; "
              f"set xlabel 'step'; set ylabel '{label}'; set key outside; plot " + ", ".join(plots))
    subprocess.run(["gnuplot", "-e", script], check=True)
    for width in runs:
        os.remove(os.path.join(out, f".{name}-{width}.dat"))


def figures(build, out, runs):
    if not shutil.which("gnuplot"):
        return
    for name in FIGURES:
        draw(out, name, runs)
    for width, run in runs.items():
        subprocess.run([os.path.join(build, "examples", "neck-spectrum"), "--quiet", "--plot",
                        os.path.join(out, f"spectrum-d{width}.svg"), os.path.join(run, "checkpoints")], check=True,
                       stdout=subprocess.DEVNULL, env=alone())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two widths, one seed, a minute")
    parser.add_argument("--build", default="build")
    parser.add_argument("--out", help="default: BUILD/study-width, or BUILD/study-width-quick")
    parser.add_argument("--text", nargs="+", help="default: the largest of the bundled ones")
    parser.add_argument("--steps", type=int)
    parser.add_argument("--widths", type=int, nargs="+")
    parser.add_argument("--seeds", type=int, nargs="+")
    asked = parser.parse_args()
    widths, seeds, settings = ([8, 32], [0], QUICK) if asked.quick else ([8, 16, 32, 64, 128, 256], [0, 1, 2], FULL)
    widths, seeds = asked.widths or widths, asked.seeds or seeds
    settings = {**settings, "steps": asked.steps or settings["steps"]}
    out = asked.out or os.path.join(asked.build, "study-width-quick" if asked.quick else "study-width")
    os.makedirs(out, exist_ok=True)
    texts = asked.text or [max(glob.glob(os.path.join(HERE, "data", "text", "*.jsonl")), key=os.path.getsize)]
    names = {(width, seed): f"d{width}-seed{seed}" for seed in seeds for width in widths}
    train_all(os.path.join(asked.build, "examples", "neck-train"), out,
              {name: {**settings, "hidden-size": width, "heads": max(1, width // 16), "seed": seed}
               for (width, seed), name in names.items()}, texts)
    with held(os.path.join(out, ".results.lock")) as mine:
        if not mine:
            return
        figures(asked.build, out, {width: os.path.join(out, names[width, seeds[0]]) for width in widths})
        found = table({key: summary(os.path.join(out, name)) for key, name in names.items()})
        with open(os.path.join(out, "results.md"), "w", encoding="utf-8") as file:
            file.write(found)
        print(found, end="")


if __name__ == "__main__":
    main()
