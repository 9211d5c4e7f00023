"""The fused loss against numpy; where its results go, and what is refused."""

from __future__ import annotations

import importlib.util
import unittest

from support import TestCase, bf16_bits, numpy, random, run_python, softneck, widened

N, V, D = 37, 101, 12
H, W = random(N, D, seed=1), random(V, D, seed=2)
BIAS = random(1, V, seed=3)[0]
Y = numpy.random.default_rng(4).integers(0, V, N)


def reference(H, W, y, bias=0.0, scale=1.0, cap=None, smoothing=0.0, z_loss=0.0, scored=None):
    """Loss of each state, and the sum's gradients of states, weights and bias, with all logits in memory."""
    scored = numpy.ones(len(y), bool) if scored is None else scored
    raw = scale * (H @ W.T + bias)
    z = raw if cap is None else cap * numpy.tanh(raw / cap)
    lse = numpy.log(numpy.exp(z - z.max(1, keepdims=True)).sum(1)) + z.max(1)
    p = numpy.exp(z - lse[:, None])
    target = numpy.zeros_like(z)
    target[numpy.arange(len(y))[scored], y[scored]] = 1
    wanted = (1 - smoothing) * target + smoothing / z.shape[1]
    loss = numpy.where(scored, lse - (wanted * z).sum(1) + z_loss * lse**2, 0)
    dz = (p * (1 + 2 * z_loss * lse[:, None]) - wanted) * scored[:, None]
    draw = scale * dz * (1 if cap is None else 1 - (z / cap) ** 2)
    return loss, draw @ W, draw.T @ H, draw.sum(0), z, lse, numpy.linalg.norm((p - target), axis=1) * scored


