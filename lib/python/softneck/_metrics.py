"""Rank metrics as methods of a spectrum. Formulas, ranges and sources: softneck/metrics.h."""

from __future__ import annotations

import ctypes
import math
from typing import Any, Dict, NamedTuple, Tuple

from . import _abi
from ._errors import ArgumentError, StateError
from ._library import choice, integer, lib, string, text


class Measure(float):
    """A number that knows how wrong it can be: .error is an absolute bound, infinity when nothing can be said.

    Arithmetic gives plain floats: the bound belongs to the number itself.
    """

    __slots__ = ("error",)
    error: float

    def __new__(cls, value: float, error: float = 0.0) -> "Measure":
        self = super().__new__(cls, value)
        self.error = error
        return self

    def __getnewargs__(self) -> Tuple[float, float]:  # type: ignore[override]
        return float(self), self.error


class PowerLaw(NamedTuple):
    """A power law fitted to the largest eigenvalues sigma^2: their density is ~ x^-alpha for x >= xmin."""

    alpha: Measure
    standard_error: float  # of alpha, statistical
    ks_distance: Measure  # Kolmogorov-Smirnov distance of the tail and its fit
    xmin: float
    tail_count: int  # how many eigenvalues are >= xmin


def measure(function: Any, *arguments: Any) -> Measure:
    """Calls a C function whose last argument is a neck_measure to fill."""
    out = _abi.Measure()
    function(*arguments, out)
    return Measure(out.value, out.error)


class Metrics:
    """What a Spectrum can be asked. Every answer is a Measure, an ordinary float with an .error.

    normalization says how n singular values become a distribution p: "squared", p = sigma^2 / sum sigma^2, or
    "linear", p = sigma / sum sigma.
    """

    def singular_entropy(self, normalization: str = "squared") -> Measure:
        """Divergence of p from the uniform distribution, in nats; the paper's measure."""
        return measure(lib.neck_singular_entropy, self, _number(normalization))

    def effective_rank(self) -> Measure:
        """exp of the entropy of sigma / sum sigma (Roy & Vetterli 2007)."""
        return measure(lib.neck_effective_rank, self)

    def rankme(self, epsilon: float = 0.0) -> Measure:
        """RankMe (Garrido et al. 2023), with its epsilon; 0 means the published 1e-7."""
        return measure(lib.neck_rankme, self, epsilon)

    def matrix_entropy_rank(self) -> Measure:
        """exp of the entropy of sigma^2 / sum sigma^2."""
        return measure(lib.neck_matrix_entropy_rank, self)

    def proportional_effective_rank(self) -> Measure:
        """Effective rank as a share of the number of singular values."""
        return measure(lib.neck_proportional_effective_rank, self)

    def stable_rank(self) -> Measure:
        """|W|_F^2 / sigma_1^2."""
        return measure(lib.neck_stable_rank, self)

    def participation_ratio(self) -> Measure:
        """(sum sigma^2)^2 / sum sigma^4."""
        return measure(lib.neck_participation_ratio, self)

    def numerical_rank(self, tolerance: float = 0.0) -> Measure:
        """How many values exceed tolerance * sigma_1; 0 means max(rows, cols) * eps."""
        return measure(lib.neck_numerical_rank, self, tolerance)

    def condition_number(self) -> Measure:
        """The largest over the smallest singular value."""
        return measure(lib.neck_condition_number, self)

    def nuclear_norm(self) -> Measure:
        """The sum of the singular values."""
        return measure(lib.neck_nuclear_norm, self)

    def frobenius_norm(self) -> Measure:
        """The root of the sum of squares, from the entries."""
        return measure(lib.neck_frobenius_norm, self)

    def spectral_norm(self) -> Measure:
        """The largest singular value."""
        return measure(lib.neck_spectral_norm, self)

    def w_error(self, rank: int) -> Measure:
        """What the best approximation of that rank misses, relative to |W|_F (the paper's W-error)."""
        return measure(lib.neck_w_error, self, integer(rank, "rank"))

    def rank_for_w_error(self, w_error: float) -> Measure:
        """The smallest rank whose W-error is at most that."""
        return measure(lib.neck_rank_for_w_error, self, w_error)

    def top_component_share(self) -> Measure:
        """sigma_1^2 / |W|_F^2."""
        return measure(lib.neck_top_component_share, self)

    def alpha_req(self, first: int = 0, last: int = 0) -> Measure:
        """Decay exponent of sigma^2 against rank, fitted over ranks first to last; 0, 0 is the default range."""
        return measure(lib.neck_alpha_req, self, integer(first, "first"), integer(last, "last"))

    def power_law_tail(self) -> PowerLaw:
        """The power law that fits the tail of the spectral density best (Clauset, Shalizi & Newman 2009)."""
        out = _abi.PowerLaw()
        lib.neck_power_law_tail(self, out)
        alpha, distance = Measure(out.alpha, out.alpha_error), Measure(out.ks_distance, out.ks_error)
        return PowerLaw(alpha, out.standard_error, distance, out.xmin, out.tail_count)

    def gini(self, normalization: str = "linear") -> Measure:
        """Gini coefficient of p: 0 (flat) to 1 - 1/n."""
        return measure(lib.neck_gini, self, _number(normalization))

    def hoyer(self, normalization: str = "linear") -> Measure:
        """Hoyer sparsity of p: 0 (flat) to 1."""
        return measure(lib.neck_hoyer, self, _number(normalization))

    def early_enrichment(self) -> Measure:
        """Twice the area between the cumulative sigma^2 and the uniform line (EEE)."""
        return measure(lib.neck_early_enrichment, self)

    def metrics(self) -> Dict[str, Measure]:
        """Every metric of the library's table, with default parameters, by its name there (see metric_names).

        One that this spectrum does not define (of a zero matrix, say) is NaN with an infinite error.
        """
        return {name: self._evaluate(index) for index, name in enumerate(metric_names())}

    def _evaluate(self, index: int) -> Measure:
        try:
            return measure(lib.neck_metric_evaluate, index, self)
        except (ArgumentError, StateError):
            return Measure(math.nan, math.inf)


def _number(normalization: str) -> int:
    return choice(_abi.NORMALIZATIONS, normalization, "normalization")


def metric_names() -> Tuple[str, ...]:
    """The names in the library's table of metrics: the same in JSON and in the tools' tables."""
    return tuple(text(lib.neck_metric_name(i)) or "" for i in range(lib.neck_metric_count()))


def metric_unit(name: str) -> str:
    """ "nats", "dimensions", "1" ... """
    return text(lib.neck_metric_unit(_metric_index(name))) or ""


def metric_summary(name: str) -> str:
    """One sentence: the formula and its source."""
    return text(lib.neck_metric_summary(_metric_index(name))) or ""


def _metric_index(name: str) -> int:
    index = ctypes.c_int64()
    lib.neck_metric_find(string(name), index)
    return index.value
