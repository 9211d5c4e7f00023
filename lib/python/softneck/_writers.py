"""Writing tensors to files."""

from __future__ import annotations

import ctypes
from typing import Any, Mapping, Optional

from . import _abi
from ._context import Context
from ._errors import ArgumentError
from ._inputs import Block, block, packed
from ._library import FileName, file_name, lib, string


def write_safetensors(
    path: FileName,
    tensors: Mapping[str, Any],
    metadata: Optional[Mapping[str, str]] = None,
    dtypes: Optional[Mapping[str, str]] = None,
    context: Optional[Context] = None,
) -> None:
    """Writes named arrays (numpy, torch, buffers, tensors of a checkpoint) as one safetensors file.

    metadata  strings that go with them
    dtypes    by name, what the integers in some of the arrays are the bits of, e.g. {"lm_head.weight": "bf16"}

    The file appears whole or not at all.
    """
    dtypes = dtypes or {}
    for name in dtypes:
        if name not in tensors:
            raise ArgumentError(f"dtypes names {name!r}, which is not among the tensors")
    blocks = {name: packed(block(source, dtypes.get(name))) for name, source in tensors.items()}
    described = (_abi.Tensor * len(blocks))(*(_describe(name, found) for name, found in blocks.items()))
    keys, values = [string(key) for key in metadata or ()], [string(value) for value in (metadata or {}).values()]
    strings = ctypes.c_char_p * len(keys)
    lib.neck_safetensors_write(
        context, file_name(path), described, len(blocks), strings(*keys), strings(*values), len(keys)
    )


def _describe(name: str, found: Block) -> _abi.Tensor:
    if len(found.shape) > _abi.MAX_DIMS:
        raise ArgumentError(f"{name!r} has {len(found.shape)} dimensions, at most {_abi.MAX_DIMS} can be written")
    tensor = _abi.Tensor(name=string(name), dtype=found.dtype.number, ndim=len(found.shape), data=found.address)
    tensor.nbytes = found.dtype.size
    for axis, length in enumerate(found.shape):
        tensor.shape[axis] = length
        tensor.nbytes *= length
    return tensor


def write_npy(path: FileName, matrix: Any, context: Optional[Context] = None, dtype: Optional[str] = None) -> None:
    """Writes a matrix as .npy in its own dtype; bf16, which numpy lacks, is widened to f32. Whole or not at all."""
    numbers = block(matrix, dtype)
    lib.neck_npy_write(context, file_name(path), numbers.matrix())
