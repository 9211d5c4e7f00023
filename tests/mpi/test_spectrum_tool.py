"""neck-spectrum and neck-layers under mpirun: the same rows in the same order as one process."""

import os
import shutil
import unittest

import numpy as np

from many import DATA, RANKS, STORIES, TEXT, TOKENIZER, ManyRanks

SERIES = os.path.join(DATA, "hybridstories")


def without_bounds(row):
    """Error bounds depend on how sums were cut."""
    return {name: value for name, value in row.items() if name not in ("errors", "singular_value_errors", "resolution")}


class Spectrum(ManyRanks):
    name = "neck-spectrum"

    def same(self, *arguments, counts=RANKS):
        alone = self.rows(0, *arguments)
        for ranks in counts:
            with self.subTest(ranks=ranks):
                together = self.rows(ranks, *arguments)
                self.agree([without_bounds(row) for row in alone], [without_bounds(row) for row in together], 1e-12)

    def test_a_folder_of_checkpoints_is_handed_out(self):
        self.same("--values", SERIES)

    def test_tables_are_the_same_to_the_letter(self):
        alone = self.expect(0, 0, "--quiet", "--top", "3", SERIES).stdout
        for ranks in RANKS:
            self.assertEqual(self.expect(ranks, 0, "--quiet", "--top", "3", SERIES).stdout, alone)

    def matrix(self, rows, cols, dtype=np.float32):
        generator = np.random.default_rng(rows)
        path = self.path(f"{rows}x{cols}.npy")
        entries = generator.standard_normal((rows, cols)) / (1 + np.arange(cols))
        np.save(path, entries.astype(dtype) + dtype(0.01))
        np.save(self.path(f"weights{rows}.npy"), generator.integers(0, 9, rows))
        return path

    def test_ranks_share_the_rows_of_one_matrix(self):
        large, weights = self.matrix(12000, 80), self.path("weights12000.npy")  # large enough for the Gram matrix
        self.same("--values", large)
        for arguments in (["--variant", "centered"], ["--variant", "drop_top"],
                          ["--variant", "frequency_centered", "--row-weights", weights], ["--method", "qr"]):
            with self.subTest(arguments):
                self.same("--values", *arguments, large, counts=[3])

    def test_more_ranks_than_rows(self):
        self.same("--values", self.matrix(3, 2, np.float64))

    def test_ranks_share_and_compare_with_frequency(self):
        large = self.matrix(12000, 80)
        self.same("--frequency", self.path("weights12000.npy"), large, counts=[2])

    def test_a_bad_checkpoint_is_told_and_the_rest_goes_on(self):
        folder = self.path("series")
        os.mkdir(folder)
        for step in (2000, 4000, 6000):
            shutil.copy(os.path.join(SERIES, f"step_{step}.pt"), folder)
        with open(os.path.join(folder, "step_5000.pt"), "wb") as file:
            file.write(b"PK\3\4 torn")
        alone = self.expect(0, 1, "--json", "--quiet", folder)
        for ranks in RANKS:
            together = self.expect(ranks, 1, "--json", "--quiet", folder)
            self.assertEqual(together.stdout, alone.stdout)
            self.assertIn(alone.stderr.decode().strip(), together.stderr.decode())

    def test_what_is_not_there_is_told_once(self):
        for ranks in RANKS:
            told = self.expect(ranks, 1, "--quiet", self.path("nothing")).stderr.decode()
            lines = [line for line in told.splitlines() if line.startswith("neck-")]
            self.assertEqual(len(lines), 1, told)
            self.assertIn("nothing", lines[0])

    def test_listing_is_one_rank_s(self):
        alone = self.expect(0, 0, "--list", STORIES).stdout
        self.assertEqual(self.expect(3, 0, "--list", STORIES).stdout, alone)


class Layers(ManyRanks):
    name = "neck-layers"

    def same(self, *arguments):
        arguments = ("--tokenizer", TOKENIZER, "--text", TEXT, "--max-tokens", "3000", *arguments, STORIES)
        alone = self.rows(0, *arguments)
        for ranks in RANKS:
            with self.subTest(ranks=ranks):
                together = self.rows(ranks, *arguments)
                self.agree([without_bounds(row) for row in alone], [without_bounds(row) for row in together], 1e-12)

    def test_documents_are_shared_out(self):
        self.same()

    def test_windows_are_shared_out(self):
        self.same("--context", "32", "--stride", "8", "--variant", "centered", "--sample", "100")

    def test_more_ranks_than_windows(self):
        self.same("--max-tokens", "20")

    def test_dumped_states_are_the_same(self):
        files = []
        for ranks in (0, 3):
            files.append(self.path(f"states{ranks}.safetensors"))
            self.rows(ranks, "--tokenizer", TOKENIZER, "--text", TEXT, "--max-tokens", "500", "--dump-states",
                      files[-1], STORIES)
        with open(files[0], "rb") as one, open(files[1], "rb") as other:
            self.assertEqual(one.read(), other.read())


if __name__ == "__main__":
    unittest.main()
