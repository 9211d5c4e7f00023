"""Singular values of a matrix, and its thin singular value decomposition."""

from __future__ import annotations

import ctypes
from typing import Any, Iterable, NamedTuple, Optional

from . import _abi
from ._arrays import F64, doubles, new_f64, view
from ._context import Context
from ._inputs import Block, block
from ._library import Handle, choice, integer, lib, string, text
from ._metrics import Metrics


class Spectrum(Handle, Metrics):
    """Singular values in decreasing order, what they belong to, and how wrong each can be. Immutable.

    Made by softneck.spectrum(), Gram.spectrum() or Spectrum.from_values().
    """

    def __init__(self, pointer: ctypes.c_void_p) -> None:
        super().__init__(pointer, lib.neck_spectrum_destroy)

    @classmethod
    def from_values(
        cls,
        values: Iterable[float],
        rows: int,
        cols: int,
        frobenius_squared: Optional[float] = None,
        error_bound: float = 0.0,
        context: Optional[Context] = None,
    ) -> "Spectrum":
        """Singular values computed elsewhere, in any order, of a rows x cols matrix.

        frobenius_squared  |W|_F^2, needed when not all min(rows, cols) values are given
        error_bound        absolute, the same for every value
        """
        given = doubles(values, "values")
        out = ctypes.c_void_p()
        squared = -1.0 if frobenius_squared is None else frobenius_squared
        lib.neck_spectrum_from_values(
            context, given, len(given), integer(rows, "rows"), integer(cols, "cols"), squared, error_bound, out
        )
        return cls(out)

    @property
    def singular_values(self) -> Any:
        """All known singular values, decreasing: a read-only float64 array over the library's memory."""
        return self._array(lib.neck_spectrum_values(self))

    @property
    def error_bounds(self) -> Any:
        """|true - computed| of each singular value is at most this, absolute. Read-only, not copied either."""
        return self._array(lib.neck_spectrum_error_bounds(self))

    def _array(self, pointer: Any) -> Any:
        return view(ctypes.addressof(pointer.contents), F64, (self.count,), self)

    @property
    def rows(self) -> int:
        return int(lib.neck_spectrum_rows(self))

    @property
    def cols(self) -> int:
        return int(lib.neck_spectrum_cols(self))

    @property
    def count(self) -> int:
        """How many singular values are known."""
        return int(lib.neck_spectrum_count(self))

    @property
    def size(self) -> int:
        """How many there are in all."""
        return int(lib.neck_spectrum_size(self))

    @property
    def frobenius_squared(self) -> float:
        """|W|_F^2 from the entries, not from the values."""
        return float(lib.neck_spectrum_frobenius_squared(self))

    @property
    def resolution(self) -> float:
        """Singular values below this carry no information."""
        return float(lib.neck_spectrum_resolution(self))

    @property
    def method(self) -> str:
        """ "gram", "qr" or "given"."""
        return text(lib.neck_method_name(lib.neck_spectrum_method(self))) or ""

    @property
    def variant(self) -> str:
        """ "raw", "centered", "frequency_centered" or "drop_top"."""
        return text(lib.neck_variant_name(lib.neck_spectrum_variant(self))) or ""

    def __len__(self) -> int:
        return self.count

    def __repr__(self) -> str:
        known = f"{self.count}" if self.count == self.size else f"{self.count} of {self.size}"
        return (
            f"<softneck.Spectrum of a {self.rows} x {self.cols} matrix: {known} singular values, "
            f"largest {self.singular_values[0]:.6g}, {self.variant}, by {self.method}>"
        )


class _Factors(NamedTuple):
    U: Any
    s: Any
    Vt: Any


class SVD(_Factors):
    """U, s, Vt of W = U diag(s) Vt; unpacks into the three. error_bound is absolute, for each s."""

    error_bound: float


def variant_number(name: str) -> int:
    number = ctypes.c_int32()
    lib.neck_variant_find(string(name), number)
    return number.value


def _weights(row_weights: Optional[Iterable[float]], matrix: Block) -> Any:
    return None if row_weights is None else doubles(row_weights, "row_weights", matrix.shape[0])


def spectrum(
    W: Any,
    method: Optional[str] = None,
    variant: str = "raw",
    row_weights: Optional[Iterable[float]] = None,
    tolerance: float = 0.0,
    context: Optional[Context] = None,
    dtype: Optional[str] = None,
) -> Spectrum:
    """All singular values of a matrix.

    W            anything two-dimensional of f32, f64, f16 or bf16: numpy, torch, a buffer, a tensor or head of a
                 checkpoint, nested lists. Read where it lies when its rows are packed; other orders are copied
    method       None chooses by cost and tolerance; "gram" is fastest, "qr" exact to the last values
    variant      "raw", "centered", "frequency_centered" (needs row_weights) or "drop_top"
    row_weights  one number >= 0 a row, e.g. token counts
    tolerance    go on to "qr" when a relative error bound exceeds this; 0: never
    dtype        what 16-bit integers in W are the bits of: "bf16" or "f16"
    """
    numbers = block(W, dtype)
    matrix = numbers.matrix()
    options = _abi.SpectrumOptions(
        method=choice(_abi.METHODS, method or "auto", "method"),
        variant=variant_number(variant),
        row_weights=_weights(row_weights, numbers),
        tolerance=tolerance,
    )
    out = ctypes.c_void_p()
    lib.neck_spectrum_compute(context, matrix, options, out)
    return Spectrum(out)


def svd(
    W: Any,
    variant: str = "raw",
    row_weights: Optional[Iterable[float]] = None,
    context: Optional[Context] = None,
    dtype: Optional[str] = None,
) -> SVD:
    """Thin singular value decomposition: U (rows x k), s (k, decreasing), Vt (k x cols), k = min(rows, cols).

    In each singular vector of the shorter side (rows of Vt for a tall matrix) the entry of largest magnitude is
    positive. Arguments as for spectrum().
    """
    numbers = block(W, dtype)
    matrix = numbers.matrix()
    rows, cols = numbers.shape
    size = min(rows, cols)
    options = _abi.SvdOptions(variant=variant_number(variant), row_weights=_weights(row_weights, numbers))
    (u, u_memory), (s, s_memory), (vt, vt_memory) = (new_f64(shape) for shape in ((rows, size), (size,), (size, cols)))
    bound = ctypes.c_double()
    lib.neck_svd_compute(context, matrix, options, u_memory, s_memory, vt_memory, bound)
    result = SVD(u, s, vt)
    result.error_bound = bound.value
    return result
