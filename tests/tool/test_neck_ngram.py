"""neck-ngram from the outside: its counts, spectra and bands against dictionaries and numpy's dense SVD."""
import collections
import glob
import os
import re
import shutil
import struct
import subprocess
import sys
import time
import unittest

import numpy as np

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from running import BUILD, TOKENIZER, ToolTest, stories  # noqa: E402

WEIGHTS = {"uniform": lambda n: 1.0, "count": float, "root_count": np.sqrt}


def by_words(texts, most=0):
    """Documents as word numbers, the commonest word 0; how many numbers there are."""
    documents = [re.findall(r"\w+|[^\w\s]", text) for text in texts]
    ranked = [word for word, _ in collections.Counter(word for text in documents for word in text).most_common()]
    kept = most - 1 if 0 < most < len(ranked) else len(ranked)
    number = {word: min(i, kept) for i, word in enumerate(ranked)}
    return [[number[word] for word in text] for text in documents], min(len(ranked), kept + 1)


class Truth:
    """The n-gram matrix, from a dictionary of contexts."""

    def __init__(self, documents, vocabulary, order, weight="uniform"):
        rows = {}
        for text in documents:
            for i in range(len(text) - order + 1):
                row = rows.setdefault(tuple(text[i : i + order - 1]), collections.Counter())
                row[text[i + order - 1]] += 1
        matrix = np.zeros((len(rows), vocabulary))
        for line, row in zip(matrix, rows.values()):
            total = sum(row.values())
            for token, count in row.items():
                line[token] = count / total * WEIGHTS[weight](total)
        self.values = np.linalg.svd(matrix, compute_uv=False)
        self.tokens = sum(map(len, documents))
        self.documents = sum(map(bool, documents))
        self.contexts = len(rows)
        self.ngrams = sum(map(len, rows.values()))
        self.occurrences = sum(sum(row.values()) for row in rows.values())
        self.singletons = sum(len(row) == 1 for row in rows.values())
        self.vocab_size = vocabulary
        self.frobenius_squared = np.sum(matrix**2)

    def w_error(self, rank):
        return float(np.sqrt(np.sum(self.values[rank:] ** 2) / np.sum(self.values**2)))

    def rank(self, level):
        return next(d for d in range(len(self.values) + 1) if self.w_error(d) <= level)

    def effective_rank(self):
        p = self.values[self.values > 1e-9 * self.values[0]]
        p = p / p.sum()
        return float(np.exp(-np.sum(p * np.log(p))))


class NgramTest(ToolTest):
    name = "neck-ngram"

    def agrees(self, row, truth, ranks, tolerance=1e-9):
        for field in ("tokens", "documents", "contexts", "ngrams", "occurrences", "singletons", "vocab_size"):
            self.assertEqual(row[field], getattr(truth, field), field)
        self.assertAlmostEqual(row["frobenius_squared"], truth.frobenius_squared, delta=1e-12 * truth.frobenius_squared)
        for rank in ranks:
            band = row["w_error"][str(rank)]
            self.assertLessEqual(band["low"] - tolerance, truth.w_error(rank))
            self.assertGreaterEqual(band["high"] + tolerance, truth.w_error(rank))
            if row["method"] == "exact":
                self.assertAlmostEqual(band["value"], truth.w_error(rank), delta=tolerance)


