"""A training run watched: rank metrics of its head, geometry of its states, and when they turn."""

from __future__ import annotations

import ctypes
from array import array
from typing import Any, Iterable, List, Mapping, NamedTuple, Optional, Tuple

from . import _abi
from ._arrays import copy_f64
from ._context import Context
from ._dtypes import numpy
from ._errors import ArgumentError
from ._inputs import block
from ._library import FileName, Handle, Turn, choice, file_name, integer, lib, string, text

VARIANTS = {"raw": 1, "centered": 2}
_THRESHOLDS = {
    "flatten_fall",
    "spike_rise",
    "spike_release",
    "anisotropy_fall",
    "anisotropy_rise",
    "anisotropy_release",
    "patience",
}


class MonitorSeries(NamedTuple):
    """Numbers over the steps of a run, as copies."""

    name: str
    steps: Any
    values: Any
    errors: Any  # bound on the error of each value: 0 when it was given, infinity when nothing is known


class MonitorEvent(NamedTuple):
    """A turn of a watched series."""

    kind: str  # "flatten", "spike", "spike_end"; of anisotropy "spread", "jump", "jump_end"
    series: str
    step: int  # when it was certain
    value: float
    onset_step: int  # when it began
    onset_value: float
    extreme_step: int  # the highest value before a flattening, else the lowest so far
    extreme_value: float


