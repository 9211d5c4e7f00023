"""Trainable models and trainings: against PyTorch's loss curve, by hand against by Training, and across files."""

from __future__ import annotations

import json
import unittest
from typing import Any

from support import DATA, SOURCE, TestCase, numpy, softneck

GOLDEN = SOURCE / "tests" / "golden"
RECIPE = json.loads((GOLDEN / "training.json").read_text())
STORIES = DATA / "text" / "tinystories-100.jsonl"


class Fixture(TestCase):
    """Bytes of a text as tokens."""

    def setUp(self) -> None:
        path = self.folder / "tokens.bin"
        with softneck.TokenWriter(path, 256) as writer:
            writer.document(list(STORIES.read_bytes()[: RECIPE["recipe"]["tokens"]]))
        self.tokens = softneck.TokenFile(path)

    def model(self, **more: Any) -> softneck.TrainableModel:
        return softneck.TrainableModel(256, 2, 16, 2, 32, **more)

    def training(self, model: softneck.TrainableModel, **more: Any) -> softneck.Training:
        options = {"batch": 4, "context_length": 16, "validation_share": 0.02, **more}
        return softneck.Training(model, self.tokens, softneck.AdamW(0.01), **options)


class Curve(Fixture):
    def test_against_pytorch(self) -> None:
        r = RECIPE["recipe"]
        training = softneck.Training(
            softneck.TrainableModel.open(GOLDEN / "training"),
            self.tokens,
            softneck.AdamW(r["learning_rate"], r["weight_decay"], r["beta1"], r["beta2"]),
            batch=r["batch"],
            context_length=r["context"],
            accumulation=r["accumulation"],
            order="sequential",
            validation_share=r["validation_share"],
            schedule=softneck.Schedule("cosine", r["steps"], r["warmup"], final_scale=r["final_scale"]),
        )
        reports = [training.step() for _ in range(r["steps"])]
        numpy.testing.assert_allclose([report.loss for report in reports], RECIPE["losses"], atol=1e-4)
        numpy.testing.assert_allclose([report.gradient_norm for report in reports], RECIPE["gradient_norms"], rtol=1e-3)
        evaluation = training.evaluate()
        self.assertAlmostEqual(evaluation.loss, RECIPE["validation_loss"], delta=1e-4)
        self.assertEqual((evaluation.best_loss, evaluation.best_step), (evaluation.loss, r["steps"]))
        seen = r["steps"] * r["batch"] * r["context"] * r["accumulation"]
        self.assertEqual(
            (reports[-1].step, reports[-1].tokens, training.steps, training.tokens), (200, seen, 200, seen)
        )

    def test_by_hand_it_is_the_same(self) -> None:
        """What Training does, out of its parts."""
        by_hand, moved = self.model(seed=3), self.model(seed=3)
        training = self.training(moved, seed=5)
        batches = softneck.Batches(self.tokens, 4, 16, part="training", validation_share=0.02, seed=5)
        optimizer = softneck.Optimizer(by_hand, softneck.AdamW(0.01, gradients_are_clipped=True))
        for step in range(5):
            tokens, targets = batches[step]
            name = by_hand.head_name
            by_hand.clear_gradients()
            loss = softneck.cross_entropy(
                by_hand.forward(tokens, step),
                by_hand.parameters[name],
                targets.reshape(-1),
                d_states=True,
                d_weights=by_hand.gradients[name],
                accumulate=True,
            )
            by_hand.backward(loss.d_states)
            norm = softneck.clip_gradients(by_hand, 1.0)
            optimizer.step()
            report = training.step()
            self.assertEqual((loss.loss, norm), (report.loss, report.gradient_norm))
        for name, values in by_hand.parameters.items():
            numpy.testing.assert_array_equal(values, moved.parameters[name], name)


class Model(Fixture):
    def test_what_it_is(self) -> None:
        model = self.model(family="llama", kv_heads=1, tied=True, dtype="f64")
        self.assertEqual((model.family, model.layers, model.hidden_size, model.head_size), ("llama", 2, 16, 16))
        self.assertEqual((model.vocabulary, model.context_length, model.dtype), (256, 32, "f64"))
        self.assertEqual(model.config["num_key_value_heads"], 1)
        self.assertEqual(model.head_name, "model.embed_tokens.weight")
        self.assertEqual(sum(array.size for array in model.parameters.values()), model.parameter_count)
        again = softneck.TrainableModel(config=model.config, dtype="f64")
        self.assertEqual(
            {k: v.shape for k, v in again.parameters.items()}, {k: v.shape for k, v in model.parameters.items()}
        )

    def test_gradient_is_the_slope(self) -> None:
        model, tokens = self.model(family="gpt2", dtype="f64"), [[1, 2, 3, 4], [5, 6, 7, 8]]
        direction = numpy.random.default_rng(0).standard_normal((8, 16))
        model.forward(tokens)
        model.backward(direction)
        values = model.parameters["transformer.h.1.mlp.c_fc.weight"]
        gradient = model.gradients["transformer.h.1.mlp.c_fc.weight"][3, 5]
        slope, start = [], values[3, 5]
        for step in (1e-5, -1e-5):
            values[3, 5] = start + step
            slope.append((model.forward(tokens) * direction).sum())
        self.assertAlmostEqual((slope[0] - slope[1]) / 2e-5, gradient, delta=1e-6 * max(1, abs(gradient)))

    def test_saved_it_opens_everywhere(self) -> None:
        model, tokens = self.model(), [3, 1, 4, 1, 5]
        model.save(self.folder / "saved")
        states = model.forward(tokens)
        opened = softneck.TrainableModel.open(self.folder / "saved")
        numpy.testing.assert_array_equal(opened.forward(tokens), states)
        runner = softneck.Model.open(self.folder / "saved")
        numpy.testing.assert_allclose(runner.hidden_states(tokens)[-1], states, atol=1e-5)
        numpy.testing.assert_allclose(runner.forward(tokens), states @ model.parameters[model.head_name].T, atol=1e-5)
        numpy.testing.assert_array_equal(model.states(2), states)
        self.assertEqual(model.states(0).shape, (5, 16))

    def test_arrays_outlive_the_model(self) -> None:
        values = self.model().parameters["gpt_neox.final_layer_norm.weight"]
        numpy.testing.assert_array_equal(values, numpy.ones((1, 16)))

    def test_refusals(self) -> None:
        model = self.model()
        with self.assertRaises(softneck.StateError):
            model.states(0)
        model.forward([1, 2])
        for gradient in (numpy.zeros((2, 15), "float32"), numpy.zeros((3, 16), "float32"), numpy.zeros((2, 16))):
            with self.assertRaisesRegex(softneck.ArgumentError, "the states were"):
                model.backward(gradient)
        model.backward(numpy.zeros((2, 16), "float32"))
        with self.assertRaises(softneck.StateError):
            model.backward(numpy.zeros((2, 16), "float32"))
        with self.assertRaises(softneck.ArgumentError):
            model.forward([256])
        with self.assertRaises(softneck.ArgumentError):
            self.model(dtype="f16")
        with self.assertRaises(softneck.ArgumentError):
            softneck.TrainableModel(256, 2, 16, 3, 32)
        with self.assertRaises(TypeError):
            self.model(drop_out=0.1)


