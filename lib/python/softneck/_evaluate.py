"""Models over text: loss, perplexity, and the geometry of every layer."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any, List, NamedTuple

from . import _abi
from ._gram import Gram
from ._ids import one_sequence
from ._library import Handle, Turn, integer, lib
from ._metrics import Measure
from ._tokenizer import Text, utf8

if TYPE_CHECKING:
    from ._model import Model


class TextLoss(NamedTuple):
    """What was predicted, and how well. NaN where a number of units is 0."""

    context_length: int  # of the windows
    stride: int
    documents: int
    tokens: int  # predicted
    correct: int  # of them, those that were the model's first choice
    bytes: float
    words: float
    nll_sum: float  # nats
    loss: float  # nats per predicted token
    standard_error: float  # of loss, as if tokens were independent
    perplexity: float
    bits_per_byte: float
    byte_perplexity: float
    word_perplexity: float
    accuracy: float


class CenteredAnisotropy(NamedTuple):
    value: Measure
    standard_error: float  # of the sampling; 0 when every row was in the sample


def count_words(text: Text) -> int:
    """Words as LM Evaluation Harness counts them: len(re.split(r"\\s+", text))."""
    data, words = utf8(text), ctypes.c_int64()
    lib.neck_text_words(data, len(data), words)
    return words.value


class Evaluation(Handle):
    """A running evaluation: documents are pushed one after another, and nothing of them is kept but sums.

    A document is cut into windows of context_length tokens (0: the model's, at most 2048), each stride after the one
    before (0: context_length); every token but the first is predicted once. With layers, each layer has the second
    moments of its states at those positions, and a sample of sample_rows of them (0: 1024). reach_back: the last
    window starts earlier, to be full.
    """

    def __init__(
        self,
        model: "Model",
        layers: bool = True,
        context_length: int = 0,
        stride: int = 0,
        sample_rows: int = 0,
        reach_back: bool = False,
    ) -> None:
        options = _abi.EvaluationOptions(
            context_length=integer(context_length, "context_length"),
            stride=integer(stride, "stride"),
            sample_rows=integer(sample_rows, "sample_rows"),
            watch_layers=bool(layers),
            reach_back=bool(reach_back),
        )
        out = ctypes.c_void_p()
        lib.neck_evaluation_create(model._context, model, options, out)
        super().__init__(out, lib.neck_evaluation_destroy)
        self._model = model
        self._turn = Turn()

    def push(self, document: Any) -> None:
        """Runs the model over a document: a text (str or bytes), or token ids."""
        context = self._model._context
        if isinstance(document, (str, bytes, bytearray)):
            data, tokenizer = utf8(document), self._model.tokenizer
            with self._turn, self._model._turn:
                lib.neck_evaluation_push_text(context, self, tokenizer, data, len(data))
        else:
            ids, count = one_sequence(document)
            with self._turn, self._model._turn:
                lib.neck_evaluation_push_tokens(context, self, ids, count, 0, 0)

    @property
    def loss(self) -> TextLoss:
        """So far; StateError before anything was predicted."""
        out = _abi.TextLoss()
        with self._turn:
            lib.neck_evaluation_loss(self, out)
        return TextLoss(*(getattr(out, name) for name in TextLoss._fields))

    @property
    def layers(self) -> int:
        """How many states there are, blocks + 1; 0 when they are not watched."""
        return int(lib.neck_evaluation_layers(self))

    def gram(self, layer: int) -> Gram:
        """A copy of the second moments of a layer's states: their spectrum, anisotropy, IsoScore ..."""
        if not 0 <= layer < self.layers:
            raise IndexError(f"layer is {layer}, there are {self.layers}")
        with self._turn:
            inside = lib.neck_evaluation_gram(self, layer)
            copy = Gram(int(lib.neck_gram_cols(inside)), context=self._model._context)
            lib.neck_gram_merge(copy, inside)
        return copy

    def grams(self) -> List[Gram]:
        """gram() of every layer."""
        return [self.gram(layer) for layer in range(self.layers)]

    def centered_anisotropy(self, layer: int) -> CenteredAnisotropy:
        """The mean cosine between two states of a layer minus their mean, from a sample of them."""
        out, error = _abi.Measure(), ctypes.c_double()
        with self._turn:
            lib.neck_evaluation_centered_anisotropy(
                self._model._context, self, integer(layer, "layer"), out, ctypes.byref(error)
            )
        return CenteredAnisotropy(Measure(out.value, out.error), error.value)
