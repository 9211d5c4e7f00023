"""The largest singular triplets of a matrix or operator, each with the error it may have."""

from __future__ import annotations

import ctypes
from typing import Any, NamedTuple, Optional

from . import _abi
from ._arrays import new_f64
from ._context import Context
from ._library import choice, integer, lib, or_default
from ._operator import as_operator, columns


class _Triplets(NamedTuple):
    U: Any  # rows x k, orthonormal columns
    s: Any  # k, decreasing
    Vt: Any  # k x cols, orthonormal rows


class TruncatedSVD(_Triplets):
    """U, s, Vt of the k largest singular values; unpacks into the three. U and Vt are None where not wanted."""

    residuals: Any  # of each triplet: sqrt((|A v - s u|^2 + |A^T u - s v|^2) / 2)
    error_bounds: Any  # |s - true| of each value is at most this, absolute
    method: str  # "gram", "krylov" or "randomized"
    products: int  # of single vectors with A or A^T
    restarts: int
    missed_probability: float  # at most this is the chance that a larger value than the bounds say was overlooked


def truncated_svd(
    A: Any,
    k: int,
    method: Optional[str] = None,
    tolerance: Optional[float] = None,
    vectors: bool = True,
    block_size: int = 0,
    basis: int = 0,
    max_products: int = 0,
    start: Any = None,
    oversampling: int = 0,
    power_steps: int = 0,
    context: Optional[Context] = None,
    dtype: Optional[str] = None,
) -> TruncatedSVD:
    """The k largest singular values with their vectors and bounds.

    A             an Operator, or whatever makes one
    method        None chooses by cost; "gram"; "krylov"; "randomized" is approximate and never chosen
    tolerance     stop when every residual is at most this times the largest value; None: 1e-10
    vectors       False: values alone
    block_size, basis            vectors a product, and kept before a restart; 0: chosen
    max_products                 ConvergenceError beyond; 0: no limit
    start                        cols x some numbers: guesses of right singular vectors; None: random from the
                                 context's seed
    oversampling, power_steps    of "randomized"; 0: 10 and 2
    """
    operator = as_operator(A, dtype, context)
    rows, cols = operator.shape
    k = integer(k, "k", 1, min(rows, cols))
    guesses, shape = (None, (0, 0)) if start is None else columns(start, "start", cols)
    options = _abi.TruncatedOptions(
        method=choice(_abi.METHODS, method or "auto", "method"),
        block=integer(block_size, "block_size", 0, 2**31 - 1),
        tolerance=or_default(tolerance, "tolerance"),
        basis=integer(basis, "basis", 0),
        max_products=integer(max_products, "max_products", 0),
        start=guesses,
        start_count=shape[1] if len(shape) == 2 else 1,
        oversampling=integer(oversampling, "oversampling", 0),
        power_steps=integer(power_steps, "power_steps"),
    )
    u, u_memory = new_f64((rows, k)) if vectors else (None, None)
    vt, vt_memory = new_f64((k, cols)) if vectors else (None, None)
    (s, s_memory), (residuals, r_memory), (bounds, b_memory) = (new_f64((k,)) for _ in range(3))
    report = _abi.TruncatedReport()
    lib.neck_truncated_svd(context, operator, k, options, s_memory, u_memory, vt_memory, r_memory, b_memory, report)
    result = TruncatedSVD(u, s, vt)
    result.residuals, result.error_bounds = residuals, bounds
    result.method = {number: name for name, number in _abi.METHODS.items()}[report.method]
    result.products, result.restarts = report.products, report.restarts
    result.missed_probability = report.missed_probability
    return result
