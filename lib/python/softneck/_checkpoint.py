"""Model files and folders: their tensors without copying, the LM head among them, and series of them."""

from __future__ import annotations

import ctypes
import json
import os
from types import TracebackType
from typing import Any, Dict, Iterator, List, Mapping, NamedTuple, Optional, Tuple, Type

from . import _abi
from ._arrays import view
from ._context import Context
from ._dtypes import BY_NUMBER
from ._errors import StateError, UnsupportedError
from ._inputs import Block
from ._library import FileName, Handle, Turn, file_name, lib, string, text


class _Mapping(Handle):
    """The open file. Tensors and arrays refer to it, so it is unmapped after the last of them."""

    def __init__(self, path: FileName, allow_trailing: bool, context: Optional[Context]) -> None:
        options = _abi.CheckpointOptions(allow_trailing=bool(allow_trailing))
        out = ctypes.c_void_p()
        lib.neck_checkpoint_open(context, file_name(path), options, out)
        super().__init__(out, lib.neck_checkpoint_destroy)
        self.context = context
        self.turn = Turn()


class Tensor:
    """One tensor of a checkpoint: name, dtype ("bf16" ...), shape and nbytes at once, the numbers when asked.

    Goes wherever a matrix is wanted, whatever its dtype (quantised ones are decoded to f32). It stays valid after the
    checkpoint is closed.
    """

    def __init__(self, mapping: _Mapping, index: int) -> None:
        found = _abi.Tensor()
        lib.neck_checkpoint_tensor(mapping, index, found)
        self._mapping, self._index, self._address = mapping, index, found.data
        self._dtype = BY_NUMBER[found.dtype]
        self.name = text(found.name) or ""
        self.dtype = self._dtype.name
        self.shape: Tuple[int, ...] = tuple(found.shape[: found.ndim])
        self.nbytes = int(found.nbytes)

    @property
    def array(self) -> Any:
        """A read-only numpy array over the mapped file (a memoryview without numpy).

        bf16 and 8-bit floats have ml_dtypes' types when that package is installed, else they are their bits as
        unsigned integers. A tensor stored in another order than row-major is converted once, in memory.
        """
        found = self._softneck_block()
        return view(found.address, found.dtype, found.shape, self._mapping, found.row_stride)

    def __array__(self, dtype: Any = None, copy: Optional[bool] = None) -> Any:
        import numpy

        if copy is None:
            return numpy.asarray(self.array, dtype)
        return numpy.array(self.array, dtype, copy=copy)

    def __getitem__(self, key: Any) -> Any:
        return self.array[key]

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError(f"{self.name} has no dimensions")
        return self.shape[0]

    def _softneck_block(self) -> Block:
        if self._address or self.nbytes == 0:
            return Block(self._address or 0, self._dtype, self.shape, 0, self._mapping)
        if len(self.shape) > 2:
            raise UnsupportedError(f"{self.name}: {len(self.shape)} dimensions that are not stored in row-major order")
        matrix = _abi.Matrix()
        with self._mapping.turn:
            lib.neck_checkpoint_matrix(self._mapping.context, self._mapping, self._index, matrix)
        stride = 0 if matrix.row_stride == matrix.cols else matrix.row_stride
        return Block(matrix.data, BY_NUMBER[matrix.dtype], self.shape, stride, self._mapping)

    def __repr__(self) -> str:
        return f"<softneck.Tensor {self.name!r} {self.dtype} {' x '.join(map(str, self.shape))}>"


class OutputMatrix(NamedTuple):
    """The output matrix of a language model, tokens x hidden size."""

    name: str
    matrix: Tensor
    tied: bool  # it is the token embedding as well

    def _softneck_block(self) -> Block:
        return self.matrix._softneck_block()


