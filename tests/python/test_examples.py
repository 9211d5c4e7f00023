"""The examples and every Python block of the guide run as they are written."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
import unittest
from pathlib import Path

from support import LIBRARY, PACKAGE, SOURCE, TestCase, run_python, softneck

EXAMPLES = SOURCE / "examples" / "python"


class Guide(TestCase):
    def test_blocks(self) -> None:
        text = "".join((SOURCE / "docs" / name).read_text() for name in ("python.md", "paper.md"))
        blocks = re.findall(r"^```python\n(.*?)^```", text, re.M | re.S)
        self.assertGreaterEqual(len(blocks), 5)
        (self.folder / "examples").symlink_to(SOURCE / "examples")
        for block in blocks:
            with self.subTest(block.splitlines()[-1]):
                result = run_python(block, cwd=self.folder)
                self.assertEqual(result.returncode, 0, result.stderr)


class Examples(TestCase):
    def run_example(self, name: str, *arguments: "str | Path") -> subprocess.CompletedProcess:
        environment = {**os.environ, "PYTHONPATH": str(PACKAGE), "SOFTNECK_LIBRARY": LIBRARY}
        command = [sys.executable, EXAMPLES / name, *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600)

    def test_head_spectra(self) -> None:
        folder = SOURCE / "examples" / "data" / "hybridstories"
        result = self.run_example("head_spectra.py", folder)
        self.assertEqual(result.returncode, 0, result.stderr)
        rows = result.stdout.splitlines()[1:]
        self.assertEqual([int(row.split()[0]) for row in rows], list(range(2000, 20001, 2000)))
        with softneck.open(folder / "step_20000.pt") as checkpoint:
            entropy = softneck.spectrum(checkpoint.head()).singular_entropy()
        self.assertIn(f"{entropy:.4f}", rows[-1])
        self.assertEqual(self.run_example("head_spectra.py", self.folder / "missing").returncode, 1)
        self.assertIn("python3 examples/python", self.run_example("head_spectra.py").stderr)

    def test_stream_rows(self) -> None:
        result = self.run_example("stream_rows.py")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("20000 rows of 64", result.stdout)

    def test_low_rank_head(self) -> None:
        source = SOURCE / "examples" / "data" / "stories260K" / "stories260K.bin"
        out = self.folder / "factors.safetensors"
        result = self.run_example("low_rank_head.py", source, "0.3", out)
        self.assertEqual(result.returncode, 0, result.stderr)
        with softneck.open(source) as checkpoint, softneck.open(out) as factors:
            W = checkpoint.head().matrix.array
            approximation = factors.tensors["left"].array @ factors.tensors["right"].array
            missed = (((W - approximation) ** 2).sum() / (W**2).sum()) ** 0.5
        self.assertLessEqual(missed, 0.3)
        self.assertAlmostEqual(float(result.stdout.split()[-1]), missed, places=3)

    @unittest.skipUnless(importlib.util.find_spec("torch"), "needs PyTorch")
    def test_torch_monitor(self) -> None:
        text = SOURCE / "examples" / "data" / "text" / "tinystories-100.jsonl"
        for run, steps in (("whole", "70"), ("stopped", "60"), ("stopped", "70")):
            result = self.run_example("torch_monitor.py", text, self.folder / run, steps)
            self.assertEqual(result.returncode, 0, result.stderr)
        whole, stopped = ((self.folder / run / "monitor.jsonl").read_text() for run in ("whole", "stopped"))
        self.assertEqual([json.loads(line)["step"] for line in whole.splitlines() if "loss" in line], [0, 20, 40, 60])
        self.assertEqual(whole, stopped)

    @unittest.skipUnless(importlib.util.find_spec("transformers"), "needs transformers")
    def test_trainer_callback(self) -> None:
        text = SOURCE / "examples" / "data" / "text" / "tinystories-100.jsonl"
        for steps in ("30", "40"):  # the second goes on from the first one's checkpoint
            result = self.run_example("trainer_callback.py", text, self.folder / "run", steps)
            self.assertEqual(result.returncode, 0, result.stderr)
        lines = map(json.loads, (self.folder / "run" / "monitor.jsonl").read_text().splitlines())
        observed = [line["step"] for line in lines if "head.raw.singular_entropy" in line.get("values", {})]
        self.assertEqual(observed, [10, 20, 30, 40])

    def test_head_bottleneck(self) -> None:
        stories, states = SOURCE / "examples" / "data" / "stories260K", self.folder / "states.safetensors"
        model = softneck.Model.open(stories / "stories260K.bin", tokenizer=stories / "tok512.bin")
        with open(SOURCE / "examples" / "data" / "text" / "tinystories-100.jsonl") as lines:
            ids = model.tokenizer.encode_document(json.loads(next(lines))["text"])
        softneck.write_safetensors(states, {"states": model.hidden_states(ids[:-1])[-1], "targets": ids[1:]})
        result = self.run_example("head_bottleneck.py", stories / "stories260K.bin", states)
        self.assertEqual(result.returncode, 0, result.stderr)
        rows = [[float(number) for number in row.split()] for row in result.stdout.splitlines()[2:]]
        self.assertEqual([row[0] for row in rows], [1, 2, 4, 8, 16, 32, 64])
        for _, _, plain, bound, weighted, weighted_bound in rows:
            self.assertLessEqual(plain, bound + 1e-3)
            self.assertLessEqual(weighted, weighted_bound + 1e-3)
        self.assertLess(abs(rows[-1][2]), 1e-3)
        self.assertEqual(self.run_example("head_bottleneck.py", "missing", states).returncode, 1)
        self.assertIn("python3 examples/python", self.run_example("head_bottleneck.py").stderr)

    def test_torch_linear_cross_entropy(self) -> None:
        result = self.run_example("torch_linear_cross_entropy.py", "64", "500", "16")
        if importlib.util.find_spec("torch") is None:
            self.assertEqual(result.returncode, 1)
            self.assertIn("needs PyTorch", result.stderr)
            self.assertEqual(len(result.stderr.splitlines()), 1)
        else:
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertIn("of both", result.stdout)

    def test_all_are_tested(self) -> None:
        tested = {name.removeprefix("test_") + ".py" for name in dir(Examples) if name.startswith("test_")}
        self.assertLessEqual({path.name for path in EXAMPLES.glob("*.py")}, tested)


if __name__ == "__main__":
    unittest.main()
