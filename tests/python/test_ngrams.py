"""n-grams and the spectra of their matrices against plain Python and numpy."""

from __future__ import annotations

import unittest
from collections import Counter

from support import TestCase, numpy, softneck

VOCAB = 60


def some_tokens(count: int = 4000, seed: int = 1) -> numpy.ndarray:
    return (numpy.random.default_rng(seed).zipf(1.4, count) % VOCAB).astype("int32")


def counted(tokens: numpy.ndarray, order: int, ends: "list[int]") -> "dict[tuple[int, ...], Counter[int]]":
    found: "dict[tuple[int, ...], Counter[int]]" = {}
    for first, last in zip([0, *ends], ends):
        document = tokens[first:last].tolist()
        for i in range(len(document) - order + 1):
            found.setdefault(tuple(document[i : i + order - 1]), Counter())[document[i + order - 1]] += 1
    return found


def dense(found: "dict[tuple[int, ...], Counter[int]]", weight: str) -> numpy.ndarray:
    rows = numpy.zeros((len(found), VOCAB))
    for row, context in zip(rows, sorted(found)):
        total = sum(found[context].values())
        scale = {"uniform": 1, "count": total, "root_count": total**0.5}[weight]
        for token, times in found[context].items():
            row[token] = times / total * scale
    return rows


class Counting(TestCase):
    def assert_counts(self, ngrams: softneck.NGrams, found: "dict[tuple[int, ...], Counter[int]]") -> None:
        rows = ngrams.read()
        self.assertEqual([tuple(context) for context in rows.tokens.tolist()], sorted(found))
        for i, context in enumerate(sorted(found)):
            span = slice(int(rows.starts[i]), int(rows.starts[i + 1]))
            self.assertEqual(
                list(zip(rows.successors[span].tolist(), rows.counts[span].tolist())), sorted(found[context].items())
            )

    def test_in_memory(self) -> None:
        tokens = some_tokens()
        for order in (2, 3, 5):
            for ends in ([4000], [7, 900, 4000]):
                ngrams = softneck.NGrams.count(tokens, VOCAB, order, None if len(ends) == 1 else ends)
                found = counted(tokens, order, ends)
                self.assert_counts(ngrams, found)
                info = ngrams.info
                self.assertEqual(
                    (info.order, info.vocab_size, info.tokens, info.documents), (order, VOCAB, 4000, len(ends))
                )
                self.assertEqual(info.contexts, len(found))
                self.assertEqual(info.singletons, sum(len(c) == 1 for c in found.values()))
                self.assertEqual(info.ngrams, sum(map(len, found.values())))
                self.assertEqual(len(ngrams), len(found))
        part = softneck.NGrams.count(tokens, VOCAB, 3).read(10, 4)
        self.assertEqual((part.tokens.shape, part.starts[0], len(part.successors)), ((4, 2), 0, part.starts[4]))

    def test_to_a_file(self) -> None:
        tokens = some_tokens(3000)
        counter = softneck.NGramCounter(VOCAB, 4, memory_bytes=2**20)
        counter.push(tokens[:1000])
        counter.end_document()
        counter.push(tokens[1000:1100].tolist())
        counter.push(tokens[1100:])
        self.assertEqual(counter.tokens, 3000)
        path = self.folder / "ngrams"
        found = counted(tokens, 4, [1000, 3000])
        self.assert_counts(counter.finish(path), found)
        self.assert_counts(softneck.NGrams(path), found)
        with self.assertRaises(softneck.StateError):
            counter.push([1])

    def test_refusals(self) -> None:
        for tokens, vocab, order in (
            ([1, 2], VOCAB, 5),
            ([], VOCAB, 2),
            ([VOCAB] * 9, VOCAB, 2),
            ([1] * 9, VOCAB, 9),
            ([1] * 9, VOCAB, 1),
        ):
            with self.assertRaises(softneck.ArgumentError):
                softneck.NGrams.count(tokens, vocab, order)
        with self.assertRaises(softneck.FileError):
            softneck.NGrams(self.folder / "none")
        ngrams = softneck.NGrams.count([1, 2, 3, 1, 2, 3], VOCAB, 2)
        with self.assertRaises(softneck.ArgumentError):
            ngrams.read(2, 2)
        with self.assertRaises(softneck.ArgumentError):
            softneck.NGramMatrix(ngrams, "heavy")


