"""Language models from their files: logits, hidden states, loss."""

from __future__ import annotations

import ctypes
import os
from contextlib import nullcontext
from typing import Any, ContextManager, Dict, List, NamedTuple, Optional, Tuple

from . import _abi
from ._arrays import view
from ._context import Context
from ._dtypes import BY_NAME, BY_NUMBER
from ._errors import ArgumentError
from ._evaluate import Evaluation
from ._ids import ids_array
from ._library import FileName, Handle, Turn, file_name, hold_exception, integer, lib, text
from ._tokenizer import Text, Tokenizer, utf8

F32 = BY_NAME["f32"]


class Likelihood(NamedTuple):
    """How likely a continuation is."""

    log_likelihood: float  # nats
    tokens: int
    greedy: bool  # each of its tokens is the most probable one after those before it


class Model(Handle):
    """A causal transformer, read-only once open.

    path        a model folder (config.json beside the weights), a GGUF or a llama2.c file
    tokenizer   a Tokenizer or its path; None: the one beside the model, opened when it is first needed
    memory_cap  bytes that converted weights may take; 0: no limit
    context     of every computation with it
    """

    def __init__(
        self,
        path: FileName,
        tokenizer: "Tokenizer | FileName | None" = None,
        memory_cap: int = 0,
        context: Optional[Context] = None,
    ) -> None:
        options = _abi.ModelOptions(memory_cap=integer(memory_cap, "memory_cap"))
        out = ctypes.c_void_p()
        lib.neck_model_open(context, file_name(path), options, out)
        super().__init__(out, lib.neck_model_destroy)
        self.path = os.fsdecode(path)
        self._context = context
        self._given_tokenizer = tokenizer
        self._turn: ContextManager[Any] = Turn() if memory_cap else nullcontext()

    @classmethod
    def open(
        cls,
        path: FileName,
        tokenizer: "Tokenizer | FileName | None" = None,
        memory_cap: int = 0,
        context: Optional[Context] = None,
    ) -> "Model":
        return cls(path, tokenizer, memory_cap, context)

    @property
    def tokenizer(self) -> Tokenizer:
        if not isinstance(self._given_tokenizer, Tokenizer):
            self._given_tokenizer = Tokenizer(self._tokenizer_path(), context=self._context)
        return self._given_tokenizer

    def _tokenizer_path(self) -> FileName:
        if self._given_tokenizer is not None:
            return self._given_tokenizer  # type: ignore[return-value]
        if os.path.isfile(self.path) and not self.path.endswith(".gguf"):
            return os.path.dirname(self.path) or "."
        return self.path

    @property
    def family(self) -> str:
        """model_type of the configuration: "gpt2", ..., "llama2.c"."""
        return text(lib.neck_model_family(self)) or ""

    @property
    def layers(self) -> int:
        """Transformer blocks; there is one hidden state more."""
        return int(lib.neck_model_layers(self))

    @property
    def hidden_size(self) -> int:
        return int(lib.neck_model_hidden_size(self))

    @property
    def head_size(self) -> int:
        """Width of the last hidden state."""
        return int(lib.neck_model_head_size(self))

    @property
    def vocabulary(self) -> int:
        """Rows of the head."""
        return int(lib.neck_model_vocabulary(self))

    @property
    def context_length(self) -> int:
        """Positions the model was trained for."""
        return int(lib.neck_model_context_length(self))

    @property
    def parameters(self) -> int:
        """Weights and biases, tied ones once."""
        return int(lib.neck_model_parameters(self))

    @property
    def head(self) -> Any:
        """The output matrix, vocabulary x head_size, in its stored dtype, without copying."""
        matrix = _abi.Matrix()
        lib.neck_model_head(self, matrix, None)
        return view(matrix.data, BY_NUMBER[matrix.dtype], (matrix.rows, matrix.cols), self, matrix.row_stride)

    @property
    def tied(self) -> bool:
        """Whether the head is the token embedding."""
        tied = ctypes.c_int32()
        lib.neck_model_head(self, _abi.Matrix(), tied)
        return bool(tied.value)

    def forward(self, ids: Any) -> Any:
        """float32: length x vocabulary for one sequence of token ids, batch x length x vocabulary for several."""
        tokens, shape = _tokens(ids)
        out = (ctypes.c_float * (len(tokens) * self.vocabulary))()
        with self._turn:
            lib.neck_model_logits(self._context, self, tokens, *_batch(shape), None, out)
        return view(ctypes.addressof(out), F32, (*shape, self.vocabulary), out)

    def hidden_states(self, ids: Any) -> List[Any]:
        """float32 states after the embedding, after every block but the last, and after the final norm: layers + 1
        arrays of length x width, or batch x length x width. As `output_hidden_states` of the transformers package."""
        tokens, shape = _tokens(ids)
        collected = _States(len(tokens))
        options = _abi.ForwardOptions(states=collected.callback)
        with self._turn:
            lib.neck_model_forward(self._context, self, tokens, *_batch(shape), options)
        return collected.arrays(shape)

    def loss(self, ids_or_text: Any) -> float:
        """Mean nats per predicted token: of a text, each token after the opening one; of token ids, each but the first.
        Longer ones are cut into windows of the model's context (see Evaluation). Ids of several sequences, batch x
        length, run together, each from its own start."""
        if not isinstance(ids_or_text, (str, bytes, bytearray)):
            tokens, shape = _tokens(ids_or_text)
            if len(shape) == 2:
                out = _abi.Loss()
                with self._turn:
                    lib.neck_model_loss(self._context, self, tokens, *shape, None, out)
                return float(out.loss)
        evaluation = self.evaluate(layers=False)
        evaluation.push(ids_or_text)
        return evaluation.loss.loss

    def evaluate(
        self,
        *documents: Any,
        layers: bool = True,
        context_length: int = 0,
        stride: int = 0,
        sample_rows: int = 0,
        reach_back: bool = False,
    ) -> Evaluation:
        """An Evaluation with these documents, texts or token ids, pushed; more can follow."""
        evaluation = Evaluation(self, layers, context_length, stride, sample_rows, reach_back)
        for document in documents:
            evaluation.push(document)
        return evaluation

    def likelihood(self, prefix: Text, continuation: Text) -> Likelihood:
        """How likely continuation is after prefix, by the conventions of LM Evaluation Harness."""
        before, after = utf8(prefix), utf8(continuation)
        out = _abi.Likelihood()
        with self._turn:
            lib.neck_continuation_likelihood(
                self._context, self, self.tokenizer, before, len(before), after, len(after), out
            )
        return Likelihood(out.log_likelihood, out.tokens, bool(out.greedy))

    def __repr__(self) -> str:
        return f"<softneck.Model {self.path!r}, {self.family}, {self.parameters} parameters>"


