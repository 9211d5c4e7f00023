"""neck-headrank under mpirun: the same runs as one process makes; none that is finished is lost."""

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import time
import unittest

import numpy as np

from many import LIMIT, RANKS, ManyRanks, has_worked
from hosts import environment

V, D, N = 12, 6, 400


class Headrank(ManyRanks):
    name = "neck-headrank"

    def setUp(self):
        super().setUp()
        generator = np.random.default_rng(0)
        x = generator.standard_normal((N, D)).astype(np.float32)
        head = generator.standard_normal((V, D))
        np.save(self.path("x.npy"), x)
        np.save(self.path("y.npy"), (x @ head.T + generator.gumbel(size=(N, V))).argmax(1).astype(np.int64))

    def sweep(self, out, *more):
        return "--states", self.path("x.npy"), "--targets", self.path("y.npy"), "--quiet", "--json", "--out", \
            self.path(out), "--ranks", "2,6", "--lr-grid", "0.02,0.1", "--seeds", "1,2", "--steps", "40", "--batch", \
            "64", "--vocabulary", str(V), "--head", "factored,dense", *more

    def results(self, out):
        """Without what depends on the clock, and in an order of its own: runs are written down as they are finished."""
        with open(os.path.join(self.path(out), "runs.jsonl"), encoding="utf-8") as file:
            runs = [json.loads(line) for line in file]
        for run in runs:
            del run["seconds"]
        return sorted(json.dumps(run, sort_keys=True) for run in runs)

    def left_over(self, out):
        return [name for name in os.listdir(self.path(out)) if ".run" in name or ".tmp" in name]

    def test_runs_are_those_of_one_process(self):
        alone = self.expect(0, 0, *self.sweep("alone")).stdout
        for ranks in RANKS:
            with self.subTest(ranks=ranks):
                self.assertEqual(self.expect(ranks, 0, *self.sweep(f"out{ranks}")).stdout, alone)
                self.assertEqual(self.results(f"out{ranks}"), self.results("alone"))
                self.assertFalse(self.left_over(f"out{ranks}"))
                with open(self.path(f"out{ranks}/dense.safetensors"), "rb") as one, \
                        open(self.path("alone/dense.safetensors"), "rb") as other:
                    self.assertEqual(one.read(), other.read())

    def test_more_ranks_than_runs(self):
        more = "--ranks", "2", "--lr-grid", "0.1", "--seeds", "1", "--head", "factored"
        alone = self.expect(0, 0, *self.sweep("alone", *more)).stdout
        self.assertEqual(self.expect(4, 0, *self.sweep("out", *more)).stdout, alone)
        self.assertEqual(self.expect(3, 0, *self.sweep("out", *more)).stdout, alone)  # nothing is left to do

    def test_another_number_of_ranks_goes_on(self):
        self.expect(2, 0, *self.sweep("out", "--head", "factored"))
        self.expect(3, 0, *self.sweep("out"))
        self.expect(0, 0, *self.sweep("alone"))
        self.assertEqual(self.results("out"), self.results("alone"))

    def start(self, ranks, *arguments):
        return super().start(ranks, *arguments, stdout=subprocess.PIPE, env=environment(OMPI_MCA_btl="self,vader"))

    def ranks_of(self, process):
        """The processes that the launcher has started."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
                    name, _, rest = file.read().partition(")")
            except OSError:
                continue
            if rest.split()[1] == str(process.pid) and self.name[:15] in name:
                found.append(int(pid))
        return found

    def finished(self, out):
        return len(self.results(out)) if os.path.exists(self.path(out + "/runs.jsonl")) else 0

    def test_a_killed_rank_loses_no_finished_run(self):
        more = "--steps", "3000"
        self.expect(0, 0, *self.sweep("alone", *more))
        chance, kills, finished = random.Random(2), 0, 0
        while kills < 3:
            tool = self.start(3, *self.sweep("out", *more))
            while tool.poll() is None and self.finished("out") == finished:
                time.sleep(0.005)
            with contextlib.suppress(IndexError, ProcessLookupError):
                os.kill(chance.choice(self.ranks_of(tool)), signal.SIGKILL)
            told = tool.communicate(timeout=LIMIT)[1].decode()
            if tool.returncode == 0:  # done before the kill: another from the beginning
                shutil.rmtree(self.path("out"))
                finished = 0
                continue
            kills += 1
            self.assertRegex(told, r"rank \d")
            self.assertGreaterEqual(self.finished("out"), finished)
            finished = self.finished("out")
        self.expect(2, 0, *self.sweep("out", *more))
        self.assertEqual(self.results("out"), self.results("alone"))
        self.assertFalse(self.left_over("out"))

    def test_an_interrupted_sweep_goes_on(self):
        more = "--steps", str(10**9), "--ranks", "2", "--lr-grid", "0.1", "--head", "factored"
        tool = self.start(2, *self.sweep("out", *more))
        self.until(lambda: [has_worked(rank, 1) for rank in self.ranks_of(tool)] == [True, True], tool)
        for rank in self.ranks_of(tool):
            os.kill(rank, signal.SIGTERM)
        told = tool.communicate(timeout=LIMIT)[1].decode()
        self.assertEqual(tool.returncode, 130, told)
        self.assertIn("of 2 runs are finished; the same command goes on", told)
        self.assertTrue(self.left_over("out"))

    def test_what_cannot_be_read_is_told_once(self):
        lines = self.expect(2, 1, *self.sweep("out"), "--targets", self.path("nothing")).stderr.decode().splitlines()
        self.assertEqual(len([line for line in lines if line.startswith("neck-")]), 1, lines)

    def test_a_folder_of_another_sweep_is_refused_once(self):
        self.expect(0, 0, *self.sweep("out"))
        lines = self.expect(2, 1, *self.sweep("out", "--steps", "41")).stderr.decode().splitlines()
        told = [line for line in lines if line.startswith("neck-")]
        self.assertEqual(len(told), 1, lines)
        self.assertIn("'steps' differs", told[0])


if __name__ == "__main__":
    unittest.main()
