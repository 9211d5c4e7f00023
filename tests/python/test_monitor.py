"""A monitor fed from Python, against numpy; its files; what it says of the paper's curves."""

from __future__ import annotations

import csv
import json
import unittest

from support import SOURCE, TestCase, bf16_bits, numpy, random, softneck, widened

ENTROPY = "head.raw.singular_entropy"


def entropy(W: numpy.ndarray) -> float:
    p = numpy.linalg.svd(W, compute_uv=False) ** 2
    p /= p.sum()
    return float(numpy.log(len(p)) + (p * numpy.log(p)).sum())


class Observing(TestCase):
    def test_head(self) -> None:
        monitor = softneck.Monitor()
        heads = {50: random(90, 6) + 0.3, 100: random(90, 6, seed=2)}
        for step, W in heads.items():
            self.assertEqual(monitor.head(step, W), [])
        series = monitor[ENTROPY]
        numpy.testing.assert_array_equal(series.steps, [50, 100])
        numpy.testing.assert_allclose(series.values, [entropy(W) for W in heads.values()], rtol=1e-10)
        self.assertTrue((series.errors < 1e-10).all())
        centered = monitor["head.centered.singular_entropy"].values
        numpy.testing.assert_allclose(centered, [entropy(W - W.mean(0)) for W in heads.values()], rtol=1e-9)
        self.assertEqual(monitor.latest("head.raw.frobenius_norm")[0], 100)
        self.assertAlmostEqual(monitor.latest("head.raw.frobenius_norm")[1], numpy.linalg.norm(heads[100]))
        self.assertGreater(monitor.seconds, 0)
        self.assertIn("16 series, 0 events", repr(monitor))

    def test_states_gradient_and_dtype(self) -> None:
        monitor = softneck.Monitor(metrics=["gini"], variants=["raw"], interval=3)
        bits = bf16_bits(random(40, 5) + 1)
        rows = widened(bits)
        monitor.states(0, bits, dtype="bf16")
        self.assertAlmostEqual(monitor.latest("states.raw.anisotropy")[1], softneck.anisotropy(rows), delta=1e-13)
        centered = softneck.anisotropy(rows, centered=True)
        self.assertAlmostEqual(monitor.latest("states.centered.anisotropy")[1], centered, delta=1e-13)
        monitor.gradient(0, rows.tolist())
        self.assertAlmostEqual(monitor.latest("gradient.frobenius_norm")[1], numpy.linalg.norm(rows))
        monitor.head(0, rows[:, ::-1])
        self.assertIn("head.raw.gini", monitor)
        self.assertNotIn(ENTROPY, monitor)
        self.assertEqual([monitor.due(step) for step in range(4)], [True, False, False, True])
        self.assertEqual(monitor.interval, 3)

    def test_refusals_leave_it_alone(self) -> None:
        monitor = softneck.Monitor()
        W = random(20, 3)
        monitor.head(1, W)
        bad = W.copy()
        bad[7, 2] = numpy.nan
        with self.assertRaisesRegex(softneck.NonFiniteError, r"\(7, 2\)"):
            monitor.head(2, bad)
        with self.assertRaisesRegex(softneck.ArgumentError, "the head is 20 x 3"):
            monitor.head(2, W.T)
        with self.assertRaises(softneck.NonFiniteError):
            monitor.value(2, "loss", float("nan"))
        with self.assertRaisesRegex(softneck.ArgumentError, "not after 1"):
            monitor.head(1, W)
        with self.assertRaises(KeyError):
            monitor["loss"]
        monitor.head(2, W)
        numpy.testing.assert_array_equal(monitor[ENTROPY].steps, [1, 2])

    def test_bad_arguments(self) -> None:
        for arguments in ({"interval": -1}, {"metrics": []}, {"variants": []}, {"variants": ["top"]}, {"spike_rise": -1.0}):
            with self.subTest(arguments), self.assertRaises(softneck.ArgumentError):
                softneck.Monitor(**arguments)
        with self.assertRaises(softneck.NotFoundError):
            softneck.Monitor(metrics=["no_such"])
        with self.assertRaisesRegex(TypeError, "spike_size"):
            softneck.Monitor(spike_size=1)


class Events(TestCase):
    def test_the_papers_curves(self) -> None:
        models = json.loads((SOURCE / "tests" / "golden" / "fig5.json").read_text())["models"]
        spiked = {}
        for model in models:
            monitor = softneck.Monitor()
            for step, value in enumerate(model["entropy"], start=1):
                for event in monitor.value(1000 * step, ENTROPY, value):
                    self.assertEqual(event.step, 1000 * step)
                    self.assertEqual(event, monitor.events[-1])
                    if event.kind == "spike":
                        spiked[model["model"]] = event.onset_step
            self.assertEqual(monitor.events[0].kind, "flatten")
        self.assertEqual(list(spiked), ["14M", "31M", "70M", "160M"])
        self.assertEqual(list(spiked.values()), sorted(spiked.values()))

    def test_thresholds(self) -> None:
        monitor = softneck.Monitor(spike_rise=0.05, patience=1, under_way=True)
        self.assertEqual(monitor.value(0, ENTROPY, 0.2), [])
        (event,) = monitor.value(1, ENTROPY, 0.26)
        expected = ("spike", ENTROPY, 1, 0.26, 0, 0.2, 0, 0.2)
        self.assertEqual(tuple(event), expected)


class Files(TestCase):
    def filled(self, **options: object) -> softneck.Monitor:
        monitor = softneck.Monitor(**options)
        for step in range(5):
            monitor.values(step, {"loss": 1 / (step + 1), "norm": 2.0**step})
        monitor.head(3, random(20, 3))
        return monitor

    def test_jsonl_and_csv(self) -> None:
        log = self.folder / "log.jsonl"
        monitor = self.filled(log=log)
        lines = [json.loads(line) for line in log.read_text().splitlines()]
        self.assertEqual(len(lines), 6)
        self.assertEqual(lines[2], {"step": 2, "values": {"loss": 1 / 3, "norm": 4}})
        self.assertEqual(lines[5]["values"][ENTROPY], monitor.latest(ENTROPY)[1])
        monitor.write_jsonl(self.folder / "all.jsonl")
        self.assertEqual((self.folder / "all.jsonl").read_text(), log.read_text())
        monitor.write_csv(self.folder / "all.csv")
        with open(self.folder / "all.csv", newline="") as file:
            rows = list(csv.DictReader(file))
        self.assertEqual([row["loss"] for row in rows], [repr(1 / n) if n > 1 else "1" for n in range(1, 6)])
        self.assertEqual([bool(row[ENTROPY]) for row in rows], [False, False, False, True, False])

    def test_state(self) -> None:
        monitor, again = self.filled(), softneck.Monitor()
        monitor.save(self.folder / "state")
        again.load(self.folder / "state")
        self.assertEqual(again.names, monitor.names)
        for name in monitor.names:
            for one, other in zip(monitor[name][1:], again[name][1:]):
                numpy.testing.assert_array_equal(one, other)
        again.rewind(2)
        self.assertEqual(again.names, ("loss", "norm"))
        self.assertEqual(again.latest("norm"), (2, 4.0))
        again.log(self.folder / "log")
        with self.assertRaises(softneck.StateError):
            again.rewind(1)
        again.log(None)
        again.rewind(1)
        (self.folder / "state").write_bytes(b"nonsense")
        with self.assertRaises(softneck.FormatError):
            again.load(self.folder / "state")
        self.assertEqual(again.latest("norm"), (1, 2.0))


if __name__ == "__main__":
    unittest.main()
