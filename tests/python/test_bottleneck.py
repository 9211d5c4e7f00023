"""Truncated heads, the loss gap with its bounds, and gradient suppression against numpy."""

from __future__ import annotations

import gc
import unittest

from support import TestCase, bf16_bits, numpy, random, softneck, widened

N, V, D = 200, 31, 7
W = random(V, D, seed=1) * numpy.linspace(2, 0.2, D)
X = random(N, D, seed=2) @ random(D, D, seed=3)
Y = numpy.random.default_rng(4).integers(0, V, N)


def moments(states: numpy.ndarray = X) -> softneck.Gram:
    gram = softneck.Gram(states.shape[1])
    gram.push(states)
    return gram


def log_softmax(z: numpy.ndarray) -> numpy.ndarray:
    z = z - z.max(1, keepdims=True)
    return z - numpy.log(numpy.exp(z).sum(1, keepdims=True))


class Truncations(TestCase):
    def test_plain_is_the_svd(self) -> None:
        truncation = softneck.Truncation(W)
        U, s, Vt = numpy.linalg.svd(W, full_matrices=False)
        tails = numpy.sqrt(numpy.append((s[::-1] ** 2).cumsum()[::-1], 0))
        numpy.testing.assert_allclose(truncation.tails, tails, atol=1e-7)
        for rank in (1, 3, D):
            A, B = truncation.head(rank)
            self.assertEqual((A.shape, B.shape), ((V, rank), (rank, D)))
            numpy.testing.assert_allclose(A @ B, (U[:, :rank] * s[:rank]) @ Vt[:rank], atol=1e-12)

    def test_weighted_is_nearest_on_the_states(self) -> None:
        plain, weighted = softneck.Truncation(W), softneck.Truncation(W, moments())
        for rank in range(1, D + 1):
            missed = [
                numpy.sqrt((((A @ B - W) @ X.T) ** 2).sum() / N) for A, B in (plain.head(rank), weighted.head(rank))
            ]
            self.assertAlmostEqual(weighted.tails[rank], missed[1], delta=1e-6)
            self.assertLessEqual(missed[1], missed[0] + 1e-9)

    def test_centered_spends_no_rank_on_the_mean_row(self) -> None:
        shifted = W + numpy.full(D, 5.0)
        A, B = softneck.Truncation(shifted, centered=True).head(D - 1)
        gap = softneck.loss_gap(shifted, A, B, X, Y)
        A, B = softneck.Truncation(W, centered=True).head(D - 1)
        self.assertAlmostEqual(gap.gap, softneck.loss_gap(W, A, B, X, Y).gap, delta=1e-9)

    def test_it_keeps_the_weights_alive(self) -> None:
        held = numpy.array(W)
        truncation = softneck.Truncation(held)
        expected = truncation.head(2)
        del held
        gc.collect()
        numpy.testing.assert_array_equal(truncation.head(2)[0], expected[0])

    def test_half_precision(self) -> None:
        bits = bf16_bits(W)
        found = softneck.Truncation(bits, dtype="bf16")
        numpy.testing.assert_allclose(found.tails[0], numpy.linalg.norm(widened(bits)), rtol=1e-12)

    def test_refusals(self) -> None:
        truncation = softneck.Truncation(W)
        for rank in (0, -1, D + 1):
            with self.assertRaisesRegex(softneck.ArgumentError, f"rank is {rank}, it must be 1 to {D}"):
                truncation.head(rank)
        with self.assertRaises(softneck.StateError):
            softneck.Truncation(W, softneck.Gram(D))  # no states
        with self.assertRaises(softneck.StateError):
            softneck.Truncation(W, moments(X[:, :-1]))
        with self.assertRaisesRegex(TypeError, "a Gram of the states, not ndarray"):
            softneck.Truncation(W, X)


