"""Models, tokenizers and evaluations against what transformers computed and an independent evaluator."""

from __future__ import annotations

import gc
import json
import math
import re
import threading
import unittest

import numpy

from support import DATA, SOURCE, TestCase, run_python, softneck

STORIES = DATA / "stories260K" / "stories260K.bin"
TOKENIZER = DATA / "stories260K" / "tok512.bin"
MODELS = SOURCE / "tests" / "golden" / "models"
GOLDEN = json.loads((SOURCE / "tests" / "golden" / "evaluate.json").read_text())
LINES = (DATA / "text" / "tinystories-100.jsonl").read_text().splitlines()[:3]
TEXTS = [json.loads(line)["text"] for line in LINES]


def stories() -> softneck.Model:
    return softneck.Model.open(STORIES, tokenizer=TOKENIZER)


class States(TestCase):
    def test_hidden_states_and_logits_are_those_of_transformers(self) -> None:
        for name in ("gpt2", "neox", "opt", "llama", "gemma2"):
            with self.subTest(name), softneck.open(MODELS / name / "expected.safetensors") as expected:
                model = softneck.Model.open(MODELS / name)
                tensors = {key: tensor.array for key, tensor in expected.tensors.items()}
                ids = tensors["ids"]
                states = model.hidden_states(ids)
                self.assertEqual(len(states), model.layers + 1)
                for layer, state in enumerate(states):
                    truth = tensors[f"states_{layer}"]
                    self.assertEqual((state.shape, state.dtype), (truth.shape, truth.dtype))
                    self.assertLess(numpy.abs(state - truth).max(), 1e-4 * numpy.abs(truth).max())
                self.assertLess(numpy.abs(model.forward(ids) - tensors["logits"]).max(), 1e-4)

    def test_one_sequence_has_one_dimension_less(self) -> None:
        model, ids = stories(), [1, 385, 328]
        self.assertEqual(model.forward(ids).shape, (3, 512))
        self.assertEqual(model.forward([ids, ids]).shape, (2, 3, 512))
        self.assertEqual(model.forward(numpy.array([ids])).shape, (1, 3, 512))
        self.assertEqual([state.shape for state in model.hidden_states(ids)], [(3, 64)] * 6)
        numpy.testing.assert_array_equal(model.forward([ids])[0], model.forward(numpy.array(ids, "int64")))

    def test_the_head_is_the_last_states_matrix(self) -> None:
        model, ids = stories(), [1, 385, 328]
        head = model.head
        self.assertTrue(model.tied)
        del model
        gc.collect()
        self.assertEqual(head.shape, (512, 64))  # the view keeps the model's memory
        again = stories()
        numpy.testing.assert_allclose(again.hidden_states(ids)[-1] @ head.T, again.forward(ids), atol=1e-4)

    def test_wrong_ids_are_refused(self) -> None:
        model = stories()
        for ids in ([], [[]], [0.5], [1, 512], [-1], [2**31], [2**40], [[[1]]], ["a"]):
            with self.subTest(ids), self.assertRaises(softneck.ArgumentError):
                model.forward(ids)

    def test_what_is_no_model_is_refused(self) -> None:
        with self.assertRaises(softneck.Error):
            softneck.Model.open(TOKENIZER)
        with self.assertRaises(softneck.FileError):
            softneck.Model.open(self.folder / "missing")


class Tokens(TestCase):
    def test_texts_come_back(self) -> None:
        tokenizer = softneck.Tokenizer.open(TOKENIZER)
        self.assertEqual((len(tokenizer), tokenizer.bos, tokenizer.eos), (512, 1, 2))
        for text in (*TEXTS, "", "naïve 🙂", "tab\tand\nnewline"):
            ids = tokenizer.encode(text, special_tokens=False)
            self.assertEqual(ids.dtype, numpy.int32)
            self.assertEqual(tokenizer.decode(ids), text)
        self.assertEqual(tokenizer.encode(b"a\xffb", special_tokens=False).tolist(),
                         tokenizer.encode("a\udcffb", special_tokens=False).tolist())
        with self.assertRaises(softneck.FormatError):
            tokenizer.encode(b"a\xff", strict=True)

    def test_documents_are_the_reference_ids(self) -> None:
        tokenizer = softneck.Tokenizer.open(TOKENIZER)
        for text, story in zip(TEXTS, GOLDEN["stories"]):
            ids = tokenizer.encode_document(text).tolist()
            self.assertEqual(ids, story["ids"][: len(ids)])

    def test_tokens_by_name(self) -> None:
        tokenizer = softneck.Tokenizer.open(TOKENIZER)
        for id in (5, 300, 511):
            self.assertEqual(tokenizer.find(tokenizer.token(id)), id)
        with self.assertRaises(softneck.NotFoundError):
            tokenizer.find("no such token")
        with self.assertRaises(softneck.ArgumentError):
            tokenizer.token(512)