class Monitor(Handle):
    """Keeps series of what a trainer hands in, and tells when the head's spectrum flattens and then spikes.

        monitor = softneck.Monitor(log="run/monitor.jsonl")
        ...
        if monitor.due(step):
            monitor.head(step, model.lm_head.weight)
            monitor.states(step, hidden_states)
            monitor.values(step, {"loss": loss})

    interval     steps between observations; 0: 50
    metrics      names of metric_names() to measure of heads; None: a good set
    variants     of the head: "raw", "centered"
    vocabulary, hidden_size  of the head; 0: those of the first one
    under_way    the run has long begun: a spike needs no flattening before it
    log          a file to append each observation to as it comes, replacing what is there
    thresholds   flatten_fall, spike_rise, spike_release, anisotropy_fall, anisotropy_rise, anisotropy_release,
                 patience; what they mean and their defaults: softneck/monitor.h
    context      of every computation

    Every observation returns the events it brought. One that is refused (NaN in a head, say) changes nothing. Threads
    may share a monitor: their calls take turns.
    """

    def __init__(
        self,
        interval: int = 0,
        metrics: Optional[Iterable[str]] = None,
        variants: Iterable[str] = ("raw", "centered"),
        vocabulary: int = 0,
        hidden_size: int = 0,
        under_way: bool = False,
        log: Optional[FileName] = None,
        context: Optional[Context] = None,
        **thresholds: float,
    ) -> None:
        names = None if metrics is None else [string(name) for name in metrics]
        chosen = sum({choice(VARIANTS, variant, "variant") for variant in variants})
        if not chosen or names == []:
            raise ArgumentError("there must be a metric and a variant")
        unknown = set(thresholds) - _THRESHOLDS
        if unknown:
            raise TypeError(f"no threshold {', '.join(sorted(unknown))}; there are {', '.join(sorted(_THRESHOLDS))}")
        patience = integer(thresholds.pop("patience", 0), "patience")
        options = _abi.MonitorOptions(
            interval=integer(interval, "interval"),
            metrics=None if names is None else (ctypes.c_char_p * len(names))(*names),
            metric_count=0 if names is None else len(names),
            vocabulary=integer(vocabulary, "vocabulary"),
            hidden_size=integer(hidden_size, "hidden_size"),
            variants=chosen,
            under_way=bool(under_way),
            patience=patience,
            **thresholds,
        )
        out = ctypes.c_void_p()
        lib.neck_monitor_create(context, options, out)
        super().__init__(out, lib.neck_monitor_destroy)
        self._context = context
        self._turn = Turn()
        if log is not None:
            self.log(log)

    # ---- observing

    def due(self, step: int) -> bool:
        """step is a multiple of the interval."""
        return bool(lib.neck_monitor_due(self, integer(step, "step")))

    def head(self, step: int, weights: Any, dtype: Optional[str] = None) -> List[MonitorEvent]:
        """Measures the output head: vocabulary x hidden size, in anything that can be a matrix."""
        return self._observe(lib.neck_monitor_head, step, weights, dtype)

    def states(self, step: int, states: Any, dtype: Optional[str] = None) -> List[MonitorEvent]:
        """Measures states of the last layer, one a row: at least two, better more than the hidden size."""
        return self._observe(lib.neck_monitor_states, step, states, dtype)

    def gradient(self, step: int, gradient: Any, dtype: Optional[str] = None) -> List[MonitorEvent]:
        """Measures the gradient of the loss with respect to the head."""
        return self._observe(lib.neck_monitor_gradient, step, gradient, dtype)

    def _observe(self, function: Any, step: int, matrix: Any, dtype: Optional[str]) -> List[MonitorEvent]:
        numbers = block(matrix, dtype)
        with self._turn:
            before = lib.neck_monitor_event_count(self)
            function(self._context, self, integer(step, "step"), numbers.matrix())
            return self._events(before)

    def values(self, step: int, values: Mapping[str, float]) -> List[MonitorEvent]:
        """Numbers that the caller knows: the loss, norms, any series."""
        names = (ctypes.c_char_p * len(values))(*map(string, values))
        numbers = (ctypes.c_double * len(values))(*map(float, values.values()))
        with self._turn:
            before = lib.neck_monitor_event_count(self)
            lib.neck_monitor_values(self, integer(step, "step"), names, numbers, len(values))
            return self._events(before)

    def value(self, step: int, name: str, value: float) -> List[MonitorEvent]:
        """One number that the caller knows."""
        return self.values(step, {name: value})

    # ---- what was observed

    @property
    def names(self) -> Tuple[str, ...]:
        """Of the series, in the order in which they first appeared."""
        with self._turn:
            return tuple(self._name(i) for i in range(lib.neck_monitor_series_count(self)))

    def _name(self, index: int) -> str:
        return text(lib.neck_monitor_series_name(self, index)) or ""

    def _index(self, name: str) -> int:
        index = ctypes.c_int64()
        lib.neck_monitor_series_find(self, string(name), index)
        return index.value

    def __getitem__(self, name: str) -> MonitorSeries:
        """The series of that name; NotFoundError, a KeyError, when there is none."""
        with self._turn:
            index = self._index(name)
            count = int(lib.neck_monitor_series_length(self, index))
            steps = lib.neck_monitor_series_steps(self, index)[:count]
            values = copy_f64(lib.neck_monitor_series_values(self, index), (count,))
            errors = copy_f64(lib.neck_monitor_series_errors(self, index), (count,))
        return MonitorSeries(name, array("q", steps) if numpy is None else numpy.array(steps, "int64"), values, errors)

    def __contains__(self, name: str) -> bool:
        return name in self.names

    def latest(self, name: str) -> Tuple[int, float]:
        """Step and value of the last number of a series."""
        with self._turn:
            index = self._index(name)
            last = lib.neck_monitor_series_length(self, index) - 1
            steps, values = lib.neck_monitor_series_steps(self, index), lib.neck_monitor_series_values(self, index)
            return int(steps[last]), float(values[last])

    @property
    def events(self) -> List[MonitorEvent]:
        """All of them, in the order in which they were found."""
        with self._turn:
            return self._events(0)

    def _events(self, first: int) -> List[MonitorEvent]:
        return [self._event(i) for i in range(first, lib.neck_monitor_event_count(self))]

    def _event(self, index: int) -> MonitorEvent:
        out = _abi.MonitorEvent()
        lib.neck_monitor_event_at(self, index, out)
        rest = (getattr(out, field) for field in MonitorEvent._fields[2:])
        return MonitorEvent(text(lib.neck_monitor_event_name(out.kind)) or "", self._name(out.series), *rest)

    @property
    def interval(self) -> int:
        return int(lib.neck_monitor_interval(self))

    @property
    def seconds(self) -> float:
        """Time spent in the observations of matrices."""
        return float(lib.neck_monitor_seconds(self))

    # ---- files

    def _call(self, function: Any, *arguments: Any) -> None:
        with self._turn:
            function(*arguments)

    def log(self, path: Optional[FileName]) -> None:
        """Appends each observation to a file of JSON lines from now on; it begins with all there were. None: no log."""
        self._call(lib.neck_monitor_log, self, None if path is None else file_name(path))

    def write_jsonl(self, path: FileName) -> None:
        """Writes all observations and events, one JSON object a line."""
        self._call(lib.neck_monitor_write_jsonl, self, file_name(path))

    def write_csv(self, path: FileName) -> None:
        """Writes a row a step, a column a series."""
        self._call(lib.neck_monitor_write_csv, self, file_name(path))

    def save(self, path: FileName) -> None:
        """Writes everything observed, for load(): bit for bit."""
        self._call(lib.neck_monitor_save, self._context, self, file_name(path))

    def load(self, path: FileName) -> None:
        """Puts what save() wrote in place of what is held; before a log is opened."""
        self._call(lib.neck_monitor_load, self._context, self, file_name(path))

    def rewind(self, step: int) -> None:
        """Forgets what came after a step; before a log is opened."""
        self._call(lib.neck_monitor_rewind, self, integer(step, "step"))

    def __repr__(self) -> str:
        return f"<softneck.Monitor of {len(self.names)} series, {len(self.events)} events>"
