"""How things are computed: threads, seed, progress and log."""

from __future__ import annotations

import ctypes
from typing import Any, Callable, NamedTuple, Optional

from . import _abi
from ._library import Handle, hold_exception, integer, lib, text

_LOG_LEVELS = {0: 10, 1: 20, 2: 30}  # the library's debug, info, warning as those of Python's logging module


class Progress(NamedTuple):
    """What a progress callback is told."""

    task: str  # what is being done, e.g. "gram"
    unit: str  # of done and total, e.g. "rows"
    done: int
    total: Optional[int]  # None when it is not known


class Context(Handle):
    """Threads, seed and callbacks of everything computed with it; may be shared between threads.

    threads   worker threads including the caller; 0: SOFTNECK_NUM_THREADS, else the CPUs this process may use
    seed      of everything random
    progress  called with a Progress now and then, on the thread that made the call. A true result cancels the call
              (CancelledError); an exception does too, and is raised where the call was made
    log       called with a level of Python's logging module and a message, so `logging.getLogger("softneck").log`
              does; an exception in it is reported and ignored
    """

    def __init__(
        self,
        threads: int = 0,
        seed: int = 0,
        progress: Optional[Callable[[Progress], object]] = None,
        log: Optional[Callable[[int, str], object]] = None,
    ) -> None:
        options = _abi.ContextOptions(
            threads=integer(threads, "threads", 0, 1024), seed=integer(seed, "seed", 0, 2**64 - 1)
        )
        # C holds these for the life of the context, so Python must too.
        self._callbacks = (_progress_callback(progress), _log_callback(log))
        options.progress, options.log = self._callbacks
        pointer = ctypes.c_void_p()
        lib.neck_context_create(options, pointer)
        super().__init__(pointer, lib.neck_context_destroy)

    @property
    def threads(self) -> int:
        """How many threads its calls use at most."""
        return int(lib.neck_context_threads(self))

    def __repr__(self) -> str:
        return f"<softneck.Context threads={self.threads}>"


def _progress_callback(function: Optional[Callable[[Progress], object]]) -> Any:
    if function is None:
        return _abi.PROGRESS_FN()

    def call(user: Any, told: Any) -> int:
        try:
            said = told.contents
            total = said.total if said.total >= 0 else None
            return 1 if function(Progress(text(said.task) or "", text(said.unit) or "", said.done, total)) else 0
        except BaseException as error:  # cannot cross C: it waits until the call has returned
            hold_exception(error)
            return 1

    return _abi.PROGRESS_FN(call)


def _log_callback(function: Optional[Callable[[int, str], object]]) -> Any:
    if function is None:
        return _abi.LOG_FN()

    def call(user: Any, level: int, message: bytes) -> None:
        function(_LOG_LEVELS.get(level, 30), text(message) or "")

    return _abi.LOG_FN(call)
