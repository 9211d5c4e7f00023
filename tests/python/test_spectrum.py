"""Spectra and metrics against numpy; lifetimes, threads, refusals."""

from __future__ import annotations

import copy
import gc
import math
import pickle
import re
import threading
import unittest
import weakref

from support import SOURCE, TestCase, bf16_bits, numpy, random, run_python, softneck, widened


def expected(matrix: numpy.ndarray) -> numpy.ndarray:
    return numpy.linalg.svd(numpy.asarray(matrix, "float64"), compute_uv=False)


class Values(TestCase):
    def assert_values(self, spectrum: softneck.Spectrum, matrix: numpy.ndarray) -> None:
        """Within the bounds that the result states, and a few roundings of numpy's own."""
        reference = expected(matrix)
        excess = abs(spectrum.singular_values - reference) - spectrum.error_bounds
        self.assertLessEqual(excess.max(), 50 * numpy.finfo(float).eps * reference[0])

    def test_every_dtype_and_shape(self) -> None:
        for rows, cols in ((300, 17), (17, 300), (40, 40), (1, 9), (9, 1), (1, 1), (3000, 70)):
            numbers = random(rows, cols)
            for dtype in ("float64", "float32", "float16"):
                with self.subTest(rows=rows, cols=cols, dtype=dtype):
                    s = softneck.spectrum(numbers.astype(dtype))
                    self.assertEqual((s.rows, s.cols, s.size, s.count), (rows, cols, min(rows, cols), min(rows, cols)))
                    self.assert_values(s, numbers.astype(dtype))
            bits = bf16_bits(numbers)
            self.assert_values(softneck.spectrum(bits, dtype="bf16"), widened(bits))

    def test_views_and_copied_orders(self) -> None:
        whole = random(60, 20)
        for view in (whole[:, 3:11], whole[::3], numpy.asfortranarray(whole), whole[:, ::2], whole.tolist()):
            self.assert_values(softneck.spectrum(view), numpy.asarray(view))

    def test_methods(self) -> None:
        W = random(500, 20)
        for method in ("gram", "qr"):
            s = softneck.spectrum(W, method=method)
            self.assertEqual(s.method, method)
            self.assert_values(s, W)
        graded = random(8000, 100) * numpy.logspace(0, -12, 100)
        self.assertEqual(softneck.spectrum(graded).method, "gram")
        refined = softneck.spectrum(graded, tolerance=1e-3)
        self.assertEqual(refined.method, "qr")
        self.assert_values(refined, graded)

    def test_variants(self) -> None:
        W = random(200, 12) + 3
        weights = numpy.arange(200)
        self.assert_values(softneck.spectrum(W, variant="centered"), W - W.mean(0))
        weighted = softneck.spectrum(W, variant="frequency_centered", row_weights=weights)
        self.assert_values(weighted, W - numpy.average(W, axis=0, weights=weights))
        self.assertEqual(weighted.variant, "frequency_centered")
        without = softneck.spectrum(W, variant="drop_top")
        self.assertEqual(without.count, 11)
        numpy.testing.assert_allclose(without.singular_values, expected(W)[1:], rtol=1e-10)

    def test_properties(self) -> None:
        W = random(50, 8)
        s = softneck.spectrum(W)
        self.assertAlmostEqual(s.frobenius_squared, (W**2).sum(), delta=1e-12 * (W**2).sum())
        self.assertGreater(s.resolution, 0)
        self.assertEqual(len(s), 8)
        self.assertRegex(repr(s), r"50 x 8 matrix: 8 singular values, largest [\d.]+, raw, by (gram|qr)")

    def test_from_values(self) -> None:
        s = softneck.Spectrum.from_values([1, 3, 2], 5, 3, error_bound=0.5)
        self.assertEqual(s.singular_values.tolist(), [3, 2, 1])
        self.assertEqual(s.error_bounds.tolist(), [0.5] * 3)
        self.assertEqual((s.method, s.frobenius_squared), ("given", 14))
        partial = softneck.Spectrum.from_values(numpy.array([3.0]), 5, 3, frobenius_squared=14)
        self.assertEqual((partial.count, partial.size), (1, 3))
        with self.assertRaises(softneck.StateError):
            partial.effective_rank()

    def test_refusals(self) -> None:
        W = random(6, 3)
        W[4, 1] = numpy.nan
        with self.assertRaisesRegex(softneck.NonFiniteError, r"\(4, 1\)"):
            softneck.spectrum(W)
        fine = random(6, 3)
        for arguments, message in (
            ({"method": "magic"}, "unknown method 'magic'; there are auto, gram, qr"),
            ({"variant": "frequency_centered"}, "row_weights"),
            ({"variant": "frequency_centered", "row_weights": [1, 2]}, "has 2 numbers, 6 are needed"),
            ({"variant": "frequency_centered", "row_weights": [[1, 2]]}, "one dimension, not 2"),
        ):
            with self.assertRaisesRegex(softneck.ArgumentError, message):
                softneck.spectrum(fine, **arguments)
        with self.assertRaises(softneck.NotFoundError):
            softneck.spectrum(fine, variant="sideways")
        with self.assertRaisesRegex(softneck.ArgumentError, "rows is 184467440737095516"):
            softneck.Spectrum.from_values([1], 2**64 + 1, 1)


