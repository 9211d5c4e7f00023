"""What the tests of tools on many ranks share: the same command alone and under mpirun, and numbers that agree."""

import json
import math
import os
import shutil
import subprocess
import tempfile
import unittest

from hosts import environment

SOURCE = os.path.abspath(os.environ.get("SOFTNECK_SOURCE_DIR", "."))
BUILD = os.path.join(SOURCE, os.environ.get("BUILD", "build"))
DATA = os.path.join(SOURCE, "examples", "data")
STORIES = os.path.join(DATA, "stories260K", "stories260K.bin")
TOKENIZER = os.path.join(DATA, "stories260K", "tok512.bin")
TEXT = os.path.join(DATA, "text", "tinystories-100.jsonl")
RANKS = (1, 2, 3, 4)


class ManyRanks(unittest.TestCase):
    name = ""  # of the tool

    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)

    def path(self, name):
        return os.path.join(self.folder, name)

    def command(self, ranks, *arguments):
        """ranks 0: the plain tool."""
        if ranks == 0:
            return [os.path.join(BUILD, "examples", self.name), *arguments]
        return ["mpirun", "-np", str(ranks), os.path.join(BUILD, "mpi", self.name), *arguments]

    def run_on(self, ranks, *arguments, **more):
        more = {"OMPI_MCA_btl": "self,vader", "SOFTNECK_NUM_THREADS": "1", **more}
        return subprocess.run(self.command(ranks, *arguments), capture_output=True, timeout=120, check=False,
                              env=environment(**more))

    def expect(self, ranks, status, *arguments):
        result = self.run_on(ranks, *arguments)
        self.assertEqual(result.returncode, status, result.stderr.decode(errors="replace"))
        return result

    def rows(self, ranks, *arguments):
        return [json.loads(line) for line in self.expect(ranks, 0, "--json", "--quiet", *arguments).stdout.splitlines()]

    def agree(self, one, many, tolerance, where=""):
        """Numbers to a relative tolerance, the rest exactly."""
        if isinstance(one, dict):
            self.assertEqual(list(one), list(many), where)
            for name in one:
                self.agree(one[name], many[name], tolerance, f"{where}.{name}")
        elif isinstance(one, list):
            self.assertEqual(len(one), len(many), where)
            for i, (a, b) in enumerate(zip(one, many)):
                self.agree(a, b, tolerance, f"{where}[{i}]")
        elif isinstance(one, float) and not isinstance(many, str) and many is not None:
            self.assertTrue(math.isclose(one, many, rel_tol=tolerance, abs_tol=1e-13),
                            f"{where}: {one!r} alone, {many!r} together")
        else:
            self.assertEqual(one, many, where)
