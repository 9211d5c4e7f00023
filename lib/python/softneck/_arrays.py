"""Native memory as arrays: numpy arrays when numpy is installed, memoryviews of the same bytes when it is not."""

from __future__ import annotations

import ctypes
import math
from array import array
from typing import Any, Iterable, Optional, Sequence, Tuple

from ._dtypes import BY_NAME, BY_NUMBER, DType, numpy
from ._errors import ArgumentError

F64 = BY_NAME["f64"]


def view(
    address: Optional[int], dtype: DType, shape: Sequence[int], owner: Any, row_stride: int = 0, writable: bool = False
) -> Any:
    """An array over native memory, read-only unless asked. It keeps owner alive, and so does every slice of it.

    row_stride, in elements, is for two dimensions only; 0 means packed.
    """
    strided = len(shape) == 2 and row_stride > shape[1]
    elements = (shape[0] - 1) * row_stride + shape[1] if strided else math.prod(shape)
    memory: Any = ctypes.c_ubyte * (elements * dtype.size)
    memory = memory.from_address(address) if elements else memory()
    memory._owner = owner
    buffer = memoryview(memory).cast("B")
    buffer = buffer if writable else buffer.toreadonly()
    if numpy is not None:
        flat = numpy.frombuffer(buffer, dtype.numpy_dtype())  # the one constructor that stays read-only for good
        if not strided:
            return flat.reshape(tuple(shape))
        strides = (row_stride * dtype.size, dtype.size)
        return numpy.lib.stride_tricks.as_strided(flat, tuple(shape), strides, writeable=False)
    if strided:  # which a memoryview cannot be made to express
        row, step = shape[1] * dtype.size, row_stride * dtype.size
        buffer = memoryview(b"".join(buffer[i * step : i * step + row] for i in range(shape[0])))
    return _shaped(buffer, dtype.code, list(shape))


def _shaped(buffer: memoryview, code: str, shape: "list[int]") -> memoryview:
    """A memoryview of that shape; a flat one when it is empty, which Python cannot cast to several dimensions."""
    try:
        flat: memoryview = buffer.cast(code)  # type: ignore[call-overload]
    except ValueError:  # half precision in a Python that cannot cast to it: its bits
        return _shaped(buffer, "H", shape)
    if not len(flat) or len(shape) == 1:
        return flat
    return buffer.cast(code, shape)  # type: ignore[call-overload,no-any-return]


def zeros(shape: Sequence[int], dtype: DType) -> Any:
    """A new array of the caller's own, all zero."""
    if numpy is not None:
        return numpy.zeros(tuple(shape), dtype.numpy_name)
    return _shaped(memoryview(array(dtype.code, [0]) * math.prod(shape)).cast("B"), dtype.code, list(shape))


def new_f64(shape: Sequence[int]) -> Tuple[Any, Any]:
    """A new array of doubles and the same memory as a ctypes array for C to write into."""
    result = zeros(shape, F64)
    return result, (ctypes.c_double * math.prod(shape)).from_buffer(result)


def copy_f64(pointer: Any, shape: Sequence[int]) -> Any:
    """Our own copy of doubles that C lent us only until its next change; None for a NULL pointer."""
    if not pointer:
        return None
    result, memory = new_f64(shape)
    ctypes.memmove(memory, pointer, ctypes.sizeof(memory))
    return result


def copy_matrix(matrix: Any) -> Any:
    """Our own copy of a C matrix that was lent until the next call."""
    dtype = BY_NUMBER[matrix.dtype]
    result = zeros((matrix.rows, matrix.cols), dtype)
    size, step = matrix.cols * dtype.size, (matrix.row_stride or matrix.cols) * dtype.size
    memory = (ctypes.c_ubyte * (matrix.rows * size)).from_buffer(result)
    for row in range(matrix.rows):
        ctypes.memmove(ctypes.byref(memory, row * size), matrix.data + row * step, size)
    return result


def doubles(values: Iterable[float], what: str, length: Optional[int] = None) -> Any:
    """One-dimensional numbers as a ctypes array of doubles; contiguous numpy float64 is not copied.

    An array and no pointer: a struct field keeps what an array belongs to alive, not what a pointer points to.
    """
    if numpy is None:
        numbers = array("d", values)
        result: Any = (ctypes.c_double * len(numbers)).from_buffer(numbers)
    else:
        vector = numpy.ascontiguousarray(values, dtype=numpy.float64)
        if numpy.ndim(values) != 1:
            raise ArgumentError(f"{what} must have one dimension, not {numpy.ndim(values)}")
        result = (ctypes.c_double * len(vector)).from_address(vector.ctypes.data)
        result._owner = vector
    if length is not None and len(result) != length:
        raise ArgumentError(f"{what} has {len(result)} numbers, {length} are needed")
    return result