class Lifetimes(TestCase):
    def test_values_are_the_librarys_memory_and_read_only(self) -> None:
        s = softneck.spectrum(random(9, 4))
        self.assertTrue(numpy.shares_memory(s.singular_values, s.singular_values))
        self.assertFalse(s.singular_values.flags.owndata)
        with self.assertRaises(ValueError):
            s.singular_values[0] = 1
        with self.assertRaises(ValueError):
            s.singular_values.flags.writeable = True

    def test_arrays_keep_their_spectrum(self) -> None:
        s = softneck.spectrum(random(9, 4))
        alive, wanted = weakref.ref(s), s.singular_values.tolist()
        tail = s.singular_values[1:]
        del s
        gc.collect()
        self.assertIsNotNone(alive())
        self.assertEqual(tail.tolist(), wanted[1:])
        del tail
        gc.collect()
        self.assertIsNone(alive())

    def test_neither_pickled_nor_copied(self) -> None:
        s = softneck.spectrum(random(9, 4))
        for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
            with self.assertRaisesRegex(TypeError, "native memory"):
                attempt(s)

    def test_input_is_not_copied(self) -> None:
        code = """
import re, numpy, softneck
def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read()).group(1)) * 1024
W = numpy.empty((1_500_000, 32), "float32")
numpy.random.default_rng(0).standard_normal(dtype="float32", out=W)
softneck.spectrum(W[:100])
before = peak()
softneck.spectrum(W, method="gram")
print((peak() - before) / W.nbytes)
"""
        result = run_python(code, SOFTNECK_NUM_THREADS="1")
        self.assertLess(float(result.stdout or "inf"), 0.5, result.stderr)

    def test_threads_of_the_host(self) -> None:
        matrices = [random(400, 30, "float32", seed) for seed in range(8)]
        wanted = [softneck.spectrum(W, method="gram").singular_values.copy() for W in matrices]
        shared, failures = softneck.Context(threads=2), []

        def work(k: int) -> None:
            try:
                for turn in range(8):
                    W = matrices[(k + turn) % 8]
                    found = softneck.spectrum(W, method="gram", context=shared if turn % 2 else None)
                    numpy.testing.assert_array_equal(found.singular_values, wanted[(k + turn) % 8])
                    bad = numpy.full((2, 2), numpy.inf)
                    bad.flat[:k % 4] = 0
                    with self.assertRaisesRegex(softneck.NonFiniteError, rf"\({k % 4 // 2}, {k % 4 % 2}\)"):
                        softneck.spectrum(bad)
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])


class Svd(TestCase):
    def test_thin_decomposition(self) -> None:
        for shape in ((40, 7), (7, 40), (5, 5), (1, 3)):
            W = random(*shape, "float32")
            size = min(shape)
            U, s, Vt = result = softneck.svd(W)
            self.assertEqual((U.shape, s.shape, Vt.shape), ((shape[0], size), (size,), (size, shape[1])))
            numpy.testing.assert_allclose((U * s) @ Vt, W, atol=1e-12)
            numpy.testing.assert_allclose(U.T @ U, numpy.eye(size), atol=1e-13)
            numpy.testing.assert_allclose(Vt @ Vt.T, numpy.eye(size), atol=1e-13)
            numpy.testing.assert_allclose(s, expected(W), atol=1e-13 * s[0])
            short = Vt if shape[0] >= shape[1] else U.T
            self.assertTrue((short[range(size), abs(short).argmax(1)] > 0).all())
            self.assertTrue(0 <= result.error_bound < 1e-10)

    def test_centered(self) -> None:
        W = random(30, 4) + 2
        U, s, Vt = softneck.svd(W, variant="centered")
        numpy.testing.assert_allclose((U * s) @ Vt, W - W.mean(0), atol=1e-12)


