"""Counting n-grams, and the spectrum of the matrix of next-token distributions that they make."""

from __future__ import annotations

import ctypes
from typing import Any, Iterable, NamedTuple, Optional

from . import _abi
from ._arrays import new_f64, zeros
from ._context import Context
from ._density import Density
from ._dtypes import BY_NAME
from ._errors import StateError
from ._ids import one_sequence
from ._library import FileName, Handle, Turn, choice, file_name, integer, lib
from ._operator import Operator, integers
from ._spectrum import Spectrum


class NGramsInfo(NamedTuple):
    order: int
    vocab_size: int
    tokens: int  # counted, those that begin documents included
    documents: int
    contexts: int  # distinct, with a successor
    ngrams: int  # distinct
    occurrences: int  # n-grams with repetition
    singletons: int  # contexts with one distinct successor
    seen_once: int  # contexts that occur once
    successors: int  # distinct tokens that occur as a successor


class NGrams(Handle):
    """Counted n-grams: contexts in increasing order, of each its successors in increasing order. Immutable.

    Made by NGrams.count() in memory, by an NGramCounter for any number of tokens, or opened:
    path  a file of NGramCounter.finish()
    lazy  do not check its contents
    """

    def __init__(self, path: FileName, lazy: bool = False, context: Optional[Context] = None) -> None:
        out = ctypes.c_void_p()
        lib.neck_ngrams_open(context, file_name(path), int(lazy), out)
        super().__init__(out, lib.neck_ngrams_destroy)

    @classmethod
    def count(
        cls,
        tokens: Any,
        vocab_size: int,
        order: int = 5,
        document_ends: Optional[Iterable[int]] = None,
        context: Optional[Context] = None,
    ) -> "NGrams":
        """Counts token ids below vocab_size.

        document_ends  where documents end, the last at the end; None: one document
        """
        ids, count = one_sequence(tokens)
        ends = None if document_ends is None else integers(document_ends, "document_ends", ctypes.c_int64)
        out = ctypes.c_void_p()
        documents = 0 if ends is None else len(ends)
        vocab_size, order = integer(vocab_size, "vocab_size"), integer(order, "order", 2, 8)
        lib.neck_ngrams_count(context, ids, count, ends, documents, vocab_size, order, out)
        ngrams = cls.__new__(cls)
        Handle.__init__(ngrams, out, lib.neck_ngrams_destroy)
        return ngrams

    @property
    def info(self) -> NGramsInfo:
        told = _abi.NgramsInfo()
        lib.neck_ngrams_describe(self, told)
        return NGramsInfo(*(getattr(told, name) for name in NGramsInfo._fields))

    def __len__(self) -> int:
        """Contexts."""
        return self.info.contexts

    def read(self, first: int = 0, count: Optional[int] = None) -> "NGramRows":
        """Contexts first to first + count - 1 (None: to the last), with their successors."""
        info = self.info
        first = integer(first, "first", 0, info.contexts)
        count = info.contexts - first if count is None else integer(count, "count", 0, info.contexts - first)
        i32, i64 = BY_NAME["i32"], BY_NAME["i64"]
        tokens, starts = zeros((count, info.order - 1), i32), zeros((count + 1,), i64)
        lib.neck_ngrams_read(
            self, first, count, _memory(tokens, ctypes.c_int32), _memory(starts, ctypes.c_int64), None, None
        )
        entries = int(starts[count])
        successors, counts = zeros((entries,), i32), zeros((entries,), i64)
        found = _memory(successors, ctypes.c_int32), _memory(counts, ctypes.c_int64)
        lib.neck_ngrams_read(self, first, count, None, None, *found)
        return NGramRows(tokens, starts, successors, counts)

    def distributions(self, weight: str = "uniform", context: Optional[Context] = None) -> "NGramDistributions":
        """The rows of the matrix, weighed as in NGramMatrix: one-hot ones summed up, equal ones merged."""
        out, view = ctypes.c_void_p(), _abi.NgramRowsView()
        lib.neck_ngram_rows_create(context, self.info.vocab_size, out)
        rows = Handle(out, lib.neck_ngram_rows_destroy)
        lib.neck_ngram_rows_read(context, rows, self, choice(_abi.NGRAM_WEIGHTS, weight, "weight"))
        lib.neck_ngram_rows_look(rows, view)
        entries = view.starts[view.rows]
        return NGramDistributions(
            _copy(view.diagonal, view.cols, "f64"),
            _copy(view.starts, view.rows + 1, "i64"),
            _copy(view.columns, entries, "i32"),
            _copy(view.shares, entries, "f64"),
            _copy(view.squares, view.rows, "f64"),
        )

    def __repr__(self) -> str:
        info = self.info
        return f"<softneck.NGrams of order {info.order}: {info.contexts} contexts, {info.ngrams} n-grams>"


class NGramRows(NamedTuple):
    """Context i, tokens[i], is followed by successors[j], counts[j] times, for j from starts[i] up to starts[i + 1]."""

    tokens: Any
    starts: Any
    successors: Any
    counts: Any


class NGramDistributions(NamedTuple):
    """Row i has shares[j] of its successors at columns[j], for j from starts[i] up to starts[i + 1], and squares[i] as
    its squared weight: W^T W = diag(diagonal) + S^T diag(squares) S, with S = scipy.sparse.csr_matrix((shares, columns,
    starts))."""

    diagonal: Any
    starts: Any
    columns: Any
    shares: Any
    squares: Any


def _copy(pointer: Any, count: int, dtype: str) -> Any:
    """A new array of what C lends."""
    values = zeros((count,), BY_NAME[dtype])
    if count:
        ctypes.memmove(_memory(values, pointer._type_), pointer, count * ctypes.sizeof(pointer._type_))
    return values


