"""What the tests of tools on many ranks share: the same command alone and under mpirun, and numbers that agree."""

import json
import math
import os
import subprocess
import sys

from hosts import environment

sys.path.insert(0, os.path.join(os.path.abspath(os.environ.get("SOFTNECK_SOURCE_DIR", ".")), "tests", "tool"))
from running import BUILD, DATA, LIMIT, SOURCE, STORIES, TEXT, TOKENIZER, ToolTest, has_worked  # noqa: E402, F401

RANKS = (1, 2, 3, 4)


class ManyRanks(ToolTest):
    def command(self, ranks, *arguments):
        """ranks 0: the plain tool."""
        if ranks == 0:
            return [os.path.join(BUILD, "examples", self.name), *arguments]
        return ["mpirun", "-np", str(ranks), os.path.join(BUILD, "mpi", self.name), *arguments]

    def run_on(self, ranks, *arguments, **more):
        more = {"OMPI_MCA_btl": "self,vader", "SOFTNECK_NUM_THREADS": "1", **more}
        return subprocess.run(self.command(ranks, *arguments), capture_output=True, timeout=LIMIT, check=False,
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
