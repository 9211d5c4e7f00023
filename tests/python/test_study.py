"""Verdicts, scaling laws and what heads and logits tell, against planted ones and the shipped curves."""

from __future__ import annotations

import csv
import math
import unittest

from support import DATA, TestCase, numpy, random, softneck


def column(file: str, name: str) -> "tuple[list[int], list[float]]":
    with open(DATA / "pythia" / file, newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row[name].strip()]
    return [int(row["step"]) for row in rows], [float(row[name]) for row in rows]


def turning(turn: float, seed: int, rise: float = 0.2) -> "tuple[numpy.ndarray, numpy.ndarray]":
    t = numpy.arange(1, 301) / 300
    noise = numpy.random.default_rng(seed).normal(0, 0.003, 300)
    values = 3 + 0.3 * numpy.minimum(t, turn) ** -0.4 + rise * numpy.clip((t - turn) / 0.1, 0, 1) + noise
    return numpy.arange(1, 301) * 100, values


class Verdicts(TestCase):
    def test_pythia(self) -> None:
        for name, verdict in (("70m", "saturated"), ("14m-seed4", "diverged"), ("410m-seed1", "improving")):
            found = softneck.saturation(*column("train-loss.csv", name))
            self.assertEqual(found.verdict, verdict)
            self.assertEqual(found.onset_step is None, verdict == "improving")
        found = softneck.saturation(*column("train-loss.csv", "70m"))
        low, high = found.onset_interval or (0, 0)
        self.assertTrue(40000 < found.onset_step < 60000 and low <= found.onset_step <= high)
        self.assertTrue(found.excess_interval[0] < found.excess < found.excess_interval[1])
        self.assertEqual((found.first_step, found.last_step, found.reason), (250, 143000, ""))

    def test_options(self) -> None:
        steps, values = turning(0.5, 1)
        plain = softneck.saturation(steps, values)
        score = softneck.saturation(steps, -values, higher_is_better=True)
        self.assertEqual(plain.onset_step, score.onset_step)
        self.assertEqual(softneck.saturation(list(steps), list(values)), plain)
        self.assertEqual(softneck.saturation(steps, values, [0.5] * 300).verdict, "unclear")
        self.assertEqual(softneck.saturation(steps, values, minimum_excess=0.5).onset_step, None)
        few = softneck.saturation(steps[:5], values[:5])
        self.assertTrue(few.verdict == "unclear" and "few points" in few.reason and math.isnan(few.p_value))
        with self.assertRaisesRegex(softneck.ArgumentError, "values has 3"):
            softneck.saturation([1, 2], [1.0, 2.0, 3.0])
        with self.assertRaisesRegex(softneck.ArgumentError, "steps are integers"):
            softneck.saturation([0.5, 1.5], [1.0, 2.0])
        with self.assertRaisesRegex(softneck.ArgumentError, "significance is 0.7"):
            softneck.saturation(steps, values, significance=0.7)

    def test_co_occurrence(self) -> None:
        first, second = turning(0.5, 2), turning(0.6, 3)
        found = softneck.co_occurrence(first, second)
        self.assertLess(abs(found.lag - 3000), 1500)
        self.assertTrue(found.lag_interval[0] <= 3000 <= found.lag_interval[1])
        self.assertEqual(found.lag, found.second_onset - found.first_onset)
        self.assertEqual(softneck.co_occurrence(first, turning(1, 4, 0)).second_onset, None)
        t = numpy.arange(300) / 300
        flattened = 1.5 - 0.8 * numpy.clip((t - 0.2) / 0.2, 0, 1)
        start = numpy.where(t < 0.2, 0.1, flattened + 0.8 * numpy.clip((t - 0.6) / 0.1, 0, 1))
        head = first[0], start + numpy.random.default_rng(5).normal(0, 0.01, 300)
        plain = softneck.co_occurrence(first, head, minimum_excess=(None, 0.5))
        behind = softneck.co_occurrence(first, head, minimum_excess=(None, 0.5), skip_start=(False, True))
        self.assertLess(plain.second_onset, 7000)
        self.assertLess(abs(behind.second_onset - 18000), 1500)


