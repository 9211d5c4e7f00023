"""What moves parameters: update rules, schedules, clipping."""

from __future__ import annotations

import ctypes
import math
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, ContextManager, Iterable, List, NamedTuple, Optional, Sequence, Tuple, Union

from . import _abi
from ._context import Context
from ._dtypes import BY_NAME
from ._errors import ArgumentError, NotFoundError
from ._library import FileName, Handle, Turn, choice, file_name, integer, lib, or_default, string
from ._outputs import Output, refuse_overlap, writable

if TYPE_CHECKING:
    from ._head import Head


class AdamW(NamedTuple):
    """Loshchilov & Hutter 2019: decoupled decay, bias correction.

    gradients_are_clipped (of every rule): clip_gradients with a norm of at most 1e15 goes before every step, so that
    the step need not read gradients once more to see that they are finite.
    """

    learning_rate: float
    weight_decay: float = 0.0
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    gradients_are_clipped: bool = False

    def _struct(self) -> _abi.OptimizerOptions:
        return _abi.OptimizerOptions(
            rule=_abi.OPTIMIZER_ADAMW,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            beta1=_beta(self.beta1, "beta1"),
            beta2=_beta(self.beta2, "beta2"),
            epsilon=or_default(self.epsilon, "epsilon"),
            gradients_are_clipped=bool(self.gradients_are_clipped),
        )


class SGD(NamedTuple):
    """Gradient descent, with momentum in PyTorch's form; the decay is added to the gradient."""

    learning_rate: float
    momentum: float = 0.0
    weight_decay: float = 0.0
    nesterov: bool = False
    gradients_are_clipped: bool = False

    def _struct(self) -> _abi.OptimizerOptions:
        return _abi.OptimizerOptions(
            rule=_abi.OPTIMIZER_SGD,
            learning_rate=self.learning_rate,
            momentum=self.momentum,
            weight_decay=self.weight_decay,
            nesterov=bool(self.nesterov),
            gradients_are_clipped=bool(self.gradients_are_clipped),
        )


class Muon(NamedTuple):
    """Jordan et al. 2024: momentum, orthogonalised by Newton-Schulz steps, for matrices with both sides > 1.

    Other parameters, and those made with muon=False, are treated by AdamW with adam_learning_rate (None: a tenth of
    learning_rate), beta1, beta2 and epsilon.
    """

    learning_rate: float
    momentum: float = 0.95
    weight_decay: float = 0.0
    newton_schulz_steps: int = 5
    adam_learning_rate: Optional[float] = None
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    gradients_are_clipped: bool = False

    def _struct(self) -> _abi.OptimizerOptions:
        steps = integer(self.newton_schulz_steps, "newton_schulz_steps")
        return _abi.OptimizerOptions(
            rule=_abi.OPTIMIZER_MUON,
            learning_rate=self.learning_rate,
            momentum=or_default(self.momentum, "momentum"),
            weight_decay=self.weight_decay,
            newton_schulz_steps=int(or_default(steps, "newton_schulz_steps")),
            adam_learning_rate=or_default(self.adam_learning_rate, "adam_learning_rate"),
            beta1=_beta(self.beta1, "beta1"),
            beta2=_beta(self.beta2, "beta2"),
            epsilon=or_default(self.epsilon, "epsilon"),
            gradients_are_clipped=bool(self.gradients_are_clipped),
        )


Rule = Union[AdamW, SGD, Muon]


def _beta(value: float, what: str) -> float:
    """C takes 0 for its default, and a negative number for 0."""
    if not 0 <= value < 1:
        raise ArgumentError(f"{what} is {value}: it must be from 0 to below 1")
    return value or -1.0


def rule_struct(rule: Rule) -> _abi.OptimizerOptions:
    if not isinstance(rule, (AdamW, SGD, Muon)):
        raise TypeError(f"a rule is an AdamW, SGD or Muon, not {type(rule).__name__}")
    return rule._struct()


class Schedule(NamedTuple):
    """The learning rate's factor along training.

    kind          "constant" (1 after the warm-up), "cosine" (down to final_scale along half a cosine), "wsd" (stable,
                  then linear to final_scale over the last decay_steps; 0: a fifth of steps)
    warmup_steps  linear, from 1 / warmup_steps
    """

    kind: str = "constant"
    steps: int = 0  # in all; needed unless constant
    warmup_steps: int = 0
    decay_steps: int = 0
    final_scale: float = 0.0

    def scale(self, step: int) -> float:
        """At a step counted from 0."""
        out = ctypes.c_double()
        lib.neck_schedule_scale(self._struct(), integer(step, "step"), out)
        return out.value

    def _struct(self) -> _abi.Schedule:
        return _abi.Schedule(
            kind=choice(_abi.SCHEDULES, self.kind, "schedule"),
            steps=integer(self.steps, "steps"),
            warmup_steps=integer(self.warmup_steps, "warmup_steps"),
            decay_steps=integer(self.decay_steps, "decay_steps"),
            final_scale=self.final_scale,
        )


class Parameter(NamedTuple):
    """An array that is trained, with its gradient: C-contiguous f32 or f64 that can be written to, of one shape.

    More than two dimensions count as a matrix of the first against the rest.
    """

    name: str
    data: Any
    gradient: Any
    decay: bool = True  # False: weight_decay does not apply
    muon: bool = True  # False: Muon treats it by AdamW


