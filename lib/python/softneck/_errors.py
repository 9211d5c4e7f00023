"""Exceptions: one class for each status code, each also a built-in exception where one fits."""

from __future__ import annotations

from typing import Dict, Optional, Type


class Error(Exception):
    """Base of everything softneck raises. str() is the library's message, .status its neck_status code."""

    status: int = 0

    def __init__(self, message: str = "", status: Optional[int] = None) -> None:
        super().__init__(message)
        if status is not None:
            self.status = status

    def __str__(self) -> str:  # KeyError would quote the message
        return str(self.args[0]) if self.args else ""


class ArgumentError(Error, ValueError):
    """An argument makes no sense."""

    status = -1


class OutOfMemoryError(Error, MemoryError):
    status = -2


class NonFiniteError(Error, ValueError):
    """The input holds NaN or infinity; the message names the row and column."""

    status = -3


class CancelledError(Error):
    """A progress callback asked to stop."""

    status = -4


class FileError(Error, OSError):
    """The operating system refused a file operation; the message gives its reason."""

    status = -5


class FormatError(Error, ValueError):
    """A malformed or truncated file; the message names the fault."""

    status = -6


class UnsupportedError(Error, ValueError):
    """Well formed, but not supported."""

    status = -7


class NotFoundError(Error, KeyError):
    """No such tensor, file or name."""

    status = -8


class RangeError(Error, OverflowError):
    """A size or value exceeds what can be represented."""

    status = -9


class ConvergenceError(Error, ArithmeticError):
    """An iterative solver did not converge."""

    status = -10


class TrailingDataError(FormatError):
    """Well formed, but followed by bytes that belong to nothing."""

    status = -11


class StateError(Error, RuntimeError):
    """The object is not in a state that allows this call."""

    status = -12


class InternalError(Error, RuntimeError):
    """A bug in softneck: please report it."""

    status = -13


BY_STATUS: Dict[int, Type[Error]] = {
    cls.status: cls
    for cls in (
        ArgumentError,
        OutOfMemoryError,
        NonFiniteError,
        CancelledError,
        FileError,
        FormatError,
        UnsupportedError,
        NotFoundError,
        RangeError,
        ConvergenceError,
        TrailingDataError,
        StateError,
        InternalError,
    )
}


def from_status(status: int, message: str) -> Error:
    """The exception for a status code; a code newer than this package becomes a plain Error."""
    cls = BY_STATUS.get(status)
    return cls(message) if cls else Error(message, status)