class Spectra(NgramTest):
    def test_words_against_numpy(self):
        texts = stories(6)
        text = self.write_lines("stories.jsonl", [{"text": text} for text in texts])
        for order, weight, most in ((2, "uniform", 0), (3, "count", 40), (5, "root_count", 100), (8, "uniform", 60)):
            with self.subTest(order=order, weight=weight, most=most):
                truth = Truth(*by_words(texts, most), order, weight)
                (row,) = self.rows("--tokenizer", f"words:{most}" if most else "words", "--order", str(order), "--weight",
                                   weight, "--ranks", "0,5,30", "--values", text)
                self.agrees(row, truth, (0, 5, 30))
                self.assertEqual((row["order"], row["weight"], row["method"]), (order, weight, "exact"))
                values = np.array(row["singular_values"])
                self.assertEqual(len(values), len(truth.values))
                self.assertLess(np.abs(values - truth.values).max(), 1e-10 * truth.values[0])
                bounds = np.array(row["singular_value_errors"]) + 1e-14 * truth.values[0]
                self.assertTrue((np.abs(values - truth.values) <= bounds).all())
                for level in ("0.5", "0.05"):
                    self.assertEqual(row["rank_for_w_error"][level]["value"], truth.rank(float(level)))
                self.assertAlmostEqual(row["effective_rank"]["value"], truth.effective_rank(), places=6)

    def test_bytes_against_numpy(self):
        texts = stories(2)
        path = self.write("a.txt", texts[0])
        other = self.write("b.txt", texts[1])
        (row,) = self.rows("--tokenizer", "bytes", "--order", "3", "--ranks", "7", f"both={path},{other}")
        truth = Truth([list(text.encode()) for text in texts], 256, 3)
        self.agrees(row, truth, (7,))
        self.assertEqual(row["corpus"], "both")

    def test_text_through_a_pipe_is_whole(self):
        done = subprocess.run(self.command("--json", "--quiet", "--tokenizer", "words", "--order", "2", "/dev/stdin"),
                              input=b"a text that is long enough to have lost its beginning", capture_output=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(b'"tokens": 11,', done.stdout)

    def test_token_files_are_like_their_text(self):
        text = self.write_lines("stories.jsonl", [{"text": text} for text in stories(8)])
        tokens = self.path("tokens.bin")
        subprocess.run([os.path.join(BUILD, "examples", "neck-tokenize"), "--tokenizer", TOKENIZER, "--no-end", text, "-o",
                        tokens], check=True, capture_output=True)
        (cut,) = self.rows("--tokenizer", TOKENIZER, "--ranks", "50", "--values", text)
        (read,) = self.rows("--ranks", "50", "--values", tokens)
        self.assertEqual(cut["singular_values"], read["singular_values"])
        self.assertEqual((cut["tokens"], cut["vocab_size"]), (read["tokens"], read["vocab_size"]))
        (twice,) = self.rows("--ranks", "50", f"x={tokens},{tokens}")
        self.assertEqual((twice["tokens"], twice["contexts"]), (2 * read["tokens"], read["contexts"]))

    def test_the_largest_values(self):
        texts = stories(30)
        text = self.write_lines("stories.jsonl", [{"text": text} for text in texts])
        truth = Truth(*by_words(texts, 150), 3)
        (row,) = self.rows("--tokenizer", "words:150", "--order", "3", "--top", "20", "--ranks", "10,20,21", "--values", text)
        self.agrees(row, truth, (10, 20))
        self.assertEqual(row["method"], "top")
        self.assertEqual(len(row["singular_values"]), 20)
        error = np.abs(np.array(row["singular_values"]) - truth.values[:20])
        self.assertTrue((error <= np.array(row["singular_value_errors"]) + 1e-13 * truth.values[0]).all())
        self.assertIsNone(row["w_error"]["21"]["value"])  # beyond what is known
        self.assertIsNone(row["effective_rank"]["value"])

    def test_density_holds_the_truth(self):
        texts = stories(60)
        text = self.write_lines("stories.jsonl", [{"text": text} for text in texts])
        truth = Truth(*by_words(texts, 400), 3)
        ranks = (1, 10, 50, 100, 200, 399)
        (row,) = self.rows("--tokenizer", "words:400", "--order", "3", "--density", "--seed", "5", "--ranks",
                           ",".join(map(str, ranks)), text)
        self.agrees(row, truth, ranks)
        self.assertEqual(row["method"], "density")
        for level in ("0.5", "0.05"):
            band = row["rank_for_w_error"][level]
            self.assertLessEqual(band["low"], truth.rank(float(level)))
            self.assertGreaterEqual(band["high"], truth.rank(float(level)))
        self.assertLess(row["w_error"]["100"]["high"] - row["w_error"]["100"]["low"], 0.1)
        (again,) = self.rows("--tokenizer", "words:400", "--order", "3", "--density", "--seed", "5", "--ranks", "100",
                             "--threads", "1", text)
        self.assertEqual(row["w_error"]["100"], again["w_error"]["100"])

    def test_growing(self):
        text = self.write_lines("stories.jsonl", [{"text": text} for text in stories(40)])
        rows = self.rows("--tokenizer", "words:50", "--order", "2", "--grow", "--ranks", "10", text)
        tokens = [row["tokens"] for row in rows]
        self.assertEqual(tokens, [tokens[-1] >> step for step in range(5, -1, -1)])
        (whole,) = self.rows("--tokenizer", "words:50", "--order", "2", "--ranks", "10", text)
        for field in ("contexts", "ngrams", "w_error", "rank_for_w_error"):
            self.assertEqual(rows[-1][field], whole[field])

    def test_each_document_stands_alone(self):
        text = self.write_lines("two.jsonl", [{"text": "a b c"}, {"text": "d e f"}])
        (row,) = self.rows("--tokenizer", "words", "--order", "3", text)
        self.assertEqual((row["occurrences"], row["contexts"], row["documents"]), (2, 2, 2))

    def test_little_memory_spills_and_agrees(self):
        text = self.write("long.txt", " ".join(stories(100)))
        (little,) = self.rows("--tokenizer", "bytes", "--order", "4", "--memory", "1M", "--density", "--ranks", "50", text)
        (much,) = self.rows("--tokenizer", "bytes", "--order", "4", "--memory", "1G", "--density", "--ranks", "50", text)
        self.assertEqual(little["w_error"], much["w_error"])


class Planted(NgramTest):
    def test_rank_of_contexts_that_never_recur(self):
        """Each document is a context of its own and one of 1234 successors, more or less frequent: W has rank 1234."""
        rank, vocabulary, documents = 1234, 5000, 40000
        rng = np.random.default_rng(3)
        tokens = rng.integers(rank, vocabulary, (documents, 5))
        tokens[:, 4] = np.minimum(rank ** rng.random(documents), rank - 1)
        tokens[:rank, 4] = range(rank)
        (row,) = self.rows("--memory", "1M", "--exact", "--values", "--ranks", "100,1000", self.token_file(tokens, vocabulary))
        values = np.sqrt(np.sort(np.bincount(tokens[:, 4], minlength=vocabulary))[::-1])
        self.assertEqual((row["contexts"], row["singletons"], row["successors"]), (documents, documents, rank))
        self.assertEqual(sum(value > 0 for value in row["singular_values"]), rank)
        self.assertLess(np.abs(np.array(row["singular_values"]) - values).max(), 1e-12 * values[0])
        for d in (100, 1000):
            self.assertAlmostEqual(row["w_error"][str(d)]["value"], np.sqrt(np.sum(values[d:] ** 2) / documents), places=12)

    def token_file(self, tokens, vocabulary):
        """By the layout in docs/neck-tokenize.md; a row is a document."""
        sum_ = 0xCBF29CE484222325
        head = struct.pack("<8sIIQQQQQ", b"NECKTOKS", 1, 2, 0, vocabulary, tokens.size, len(tokens), 0)
        for byte in head:
            sum_ = (sum_ ^ byte) * 0x100000001B3 % 2**64
        data = tokens.astype("<u2").tobytes()
        ends = (np.arange(1, len(tokens) + 1) * tokens.shape[1]).astype("<u8").tobytes()
        path = self.path("tokens.bin")
        with open(path, "wb") as file:
            file.write(head + struct.pack("<Q", sum_) + data + bytes(-len(data) % 8) + ends)
        return path


class Surroundings(NgramTest):
    def test_table(self):
        text = self.write("a.txt", "one two one two one three\n" * 3)
        shown = self.expect(0, "--tokenizer", "words", "--order", "2", "--ranks", "1,2,9", text).stdout.decode()
        line = next(line for line in shown.splitlines() if "a.txt" in line).split()
        truth = Truth(*by_words(["one two one two one three\n" * 3]), 2)
        self.assertEqual(line[:4], [str(truth.tokens), str(truth.contexts), str(truth.singletons), "3"])
        self.assertEqual(line[4:7], ["%.4f" % truth.w_error(1), "%.4f" % truth.w_error(2), "-"])
        self.assertEqual(line[-2:], ["exact", "a.txt"])

    def test_values_in_the_table(self):
        text = self.write("a.txt", "a b c d e f g")
        shown = self.expect(0, "--tokenizer", "words", "--order", "2", "--values", text).stdout.decode()
        self.assertEqual(len(re.findall(r"^ +\d+  1 +\d", shown, re.M)), 6)

    def test_words_are_unicode(self):
        text = self.write("a.txt", "na\u00efve \u201cna\u00efve\u201d it\u2019s it_s \u65e5\u672c 2\u00bd")
        (row,) = self.rows("--tokenizer", "words", "--order", "2", text)
        self.assertEqual((row["tokens"], row["vocab_size"]), (10, 9))

    @unittest.skipUnless(shutil.which("gnuplot"), "no gnuplot")
    def test_plot(self):
        text = self.write("a.txt", stories(1)[0])
        for method in ("--exact", "--density"):
            figure = self.path("figure.svg")
            self.expect(0, "--tokenizer", "bytes", method, "--grow", "--plot", figure, f"it's={text}")
            with open(figure, encoding="utf-8") as file:
                drawn = file.read()
            self.assertIn("it's", drawn)
            self.assertIn("W-error", drawn)
            os.remove(figure)

    def test_nothing_is_left_behind(self):
        """Interrupted or killed while it cuts, spills and merges a text that takes it minutes."""
        text = self.write("long.txt", " ".join(stories(100)) * 10)
        os.mkdir(self.path("tmp"))
        command = ["--tokenizer", "bytes", "--order", "8", "--memory", "2M", f"x={','.join([text] * 200)}"]
        for wait in (0, 0.7, 1.5):
            with self.subTest(wait):
                run = self.at_work(command, wait)
                self.assertEqual(self.interrupt(run).splitlines()[-1], b"neck-ngram: interrupted")
                self.assertEqual(os.listdir(self.path("tmp")), [])
                self.assertIn([], [self.left_when_killed(command, wait) for _ in range(2)])

    def left_when_killed(self, command, wait):
        """A file has a name between the moment when it is whole and that when it is open: rarely."""
        run = self.at_work(command, wait)
        run.kill()
        run.communicate(timeout=60)
        left = os.listdir(self.path("tmp"))
        for name in left:
            os.unlink(self.path(os.path.join("tmp", name)))
        return left

    def at_work(self, command, wait):
        """It has begun to write: what it writes has no name."""
        run = self.start(*command, env={**os.environ, "TMPDIR": self.path("tmp")})
        self.until(lambda: self.is_writing(run.pid), run)
        time.sleep(wait)
        return run

    def is_writing(self, process):
        for file in glob.glob(f"/proc/{process}/fd/*"):
            try:
                if os.readlink(file).endswith("(deleted)"):
                    return True
            except OSError:  # closed since
                pass
        return False

    def test_failures(self):
        empty = self.write("empty.txt", "")
        short = self.write("short.txt", "one two three")
        self.fails(["--tokenizer", "words", empty], "empty.txt", "0 tokens")
        self.fails(["--tokenizer", "words:many", empty], "words:many", "how many words?")
        self.fails(["--tokenizer", "words", "--order", "4", short], "short.txt", "3 tokens")
        self.fails([short], "short.txt", "--tokenizer")
        self.fails(["--tokenizer", self.path("none"), short], "none")
        self.fails(["--tokenizer", "words", self.path("none.txt")], "none.txt")
        damaged = self.path("damaged.bin")
        with open(damaged, "wb") as file:
            file.write(b"NECKTOKS" + bytes(80))
        self.fails([damaged], "damaged.bin")
        dense = self.write("dense.txt", " ".join(str(i * i % 997) for i in range(4000)))
        self.fails(["--tokenizer", "words", "--order", "2", "--exact", "--memory", "1M", dense], "connected columns")

    def test_refusals(self):
        self.refuses({
            (): "no CORPUS",
            ("--order", "9", "x"): "--order",
            ("--order", "1", "x"): "--order",
            ("--exact", "--density", "x"): "exclude each other",
            ("--top", "0", "x"): "--top",
            ("--weight", "tf", "x"): "uniform, count or root_count",
            ("--ranks", "1,,2", "x"): "--ranks",
            ("--memory", "12", "x"): "--memory",
            ("--memory", "1Q", "x"): "--memory",
            ("--width", "0.1", "--exact", "x"): "--width",
            ("--density", "--values", "x"): "--values",
            ("--plot", "figure.pdf", "x"): "--plot",
        })


if __name__ == "__main__":
    unittest.main()