class Rows(TestCase):
    def test_distributions_make_the_square(self) -> None:
        tokens = some_tokens()
        ngrams = softneck.NGrams.count(tokens, VOCAB, 3)
        for weight in ("uniform", "count", "root_count"):
            truth = dense(counted(tokens, 3, [4000]), weight)
            found = ngrams.distributions(weight)
            shares = numpy.zeros((len(found.squares), VOCAB))
            for i, line in enumerate(shares):
                place = slice(found.starts[i], found.starts[i + 1])
                line[found.columns[place]] = found.shares[place]
            numpy.testing.assert_allclose(shares.sum(1), 1)
            square = numpy.diag(found.diagonal) + shares.T @ (found.squares[:, None] * shares)
            numpy.testing.assert_allclose(square, truth.T @ truth, atol=1e-12 * square.max())
        lone = softneck.NGrams.count([0, 1, 2] * 3, 3, 2).distributions()
        self.assertEqual((list(lone.diagonal), len(lone.squares), len(lone.columns)), ([1, 1, 1], 0, 0))


class Spectra(TestCase):
    def test_against_numpy(self) -> None:
        tokens = some_tokens()
        ngrams = softneck.NGrams.count(tokens, VOCAB, 3)
        found = counted(tokens, 3, [4000])
        for weight in ("uniform", "count", "root_count"):
            rows = dense(found, weight)
            values = numpy.linalg.svd(rows, compute_uv=False)
            matrix = softneck.NGramMatrix(ngrams, weight)
            info = matrix.info
            self.assertEqual((info.rows, info.cols), rows.shape)
            self.assertAlmostEqual(info.frobenius_squared / (rows**2).sum(), 1, 12)
            numpy.testing.assert_allclose(matrix.spectrum().singular_values, values, atol=1e-9 * values[0])
            whole = numpy.sort(
                numpy.append(
                    matrix.rest(), numpy.linalg.svd(matrix.part() @ numpy.eye(info.largest_part), compute_uv=False)
                )
            )
            numpy.testing.assert_allclose(whole[::-1][:VOCAB], values, atol=1e-9 * values[0])
            numpy.testing.assert_allclose(softneck.truncated_svd(matrix.operator(), 3).s, values[:3], rtol=1e-8)
            numpy.testing.assert_allclose(
                matrix.part_squares(), (rows**2).sum(0)[matrix.part_columns()], atol=1e-10 * values[0] ** 2
            )
            density = matrix.density()
            self.assertEqual(len(density), VOCAB)
            for rank in (1, 10, 30, 59):
                band, truth = density.w_error(rank), numpy.sqrt((values[rank:] ** 2).sum() / (values**2).sum())
                self.assertTrue(
                    band.low - 1e-7 <= truth <= band.high + 1e-7, (weight, rank, band.low, truth, band.high)
                )
            self.assertEqual(len(matrix.cost()), 2)
            self.assertIn("largest part", repr(matrix))

    def test_operators_outlive_the_matrix(self) -> None:
        matrix = softneck.NGramMatrix(softneck.NGrams.count(some_tokens(), VOCAB, 3))
        part, size = matrix.part(), matrix.info.largest_part
        del matrix
        self.assertGreater(abs(part @ numpy.ones(size)).max(), 0)

    def test_nothing_coupled(self) -> None:
        matrix = softneck.NGramMatrix(softneck.NGrams.count([0, 1, 2, 3, 4] * 3, 5, 2))
        self.assertEqual(matrix.info.largest_part, 0)
        with self.assertRaises(softneck.StateError):
            matrix.part()
        numpy.testing.assert_allclose(matrix.spectrum().singular_values, numpy.ones(5))
        self.assertAlmostEqual(matrix.density().w_error(2), 0.6**0.5, 6)

    def test_memory_is_limited(self) -> None:
        matrix = softneck.NGramMatrix(softneck.NGrams.count(some_tokens(), VOCAB, 3))
        with self.assertRaises(softneck.OutOfMemoryError):
            matrix.spectrum(memory_bytes=1000)


if __name__ == "__main__":
    unittest.main()