class Numbers(TestCase):
    def check(self, options: dict, expected: dict, reduction: str = "mean") -> None:
        out = softneck.cross_entropy(
            H, W, Y, d_states=True, d_weights=True, d_bias=True, token_loss=True, reduction=reduction, **options
        )
        loss, d_states, d_weights, d_bias, *_ = reference(H, W, Y, **expected)
        count = N if reduction == "mean" else 1
        self.assertAlmostEqual(out.loss, loss.sum() / count, delta=1e-12 * loss.sum())
        for found, truth in ((out.d_states, d_states), (out.d_weights, d_weights), (out.d_bias, d_bias)):
            numpy.testing.assert_allclose(found, truth / count, atol=1e-13 * N)
        numpy.testing.assert_allclose(out.token_loss, loss, rtol=1e-12)

    def test_options(self) -> None:
        self.check({}, {})
        self.check({"bias": BIAS}, {"bias": BIAS})
        self.check({"logit_scale": 0.25, "bias": BIAS[None]}, {"scale": 0.25, "bias": BIAS})
        self.check({"soft_cap": 3.0}, {"cap": 3.0})
        self.check({"label_smoothing": 0.1, "z_loss": 0.01}, {"smoothing": 0.1, "z_loss": 0.01}, reduction="sum")

    def test_float32(self) -> None:
        h, w = H.astype("float32"), W.astype("float32")
        out = softneck.cross_entropy(h, w, Y, d_states=True, d_weights=True)
        loss, d_states, d_weights, *_ = reference(h.astype("float64"), w.astype("float64"), Y)
        self.assertAlmostEqual(out.loss, loss.mean(), delta=1e-6)
        self.assertEqual((out.d_states.dtype, out.d_weights.dtype), (numpy.float32, numpy.float32))
        numpy.testing.assert_allclose(out.d_states, d_states / N, atol=1e-6)
        numpy.testing.assert_allclose(out.d_weights, d_weights / N, atol=1e-6)
        self.assertIsNone(out.d_bias)

    def test_half_precisions_are_widened(self) -> None:
        h, w = bf16_bits(H), bf16_bits(W)
        loss, *_ = reference(widened(h), widened(w), Y)
        self.assertAlmostEqual(softneck.cross_entropy(h, w, Y, dtype="bf16").loss, loss.mean(), delta=1e-5)
        mixed = softneck.cross_entropy(widened(h).astype("float32"), w, Y, dtype="bf16", d_states=True)
        self.assertAlmostEqual(mixed.loss, loss.mean(), delta=1e-5)
        self.assertEqual(mixed.d_states.dtype, numpy.float32)
        half = H.astype("float16")
        loss, *_ = reference(half.astype("float64"), W.astype("float32").astype("float64"), Y)
        found = softneck.cross_entropy(half, W.astype("float32"), Y).loss
        self.assertAlmostEqual(found, loss.mean(), delta=1e-5)

    def test_by_row(self) -> None:
        out = softneck.cross_entropy(H, W, Y, accuracy=True, log_normalizer=True, gradient_norm=True, best=True)
        *_, z, lse, norms = reference(H, W, Y)
        numpy.testing.assert_allclose(out.log_normalizer, lse, rtol=1e-13)
        numpy.testing.assert_allclose(out.gradient_norm, norms, rtol=1e-10)
        numpy.testing.assert_array_equal(out.best, z.argmax(1))
        self.assertEqual((out.correct, out.tokens), ((z.argmax(1) == Y).sum(), N))
        self.assertEqual(out.accuracy, out.correct / N)
        self.assertIsNone(out.token_loss)
        plain = softneck.cross_entropy(H, W, Y)
        self.assertEqual((plain.correct, plain.accuracy), (None, None))

    def test_ignored_targets(self) -> None:
        for ignored, option in ((-100, {}), (-1, {}), (3, {"ignore_index": 3}), (-100, {"ignore_index": None})):
            with self.subTest(ignored):
                y = Y.copy()
                y[::3] = ignored
                loss, d_states, *_ = reference(H, W, y, scored=y != ignored)
                out = softneck.cross_entropy(H, W, y, d_states=True, **option)
                self.assertEqual(out.tokens, (y != ignored).sum())
                self.assertAlmostEqual(out.loss, loss.sum() / out.tokens, delta=1e-12)
                numpy.testing.assert_allclose(out.d_states, d_states / out.tokens, atol=1e-13)
        nothing = softneck.cross_entropy(H, W, numpy.full(N, -100), d_states=True, accuracy=True)
        self.assertEqual((nothing.loss, nothing.tokens, nothing.accuracy), (0.0, 0, None))
        self.assertFalse(nothing.d_states.any())

    def test_filter_tells_its_error(self) -> None:
        w = 4 * W  # sharp distributions: most gradients are next to nothing
        exact = softneck.cross_entropy(H, w, Y, d_states=True, d_weights=True)
        out = softneck.cross_entropy(H, w, Y, d_states=True, d_weights=True, filter_tolerance=0.05)
        self.assertEqual((exact.kept_fraction, exact.states_error), (1.0, 0.0))
        self.assertLess(out.kept_fraction, 1.0)
        self.assertEqual(out.loss, exact.loss)
        self.assertGreater(out.states_error, 0)
        self.assertLessEqual(numpy.linalg.norm(out.d_states - exact.d_states), out.states_error)
        self.assertLessEqual(numpy.linalg.norm(out.d_weights - exact.d_weights), out.weights_error)
        self.assertAlmostEqual(out.states_norm, numpy.linalg.norm(out.d_states))

    def test_memory_cap(self) -> None:
        small = softneck.cross_entropy(H, W, Y, memory_cap=1)
        self.assertAlmostEqual(small.loss, softneck.cross_entropy(H, W, Y).loss, delta=1e-14)
        self.assertGreater(small.memory, 0)

    def test_targets_of_any_integer_type(self) -> None:
        loss = softneck.cross_entropy(H, W, Y).loss
        for targets in (Y.astype("int32"), Y.astype("uint8"), Y[::-1][::-1], Y.tolist(), tuple(Y)):
            self.assertEqual(softneck.cross_entropy(H, W, targets).loss, loss)


