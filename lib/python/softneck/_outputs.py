"""Arrays that C writes into: the caller's own, checked to be what C will take them for, or new ones."""

from __future__ import annotations

import ctypes
import math
import sys
from typing import Any, Mapping, NamedTuple, Optional, Sequence, Tuple

from ._arrays import zeros
from ._dtypes import BY_CODE, BY_NAME, BY_NUMBER, DType
from ._errors import ArgumentError
from ._inputs import Block, address_of


class Output(NamedTuple):
    """Packed, row-major memory that may be written to."""

    array: Any  # as the caller knows it; None when it is not wanted
    address: Optional[int]
    dtype: DType
    shape: Tuple[int, ...]
    owner: Any  # whatever keeps the memory alive

    def pointer(self, kind: Any) -> Any:
        """For a typed field of a C struct, which borrows: the output must outlive its use."""
        return ctypes.cast(self.address, ctypes.POINTER(kind)) if self.address else None

    @property
    def nbytes(self) -> int:
        return math.prod(self.shape) * self.dtype.size


ABSENT = Output(None, None, BY_NUMBER[1], (0,), None)


def writable(given: Any, what: str) -> Output:
    """A numpy array, buffer or torch tensor as it lies: nothing here is ever copied, results would be lost."""
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(given, torch.Tensor):
        return _from_torch(given, what)
    try:
        buffer = memoryview(given)
    except (TypeError, ValueError, BufferError):
        raise TypeError(
            f"{what} must be an array of float32 or float64 that can be written to, or True for a new one, "
            f"not {type(given).__name__}"
        ) from None
    kind = BY_CODE.get(buffer.format.lstrip("@=" + ("<" if sys.byteorder == "little" else ">")))
    if kind is None or kind.size != buffer.itemsize:
        raise ArgumentError(f"{what} has elements of buffer format {buffer.format!r}, which are not supported")
    if buffer.readonly:
        raise ArgumentError(f"{what} is read-only")
    if not buffer.c_contiguous:
        raise ArgumentError(f"{what} is not C-contiguous: results are written to packed rows")
    return Output(given, address_of(buffer), kind, tuple(buffer.shape or ()), buffer)


def _from_torch(tensor: Any, what: str) -> Output:
    name = str(tensor.dtype).replace("torch.", "")
    kind = next((dtype for dtype in BY_NAME.values() if dtype.numpy_name == name), None)
    if kind is None:
        raise ArgumentError(f"{what} has elements {tensor.dtype}, which are not supported")
    if tensor.device.type != "cpu" or tensor.is_neg():
        raise ArgumentError(f"{what} is not in CPU memory as it is (device {tensor.device})")
    if not tensor.is_contiguous():
        raise ArgumentError(f"{what} is not contiguous: results are written to packed rows")
    return Output(tensor, tensor.data_ptr(), kind, tuple(tensor.shape), tensor)


def output(given: Any, shape: Sequence[int], dtype: DType, what: str) -> Output:
    """given: an array of exactly that shape and dtype; True for a new one; None or False when it is not wanted."""
    if given is None or given is False:
        return ABSENT
    found = writable(zeros(shape, dtype) if given is True else given, what)
    if found.dtype != dtype:
        raise ArgumentError(f"{what} has elements {found.dtype.name}, results are {dtype.name}")
    if found.shape != tuple(shape):
        raise ArgumentError(f"{what} is {_sizes(found.shape)}, the result is {_sizes(shape)}")
    return found


def _sizes(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape)) or "a single number"


def refuse_overlap(outputs: Mapping[str, Output], inputs: Mapping[str, Block]) -> None:
    """Results are written while inputs are still read."""
    extents = [(out.address or 0, out.nbytes, what) for what, out in outputs.items() if out.address]
    written = len(extents)
    for what, found in inputs.items():
        rows, cols = found.shape if len(found.shape) == 2 else (1, math.prod(found.shape))
        extents.append((found.address, ((rows - 1) * (found.row_stride or cols) + cols) * found.dtype.size, what))
    for i in range(written):
        for start, size, what in extents[i + 1 :]:
            if start < extents[i][0] + extents[i][1] and extents[i][0] < start + size:
                raise ArgumentError(f"{extents[i][2]} shares memory with {what}")
