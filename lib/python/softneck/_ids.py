"""Token ids on their way to C and back."""

from __future__ import annotations

import ctypes
from array import array
from typing import Any, Tuple

from ._dtypes import numpy
from ._errors import ArgumentError

LOWEST, HIGHEST = -(2**31), 2**31 - 1


def ids_array(values: Any) -> Tuple[Any, Tuple[int, ...]]:
    """A ctypes array of int32, and its shape: (length,) of one sequence of ids, (batch, length) of several."""
    return _plain_ids(values) if numpy is None else _numpy_ids(values)


def _numpy_ids(values: Any) -> Tuple[Any, Tuple[int, ...]]:
    try:
        numbers = numpy.asarray(values)
    except ValueError:
        raise ArgumentError("sequences of token ids differ in length") from None
    if numbers.ndim not in (1, 2) or (numbers.size and numbers.dtype.kind not in "iu"):
        raise ArgumentError(f"token ids are integers in one or two dimensions, not {numbers.dtype} {numbers.shape}")
    if numbers.size and not (LOWEST <= int(numbers.min()) and int(numbers.max()) <= HIGHEST):
        raise ArgumentError("a token id does not fit in 32 bits")
    flat = numpy.ascontiguousarray(numbers, dtype=numpy.int32).reshape(-1)
    result: Any = (ctypes.c_int32 * flat.size).from_address(flat.ctypes.data) if flat.size else (ctypes.c_int32 * 0)()
    result._owner = flat
    return result, tuple(numbers.shape)


def _plain_ids(values: Any) -> Tuple[Any, Tuple[int, ...]]:
    rows = list(values)
    several = bool(rows) and hasattr(rows[0], "__len__")
    try:
        joined = array("i", [id for row in rows for id in row] if several else rows)
    except (TypeError, OverflowError) as error:
        raise ArgumentError(f"token ids are integers of 32 bits: {error}") from None
    if several and len({len(row) for row in rows}) != 1:
        raise ArgumentError("sequences of token ids differ in length")
    return (ctypes.c_int32 * len(joined))(*joined), (len(rows), len(rows[0])) if several else (len(rows),)


def one_sequence(values: Any) -> Tuple[Any, int]:
    """(ctypes array of int32, its length)."""
    ids, shape = ids_array(values)
    if len(shape) == 2 and shape[0] != 1:
        raise ArgumentError(f"one sequence of token ids is wanted, not {shape[0]}")
    return ids, shape[-1]


def targets_of(values: Any, rows: int) -> Any:
    """A ctypes array of int32: one target for each of so many states."""
    ids, count = one_sequence(values)
    if count != rows:
        raise ArgumentError(f"there are {count} targets for {rows} states")
    return ids


def as_array(ids: Any, count: int) -> Any:
    """The first count of a ctypes array: a numpy array, or an array("i") without numpy."""
    if numpy is not None:
        return numpy.frombuffer(ids, dtype=numpy.int32, count=count) if count else numpy.empty(0, numpy.int32)
    return array("i", ids[:count])