class Gap(TestCase):
    def test_it_is_the_difference_of_two_losses_between_its_bounds(self) -> None:
        for scale in (1.0, 0.3):
            for rank in (1, 4, D - 1):
                A, B = softneck.Truncation(W).head(rank)
                found = softneck.loss_gap(W, A, B, X, Y, scale=scale)
                full, reduced = (log_softmax(scale * X @ head.T) for head in (W, A @ B))
                losses = [-z[numpy.arange(N), Y].mean() for z in (full, reduced)]
                numpy.testing.assert_allclose((found.full_loss, found.reduced_loss), losses, rtol=1e-11)
                self.assertAlmostEqual(found.gap, losses[1] - losses[0], delta=1e-11)
                self.assertEqual((found.tokens, found.full_accuracy), (N, (full.argmax(1) == Y).mean()))
                change = scale * X @ (A @ B - W).T
                probabilities = numpy.exp(full)
                probabilities[numpy.arange(N), Y] -= 1
                self.assertAlmostEqual(found.first_order, (probabilities * change).sum() / N, delta=1e-11)
                spread = (change - change.mean(1, keepdims=True)) ** 2
                self.assertAlmostEqual(found.quadratic_bound, spread.sum() / N / 4, delta=1e-10)
                self.assertAlmostEqual(found.range_bound, (numpy.ptp(change, axis=1) ** 2).mean() / 8, delta=1e-10)
                self.assertLessEqual(found.first_order, found.gap)
                self.assertLessEqual(found.gap, found.first_order + found.range_bound)
                self.assertLessEqual(found.range_bound, found.quadratic_bound)
                self.assertAlmostEqual(found.frobenius_tail, numpy.linalg.norm(A @ B - W), delta=1e-11)
                self.assertAlmostEqual(found.w_error, found.frobenius_tail / numpy.linalg.norm(W), delta=1e-11)

    def test_mixed_precisions(self) -> None:
        A, B = softneck.Truncation(W).head(3)
        exact = softneck.loss_gap(W, A, B, X, Y)
        mixed = softneck.loss_gap(W.astype("float32"), A, B, X.astype("float32"), Y)
        self.assertAlmostEqual(mixed.gap, exact.gap, delta=1e-5)

    def test_refusals(self) -> None:
        A, B = softneck.Truncation(W).head(3)
        for arguments in ((W, B, A, X, Y), (W, A, B, X, numpy.full(N, -100)), (W, A, B, X, numpy.full(N, V))):
            with self.assertRaises(softneck.ArgumentError):
                softneck.loss_gap(*arguments)


class Suppression(TestCase):
    def test_it_is_the_part_outside_the_column_space(self) -> None:
        bias = random(1, V, seed=9)[0]
        y = Y.copy()
        y[::5] = -100
        for options, offset, scale in (({}, 0, 1), ({"bias": bias, "logit_scale": 0.5}, bias, 0.5)):
            states = X / 4  # where a target is all but certain, its gradient is all rounding
            found = softneck.gradient_suppression(W, states, y, token_share=True, **options)
            gradients = numpy.exp(log_softmax(scale * (states @ W.T + offset)))
            gradients[numpy.arange(N), Y] -= 1
            Q, _ = numpy.linalg.qr(W)
            outside = numpy.linalg.norm(gradients - gradients @ Q @ Q.T, axis=1)
            norms, scored = numpy.linalg.norm(gradients, axis=1), y >= 0
            numpy.testing.assert_allclose(found.token_share, numpy.where(scored, outside / norms, 0), rtol=1e-10)
            self.assertEqual((found.rank, found.tokens), (D, scored.sum()))
            self.assertAlmostEqual(found.mean_suppressed, (outside / norms)[scored].mean(), delta=1e-10)
            whole = numpy.sqrt((outside[scored] ** 2).sum() / (norms[scored] ** 2).sum())
            self.assertAlmostEqual(found.suppressed, whole, delta=1e-10)
        self.assertIsNone(softneck.gradient_suppression(W, X, Y).token_share)

    def test_refusals(self) -> None:
        with self.assertRaisesRegex(softneck.ArgumentError, "token_share is 1, the result is 200"):
            softneck.gradient_suppression(W, X, Y, token_share=numpy.zeros(1))
        with self.assertRaisesRegex(softneck.ArgumentError, "bias has shape"):
            softneck.gradient_suppression(W, X, Y, bias=[1.0, 2.0])


if __name__ == "__main__":
    unittest.main()
