#!/usr/bin/env python3
"""Writes metrics.json: fixed spectra and row sets with what independent references make of them.

    make_metrics.py HEAD.npy > metrics.json

HEAD.npy is the 512 x 64 head of stories260K. Needs numpy, scipy and powerlaw 1.5. Definitions come from these packages
where they have them (scipy.stats.entropy, numpy.linalg.matrix_rank / cond / norm / cov, powerlaw.Fit) and from the
published code of each metric elsewhere, in its own form rather than in the library's: RankMe (spt), alpha-ReQ
(stringer_get_powerlaw), EEE (NerVE, compute_eee), IsoScore (the point-cloud form), partition isotropy (isotropy()).
"""

import contextlib
import io
import json
import math
import sys

import numpy as np
import powerlaw
import scipy.special
import scipy.stats


def spectra(head):
    rng = np.random.default_rng(20240412)
    i = np.arange(1, 201)
    clusters = np.concatenate([np.full(5, 9.0), np.full(20, 3.0), 1 + 0.01 * np.arange(15)])
    return {
        "geometric": (100, 0.5 ** np.arange(24)),
        "steep": (16, 0.1 ** np.arange(16)),
        "flat": (32, np.full(32, 0.37)),
        "nearly_flat": (50, 1 + 1e-4 * np.cos(np.arange(40))),
        "zipf": (1000, 1.0 / i),
        "spiked": (50304, np.concatenate([[80.0], 1 + 0.005 * np.arange(127)])),
        "clustered": (64, clusters),
        "gaussian": (300, np.linalg.svd(rng.standard_normal((300, 60)), compute_uv=False)),
        "heavy_tail": (500, np.sqrt(rng.pareto(2.5, 500) + 1)),
        "deficient": (12, np.array([5, 4, 3, 2.5, 2, 1.5, 1, 0.5, 0, 0, 0, 0])),
        "single": (7, np.array([2.5])),
        "pair": (2, np.array([3.0, 1.0])),
        "stories260K": (head.shape[0], np.linalg.svd(head.astype(np.float64), compute_uv=False)),
    }


def rankme(s, epsilon=1e-7):
    p = s / np.sum(np.abs(s)) + epsilon
    return math.exp(-np.sum(p * np.log(p)))


def alpha_req(eigenvalues, first, last):
    trange = np.arange(first - 1, last)
    y = np.log(np.abs(eigenvalues[trange]))[:, None]
    trange = trange + 1
    x = np.concatenate((-np.log(trange)[:, None], np.ones((trange.size, 1))), axis=1)
    w = 1.0 / trange.astype(np.float64)[:, None]
    return np.linalg.solve(x.T @ (x * w), (w * x).T @ y).flatten()[0]


