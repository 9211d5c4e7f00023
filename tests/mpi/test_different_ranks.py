"""Ranks that do not see the same files, or do not run on the same CPUs: what differs is told, naming the rank, in time."""

import json
import os
import shutil
import signal
import subprocess
import time
import unittest

import numpy as np

from many import BUILD, DATA, STORIES, TEXT, TOKENIZER, ManyRanks, environment

SERIES = os.path.join(DATA, "hybridstories")


class Different(ManyRanks):
    """Each rank runs in a folder of its own, called by its number, and is given the same relative paths."""

    def setUp(self):
        super().setUp()
        for rank in "01":
            os.mkdir(self.path(rank))

    def place(self, name, *contents):
        """The file of that name, for each rank; None: it has none."""
        for rank, content in enumerate(contents):
            if content is not None:
                with open(self.path(str(rank), name), "wb") as file:
                    file.write(content)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def run_apart(self, tool, *arguments):
        return self.run_apart_by(f'cd "{self.folder}/$OMPI_COMM_WORLD_RANK" && exec "$@"', tool, *arguments)

    def run_apart_by(self, script, tool, *arguments):
        return subprocess.run(["mpirun", "-np", "2", "sh", "-c", script, "sh", os.path.join(os.path.abspath(BUILD), "mpi", tool),
                               "--quiet", *arguments], capture_output=True, text=True, timeout=60, check=False,
                              env=environment(OMPI_MCA_btl="self,vader"))

    def refused(self, words, tool, *arguments):
        done = self.run_apart(tool, *arguments)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertRegex(done.stderr, rf"(?m)^{tool}: [^()]*rank 1 \(")
        self.assertIn(words, done.stderr)
        self.assertEqual(done.stdout, "")

    def array(self, seed):
        path = self.path("array.npy")
        np.save(path, np.random.default_rng(seed).standard_normal((200, 8)).astype(np.float32))
        with open(path, "rb") as file:
            return file.read()

    def test_one_rank_lacks_a_checkpoint(self):
        for rank, steps in (("0", (2000, 4000, 6000)), ("1", (2000, 4000))):
            os.mkdir(self.path(rank, "run"))
            for step in steps:
                shutil.copy(os.path.join(SERIES, f"step_{step}.pt"), self.path(rank, "run"))
        self.refused("the checkpoints there differ", "neck-spectrum", "run")

    def test_one_rank_has_another_matrix_of_the_same_shape(self):
        self.place("one.npy", self.array(1), self.array(2))
        self.refused("the matrix or its weights differ", "neck-spectrum", "one.npy")

    def test_one_rank_lacks_the_text(self):
        self.place("text.txt", b"Once upon a time there was a bottle.", None)
        self.refused("text.txt", "neck-layers", "--text", "text.txt", "--tokenizer", TOKENIZER, STORIES)

    def test_one_rank_has_another_text(self):
        self.place("text.txt", b"Once upon a time there was a bottle.", b"Once upon a time there was a battle.")
        self.refused("the text's tokens differ", "neck-layers", "--text", "text.txt", "--tokenizer", TOKENIZER, STORIES)
        self.refused("the text's tokens differ", "neck-ngram", "--order", "2", "--tokenizer", "bytes", "text.txt")

    def test_one_rank_has_another_model(self):
        with open(STORIES, "rb") as file:
            model = file.read()
        half, other = len(model) // 2, np.full(2**16, 0.01, np.float32).tobytes()
        self.place("model.bin", model, model[:half] + other + model[half + len(other):])
        self.refused("the model's weights differ", "neck-layers", "--text", TEXT, "--max-tokens", "50", "--tokenizer", TOKENIZER,
                     "model.bin")

    def test_one_rank_has_other_states(self):
        targets = np.arange(200, dtype=np.int64) % 7
        np.save(self.path("targets.npy"), targets)
        with open(self.path("targets.npy"), "rb") as file:
            self.place("targets.npy", *2 * [file.read()])
        self.place("states.npy", self.array(1), self.array(2))
        self.refused("states, targets or head differ", "neck-headrank", "states.npy", "--targets", "targets.npy", "--ranks", "2",
                     "--steps", "2", "--out", self.path("sweep"))

    def test_other_instructions_on_one_rank_show_in_rounding_alone(self):
        matrix = self.array(3)
        self.place("one.npy", matrix, matrix)
        rows = []
        for level in ("", "generic"):
            script = f'cd "{self.folder}/0" && [ $OMPI_COMM_WORLD_RANK = 0 ] || export SOFTNECK_ISA={level}; exec "$@"'
            done = self.run_apart_by(script, "neck-spectrum", "--json", "--values", "one.npy")
            self.assertEqual(done.returncode, 0, done.stderr)
            rows.append(json.loads(done.stdout)["singular_values"])
        self.agree(rows[0], rows[1], 1e-12)


def children(parent):
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat", encoding="ascii", errors="replace") as file:
                if int(file.read().rpartition(")")[2].split()[1]) == parent:
                    found.append(int(name))
        except OSError:
            pass  # it has ended
    return found


class Interrupted(ManyRanks):
    name = "neck-layers"

    def test_several_ranks_tell_what_they_have_done_by_then(self):
        with open(TEXT, "rb") as file:
            story = file.read()
        with open(self.path("long.txt"), "wb") as file:
            file.write(story * (1 + 400000 // len(story)))
        command = self.command(2, "--json", "--quiet", "--tokenizer", TOKENIZER, "--context", "64", "--stride", "2", "--text",
                               self.path("long.txt"), STORIES)
        more = environment(OMPI_MCA_btl="self,vader")
        for delay in (2, 4, 8, 16):
            job = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=more)
            time.sleep(delay)
            self.assertIsNone(job.poll(), "the text is too short to be interrupted")
            for rank in children(job.pid):
                os.kill(rank, signal.SIGTERM)
            printed, said = job.communicate(timeout=60)
            if printed:
                break
        self.assertIn("interrupted", said)
        self.assertIn('"loss"', printed)
        self.assertIn('"anisotropy"', printed)


if __name__ == "__main__":
    unittest.main()
