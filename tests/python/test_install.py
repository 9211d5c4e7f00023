"""Installing the package as people do, from the source tree and from a source distribution."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
import sys
import unittest
from pathlib import Path

from support import LIBRARY, PACKAGE, TestCase, run_python


def can_build() -> bool:
    """Whether this interpreter has what pyproject.toml asks for."""
    if not all(importlib.util.find_spec(name) for name in ("pip", "setuptools", "wheel")):
        return False
    return int(importlib.metadata.version("setuptools").split(".")[0]) >= 64


@unittest.skipUnless(can_build(), "needs pip, wheel and setuptools 64 or newer")
class Install(TestCase):
    def install(self, source: Path, **environment: str) -> Path:
        """Into a folder of its own, without the network: what builds the package is taken from this interpreter."""
        target = self.folder / "site"
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-build-isolation", "--no-deps", "--no-index"]
        result = subprocess.run(
            [*command, "--disable-pip-version-check", "--target", target, source],
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
        )
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        return target

    def loaded(self, site: Path, library: "str | None") -> str:
        code = "import softneck; print(softneck.library_path)"
        result = run_python(code, PYTHONPATH=str(site), SOFTNECK_LIBRARY=library)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout.strip()

    def test_from_the_tree_brings_the_library_along(self) -> None:
        site = self.install(PACKAGE, SOFTNECK_LIBRARY="")
        self.assertEqual(self.loaded(site, None), str((site / "softneck" / "libsoftneck.so.0").resolve()))
        self.assertTrue((site / "softneck" / "py.typed").exists())
        (metadata,) = site.glob("softneck-*.dist-info")
        self.assertTrue((metadata / "licenses" / "LICENSE").exists() or (metadata / "LICENSE").exists())
        self.assertIn("Tag: py3-none-linux", (metadata / "WHEEL").read_text())

    def test_with_another_library_is_pure_python(self) -> None:
        site = self.install(PACKAGE, SOFTNECK_LIBRARY=LIBRARY)
        self.assertFalse((site / "softneck" / "libsoftneck.so.0").exists())
        self.assertEqual(self.loaded(site, LIBRARY), LIBRARY)

    def test_outside_the_tree_uses_the_systems(self) -> None:
        alone = self.folder / "alone"
        shutil.copytree(PACKAGE, alone, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        (alone / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: softneck\nVersion: 9.8.7\n")
        site = self.install(alone, SOFTNECK_LIBRARY="")
        self.assertFalse((site / "softneck" / "libsoftneck.so.0").exists())
        self.assertTrue((site / "softneck-9.8.7.dist-info").exists())
        self.assertEqual(self.loaded(site, LIBRARY), LIBRARY)


if __name__ == "__main__":
    unittest.main()
