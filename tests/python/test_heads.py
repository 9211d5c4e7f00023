"""Heads of every kind: their formulas, gradients and files, whose memory they are, and training them."""

from __future__ import annotations

import gc
import pickle
import unittest

from support import TestCase, bf16_bits, numpy, random, softneck, widened

N, V, D = 9, 23, 6
X = random(N, D, seed=1)
Y = numpy.random.default_rng(2).integers(0, V, N)
KINDS = {
    "dense": {},
    "factored": {"rank": 3},
    "mos": {"rank": 4, "components": 2},
    "sigsoftmax": {},
    "plif": {"knots": 8, "range": 2.0},
}


def head(kind: str, **options: object) -> softneck.Head:
    """In double, far enough from zero that its maps bend."""
    return softneck.Head(V, D, kind, dtype="f64", init_std=0.5, **{**KINDS[kind], **options})


def log_softmax(z: numpy.ndarray) -> numpy.ndarray:
    z = z - z.max(1, keepdims=True)
    return z - numpy.log(numpy.exp(z).sum(1, keepdims=True))


def log_probabilities(kind: str, p: dict) -> numpy.ndarray:
    """The formulas of the header."""
    if kind == "factored":
        return log_softmax(X @ p["b"].T @ p["a"].T + p.get("bias", 0))
    if kind == "mos":
        rank = p["weight"].shape[1]
        h = numpy.tanh(X @ p["projection"].T + p["projection_bias"]).reshape(N, -1, rank)
        prior = numpy.exp(log_softmax(X @ p["prior"].T))
        each = (numpy.exp(log_softmax(h[:, k] @ p["weight"].T + p.get("bias", 0))) for k in range(prior.shape[1]))
        return numpy.log(sum(prior[:, k, None] * one for k, one in enumerate(each)))
    z = X @ p["weight"].T + p.get("bias", 0)
    if kind == "sigsoftmax":
        return log_softmax(z - numpy.log1p(numpy.exp(-z)))
    if kind == "plif":
        edges = numpy.linspace(-2, 2, 9)
        slopes = numpy.log1p(numpy.exp(p["slopes"][0]))
        inner = [slope * (numpy.clip(z, low, high) - numpy.clip(0, low, high))
                 for slope, low, high in zip(slopes, edges, edges[1:])]  # fmt: skip
        return log_softmax(sum(inner) + slopes[0] * numpy.minimum(z + 2, 0) + slopes[-1] * numpy.maximum(z - 2, 0))
    return log_softmax(z)


