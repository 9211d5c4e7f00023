"""Training a head on frozen hidden states."""

from __future__ import annotations

import ctypes
import math
from typing import Any, Callable, NamedTuple, Optional, Tuple

from . import _abi
from ._context import Context
from ._cross_entropy import Asked, labeled
from ._errors import ArgumentError
from ._head import Head
from ._library import FileName, file_name, hold_exception, integer, lib, or_default
from ._optimizer import Rule, Schedule, rule_struct


class HeadReport(NamedTuple):
    """What a report callback is told."""

    step: int  # steps made, of steps
    steps: int
    learning_rate: float  # of the last step
    train_loss: float  # mean over the batches since the last report, nats
    gradient_norm: float  # of the last batch, before clipping
    valid_loss: float
    valid_accuracy: float


class HeadTraining(NamedTuple):
    """How a training ended."""

    valid_loss: float  # after the last step, nats
    valid_accuracy: float
    best_valid_loss: float  # lowest of the evaluations
    best_step: int
    train_loss: float  # mean over the last tenth of steps
    tokens: int  # seen, with repetition
    diverged: bool  # stopped early, losses are infinite: the learning rate was too high


def train_head(
    head: Head,
    train: Tuple[Any, Any],
    valid: Tuple[Any, Any],
    rule: Rule,
    steps: int,
    *,
    batch: Optional[int] = None,
    schedule: Optional[Schedule] = None,
    clip_norm: Optional[float] = 1.0,
    label_smoothing: float = 0.0,
    z_loss: float = 0.0,
    filter_tolerance: float = 0.0,
    memory_cap: int = 0,
    seed: int = 0,
    evaluate_every: Optional[int] = None,
    report: Optional[Callable[[HeadReport], object]] = None,
    checkpoint: Optional[FileName] = None,
    checkpoint_every: Optional[int] = None,
    dtype: Optional[str] = None,
    context: Optional[Context] = None,
) -> HeadTraining:
    """Trains a head in place on (states, targets), evaluates it on others.

    rule            AdamW(...), SGD(...) or Muon(...), with the peak learning rate
    batch           tokens a step; 2048 unless given, at most what there is
    schedule        None: warm-up over a hundredth of steps, then a cosine down to 0.1
    clip_norm       of all gradients together; None: they are not clipped
    label_smoothing, z_loss, filter_tolerance, memory_cap
                    as for cross_entropy()
    seed            of the order of the states
    evaluate_every  steps; None: only after the last
    report          called with a HeadReport after each evaluation. A true result cancels (CancelledError); an exception
                    does too, and is raised where the call was made
    checkpoint      a file that training writes every checkpoint_every steps (None: a tenth of them), at the end, and
                    when it is cancelled; when it is there at the start, training goes on from it, bit for bit
    dtype           what 16-bit integers in the states are the bits of: "bf16" or "f16"
    context         None: the head's

    Divergence is a result, not an error; the head then holds what the last step left it.
    """
    if not isinstance(head, Head):
        raise TypeError(f"a softneck.Head is trained, not a {type(head).__name__}")
    sets = [labeled(*_pair(given, what), dtype) for given, what in ((train, "train"), (valid, "valid"))]
    loss = Asked(
        0,
        ignore_index=None,
        label_smoothing=label_smoothing,
        z_loss=z_loss,
        filter_tolerance=filter_tolerance,
        memory_cap=memory_cap,
    )
    options = _abi.HeadTrainingOptions(
        steps=integer(steps, "steps"),
        batch=int(or_default(batch, "batch")),
        optimizer=ctypes.pointer(rule_struct(rule)),
        schedule=None if schedule is None else ctypes.pointer(schedule._struct()),
        loss=ctypes.pointer(loss.options),
        clip_norm=math.inf if clip_norm is None else or_default(clip_norm, "clip_norm"),
        seed=integer(seed, "seed", 0, 2**64 - 1),
        evaluate_every=int(or_default(evaluate_every, "evaluate_every")),
        report=_report_callback(report),
        checkpoint=None if checkpoint is None else file_name(checkpoint),
        checkpoint_every=int(or_default(checkpoint_every, "checkpoint_every")),
    )
    out = _abi.HeadTrainingResult()
    with head._turn:
        lib.neck_head_train(context or head._context, head, sets[0].struct(), sets[1].struct(), options, out)
    numbers = {name: getattr(out, name) for name in HeadTraining._fields}
    return HeadTraining(**{**numbers, "diverged": bool(out.diverged)})


def _pair(given: Any, what: str) -> Tuple[Any, Any]:
    if not isinstance(given, (tuple, list)) or len(given) != 2:
        raise ArgumentError(f"{what} must be a pair (states, targets)")
    return given[0], given[1]


def _report_callback(function: Optional[Callable[[HeadReport], object]]) -> Any:
    if function is None:
        return _abi.HEAD_REPORT_FN()

    def call(user: Any, told: Any) -> int:
        try:
            said = told.contents
            return 1 if function(HeadReport(*(getattr(said, name) for name in HeadReport._fields))) else 0
        except BaseException as error:  # cannot cross C: it waits until the call has returned
            hold_exception(error)
            return 1

    return _abi.HEAD_REPORT_FN(call)
