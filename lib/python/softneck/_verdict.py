"""Has a training run saturated, since when, and what turned with it?"""

from __future__ import annotations

import ctypes
from array import array
from typing import Any, Iterable, NamedTuple, Optional, Tuple

from . import _abi
from ._arrays import doubles
from ._context import Context
from ._errors import ArgumentError
from ._library import integer, lib, or_default, text

Interval = Tuple[float, float]
Steps = Tuple[int, int]


class Saturation(NamedTuple):
    """The verdict on one curve. Steps that do not exist are None, numbers that do not exist NaN.

    Excess is how much worse than the best: above the lowest level of a loss, below the highest of a score; nats if the
    curve is in nats.
    """

    verdict: str  # "saturated", "improving", "plateau", "diverged" or "unclear"
    reason: str  # what there is to say beside it; often ""
    onset_step: Optional[int]  # where it turned
    onset_interval: Optional[Steps]
    excess: float  # of the last levels
    excess_interval: Interval
    sustained_excess: float  # the median since the onset
    peak_excess: float
    peak_step: Optional[int]
    minimum_step: Optional[int]  # of the best smoothed level
    minimum_level: float
    gain: float  # of the end over the best of the first half; positive: better
    gain_interval: Interval
    p_value: float  # of "it never turned"
    noise: float  # standard deviation of a level
    autocorrelation: float  # of one level's noise with the next one's
    points: int
    not_finite: int  # left out
    repeated: int  # left out: a later entry has the same step
    blocks: int  # levels that the points were drawn together to
    first_step: Optional[int]
    last_step: Optional[int]


class CoOccurrence(NamedTuple):
    """Two things measured along one run: that they co-occur, and in which order; not that one causes the other."""

    first_onset: Optional[int]
    first_interval: Optional[Steps]
    second_onset: Optional[int]
    second_interval: Optional[Steps]
    lag: float  # steps from the first's onset to the second's; NaN unless both have turned
    lag_interval: Interval
    correlation: float  # Spearman's, of the levels
    correlation_interval: Interval
    change_correlation: float  # Spearman's, of the changes from one level to the next
    change_interval: Interval
    common: int  # levels compared
    block: int  # levels drawn together in a resample


def _curve(steps: Iterable[int], values: Iterable[float], errors: Optional[Iterable[float]] = None) -> _abi.Curve:
    try:
        numbers = array("q", steps)
    except TypeError:
        raise ArgumentError("steps are integers") from None
    data = doubles(values, "values", len(numbers))
    curve = _abi.Curve(steps=(ctypes.c_int64 * len(numbers)).from_buffer(numbers), values=data, count=len(numbers))
    if errors is not None:
        curve.standard_errors = doubles(errors, "standard_errors", len(numbers))
    return curve


def _step(step: int) -> Optional[int]:
    return step if step >= 0 else None


def _steps(low: int, high: int) -> Optional[Steps]:
    return (low, high) if low >= 0 else None


def saturation(
    steps: Iterable[int],
    values: Iterable[float],
    standard_errors: Optional[Iterable[float]] = None,
    *,
    higher_is_better: bool = False,
    skip_start: bool = False,
    minimum_excess: Optional[float] = None,
    divergence_excess: Optional[float] = None,
    significance: Optional[float] = None,
    confidence: Optional[float] = None,
    simulations: int = 0,
    context: Optional[Context] = None,
) -> Saturation:
    """The verdict on a curve of a run: a loss in nats (of a perplexity its logarithm), or a score.

    steps, values      in any order; of a step given twice the later entry counts
    standard_errors    of the values, where they are known (0 or NaN: not)
    higher_is_better   of a score, which saturates downward
    skip_start         the curve rises from its start before anything else happens, as a head's singular entropy does
    minimum_excess     a rise or gain below this is none; None: 0.01
    divergence_excess  an end this far above the best is divergence; None: 1
    significance       of the test; None: 0.05. confidence: of the intervals; None: 0.95
    simulations        0: 999
    """
    options = _abi.SaturationOptions(
        higher_is_better=bool(higher_is_better),
        skip_start=bool(skip_start),
        simulations=integer(simulations, "simulations", 0, 2**31 - 1),
        minimum_excess=or_default(minimum_excess, "minimum_excess"),
        divergence_excess=or_default(divergence_excess, "divergence_excess"),
        significance=or_default(significance, "significance"),
        confidence=or_default(confidence, "confidence"),
    )
    curve, out = _curve(steps, values, standard_errors), _abi.Saturation()
    lib.neck_saturation_assess(context, curve, options, out)
    made: dict[str, Any] = {name: getattr(out, name, None) for name in Saturation._fields}
    made.update(
        verdict=text(lib.neck_verdict_name(out.verdict)),
        reason=text(lib.neck_verdict_reason_text(out.reason)),
        onset_interval=_steps(out.onset_low, out.onset_high),
        excess=out.excess_nats,
        excess_interval=(out.excess_low, out.excess_high),
        gain_interval=(out.gain_low, out.gain_high),
    )
    for name in ("onset_step", "peak_step", "minimum_step", "first_step", "last_step"):
        made[name] = _step(getattr(out, name))
    return Saturation(**made)


def co_occurrence(
    first: Tuple[Iterable[int], Iterable[float]],
    second: Tuple[Iterable[int], Iterable[float]],
    *,
    higher_is_better: Tuple[bool, bool] = (False, False),
    skip_start: Tuple[bool, bool] = (False, False),
    minimum_excess: Tuple[Optional[float], Optional[float]] = (None, None),
    confidence: Optional[float] = None,
    resamples: int = 0,
    context: Optional[Context] = None,
) -> CoOccurrence:
    """Which of two curves of a run, each a pair (steps, values), turned first, and do they move together?

    higher_is_better, skip_start, minimum_excess  as for saturation(), of each; half a nat is a fit minimum_excess for a
                                                  head's singular entropy (with skip_start), 0.3 for an anisotropy
    resamples                                     0: 999
    """
    options = _abi.CoOccurrenceOptions(
        first_higher_is_better=bool(higher_is_better[0]),
        second_higher_is_better=bool(higher_is_better[1]),
        skip_start=bool(skip_start[0]) + 2 * bool(skip_start[1]),
        first_minimum_excess=or_default(minimum_excess[0], "minimum_excess"),
        second_minimum_excess=or_default(minimum_excess[1], "minimum_excess"),
        resamples=integer(resamples, "resamples", 0, 2**31 - 1),
        confidence=or_default(confidence, "confidence"),
    )
    curves, out = [_curve(*curve) for curve in (first, second)], _abi.CoOccurrence()
    lib.neck_co_occurrence_measure(context, *curves, options, out)
    return CoOccurrence(
        _step(out.first_onset),
        _steps(out.first_low, out.first_high),
        _step(out.second_onset),
        _steps(out.second_low, out.second_high),
        out.lag,
        (out.lag_low, out.lag_high),
        out.correlation,
        (out.correlation_low, out.correlation_high),
        out.change_correlation,
        (out.change_low, out.change_high),
        out.common,
        out.block,
    )
