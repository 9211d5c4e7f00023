"""What callers pass as a matrix or tensor, found where it lies: numpy, torch, the buffer protocol, nested lists."""

from __future__ import annotations

import ctypes
import sys
from array import array
from typing import Any, NamedTuple, Optional, Sequence, Tuple

from . import _abi
from ._dtypes import BY_CODE, BY_ML_NAME, BY_NAME, FLOATS, DType, numpy
from ._errors import ArgumentError


class Block(NamedTuple):
    """Numbers somewhere in memory: packed, or of two dimensions with packed rows at a constant distance."""

    address: int
    dtype: DType
    shape: Tuple[int, ...]
    row_stride: int  # in elements; 0 means packed
    owner: Any  # whatever keeps the memory alive

    def matrix(self) -> _abi.Matrix:
        """The C struct, which borrows: the block must outlive its use."""
        if len(self.shape) != 2:
            raise ArgumentError(f"a matrix has 2 dimensions, not {len(self.shape)}")
        if self.dtype not in FLOATS:
            hint = "; for bfloat16 bits say dtype='bf16'" if self.dtype.name == "u16" else ""
            raise ArgumentError(f"elements are {self.dtype.name}: a matrix holds f32, f64, f16 or bf16{hint}")
        rows, cols = self.shape
        if rows == 0 or cols == 0:
            raise ArgumentError(f"a {rows} x {cols} matrix is empty")
        return _abi.Matrix(data=self.address, rows=rows, cols=cols, row_stride=self.row_stride, dtype=self.dtype.number)


def block(source: Any, dtype: Optional[str] = None) -> Block:
    """The numbers of source, not copied unless their order demands it (columns apart, Fortran, reversed rows)."""
    native = getattr(source, "_softneck_block", None)
    torch = sys.modules.get("torch")
    if native is not None:
        found: Block = native()
    elif torch is not None and isinstance(source, torch.Tensor):
        found = _from_torch(source)
    elif numpy is not None and getattr(getattr(source, "dtype", None), "name", None) in BY_ML_NAME:
        # Such arrays export no buffer; their bits as unsigned integers do.
        kind = BY_ML_NAME[source.dtype.name]
        found = _from_buffer(numpy.asarray(source).view(kind.numpy_name))._replace(dtype=kind)
    elif isinstance(source, (list, tuple)):
        found = _from_rows(source)
    else:
        found = _from_buffer(source)
    return found if dtype is None else found._replace(dtype=_reinterpreted(found.dtype, dtype))


def floats(source: Any, dtype: Optional[str] = None) -> Block:
    """As block(), where dtype says what 16-bit integers are the bits of, and other elements are left as they are."""
    found = block(source)
    sixteen = found.dtype.name in ("u16", "i16")
    return found._replace(dtype=_reinterpreted(found.dtype, dtype)) if sixteen and dtype is not None else found


def _reinterpreted(found: DType, name: str) -> DType:
    """Integers may be declared the bits of a floating type of their width; anything else must already be it."""
    wanted = BY_NAME.get(name)
    if wanted is None:
        raise ArgumentError(f"unknown dtype {name!r}; there are {', '.join(BY_NAME)}")
    if wanted != found and (wanted.size != found.size or found.name[0] not in "ui"):
        raise ArgumentError(f"elements are {found.name}, they cannot be taken as {name}")
    return wanted


def _row_stride(shape: Sequence[int], strides: Sequence[int]) -> Optional[int]:
    """The distance of rows in elements, 0 when packed, None when C could not walk them. Strides are in elements."""
    expected = 1
    for length, stride in zip(reversed(shape), reversed(strides)):
        if length > 1 and stride != expected:
            break
        expected *= length
    else:
        return 0
    walkable = len(shape) == 2 and (shape[1] == 1 or strides[1] == 1) and strides[0] >= shape[1]
    return strides[0] if walkable else None


def _from_torch(tensor: Any) -> Block:
    if str(tensor.layout) != "torch.strided":
        raise ArgumentError("the tensor is sparse: give tensor.to_dense()")
    tensor = tensor.detach().cpu().resolve_neg().resolve_conj()
    if _row_stride(tensor.shape, tensor.stride()) is None:
        tensor = tensor.contiguous()
    name = str(tensor.dtype).replace("torch.", "")
    kind = BY_ML_NAME.get(name) or next((d for d in BY_NAME.values() if d.numpy_name == name), None)
    if kind is None:
        raise ArgumentError(f"elements are {tensor.dtype}, which is not supported")
    shape = tuple(tensor.shape)
    return Block(tensor.data_ptr(), kind, shape, _row_stride(shape, tensor.stride()) or 0, tensor)


