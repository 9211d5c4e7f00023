"""Update rules, schedules and clipping against their formulas; whose memory they change."""

from __future__ import annotations

import gc
import math
import pickle
import unittest

from support import TestCase, numpy, random, softneck


class Rules(TestCase):
    def setUp(self) -> None:
        self.data, self.gradient = random(4, 3, seed=1), random(4, 3, seed=2)
        self.start = self.data.copy()

    def optimizer(self, rule: object, **more: object) -> softneck.Optimizer:
        return softneck.Optimizer([softneck.Parameter("weight", self.data, self.gradient, **more)], rule)

    def test_sgd(self) -> None:
        optimizer = self.optimizer(softneck.SGD(0.1, momentum=0.9, weight_decay=0.01))
        expected, velocity = self.start.copy(), 0.0
        for step in range(3):
            optimizer.step()
            gradient = self.gradient + 0.01 * expected
            velocity = gradient if step == 0 else 0.9 * velocity + gradient
            expected = expected - 0.1 * velocity
            numpy.testing.assert_allclose(self.data, expected, rtol=1e-13)
        self.assertEqual(optimizer.steps, 3)

    def test_adamw(self) -> None:
        optimizer = self.optimizer(softneck.AdamW(0.1, weight_decay=0.01, beta1=0.8, beta2=0.95))
        expected, first, second = self.start.copy(), 0.0, 0.0
        for step in range(1, 4):
            optimizer.step(scale=0.5)
            first, second = 0.8 * first + 0.2 * self.gradient, 0.95 * second + 0.05 * self.gradient**2
            expected *= 1 - 0.05 * 0.01
            expected -= 0.05 * (first / (1 - 0.8**step)) / (numpy.sqrt(second / (1 - 0.95**step)) + 1e-8)
            numpy.testing.assert_allclose(self.data, expected, rtol=1e-12)

    def test_a_beta_of_zero_is_zero(self) -> None:
        self.optimizer(softneck.AdamW(0.1, beta1=0, beta2=0)).step()  # every step is then the gradient's sign
        numpy.testing.assert_allclose(self.data, self.start - 0.1 * numpy.sign(self.gradient), rtol=1e-6)

    def test_muon_moves_along_an_orthogonal_matrix(self) -> None:
        self.optimizer(softneck.Muon(0.1)).step()
        values = numpy.linalg.svd(self.start - self.data, compute_uv=False)
        self.assertLess(values.max() / values.min(), 2)
        self.assertGreater(numpy.linalg.cond(self.gradient), 2)

    def test_flags(self) -> None:
        self.optimizer(softneck.Muon(1.0, adam_learning_rate=0.1, beta1=0, beta2=0), muon=False).step()
        numpy.testing.assert_allclose(self.data, self.start - 0.1 * numpy.sign(self.gradient), rtol=1e-6)
        self.data[:] = self.start
        self.optimizer(softneck.SGD(0.1, weight_decay=0.5), decay=False).step()
        numpy.testing.assert_allclose(self.data, self.start - 0.1 * self.gradient, rtol=1e-13)

    def test_groups(self) -> None:
        bias, gradient = numpy.ones(5), numpy.full(5, 2.0)
        pair = [("weight", self.data, self.gradient), ("bias", bias, gradient)]
        optimizer = softneck.Optimizer(pair, softneck.SGD(0.1))
        self.assertEqual(optimizer.names, ["weight", "bias"])
        optimizer.set_group("bias", softneck.SGD(0.25))
        optimizer.step()
        numpy.testing.assert_allclose(bias, 0.5)
        numpy.testing.assert_allclose(self.data, self.start - 0.1 * self.gradient, rtol=1e-13)
        with self.assertRaisesRegex(softneck.NotFoundError, "no parameter 'c'; there are weight, bias"):
            optimizer.set_group("c", softneck.SGD(0.1))
        with self.assertRaises(softneck.StateError):
            optimizer.set_group("bias", softneck.SGD(0.1))

    def test_going_on_from_disk_is_going_on(self) -> None:
        rule, path = softneck.AdamW(0.1), self.folder / "state.safetensors"
        optimizer = self.optimizer(rule)
        optimizer.step()
        optimizer.save(path)
        halfway = self.data.copy()
        optimizer.step()
        truth = self.data.copy()
        self.data[:] = halfway
        again = self.optimizer(rule)
        again.load(path)
        self.assertEqual(again.steps, 1)
        again.step()
        numpy.testing.assert_array_equal(self.data, truth)
        with self.assertRaises(softneck.FormatError):
            self.optimizer(softneck.SGD(0.1, momentum=0.9)).load(path)
        with self.assertRaises(softneck.FileError):
            optimizer.save(self.folder / "missing" / "state")

    def test_failed_step_changes_nothing(self) -> None:
        optimizer = self.optimizer(softneck.SGD(0.1))
        self.gradient[1, 1] = numpy.nan
        with self.assertRaisesRegex(softneck.NonFiniteError, "weight"):
            optimizer.step()
        numpy.testing.assert_array_equal(self.data, self.start)
        self.assertEqual(optimizer.steps, 0)

    def test_more_dimensions_are_a_matrix(self) -> None:
        cube, gradient = numpy.zeros((2, 3, 4)), numpy.ones((2, 3, 4))
        softneck.Optimizer([("cube", cube, gradient)], softneck.SGD(1.0)).step()
        numpy.testing.assert_array_equal(cube, -1)

    def test_it_keeps_its_arrays_alive(self) -> None:
        optimizer = self.optimizer(softneck.SGD(0.1))
        kept = memoryview(self.data)
        del self.data, self.gradient
        gc.collect()
        optimizer.step()
        self.assertNotEqual(kept[0, 0], self.start[0, 0])
        with self.assertRaisesRegex(TypeError, "pickled"):
            pickle.dumps(optimizer)

    def test_refusals(self) -> None:
        frozen = numpy.broadcast_to(numpy.zeros(3), (4, 3))
        whole = numpy.zeros((4, 3), "int64")
        for data, gradient, message in (
            (frozen, self.gradient, "data of 'w' is (read-only|not C-contiguous)"),
            (self.data, self.gradient.T, "gradient of 'w' is not C-contiguous"),
            (self.data, self.gradient[:2], r"gradient of 'w' is f64 \(2, 3\), its data is f64 \(4, 3\)"),
            (self.data, self.gradient.astype("float32"), "gradient of 'w' is f32"),
            (whole, whole.copy(), "what is trained is f32 or f64"),
            (self.data, self.data, "data of 'w' shares memory with gradient of 'w'"),
        ):
            with self.assertRaisesRegex(softneck.ArgumentError, message):
                softneck.Optimizer([("w", data, gradient)], softneck.SGD(0.1))
        for rule in (
            softneck.SGD(0.0),
            softneck.SGD(0.1, nesterov=True),
            softneck.AdamW(0.1, beta1=1.0),
            softneck.AdamW(0.1, beta2=-0.5),
            softneck.AdamW(0.1, epsilon=0),
            softneck.Muon(0.1, momentum=0),
            softneck.Muon(0.1, newton_schulz_steps=0),
        ):
            with self.subTest(rule), self.assertRaises(softneck.ArgumentError):
                self.optimizer(rule)
        with self.assertRaisesRegex(TypeError, "AdamW, SGD or Muon, not float"):
            self.optimizer(0.1)


