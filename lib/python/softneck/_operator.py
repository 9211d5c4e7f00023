"""Matrices known by their products: arrays, sparse rows, what a function computes, and what is made of these."""

from __future__ import annotations

import ctypes
import math
from array import array
from typing import Any, Callable, Iterable, Optional, Tuple

from . import _abi
from ._arrays import F64, doubles, new_f64, view
from ._context import Context
from ._dtypes import numpy
from ._errors import ArgumentError
from ._inputs import Block, block, packed
from ._library import Handle, hold_exception, integer, lib

Shape = Tuple[int, int]


class Operator(Handle):
    """A rows x cols matrix A, of which only A X and A^T X are asked. Immutable; any number of threads may use one.

    W      anything two-dimensional of f32, f64, f16 or bf16 (numpy, torch, a tensor of a checkpoint, nested lists),
           read where it lies; or anything with tocsr(), such as scipy's sparse matrices
    dtype  what 16-bit integers in W are the bits of: "bf16" or "f16"

    Others are made by Operator.from_csr(), Operator.from_function(), first @ second and .centered().
    """

    def __init__(self, W: Any, dtype: Optional[str] = None, context: Optional[Context] = None) -> None:
        if hasattr(W, "tocsr"):
            rows = W.tocsr()
            self._adopt(*_csr(rows.data, rows.indices, rows.indptr, rows.shape, context), context=context)
            return
        numbers = block(W, dtype)
        out = ctypes.c_void_p()
        lib.neck_operator_dense(context, numbers.matrix(), out)
        self._adopt(out, numbers, context=context)

    def _adopt(self, pointer: ctypes.c_void_p, *needed: Any, context: Optional[Context], owned: bool = True) -> None:
        """needed: what the library only borrows."""
        super().__init__(pointer, lib.neck_operator_destroy if owned else _leave)
        self._needed, self._context = needed, context

    @classmethod
    def _of(cls, pointer: ctypes.c_void_p, *needed: Any, context: Optional[Context], owned: bool = True) -> "Operator":
        operator = cls.__new__(cls)
        operator._adopt(pointer, *needed, context=context, owned=owned)
        return operator

    @classmethod
    def from_csr(
        cls,
        data: Optional[Iterable[float]],
        indices: Iterable[int],
        indptr: Iterable[int],
        shape: Shape,
        context: Optional[Context] = None,
    ) -> "Operator":
        """Compressed sparse rows: row i has data[j] in column indices[j] for j from indptr[i] up to indptr[i + 1].

        data  None: every entry is 1
        A column that occurs twice in a row counts as the sum.
        """
        return cls._of(*_csr(data, indices, indptr, shape, context), context=context)

    @classmethod
    def from_function(
        cls,
        shape: Shape,
        apply: Callable[[Any, bool], Any],
        frobenius_squared: Optional[float] = None,
        context: Optional[Context] = None,
    ) -> "Operator":
        """apply(X, transposed) returns A X, or A^T X when transposed: X has cols (or rows) rows and some columns.

        X is read-only memory that is only lent for the call. An exception in apply is raised where the operator was
        used. apply is called by one thread at a time, the one that uses the operator.
        frobenius_squared  |A|_F^2, which W-error needs, when it is known
        """
        rows, cols = (integer(n, "shape") for n in shape)
        callback = _callback(rows, cols, apply)
        squared = -1.0 if frobenius_squared is None else frobenius_squared
        out = ctypes.c_void_p()
        lib.neck_operator_callback(context, rows, cols, callback, None, squared, out)
        return cls._of(out, callback, context=context)

    def __matmul__(self, other: Any) -> Any:
        """Another operator: their product as an operator. An array: A times it."""
        if not isinstance(other, Operator):
            return self.apply(other)
        out = ctypes.c_void_p()
        lib.neck_operator_product(self._context, self, other, out)
        return Operator._of(out, self, other, context=self._context)

    def centered(self, row_weights: Optional[Iterable[float]] = None) -> "Operator":
        """Without its mean row, which a softmax does not see; weighted by one number >= 0 a row, e.g. token counts."""
        weights = None if row_weights is None else doubles(row_weights, "row_weights", self.shape[0])
        out = ctypes.c_void_p()
        lib.neck_operator_centered(self._context, self, weights, out)
        return Operator._of(out, self, context=self._context)

    def apply(self, X: Any, transposed: bool = False) -> Any:
        """A X or A^T X in float64, for a vector or a block of vectors as columns."""
        size, result = self.shape if transposed else self.shape[::-1]
        x, shape = columns(X, "X", size)
        y, memory = new_f64((result, *shape[1:]))
        count = shape[1] if len(shape) == 2 else 1
        lib.neck_operator_apply(self._context, self, int(transposed), count, x, memory)
        return y

    @property
    def shape(self) -> Shape:
        return int(lib.neck_operator_rows(self)), int(lib.neck_operator_cols(self))

    @property
    def frobenius_squared(self) -> Optional[float]:
        """|A|_F^2, None when it is not known."""
        squared = float(lib.neck_operator_frobenius_squared(self))
        return squared if squared >= 0 else None

    def __repr__(self) -> str:
        return f"<softneck.Operator {self.shape[0]} x {self.shape[1]}>"


