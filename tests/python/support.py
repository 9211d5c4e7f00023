"""What the Python tests share: where the sources are, and the package imported from there."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

SOURCE = Path(os.environ.get("SOFTNECK_SOURCE_DIR") or Path(__file__).resolve().parents[2]).resolve()
PACKAGE = SOURCE / "lib" / "python"
DATA = SOURCE / "examples" / "data"
sys.path.insert(0, str(PACKAGE))
built = SOURCE / os.environ.get("BUILD", "build") / "lib" / "libsoftneck.so.0"
if built.exists():
    os.environ.setdefault("SOFTNECK_LIBRARY", str(built))

import numpy  # noqa: E402

import softneck  # noqa: E402

LIBRARY = os.path.abspath(softneck.library_path) if os.sep in softneck.library_path else softneck.library_path


class TestCase(unittest.TestCase):
    """With a scratch folder, removed afterwards."""

    @property
    def folder(self) -> Path:
        if not hasattr(self, "_folder"):
            scratch = tempfile.TemporaryDirectory(prefix="softneck-test-")
            self.addCleanup(scratch.cleanup)
            self._folder = Path(scratch.name)
        return self._folder


def random(rows: int, cols: int, dtype: str = "float64", seed: int = 1) -> numpy.ndarray:
    return numpy.random.default_rng(seed).standard_normal((rows, cols)).astype(dtype)


def bf16_bits(values: numpy.ndarray) -> numpy.ndarray:
    """The upper halves of float32 numbers."""
    return (values.astype("float32").view("uint32") >> 16).astype("uint16")


def widened(bits: numpy.ndarray) -> numpy.ndarray:
    return (bits.astype("uint32") << 16).view("float32").astype("float64")


def run_python(code: str, cwd: "Path | str" = "/", **environment: "str | None") -> subprocess.CompletedProcess:
    """Another interpreter with the package on its path; environment None removes a variable."""
    variables = {**os.environ, "PYTHONPATH": str(PACKAGE), "SOFTNECK_LIBRARY": LIBRARY, **environment}
    present = {name: value for name, value in variables.items() if value is not None}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=cwd, env=present, capture_output=True, text=True, timeout=600)