class Metrics(TestCase):
    def setUp(self) -> None:
        self.spectrum = softneck.spectrum(random(100, 12) * numpy.logspace(0, -2, 12))
        self.sigma = numpy.array(self.spectrum.singular_values)

    def test_against_formulas(self) -> None:
        s, sigma = self.spectrum, self.sigma
        n, squares = len(sigma), sigma**2
        p, q = squares / squares.sum(), sigma / sigma.sum()
        published = q + 1e-7
        formulas = {
            s.singular_entropy(): (p * numpy.log(n * p)).sum(),
            s.singular_entropy("linear"): (q * numpy.log(n * q)).sum(),
            s.effective_rank(): numpy.exp(-(q * numpy.log(q)).sum()),
            s.rankme(): numpy.exp(-(published * numpy.log(published)).sum()),
            s.matrix_entropy_rank(): numpy.exp(-(p * numpy.log(p)).sum()),
            s.stable_rank(): squares.sum() / squares[0],
            s.participation_ratio(): squares.sum() ** 2 / (squares**2).sum(),
            s.numerical_rank(0.1): (sigma > 0.1 * sigma[0]).sum(),
            s.condition_number(): sigma[0] / sigma[-1],
            s.nuclear_norm(): sigma.sum(),
            s.frobenius_norm(): math.sqrt(squares.sum()),
            s.spectral_norm(): sigma[0],
            s.w_error(3): math.sqrt(squares[3:].sum() / squares.sum()),
            s.rank_for_w_error(0.5): numpy.argmax(numpy.append(1 - squares.cumsum() / squares.sum(), 0) <= 0.25) + 1,
            s.top_component_share(): p[0],
            s.hoyer(): (math.sqrt(n) - 1 / math.sqrt((q**2).sum())) / (math.sqrt(n) - 1),
        }
        for measured, formula in formulas.items():
            self.assertLessEqual(abs(measured - formula), measured.error + 1e-12 * abs(formula))

    def test_every_metric_of_the_header_is_a_method(self) -> None:
        header = (SOURCE / "include" / "softneck" / "metrics.h").read_text()
        names = re.findall(r"NECK_API neck_status neck_(\w+)\(const neck_spectrum \*", header)
        self.assertGreater(len(names), 15)
        for name in names:
            self.assertTrue(callable(getattr(softneck.Spectrum, name, None)), name)

    def test_table(self) -> None:
        table = self.spectrum.metrics()
        self.assertEqual(tuple(table), softneck.metric_names())
        for name, value in table.items():
            self.assertIsInstance(value, softneck.Measure)
            self.assertTrue(math.isfinite(value), name)
            self.assertTrue(softneck.metric_unit(name) and softneck.metric_summary(name), name)
            method = getattr(self.spectrum, name, None)
            if method is not None:  # the others are metrics at chosen parameters
                self.assertEqual((method(), method().error), (value, value.error), name)
        with self.assertRaisesRegex(softneck.NotFoundError, "singular_entropy"):
            softneck.metric_unit("nonsense")

    def test_power_law(self) -> None:
        fit = self.spectrum.power_law_tail()
        table = self.spectrum.metrics()
        self.assertEqual((fit.alpha, fit.ks_distance), (table["power_law_alpha"], table["power_law_ks"]))
        tail = numpy.sort(self.sigma**2)[-fit.tail_count :]
        self.assertAlmostEqual(fit.xmin, tail[0])
        self.assertAlmostEqual(fit.alpha, 1 + len(tail) / numpy.log(tail / tail[0]).sum())
        self.assertAlmostEqual(fit.standard_error, (fit.alpha - 1) / math.sqrt(len(tail)))

    def test_undefined_ones_are_nan_in_the_table_and_raise_when_asked(self) -> None:
        zero = softneck.spectrum(numpy.zeros((4, 3)))
        table = zero.metrics()
        self.assertTrue(math.isnan(table["effective_rank"]))
        self.assertEqual(table["effective_rank"].error, math.inf)
        self.assertEqual(table["frobenius_norm"], 0)
        with self.assertRaises(softneck.ArgumentError):
            zero.effective_rank()

    def test_refusals(self) -> None:
        for call in (
            lambda: self.spectrum.singular_entropy("cubed"),
            lambda: self.spectrum.w_error(-1),
            lambda: self.spectrum.w_error(2**70),
        ):
            self.assertRaises(softneck.ArgumentError, call)
        self.assertRaises(TypeError, lambda: self.spectrum.w_error(1.5))

    def test_measure_is_a_float(self) -> None:
        measured = self.spectrum.effective_rank()
        self.assertEqual(f"{measured:.3f}", f"{float(measured):.3f}")
        self.assertEqual(str(measured), str(float(measured)))
        self.assertIs(type(measured + 1), float)
        self.assertGreaterEqual(measured.error, 0)
        again = pickle.loads(pickle.dumps(measured))
        self.assertEqual((again, again.error), (measured, measured.error))
        self.assertEqual(copy.deepcopy(measured).error, measured.error)


if __name__ == "__main__":
    unittest.main()
