"""L = A / N^alpha + B / T^beta + E, fitted to runs of several sizes."""

from __future__ import annotations

from typing import Any, Iterable, List, NamedTuple, Optional, Tuple

from . import _abi
from ._arrays import new_f64
from ._context import Context
from ._errors import ArgumentError
from ._library import integer, lib, or_default

Point = Tuple[float, float, float]


class ScalingLaw(NamedTuple):
    """Loss in nats of a model of N parameters trained on T tokens."""

    a: float
    alpha: float
    b: float
    beta: float
    e: float

    def loss(self, parameters: float, tokens: float) -> float:
        """What the law gives; NaN for sizes that are not positive."""
        return float(lib.neck_scaling_law_loss(_abi.ScalingLaw(**self._asdict()), parameters, tokens))

    def gaps(self, points: Iterable[Point]) -> Tuple[Any, float]:
        """Loss over that of the law, less 1, of each (parameters, tokens, loss), and the mean. Positive: worse."""
        given = _points(points)
        gaps, memory = new_f64((len(given),))
        mean, mean_memory = new_f64((1,))
        lib.neck_scaling_law_gaps(_abi.ScalingLaw(**self._asdict()), given, len(given), memory, mean_memory)
        return gaps, float(mean[0])


class ScalingFit(NamedTuple):
    """A fitted law; low and high are intervals of the constants one by one, NaN where there are none."""

    law: ScalingLaw
    low: ScalingLaw
    high: ScalingLaw
    objective: float  # mean Huber loss of log L - log of the law
    residual: float  # root mean square of log L - log of the law
    starts: int  # the fit was begun from so many places,
    agreeing: int  # and so many of them ended here


def _points(points: Iterable[Point]) -> Any:
    given = [_abi.ScalingPoint(parameters=n, tokens=t, loss=loss) for n, t, loss in points]
    return (_abi.ScalingPoint * len(given))(*given)


def _fixed(fixed: "dict[str, float]") -> Tuple[int, _abi.ScalingLaw]:
    """Bits of the constants to fit, and the values of the others."""
    names: List[str] = list(ScalingLaw._fields)
    unknown = [name for name in fixed if name not in names]
    if unknown:
        raise ArgumentError(f"there is no constant {unknown[0]!r}; there are {', '.join(names)}")
    fitted = sum(1 << i for i, name in enumerate(names) if name not in fixed)
    if fitted == 0:
        raise ArgumentError("all constants are fixed: nothing is left to fit")
    return fitted, _abi.ScalingLaw(**fixed)


def fit_scaling_law(
    points: Iterable[Point],
    *,
    resamples: Optional[int] = 200,
    huber: Optional[float] = None,
    confidence: Optional[float] = None,
    context: Optional[Context] = None,
    **fixed: float,
) -> ScalingFit:
    """Fits the constants that are not fixed to points (parameters, tokens, loss): at least as many as constants.

    fixed      by name: b=410.7, beta=0.28, e=1.69 to fit a and alpha as Godey et al. do
    resamples  for the intervals; None: no intervals
    huber      where residuals of log L begin to count linearly; None: 0.001
    """
    fitted, law = _fixed(fixed)
    options = _abi.ScalingOptions(
        fitted=fitted,
        resamples=-1 if resamples is None else integer(resamples, "resamples", 1, 10000),
        fixed=law,
        huber=or_default(huber, "huber"),
        confidence=or_default(confidence, "confidence"),
    )
    given, out = _points(points), _abi.ScalingFit()
    lib.neck_scaling_law_fit(context, given, len(given), options, out)
    found = (out.law, out.low, out.high)
    laws = [ScalingLaw(*(getattr(one, name) for name in ScalingLaw._fields)) for one in found]
    return ScalingFit(*laws, out.objective, out.residual, out.starts, out.agreeing)
