"""Output heads of several kinds, trained on hidden states of any origin."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any, Dict, Optional, Tuple

from . import _abi
from ._arrays import new_f64, view
from ._context import Context
from ._cross_entropy import Asked, CrossEntropy, LossOptions, labeled
from ._dtypes import BY_NAME, BY_NUMBER
from ._errors import ArgumentError
from ._inputs import Block, block, floats
from ._library import FileName, Handle, Turn, file_name, integer, lib, or_default, string, text
from ._optimizer import ParameterList
from ._outputs import ABSENT, Output, output, refuse_overlap, writable

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Head(Handle):
    """Gives every token a log-probability for a hidden state.

    vocabulary    tokens; like hidden_size it is taken from weights or tied_weights when those are given
    kind          "dense", "tied" (to an array of the caller), "factored" (W = A B of a given rank), "mos" (a mixture of
                  softmaxes), "sigsoftmax", "plif" (a learned monotone map of logits)
    rank          factored: required; mos: width of its components, hidden_size unless given
    components    mos: how many; 4 unless given
    knots, range  plif: intervals of the map (64) in -range .. range (20)
    bias          with one number a token, zero at first
    logit_scale   of all logits; soft_cap: logits become soft_cap tanh(logit / soft_cap)
    init_std      of the normal numbers it starts from (the seed is the context's); paper_init: factored, A, B ~ N(0, 1)
    weights       start from this matrix, tokens x hidden size, which is copied. factored: its best approximation
    tied_weights, tied_gradient
                  tied: arrays of the caller (or torch tensors), used where they lie; True makes a gradient
    dtype         of parameters and arithmetic: "f32" or "f64"
    weights_dtype what 16-bit integers in weights are the bits of: "bf16" or "f16"
    context       of every computation with it

    Threads may share one: their calls take turns.
    """

    def __init__(
        self,
        vocabulary: Optional[int] = None,
        hidden_size: Optional[int] = None,
        kind: str = "dense",
        *,
        rank: Optional[int] = None,
        components: Optional[int] = None,
        knots: Optional[int] = None,
        range: Optional[float] = None,
        bias: bool = False,
        logit_scale: float = 1.0,
        soft_cap: Optional[float] = None,
        init_std: Optional[float] = None,
        paper_init: bool = False,
        weights: Any = None,
        tied_weights: Any = None,
        tied_gradient: Any = None,
        dtype: str = "f32",
        weights_dtype: Optional[str] = None,
        context: Optional[Context] = None,
    ) -> None:
        number = ctypes.c_int32()
        lib.neck_head_kind_find(string(kind), number)
        options = _abi.HeadOptions(
            kind=number.value,
            dtype=_precision(dtype),
            rank=_count(rank, "rank"),
            components=_count(components, "components"),
            knots=_count(knots, "knots"),
            range=or_default(range, "range"),
            bias=bool(bias),
            logit_scale=or_default(logit_scale, "logit_scale"),
            soft_cap=or_default(soft_cap, "soft_cap"),
            init_std=or_default(init_std, "init_std"),
            paper_init=bool(paper_init),
        )
        start = None if weights is None else floats(weights, weights_dtype)
        if start is not None:
            options.weights = ctypes.pointer(start.matrix())
        tied = _tie(tied_weights, tied_gradient, options.dtype)
        options.tied_weights, options.tied_gradient = tied[0].address, tied[1].address
        given = start.shape if start is not None else tied[0].shape if tied[0].address else None
        options.vocabulary, options.hidden_size = _sizes(vocabulary, hidden_size, given)
        out = ctypes.c_void_p()
        lib.neck_head_create(context, options, out)
        self._adopt(out, context, tied)

    def _adopt(self, pointer: ctypes.c_void_p, context: Optional[Context], tied: Any = None) -> None:
        super().__init__(pointer, lib.neck_head_destroy)
        self._context = context
        self._tied = tied  # memory that C borrows
        self._turn = Turn()

    @classmethod
    def load(cls, path: FileName, context: Optional[Context] = None) -> "Head":
        """What save() wrote; a tied one comes back as dense."""
        out = ctypes.c_void_p()
        lib.neck_head_load(context, file_name(path), out)
        head = cls.__new__(cls)
        head._adopt(out, context)
        return head

    def save(self, path: FileName) -> None:
        """Writes a safetensors file, which appears whole or not at all."""
        with self._turn:
            lib.neck_head_save(self._context, self, file_name(path))

    @property
    def kind(self) -> str:
        return text(lib.neck_head_kind_name(lib.neck_head_kind(self))) or ""

    @property
    def vocabulary(self) -> int:
        return int(lib.neck_head_vocabulary(self))

    @property
    def hidden_size(self) -> int:
        return int(lib.neck_head_hidden_size(self))

    @property
    def dtype(self) -> str:
        """ "f32" or "f64"."""
        return BY_NUMBER[self._softneck_parameters().array[0].dtype].name

    @property
    def parameters(self) -> Dict[str, Any]:
        """Arrays over the head's memory by name, which may be written to. The first meets the vocabulary."""
        return self._arrays("data")

    @property
    def gradients(self) -> Dict[str, Any]:
        """Of the parameters, as gradient() left them; they may be written to as well."""
        return self._arrays("gradient")

    @property
    def parameter_count(self) -> int:
        """Numbers that are trained, all together."""
        return int(lib.neck_head_parameter_count(self))

    @property
    def rank_limit(self) -> int:
        """The highest rank that the matrix of log-probabilities, contexts x tokens, can have."""
        return int(lib.neck_head_rank_limit(self))

    def loss(
        self, states: Any, targets: Any, *, dtype: Optional[str] = None, **asked: Unpack[LossOptions]
    ) -> CrossEntropy:
        """Of states N x hidden size (f64 when the head is) with N targets. Options are those of cross_entropy():
        reduction, ignore_index, label_smoothing, z_loss, accuracy, token_loss ..."""
        data = labeled(states, targets, dtype)
        options, found = Asked(data.shape[0], **asked), _abi.CrossEntropyResult()
        refuse_overlap(options.outputs, data.blocks("states", "targets"))
        with self._turn:
            lib.neck_head_loss(self._context, self, data.states.matrix(), data.targets, options.options, found)
        return options.result(found, {})

    def gradient(
        self,
        states: Any,
        targets: Any,
        *,
        d_states: Any = None,
        dtype: Optional[str] = None,
        **asked: Unpack[LossOptions],
    ) -> CrossEntropy:
        """The loss, and its gradients in self.gradients; that of the states in d_states, an array in the head's dtype,
        or True for a new one. accumulate=True adds to what they hold."""
        data = labeled(states, targets, dtype)
        options, found = Asked(data.shape[0], **asked), _abi.CrossEntropyResult()
        gradients = {"d_states": output(d_states, data.shape, BY_NAME[self.dtype], "d_states")}
        refuse_overlap({**gradients, **options.outputs}, {**data.blocks("states", "targets"), **self._blocks()})
        matrix, address = data.states.matrix(), gradients["d_states"].address
        with self._turn:
            lib.neck_head_gradient(self._context, self, matrix, data.targets, options.options, address, found)
        return options.result(found, gradients)

    def log_probabilities(self, states: Any, dtype: Optional[str] = None) -> Any:
        """ln p of every token: N x vocabulary doubles. For few states: nothing is spared."""
        numbers = floats(states, dtype)
        matrix = numbers.matrix()
        result, memory = new_f64((numbers.shape[0], self.vocabulary))
        with self._turn:
            lib.neck_head_log_probabilities(self._context, self, matrix, memory)
        return result

    def _softneck_parameters(self) -> ParameterList:
        count = ctypes.c_int64()
        array = lib.neck_head_parameters(self, count)
        names = [text(array[i].name) or "" for i in range(count.value)]
        return ParameterList(array, names, self, self._turn)

    def _arrays(self, field: str) -> Dict[str, Any]:
        found = self._softneck_parameters()
        return {
            name: view(getattr(p, field), BY_NUMBER[p.dtype], (p.rows, p.cols), self, writable=True)
            for name, p in zip(found.names, found.array)
            if getattr(p, field)
        }

    def _blocks(self) -> Dict[str, Block]:
        """What gradients of the states must keep clear of."""
        both = {"parameter": self.parameters, "gradient": self.gradients}
        return {f"{what} {name!r}": block(array) for what, arrays in both.items() for name, array in arrays.items()}

    def __repr__(self) -> str:
        return (
            f"<softneck.Head, {self.kind}, of {self.vocabulary} tokens for {self.hidden_size} numbers, "
            f"{self.parameter_count} parameters in {self.dtype}>"
        )


def _precision(name: str) -> int:
    if name not in ("f32", "f64"):
        raise ArgumentError(f"dtype is {name!r}: a head is 'f32' or 'f64'")
    return BY_NAME[name].number


def _count(value: Optional[int], what: str) -> int:
    return 0 if value is None else int(or_default(integer(value, what), what))


def _tie(weights: Any, gradient: Any, dtype: int) -> Tuple[Output, Output]:
    """Memory of the caller for a tied head."""
    if weights is None:
        return ABSENT, output(gradient, (), BY_NUMBER[dtype], "tied_gradient")
    found = writable(weights, "tied_weights")
    if found.dtype.number != dtype or len(found.shape) != 2:
        raise ArgumentError(
            f"tied_weights is {found.dtype.name} {found.shape}: a matrix of the head's dtype, "
            f"{BY_NUMBER[dtype].name}, is needed"
        )
    both = found, output(gradient, found.shape, found.dtype, "tied_gradient")
    refuse_overlap({"tied_gradient": both[1], "tied_weights": found}, {})
    return both


def _sizes(vocabulary: Optional[int], hidden_size: Optional[int], given: Optional[Tuple[int, ...]]) -> Tuple[int, int]:
    """As said, else those of the matrix that was given."""
    sizes = []
    for axis, (value, what) in enumerate(((vocabulary, "vocabulary"), (hidden_size, "hidden_size"))):
        if value is None and given is None:
            raise ArgumentError(f"{what} is needed when no weights are given")
        size = integer(given[axis] if value is None else value, what)  # type: ignore[index]
        if given is not None and size != given[axis]:
            raise ArgumentError(f"{what} is {size}, the weights given are {given[0]} x {given[1]}")
        sizes.append(size)
    return sizes[0], sizes[1]
