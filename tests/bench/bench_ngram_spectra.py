"""Times the spectrum of an n-gram matrix against scipy on the words of a text: all singular values (numpy's eigvalsh of the dense
Gram matrix), the 64 largest (scipy's svds, ARPACK), and the W-error curve within a band, which has no peer. Both sides turn by turn,
each in a process of its own; only the spectrum is timed, not counting. Seconds of the processors are told too: they say more on a
machine that has other things to do.

Usage: bench_ngram_spectra.py FLOOR_PROGRAM (unused) [--rounds N] [--order N] [--text FILE] [--words N] [--no-exact]
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TEXT = os.path.join(HERE, "..", "..", "examples", "data", "text", "tinystories-1000.jsonl")
TOOL = os.path.join(os.path.dirname(os.environ["SOFTNECK_LIBRARY"]), "..", "examples", "neck-ngram")

# The same words as neck-ngram's, a dictionary of contexts, and the peer's call: prints seconds and the numbers to compare.
PEER = r'''
import collections, json, re, sys, time
import numpy as np
import scipy.sparse
from scipy.sparse.linalg import svds

path, order, most, job = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
text = open(path, encoding="utf-8").read()
texts = [json.loads(line)["text"] for line in text.splitlines()] if path.endswith(".jsonl") else [text]
texts = [re.findall(r"\w+|[^\w\s]", text) for text in texts]
ranked = [word for word, _ in collections.Counter(word for text in texts for word in text).most_common()]
kept = min(most - 1, len(ranked)) if len(ranked) > most else len(ranked)
number = {word: min(i, kept) for i, word in enumerate(ranked)}
grams = collections.Counter()
for text in texts:
    ids = [number[word] for word in text]
    grams.update(tuple(ids[i : i + order]) for i in range(len(ids) - order + 1))
rows, totals = {}, collections.Counter()
for gram, count in grams.items():
    rows.setdefault(gram[:-1], len(rows))
    totals[gram[:-1]] += count
entries = [(count / totals[gram[:-1]], rows[gram[:-1]], gram[-1]) for gram, count in grams.items()]
values, i, j = zip(*entries)
matrix = scipy.sparse.csr_matrix((values, (i, j)), (len(rows), min(len(ranked), most)))
start, cpu = time.perf_counter(), time.process_time()
if job == "exact":
    found = np.sqrt(np.maximum(np.linalg.eigvalsh((matrix.T @ matrix).toarray())[::-1], 0))
else:
    found = np.sort(svds(matrix, 64, return_singular_vectors=False))[::-1]
print(json.dumps([time.perf_counter() - start, time.process_time() - cpu, list(found[:64])]))
'''


def ours(given, *options):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [TOOL, "--json", "--quiet", "--tokenizer", f"words:{given.words}", "--order", str(given.order), *options, given.text]
    row = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    row["cpu"] = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return row


def theirs(given, job):
    command = [sys.executable, "-c", PEER, given.text, str(given.order), str(given.words), job]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)


def compare(given, job, *options):
    pairs = [(ours(given, "--values", *options), theirs(given, job)) for _ in range(given.rounds)]
    mine = statistics.median(row["spectrum_seconds"] for row, _ in pairs)
    ratio = statistics.median(peer[0] / row["spectrum_seconds"] for row, peer in pairs)
    row, peer = pairs[-1]
    worst = max(abs(a - b) for a, b in zip(row["singular_values"], peer[2])) / peer[2][0]
    print(f"  {job:8s} softneck {mine:8.3f} s, processors {statistics.median(r['cpu'] for r, _ in pairs):7.2f} s with reading and counting;"
          f"  scipy {statistics.median(p[0] for _, p in pairs):8.2f} s, processors {statistics.median(p[1] for _, p in pairs):7.2f} s:"
          f"  {ratio:6.1f}x;  apart by {worst:.0e} of the largest")
    return mine


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("floor")
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--order", type=int, default=5)
    arguments.add_argument("--text", default=TEXT)
    arguments.add_argument("--words", type=int, default=8000)
    arguments.add_argument("--no-exact", action="store_true")
    given = arguments.parse_args()
    rows = [ours(given, "--density") for _ in range(given.rounds)]
    row = rows[0]
    band = max(band["high"] - band["low"] for band in row["w_error"].values() if band["value"] is not None)
    seconds = statistics.median(row["spectrum_seconds"] for row in rows)
    print(f"{os.path.basename(given.text)}: {row['tokens']} words, V {row['vocab_size']}, order {given.order}: {row['contexts']} contexts,"
          f" largest part {row['largest_part']}\n  density  softneck {seconds:8.3f} s, 95 % band at most {band:.4f} wide at the ranks told")
    compare(given, "top", "--top", "64")
    if not given.no_exact:
        exact = compare(given, "exact", "--exact")
        print(f"  the curve's density takes {seconds / exact:.4f} of the time of the exact spectrum")


main()
