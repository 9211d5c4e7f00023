"""neck-train on many ranks: the curve of one process, a run that moves between numbers of ranks, signals, failures."""
import json
import os
import shutil
import signal
import struct
import subprocess
import time
import unittest

from hosts import environment
from many import BUILD, LIMIT, TEXT, ToolTest

SMALL = {"vocab_size": 400, "layers": 1, "hidden_size": 32, "heads": 2, "context": 32, "batch": 3, "steps": 40,
         "checkpoint_every": 20, "evaluate_every": 10, "evaluation_windows": 7, "save_every": 3, "monitor_every": 10,
         "dropout": 0.1, "accumulation": 2}
ENDLESS = {**SMALL, "steps": 10**9, "warmup": 0}


def flags(settings):
    return [part for name, value in settings.items() for part in ("--" + name.replace("_", "-"), str(value))]


def rows(run):
    with open(os.path.join(run, "log.jsonl"), encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def numbers(path):
    """All f32 of a safetensors file whose tensors are F32 alone."""
    with open(path, "rb") as file:
        data = file.read()
    begin = 8 + struct.unpack("<Q", data[:8])[0]
    return struct.unpack(f"<{(len(data) - begin) // 4}f", data[begin:])


class TrainRanksTest(ToolTest):
    name = "neck-train"

    def mpirun(self, ranks, *arguments):
        return ["mpirun", "-np", str(ranks), os.path.join(BUILD, "mpi", "neck-train"), *arguments]

    def run_on(self, ranks, *arguments, status=0, **more):
        result = subprocess.run(self.mpirun(ranks, *arguments), capture_output=True, timeout=LIMIT, cwd=self.folder,
                                env=environment(**more))
        self.assertEqual(result.returncode, status, result.stderr.decode(errors="replace"))
        return result

    def train(self, ranks, run, **settings):
        return self.run_on(ranks, "--text", TEXT, "--out", run, *flags({**SMALL, **settings}))

    def same_curve(self, one, other, tolerance=1e-5, last=10**9):
        first, second = ([row for row in rows(self.path(run)) if row["step"] <= last] for run in (one, other))
        self.assertEqual([row["step"] for row in first], [row["step"] for row in second])
        for a, b in zip(first, second):
            self.assertEqual(a.keys(), b.keys())
            for name in ("loss", "validation_loss"):
                if a.get(name) is not None:
                    self.assertAlmostEqual(a[name], b[name], delta=tolerance, msg=f"{name} at step {a['step']}")

    def test_ranks_have_the_curve_of_one(self):
        for settings in ({}, {"optimizer": "muon", "head": "factored", "rank": 8, "learning_rate": 0.001},
                         {"batch": 1, "accumulation": 1}):
            with self.subTest(settings):
                names = [f"{name}-{len(settings)}" for name in ("one", "two", "three")]
                for ranks, name in enumerate(names, 1):
                    result = self.train(ranks, name, **settings)
                    self.assertEqual(result.stdout.decode(), f"{name}/checkpoints/step-40\n")
                    self.assertEqual(b"ranks share" in result.stderr, ranks > 1)
                for name in names[1:]:
                    self.same_curve(names[0], name)
                    self.assertEqual(sorted(os.listdir(self.path(names[0] + "/checkpoints"))),
                                     sorted(os.listdir(self.path(name + "/checkpoints"))))
                    ours, theirs = (numbers(self.path(run + "/checkpoints/step-40/model.safetensors"))
                                    for run in (names[0], name))
                    self.assertLess(max(abs(a - b) for a, b in zip(ours, theirs)), 1e-3)

    def test_a_run_moves_between_numbers_of_ranks(self):
        self.train(1, "one")
        self.train(2, "again")
        for stop, ranks in ((9, 2), (17, 3), (29, 1)):
            self.stop_after("moved", stop, ranks, SMALL)
        self.run_on(2, "--resume", "moved")
        self.same_curve("one", "moved")
        self.train(2, "two")
        with open(self.path("again/checkpoints/step-40/model.safetensors"), "rb") as a, \
                open(self.path("two/checkpoints/step-40/model.safetensors"), "rb") as b:
            self.assertEqual(a.read(), b.read(), "not the same bits with as many ranks")

    def command(self, ranks, *arguments):
        return self.mpirun(ranks, *arguments)

    def begin(self, run, ranks, settings):
        begun = os.path.exists(self.path(run + "/run.json"))
        arguments = ("--resume", run) if begun else ("--text", TEXT, "--out", run, *flags(settings))
        return self.start(ranks, *arguments, cwd=self.folder, env=environment(), start_new_session=True)

    def wait_for(self, run, step, process):
        path = self.path(run + "/log.jsonl")
        limit = time.monotonic() + LIMIT
        while process.poll() is None and time.monotonic() < limit:
            if os.path.exists(path):
                with open(path, "rb") as file:
                    if file.read().count(b"\n") > step:
                        return
            time.sleep(0.002)

    def ranks_of(self, process):
        """Process ids of the tool's ranks, which mpirun has started."""
        with open(f"/proc/{process.pid}/task/{process.pid}/children", encoding="utf-8") as file:
            return [int(word) for word in file.read().split()]

    def stop_after(self, run, step, ranks, settings):
        """SIGTERM to one rank alone: the last. Returns the last step."""
        process = self.begin(run, ranks, settings)
        self.wait_for(run, step, process)
        children = self.ranks_of(process) if process.poll() is None else []
        if children:
            os.kill(children[-1], signal.SIGTERM)
        _, told = process.communicate(timeout=LIMIT)
        self.assertIn(process.returncode, (0, 130) if settings is SMALL else (130,), told.decode())
        last = rows(self.path(run))[-1]["step"]
        if process.returncode == 130:
            self.assertIn(b"go on with: neck-train --resume", told)
            (state,) = os.listdir(self.path(run + "/state"))
            self.assertEqual(int(state.split("-")[1]), last)
        return last

    def test_a_killed_rank_leaves_a_whole_state(self):
        process = self.begin("killed", 2, ENDLESS)
        self.wait_for("killed", 12, process)
        os.kill(self.ranks_of(process)[-1], signal.SIGKILL)
        process.communicate(timeout=LIMIT)
        self.assertNotEqual(process.returncode, 0)
        last = self.stop_after("killed", rows(self.path("killed"))[-1]["step"] + 10, 3, ENDLESS)
        self.stop_after("one", last, 1, ENDLESS)
        self.same_curve("one", "killed", last=last)

    def test_ranks_that_do_not_see_the_folder_get_copies(self):
        self.train(1, "one")
        script = self.write("apart.sh", 'test "$OMPI_COMM_WORLD_RANK" = 0 || { mkdir -p elsewhere; cd elsewhere; }\nexec "$@"\n')
        os.mkdir(self.path("copies"))
        tool = os.path.join(BUILD, "mpi", "neck-train")
        command = ["mpirun", "-np", "2", "sh", script, tool, "--text", TEXT, "--out", "far", *flags(SMALL)]
        settings = environment(TMPDIR=self.path("copies"))
        for arguments in (command, [*command[:6], "--resume", "far"]):
            result = subprocess.run(arguments, capture_output=True, timeout=LIMIT, cwd=self.folder, env=settings)
            self.assertEqual(result.returncode, 0, result.stderr.decode())
        self.same_curve("one", "far")
        left = [name for name in os.listdir(self.path("copies")) if name.startswith("neck-train")]
        self.assertEqual(left, [])
        self.assertEqual(os.listdir(self.path("elsewhere")), [])

    def test_what_fails_is_told_once_and_names_the_rank(self):
        self.train(1, "one")
        result = self.run_on(2, "--text", TEXT, "--out", "one", status=1)
        lines = [line for line in result.stderr.decode().splitlines() if line.startswith("neck-train: ")]
        self.assertEqual(len(lines), 1, result.stderr.decode())
        self.assertIn("rank 0 (", lines[0])
        self.assertIn("there is a run in this folder", lines[0])
        shutil.rmtree(self.path("one/state"))
        self.write("one/state", "a file where the states should be")
        os.unlink(self.path("one/log.jsonl"))
        result = self.run_on(2, "--resume", "one", status=1)
        self.assertIn("rank 0 (", result.stderr.decode())


if __name__ == "__main__":
    unittest.main()