class Kinds(TestCase):
    def test_log_probabilities_are_the_formulas(self) -> None:
        for kind in KINDS:
            for bias in (False, True):
                with self.subTest(kind, bias=bias):
                    found = head(kind, bias=bias)
                    self.assertEqual((found.kind, found.vocabulary, found.hidden_size), (kind, V, D))
                    for array in found.parameters.values():
                        array += 0.1 * random(*array.shape, seed=7)  # trained ones: biases and slopes differ
                    truth = log_probabilities(kind, found.parameters)
                    numpy.testing.assert_allclose(found.log_probabilities(X), truth, atol=1e-12)
                    loss = found.loss(X, Y, token_loss=True)
                    numpy.testing.assert_allclose(loss.token_loss, -truth[numpy.arange(N), Y], atol=1e-12)
                    self.assertAlmostEqual(loss.loss, loss.token_loss.mean())

    def test_gradients_are_differences(self) -> None:
        for kind in KINDS:
            with self.subTest(kind):
                found = head(kind, bias=True)
                out = found.gradient(X, Y, d_states=True, accuracy=True)
                self.assertEqual(out.loss, found.loss(X, Y).loss)
                self.assertEqual(list(found.gradients), list(found.parameters))
                moved = {name: random(*array.shape, seed=3) for name, array in found.parameters.items()}
                slope = sum((moved[name] * array).sum() for name, array in found.gradients.items())
                self.assert_slope(found, moved, X, slope)
                still = {name: numpy.zeros_like(array) for name, array in moved.items()}
                direction = random(N, D, seed=4)
                self.assert_slope(found, still, direction, (out.d_states * direction).sum(), states=True)

    def assert_slope(self, found, moved, direction, slope: float, states: bool = False) -> None:
        step, losses = 1e-5, []
        for sign in (1, -2, 1):
            for name, array in found.parameters.items():
                array += sign * step * moved[name]
            losses.append(found.loss(X + (sign == 1 or -1) * step * direction if states else X, Y).loss)
        before = losses[0] - losses[1]
        self.assertAlmostEqual(before / (2 * step), slope, delta=1e-8)

    def test_accumulate(self) -> None:
        found = head("dense")
        found.gradient(X, Y)
        once = found.gradients["weight"].copy()
        found.gradient(X, Y, accumulate=True)
        numpy.testing.assert_allclose(found.gradients["weight"], 2 * once, rtol=1e-13)

    def test_counts_and_ranks(self) -> None:
        limits = {"dense": D + 1, "factored": 4, "mos": V, "sigsoftmax": V, "plif": V}
        for kind, limit in limits.items():
            found = head(kind)
            self.assertEqual(found.rank_limit, limit)
            self.assertEqual(found.parameter_count, sum(array.size for array in found.parameters.values()))

    def test_starting_from_weights(self) -> None:
        W = random(V, D, "float32")
        found = softneck.Head(weights=W)
        self.assertEqual((found.vocabulary, found.hidden_size, found.dtype), (V, D, "f32"))
        numpy.testing.assert_array_equal(found.parameters["weight"], W)
        self.assertFalse(numpy.shares_memory(found.parameters["weight"], W))
        bits = bf16_bits(W)
        narrow = softneck.Head(weights=bits, weights_dtype="bf16")
        numpy.testing.assert_array_equal(narrow.parameters["weight"], widened(bits))
        factored = softneck.Head(weights=W, kind="factored", rank=2, dtype="f64").parameters
        missed = numpy.linalg.norm(factored["a"] @ factored["b"] - W)
        s = numpy.linalg.svd(W.astype("float64"), compute_uv=False)
        self.assertAlmostEqual(missed, numpy.sqrt((s[2:] ** 2).sum()), delta=1e-6)

    def test_a_tied_head_works_on_the_callers_memory(self) -> None:
        W, gradient = random(V, D), numpy.zeros((V, D))
        found = softneck.Head(kind="tied", tied_weights=W, tied_gradient=gradient, bias=True, dtype="f64")
        self.assertTrue(numpy.shares_memory(found.parameters["weight"], W))
        found.gradient(X, Y)
        truth = softneck.cross_entropy(X, W, Y, d_weights=True)
        numpy.testing.assert_array_equal(gradient, truth.d_weights)
        softneck.Optimizer(found, softneck.SGD(1.0)).step()
        self.assertLess(softneck.cross_entropy(X, W, Y, bias=found.parameters["bias"]).loss, truth.loss)
        self.assertEqual(list(softneck.Head(kind="tied", tied_weights=W, dtype="f64").gradients), [])

    def test_seeds(self) -> None:
        one, same, other = (softneck.Head(V, D, context=softneck.Context(seed=seed)) for seed in (1, 1, 2))
        numpy.testing.assert_array_equal(one.parameters["weight"], same.parameters["weight"])
        self.assertFalse((one.parameters["weight"] == other.parameters["weight"]).any())

    def test_files(self) -> None:
        for kind in KINDS:
            with self.subTest(kind):
                found, path = head(kind, bias=True), self.folder / f"{kind}.safetensors"
                found.save(path)
                again = softneck.Head.load(path)
                self.assertEqual((again.kind, again.dtype), (kind, "f64"))
                for name, array in found.parameters.items():
                    numpy.testing.assert_array_equal(again.parameters[name], array)
                self.assertEqual(again.loss(X, Y).loss, found.loss(X, Y).loss)
        path.write_bytes(b"nonsense")
        with self.assertRaises(softneck.FormatError):
            softneck.Head.load(path)
        with self.assertRaises(softneck.FileError):
            found.save(self.folder / "missing" / "head")

    def test_arrays_keep_the_head_alive(self) -> None:
        found = head("dense")
        weight, row = found.parameters["weight"], found.gradients["weight"][2:3]
        expected = weight.copy()
        with self.assertRaisesRegex(TypeError, "pickled"):
            pickle.dumps(found)
        self.assertIn("dense, of 23 tokens for 6 numbers, 138 parameters in f64", repr(found))
        optimizer = softneck.Optimizer(found, softneck.SGD(1.0))
        del found
        gc.collect()
        row[:] = 1
        numpy.testing.assert_array_equal(weight, expected)
        optimizer.step()
        numpy.testing.assert_array_equal(weight[2], expected[2] - 1)

    def test_refusals(self) -> None:
        W = random(V, D)
        for error, message, options in (
            (softneck.NotFoundError, "no head 'linear'", {"kind": "linear"}),
            (softneck.ArgumentError, "rank", {"kind": "factored"}),
            (softneck.ArgumentError, "rank is 0", {"kind": "mos", "rank": 0}),
            (softneck.ArgumentError, "a dense head has no rank", {"rank": 2}),
            (softneck.ArgumentError, "'f32' or 'f64'", {"dtype": "bf16"}),
            (softneck.ArgumentError, "vocabulary is needed", {"vocabulary": None}),
            (softneck.ArgumentError, "vocabulary is 23, the weights given are 22 x 6", {"weights": W[1:]}),
            (softneck.ArgumentError, "logit_scale is 0", {"logit_scale": 0.0}),
            (softneck.ArgumentError, "a tied head needs tied_weights", {"kind": "tied"}),
            (softneck.ArgumentError, "tied_weights is f64 .*: a matrix of the head's dtype, f32",
             {"kind": "tied", "tied_weights": W}),
            (softneck.ArgumentError, "tied_gradient shares memory with tied_weights",
             {"kind": "tied", "tied_weights": W, "tied_gradient": W, "dtype": "f64"}),
        ):  # fmt: skip
            with self.subTest(message), self.assertRaisesRegex(error, message):
                softneck.Head(**{"vocabulary": V, "hidden_size": D, **options})
        found = head("dense")
        with self.assertRaisesRegex(softneck.ArgumentError, "d_states shares memory with parameter 'weight'"):
            found.gradient(X[:V], Y, d_states=found.parameters["weight"][:N])
        with self.assertRaisesRegex(softneck.ArgumentError, "not filtered"):
            head("plif").gradient(X, Y, filter_tolerance=0.1)
        with self.assertRaisesRegex(TypeError, "sideways"):
            found.loss(X, Y, sideways=True)
        with self.assertRaisesRegex(softneck.ArgumentError, "without tied_gradient"):
            softneck.Head(kind="tied", tied_weights=W, dtype="f64").gradient(X, Y)


