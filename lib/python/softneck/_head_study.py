"""What a head says about its tokens, and logits about their head: frequency, tokens that cannot win, their width."""

from __future__ import annotations

import ctypes
from typing import Any, Dict, Iterable, NamedTuple, Optional, Tuple

from . import _abi
from ._arrays import copy_f64, doubles, new_f64
from ._context import Context
from ._inputs import floats
from ._library import FileName, Handle, file_name, integer, lib, or_default, text
from ._spectrum import variant_number


class FrequencyComponent(NamedTuple):
    """A singular component s u v^T of a head, u beside the logarithm of how often each token occurs."""

    singular_value: float
    energy: float  # s^2 / sum of all s^2
    pearson: float  # of u with the log counts, not negative (u's sign is chosen so); its square: the share explained
    spearman: float  # the same of ranks
    explained: float  # share of the variance of the log counts that components 1 .. this explain together


def token_frequency(
    W: Any,
    counts: Iterable[float],
    components: int = 1,
    *,
    variant: str = "raw",
    smoothing: float = 0,
    dtype: Optional[str] = None,
    context: Optional[Context] = None,
) -> "list[FrequencyComponent]":
    """The largest components of a head (V x d) against the frequencies of its V tokens.

    counts     how often each token occurs in some corpus
    variant    "raw", "centered" or "frequency_centered" (weighted by the counts)
    smoothing  added to every count; 0: tokens that were never seen are left out
    """
    weights = floats(W, dtype)
    matrix, number = weights.matrix(), integer(components, "components", 1, 2**31 - 1)
    options = _abi.FrequencyOptions(variant=variant_number(variant), smoothing=smoothing)
    number = min(number, *weights.shape)
    out = (_abi.FrequencyComponent * number)()
    given = doubles(counts, "counts", weights.shape[0])
    lib.neck_frequency_measure(context, matrix, given, options, number, out, None)
    return [FrequencyComponent(*(getattr(found, name) for name in FrequencyComponent._fields)) for found in out]


class ArgmaxVerdict(NamedTuple):
    """Whether a token can be the most probable one."""

    verdict: str  # "argmaxable", "tied" (with tokens of the same row), "unargmaxable" or "undecided"
    proof: str  # by which means it was found
    twin: Optional[int]  # the first other token with the same row
    margin: float  # by how much its logit is ahead at the state that was found
    state_norm: float
    residual: float  # unargmaxable: its logit is at most a mean of others' + residual |x| + slack
    slack: float
    probability_bound: float  # no state gives it a larger probability


class Unargmaxable(Handle):
    """Verdicts on all tokens of a head: which can no hidden state make the most probable one? Immutable.

    W           weights V x d
    bias        V numbers, or None
    program     False: what cheap states and reflections leave stays undecided
    witnesses   keep the states at which tokens win: V x d doubles
    tolerance   of a mean of rows, relative; None: 1e-12
    resume      a file of verdicts, read if it is there, written now and then; not with witnesses
    """

    def __init__(
        self,
        W: Any,
        bias: Optional[Iterable[float]] = None,
        *,
        reflections: int = 0,
        program: bool = True,
        witnesses: bool = False,
        tolerance: Optional[float] = None,
        resume: Optional[FileName] = None,
        dtype: Optional[str] = None,
        context: Optional[Context] = None,
    ) -> None:
        weights = floats(W, dtype)
        options = _abi.ArgmaxOptions(
            bias=None if bias is None else doubles(bias, "bias", weights.shape[0]),
            reflections=integer(reflections, "reflections", 0, 2**31 - 1),
            skip_program=not program,
            keep_witnesses=bool(witnesses),
            tolerance=or_default(tolerance, "tolerance"),
            resume=None if resume is None else file_name(resume),
        )
        out = ctypes.c_void_p()
        lib.neck_argmax_compute(context, weights.matrix(), options, out)
        super().__init__(out, lib.neck_argmax_destroy)
        self._width = weights.shape[1]

    def __len__(self) -> int:
        """Tokens in all."""
        return int(lib.neck_argmax_size(self))

    def __getitem__(self, token: int) -> ArgmaxVerdict:
        if not 0 <= token < len(self):
            raise IndexError(f"there is no token {token} of {len(self)}")
        out = _abi.ArgmaxVerdict()
        lib.neck_argmax_token(self, token, out)
        names = text(lib.neck_argmax_verdict_name(out.verdict)) or "", text(lib.neck_argmax_proof_name(out.proof)) or ""
        numbers = (getattr(out, name) for name in ArgmaxVerdict._fields[3:])
        return ArgmaxVerdict(*names, out.twin if out.twin >= 0 else None, *numbers)

    @property
    def counts(self) -> Dict[str, int]:
        """How many tokens have each verdict."""
        return {text(lib.neck_argmax_verdict_name(i)) or "": int(lib.neck_argmax_count(self, i, -1)) for i in range(4)}

    @property
    def tokens(self) -> "list[int]":
        """Those that cannot win."""
        return [token for token in range(len(self)) if self[token].verdict == "unargmaxable"]

    def mean(self, token: int) -> Dict[int, float]:
        """Of an unargmaxable token: the other tokens whose mean its row is, with their shares. Empty for others."""
        tokens, shares = ctypes.POINTER(ctypes.c_int64)(), ctypes.POINTER(ctypes.c_double)()
        count = ctypes.c_int64()
        lib.neck_argmax_mean(self, token, tokens, shares, count)
        return {tokens[i]: shares[i] for i in range(count.value)}

    def witness(self, token: int) -> Any:
        """A state at which an argmaxable token wins; witnesses=True."""
        state = ctypes.POINTER(ctypes.c_double)()
        lib.neck_argmax_witness(self, token, state)
        return copy_f64(state, (self._width,))

    def __repr__(self) -> str:
        return f"<softneck.Unargmaxable: {self.counts['unargmaxable']} of {len(self)} tokens cannot win>"


class HiddenSize(NamedTuple):
    """How wide a model is, read from the rank of its logits."""

    hidden_size: int
    alternative: int  # read for the rarer kind of model: one less, or one more
    determined: bool  # False: do not believe it; most often there are not more vectors than the model is wide
    rank: int
    gap: float  # ln s_rank - ln s_(rank + 1)
    runner_up: int
    runner_up_gap: float
    centered_rank: int  # of the vectors minus their mean vector
    centered_gap: float
    vectors: int
    vocabulary: int
    singular_values: Any  # vectors of them, decreasing


def hidden_size(logits: Any, dtype: Optional[str] = None, context: Optional[Context] = None) -> HiddenSize:
    """The hidden size of a model from logit (or log-probability) vectors, one a row, clearly more than it is wide."""
    given, out = floats(logits, dtype), _abi.HiddenSize()
    matrix = given.matrix()
    values, memory = new_f64((given.shape[0],))
    lib.neck_hidden_size_measure(context, matrix, memory, out)
    told: Tuple[Any, ...] = tuple(getattr(out, name) for name in HiddenSize._fields[:-1])
    return HiddenSize(*told, values)._replace(determined=bool(out.determined))
