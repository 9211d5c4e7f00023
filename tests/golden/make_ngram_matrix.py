#!/usr/bin/env python3
"""Writes ngram_matrix.json: texts as tokens, and the singular values of their n-gram matrices by numpy's dense SVD.

    make_ngram_matrix.py > ngram_matrix.json

The matrix is built row by row from a dictionary of contexts; W-error comes from its formula, applied to those values.
"""

import json
import sys

import numpy as np

WEIGHTS = {"uniform": lambda n: 1.0, "count": float, "root_count": np.sqrt}


def contexts(tokens, ends, order):
    found, begin = {}, 0
    for end in ends:
        for i in range(begin, end - order + 1):
            row = found.setdefault(tuple(tokens[i : i + order - 1]), {})
            row[tokens[i + order - 1]] = row.get(tokens[i + order - 1], 0) + 1
        begin = end
    return found


def matrix(found, vocabulary, weigh):
    w = np.zeros((len(found), vocabulary))
    for row, key in zip(w, sorted(found)):
        total = sum(found[key].values())
        for token, count in found[key].items():
            row[token] = count / total * weigh(total)
    return w


def case(name, tokens, ends, vocabulary, order):
    made = {"name": name, "vocabulary": vocabulary, "order": order, "tokens": tokens, "ends": ends, "weights": {}}
    found = contexts(tokens, ends, order)
    made["contexts"] = len(found)
    for weight, weigh in WEIGHTS.items():
        w = matrix(found, vocabulary, weigh)
        s = np.linalg.svd(w, compute_uv=False)
        errors = [float(np.sqrt(np.sum(s[d:] ** 2)) / np.linalg.norm(w)) for d in range(len(s))]
        made["weights"][weight] = {"values": s.tolist(), "w_error": errors}
    return made


def zipf(rng, vocabulary, count):
    p = 1 / np.arange(1, vocabulary + 1)
    return rng.choice(vocabulary, size=count, p=p / p.sum()).tolist()


def main():
    rng = np.random.default_rng(7)
    cases = [
        case("one_hot", list(range(12)) * 3, [36], 14, 3),
        case("one_context", [0, 1, 0, 2, 0, 2, 0, 3], [2, 4, 6, 8], 5, 2),
        case("equal_rows", [0, 4, 0, 5, 1, 4, 1, 5, 2, 4, 2, 4, 2, 5], [2, 4, 6, 8, 10, 12, 14], 6, 2),
        case("two_parts", [0, 4, 0, 5, 1, 6, 1, 7, 1, 8, 2, 6, 2, 8, 3, 0, 3, 0], [2, 4, 6, 8, 10, 12, 14, 16, 18], 10, 2),
        case("more_columns_than_rows", sum(([0, 2 + i] for i in range(9)), []), list(range(2, 19, 2)), 12, 2),
    ]
    for order in range(2, 9):
        cases.append(case("zipf_%d" % order, zipf(rng, 9, 400), [150, 400], 11, order))
    cases.append(case("coupled", rng.integers(0, 40, 900).tolist(), [900], 40, 2))
    json.dump(cases, sys.stdout, separators=(",", ":"))
    print()


main()