def _memory(values: Any, kind: Any) -> Any:
    """The memory of a new array, for C to write into."""
    return (kind * (memoryview(values).nbytes // ctypes.sizeof(kind))).from_buffer(values) if len(values) else None


class NGramCounter(Handle):
    """Counts any number of tokens below vocab_size within memory_bytes: what does not fit is spilled to disk.

    memory_bytes  0: 1 GiB
    folder        where runs are spilled; None: a private folder, removed when done
    resume        go on with what an interrupted count left in folder: push again from token number .tokens on

    Threads may share one: their calls take turns.
    """

    def __init__(
        self,
        vocab_size: int,
        order: int = 5,
        memory_bytes: int = 0,
        folder: Optional[FileName] = None,
        resume: bool = False,
        context: Optional[Context] = None,
    ) -> None:
        options = _abi.NgramCounterOptions(
            order=integer(order, "order", 2, 8),
            memory_bytes=integer(memory_bytes, "memory_bytes", 0),
            folder=None if folder is None else file_name(folder),
            resume=bool(resume),
        )
        out = ctypes.c_void_p()
        lib.neck_ngram_counter_create(context, integer(vocab_size, "vocab_size"), options, out)
        super().__init__(out, lib.neck_ngram_counter_destroy)
        self._context = context
        self._turn = Turn()

    def push(self, tokens: Any) -> None:
        """The next token ids of the current document."""
        ids, count = one_sequence(tokens)
        with self._turn:
            lib.neck_ngram_counter_push(self._context, self, ids, count)

    def end_document(self) -> None:
        """The next token begins a document."""
        with self._turn:
            lib.neck_ngram_counter_end_document(self._context, self)

    @property
    def tokens(self) -> int:
        """Counted so far, with those of a count that is resumed."""
        with self._turn:
            return int(lib.neck_ngram_counter_tokens(self))

    def finish(self, path: FileName) -> NGrams:
        """Writes the file of n-grams, whole or not at all, and opens it. Nothing can be pushed afterwards."""
        with self._turn:
            lib.neck_ngram_counter_finish(self._context, self, file_name(path))
        return NGrams(path, lazy=True, context=self._context)


class NGramMatrixInfo(NamedTuple):
    rows: int  # contexts
    cols: int  # tokens
    coupled: int  # columns that share a row with another
    parts: int  # connected parts with two columns or more
    largest_part: int  # columns of the largest
    coupled_rows: int  # rows with several successors, equal ones merged
    coupled_entries: int
    frobenius_squared: float


class NGramMatrix(Handle):
    """The matrix of next-token distributions, a row a context, as an operator that knows its structure. Immutable.

    weight  of each row: "uniform", "count" of the context, or its "root_count"
    """

    def __init__(self, ngrams: NGrams, weight: str = "uniform", context: Optional[Context] = None) -> None:
        out = ctypes.c_void_p()
        lib.neck_ngram_matrix_create(context, ngrams, choice(_abi.NGRAM_WEIGHTS, weight, "weight"), out)
        super().__init__(out, lib.neck_ngram_matrix_destroy)
        self._context = context

    @property
    def info(self) -> NGramMatrixInfo:
        told = _abi.NgramMatrixInfo()
        lib.neck_ngram_matrix_describe(self, told)
        return NGramMatrixInfo(*(getattr(told, name) for name in NGramMatrixInfo._fields))

    def operator(self) -> Operator:
        """With the singular values and right singular vectors of the matrix; its rows are fewer."""
        return self._borrow(lib.neck_ngram_matrix_operator(self))

    def part(self) -> Operator:
        """The same of the largest connected part alone."""
        if not self.info.largest_part:
            raise StateError("no two columns share a row: there is no connected part")
        return self._borrow(lib.neck_ngram_matrix_part(self, None))

    def _borrow(self, pointer: Any) -> Operator:
        return Operator._of(ctypes.c_void_p(pointer), self, context=self._context, owned=False)

    def part_columns(self) -> Any:
        """The token of each column of part()."""
        columns = zeros((self.info.largest_part,), BY_NAME["i32"])
        lib.neck_ngram_matrix_part(self, _memory(columns, ctypes.c_int32))
        return columns

    def part_squares(self) -> Any:
        """The squared norm of each column of part()."""
        squares, memory = new_f64((self.info.largest_part,))
        lib.neck_ngram_matrix_part_squares(self, memory)
        return squares

    def rest(self) -> Any:
        """All singular values but those of part(), decreasing."""
        info = self.info
        values, memory = new_f64((info.cols - info.largest_part,))
        lib.neck_ngram_matrix_rest(self._context, self, memory, None)
        return values

    def spectrum(self, memory_bytes: int = 0) -> Spectrum:
        """All singular values, exactly. OutOfMemoryError when that would take more than memory_bytes; 0: no limit."""
        out = ctypes.c_void_p()
        lib.neck_ngram_matrix_spectrum(self._context, self, integer(memory_bytes, "memory_bytes", 0), out)
        return Spectrum(out)

    def cost(self) -> "tuple[int, float]":
        """What spectrum() takes: bytes, and floating-point operations."""
        size, operations = ctypes.c_int64(), ctypes.c_double()
        lib.neck_ngram_matrix_cost(self, size, operations)
        return size.value, operations.value

    def density(self, **options: Any) -> Density:
        """Density of the whole matrix, by products with its largest part alone; options as for Density()."""
        options.setdefault("context", self._context)
        if not self.info.largest_part:
            return Density(self.operator(), **options)
        return Density(self.part(), diagonal=self.part_squares(), known_values=self.rest(), **options)

    def __repr__(self) -> str:
        info = self.info
        return f"<softneck.NGramMatrix {info.rows} x {info.cols}, {info.largest_part} columns in its largest part>"
