"""W-error at every rank, and entropies, from few products, each within a band that holds the truth."""

from __future__ import annotations

import ctypes
from typing import Any, Iterable, NamedTuple, Optional

from . import _abi
from ._arrays import doubles
from ._context import Context
from ._library import Handle, choice, integer, lib, or_default
from ._operator import as_operator


class Band(float):
    """A number and where it lies: between .low and .high.

    Arithmetic gives plain floats: the band belongs to the number itself.
    """

    __slots__ = ("low", "high")
    low: float
    high: float

    def __new__(cls, value: float, low: float, high: float) -> "Band":
        self = super().__new__(cls, value)
        self.low, self.high = low, high
        return self

    def __getnewargs__(self) -> "tuple[float, float, float]":  # type: ignore[override]
        return float(self), self.low, self.high


class DensityReport(NamedTuple):
    """What a Density cost, and where its band came from. Errors are shares of |A|_F^2."""

    coupling: bool  # by the diagonal, and how strongly columns are coupled
    lanczos: bool  # by Lanczos quadrature with random vectors
    probes: int
    steps: int
    groups: int
    deflated: int  # largest values taken out
    size: int  # singular values in all
    products: int  # of single vectors with A or A^T
    confidence: float
    width: float  # of the widest band of W-error
    frobenius_squared: float
    deflation_error: float
    quadrature_error: float
    sampling_error: float


def _band(function: Any, *arguments: Any) -> Band:
    out = _abi.Band()
    function(*arguments, out)
    return Band(out.value, out.low, out.high)


class Density(Handle):
    """What is known of all singular values of A together. Immutable. All its bands hold together, at its confidence.

    A             an Operator, or whatever makes one
    probes        random vectors; 0: 32, or as many as target_width takes
    steps         of Lanczos with each; 0: as many as it takes
    block_size    vectors a product; 0: chosen
    deflate       largest values to take out first, at most; None: those that come cheaply; 0: none
    target_width  the widest band of W-error that is asked for; None: whatever the probes give
    max_products  of single vectors with A or A^T; 0: no limit
    diagonal      the squared norms of A's columns, where they are known: a far narrower band when columns hardly
                  overlap
    known_values  singular values beside A's, known exactly
    """

    def __init__(
        self,
        A: Any,
        probes: int = 0,
        steps: int = 0,
        block_size: int = 0,
        deflate: Optional[int] = None,
        confidence: float = 0.95,
        target_width: Optional[float] = None,
        max_products: int = 0,
        diagonal: Optional[Iterable[float]] = None,
        known_values: Optional[Iterable[float]] = None,
        context: Optional[Context] = None,
        dtype: Optional[str] = None,
    ) -> None:
        operator = as_operator(A, dtype, context)
        known = None if known_values is None else doubles(known_values, "known_values")
        options = _abi.DensityOptions(
            probes=integer(probes, "probes", 0, 2**31 - 1),
            steps=integer(steps, "steps", 0, 2**31 - 1),
            block=integer(block_size, "block_size", 0, 2**31 - 1),
            deflate=0 if deflate is None else integer(deflate, "deflate", 0, 2**30) or -1,
            confidence=or_default(confidence, "confidence"),
            target_width=or_default(target_width, "target_width"),
            max_products=integer(max_products, "max_products", 0),
            diagonal=None if diagonal is None else doubles(diagonal, "diagonal", operator.shape[1]),
            known_values=known,
            known_count=0 if known is None else len(known),
        )
        out = ctypes.c_void_p()
        lib.neck_density_compute(context, operator, options, out)
        super().__init__(out, lib.neck_density_destroy)

    def w_error(self, rank: int) -> Band:
        """What the best approximation of that rank loses: sqrt(sum of the other sigma^2) / |A|_F."""
        return _band(lib.neck_density_w_error, self, integer(rank, "rank"))

    def rank_for_w_error(self, w_error: float) -> Band:
        """The smallest rank whose W-error is at most w_error."""
        return _band(lib.neck_density_rank_for_w_error, self, w_error)

    def count_above(self, sigma: float) -> Band:
        """How many singular values are greater than sigma."""
        return _band(lib.neck_density_count_above, self, sigma)

    def singular_entropy(self, normalization: str = "squared") -> Band:
        """As Spectrum.singular_entropy(): ln size - H(p), nats."""
        return _band(lib.neck_density_entropy, self, choice(_abi.NORMALIZATIONS, normalization, "normalization"))

    def effective_rank(self, normalization: str = "linear") -> Band:
        """exp(H(p)): "linear" as Spectrum.effective_rank(), "squared" as Spectrum.matrix_entropy_rank()."""
        return _band(lib.neck_density_effective_rank, self, choice(_abi.NORMALIZATIONS, normalization, "normalization"))

    @property
    def report(self) -> DensityReport:
        told = _abi.DensityReport()
        lib.neck_density_describe(self, told)
        routes = bool(told.routes & _abi.DENSITY_COUPLING), bool(told.routes & _abi.DENSITY_LANCZOS)
        return DensityReport(*routes, *(getattr(told, name) for name in DensityReport._fields[2:]))

    def __len__(self) -> int:
        """Singular values in all."""
        return self.report.size

    def __repr__(self) -> str:
        told = self.report
        certain = f"W-error within {told.width:.2g} at {told.confidence:.4g}"
        return f"<softneck.Density of {told.size} singular values, {certain}>"