def _tokens(ids: Any) -> Tuple[Any, Tuple[int, ...]]:
    """The ids for C, and the shape that results have in front: (length,) or (batch, length)."""
    tokens, shape = ids_array(ids)
    if not len(tokens):
        raise ArgumentError("there are no token ids")
    return tokens, shape


def _batch(shape: Tuple[int, ...]) -> Tuple[int, int]:
    return shape if len(shape) == 2 else (1, shape[0])


class _States:
    """Gathers the blocks of rows that a forward run hands out."""

    def __init__(self, rows: int) -> None:
        self._rows = rows
        self._layers: Dict[int, Tuple[Any, int]] = {}  # memory and width
        self.callback = _abi.STATES_FN(self._take)

    def _take(self, user: Any, told: Any) -> int:
        try:
            states = told.contents
            matrix = states.matrix
            width, stride = matrix.cols, matrix.row_stride or matrix.cols
            if states.layer not in self._layers:
                self._layers[states.layer] = ((ctypes.c_float * (self._rows * width))(), width)
            start = ctypes.addressof(self._layers[states.layer][0]) + states.first_row * width * 4
            for row in range(1 if stride == width else matrix.rows):
                size = width * 4 * (matrix.rows if stride == width else 1)
                ctypes.memmove(start + row * width * 4, matrix.data + row * stride * 4, size)
            return 0
        except BaseException as error:  # cannot cross C: it waits until the call has returned
            hold_exception(error)
            return 1

    def arrays(self, shape: Tuple[int, ...]) -> List[Any]:
        in_order = (self._layers[layer] for layer in sorted(self._layers))
        return [view(ctypes.addressof(memory), F32, (*shape, width), memory) for memory, width in in_order]
