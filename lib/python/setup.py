"""Builds the C library with make and puts it into the wheel, when the package lies in the source tree.

Outside of it (a source distribution), or when SOFTNECK_LIBRARY names a library to use instead, the wheel holds
Python alone and finds the library when it is imported.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

from setuptools import Distribution, setup
from setuptools.command.build_py import build_py

try:
    from setuptools.command.bdist_wheel import bdist_wheel
except ImportError:  # setuptools before 70.1
    from wheel.bdist_wheel import bdist_wheel

HERE = Path(__file__).resolve().parent
TREE = HERE.parents[1]
VERSION_HEADER = TREE / "include" / "softneck" / "version.h"
IN_TREE = VERSION_HEADER.exists()
BUNDLES = IN_TREE and not os.environ.get("SOFTNECK_LIBRARY")
BUILD = TREE / os.environ.get("BUILD", "build")


def version():
    if not IN_TREE:
        return re.search(r"^Version: (.*)$", (HERE / "PKG-INFO").read_text(), re.M).group(1)
    return ".".join(
        re.search(rf"NECK_VERSION_{part} (\d+)", VERSION_HEADER.read_text()).group(1)
        for part in ("MAJOR", "MINOR", "PATCH")
    )


class BuildWithLibrary(build_py):
    def run(self):
        super().run()
        if not BUNDLES or getattr(self, "editable_mode", False):
            return
        make = subprocess.run(["make", "-C", TREE, f"BUILD={BUILD}", "shared"], check=False)
        if make.returncode != 0:
            raise SystemExit(
                f"building libsoftneck failed (`make shared` in {TREE}, see above); `make deps` there installs what "
                "it needs, SOFTNECK_LIBRARY=/path/to/libsoftneck.so.0 uses another one"
            )
        (soname,) = BUILD.glob("lib/libsoftneck.so.?")
        shutil.copyfile(soname, Path(self.build_lib) / "softneck" / soname.name)


class PlatformWheel(bdist_wheel):
    """The library is native, the Python is not bound to one interpreter."""

    def get_tag(self):
        return ("py3", "none", super().get_tag()[2])


class DistributionWithLibrary(Distribution):
    def has_ext_modules(self):
        return BUNDLES


setup(
    version=version(),
    distclass=DistributionWithLibrary,
    cmdclass={"build_py": BuildWithLibrary, **({"bdist_wheel": PlatformWheel} if BUNDLES else {})},
    # What setuptools leaves behind goes where the rest of the build does, not beside the sources.
    options={"build": {"build_base": str(BUILD / "python")}} if IN_TREE else {},
)
