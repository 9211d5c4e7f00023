"""Tokenizers learned from text, token files and batches: against Hugging Face tokenizers and plain slicing."""

from __future__ import annotations

import json
import unittest
import zlib

from support import SOURCE, TestCase, numpy, run_python, softneck

BPE = json.loads((SOURCE / "tests" / "golden" / "bpe.json").read_text())
TEXTS = ["To be, or not to be, that is the question.", "", "It is a truth universally acknowledged"]


class TrainTokenizer(TestCase):
    def test_against_hugging_face(self) -> None:
        for case in BPE["cases"]:
            with self.subTest(case["name"]):
                path = self.folder / "tokenizer.json"
                tokenizer = softneck.train_tokenizer(
                    iter(case["texts"]),
                    case["vocab_size"],
                    split=case["split"],
                    special_tokens=case["special_tokens"],
                    min_frequency=case["min_frequency"] or None,
                    path=path,
                )
                self.assertEqual(zlib.crc32(path.read_bytes()), case["crc32"])
                self.assertEqual(tokenizer.encode(BPE["sample"]).tolist(), case["ids"])
                self.assertEqual(tokenizer.hash, softneck.Tokenizer(path).hash)

    def test_refusals(self) -> None:
        with self.assertRaisesRegex(softneck.ArgumentError, "single text"):
            softneck.train_tokenizer("one text", 300)
        with self.assertRaisesRegex(softneck.ArgumentError, "unknown split"):
            softneck.train_tokenizer(TEXTS, 300, split="words")
        with self.assertRaises(softneck.ArgumentError):
            softneck.train_tokenizer(TEXTS, 100)
        with self.assertRaises(softneck.ArgumentError):
            softneck.train_tokenizer([], 300)
        with self.assertRaises(ZeroDivisionError):  # of the caller's own generator
            softneck.train_tokenizer((1 / 0 for _ in range(1)), 300)  # type: ignore[misc]
        self.assertEqual(len(softneck.train_tokenizer(TEXTS, 256, special_tokens=())), 256)


class Files(TestCase):
    def setUp(self) -> None:
        self.path = self.folder / "tokens.bin"

    def write(self, *documents: "list[int]") -> softneck.TokenFile:
        with softneck.TokenWriter(self.path, 100) as writer:
            for document in documents:
                writer.document(document)
        return softneck.TokenFile(self.path)

    def test_reads_what_was_written(self) -> None:
        file = self.write([1, 2, 3], [], [99, 0])
        self.assertEqual((len(file), file.vocabulary, file.document_count, file.tokenizer_hash), (5, 100, 3, 0))
        self.assertEqual([file.document(i).tolist() for i in range(3)], [[1, 2, 3], [], [99, 0]])
        self.assertEqual(list(file), [1, 2, 3, 99, 0])
        self.assertEqual((file[-1], file[3]), (0, 99))
        with self.assertRaises(IndexError):
            file[5]

    def test_slices_are_those_of_a_list(self) -> None:
        ids = list(range(7))
        file = self.write(ids)
        for first in (None, 0, 2, 9, -3):
            for end in (None, 0, 5, -1, 8):
                for step in (None, 1, 2, 3, -1, -2):
                    self.assertEqual(file[first:end:step].tolist(), ids[first:end:step], (first, end, step))

    def test_of_texts(self) -> None:
        tokenizer = softneck.train_tokenizer(TEXTS, 280)
        file = softneck.write_tokens(self.path, TEXTS, tokenizer)
        end = tokenizer.find("<|endoftext|>")
        self.assertEqual((file.document_count, file.tokenizer_hash), (3, tokenizer.hash))
        for i, text in enumerate(TEXTS):
            self.assertEqual(file.document(i).tolist(), [*tokenizer.encode(text), end])

    def test_all_or_nothing(self) -> None:
        with self.assertRaises(ZeroDivisionError):
            with softneck.TokenWriter(self.path, 100) as writer:
                writer.push([1])
                raise ZeroDivisionError
        with softneck.TokenWriter(self.path, 100) as writer:
            writer.push([1])
            writer.close()
        self.assertEqual(list(self.folder.iterdir()), [])
        with self.assertRaises(softneck.ArgumentError):
            writer.push([1])
        with self.assertRaisesRegex(softneck.StateError, "document"):
            with softneck.TokenWriter(self.path, 100) as writer:
                writer.document([1])
                writer.push([2])
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_refusals(self) -> None:
        with softneck.TokenWriter(self.path, 100) as writer:
            writer.document([1])
            with self.assertRaises(softneck.ArgumentError):
                writer.push([100])
            with self.assertRaises(softneck.ArgumentError):
                writer.push([2**40])
        self.assertEqual(list(softneck.TokenFile(self.path)), [1])
        self.path.write_bytes(self.path.read_bytes()[:-1])
        with self.assertRaises(softneck.FormatError):
            softneck.TokenFile(self.path)


