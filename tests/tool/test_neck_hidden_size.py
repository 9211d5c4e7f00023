"""neck-hidden-size from the outside. Standard library only."""
import random
import unittest

from running import ToolTest
from test_neck_spectrum import write_npy


class NeckHiddenSize(ToolTest):
    name = "neck-hidden-size"

    def logits(self, vectors, tokens, width, name="logits.npy", dtype="<f4"):
        numbers = random.Random(3)
        head = [[numbers.gauss(0, 1) for _ in range(width)] for _ in range(tokens)]
        rows = []
        for _ in range(vectors):
            state = [numbers.gauss(0, 1) for _ in range(width)]
            rows += [sum(w * x for w, x in zip(row, state)) for row in head]
        write_npy(self.path(name), (vectors, tokens), rows, dtype)
        return self.path(name)

    def test_json(self):
        (row,) = self.rows(self.logits(40, 70, 11), "--values")
        self.assertEqual((row["vectors"], row["vocabulary"], row["hidden_size"], row["rank"]), (40, 70, 11, 11))
        self.assertTrue(row["determined"])
        self.assertEqual(row["alternative"], 12)
        self.assertGreater(row["gap"], 5)
        self.assertEqual(len(row["singular_values"]), 40)

    def test_table_tells_what_is_not_known(self):
        few, many = self.logits(9, 70, 11, "few.npy"), self.logits(30, 70, 11, "many.npy", "<f8")
        lines = self.expect(0, few, many).stdout.decode().splitlines()
        self.assertIn("not determined", lines[-2])
        self.assertEqual(lines[-1].split()[:3], ["30", "70", "11"])

    def test_more_vectors_than_are_of_use(self):
        logits = self.logits(9000, 12, 3)
        result = self.expect(0, "--json", logits)
        self.assertIn(b"note: " + logits.encode() + b": one vector in 3 of 9000 is taken", result.stderr)
        self.assertIn(b'"vectors": 3000, "vocabulary": 12, "determined": true, "hidden_size": 3', result.stdout)

    def test_refusals(self):
        logits = self.logits(6, 8, 2)
        self.refuses({(): "no FILE given", (logits, "--values"): "--values needs --json"})
        self.fails((self.path("missing.npy"),), "missing.npy")
        self.fails((logits, "--tensor", "none"), "none")
        self.fails((self.logits(3, 8, 2, "three.npy"),), "three.npy", "at least 4")


if __name__ == "__main__":
    unittest.main()
