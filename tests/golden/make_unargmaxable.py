"""Writes unargmaxable.json: small heads, with and without bias, and which of their tokens can be the argmax, by convex hulls.
Integer coordinates, so that the hulls are exact: in one dimension by the ends, in two by a monotone chain in integers, in three by
Qhull, each vertex and each other point checked again by a linear program (HiGHS).

    python3 tests/golden/make_unargmaxable.py      (numpy, scipy)
"""
import json
import os

import numpy as np
from scipy.optimize import linprog
from scipy.spatial import ConvexHull

HERE = os.path.dirname(os.path.abspath(__file__))


def chain(points):
    """Strict vertices of the hull of integer points in the plane."""
    unique = sorted(set(map(tuple, points)))
    if len(unique) < 3:
        return set(unique)

    def half(order):
        kept = []
        for p in order:
            while len(kept) > 1 and (kept[-1][0] - kept[-2][0]) * (p[1] - kept[-2][1]) <= (kept[-1][1] - kept[-2][1]) * (
                p[0] - kept[-2][0]
            ):
                kept.pop()
            kept.append(p)
        return kept

    return set(half(unique)) | set(half(unique[::-1]))


def by_program(rows, bias, c):
    """The largest lead in a box: positive when c can win."""
    others = [j for j in range(len(rows)) if j != c]
    d = rows.shape[1]
    a = np.hstack([rows[others] - rows[c], (bias[others] - bias[c])[:, None], np.ones((len(others), 1))])
    bounds = [(-1, 1)] * d + [(0, 1), (None, 1)]
    solved = linprog([0] * (d + 1) + [-1], A_ub=np.vstack([a, [0] * d + [-1, 1]]), b_ub=np.zeros(len(others) + 1), bounds=bounds)
    assert solved.status == 0
    return -solved.fun


def winners(rows, bias):
    """Tokens that win somewhere; of equal rows with equal bias none does."""
    lifted = np.hstack([rows, bias[:, None]])
    d = rows.shape[1]
    if not bias.any():
        lifted, dimension = rows, d
    else:
        dimension = d + 1
    if dimension == 1:
        vertices = {tuple(lifted.min(0)), tuple(lifted.max(0))}
    elif dimension == 2:
        vertices = chain(lifted.tolist())
    else:
        vertices = {tuple(p) for p in lifted[ConvexHull(lifted).vertices]}
    found = []
    for c, point in enumerate(lifted):
        twins = (lifted == point).all(1).sum()
        wins = tuple(point) in vertices and twins == 1
        lead = by_program(rows.astype(float), bias.astype(float), c)
        if bias.any():  # vertices of the lower side win nowhere
            wins = wins and lead > 1e-7
        assert wins == (lead > 1e-7), (c, lead)
        found.append(bool(wins))
    return found


def main():
    rng = np.random.default_rng(20)
    cases = []

    def add(name, rows, bias=None, wins=None):
        rows = np.asarray(rows, int)
        bias = np.zeros(len(rows), int) if bias is None else np.asarray(bias, int)
        cases.append({"name": name, "width": rows.shape[1], "rows": rows.ravel().tolist(), "bias": bias.tolist(),
                      "wins": wins or winners(rows, bias)})

    add("line", [[3], [-2], [0], [7], [7], [5]])
    add("line, no ties", rng.permutation(40)[:25][:, None] - 20)
    add("line, bias", np.arange(-8, 9)[:, None], -np.arange(-8, 9) ** 2)
    add("line, bias, some below", rng.integers(-30, 30, (30, 1)), rng.integers(-30, 30, 30))
    add("square with its edges", [[0, 0], [4, 0], [4, 4], [0, 4], [2, 0], [4, 1], [2, 2], [1, 3]])
    add("collinear in the plane", [[i, 2 * i - 3] for i in range(-5, 6)])
    for n in (8, 40, 200):
        add(f"plane {n}", rng.integers(-1000, 1000, (n, 2)))
        add(f"plane {n}, bias", rng.integers(-1000, 1000, (n, 2)), rng.integers(-300, 300, n))
        add(f"space {n}", rng.integers(-1000, 1000, (n, 3)))
    add("cube with its faces", [[x, y, z] for x in (0, 2, 4) for y in (0, 2, 4) for z in (0, 2, 4)])
    plane = rng.integers(-50, 50, (30, 2))
    flat = np.hstack([plane, plane[:, :1] - 2 * plane[:, 1:]])
    add("a plane in space", flat, wins=winners(plane, np.zeros(30, int)))
    with open(os.path.join(HERE, "unargmaxable.json"), "w", encoding="utf-8") as file:
        json.dump({"cases": cases}, file)
        file.write("\n")
    for case in cases:
        print(case["name"], sum(case["wins"]), "of", len(case["wins"]))


main()