class Outputs(TestCase):
    def test_arrays_given_are_written_and_returned(self) -> None:
        states, weights, tokens = numpy.empty_like(H), numpy.empty_like(W), numpy.empty(N)
        best = memoryview(bytearray(4 * N)).cast("i")
        out = softneck.cross_entropy(H, W, Y, d_states=states, d_weights=weights, token_loss=tokens, best=best)
        self.assertIs(out.d_states, states)
        self.assertIs(out.token_loss, tokens)
        _, d_states, d_weights, _, z, *_ = reference(H, W, Y)
        numpy.testing.assert_allclose(states, d_states / N, atol=1e-13)
        numpy.testing.assert_allclose(weights, d_weights / N, atol=1e-13)
        self.assertAlmostEqual(tokens.mean(), out.loss)
        self.assertEqual(best.tolist(), z.argmax(1).tolist())

    def test_accumulate(self) -> None:
        states, weights, bias = numpy.ones_like(H), numpy.ones_like(W), numpy.ones(V)
        softneck.cross_entropy(H, W, Y, d_states=states, d_weights=weights, d_bias=bias, accumulate=True)
        _, d_states, d_weights, d_bias, *_ = reference(H, W, Y)
        numpy.testing.assert_allclose(states, 1 + d_states / N, atol=1e-13)
        numpy.testing.assert_allclose(weights, 1 + d_weights / N, atol=1e-13)
        numpy.testing.assert_allclose(bias, 1 + d_bias / N, atol=1e-13)

    def test_views_with_gaps_are_read_where_they_lie(self) -> None:
        wide = random(N, 2 * D)
        found = softneck.cross_entropy(wide[:, :D], W, Y, d_states=True)
        self.assertEqual(found.loss, softneck.cross_entropy(wide[:, :D].copy(), W, Y).loss)
        self.assertEqual(found.d_states.shape, (N, D))

    def refused(self, message: str, error: type = softneck.ArgumentError, **options: object) -> None:
        given = {"H": H, "W": W, "y": Y, **options}
        with self.assertRaisesRegex(error, message):
            softneck.cross_entropy(given.pop("H"), given.pop("W"), given.pop("y"), **given)

    def test_arrays_that_cannot_take_results_are_refused(self) -> None:
        frozen = numpy.zeros((N, D))
        frozen.flags.writeable = False
        self.refused("d_states is read-only", d_states=frozen)
        self.refused("d_states has elements f32, results are f64", d_states=numpy.zeros((N, D), "float32"))
        self.refused("d_states is 12 x 37, the result is 37 x 12", d_states=numpy.zeros((D, N)))
        self.refused("d_states is not C-contiguous", d_states=numpy.zeros((N, D), order="F"))
        self.refused("d_states is not C-contiguous", d_states=numpy.zeros((N, 2 * D))[:, ::2])
        self.refused("d_bias is 101 x 1, the result is 101", d_bias=numpy.zeros((V, 1)))
        self.refused("best has elements i64, results are i32", best=numpy.zeros(N, "int64"))
        self.refused("d_states must be an array .* not list", TypeError, d_states=[[0.0] * D] * N)
        self.refused("d_states must be an array .* not str", TypeError, d_states="new")

    def test_shared_memory_is_refused(self) -> None:
        both, ids = numpy.zeros((N, D)), Y.astype("int32")
        self.refused("d_states shares memory with H", H=both, d_states=both)
        self.refused("d_states shares memory with d_weights", W=W[:N], d_states=both, d_weights=both, y=Y % N)
        self.refused("best shares memory with y", y=ids, best=ids)
        joined = numpy.zeros((N + V, D))
        joined[:N], joined[N:] = H, W
        softneck.cross_entropy(joined[:N], joined[N:], Y)
        kept = numpy.zeros((N + V, D))
        softneck.cross_entropy(H, W, Y, d_states=kept[:N], d_weights=kept[N:])  # neighbours do not overlap

    def test_refusals(self) -> None:
        self.refused("there are 36 targets for 37 states", y=Y[:-1])
        self.refused("integers", y=Y.astype("float64"))
        self.refused("does not fit in 32 bits", y=numpy.full(N, 2**40))
        self.refused("a matrix has 2 dimensions, not 1", H=H[0])
        self.refused("bias has shape", bias=BIAS[:-1])
        self.refused("unknown reduction 'none'", reduction="none")
        self.refused("logit_scale is 0", logit_scale=0)
        self.refused("ignore_index is 4294967296", ignore_index=2**32)
        self.refused(f"{V}", y=numpy.full(N, V))
        self.refused("label_smoothing", label_smoothing=1.5)
        self.refused("states have 12 columns, weights 11", W=W[:, :-1])
        bad = H.copy()
        bad[3, 4] = numpy.nan
        self.refused(r"element \(3, 4\)", softneck.NonFiniteError, H=bad)

    def test_progress_cancels(self) -> None:
        context = softneck.Context(progress=lambda told: True)
        with self.assertRaises(softneck.CancelledError):
            softneck.cross_entropy(H, W, Y, context=context)