class Tensors(Mapping[str, Tensor]):
    """The tensors of a checkpoint by name, in the file's order."""

    def __init__(self, mapping: _Mapping) -> None:
        self._mapping = mapping
        self._names: Dict[str, int] = {}
        for index in range(lib.neck_checkpoint_tensor_count(mapping)):
            found = _abi.Tensor()
            lib.neck_checkpoint_tensor(mapping, index, found)
            self._names[text(found.name) or ""] = index

    def __getitem__(self, name: str) -> Tensor:
        if name not in self._names:  # the library's message lists near names
            lib.neck_checkpoint_find(self._mapping, string(name), ctypes.c_int64())
        return Tensor(self._mapping, self._names[name])

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __repr__(self) -> str:
        return f"<softneck.Tensors {list(self._names)}>"


class Checkpoint:
    """An open file or folder of tensors; made by softneck.open(). Use it in a `with` statement, or close() it.

    Closing lets go of the file. Tensors and arrays taken from it stay valid; the file is unmapped after the last.
    """

    def __init__(self, path: FileName, allow_trailing: bool = False, context: Optional[Context] = None) -> None:
        self._open: Optional[_Mapping] = _Mapping(path, allow_trailing, context)
        self._tensors: Optional[Tensors] = None

    @property
    def _mapping(self) -> _Mapping:
        if self._open is None:
            raise StateError("the checkpoint is closed")
        return self._open

    def close(self) -> None:
        self._open = self._tensors = None

    def __enter__(self) -> "Checkpoint":
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self.close()

    @property
    def tensors(self) -> Tensors:
        """Tensors by name."""
        if self._tensors is None:
            self._tensors = Tensors(self._mapping)
        return self._tensors

    def head(self) -> OutputMatrix:
        """The LM head: the output matrix, or the token embedding it is tied to."""
        index, tied = ctypes.c_int64(), ctypes.c_int32()
        lib.neck_checkpoint_head(self._mapping, index, tied)
        tensor = Tensor(self._mapping, index.value)
        return OutputMatrix(tensor.name, tensor, bool(tied.value))

    @property
    def path(self) -> str:
        return os.fsdecode(lib.neck_checkpoint_path(self._mapping))

    @property
    def format(self) -> str:
        """ "safetensors", "npy", "npz", "llama2.c", "torch" or "gguf"."""
        return text(lib.neck_format_name(lib.neck_checkpoint_format(self._mapping))) or ""

    @property
    def step(self) -> Optional[int]:
        """Training step, from the last number in the file or folder name; None without one."""
        return _step(lib.neck_checkpoint_step(self._mapping))

    @property
    def config(self) -> Optional[Dict[str, Any]]:
        """The folder's config.json; None without one."""
        source = lib.neck_checkpoint_config(self._mapping)
        return None if source is None else json.loads(source)

    @property
    def metadata(self) -> Dict[str, str]:
        """What the file says about itself: safetensors' __metadata__, the strings among GGUF's metadata."""
        count = lib.neck_checkpoint_metadata_count(self._mapping)
        keys = [lib.neck_checkpoint_metadata_key(self._mapping, index) for index in range(count)]
        return {text(key) or "": text(lib.neck_checkpoint_metadata(self._mapping, key)) or "" for key in keys}

    def __repr__(self) -> str:
        if self._open is None:
            return "<softneck.Checkpoint, closed>"
        return f"<softneck.Checkpoint {self.path!r}, {self.format}, {len(self.tensors)} tensors>"


def _step(number: int) -> Optional[int]:
    return number if number >= 0 else None


def open(path: FileName, allow_trailing: bool = False, context: Optional[Context] = None) -> Checkpoint:
    """Opens a model file or folder: safetensors (also sharded), npy, npz, llama2.c, PyTorch zip, GGUF.

    allow_trailing accepts bytes after the last tensor. Nothing in a file is ever executed.
    """
    return Checkpoint(path, allow_trailing, context)


def series(path: FileName, context: Optional[Context] = None) -> List[Tuple[Optional[int], str]]:
    """(step, path) of every checkpoint a path stands for, in order of training step."""
    out = ctypes.c_void_p()
    lib.neck_series_open(context, file_name(path), out)
    found = Handle(out, lib.neck_series_destroy)
    return [
        (_step(lib.neck_series_step(found, i)), os.fsdecode(lib.neck_series_path(found, i)))
        for i in range(lib.neck_series_count(found))
    ]
