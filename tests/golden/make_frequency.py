"""Writes frequency.json: components of heads against log counts, by numpy and scipy.

    python3 tests/golden/make_frequency.py
"""
import json
import os

import numpy as np
from scipy.stats import pearsonr, spearmanr

HERE = os.path.dirname(os.path.abspath(__file__))


def measure(w, counts, variant, smoothing, k):
    mean = {"raw": 0, "centered": w.mean(0), "frequency_centered": counts @ w / counts.sum()}[variant]
    u, s, _ = np.linalg.svd(w - mean, full_matrices=False)
    seen = counts + smoothing > 0
    logs = np.log(counts[seen] + smoothing)
    rows = []
    for i in range(k):
        x = u[seen, i]
        r, rho = pearsonr(x, logs)[0], spearmanr(x, logs)[0]
        a = np.hstack([np.ones((seen.sum(), 1)), u[seen, : i + 1]])
        left = logs - a @ np.linalg.lstsq(a, logs, rcond=None)[0]
        explained = 1 - (left**2).sum() / ((logs - logs.mean()) ** 2).sum()
        rows.append([s[i], s[i] ** 2 / (s**2).sum(), abs(r), rho * np.sign(r), explained])
    return {"variant": variant, "smoothing": smoothing, "tokens": int(seen.sum()), "components": rows}


def main():
    rng = np.random.default_rng(6)
    vocabulary, width = 90, 7
    counts = np.floor(2000 / np.arange(1, vocabulary + 1) ** 1.1 * rng.lognormal(0, 0.4, vocabulary)) % 977
    counts[[3, 50, 70, 71]] = 0
    w = rng.standard_normal((vocabulary, width))
    w[:, 0] += 4
    w += np.outer(np.log1p(counts) - 2, rng.standard_normal(width)) * 0.8
    cases = [measure(w, counts, variant, smoothing, 5)
             for variant in ("raw", "centered", "frequency_centered") for smoothing in (0.0, 0.5)]
    with open(os.path.join(HERE, "frequency.json"), "w", encoding="utf-8") as file:
        json.dump({"width": width, "weights": w.ravel().tolist(), "counts": counts.tolist(), "cases": cases}, file)
        file.write("\n")
    print(cases[0])


main()
