"""Streaming second moments of rows, and the geometry of representations that they give."""

from __future__ import annotations

import ctypes
from contextlib import ExitStack
from typing import Any, Iterable, Optional

from . import _abi
from ._arrays import copy_f64, doubles, new_f64
from ._context import Context
from ._inputs import block
from ._library import FileName, Handle, Turn, file_name, integer, lib
from ._metrics import Measure, measure
from ._spectrum import Spectrum, variant_number


class Gram(Handle):
    """Accumulates n, sum y, sum y/|y|, sum |y| and sum y yT of rows y = x - shift, in double precision.

    cols          numbers in a row
    shift         subtracted from every row first; None: nothing
    moments_only  keep no cols x cols matrix: enough for anisotropy and norms
    context       of every computation on it

    Threads may share one: their calls take turns.
    """

    def __init__(
        self,
        cols: int,
        shift: Optional[Iterable[float]] = None,
        moments_only: bool = False,
        context: Optional[Context] = None,
    ) -> None:
        cols = integer(cols, "cols")
        options = _abi.GramOptions(
            shift=None if shift is None else doubles(shift, "shift", cols), moments_only=bool(moments_only)
        )
        out = ctypes.c_void_p()
        lib.neck_gram_create(context, cols, options, out)
        self._adopt(out, context)

    def _adopt(self, pointer: ctypes.c_void_p, context: Optional[Context]) -> None:
        super().__init__(pointer, lib.neck_gram_destroy)
        self._context = context
        self._turn = Turn()

    @classmethod
    def load(cls, path: FileName, context: Optional[Context] = None) -> "Gram":
        """What save() wrote, bit for bit."""
        out = ctypes.c_void_p()
        lib.neck_gram_load(context, file_name(path), out)
        gram = cls.__new__(cls)
        gram._adopt(out, context)
        return gram

    def save(self, path: FileName) -> None:
        """Writes a safetensors file, which appears whole or not at all."""
        self._call(lib.neck_gram_save, self._context, self, file_name(path))

    def push(self, rows: Any, dtype: Optional[str] = None) -> None:
        """Adds all rows of a matrix (see spectrum() for what that can be); all or nothing."""
        numbers = block(rows, dtype)
        self._call(lib.neck_gram_push, self._context, self, numbers.matrix())

    def merge(self, other: "Gram") -> None:
        """Adds what other holds; other is unchanged."""
        if not isinstance(other, Gram):
            raise TypeError(f"a Gram merges with another Gram, not with {type(other).__name__}")
        with ExitStack() as turns:
            for gram in sorted({self, other}, key=id):  # one order for all threads, so that none waits in a circle
                turns.enter_context(gram._turn)
            lib.neck_gram_merge(self, other)

    def __iadd__(self, other: "Gram") -> "Gram":
        if not isinstance(other, Gram):
            return NotImplemented
        self.merge(other)
        return self

    def _call(self, function: Any, *arguments: Any) -> Any:
        with self._turn:
            return function(*arguments)

    def _measure(self, function: Any, *arguments: Any) -> Measure:
        with self._turn:
            return measure(function, *arguments)

    def _copy(self, function: Any, *shape: int) -> Any:
        with self._turn:
            return copy_f64(function(self), shape)

    @property
    def count(self) -> int:
        """Rows pushed."""
        return int(self._call(lib.neck_gram_count, self))

    @property
    def cols(self) -> int:
        return int(self._call(lib.neck_gram_cols, self))

    @property
    def zero_rows(self) -> int:
        """Rows with y = 0: they count, and add nothing else."""
        return int(self._call(lib.neck_gram_zero_rows, self))

    @property
    def norm_sum(self) -> float:
        """sum |y|."""
        return float(self._call(lib.neck_gram_norm_sum, self))

    @property
    def sum(self) -> Any:
        """sum y, a copy."""
        return self._copy(lib.neck_gram_sum, self.cols)

    @property
    def unit_sum(self) -> Any:
        """sum y/|y|, a copy."""
        return self._copy(lib.neck_gram_unit_sum, self.cols)

    @property
    def shift(self) -> Any:
        """A copy of the shift; None when there is none."""
        return self._copy(lib.neck_gram_shift, self.cols)

    @property
    def data(self) -> Any:
        """sum y yT, cols x cols, a copy; None when moments_only."""
        return self._copy(lib.neck_gram_data, self.cols, self.cols)

    @property
    def mean(self) -> Any:
        """The mean of the rows as pushed, before the shift."""
        result, memory = new_f64((self.cols,))
        self._call(lib.neck_gram_mean, self, memory)
        return result

    def spectrum(self, variant: str = "raw") -> Spectrum:
        """Singular values of the matrix of all rows pushed: "raw", "centered" or "drop_top"."""
        options = _abi.SpectrumOptions(variant=variant_number(variant))
        out = ctypes.c_void_p()
        self._call(lib.neck_gram_spectrum, self._context, self, options, out)
        return Spectrum(out)

    def anisotropy(self) -> Measure:
        """The mean cosine between two different rows; zero rows are left out."""
        return self._measure(lib.neck_anisotropy, self)

    def mean_norm(self) -> Measure:
        """The mean length of a row."""
        return self._measure(lib.neck_mean_norm, self)

    def isoscore(self) -> Measure:
        """IsoScore (Rudman et al. 2022): how evenly the variance fills the dimensions, 0 to 1."""
        return self._measure(lib.neck_isoscore, self._context, self)

    def partition_isotropy(self, rows: Any, dtype: Optional[str] = None) -> Measure:
        """min Z / max Z of the partition function (Mu & Viswanath 2018); rows: those that were pushed, again."""
        numbers = block(rows, dtype)
        return self._measure(lib.neck_partition_isotropy, self._context, self, numbers.matrix())

    def __repr__(self) -> str:
        return f"<softneck.Gram of {self.count} rows of {self.cols}>"


def anisotropy(
    W: Any, centered: bool = False, context: Optional[Context] = None, dtype: Optional[str] = None
) -> Measure:
    """The mean cosine between two different rows of a matrix, after subtracting their mean when centered."""
    numbers = block(W, dtype)
    return measure(lib.neck_matrix_anisotropy, context, numbers.matrix(), bool(centered))