class Folders(Fixture):
    def test_a_resumed_run_has_the_same_bits(self) -> None:
        state = self.folder / "state"
        whole = self.training(self.model(dropout=0.1), seed=2)
        self.assertFalse(whole.resume(state))
        for _ in range(3):
            whole.step()
        whole.save(state, add=lambda folder: open(f"{folder}/note", "w").close())
        self.assertTrue((state / "step-3" / "note").exists())
        resumed = self.training(self.model(dropout=0.1), seed=2)
        self.assertTrue(resumed.resume(state))
        self.assertEqual(resumed.steps, 3)
        for _ in range(3):
            self.assertEqual(resumed.step(), whole.step())
        self.assertEqual(resumed.evaluate(), whole.evaluate())
        with self.assertRaisesRegex(softneck.FormatError, "batches"):
            self.training(self.model(dropout=0.1), seed=3).resume(state)

    def test_an_export_scores_as_the_training_does(self) -> None:
        training = self.training(self.model())
        training.step()
        training.export(self.folder / "model")
        loss, held_out = 0.0, self.tokens[-400:]
        runner = softneck.Model.open(self.folder / "model")
        for first in range(0, 384, 16):
            window = held_out[first : first + 17]
            logits = runner.forward(window[:-1]).astype("float64")
            picked = logits[numpy.arange(16), window[1:]]
            loss += (numpy.logaddexp.reduce(logits, axis=1) - picked).mean() / 24
        self.assertAlmostEqual(training.evaluate().loss, loss, delta=1e-5)

    def test_an_exception_undoes_the_folder(self) -> None:
        def fail(folder: str) -> None:
            raise ZeroDivisionError(folder)

        training = self.training(self.model())
        with self.assertRaises(ZeroDivisionError):
            training.export(self.folder / "model", add=fail)
        with self.assertRaisesRegex(softneck.StateError, "callback"):
            training.export(self.folder / "model", add=lambda folder: training.step())
        self.assertEqual([path.name for path in self.folder.iterdir()], ["tokens.bin"])


class Heads(Fixture):
    def test_a_head_of_another_kind(self) -> None:
        head = softneck.Head(256, 16, "factored", rank=4)
        training = self.training(self.model(head=False), head=head, clip_norm=None)
        first = training.step().loss
        for _ in range(20):
            last = training.step().loss
        self.assertLess(last, first)
        product = training.parameters["head.a"] @ training.parameters["head.b"]
        numpy.testing.assert_allclose(training.head_matrix(), product, atol=1e-5)
        self.assertEqual(training.states().shape, (64, 16))
        self.assertIs(training.head, head)

    def test_a_monitor_beside_it(self) -> None:
        monitor, training = softneck.Monitor(interval=2), self.training(self.model())
        for _ in range(4):
            step = training.step().step
            if monitor.due(step):
                monitor.head(step, training.head_matrix())
                monitor.states(step, training.states())
        self.assertEqual(monitor["head.raw.singular_entropy"].steps.tolist(), [2, 4])

    def test_refusals(self) -> None:
        model = self.model()
        with self.assertRaises(TypeError):
            softneck.Training(model, self.folder / "tokens.bin", softneck.AdamW(0.1), batch=4)
        with self.assertRaises(softneck.ArgumentError):
            self.training(model, context_length=33)
        with self.assertRaises(softneck.ArgumentError):
            self.training(model, head=softneck.Head(256, 16))
        with self.assertRaises(softneck.StateError):
            self.training(model, validation_share=0.0).evaluate()
        with self.assertRaises(softneck.RangeError):
            self.training(model, gradient_limit=1e-6).step()
        model.parameters[model.head_name][0, 0] = numpy.nan
        with self.assertRaises(softneck.NonFiniteError):
            self.training(model).step()


if __name__ == "__main__":
    unittest.main()
