"""Times counting n-grams against numpy and scipy, and against KenLM's lmplz where that is installed (or named by LMPLZ), on the
words of a text: the commonest 8000 and one for all others. Each side in a process of its own, turn by turn. lmplz also smooths
its counts and writes them as text; what it reports as its first of five steps is counting alone.

Usage: bench_ngram.py FLOOR_PROGRAM (unused) [--rounds N] [--order N] [--text FILE] [--tokens N [--memory BYTES]]
--tokens: a text of so many made-up tokens instead, through so much memory (softneck alone), its time and the most memory it took.
"""

import argparse
import collections
import importlib.util
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
from peers import Worker, take_turns

WORDS = 8000
HERE = os.path.dirname(os.path.abspath(__file__))
TEXT = os.path.join(HERE, "..", "..", "examples", "data", "text", "tinystories-1000.jsonl")


def read_words(path):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    if path.endswith(".jsonl"):
        text = "\n".join(json.loads(line)["text"] for line in text.splitlines())
    return re.findall(r"\w+|[^\w\s]", text)


def number(words):
    common = [word for word, _ in collections.Counter(words).most_common(WORDS)]
    numbers = {word: i for i, word in enumerate(common)}
    return np.array([numbers.get(word, WORDS) for word in words], np.int32)


def run_lmplz(program, order, path, folder):
    """Seconds of all and of its first step, which ends when it announces the second."""
    start, step = time.perf_counter(), None
    command = [program, "-o", str(order), "-S", "1G", "-T", folder, "--text", path, "--arpa", os.devnull, "--discount_fallback"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    for line in process.stderr:
        if line.startswith("=== 2/5"):
            step = time.perf_counter() - start
    if process.wait() != 0:
        raise RuntimeError("lmplz failed")
    return time.perf_counter() - start, step


def report(name, seconds, ours, count, note):
    middle = statistics.median(seconds)
    ratio = statistics.median(theirs / mine for theirs, mine in zip(seconds, ours))
    print(f"  {name:22s}{middle:9.3f} s {ratio:7.2f}x {1e-6 * count / middle:8.2f} million tokens/s {note}")


def compare(given, folder):
    tokens = number(read_words(given.text))
    np.save(os.path.join(folder, "tokens.npy"), tokens)
    names = ["softneck"] + (["scipy"] if importlib.util.find_spec("scipy") else [])
    workers = {name: Worker("ngram_worker.py", name, folder) for name in names}
    print(f"{os.path.basename(given.text)}: {len(tokens)} words, {int(tokens.max()) + 1} types, order {given.order}\n"
          "rows: median seconds, time over softneck's (pair by pair), speed, extra memory, [contexts, n-grams]")
    for operation in ("count", "file"):
        runs = [(name, operation, given.order) for name in names]
        runs += [("scipy", "rows", given.order)] if operation == "count" and "scipy" in names else []
        answers, memory = take_turns(workers, runs, given.rounds)
        ours = [a["seconds"] for a in answers[runs[0]]]
        for run in runs:
            seconds = [a["seconds"] for a in answers[run]]
            report(f"{run[0]} {run[1]}", seconds, ours, len(tokens), f"{memory[run] / 1e6:6.0f} MB  {answers[run][-1]['value']}")
    for worker in workers.values():
        worker.close()
    program = os.environ.get("LMPLZ") or shutil.which("lmplz")
    if not program:
        print("lmplz is not installed here: KenLM is not compared")
        return
    path = os.path.join(folder, "words.txt")
    with open(path, "w") as file:
        file.write(" ".join(f"w{token}" for token in tokens) + "\n")
    times = [run_lmplz(program, given.order, path, folder) for _ in range(given.rounds)]
    report("lmplz, its first step", [step for _, step in times], ours, len(tokens), "")
    report("lmplz", [whole for whole, _ in times], ours, len(tokens), "")


def count_synthetic(given, folder):
    np.save(os.path.join(folder, "tokens.npy"), np.zeros(1, np.int32))
    worker = Worker("ngram_worker.py", "softneck", folder)
    answer = worker.run("synthetic", f"{given.order} {given.tokens} {given.memory} 50000")
    worker.close()
    print(f"{given.tokens} made-up tokens of 50000 types, order {given.order}: {answer['seconds']:.1f} s "
          f"({1e-6 * given.tokens / answer['seconds']:.2f} million tokens/s with making them), {answer['extra_bytes'] / 1e6:.0f} MB "
          f"of {given.memory / 1e6:.0f}, [contexts, n-grams] {answer['value']}")


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("floor")
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--order", type=int, default=5)
    arguments.add_argument("--text", default=TEXT)
    arguments.add_argument("--tokens", type=int)
    arguments.add_argument("--memory", type=int, default=2 * 10**9)
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        (count_synthetic if given.tokens else compare)(given, folder)


sys.exit(main())
