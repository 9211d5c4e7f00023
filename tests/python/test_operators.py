"""Operators, truncated decompositions and densities against numpy; lifetimes, exceptions, refusals."""

from __future__ import annotations

import gc
import math
import pickle
import unittest

from support import TestCase, numpy, random, run_python, softneck


class Rows:
    """What scipy's sparse matrices are to the package."""

    def __init__(self, dense: numpy.ndarray) -> None:
        self.dense = dense

    def tocsr(self) -> "Rows":
        self.shape = self.dense.shape
        rows, self.indices = numpy.nonzero(self.dense)
        self.data = self.dense[rows, self.indices]
        self.indptr = numpy.searchsorted(rows, numpy.arange(self.shape[0] + 1))
        return self


def sparse_array(rows: int, cols: int) -> numpy.ndarray:
    return numpy.where(numpy.random.default_rng(2).random((rows, cols)) < 0.1, random(rows, cols), 0)


def slow(rows: int, cols: int) -> numpy.ndarray:
    """With singular values that fall as 1 / sqrt(i)."""
    u, _, vt = numpy.linalg.svd(random(rows, cols), full_matrices=False)
    return (u / numpy.sqrt(numpy.arange(1, min(rows, cols) + 1))) @ vt


def w_error(values: numpy.ndarray, rank: int) -> float:
    return math.sqrt((values[rank:] ** 2).sum() / (values**2).sum())


class Products(TestCase):
    def assert_is(self, operator: softneck.Operator, matrix: numpy.ndarray, atol: float = 1e-12) -> None:
        self.assertEqual(operator.shape, matrix.shape)
        X, Y = random(matrix.shape[1], 5), random(matrix.shape[0], 3, seed=4)
        numpy.testing.assert_allclose(operator @ X, matrix @ X, atol=atol)
        numpy.testing.assert_allclose(operator.apply(Y, transposed=True), matrix.T @ Y, atol=atol)
        numpy.testing.assert_allclose(operator @ X[:, 0], matrix @ X[:, 0], atol=atol)
        if operator.frobenius_squared is not None:
            self.assertAlmostEqual(operator.frobenius_squared / (matrix**2).sum(), 1, 12)

    def test_every_kind(self) -> None:
        A, B, S = random(70, 30), random(30, 20, seed=3), sparse_array(90, 40)
        self.assert_is(softneck.Operator(A), A)
        self.assert_is(softneck.Operator(A.astype("float32")), A.astype("float32").astype("float64"))
        self.assert_is(softneck.Operator(A[::2, 3:9]), A[::2, 3:9])
        self.assert_is(softneck.Operator(A.tolist()), A)
        self.assert_is(softneck.Operator(Rows(S)), S)
        self.assert_is(softneck.Operator(A) @ softneck.Operator(B), A @ B)
        self.assertIsNone((softneck.Operator(A) @ softneck.Operator(B)).frobenius_squared)
        self.assert_is(softneck.Operator(A).centered(), A - A.mean(0))
        weights = numpy.arange(70)
        self.assert_is(softneck.Operator(A).centered(weights), A - numpy.average(A, axis=0, weights=weights))
        known = softneck.Operator.from_function(A.shape, lambda X, t: (A.T if t else A) @ X, (A**2).sum())
        self.assert_is(known, A)
        self.assertRegex(repr(known), "70 x 30")

    def test_rows_without_data(self) -> None:
        pattern = softneck.Operator.from_csr(None, [0, 2, 2], [0, 2, 3], (2, 3))
        self.assert_is(pattern, numpy.array([[1.0, 0, 1], [0, 0, 1]]))

    def test_sources_live_as_long(self) -> None:
        A, S = random(50, 20), sparse_array(50, 20)
        products = [softneck.Operator(A.copy()), softneck.Operator(Rows(S)), softneck.Operator(A.copy()).centered()]
        products.append(softneck.Operator(A.copy()) @ softneck.Operator(numpy.eye(20)))
        gc.collect()
        for operator, matrix in zip(products, (A, S, A - A.mean(0), A)):
            self.assert_is(operator, matrix)

    def test_exceptions_come_through(self) -> None:
        def broken(X: numpy.ndarray, transposed: bool) -> numpy.ndarray:
            raise KeyError("mine")

        operator = softneck.Operator.from_function((9, 4), broken)
        for use in (
            lambda: operator @ numpy.ones(4),
            lambda: softneck.truncated_svd(operator, 2),
            lambda: softneck.Density(operator),
        ):
            with self.assertRaisesRegex(KeyError, "mine"):
                use()
        wrong = softneck.Operator.from_function((9, 4), lambda X, t: X)
        with self.assertRaisesRegex(softneck.ArgumentError, "9 x 1 of f64"):
            wrong @ numpy.ones(4)

    def test_refusals(self) -> None:
        A = softneck.Operator(random(5, 4))
        refused = softneck.ArgumentError
        for use in (
            lambda: A @ numpy.ones(5),
            lambda: A @ softneck.Operator(random(5, 4)),
            lambda: A.centered([1.0]),
            lambda: softneck.Operator.from_csr([1.0], [7], [0, 1], (1, 3)),
            lambda: softneck.Operator.from_csr([1.0], [0], [0, 2], (1, 3)),
            lambda: softneck.Operator.from_csr([1.0], [0], [0], (1, 3)),
            lambda: softneck.Operator.from_csr([1.0], [0.5], [0, 1], (1, 3)),
            lambda: softneck.Operator.from_csr([1.0], [2**40], [0, 1], (1, 3)),
        ):
            with self.assertRaises(refused):
                use()
        with self.assertRaises(softneck.NonFiniteError):
            softneck.Operator([[1.0, math.nan]])
        with self.assertRaises(TypeError):
            pickle.dumps(A)

    def test_without_numpy(self) -> None:
        code = (
            "import sys; sys.modules['numpy'] = None; import softneck; "
            "A = softneck.Operator([[1, 2], [3, 4], [5, 6]]); print(A.apply([1, 1]).tolist()); "
            "f = softneck.Operator.from_function((3, 2), lambda X, t: A.apply(X, t), 91.0); "
            "print(f.apply([[1, 0], [0, 1]]).tolist()); print(round(softneck.truncated_svd(f, 1).s[0], 9))"
        )
        run = run_python(code)
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertEqual(
            run.stdout.split("\n")[:3], ["[3.0, 7.0, 11.0]", "[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]", "9.525518092"]
        )


