"""neck-ngram on several ranks tells what it tells on one."""

import contextlib
import glob
import json
import math
import os
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

from hosts import environment
from many import LIMIT

SOURCE = os.path.abspath(os.environ.get("SOFTNECK_SOURCE_DIR", "."))
BUILD = os.path.join(SOURCE, os.environ.get("BUILD", "build"))
TEXT = os.path.join(SOURCE, "examples", "data", "text", "tinystories-100.jsonl")
COUNTS = ("tokens", "documents", "contexts", "vocab_size", "ngrams", "occurrences", "singletons", "seen_once",
          "successors", "coupled", "parts", "largest_part", "coupled_rows", "coupled_entries")


class OnSeveralRanks(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)
        with open(TEXT, encoding="utf-8") as file:
            self.stories = [json.loads(line)["text"] for line in list(file)[:12]]
        self.text = self.write("stories.jsonl", "".join(json.dumps({"text": text}) + "\n" for text in self.stories))

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def run_tool(self, ranks, *arguments):
        tool = [os.path.join(BUILD, "examples", "neck-ngram")] if ranks == 0 else \
            ["mpirun", "-np", str(ranks), os.path.join(BUILD, "mpi", "neck-ngram")]
        more = environment(TMPDIR=self.folder, OPENBLAS_NUM_THREADS="1")
        return subprocess.run([*tool, *arguments], capture_output=True, text=True, timeout=LIMIT, check=False, env=more)

    def rows(self, ranks, *arguments):
        done = self.run_tool(ranks, "--quiet", "--json", *arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def agree(self, one, many, closeness):
        self.assertEqual([one[name] for name in COUNTS], [many[name] for name in COUNTS])
        self.assertEqual((one["method"], one["corpus"]), (many["method"], many["corpus"]))
        self.assertEqual((one["solver"], many["solver"]), ("alone", "alone") if one["method"] == "exact" else (None, None))
        self.assertTrue(math.isclose(one["frobenius_squared"], many["frobenius_squared"], rel_tol=1e-12))
        for name in one["w_error"]:
            a, b = one["w_error"][name], many["w_error"][name]
            if a["value"] is None:
                self.assertIsNone(b["value"])
                continue
            self.assertTrue(math.isclose(a["value"], b["value"], rel_tol=closeness, abs_tol=closeness), (name, a, b))
            self.assertLessEqual(a["low"], b["high"])
            self.assertLessEqual(b["low"], a["high"])

    def left_behind(self):
        return sorted(name for name in os.listdir(self.folder) if "neck" in name)

    def test_exact_spectra_equal_those_of_one_process(self):
        for arguments in (("--tokenizer", "words", "--order", "3"), ("--tokenizer", "bytes", "--order", "4"),
                          ("--tokenizer", "words:200", "--order", "2", "--weight", "count")):
            more = (*arguments, "--exact", "--values", "--ranks", "0,1,20,100", self.text)
            (one,) = self.rows(0, *more)
            for ranks in (1, 2, 3, 4):
                with self.subTest(arguments=arguments, ranks=ranks):
                    (many,) = self.rows(ranks, *more)
                    self.agree(one, many, 1e-12)
                    largest = one["singular_values"][0]
                    for a, b, x, y in zip(one["singular_values"], many["singular_values"], one["singular_value_errors"],
                                          many["singular_value_errors"]):
                        self.assertLessEqual(abs(a * a - b * b), 1e-12 * largest**2)
                        self.assertLessEqual(abs(a - b), x + y)
                    self.assertEqual(self.left_behind(), [])

    def test_largest_values_and_density_agree(self):
        for arguments, closeness in ((("--top", "15", "--values"), 1e-9), (("--density",), 0.05)):
            more = ("--tokenizer", "words", "--order", "3", "--ranks", "0,5,15", *arguments, self.text)
            (one,) = self.rows(0, *more)
            for ranks in (2, 3):
                with self.subTest(arguments=arguments, ranks=ranks):
                    (many,) = self.rows(ranks, *more)
                    self.agree(one, many, closeness)

    def test_parts_of_a_growing_corpus_of_several_files(self):
        other = self.write("other.txt", self.stories[0])
        more = ("--tokenizer", "words", "--order", "2", "--grow", "--ranks", "3", f"both={self.text},{other}")
        ones = self.rows(0, *more)
        many = self.rows(3, *more)
        self.assertEqual(len(ones), len(many))
        for a, b in zip(ones, many):
            self.agree(a, b, 1e-12)

    def test_token_files_are_read_in_ranges(self):
        tokens = os.path.join(self.folder, "tokens")
        tokenizer = os.path.join(SOURCE, "examples", "data", "stories260K", "tok512.bin")
        subprocess.run([os.path.join(BUILD, "examples", "neck-tokenize"), "--tokenizer", tokenizer, "--no-end", self.text,
                        "-o", tokens], check=True, capture_output=True)
        more = ("--order", "3", "--exact", "--ranks", "10", f"twice={tokens},{tokens}")
        (one,) = self.rows(0, *more)
        (many,) = self.rows(4, *more)
        self.agree(one, many, 1e-12)

    def test_more_ranks_than_tokens(self):
        short = self.write("short.txt", "a b a c a b d")
        more = ("--tokenizer", "words", "--order", "2", "--ranks", "1", short)
        (one,) = self.rows(0, *more)
        (many,) = self.rows(9, *more)
        self.agree(one, many, 1e-12)

    def test_a_rank_that_is_killed_leaves_nothing(self):
        """Of a count that takes minutes."""
        text = self.write("long.jsonl", "".join(json.dumps({"text": text}) + "\n" for text in self.stories) * 3000)
        tool = os.path.join(BUILD, "mpi", "neck-ngram")
        command = ["mpirun", "-np", "2", tool, "--tokenizer", "bytes", "--order", "8", "--memory", "3M",
                   f"x={','.join([text] * 20)}"]
        more = environment(TMPDIR=self.folder, OPENBLAS_NUM_THREADS="1")
        for wait in (0, 2):
            with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=more) as run:
                victim = self.rank_at_work(run)
                time.sleep(wait)
                os.kill(victim, signal.SIGKILL)
                run.communicate(timeout=LIMIT)
            self.assertNotEqual(run.returncode, 0)
            self.assertEqual(self.left_behind(), [])

    def rank_at_work(self, run):
        """A process that mpirun has started and that writes: what it writes has no name."""
        limit = time.monotonic() + LIMIT
        while time.monotonic() < limit:
            for rank in self.ranks_of(run.pid):
                if self.is_writing(rank):
                    return rank
            if run.poll() is not None:
                self.fail(run.stderr.read().decode())
            time.sleep(0.01)
        self.fail("no rank writes anything")

    def ranks_of(self, parent):
        found = []
        for children in glob.glob(f"/proc/{parent}/task/*/children"):
            with contextlib.suppress(OSError):  # a thread that has ended
                with open(children, encoding="ascii") as file:
                    found += map(int, file.read().split())
        return found

    def is_writing(self, process):
        for file in glob.glob(f"/proc/{process}/fd/*"):
            with contextlib.suppress(OSError):  # closed since
                name = os.readlink(file)
                if name.startswith(self.folder) and name.endswith("(deleted)"):
                    return True
        return False

    def test_what_fails_ends_in_one_line(self):
        missing = os.path.join(self.folder, "missing")
        done = self.run_tool(2, "--tokenizer", "words", missing)
        self.assertNotEqual(done.returncode, 0)
        lines = [line for line in done.stderr.splitlines() if line.startswith("neck-ngram: ")]
        self.assertEqual(len(lines), 1, done.stderr)
        self.assertIn("No such file", lines[0])
        short = self.write("short.txt", "a b")
        done = self.run_tool(2, "--tokenizer", "words", short)
        self.assertIn("no n-gram of order 5", done.stderr)
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(self.left_behind(), [])


if __name__ == "__main__":
    unittest.main()
