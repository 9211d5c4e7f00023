#!/usr/bin/env python3
"""Width against saturation: models of equal depth and different widths on the same text, every checkpoint measured.

    python3 examples/study_width.py [--quick] [--build BUILD] [--out FOLDER] [--text FILE...] [--steps N]

Trains with neck-train, one run for each width and seed. What is there already is kept or taken up where it was stopped, so the
study may be interrupted at any time. Leaves results.md (the table), and with gnuplot loss.svg, entropy.svg, anisotropy.svg
(every width over training) and spectrum-dWIDTH.svg (singular values over training) in FOLDER.
"""
import argparse
import glob
import json
import os
import shutil
import statistics
import subprocess
import sys

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


def train(tool, run, settings, texts, tokenizer):
    """Makes, continues or keeps a run."""
    if os.path.exists(os.path.join(run, "run.json")):
        command = [tool, "--resume", run]
    else:
        command = [tool, "--out", run, *[part for name, value in settings.items() for part in (f"--{name}", str(value))]]
        command += ["--tokenizer", tokenizer] if os.path.exists(tokenizer) else []
        command += ["--text", *texts]
    subprocess.run([*command, "--quiet"], check=True, stdout=subprocess.DEVNULL)


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
                       stdout=subprocess.DEVNULL)


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
    tokenizer, found = os.path.join(out, f"d{widths[0]}-seed0", "tokenizer.json"), {}
    for seed in seeds:
        for width in widths:
            run = os.path.join(out, f"d{width}-seed{seed}")
            print(f"width {width}, seed {seed}", file=sys.stderr)
            train(os.path.join(asked.build, "examples", "neck-train"), run,
                  {**settings, "hidden-size": width, "heads": max(1, width // 16), "seed": seed}, texts, tokenizer)
            found[width, seed] = summary(run)
    figures(asked.build, out, {width: os.path.join(out, f"d{width}-seed{seeds[0]}") for width in widths})
    with open(os.path.join(out, "results.md"), "w", encoding="utf-8") as file:
        file.write(table(found))
    print(table(found), end="")


if __name__ == "__main__":
    main()