class Batches(TestCase):
    def setUp(self) -> None:
        self.ids = numpy.random.default_rng(0).integers(0, 50, 103)
        with softneck.TokenWriter(self.folder / "tokens.bin", 50) as writer:
            writer.document(self.ids)
        self.file = softneck.TokenFile(self.folder / "tokens.bin")

    def test_sequential(self) -> None:
        batches = softneck.Batches(self.file, 3, 10, order="sequential", part="training", validation_share=0.2)
        self.assertEqual((batches.token_count, batches.windows), (83, 8))
        for step in range(5):
            tokens, targets = batches[step]
            starts = [(3 * step + row) % 8 * 10 for row in range(3)]
            numpy.testing.assert_array_equal(tokens, [self.ids[s : s + 10] for s in starts])
            numpy.testing.assert_array_equal(targets, [self.ids[s + 1 : s + 11] for s in starts])

    def test_random_depends_on_seed_and_step_alone(self) -> None:
        batches, again = (softneck.Batches(self.file, 4, 10, seed=7) for _ in range(2))
        later = batches[5]
        batches[0][0][:] = 0  # arrays of the caller's own
        numpy.testing.assert_array_equal(again[5], later)
        self.assertFalse(numpy.array_equal(softneck.Batches(self.file, 4, 10, seed=8)[5], later))
        windows = {tuple(self.ids[i : i + 11]) for i in range(93)}
        for tokens, targets in zip(*later):
            self.assertIn((*tokens, targets[-1]), windows)

    def test_refusals(self) -> None:
        for options in (
            {"order": "up"},
            {"part": "half"},
            {"seed": -1},
            {"part": "validation", "validation_share": 0.05},
        ):
            with self.assertRaises(softneck.ArgumentError):
                softneck.Batches(self.file, 4, 10, **options)
        with self.assertRaises(softneck.ArgumentError):
            softneck.Batches(self.file, 4, 10)[-1]
        with self.assertRaises(TypeError):
            iter(softneck.Batches(self.file, 4, 10))


class WithoutNumpy(TestCase):
    def test_everything(self) -> None:
        code = f"""
import sys
sys.modules["numpy"] = None
import softneck
path = {str(self.folder / "tokens.bin")!r}
tokenizer = softneck.train_tokenizer(["one two", "three four five"], 300)
file = softneck.write_tokens(path, ["one two", "three four five"], tokenizer)
assert file[:].tolist() == [*tokenizer.encode("one two"), 0, *tokenizer.encode("three four five"), 0]
assert file[::-1].tolist() == file[:].tolist()[::-1]
tokens, targets = softneck.Batches(file, 2, 3)[0]
assert tokens.tolist()[0][1:] == targets.tolist()[0][:-1]
model = softneck.TrainableModel(len(tokenizer), 1, 8, 2, 4)
training = softneck.Training(model, file, softneck.AdamW(0.01), batch=2)
before = training.step().loss
for _ in range(20):
    after = training.step().loss
assert after < before
assert training.states().shape == (8, 8) and training.head_matrix().shape == (len(tokenizer), 8)
"""
        result = run_python(code)
        self.assertEqual(result.returncode, 0, result.stderr)


if __name__ == "__main__":
    unittest.main()