class ParameterList(NamedTuple):
    """Parameters as C has them, and what keeps their memory alive."""

    array: Any
    names: List[str]
    owner: Any
    turn: ContextManager[Any]


Parameters = Union["Head", "Optimizer", Iterable[Union[Parameter, Tuple[Any, ...]]]]


def parameter_list(parameters: Parameters) -> ParameterList:
    """Of a Head, an Optimizer, or Parameters and tuples like them."""
    native = getattr(parameters, "_softneck_parameters", None)
    if native is not None:
        found: ParameterList = native()
        return found
    listed = [Parameter(*one) for one in parameters]  # type: ignore[union-attr]
    arrays = [_arrays_of(one) for one in listed]
    everything = {f"{what} of {one.name!r}": out for one, pair in zip(listed, arrays) for what, out in pair}
    refuse_overlap(everything, {})
    structs = (_abi.Parameter * len(listed))(*(_struct_of(one, pair) for one, pair in zip(listed, arrays)))
    return ParameterList(structs, [one.name for one in listed], arrays, nullcontext())


_Pair = Tuple[Tuple[str, Output], Tuple[str, Output]]


def _arrays_of(parameter: Parameter) -> _Pair:
    name = parameter.name
    data = writable(parameter.data, f"data of {name!r}")
    gradient = writable(parameter.gradient, f"gradient of {name!r}")
    if data.dtype not in (BY_NAME["f32"], BY_NAME["f64"]):
        raise ArgumentError(f"data of {name!r} has elements {data.dtype.name}: what is trained is f32 or f64")
    if (gradient.dtype, gradient.shape) != (data.dtype, data.shape):
        found, wanted = (f"{out.dtype.name} {out.shape}" for out in (gradient, data))
        raise ArgumentError(f"gradient of {name!r} is {found}, its data is {wanted}")
    return ("data", data), ("gradient", gradient)


def _struct_of(parameter: Parameter, pair: _Pair) -> _abi.Parameter:
    (_, data), (_, gradient) = pair
    rows, cols = _matrix_shape(data.shape)
    flags = (0 if parameter.decay else _abi.PARAMETER_NO_DECAY) | (0 if parameter.muon else _abi.PARAMETER_NO_MUON)
    return _abi.Parameter(
        name=string(parameter.name),
        data=data.address,
        gradient=gradient.address,
        rows=rows,
        cols=cols,
        dtype=data.dtype.number,
        flags=flags,
    )


def _matrix_shape(shape: Sequence[int]) -> Tuple[int, int]:
    return (shape[0], math.prod(shape[1:])) if len(shape) > 1 else (1, math.prod(shape))


class Optimizer(Handle):
    """An update rule with its state (moments, step count) for parameters: those of a Head, or arrays of the caller.

    parameters  a Head; or Parameters, or tuples (name, data, gradient), whose arrays are updated in place. Each step
                reads the gradients from the same memory, so they must be written into it
    rule        AdamW(...), SGD(...) or Muon(...), for all; set_group() gives single ones another

    Threads may share one: their calls take turns.
    """

    def __init__(self, parameters: Parameters, rule: Rule, context: Optional[Context] = None) -> None:
        self._parameters = parameter_list(parameters)
        out = ctypes.c_void_p()
        options, array = rule_struct(rule), self._parameters.array
        lib.neck_optimizer_create(context, options, array, len(self._parameters.names), out)
        super().__init__(out, lib.neck_optimizer_destroy)
        self._context = context
        self._turn = Turn()

    def _softneck_parameters(self) -> ParameterList:
        return self._parameters

    @property
    def names(self) -> List[str]:
        """Of the parameters."""
        return list(self._parameters.names)

    def set_group(self, name: str, rule: Rule) -> None:
        """Another rule, or other numbers, for one parameter; before the first step."""
        if name not in self._parameters.names:
            raise NotFoundError(f"no parameter {name!r}; there are {', '.join(self._parameters.names)}")
        with self._turn:
            lib.neck_optimizer_set_group(self, self._parameters.names.index(name), rule_struct(rule))

    def step(self, scale: float = 1.0) -> None:
        """One update from the gradients, every learning rate times scale (a schedule's); all or nothing."""
        with self._turn, self._parameters.turn:
            lib.neck_optimizer_step(self._context, self, scale)

    @property
    def steps(self) -> int:
        """How many were made."""
        with self._turn:
            return int(lib.neck_optimizer_steps(self))

    def save(self, path: FileName) -> None:
        """Writes the state, not the parameters, as a safetensors file, which appears whole or not at all."""
        with self._turn:
            lib.neck_optimizer_save(self._context, self, file_name(path))

    def load(self, path: FileName) -> None:
        """Puts a saved state back, bit for bit: names, shapes, dtypes and rules must be the same."""
        with self._turn:
            lib.neck_optimizer_load(self._context, self, file_name(path))

    def __repr__(self) -> str:
        return f"<softneck.Optimizer of {', '.join(self._parameters.names)}, {self.steps} steps>"


def clip_gradients(parameters: Parameters, max_norm: float, context: Optional[Context] = None) -> float:
    """The norm of all gradients together; when it exceeds max_norm they are scaled to it. math.inf only measures."""
    found, norm = parameter_list(parameters), ctypes.c_double()
    with found.turn:
        lib.neck_gradients_clip(context, found.array, len(found.names), max_norm, norm)
    return norm.value
