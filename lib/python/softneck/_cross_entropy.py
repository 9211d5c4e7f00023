"""A linear head and its loss in one: logits of all tokens never exist at once."""

from __future__ import annotations

import ctypes
from typing import Any, Dict, Mapping, NamedTuple, Optional, Tuple, TypedDict

from . import _abi
from ._context import Context
from ._dtypes import BY_NAME, DType
from ._errors import ArgumentError
from ._ids import HIGHEST, LOWEST, targets_of
from ._inputs import Block, floats
from ._library import choice, integer, lib, or_default
from ._outputs import Output, output, refuse_overlap

F32, F64, I32 = (BY_NAME[name] for name in ("f32", "f64", "i32"))
BY_ROW = {"token_loss": F64, "log_normalizer": F64, "gradient_norm": F64, "best": I32}


class CrossEntropy(NamedTuple):
    """A loss and what was asked for with it."""

    loss: float  # nats, as reduced; 0 when nothing is scored
    tokens: int  # scored
    correct: Optional[int]  # of them, those whose target is the most probable token; None unless asked for
    kept_fraction: float  # of the products of the backward pass, what the filter left; 1 when exact
    states_error: float  # what the filter did at most: |error of d_states|_F
    weights_error: float
    states_norm: float  # |d_states|_F; 0 when exact or not wanted
    weights_norm: float
    memory: int  # bytes of working memory that were used
    d_states: Any = None  # the arrays given, or new ones; None where they were not asked for
    d_weights: Any = None
    d_bias: Any = None
    token_loss: Any = None
    log_normalizer: Any = None
    gradient_norm: Any = None
    best: Any = None

    @property
    def accuracy(self) -> Optional[float]:
        """correct / tokens; None unless asked for, or when nothing is scored."""
        return self.correct / self.tokens if self.correct is not None and self.tokens else None


class LossOptions(TypedDict, total=False):
    """What cross_entropy() and the methods of a Head have in common."""

    reduction: str
    ignore_index: Optional[int]
    label_smoothing: float
    z_loss: float
    filter_tolerance: float
    memory_cap: int
    accumulate: bool
    accuracy: bool
    token_loss: Any
    log_normalizer: Any
    gradient_norm: Any
    best: Any


class Labeled(NamedTuple):
    """States and the token that each should predict, where they lie."""

    states: Block
    targets: Any

    @property
    def shape(self) -> Tuple[int, ...]:
        return self.states.shape

    @property
    def result_dtype(self) -> DType:
        """What gradients are in."""
        return F64 if self.states.dtype == F64 else F32

    def blocks(self, states: str, targets: str) -> Dict[str, Block]:
        """What results must keep clear of, by the caller's names."""
        ids = Block(ctypes.addressof(self.targets), I32, self.states.shape[:1], 0, self.targets)
        return {states: self.states, targets: ids}

    def struct(self) -> _abi.LabeledStates:
        """Borrows: this must outlive its use."""
        return _abi.LabeledStates(states=self.states.matrix(), targets=self.targets)


def labeled(states: Any, targets: Any, dtype: Optional[str] = None) -> Labeled:
    found = floats(states, dtype)
    found.matrix()  # says what is wrong with something that is none
    return Labeled(found, targets_of(targets, found.shape[0]))


class Asked:
    """The C struct of a loss's options, with the arrays that it points to."""

    def __init__(
        self,
        rows: int,
        reduction: str = "mean",
        ignore_index: Optional[int] = -100,
        label_smoothing: float = 0.0,
        z_loss: float = 0.0,
        filter_tolerance: float = 0.0,
        memory_cap: int = 0,
        accumulate: bool = False,
        accuracy: bool = False,
        **by_row: Any,
    ) -> None:
        for name in by_row:
            if name not in BY_ROW:
                raise TypeError(f"a loss has no option {name!r}")
        self.outputs: Dict[str, Output] = {
            name: output(by_row.get(name), (rows,), dtype, name) for name, dtype in BY_ROW.items()
        }
        self.options = _abi.CrossEntropyOptions(
            reduction=choice(_abi.REDUCTIONS, reduction, "reduction"),
            use_ignore_index=ignore_index is not None,
            ignore_index=integer(ignore_index or 0, "ignore_index", LOWEST, HIGHEST),
            label_smoothing=label_smoothing,
            z_loss=z_loss,
            filter_tolerance=filter_tolerance,
            memory_cap=integer(memory_cap, "memory_cap"),
            accumulate=bool(accumulate),
            accuracy=bool(accuracy),
        )
        for name, found in self.outputs.items():
            kind = ctypes.c_int32 if BY_ROW[name] == I32 else ctypes.c_double
            setattr(self.options, name, found.pointer(kind))

    def result(self, found: _abi.CrossEntropyResult, gradients: Mapping[str, Output]) -> CrossEntropy:
        numbers = {field[0]: getattr(found, field[0]) for field in found._fields_[1:]}
        if not self.options.accuracy:
            numbers["correct"] = None
        arrays = {name: out.array for name, out in (*self.outputs.items(), *gradients.items())}
        return CrossEntropy(**numbers, **arrays)