def default_range(s):
    last = min(100, int(np.sum(s > 0)))
    return min(11, (last + 1) // 2), last


def early_enrichment(eigenvalues):
    cumulative = np.cumsum(eigenvalues) / np.sum(eigenvalues)
    d = len(eigenvalues)
    return np.sum(cumulative - np.arange(1, d + 1) / d) / (0.5 * d)


def gini(x):
    return np.abs(np.subtract.outer(x, x)).sum() / (2 * len(x) ** 2 * np.mean(x))


def hoyer(x):
    if len(x) == 1:
        return 0.0
    root = math.sqrt(len(x))
    return (root - np.linalg.norm(x, 1) / np.linalg.norm(x, 2)) / (root - 1)


def w_error(s, rank):
    return np.linalg.norm(s[rank:]) / np.linalg.norm(s)


def rank_for(s, limit):
    return next(d for d in range(len(s) + 1) if w_error(s, d) <= limit)


def power_law(eigenvalues):
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        fit = powerlaw.Fit(eigenvalues[eigenvalues > 0], discrete=False, verbose=False)
        law = fit.power_law
        return {"alpha": law.alpha, "ks_distance": law.D, "xmin": fit.xmin, "standard_error": law.sigma,
                "tail_count": int(np.sum(eigenvalues >= fit.xmin))}


def metrics_of(rows, s):
    n, lam, w = len(s), s**2, np.zeros((rows, len(s)))
    np.fill_diagonal(w, s)
    uniform = np.full(n, 1 / n)
    first, last = default_range(s)
    expected = {
        "singular_entropy": scipy.stats.entropy(lam, uniform),
        "singular_entropy_linear": scipy.stats.entropy(s, uniform),
        "effective_rank": math.exp(scipy.stats.entropy(s)),
        "rankme": rankme(s),
        "matrix_entropy_rank": math.exp(scipy.stats.entropy(lam)),
        "proportional_effective_rank": math.exp(scipy.stats.entropy(s)) / n,
        "stable_rank": (np.linalg.norm(w, "fro") / s[0]) ** 2,
        "participation_ratio": np.sum(lam) ** 2 / np.sum(lam**2),
        "numerical_rank": float(np.linalg.matrix_rank(w)),
        "condition_number": float(np.linalg.cond(np.diag(s))) if s[-1] > 0 else None,
        "nuclear_norm": math.fsum(s),
        "frobenius_norm": np.linalg.norm(w, "fro"),
        "spectral_norm": s[0],
        "w_error_at_quarter": w_error(s, math.ceil(n / 4)),
        "w_error_at_half": w_error(s, math.ceil(n / 2)),
        "rank_for_w_error_60pct": float(rank_for(s, 0.6)),
        "rank_for_w_error_5pct": float(rank_for(s, 0.05)),
        "top_component_share": lam[0] / math.fsum(lam),
        "alpha_req": alpha_req(lam, first, last) if last > 1 else None,
        "gini": gini(s),
        "hoyer": hoyer(s),
        "early_enrichment": early_enrichment(lam),
    }
    result = {"rows": rows, "values": list(s), "expected": expected}
    if len(set(lam[lam > 0])) > 2:  # the powerlaw package wants two candidates for xmin
        law = result["power_law"] = power_law(lam)
        expected["power_law_alpha"], expected["power_law_ks"] = law["alpha"], law["ks_distance"]
    return result


def row_sets():
    rng = np.random.default_rng(7)
    cloud = rng.standard_normal((40, 6))
    return {
        "cloud": cloud,
        "offset": cloud * [3, 2, 1, 0.5, 0.3, 0.1] + [4, 0, 0, 1, 0, 0],
        "zero_rows": np.vstack([cloud[:9], np.zeros((3, 6))]),
        "wide": rng.standard_normal((4, 9)),
        "large": 300 * cloud[:12] + 100,
    }


def anisotropy(x):
    x = x[np.linalg.norm(x, axis=1) > 0]
    u = x / np.linalg.norm(x, axis=1, keepdims=True)
    cosines = u @ u.T
    n = len(x)
    return float(np.mean(cosines[~np.eye(n, dtype=bool)]))


def isoscore(points):
    """points: samples x dimensions. The published steps: PCA, diagonal of the covariance, normalise, defect, score."""
    centered = points - points.mean(axis=0)
    n = points.shape[1]
    rotated = centered @ np.linalg.svd(centered, full_matrices=True)[2].T
    variances = np.diag(np.cov(rotated.T))
    normed = variances * math.sqrt(n) / np.linalg.norm(variances)
    defect = np.linalg.norm(normed - np.ones(n)) / math.sqrt(2 * (n - math.sqrt(n)))
    return float(((n - defect**2 * (n - math.sqrt(n))) ** 2 - n) / (n * (n - 1)))


def partition_isotropy(x):
    """isotropy() of the published code, in logarithms and over both signs of every eigenvector."""
    _, vectors = np.linalg.eigh(x.T @ x)
    logs = [scipy.special.logsumexp(sign * (x @ vectors[:, k])) for k in range(x.shape[1]) for sign in (1, -1)]
    return float(np.exp(min(logs) - max(logs)))


def geometry_of(x):
    return {"rows": x.tolist(), "anisotropy": anisotropy(x), "centered_anisotropy": anisotropy(x - x.mean(axis=0)),
            "isoscore": isoscore(x), "partition_isotropy": partition_isotropy(x),
            "mean_norm": float(np.mean(np.linalg.norm(x, axis=1)))}


def main():
    head = np.load(sys.argv[1])
    golden = {
        "spectra": {name: metrics_of(rows, np.sort(np.asarray(s, float))[::-1])
                    for name, (rows, s) in spectra(head).items()},
        "geometry": {name: geometry_of(x) for name, x in row_sets().items()},
    }
    json.dump(golden, sys.stdout, indent=1, default=float)
    print()


if __name__ == "__main__":
    main()
