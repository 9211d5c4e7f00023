"""The study of widths by several processes that share a folder: what one makes, and a killed one's run is taken up."""

import os
import signal
import subprocess
import sys
import unittest

from hosts import environment
from many import BUILD, LIMIT, SOURCE, TEXT, ManyRanks


class StudyWidth(ManyRanks):
    def command(self, out):
        return [sys.executable, os.path.join(SOURCE, "examples", "study_width.py"), "--quick", "--steps", "30",
                "--widths", "8", "16", "--seeds", "1", "2", "--text", TEXT, "--build", BUILD, "--out", self.path(out)]

    def start(self, out, **more):
        return super().start(out, stderr=subprocess.DEVNULL, env=environment(), **more)

    def run_study(self, out, *launcher):
        subprocess.run([*launcher, *self.command(out)], check=True, capture_output=True, timeout=LIMIT,
                       env=environment(OMPI_MCA_btl="self,vader"))
        with open(self.path(f"{out}/results.md"), encoding="utf-8") as file:
            return file.read()

    def test_several_processes_make_what_one_makes(self):
        alone = self.run_study("alone")
        self.assertEqual(len(alone.splitlines()), 6)
        self.assertEqual(self.run_study("together", "mpirun", "-np", "3"), alone)

    def test_a_run_that_a_killed_process_was_at_is_taken_up(self):
        first = self.start("out", stdout=subprocess.DEVNULL, start_new_session=True)
        self.until(lambda: os.path.exists(self.path("out/d8-seed1/run.json")), first)
        second = self.start("out", stdout=subprocess.PIPE)
        os.killpg(first.pid, signal.SIGKILL)
        first.wait()
        self.assertIn(b"| 16 | 2 |", second.communicate(timeout=LIMIT)[0])
        self.assertEqual(second.returncode, 0)


if __name__ == "__main__":
    unittest.main()
