"""What a head of lower rank costs, and the gradient that a head keeps from its model."""

from __future__ import annotations

import ctypes
from typing import Any, NamedTuple, Optional, Tuple

from . import _abi
from ._arrays import new_f64
from ._context import Context
from ._cross_entropy import Asked, bias_matrix, labeled
from ._dtypes import BY_NAME
from ._gram import Gram
from ._inputs import floats
from ._library import Handle, integer, lib, or_default
from ._outputs import output, refuse_overlap


class Truncation(Handle):
    """The nearest heads of every rank, from one factorisation; no training.

    W         weights V x d; its memory is used for as long as this is
    moments   a Gram of the states the head works on, pushed raw: then nearest in sum |(W_r - W) x|^2 over those states,
              which is what the loss sees; None: nearest in Frobenius norm (truncated SVD)
    centered  of W minus its mean row, which softmax does not see
    dtype     what 16-bit integers in W are the bits of: "bf16" or "f16"
    """

    def __init__(
        self,
        W: Any,
        moments: Optional[Gram] = None,
        centered: bool = False,
        dtype: Optional[str] = None,
        context: Optional[Context] = None,
    ) -> None:
        if moments is not None and not isinstance(moments, Gram):
            raise TypeError(f"moments is a Gram of the states, not {type(moments).__name__}")
        self._weights = floats(W, dtype)  # C borrows it
        matrix = self._weights.matrix()
        options = _abi.TruncateOptions(
            kind=_abi.TRUNCATE_PLAIN if moments is None else _abi.TRUNCATE_WEIGHTED, centered=bool(centered)
        )
        out = ctypes.c_void_p()
        if moments is None:
            lib.neck_truncation_create(context, matrix, options, out)
        else:
            options.moments = moments._as_parameter_
            moments._call(lib.neck_truncation_create, context, matrix, options, out)
        super().__init__(out, lib.neck_truncation_destroy)
        self._context = context
        self.rows, self.cols = self._weights.shape

    @property
    def tails(self) -> Any:
        """cols + 1 doubles: tails[r] is what rank r leaves, |W_r - W|_F, or with moments sqrt(mean |(W_r - W) x|^2)."""
        result, memory = new_f64((self.cols + 1,))
        lib.neck_truncation_tails(self, memory)
        return result

    def head(self, rank: int) -> Tuple[Any, Any]:
        """A (rows x rank) and B (rank x cols), doubles: W_r = A B."""
        rank = integer(rank, "rank", 1, self.cols)
        (a, a_memory), (b, b_memory) = new_f64((self.rows, rank)), new_f64((rank, self.cols))
        lib.neck_head_truncate(self._context, self, rank, a_memory, b_memory)
        return a, b

    def __repr__(self) -> str:
        return f"<softneck.Truncation of a {self.rows} x {self.cols} head>"


class LossGap(NamedTuple):
    """What a factored head loses, in nats a token: first_order <= gap <= first_order + range_bound, and range_bound <=
    quadratic_bound, for every W."""

    tokens: int  # scored
    full_loss: float  # of W
    reduced_loss: float  # of W_r
    gap: float  # reduced_loss - full_loss, as measured
    full_accuracy: float
    reduced_accuracy: float
    first_order: float  # <grad L(W), W_r - W>: 0 at a minimiser
    quadratic_bound: float
    range_bound: float
    frobenius_tail: float  # |W_r - W|_F
    weighted_tail: float  # sqrt(mean |(W_r - W) x|^2)
    w_error: float  # |W_r - W|_F / |W|_F


def loss_gap(
    W: Any,
    A: Any,
    B: Any,
    states: Any,
    targets: Any,
    scale: float = 1.0,
    dtype: Optional[str] = None,
    context: Optional[Context] = None,
) -> LossGap:
    """The loss of W_r = A B in place of W, on states with targets, beside its bounds. scale: of the logits of both."""
    data, numbers = labeled(states, targets, dtype), [floats(given, dtype) for given in (W, A, B)]
    out = _abi.LossGap()
    matrices = [found.matrix() for found in numbers]
    lib.neck_loss_gap_measure(context, *matrices, data.struct(), or_default(scale, "scale"), out)
    return LossGap(*(getattr(out, name) for name in LossGap._fields))


class GradientSuppression(NamedTuple):
    """The share of the logit gradient's norm that never reaches the states; 0 to 1."""

    tokens: int  # scored
    rank: int  # numerical rank of the head that was used
    suppressed: float  # of all tokens together
    mean_suppressed: float  # mean over tokens
    token_share: Any = None  # of each token, when it was asked for; 0 where nothing is scored


def gradient_suppression(
    W: Any,
    states: Any,
    targets: Any,
    *,
    bias: Any = None,
    logit_scale: float = 1.0,
    ignore_index: Optional[int] = -100,
    memory_cap: int = 0,
    token_share: Any = None,
    dtype: Optional[str] = None,
    context: Optional[Context] = None,
) -> GradientSuppression:
    """How much of the gradient of logits, softmax - target, lies outside the column space of W (arXiv 2603.10145).

    token_share  one number a token too: True, or an array of doubles to write to. The others are as for cross_entropy()
    """
    data, weights = labeled(states, targets, dtype), floats(W, dtype)
    matrix = weights.matrix()
    asked = Asked(data.shape[0], ignore_index=ignore_index, memory_cap=memory_cap)
    asked.options.logit_scale = or_default(logit_scale, "logit_scale")
    shares = output(token_share, data.shape[:1], BY_NAME["f64"], "token_share")
    refuse_overlap({"token_share": shares}, {**data.blocks("states", "targets"), "W": weights})
    if bias is not None:
        given_bias = bias_matrix(bias, weights.shape[0], dtype)
        asked.options.bias = ctypes.pointer(given_bias.matrix())
    out = _abi.GradientSuppression()
    lib.neck_gradient_suppression_measure(
        context, matrix, data.struct(), asked.options, shares.pointer(ctypes.c_double), out
    )
    return GradientSuppression(out.tokens, out.rank, out.suppressed, out.mean_suppressed, shares.array)