class ScalingLaws(TestCase):
    def test_the_papers_law(self) -> None:
        with open(DATA / "pythia-scaling.csv", newline="") as lines:
            rows = list(csv.DictReader(lines))
        law = [row for row in rows if row["source"] == "law"]
        points = [(float(row["parameters"]), float(row["tokens"]), float(row["loss"])) for row in law]
        fit = softneck.fit_scaling_law(points, b=410.7, beta=0.28, e=1.69, resamples=None)
        self.assertEqual((round(fit.law.a, 2), round(fit.law.alpha, 3)), (119.09, 0.246))
        self.assertTrue(math.isnan(fit.low.a) and fit.agreeing > 0)
        gaps, mean = fit.law.gaps(points)
        self.assertLess(max(abs(gaps)), 1e-6)
        self.assertAlmostEqual(mean, numpy.mean(gaps))
        self.assertAlmostEqual(fit.law.loss(*points[0][:2]), points[0][2], 5)

    def test_all_constants(self) -> None:
        law = softneck.ScalingLaw(400, 0.34, 410, 0.28, 1.7)
        sizes = [(n, t) for n in (1e7, 1e8, 1e9, 1e10) for t in (1e9, 1e10, 1e11)]
        fit = softneck.fit_scaling_law([(n, t, law.loss(n, t)) for n, t in sizes], resamples=None)
        numpy.testing.assert_allclose(fit.law, law, rtol=1e-3)
        self.assertTrue(math.isnan(law.loss(-1, 1)))
        with self.assertRaisesRegex(softneck.ArgumentError, "no constant 'gamma'"):
            softneck.fit_scaling_law([(1, 1, 1)], gamma=1)
        with self.assertRaisesRegex(softneck.ArgumentError, "nothing is left"):
            softneck.fit_scaling_law([(1, 1, 1)], **law._asdict())
        with self.assertRaises(softneck.ArgumentError):
            softneck.fit_scaling_law([(1e7, 1e9, 3)])


class Heads(TestCase):
    def test_frequency(self) -> None:
        counts = numpy.random.default_rng(1).integers(1, 10**6, 200)
        u = numpy.log(counts) - numpy.log(counts).mean()
        W = 0.01 * random(200, 16) + numpy.outer(u, random(1, 16, seed=2)[0])
        found = softneck.token_frequency(W, counts, 3)
        self.assertGreater(found[0].pearson, 0.999)
        self.assertGreater(found[0].energy, 0.99)
        values = numpy.linalg.svd(W, compute_uv=False)
        numpy.testing.assert_allclose([one.singular_value for one in found], values[:3])
        self.assertEqual(len(softneck.token_frequency(W, counts, 100, variant="centered", smoothing=1)), 16)
        with self.assertRaisesRegex(softneck.ArgumentError, "counts has 3"):
            softneck.token_frequency(W, [1, 2, 3])

    def test_unargmaxable(self) -> None:
        W = numpy.array([[1, 0], [-1, 0], [0, 1], [0, -1], [0.2, 0.1], [1, 0]])
        found = softneck.Unargmaxable(W, witnesses=True)
        self.assertEqual(found.counts, {"undecided": 0, "argmaxable": 3, "tied": 2, "unargmaxable": 1})
        self.assertEqual((found.tokens, len(found), found[0].twin, found[2].twin), ([4], 6, 5, None))
        mean = found.mean(4)
        numpy.testing.assert_allclose(sum(share * W[token] for token, share in mean.items()), W[4], atol=1e-12)
        self.assertEqual((round(sum(mean.values()), 12), found.mean(2)), (1, {}))
        self.assertLess(found[4].probability_bound, 0.5)
        self.assertEqual((W @ found.witness(2)).argmax(), 2)
        raised = softneck.Unargmaxable(W, bias=[0, 0, 0, 0, 5, 0], resume=self.folder / "verdicts")
        self.assertEqual(raised[4].verdict, "argmaxable")
        self.assertTrue((self.folder / "verdicts").exists())
        with self.assertRaises(softneck.StateError):
            raised.witness(4)
        with self.assertRaises(IndexError):
            found[6]
        self.assertIn("1 of 6", repr(found))

    def test_hidden_size(self) -> None:
        logits = random(80, 24) @ random(24, 300, seed=2)
        found = softneck.hidden_size(logits)
        self.assertEqual((found.hidden_size, found.rank, found.determined), (24, 24, True))
        values = numpy.linalg.svd(logits - logits.mean(1, keepdims=True), compute_uv=False)
        numpy.testing.assert_allclose(found.singular_values[:24], values[:24], rtol=1e-10)
        self.assertIs(softneck.hidden_size(logits[:20]).determined, False)


if __name__ == "__main__":
    unittest.main()
