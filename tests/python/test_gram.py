"""Streaming moments and geometry against numpy."""

from __future__ import annotations

import threading
import unittest

from support import TestCase, bf16_bits, numpy, random, softneck, widened


class Moments(TestCase):
    def test_blocks_add_up(self) -> None:
        W = random(90, 6, "float32")
        gram = softneck.Gram(6)
        for start in range(0, 90, 25):
            gram.push(W[start : start + 25])
        exact = W.astype("float64")
        norms = numpy.linalg.norm(exact, axis=1)
        self.assertEqual((gram.count, gram.cols, gram.zero_rows, gram.shift), (90, 6, 0, None))
        numpy.testing.assert_allclose(gram.data, exact.T @ exact, rtol=1e-13, atol=1e-12)
        numpy.testing.assert_allclose(gram.sum, exact.sum(0), atol=1e-12)
        numpy.testing.assert_allclose(gram.unit_sum, (exact / norms[:, None]).sum(0), atol=1e-12)
        numpy.testing.assert_allclose(gram.mean, exact.mean(0), atol=1e-14)
        self.assertAlmostEqual(gram.norm_sum, norms.sum())
        self.assertAlmostEqual(gram.mean_norm(), norms.mean())
        numpy.testing.assert_allclose(
            gram.spectrum().singular_values, numpy.linalg.svd(exact, compute_uv=False), rtol=1e-10
        )
        numpy.testing.assert_allclose(
            gram.spectrum("centered").singular_values,
            numpy.linalg.svd(exact - exact.mean(0), compute_uv=False),
            rtol=1e-9,
        )

    def test_shift(self) -> None:
        W = random(40, 5) + 10
        mean = W.mean(0)
        gram = softneck.Gram(5, shift=mean)
        gram.push(W)
        numpy.testing.assert_array_equal(gram.shift, mean)
        numpy.testing.assert_allclose(gram.sum, numpy.zeros(5), atol=1e-12)
        numpy.testing.assert_allclose(gram.mean, mean)

    def test_moments_only(self) -> None:
        gram = softneck.Gram(5, moments_only=True)
        gram.push(random(40, 5))
        self.assertIsNone(gram.data)
        with self.assertRaises(softneck.StateError):
            gram.spectrum()

    def test_arrays_are_copies(self) -> None:
        gram = softneck.Gram(3)
        gram.push(numpy.eye(3))
        before = gram.data
        gram.push(numpy.eye(3))
        numpy.testing.assert_array_equal(before, numpy.eye(3))
        before[0, 0] = 7
        numpy.testing.assert_array_equal(gram.data, 2 * numpy.eye(3))

    def test_merge(self) -> None:
        W = random(60, 4)
        one, two = softneck.Gram(4), softneck.Gram(4)
        one.push(W[:20])
        two.push(W[20:])
        one += two
        self.assertEqual((one.count, two.count), (60, 40))
        numpy.testing.assert_allclose(one.data, W.T @ W, rtol=1e-13, atol=1e-12)
        two.merge(two)
        self.assertEqual(two.count, 80)
        with self.assertRaises(softneck.ArgumentError):
            one += softneck.Gram(5)
        with self.assertRaises(TypeError):
            one += 3

    def test_save_and_load(self) -> None:
        gram = softneck.Gram(4, shift=[1, 2, 3, 4])
        gram.push(random(30, 4))
        path = self.folder / "with space.safetensors"
        gram.save(path)
        again = softneck.Gram.load(str(path))
        self.assertEqual((again.count, again.cols, again.norm_sum), (30, 4, gram.norm_sum))
        for name in ("data", "sum", "unit_sum", "shift"):
            numpy.testing.assert_array_equal(getattr(again, name), getattr(gram, name))
        with self.assertRaises(OSError):
            softneck.Gram.load(self.folder / "missing")
        path.write_bytes(b"nonsense")
        with self.assertRaises(softneck.FormatError):
            softneck.Gram.load(path)

    def test_failed_push_leaves_it_alone(self) -> None:
        gram = softneck.Gram(3)
        gram.push(numpy.eye(3))
        bad = numpy.ones((2, 3))
        bad[1, 2] = numpy.inf
        for rows, error in ((bad, softneck.NonFiniteError), (numpy.eye(4), softneck.ArgumentError)):
            with self.assertRaises(error):
                gram.push(rows)
        self.assertEqual(gram.count, 3)
        numpy.testing.assert_array_equal(gram.data, numpy.eye(3))

    def test_bf16(self) -> None:
        bits = bf16_bits(random(50, 4))
        gram = softneck.Gram(4)
        gram.push(bits, dtype="bf16")
        numpy.testing.assert_allclose(gram.data, widened(bits).T @ widened(bits), rtol=1e-13, atol=1e-12)

    def test_threads_take_turns(self) -> None:
        gram, other, W = softneck.Gram(16), softneck.Gram(16), numpy.ones((100, 16))

        def work() -> None:
            for _ in range(30):
                gram.push(W)
                gram.merge(other)
                other.merge(softneck.Gram(16))
                self.assertEqual(len(gram.sum), 16)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(gram.count, 4 * 30 * 100)
        numpy.testing.assert_array_equal(gram.sum, numpy.full(16, 12000.0))

    def test_bad_sizes(self) -> None:
        for cols in (0, -1, 2**64 + 5):
            with self.assertRaises(softneck.ArgumentError):
                softneck.Gram(cols)
        with self.assertRaisesRegex(softneck.ArgumentError, "shift has 2 numbers, 3 are needed"):
            softneck.Gram(3, shift=[1, 2])


class Geometry(TestCase):
    def setUp(self) -> None:
        self.W = random(70, 5) * [3, 1, 1, 1, 0.5] + 0.7
        self.gram = softneck.Gram(5)
        self.gram.push(self.W)

    def test_anisotropy(self) -> None:
        def mean_cosine(rows: numpy.ndarray) -> float:
            unit = rows / numpy.linalg.norm(rows, axis=1, keepdims=True)
            cosines = unit @ unit.T
            return (cosines.sum() - numpy.trace(cosines)) / (len(rows) * (len(rows) - 1))

        self.assertAlmostEqual(self.gram.anisotropy(), mean_cosine(self.W), delta=1e-13)
        self.assertAlmostEqual(softneck.anisotropy(self.W), mean_cosine(self.W), delta=1e-13)
        centered = self.W - self.W.mean(0)
        self.assertAlmostEqual(softneck.anisotropy(self.W, centered=True), mean_cosine(centered), delta=1e-13)

    def test_isoscore(self) -> None:
        variances = numpy.linalg.eigvalsh(numpy.cov(self.W.T))
        d = 5
        normalised = variances * numpy.sqrt(d) / numpy.linalg.norm(variances)
        defect = numpy.linalg.norm(normalised - 1) / numpy.sqrt(2 * (d - numpy.sqrt(d)))
        score = ((d - defect**2 * (d - numpy.sqrt(d))) ** 2 - d) / (d * (d - 1))
        self.assertAlmostEqual(self.gram.isoscore(), score, delta=1e-11)

    def test_partition_isotropy(self) -> None:
        _, vectors = numpy.linalg.eigh(self.W.T @ self.W)
        sums = numpy.exp(self.W @ numpy.hstack([vectors, -vectors])).sum(0)
        self.assertAlmostEqual(self.gram.partition_isotropy(self.W), sums.min() / sums.max(), delta=1e-9)


if __name__ == "__main__":
    unittest.main()
