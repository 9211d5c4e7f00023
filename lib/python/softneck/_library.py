"""Finds the shared library, checks that it fits, and gives every function its types and its error check."""

from __future__ import annotations

import ctypes
import ctypes.util
import operator
import os
import threading
import weakref
from pathlib import Path
from typing import Any, Callable, Iterator, Mapping, Optional, Tuple, Union

from . import _abi
from ._errors import ArgumentError, StateError, from_status

SONAME = f"libsoftneck.so.{_abi.ABI_VERSION}"
OVERRIDE = "SOFTNECK_LIBRARY"

FileName = Union[str, bytes, "os.PathLike[str]", "os.PathLike[bytes]"]


def _candidates() -> Iterator[str]:
    """Where the library may be, best first. An override is the only candidate: a wrong one must not be masked."""
    override = os.environ.get(OVERRIDE)
    if override:
        yield override
        return
    package = Path(__file__).resolve().parent
    tree = package.parents[2]
    bundled, uninstalled = package / SONAME, tree / "build" / "lib" / SONAME
    if bundled.exists():
        yield str(bundled)
    if (tree / "include" / "softneck.h").exists() and uninstalled.exists():
        yield str(uninstalled)
    yield SONAME
    found = ctypes.util.find_library("softneck")
    if found and found != SONAME:
        yield found


def _open() -> Tuple[ctypes.CDLL, str]:
    tried = []
    for candidate in _candidates():
        try:
            return ctypes.CDLL(candidate), candidate  # RTLD_LOCAL: its symbols stay out of everyone else's way
        except OSError as error:
            tried.append(f"{candidate} ({error})" if candidate not in str(error) else str(error))
    raise ImportError(
        f"softneck cannot load its library {SONAME}: " + "; ".join(tried) + ". Build it with `make` in the source "
        f"tree, install it, or set {OVERRIDE} to the path of the file."
    )


def _check_abi(library: ctypes.CDLL, path: str) -> None:
    """Before anything else is called: a library of another ABI would misread every argument."""
    try:
        found = library.neck_abi_version()
    except AttributeError:
        raise ImportError(f"{path} is not the softneck library: it has no neck_abi_version") from None
    if found != _abi.ABI_VERSION:
        raise ImportError(f"{path} has ABI version {found}, this softneck package needs {_abi.ABI_VERSION}")


# An exception raised inside a progress callback waits here, on its own thread, until the C call has returned.
_raised = threading.local()


def hold_exception(error: BaseException) -> None:
    _raised.error = error


def _take_exception() -> Optional[BaseException]:
    error: Optional[BaseException] = getattr(_raised, "error", None)
    _raised.error = None
    return error


def _bind(library: ctypes.CDLL, path: str) -> None:
    def check(result: Any, function: Any, arguments: Any) -> Any:
        # ctypes calls this on the thread of the call and right after it, so the thread-local message is ours.
        status = result.value
        if status == 0:
            return None
        held = _take_exception() if status == _abi.STATUS_CANCELLED else None
        if held is not None:
            raise held
        raise from_status(status, library.neck_last_error().decode("utf-8", "replace"))

    for name, (result, arguments) in _abi.FUNCTIONS.items():
        try:
            function = getattr(library, name)
        except AttributeError:
            raise ImportError(f"{path} has no {name}: it is older than this softneck package") from None
        function.restype, function.argtypes = result, arguments
        if result is _abi.Status:
            function.errcheck = check


def _load() -> Tuple[Any, str]:
    library, path = _open()
    _check_abi(library, path)
    _bind(library, path)
    return library, path


lib, path = _load()


class Handle:
    """Owns one opaque C object and destroys it when the last Python reference is gone.

    Arrays that point into the object keep a reference to it, so they can outlive everything else.
    """

    def __init__(self, pointer: ctypes.c_void_p, destroy: Callable[[Any], None]) -> None:
        self._as_parameter_ = ctypes.c_void_p(pointer.value)
        # At exit the process's memory goes away as a whole; other exit handlers may still be reading views.
        self._finalizer = weakref.finalize(self, destroy, pointer.value)
        self._finalizer.atexit = False

    def __reduce__(self) -> Any:
        raise TypeError("a softneck object holds native memory and can be neither pickled nor copied")


def text(value: Optional[bytes]) -> Optional[str]:
    return None if value is None else value.decode("utf-8", "surrogateescape")


def string(value: str) -> bytes:
    """A Python string for C, which would silently stop at an embedded NUL."""
    encoded = value.encode("utf-8", "surrogateescape")
    if b"\0" in encoded:
        raise ValueError(f"embedded NUL character in {value!r}")
    return encoded


def file_name(value: FileName) -> bytes:
    encoded = os.fsencode(value)
    if b"\0" in encoded:
        raise ValueError(f"embedded NUL character in path {value!r}")
    return encoded


def integer(value: Any, what: str, low: int = -(2**63), high: int = 2**63 - 1) -> int:
    """An integer that fits, where ctypes would cut it to its lowest bits."""
    number = operator.index(value)
    if not low <= number <= high:
        raise ArgumentError(f"{what} is {number}, it must be {low} to {high}")
    return number


def or_default(value: Optional[float], what: str) -> float:
    """0, by which C knows that its default is meant, for None; a 0 that was given would become it silently."""
    if value is None:
        return 0
    if value == 0:
        raise ArgumentError(f"{what} is 0; for its default leave it out")
    return value


def choice(table: Mapping[str, int], value: str, what: str) -> int:
    """The number behind a name."""
    try:
        return table[value]
    except KeyError:
        raise ArgumentError(f"unknown {what} {value!r}; there are {', '.join(table)}") from None


class Turn:
    """Lets one call at a time work on an object that C does not lock; the next thread waits.

    A callback that comes back to the object its own call is working on would wait for ever: it is refused.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._holder: Optional[int] = None

    def __enter__(self) -> None:
        if self._holder == threading.get_ident():
            raise StateError("a callback may not use the object that its own call is working on")
        self._lock.acquire()
        self._holder = threading.get_ident()

    def __exit__(self, *exception: object) -> None:
        self._holder = None
        self._lock.release()
