"""neck-spectrum --frequency from the outside: a planted head, a real one. Standard library only."""
import math
import os
import random
import subprocess
import unittest

from running import BUILD, LIMIT, STORIES, TEXT, TOKENIZER, ToolTest
from test_neck_spectrum import write_npy


class NeckSpectrumFrequency(ToolTest):
    name = "neck-spectrum"

    def planted(self):
        numbers = random.Random(2)
        counts = [4000 // (v + 1) for v in range(300)]
        head = [math.log(c) * (k + 1) + numbers.gauss(0, 0.05) for c in counts for k in range(5)]
        write_npy(self.path("head.npy"), (300, 5), head)
        write_npy(self.path("counts.npy"), (300,), counts, "<i8")
        return self.path("head.npy"), self.path("counts.npy")

    def test_planted_component(self):
        head, counts = self.planted()
        for variant in ("raw", "centered"):
            (row,) = self.rows(head, "--frequency", counts, "--variant", variant, "--top", "4")
            self.assertEqual(row["frequency"]["tokens"], 300)
            first, *rest = row["frequency"]["components"]
            self.assertGreater(first["pearson"], 0.999)
            self.assertGreater(first["spearman"], 0.99)
            self.assertAlmostEqual(first["singular_value"], row["singular_values"][0], delta=1e-9 * first["singular_value"])
            self.assertEqual(len(rest), 3)
            for other in rest:
                self.assertLess(other["pearson"], 0.3)
        text = self.expect(0, head, "--frequency", counts).stdout.decode()
        self.assertIn("log frequency explained", text)

    def test_token_file(self):
        tokens = self.path("tokens.bin")
        subprocess.run([os.path.join(BUILD, "examples", "neck-tokenize"), "--tokenizer", TOKENIZER, TEXT, "-o", tokens],
                       check=True, capture_output=True, timeout=LIMIT)
        (row,) = self.rows(STORIES, "--frequency", tokens)
        first = row["frequency"]["components"][0]
        self.assertGreater(first["pearson"], 0.5)  # the dominant component of this head goes with frequency
        self.assertGreater(first["spearman"], 0.7)
        self.assertLess(row["frequency"]["tokens"], 512)

    def test_text(self):
        tokens = self.path("counted.ids")
        subprocess.run([os.path.join(BUILD, "examples", "neck-tokenize"), "--tokenizer", TOKENIZER, TEXT, "-o", tokens],
                       check=True, capture_output=True, timeout=LIMIT)
        (counted,) = self.rows(STORIES, "--frequency", tokens)
        for options in ((), ("--tokenizer", TOKENIZER)):  # the tokenizer beside the model is the same
            (row,) = self.rows(STORIES, "--frequency", TEXT, *options)
            self.assertEqual(row["frequency"]["tokens"], counted["frequency"]["tokens"] - 1)  # no end of document
            for one, other in zip(row["frequency"]["components"], counted["frequency"]["components"]):
                self.assertAlmostEqual(one["pearson"], other["pearson"], delta=0.05)
        head, _ = self.planted()
        self.fails((head, "--frequency", TEXT), "--tokenizer names one")
        self.fails((head, "--frequency", TEXT, "--tokenizer", TOKENIZER), "512 token counts for the 300 rows")
        self.refuses({(head, "--tokenizer", TOKENIZER): "--tokenizer needs --frequency"})

    def test_padded_head(self):
        numbers = random.Random(3)
        write_npy(self.path("padded.npy"), (520, 4), [numbers.gauss(0, 1) for _ in range(2080)])
        (row,) = self.rows(self.path("padded.npy"), "--frequency", TEXT, "--tokenizer", TOKENIZER)
        self.assertLessEqual(row["frequency"]["tokens"], 512)

    def test_refusals(self):
        head, counts = self.planted()
        self.refuses({(head, "--frequency", counts, "--variant", "drop_top"): "--frequency does not go with"})
        self.fails((STORIES, "--frequency", counts), "300 token counts for the 512 rows")
        self.fails((head, "--frequency", self.path("missing")), "missing")


if __name__ == "__main__":
    unittest.main()
