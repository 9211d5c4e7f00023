#!/usr/bin/env python3
"""Writes eigenvalues.txt: eigenvalues of two symmetric matrices of integers, by numpy (LAPACK's dsyevd).

    make_eigenvalues.py > eigenvalues.txt

Entry (i, j) is ((7 i^2 + 7 j^2 + 13 i j) mod 1009) - 504. A line "n step" comes before every step-th eigenvalue, ascending, of the
matrix of order n.
"""

import numpy as np


def matrix(n):
    i = np.arange(n)
    return ((7 * i[:, None] ** 2 + 7 * i[None, :] ** 2 + 13 * i[:, None] * i[None, :]) % 1009 - 504).astype(float)


for n, step in ((1000, 1), (2000, 10)):
    print(n, step)
    for value in np.linalg.eigvalsh(matrix(n))[::step]:
        print(repr(float(value)))
