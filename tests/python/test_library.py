"""Finding and checking the library, and what loading it does to the process."""

from __future__ import annotations

import os
import shutil
import subprocess
import unittest
from pathlib import Path

from support import LIBRARY, PACKAGE, TestCase, run_python, softneck

IMPORT = "import softneck; print(softneck.library_path)"


class Search(TestCase):
    def fake(self, source: str) -> str:
        """A shared library of another making."""
        code, library = self.folder / "fake.c", self.folder / "fake.so"
        code.write_text(source)
        subprocess.run([os.environ.get("CC", "cc"), "-shared", "-fPIC", code, "-o", library], check=True)
        return str(library)

    def refused(self, library: str) -> str:
        result = run_python(IMPORT, SOFTNECK_LIBRARY=library)
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("ImportError", result.stderr)
        return result.stderr.strip().splitlines()[-1]

    def copy_of_package(self, where: Path) -> Path:
        shutil.copytree(PACKAGE / "softneck", where / "softneck", ignore=shutil.ignore_patterns("__pycache__"))
        return where

    def test_override_comes_first(self) -> None:
        copy = self.folder / "elsewhere.so"
        shutil.copyfile(LIBRARY, copy)
        self.assertEqual(run_python(IMPORT, SOFTNECK_LIBRARY=str(copy)).stdout.strip(), str(copy))

    def test_override_that_fails_is_not_masked(self) -> None:
        self.assertIn("/nonexistent/lib.so", self.refused("/nonexistent/lib.so"))

    def test_bundled_library_is_found(self) -> None:
        root = self.copy_of_package(self.folder)
        bundled = root / "softneck" / "libsoftneck.so.0"
        shutil.copyfile(LIBRARY, bundled)
        found = run_python(IMPORT, PYTHONPATH=str(root), SOFTNECK_LIBRARY=None)
        self.assertEqual(found.stdout.strip(), str(bundled.resolve()), found.stderr)

    def test_uninstalled_library_of_the_source_tree_is_found(self) -> None:
        tree = self.folder / "tree"
        root = self.copy_of_package(tree / "lib" / "python")
        (tree / "include").mkdir()
        (tree / "include" / "softneck.h").touch()
        (tree / "build" / "lib").mkdir(parents=True)
        built = tree / "build" / "lib" / "libsoftneck.so.0"
        shutil.copyfile(LIBRARY, built)
        found = run_python(IMPORT, PYTHONPATH=str(root), SOFTNECK_LIBRARY=None)
        self.assertEqual(found.stdout.strip(), str(built.resolve()), found.stderr)

    def test_installed_library_is_found_by_soname(self) -> None:
        root = self.copy_of_package(self.folder / "site")
        system = self.folder / "system"
        system.mkdir()
        shutil.copyfile(LIBRARY, system / "libsoftneck.so.0")
        found = run_python(IMPORT, PYTHONPATH=str(root), SOFTNECK_LIBRARY=None, LD_LIBRARY_PATH=str(system))
        self.assertEqual(found.stdout.strip(), "libsoftneck.so.0", found.stderr)

    def test_another_library_is_named_as_such(self) -> None:
        self.assertIn("not the softneck library", self.refused(self.fake("int other;")))

    def test_another_abi_is_refused(self) -> None:
        message = self.refused(self.fake("int neck_abi_version(void) { return 7; }"))
        self.assertIn("ABI version 7", message)
        self.assertIn("needs 0", message)

    def test_an_older_library_of_the_same_abi_is_refused(self) -> None:
        message = self.refused(self.fake("int neck_abi_version(void) { return 0; }"))
        self.assertIn("older than this softneck package", message)


class Loading(TestCase):
    def test_version_is_the_headers(self) -> None:
        self.assertRegex(softneck.__version__, r"^\d+\.\d+\.\d+$")
        self.assertIn(softneck.__version__, softneck.build_info())

    def test_float_mode_is_left_alone(self) -> None:
        result = run_python("import sys, softneck; assert sys.float_info.min / 2 != 0")
        self.assertEqual(result.returncode, 0, result.stderr)

    def test_symbols_stay_out_of_the_global_namespace(self) -> None:
        result = run_python("import ctypes, softneck; print(hasattr(ctypes.CDLL(None), 'neck_abi_version'))")
        self.assertEqual(result.stdout.strip(), "False", result.stderr)

    def test_neither_numpy_nor_torch_is_needed(self) -> None:
        code = """
import sys
sys.modules["numpy"] = None
import softneck
from array import array

flat = array("f", [1, 0, 0, 2, 0, 0])
W = memoryview(flat).cast("B").cast("f", [3, 2])
s = softneck.spectrum(W)
assert list(s.singular_values) == [2.0, 1.0], list(s.singular_values)
assert s.singular_values.readonly and s.singular_values.format == "d"
assert softneck.spectrum([[3, 0], [0, 4]]).singular_values.tolist() == [4.0, 3.0]
wide = memoryview(array("d", range(12))).cast("B").cast("d", [3, 4])
assert abs(softneck.spectrum(wide).frobenius_squared - 506) < 1e-9
U, sigma, Vt = softneck.svd(W)
assert U.shape == (3, 2) and Vt.shape == (2, 2) and sigma.tolist() == [2.0, 1.0]
gram = softneck.Gram(2, shift=[1.0, 0.0])
gram.push(W)
assert gram.data.tolist() == [[2.0, -2.0], [-2.0, 4.0]], gram.data.tolist()
half = memoryview(array("H", [0x3f80, 0, 0, 0x4000])).cast("B").cast("H", [2, 2])
assert softneck.spectrum(half, dtype="bf16").singular_values.tolist() == [2.0, 1.0]
weighted = softneck.spectrum(W, variant="frequency_centered", row_weights=[1, 2, 3])
assert weighted.variant == "frequency_centered"
try:
    softneck.spectrum(object())
except TypeError:
    pass
assert "torch" not in sys.modules
print("fine")
"""
        result = run_python(code)
        self.assertEqual(result.stdout.strip(), "fine", result.stderr)


if __name__ == "__main__":
    unittest.main()