def _from_rows(rows: Sequence[Any]) -> Block:
    """Lists of numbers, or of lists of numbers of one length, as doubles."""
    nested = bool(rows) and isinstance(rows[0], (list, tuple))
    try:
        lines = [array("d", row) for row in rows] if nested else [array("d", rows)]
    except TypeError as error:
        raise ArgumentError(f"a list must hold numbers, or lists of numbers: {error}") from None
    cols = len(lines[0])
    for i, line in enumerate(lines):
        if len(line) != cols:
            raise ArgumentError(f"row {i} has {len(line)} numbers, row 0 has {cols}")
    numbers = array("d", b"".join(lines))
    return Block(numbers.buffer_info()[0], BY_NAME["f64"], (len(rows), cols) if nested else (cols,), 0, numbers)


def _from_buffer(source: Any) -> Block:
    try:
        buffer = memoryview(source)
    except (TypeError, ValueError, BufferError):
        if numpy is None or not hasattr(source, "__array__"):
            is_checkpoint = isinstance(source, str) or hasattr(source, "head")
            hint = "; of a checkpoint give open(path).head()" if is_checkpoint else ""
            raise TypeError(
                f"{type(source).__name__} is neither an array, nor a buffer, nor lists of numbers{hint}"
            ) from None
        source = numpy.asarray(source)
        buffer = memoryview(source)
    native_order = "<" if sys.byteorder == "little" else ">"
    kind = BY_CODE.get(buffer.format.lstrip("@=" + native_order))
    if kind is None or kind.size != buffer.itemsize:
        raise ArgumentError(f"elements of buffer format {buffer.format!r} are not supported")
    shape, strides = tuple(buffer.shape or ()), buffer.strides or ()
    whole = not buffer.suboffsets and all(stride % kind.size == 0 for stride in strides)
    row_stride = _row_stride(shape, [stride // kind.size for stride in strides]) if whole else None
    if row_stride is not None:
        return Block(address_of(buffer), kind, shape, row_stride, buffer)
    copy = memoryview(buffer.tobytes() if numpy is None else numpy.array(source, order="C"))
    return Block(address_of(copy), kind, shape, 0, copy)


def packed(numbers: Block) -> Block:
    """The same numbers without gaps between rows."""
    if numbers.row_stride == 0:
        return numbers
    rows, cols = numbers.shape
    row, step = cols * numbers.dtype.size, numbers.row_stride * numbers.dtype.size
    copy = memoryview(b"".join(ctypes.string_at(numbers.address + i * step, row) for i in range(rows)))
    return numbers._replace(address=address_of(copy), row_stride=0, owner=copy)


class _PyBuffer(ctypes.Structure):
    """Py_buffer, unchanged since Python 3.0: the one way to the address of read-only memory."""

    _fields_ = [
        ("buf", ctypes.c_void_p),
        ("obj", ctypes.c_void_p),
        ("len", ctypes.c_ssize_t),
        ("itemsize", ctypes.c_ssize_t),
        ("readonly", ctypes.c_int),
        ("ndim", ctypes.c_int),
        ("format", ctypes.c_char_p),
        ("shape", ctypes.c_void_p),
        ("strides", ctypes.c_void_p),
        ("suboffsets", ctypes.c_void_p),
        ("internal", ctypes.c_void_p),
    ]


_PyBUF_FULL_RO = 0x11C
_get_buffer = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.py_object, ctypes.POINTER(_PyBuffer), ctypes.c_int)(
    ("PyObject_GetBuffer", ctypes.pythonapi)
)
_release_buffer = ctypes.PYFUNCTYPE(None, ctypes.POINTER(_PyBuffer))(("PyBuffer_Release", ctypes.pythonapi))


def address_of(buffer: memoryview) -> int:
    """Valid for as long as the memoryview: its own export pins the memory after ours is released."""
    raw = _PyBuffer()
    _get_buffer(buffer, ctypes.byref(raw), _PyBUF_FULL_RO)
    try:
        return raw.buf or 0
    finally:
        _release_buffer(ctypes.byref(raw))