class Triplets(TestCase):
    def test_against_numpy(self) -> None:
        A = slow(300, 120)
        reference = numpy.linalg.svd(A, compute_uv=False)
        function = softneck.Operator.from_function(A.shape, lambda X, t: (A.T if t else A) @ X)
        for source, method in (
            (A, None),
            (A, "krylov"),
            (A, "gram"),
            (function, "krylov"),
            (softneck.Operator(A), None),
        ):
            U, s, Vt = found = softneck.truncated_svd(source, 7, method=method)
            self.assertLessEqual((abs(s - reference[:7]) - found.error_bounds).max(), 1e-14)
            self.assertLess(found.residuals.max(), 1e-9)
            numpy.testing.assert_allclose(U.T @ U, numpy.eye(7), atol=1e-10)
            numpy.testing.assert_allclose((U * s) @ Vt @ Vt.T, A @ Vt.T, atol=1e-9)
            self.assertIn(found.method, (method,) if method else ("gram", "krylov"))
            self.assertGreater(found.products, 0)

    def test_options(self) -> None:
        A = slow(200, 150)
        alone = softneck.truncated_svd(A, 3, vectors=False)
        self.assertIsNone(alone.U)
        self.assertIsNone(alone.Vt)
        start = numpy.linalg.svd(A)[2][:3].T
        guided = softneck.truncated_svd(A, 3, method="krylov", start=start)
        blind = softneck.truncated_svd(A, 3, method="krylov")
        self.assertLess(guided.products, blind.products)
        rough = softneck.truncated_svd(A, 3, method="randomized", oversampling=20, power_steps=3)
        self.assertEqual(rough.method, "randomized")
        self.assertLessEqual((abs(rough.s - alone.s) - rough.error_bounds).max(), 1e-12)
        for wrong in ({"method": "magic"}, {"tolerance": 0.0}, {"start": numpy.ones((3, 3))}):
            with self.assertRaises(softneck.ArgumentError):
                softneck.truncated_svd(A, 3, **wrong)
        for k in (0, 151):
            with self.assertRaises(softneck.ArgumentError):
                softneck.truncated_svd(A, k)


class Densities(TestCase):
    def test_bands_hold(self) -> None:
        A = slow(400, 300)
        values = numpy.linalg.svd(A, compute_uv=False)
        s = softneck.spectrum(A)
        density = softneck.Density(A, confidence=0.999, deflate=10)
        for rank in range(0, 301, 10):
            band = density.w_error(rank)
            self.assertLessEqual(band.low - 1e-9, w_error(values, rank))
            self.assertGreaterEqual(band.high + 1e-9, w_error(values, rank))
            self.assertTrue(band.low <= band <= band.high)
        pairs = [
            (density.singular_entropy(), s.singular_entropy()),
            (density.singular_entropy("linear"), s.singular_entropy("linear")),
            (density.effective_rank(), s.effective_rank()),
            (density.effective_rank("squared"), s.matrix_entropy_rank()),
            (density.rank_for_w_error(0.5), s.rank_for_w_error(0.5)),
            (density.count_above(0.2), (values > 0.2).sum()),
        ]
        for band, truth in pairs:
            self.assertTrue(band.low - 1e-9 <= truth <= band.high + 1e-9, (band.low, band, band.high, truth))
        report = density.report
        self.assertTrue(report.lanczos and not report.coupling)
        self.assertEqual((len(density), report.probes, report.confidence), (300, 32, 0.999))
        self.assertLess(report.width, 0.15)
        self.assertIn("300 singular values", repr(density))

    def test_diagonal_and_known_values(self) -> None:
        A = numpy.diag(numpy.linspace(1, 2, 150))
        A[3, 7] = 0.01
        values = numpy.append(numpy.linalg.svd(A, compute_uv=False), 0.5)
        density = softneck.Density(A, diagonal=(A**2).sum(0), known_values=[0.5])
        self.assertTrue(density.report.coupling and not density.report.lanczos)
        for rank in (1, 75, 150):
            self.assertAlmostEqual(density.w_error(rank), w_error(numpy.sort(values)[::-1], rank), 3)

    def test_seeds_and_refusals(self) -> None:
        A = slow(200, 160)
        one, same, other = (
            float(softneck.Density(A, deflate=0, probes=8, context=softneck.Context(seed=seed)).w_error(50))
            for seed in (1, 1, 2)
        )
        self.assertEqual(one, same)
        self.assertNotEqual(one, other)
        for wrong in (
            {"probes": 2},
            {"confidence": 1.0},
            {"target_width": 0.0},
            {"diagonal": [1.0]},
            {"diagonal": numpy.ones(160)},
        ):
            with self.assertRaises(softneck.ArgumentError):
                softneck.Density(A, **wrong)
        band = pickle.loads(pickle.dumps(softneck.Density(A, probes=4).w_error(3)))
        self.assertLess(band.low, band.high)


if __name__ == "__main__":
    unittest.main()