def as_operator(source: Any, dtype: Optional[str], context: Optional[Context]) -> Operator:
    return source if isinstance(source, Operator) else Operator(source, dtype, context)


def _leave(pointer: Any) -> None:
    """For what belongs to something else."""


def _f64(values: Any) -> Block:
    """Packed doubles; other numbers are copied, where there is numpy to do it."""
    return packed(block(values if numpy is None else numpy.asarray(values, dtype=numpy.float64)))


def columns(values: Any, what: str, rows: int) -> Tuple[Any, Tuple[int, ...]]:
    """A ctypes array of the doubles of vectors as columns, and its shape: (rows,) or (rows, count)."""
    numbers = _f64(values)
    if numbers.dtype != F64 or len(numbers.shape) not in (1, 2) or numbers.shape[0] != rows or 0 in numbers.shape:
        raise ArgumentError(f"{what} is {_sizes(numbers)}: columns of {rows} f64 are needed")
    result: Any = (ctypes.c_double * math.prod(numbers.shape)).from_address(numbers.address)
    result._owner = numbers
    return result, numbers.shape


def _sizes(numbers: Block) -> str:
    return f"{' x '.join(map(str, numbers.shape))} of {numbers.dtype.name}"


def integers(values: Iterable[int], what: str, kind: Any) -> Any:
    """A ctypes array of c_int32 or c_int64; contiguous numpy arrays of that type are not copied."""
    if numpy is None:
        try:
            numbers = array("i" if kind is ctypes.c_int32 else "q", values)
        except (TypeError, OverflowError) as error:
            raise ArgumentError(f"{what}: {error}") from None
        return (kind * len(numbers)).from_buffer(numbers)
    given = numpy.asarray(values)
    if given.ndim != 1 or (given.size and given.dtype.kind not in "iu"):
        raise ArgumentError(f"{what} must be integers in one dimension, not {given.dtype} {given.shape}")
    bits = 8 * ctypes.sizeof(kind)
    if given.size and not (-(2 ** (bits - 1)) <= int(given.min()) and int(given.max()) < 2 ** (bits - 1)):
        raise ArgumentError(f"a number of {what} does not fit in {bits} bits")
    flat = numpy.ascontiguousarray(given, dtype=f"int{bits}")
    result: Any = (kind * flat.size).from_address(flat.ctypes.data) if flat.size else (kind * 0)()
    result._owner = flat
    return result


def _csr(data: Any, indices: Any, indptr: Any, shape: Shape, context: Optional[Context]) -> Tuple[Any, ...]:
    """The pointer of a sparse operator, and what it borrows."""
    rows, cols = (integer(n, "shape") for n in shape)
    starts = integers(indptr, "indptr", ctypes.c_int64)
    columns = integers(indices, "indices", ctypes.c_int32)
    if len(starts) != rows + 1:
        raise ArgumentError(f"indptr has {len(starts)} numbers, {rows} rows need {rows + 1}")
    if starts[rows] != len(columns):
        raise ArgumentError(f"indptr ends at {starts[rows]}, but there are {len(columns)} indices")
    values = None if data is None else doubles(data, "data", len(columns))
    out = ctypes.c_void_p()
    lib.neck_operator_sparse(context, rows, cols, starts, columns, values, out)
    return out, starts, columns, values


def _callback(rows: int, cols: int, apply: Callable[[Any, bool], Any]) -> Any:
    def call(user: Any, transposed: int, count: int, x: Any, y: Any) -> int:
        try:
            given, wanted = (rows, cols) if transposed else (cols, rows)
            lent = view(ctypes.cast(x, ctypes.c_void_p).value, F64, (given, count), None)
            made = _f64(apply(lent, bool(transposed)))
            if made.dtype != F64 or made.shape != (wanted, count):
                raise ArgumentError(f"the function returned {_sizes(made)}, {wanted} x {count} of f64 are needed")
            ctypes.memmove(y, made.address, wanted * count * F64.size)
            return 0
        except BaseException as error:  # cannot cross C: it waits until the call has returned
            hold_exception(error)
            return 1

    return _abi.OPERATOR_FN(call)