@unittest.skipUnless(importlib.util.find_spec("torch"), "needs torch")
class WithTorch(TestCase):
    def test_tensors_go_in_and_take_gradients(self) -> None:
        import torch

        states, weights = torch.tensor(H, requires_grad=True), torch.tensor(W, requires_grad=True)
        y = torch.tensor(Y)
        d_states, d_weights = torch.empty(N, D, dtype=torch.float64), torch.empty(V, D, dtype=torch.float64)
        out = softneck.cross_entropy(states, weights, y, d_states=d_states, d_weights=d_weights)
        loss = torch.nn.functional.cross_entropy(states @ weights.T, y)
        loss.backward()
        self.assertAlmostEqual(out.loss, loss.item(), delta=1e-13)
        self.assertIs(out.d_states, d_states)
        self.assertLess((d_states - states.grad).abs().max().item(), 1e-13)
        self.assertLess((d_weights - weights.grad).abs().max().item(), 1e-13)
        for bad, message in (
            (d_states.T.contiguous().T, "d_states is not contiguous"),
            (d_states.float(), "d_states has elements f32"),
            (d_states.bfloat16(), "d_states has elements torch.bfloat16"),
            (torch.empty(N, D, dtype=torch.float64, device="meta"), "not in CPU memory"),
        ):
            with self.assertRaisesRegex(softneck.ArgumentError, message):
                softneck.cross_entropy(states, weights, y, d_states=bad)
        half = softneck.cross_entropy(states.bfloat16(), weights.bfloat16(), y)
        truth = torch.nn.functional.cross_entropy(states.bfloat16().double() @ weights.bfloat16().double().T, y)
        self.assertAlmostEqual(half.loss, truth.item(), delta=1e-5)

    def test_an_optimizer_moves_tensors(self) -> None:
        import torch

        ours, theirs = (torch.ones(4, 3, requires_grad=True) for _ in range(2))
        rule = torch.optim.AdamW([theirs], lr=0.1, weight_decay=0.01)
        ours.grad, theirs.grad = torch.randn(4, 3), None
        theirs.grad = ours.grad.clone()
        mine = softneck.Optimizer([("ours", ours, ours.grad)], softneck.AdamW(0.1, weight_decay=0.01))
        for _ in range(3):
            mine.step()
            rule.step()
        self.assertLess((ours - theirs).abs().max().item(), 1e-6)


class WithoutNumpy(TestCase):
    def test_it_works_on_memoryviews(self) -> None:
        code = f"""
import sys
sys.modules["numpy"] = None
import softneck
H, W, y = {H[:3].tolist()!r}, {W.tolist()!r}, {Y[:3].tolist()!r}
out = softneck.cross_entropy(H, W, y, d_states=True, d_weights=True, token_loss=True, best=True)
assert out.d_states.shape == (3, {D}) and out.d_weights.shape == ({V}, {D}) and out.best.format == "i"
print(out.loss, out.d_states.tolist()[1][2])
head = softneck.Head(weights=W, dtype="f64")
optimizer = softneck.Optimizer(head, softneck.SGD(0.1))
head.gradient(H, y)
optimizer.step()
print(head.parameters["weight"].tolist()[0][0], head.loss(H, y).loss)
"""
        done = run_python(code)
        self.assertEqual(done.returncode, 0, done.stderr)
        loss, gradient, weight, after = map(float, done.stdout.split())
        losses, d_states, d_weights, *_ = reference(H[:3], W, Y[:3])
        self.assertAlmostEqual(loss, losses.mean(), delta=1e-12)
        self.assertAlmostEqual(gradient, d_states[1, 2] / 3, delta=1e-13)
        self.assertAlmostEqual(weight, W[0, 0] - 0.1 * d_weights[0, 0] / 3, delta=1e-13)
        self.assertLess(after, loss)


if __name__ == "__main__":
    unittest.main()
