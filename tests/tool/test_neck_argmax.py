"""neck-argmax from the outside. Standard library only."""
import json
import os
import random
import unittest

from running import DATA, STORIES, TOKENIZER, ToolTest, has_worked
from test_neck_spectrum import write_npy

STEP = os.path.join(DATA, "hybridstories", "step_20000.pt")
SQUARE = [1, 1, 1, -1, -1, 1, -1, -1, 0, 0]  # four corners and their middle


class NeckArgmax(ToolTest):
    name = "neck-argmax"

    def head(self, numbers, width, name="head.npy"):
        write_npy(self.path(name), (len(numbers) // width, width), numbers)
        return self.path(name)

    def test_counts_and_tokens(self):
        (row,) = self.rows(self.head(SQUARE, 2))
        self.assertEqual((row["rows"], row["cols"], row["step"], row["tensor"]), (5, 2, None, "arr_0"))
        self.assertEqual([row[name] for name in ("argmaxable", "tied", "unargmaxable", "undecided")], [4, 0, 1, 0])
        self.assertEqual(row["proofs"]["unargmaxable"], {"program": 1})
        self.assertEqual(sum(row["proofs"]["argmaxable"].values()), 4)
        (token,) = row["tokens"]
        self.assertEqual((token["token"], token["verdict"], token["twin"]), (4, "unargmaxable", None))
        self.assertGreaterEqual(token["rows_of_mean"], 2)
        self.assertLessEqual(token["probability_bound"], 1 / 3 + 1e-12)
        self.assertNotIn("spelling", token)

    def test_ties(self):
        (row,) = self.rows(self.head(SQUARE[:8] + [1, 1], 2))
        self.assertEqual((row["argmaxable"], row["tied"]), (3, 2))
        self.assertEqual([(t["token"], t["twin"], t["probability_bound"]) for t in row["tokens"]], [(0, 4, 0.5), (4, 0, 0.5)])

    def test_bias(self):
        head = self.head(SQUARE, 2)
        write_npy(self.path("bias.npy"), (5,), [0, 0, 0, 0, 1], "<f8")
        (row,) = self.rows(head, "--bias", self.path("bias.npy"))
        self.assertEqual(row["argmaxable"], 5)  # the middle wins at x = 0
        write_npy(self.path("short.npy"), (4,), [0, 0, 0, 1], "<f8")
        self.fails((head, "--bias", self.path("short.npy")), "4 biases for a head of 5 tokens")
        self.fails((head, "--bias", "none"), "none")

    def test_real_heads(self):
        rows = self.rows(STORIES, STEP)
        self.assertEqual([row["argmaxable"] for row in rows], [512, 2048 - 222])
        self.assertEqual([row["unargmaxable"] for row in rows], [0, 222])
        self.assertEqual(rows[1]["step"], 20000)

    def test_table_with_spellings(self):
        lines = self.expect(0, STEP, "--show", "2", "--tokenizer", TOKENIZER).stdout.decode().splitlines()
        self.assertIn("unargmaxable", lines[0])
        self.assertEqual(lines[2].split()[-1], "step_20000.pt")
        self.assertEqual(len(lines), 5)
        self.assertIn("'<unk>': unargmaxable, a mean of", lines[3])
        self.assertIn("probability at most 0.0", lines[3])

    def test_without_programs(self):
        (row,) = self.rows(self.head(SQUARE, 2), "--no-program", "--reflections", "3")
        self.assertEqual((row["argmaxable"], row["undecided"], row["unargmaxable"]), (4, 1, 0))
        self.assertEqual(row["tokens"][0]["proof"], "none")

    def test_resume(self):
        kept = self.path("verdicts.safetensors")
        first = self.rows(STEP, "--resume", kept)
        # Without programs the verdicts would be fewer, had they not been kept.
        self.assertEqual(self.rows(STEP, "--resume", kept, "--no-program"), first)
        self.fails((STORIES, "--resume", kept), "another head")
        self.refuses({(STORIES, STEP, "--resume", kept): "--resume is for one checkpoint"})

    def test_interrupted_and_resumed(self):
        numbers = random.Random(1)
        head = self.head([numbers.random() - 0.5 for _ in range(8000 * 8)], 8)  # minutes of programs
        kept = self.path("verdicts.safetensors")
        with open(self.path("out"), "wb") as out:
            running = self.start(head, "--resume", kept, stdout=out)
        self.until(lambda: has_worked(running.pid, 0.5), running)
        self.assertIn(b"interrupted", self.interrupt(running))
        self.assertEqual(os.path.getsize(self.path("out")), 0)
        (row,) = self.rows(head, "--resume", kept, "--no-program", "--reflections", "1")
        self.assertEqual(row["rows"], 8000)
        self.assertGreater(row["argmaxable"], 1000)

    def test_refusals(self):
        head = self.head(SQUARE, 2)
        self.refuses({
            (): "no PATH given",
            (head, "--reflections", "0"): "--reflections",
            (head, "--tolerance", "2"): "--tolerance",
            (head, "--show", "-1"): "--show",
        })
        self.fails((self.path("missing"),), "missing")
        self.fails((head, "--tensor", "none"), "none")
        self.fails((head, "--tokenizer", self.path("missing")), "missing")
        broken = self.head([float("nan")] + SQUARE[1:], 2, "nan.npy")
        self.fails((broken,), "nan.npy", "element (0, 0)")

    def test_one_failure_does_not_stop_the_others(self):
        result = self.expect(1, self.path("missing"), self.head(SQUARE, 2), "--json")
        self.assertEqual(json.loads(result.stdout)["argmaxable"], 4)


if __name__ == "__main__":
    unittest.main()