class Loss(TestCase):
    def test_loss_is_that_of_an_independent_evaluator(self) -> None:
        model = stories()
        for text, story in zip(TEXTS, GOLDEN["stories"]):
            self.assertAlmostEqual(model.loss(story["ids"]), numpy.mean(story["nll"]), delta=1e-5)
            self.assertAlmostEqual(model.loss(text), model.loss(model.tokenizer.encode_document(text)), delta=1e-12)

    def test_loss_is_the_mean_over_logits(self) -> None:
        model, ids = stories(), GOLDEN["stories"][0]["ids"]
        logits = model.forward(ids).astype("float64")[:-1]
        nll = numpy.log(numpy.exp(logits).sum(-1)) - logits[numpy.arange(len(ids) - 1), ids[1:]]
        self.assertAlmostEqual(model.loss(ids), nll.mean(), delta=1e-6)

    def test_nothing_to_predict(self) -> None:
        with self.assertRaises(softneck.StateError):
            stories().loss([1])

    def test_evaluations_count_units(self) -> None:
        evaluation = stories().evaluate(*TEXTS)
        loss = evaluation.loss
        self.assertEqual(loss.documents, 3)
        self.assertAlmostEqual(loss.bytes, sum(len(text.encode()) for text in TEXTS))
        self.assertAlmostEqual(loss.words, sum(len(re.split(r"\s+", text)) for text in TEXTS))
        self.assertAlmostEqual(loss.bits_per_byte, loss.nll_sum / math.log(2) / loss.bytes)
        self.assertEqual(softneck.count_words("a b\u3000c "), 4)

    def test_layers_are_the_hidden_states(self) -> None:
        model, ids = stories(), GOLDEN["stories"][0]["ids"]
        evaluation = model.evaluate(ids)
        self.assertEqual(evaluation.layers, 6)
        grams = evaluation.grams()
        for layer, state in enumerate(model.hidden_states(ids[:-1])):
            rows = state.astype("float64")
            gram = grams[layer]
            self.assertEqual(gram.count, len(ids) - 1)
            numpy.testing.assert_allclose(gram.data, rows.T @ rows, rtol=1e-4, atol=1e-4 * numpy.abs(rows).max() ** 2)
            for centered, got in ((0, gram.anisotropy()), (1, evaluation.centered_anisotropy(layer).value)):
                unit = rows - centered * rows.mean(0)
                unit /= numpy.linalg.norm(unit, axis=1, keepdims=True)
                n = len(unit)
                self.assertAlmostEqual(got, (numpy.sum(unit.sum(0) ** 2) - n) / (n * n - n), delta=1e-5)
        with self.assertRaises(IndexError):
            evaluation.gram(6)

    def test_a_gram_is_a_copy(self) -> None:
        evaluation = stories().evaluate(TEXTS[0])
        before = evaluation.gram(2)
        count = before.count
        evaluation.push(TEXTS[1])
        self.assertEqual(before.count, count)
        self.assertGreater(evaluation.gram(2).count, count)

    def test_likelihood(self) -> None:
        model = stories()
        likely, unlikely = model.likelihood("Once upon a", " time"), model.likelihood("Once upon a", " zebra")
        self.assertTrue(likely.greedy)
        self.assertFalse(unlikely.greedy)
        self.assertGreater(likely.log_likelihood, unlikely.log_likelihood)

    def test_progress_can_cancel_and_raise(self) -> None:
        context = softneck.Context(progress=lambda told: told.task == "evaluate")
        model = softneck.Model.open(STORIES, tokenizer=TOKENIZER, context=context)
        with self.assertRaises(softneck.CancelledError):
            model.loss(TEXTS[0])

    def test_threads_share_a_model(self) -> None:
        model, results = stories(), [0.0] * 4
        expected = model.loss(TEXTS[0])

        def work(index: int) -> None:
            results[index] = model.loss(TEXTS[0])

        threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(results, [expected] * 4)


class WithoutNumpy(TestCase):
    def test_everything_works_on_memoryviews(self) -> None:
        code = f"""
import sys
sys.modules["numpy"] = None
import softneck
model = softneck.Model.open({str(STORIES)!r}, tokenizer={str(TOKENIZER)!r})
ids = model.tokenizer.encode_document({TEXTS[0]!r})
logits = model.forward(ids)
assert logits.shape == (len(ids), 512), logits.shape
assert model.forward([[1, 2], [3, 4]]).shape == (2, 2, 512)
assert [state.shape for state in model.hidden_states([1, 2])] == [(2, 64)] * 6
assert model.tokenizer.decode(ids[1:]) == {TEXTS[0]!r}
for bad in ([0.5], [2**31], [[1], [1, 2]], []):
    try:
        model.forward(bad)
    except softneck.ArgumentError:
        continue
    raise SystemExit(f"{{bad}} was taken")
print(model.loss(ids))
"""
        done = run_python(code)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertAlmostEqual(float(done.stdout), stories().loss(TEXTS[0]), delta=1e-9)


if __name__ == "__main__":
    unittest.main()