def bias_matrix(bias: Any, vocabulary: int, dtype: Optional[str]) -> Block:
    """One number a token, as the 1 x V matrix that C wants."""
    found = floats(bias, dtype)
    if found.shape not in ((vocabulary,), (1, vocabulary)):
        raise ArgumentError(f"bias has shape {found.shape}, there are {vocabulary} tokens")
    return found._replace(shape=(1, vocabulary), row_stride=0)


def cross_entropy(
    H: Any,
    W: Any,
    y: Any,
    *,
    bias: Any = None,
    d_states: Any = None,
    d_weights: Any = None,
    d_bias: Any = None,
    reduction: str = "mean",
    ignore_index: Optional[int] = -100,
    logit_scale: float = 1.0,
    soft_cap: Optional[float] = None,
    label_smoothing: float = 0.0,
    z_loss: float = 0.0,
    filter_tolerance: float = 0.0,
    memory_cap: int = 0,
    accumulate: bool = False,
    accuracy: bool = False,
    token_loss: Any = None,
    log_normalizer: Any = None,
    gradient_norm: Any = None,
    best: Any = None,
    dtype: Optional[str] = None,
    context: Optional[Context] = None,
) -> CrossEntropy:
    """Mean (or "sum") of -ln softmax(logit_scale (H Wt + bias))[y] over tokens that are scored, and its gradients.

    H, W, y           states N x d, weights V x d, N targets of any integer type. When H is f64 so must be W, and all
                      runs in double; f32, f16 and bf16 run in f32, with sums in double
    d_states,         where gradients are written: a C-contiguous array (or torch tensor on the CPU) of the shape of H,
    d_weights,        W or bias, f64 when H is, else f32; True for a new one; None when it is not wanted, and then not
    d_bias            computed. It may share memory with nothing else
    accumulate        add to what those arrays hold
    ignore_index      targets that are not scored, beside -1 and -100
    soft_cap          logits become soft_cap tanh(logit / soft_cap)
    label_smoothing   share of the target's probability that is spread over all tokens
    z_loss            weight of the squared log-normalizer
    filter_tolerance  0: exact gradients. Else products that together cannot matter more than this are left out; the
                      result tells what that did (kept_fraction, states_error, weights_error)
    memory_cap        bytes of working memory; 0: 64 MB
    accuracy          count the targets that are the most probable token: result.correct
    token_loss, log_normalizer, gradient_norm (f64), best (int32)
                      one number a state, True or an array: loss, ln of the softmax's denominator, the length of
                      softmax - target, the most probable token
    dtype             what 16-bit integers in H, W and bias are the bits of: "bf16" or "f16"
    """
    data, weights = labeled(H, y, dtype), floats(W, dtype)
    matrix = weights.matrix()
    inputs = {**data.blocks("H", "y"), "W": weights}
    asked = Asked(
        data.shape[0],
        reduction=reduction,
        ignore_index=ignore_index,
        label_smoothing=label_smoothing,
        z_loss=z_loss,
        filter_tolerance=filter_tolerance,
        memory_cap=memory_cap,
        accumulate=accumulate,
        accuracy=accuracy,
        token_loss=token_loss,
        log_normalizer=log_normalizer,
        gradient_norm=gradient_norm,
        best=best,
    )
    asked.options.logit_scale = or_default(logit_scale, "logit_scale")
    asked.options.soft_cap = or_default(soft_cap, "soft_cap")
    if bias is not None:
        inputs["bias"] = bias_matrix(bias, weights.shape[0], dtype)
        asked.options.bias = ctypes.pointer(inputs["bias"].matrix())
    gradients = {
        "d_states": output(d_states, data.shape, data.result_dtype, "d_states"),
        "d_weights": output(d_weights, weights.shape, data.result_dtype, "d_weights"),
        "d_bias": output(d_bias, weights.shape[:1], data.result_dtype, "d_bias"),
    }
    refuse_overlap({**gradients, **asked.outputs}, inputs)
    wanted = _abi.CrossEntropyGradients(**{name[2:]: out.address for name, out in gradients.items()})
    found = _abi.CrossEntropyResult()
    lib.neck_cross_entropy(context, data.states.matrix(), matrix, data.targets, asked.options, wanted, found)
    return asked.result(found, gradients)