class Clipping(TestCase):
    def test_the_global_norm(self) -> None:
        one, two = random(3, 4), random(5, 1)
        gradients = one.copy(), two.copy()
        triples = [("one", numpy.zeros((3, 4)), gradients[0]), ("two", numpy.zeros((5, 1)), gradients[1])]
        norm = math.sqrt((one**2).sum() + (two**2).sum())
        self.assertAlmostEqual(softneck.clip_gradients(triples, math.inf), norm)
        numpy.testing.assert_array_equal(gradients[0], one)
        self.assertAlmostEqual(softneck.clip_gradients(triples, 0.5), norm)
        numpy.testing.assert_allclose(gradients[0], one * 0.5 / norm, rtol=1e-12)
        numpy.testing.assert_allclose(gradients[1], two * 0.5 / norm, rtol=1e-12)
        self.assertAlmostEqual(softneck.clip_gradients(softneck.Optimizer(triples, softneck.SGD(1)), 9.0), 0.5)
        with self.assertRaises(softneck.ArgumentError):
            softneck.clip_gradients(triples, 0)


class Schedules(TestCase):
    def test_shapes(self) -> None:
        constant = softneck.Schedule(warmup_steps=4)
        self.assertEqual([constant.scale(step) for step in (0, 1, 3, 4, 10**9)], [0.25, 0.5, 1, 1, 1])
        cosine = softneck.Schedule("cosine", steps=101, warmup_steps=1, final_scale=0.1)
        for step in (1, 30, 77):
            progress = (step - 1) / 100
            expected = 0.1 + 0.9 * (1 + math.cos(math.pi * progress)) / 2
            self.assertAlmostEqual(cosine.scale(step), expected, delta=0.02)
        self.assertAlmostEqual(cosine.scale(101), 0.1)
        wsd = softneck.Schedule("wsd", steps=100, decay_steps=20)
        self.assertEqual((wsd.scale(0), wsd.scale(79), wsd.scale(100)), (1, 1, 0))
        self.assertTrue(0 < wsd.scale(95) < wsd.scale(85) < 1)

    def test_refusals(self) -> None:
        for schedule, step in (
            (softneck.Schedule("linear"), 0),
            (softneck.Schedule("cosine"), 0),
            (softneck.Schedule(final_scale=2), 0),
            (softneck.Schedule(), -1),
        ):
            with self.subTest(schedule), self.assertRaises(softneck.ArgumentError):
                schedule.scale(step)


if __name__ == "__main__":
    unittest.main()