class Training(TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        truth = random(V, D, seed=5)
        states = random(600, D, "float32", seed=6)
        noise = numpy.random.default_rng(7).gumbel(size=(600, V))
        targets = (2 * states @ truth.T + noise).argmax(1)
        cls.train, cls.valid = (states[:500], targets[:500]), (states[500:], targets[500:])

    def test_it_learns_and_reports(self) -> None:
        found, told = softneck.Head(V, D), []
        before = found.loss(*self.valid).loss
        result = softneck.train_head(
            found, self.train, self.valid, softneck.AdamW(0.05), 200, batch=64, evaluate_every=100, report=told.append
        )
        self.assertEqual([report.step for report in told], [100, 200])
        self.assertEqual((told[0].steps, result.tokens, result.diverged), (200, 200 * 64, False))
        after = found.loss(*self.valid, accuracy=True)
        self.assertLess(after.loss, before - 0.5)
        self.assertAlmostEqual(result.valid_loss, after.loss, delta=1e-6)
        self.assertAlmostEqual(result.valid_accuracy, after.accuracy)
        self.assertEqual(told[-1].valid_loss, result.valid_loss)
        self.assertEqual(result.best_valid_loss, min(report.valid_loss for report in told))

    def test_the_seed_decides(self) -> None:
        losses = [
            softneck.train_head(
                softneck.Head(V, D), self.train, self.valid, softneck.SGD(0.5), 20, batch=32, seed=seed
            ).valid_loss
            for seed in (1, 1, 2)
        ]
        self.assertEqual(losses[0], losses[1])
        self.assertNotEqual(losses[0], losses[2])

    def test_a_schedule_and_no_clipping(self) -> None:
        found, last = softneck.Head(V, D), []
        schedule = softneck.Schedule("wsd", steps=10, final_scale=0.5)
        softneck.train_head(
            found, self.train, self.valid, softneck.SGD(0.5), 10, schedule=schedule, clip_norm=None,
            evaluate_every=1, report=lambda told: last.append(told.learning_rate),
        )  # fmt: skip
        numpy.testing.assert_allclose(last, [0.5 * schedule.scale(step) for step in range(10)], rtol=1e-12)

    def test_cancelled_training_goes_on_bit_for_bit(self) -> None:
        def run(found: softneck.Head, **options: object) -> softneck.HeadTraining:
            rule = softneck.AdamW(0.02)
            return softneck.train_head(found, self.train, self.valid, rule, 40, batch=64, evaluate_every=20, **options)

        whole, path = softneck.Head(V, D), self.folder / "run"
        truth = run(whole)
        with self.assertRaises(softneck.CancelledError):
            run(softneck.Head(V, D), checkpoint=path, report=lambda told: told.step == 20)
        resumed = softneck.Head(V, D)
        self.assertEqual(run(resumed, checkpoint=path).valid_loss, truth.valid_loss)
        numpy.testing.assert_array_equal(resumed.parameters["weight"], whole.parameters["weight"])

    def test_an_exception_in_the_report_is_raised(self) -> None:
        found = softneck.Head(V, D)

        def report(told: softneck.HeadReport) -> None:
            self.assertTrue(numpy.isfinite(found.parameters["weight"]).all())  # its arrays can be seen
            with self.assertRaises(softneck.StateError):
                found.loss(*self.valid)  # and it is at work
            raise KeyError("mine")

        with self.assertRaisesRegex(KeyError, "mine"):
            softneck.train_head(found, self.train, self.valid, softneck.SGD(0.1), 4, report=report)
        found.loss(*self.valid)

    def test_divergence_is_a_result(self) -> None:
        found = softneck.Head(V, D)
        rule = softneck.SGD(10.0, weight_decay=100.0)  # every step multiplies the weights by about -1000
        result = softneck.train_head(found, self.train, self.valid, rule, 50, clip_norm=None)
        self.assertTrue(result.diverged)
        self.assertTrue(numpy.isinf(result.valid_loss))
        self.assertLess(result.tokens, 50 * 500)

    def test_refusals(self) -> None:
        found, rule = softneck.Head(V, D), softneck.SGD(0.1)
        for message, error, arguments in (
            (r"train must be a pair", softneck.ArgumentError, (found, self.train[0], self.valid, rule, 1)),
            (r"there are 9 targets", softneck.ArgumentError, (found, (self.train[0], Y), self.valid, rule, 1)),
            (r"steps is 0", softneck.ArgumentError, (found, self.train, self.valid, rule, 0)),
            (r"a softneck.Head is trained", TypeError, (X, self.train, self.valid, rule, 1)),
            (r"AdamW, SGD or Muon", TypeError, (found, self.train, self.valid, "adamw", 1)),
            (r"width", softneck.ArgumentError, (softneck.Head(V, D + 1), self.train, self.valid, rule, 1)),
        ):
            with self.subTest(message), self.assertRaisesRegex(error, message):
                softneck.train_head(*arguments)


if __name__ == "__main__":
    unittest.main()
