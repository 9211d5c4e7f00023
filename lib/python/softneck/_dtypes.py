"""Element types: their numbers in C, their names here, and what Python's buffers and numpy call them."""

from __future__ import annotations

import struct
from typing import Any, Dict, NamedTuple, Optional

from . import _abi

numpy: Any
try:
    import numpy
except ImportError:  # everything works on memoryviews then
    numpy = None


class DType(NamedTuple):
    number: int
    name: str
    # Of one element in the struct module; of its bits as an unsigned integer where that has no such type; empty for
    # quantised types, whose elements share blocks and are read as f32.
    code: str
    numpy_name: str
    ml_name: Optional[str] = None  # in the ml_dtypes package, for the types that numpy lacks

    @property
    def size(self) -> int:
        return struct.calcsize(self.code)

    def numpy_dtype(self) -> Any:
        """numpy's dtype; the bits as unsigned integers where only ml_dtypes knows the type and is missing."""
        if self.ml_name:
            try:
                import ml_dtypes

                return numpy.dtype(getattr(ml_dtypes, self.ml_name))
            except ImportError:
                pass
        return numpy.dtype(self.numpy_name)


_TABLE = (
    DType(_abi.F32, "f32", "f", "float32"),
    DType(_abi.F64, "f64", "d", "float64"),
    DType(_abi.F16, "f16", "e", "float16"),
    DType(_abi.BF16, "bf16", "H", "uint16", "bfloat16"),
    DType(_abi.I8, "i8", "b", "int8"),
    DType(_abi.U8, "u8", "B", "uint8"),
    DType(_abi.I16, "i16", "h", "int16"),
    DType(_abi.U16, "u16", "H", "uint16"),
    DType(_abi.I32, "i32", "i", "int32"),
    DType(_abi.U32, "u32", "I", "uint32"),
    DType(_abi.I64, "i64", "q", "int64"),
    DType(_abi.U64, "u64", "Q", "uint64"),
    DType(_abi.BOOL, "bool", "?", "bool"),
    DType(_abi.F8_E4M3, "f8_e4m3", "B", "uint8", "float8_e4m3fn"),
    DType(_abi.F8_E5M2, "f8_e5m2", "B", "uint8", "float8_e5m2"),
    DType(_abi.C64, "c64", "Q", "complex64"),
    DType(_abi.Q4_0, "q4_0", "", ""),
    DType(_abi.Q4_1, "q4_1", "", ""),
    DType(_abi.Q5_0, "q5_0", "", ""),
    DType(_abi.Q5_1, "q5_1", "", ""),
    DType(_abi.Q8_0, "q8_0", "", ""),
    DType(_abi.Q2_K, "q2_k", "", ""),
    DType(_abi.Q3_K, "q3_k", "", ""),
    DType(_abi.Q4_K, "q4_k", "", ""),
    DType(_abi.Q5_K, "q5_k", "", ""),
    DType(_abi.Q6_K, "q6_k", "", ""),
)

BY_NUMBER: Dict[int, DType] = {dtype.number: dtype for dtype in _TABLE}
BY_NAME: Dict[str, DType] = {dtype.name: dtype for dtype in _TABLE}
BY_ML_NAME: Dict[str, DType] = {dtype.ml_name: dtype for dtype in _TABLE if dtype.ml_name}
# What one element of a buffer with this code is: a number of that kind, not the bits of another.
BY_CODE: Dict[str, DType] = {
    dtype.code: dtype for dtype in _TABLE if dtype.code and not dtype.ml_name and dtype.name != "c64"
}
# The buffer protocol spells complex numbers with a Z, and C's long is one of the fixed-width integers.
BY_CODE["Zf"] = BY_NAME["c64"]
for _code, _kind in (("l", "i"), ("L", "u")):
    BY_CODE[_code] = BY_NAME[f"{_kind}{8 * struct.calcsize(_code)}"]

FLOATS = frozenset(BY_NAME[name] for name in ("f32", "f64", "f16", "bf16"))
