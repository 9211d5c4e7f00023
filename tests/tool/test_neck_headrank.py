"""neck-headrank from the outside: its numbers against numpy, what it draws, refuses and survives."""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import unittest
import xml.etree.ElementTree as xml

import numpy as np

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from running import BUILD, LIMIT, STORIES, TEXT, TOKENIZER, ToolTest, has_worked  # noqa: E402

WITH_GNUPLOT = unittest.skipUnless(shutil.which("gnuplot"), "gnuplot is not installed")
V, D, N = 12, 6, 400


def states():
    """States whose next tokens follow from a head: something can be learnt from them."""
    generator = np.random.default_rng(0)
    x = generator.standard_normal((N, D)).astype(np.float32)
    head = generator.standard_normal((V, D))
    gumbel = generator.gumbel(size=(N, V))
    return x, (x @ head.T + gumbel).argmax(1).astype(np.int64), head.astype(np.float32)


def losses(x, head, y):
    """Mean loss and accuracy of a linear head."""
    z = x.astype(np.float64) @ head.astype(np.float64).T
    top = z.max(1, keepdims=True)
    log_p = z - top - np.log(np.exp(z - top).sum(1, keepdims=True))
    return -log_p[np.arange(len(y)), y].mean(), (z.argmax(1) == y).mean()


class HeadrankTest(ToolTest):
    name = "neck-headrank"

    def setUp(self):
        super().setUp()
        self.x, self.y, self.head = states()
        np.save(self.path("x.npy"), self.x)
        np.save(self.path("y.npy"), self.y)
        np.save(self.path("head.npy"), self.head)

    def data(self):
        return "--states", self.path("x.npy"), "--targets", self.path("y.npy"), "--quiet"

    def with_head(self):
        return *self.data(), "--model", self.path("head.npy")

    def sweep(self, out="out", *more):
        return *self.data(), "--out", self.path(out), "--ranks", "2,6", "--lr-grid", "0.02,0.1", "--seeds", "1,2", \
            "--steps", "40", "--batch", "64", "--vocabulary", str(V), *more

    def lines(self, out="out"):
        with open(os.path.join(self.path(out), "runs.jsonl")) as file:
            return [json.loads(line) for line in file]

    def results(self, out="out"):
        return [{name: value for name, value in line.items() if name != "seconds"} for line in self.lines(out)]


class Training(HeadrankTest):
    def test_runs_are_written_down(self):
        groups = self.rows(*self.sweep())
        lines = self.lines()
        self.assertEqual([(line["rank"], line["learning_rate"], line["seed"]) for line in lines][:3],
                         [(2, 0.02, 1), (2, 0.1, 1), (2, groups[0]["learning_rate"], 2)])
        self.assertEqual(len(lines), 6)
        for group in groups:
            mine = [line for line in lines if line["rank"] == group["rank"]]
            grid = {line["learning_rate"]: line["valid_loss"] for line in mine if line["seed"] == 1}
            self.assertEqual(group["learning_rate"], min(grid, key=grid.get))
            chosen = [line for line in mine if line["chosen"]]
            self.assertEqual([line["learning_rate"] for line in chosen], 2 * [group["learning_rate"]])
            values = [line["valid_loss"] for line in chosen]
            self.assertAlmostEqual(group["valid_loss"], np.mean(values), places=12)
            self.assertAlmostEqual(group["valid_loss_standard_error"], np.std(values, ddof=1) / 2 ** 0.5, places=12)
            self.assertAlmostEqual(group["accuracy"], np.mean([line["accuracy"] for line in chosen]), places=12)
            self.assertEqual(group["parameters"], group["rank"] * (V + D))
            self.assertEqual(group["rank_limit"], group["rank"] + 1)
            self.assertEqual(chosen[0]["tokens"], 40 * 64)
        self.assertLess(groups[1]["valid_loss"], groups[0]["valid_loss"])
        self.assertLess(groups[1]["valid_loss"], np.log(V) - 0.2)
        self.assertEqual(sorted(os.listdir(self.path("out"))), ["configuration.json", "lock", "runs.jsonl"])

    def test_every_kind_of_head(self):
        kinds = "factored", "dense", "mos", "sigsoftmax", "plif"
        groups = self.rows(*self.sweep(), "--head", ",".join(kinds), "--ranks", "3")
        self.assertEqual(tuple(group["head"] for group in groups), kinds)
        self.assertEqual([group["rank"] for group in groups], [3, 6, 3, 6, 6])
        for group in groups:
            self.assertLess(group["valid_loss"], np.log(V), group["head"])
        # the dense head that was trained tells the W-errors
        self.assertEqual(groups[1]["w_error"], 0)
        self.assertTrue(0 < groups[0]["w_error"] < 1)
        self.assertIn("dense.safetensors", os.listdir(self.path("out")))

    def test_a_seed_gives_the_same_numbers_on_any_threads(self):
        self.expect(0, *self.sweep("one"), "--threads", "1")
        self.expect(0, *self.sweep("two"), "--threads", "2")
        self.assertEqual(self.results("one"), self.results("two"))

    def test_starting_from_the_models_head(self):
        """At rank d and a tiny rate the head stays the model's: its loss is numpy's, and so is the W-error."""
        common = *self.with_head(), "--steps", "2", "--seeds", "1"
        (group,) = self.rows(*common, "--out", self.path("out"), "--from-head", "--ranks", "6", "--lr-grid", "1e-9",
                             "--weight-decay", "0", "--valid-fraction", "0.25")
        loss, accuracy = losses(self.x[-100:], self.head, self.y[-100:])
        self.assertAlmostEqual(group["valid_loss"], loss, places=5)
        self.assertAlmostEqual(group["accuracy"], accuracy, places=12)
        (group,) = self.rows(*common, "--out", self.path("two"), "--ranks", "2", "--lr-grid", "0.1")
        s = np.linalg.svd(self.head.astype(np.float64), compute_uv=False)
        self.assertAlmostEqual(group["w_error"], np.sqrt((s[2:] ** 2).sum() / (s ** 2).sum()), places=9)

    def test_rates_by_default(self):
        common = *self.with_head(), "--steps", "2", "--seeds", "1", "--ranks", "6", "--quiet"
        for name, more, expected in (("random", (), {1e-3, 2e-3, 5e-3, 1e-2, 2e-2, 5e-2}),
                                     ("trained", ("--from-head",), {1e-5, 3e-5, 1e-4, 3e-4, 1e-3})):
            self.expect(0, *common, "--out", self.path(name), *more)
            self.assertEqual({run["learning_rate"] for run in self.results(name)}, expected)

    def test_optimizers(self):
        for name, rates in ("sgd", "0.5,1"), ("muon", "0.02,0.1"):
            groups = self.rows(*self.sweep(name), "--optimizer", name, "--lr-grid", rates)
            self.assertLess(groups[1]["valid_loss"], np.log(V), name)

    def test_divergence_is_not_chosen(self):
        wild = "--optimizer", "sgd", "--clip", "1e12", "--json", "--lr-grid"
        result = self.expect(0, *self.sweep(), *wild, "0.1,1e12")
        self.assertEqual([json.loads(line)["learning_rate"] for line in result.stdout.splitlines()], [0.1, 0.1])
        self.assertIn((True, None), [(line["diverged"], line["valid_loss"]) for line in self.lines()])
        self.assertTrue(all(line["learning_rate"] == 0.1 for line in self.lines() if line["chosen"]))
        result = self.expect(1, *self.sweep("bad"), *wild, "1e12")
        self.assertEqual(result.stdout, b"")
        self.assertEqual(len(re.findall(rb"diverged at every learning rate", result.stderr)), 2)

    def test_states_of_a_model(self):
        file = self.path("states.safetensors")
        layers = [os.path.join(BUILD, "examples", "neck-layers"), "--quiet", "--text", TEXT, "--tokenizer", TOKENIZER]
        subprocess.run([*layers, "--max-tokens", "4000", "--dump-states", file, STORIES], check=True,
                       capture_output=True)
        groups = self.rows(file, "--quiet", "--model", STORIES, "--out", self.path("out"), "--steps", "30",
                           "--lr-grid", "0.05", "--seeds", "1", "--ranks", "4,32")
        self.assertLess(groups[1]["valid_loss"], groups[0]["valid_loss"])
        self.assertLess(groups[1]["valid_loss"], 4)


class Resuming(HeadrankTest):
    def test_a_finished_sweep_is_not_made_again(self):
        first = self.expect(0, *self.sweep(), "--json")
        before = self.lines()
        self.assertEqual(self.expect(0, *self.sweep(), "--json").stdout, first.stdout)
        self.assertEqual(self.lines(), before)  # seconds too

    def test_more_ranks_and_rates_go_on_from_it(self):
        self.expect(0, *self.sweep("all"), "--ranks", "2,3,6", "--lr-grid", "0.02,0.1,0.3")
        self.expect(0, *self.sweep())
        seconds = {(line["rank"], line["learning_rate"], line["seed"]): line["seconds"] for line in self.lines()}
        self.expect(0, *self.sweep(), "--ranks", "2,3,6", "--lr-grid", "0.02,0.1,0.3")
        key = lambda line: (line["rank"], line["learning_rate"], line["seed"])  # noqa: E731
        for line in self.lines():
            self.assertEqual(line["seconds"], seconds.get(key(line), line["seconds"]))
        wanted = {key(line): line for line in self.results("all")}
        for line in self.results():
            self.assertEqual(line, wanted.get(key(line), line))
            self.assertTrue(key(line) in wanted or not line["chosen"])

    def test_another_configuration_is_refused(self):
        self.expect(0, *self.sweep())
        before = self.lines()
        self.fails((*self.sweep(), "--steps", "41"), "out", "'steps' differs (40 there, 41 asked for)")
        self.fails((*self.sweep(), "--weight-decay", "0"), "'weight_decay' differs")
        self.y[0] += 1
        np.save(self.path("y.npy"), self.y)
        self.fails(self.sweep(), "'states' differs")
        self.assertEqual(self.lines(), before)

    def test_killed_sweeps_go_on(self):
        more = "--steps", "4000", "--head", "factored,dense"
        self.expect(0, *self.sweep("whole"), *more)
        waits = [0.05, 0.15, 0.1, 0.2]
        while waits:
            tool = self.start(*self.sweep(), *more)
            while tool.poll() is None and not has_worked(tool.pid, waits[0]):
                time.sleep(0.002)
            tool.kill()
            if tool.wait() == -signal.SIGKILL:
                waits.pop(0)
            else:  # done before the kill: another from the beginning
                shutil.rmtree(self.path("out"))
        self.assertEqual(self.expect(0, *self.sweep(), *more).stderr, b"")
        self.assertEqual(self.results(), self.results("whole"))
        self.assertFalse([name for name in os.listdir(self.path("out")) if ".run" in name or ".tmp" in name])

    def test_an_interrupted_sweep_goes_on_where_it_was(self):
        more = "--steps", str(10**9), "--ranks", "2", "--lr-grid", "0.1", "--seeds", "1"
        tool = self.start(*self.sweep(), *more)
        self.until(lambda: has_worked(tool.pid, 0.5), tool)
        self.assertIn(b"interrupted: 0 of 1 runs are finished", self.interrupt(tool))
        self.assertIn("factored-rank2-lr0.1-seed1.run", os.listdir(self.path("out")))

    def test_a_torn_last_line_is_dropped(self):
        self.expect(0, *self.sweep())
        whole = self.results()
        file = os.path.join(self.path("out"), "runs.jsonl")
        with open(file, "rb+") as runs:
            runs.truncate(os.path.getsize(file) - 30)
        self.assertIn(b"torn", self.expect(0, *self.sweep()).stderr)
        self.assertEqual(self.results(), whole)
        with open(file, "r+") as runs:
            runs.write("garbage")
        self.fails(self.sweep(), "runs.jsonl: line 1 is not a finished run")

    def test_a_checkpoint_that_does_not_fit_is_left_behind(self):
        os.mkdir(self.path("out"))
        self.write("out/factored-rank2-lr0.02-seed1.run", "no checkpoint")
        result = self.expect(0, *self.sweep())
        self.assertIn(b"this run started afresh", result.stderr)
        self.expect(0, *self.sweep("whole"))
        self.assertEqual(self.results(), self.results("whole"))

    def test_one_process_a_folder(self):
        tool = self.start(*self.sweep(), "--steps", str(10**9))
        self.until(lambda: os.path.exists(self.path("out/configuration.json")), tool)
        self.fails(self.sweep(), "another sweep is at work")


class Truncating(HeadrankTest):
    def test_gaps_are_numpys(self):
        x, y, w = self.x.astype(np.float64), self.y, self.head.astype(np.float64)
        full, full_accuracy = losses(x, w, y)
        u, s, vt = np.linalg.svd(w, full_matrices=False)
        values, vectors = np.linalg.eigh(x.T @ x / N)
        root = vectors * np.sqrt(values) @ vectors.T
        uw, sw, vw = np.linalg.svd(w @ root)
        rows = self.rows(*self.with_head(), "--no-train", "--ranks", "1,3,6", "--valid-fraction", "0")
        self.assertEqual([(row["rank"], row["truncation"]) for row in rows],
                         [(r, name) for r in (1, 3, 6) for name in ("plain", "weighted")])
        for row in rows:
            r = row["rank"]
            weighted = (uw[:, :r] * sw[:r]) @ vw[:r] @ np.linalg.inv(root)
            cut = weighted if row["truncation"] == "weighted" else (u[:, :r] * s[:r]) @ vt[:r]
            loss, accuracy = losses(x, cut, y)
            self.assertAlmostEqual(row["full_loss"], full, places=6)
            self.assertAlmostEqual(row["gap"], loss - full, places=5)
            self.assertAlmostEqual(row["reduced_accuracy"], accuracy, places=12)
            self.assertAlmostEqual(row["full_accuracy"], full_accuracy, places=12)
            self.assertAlmostEqual(row["frobenius_tail"], np.linalg.norm(w - cut), places=5)
            self.assertAlmostEqual(row["w_error"], np.linalg.norm(w - cut) / np.linalg.norm(w), places=5)
            self.assertAlmostEqual(row["weighted_tail"], np.sqrt(((x @ (w - cut).T) ** 2).sum(1).mean()), places=5)
            self.assertLess(row["gap"], row["first_order"] + row["range_bound"] + 1e-6)
            self.assertLess(row["range_bound"], row["quadratic_bound"] + 1e-9)
            self.assertEqual(row["parameters_saved"], V * D - r * (V + D))
            self.assertEqual(row["tokens"], N)
        for plain, weighted in zip(rows[::2], rows[1::2]):
            self.assertLessEqual(weighted["weighted_tail"], plain["weighted_tail"] + 1e-5)

    def test_centered_heads_lose_less(self):
        np.save(self.path("head.npy"), self.head + 5)  # softmax does not see it
        arguments = *self.with_head(), "--no-train", "--ranks", "2"
        raw, centered = (self.rows(*arguments, *more) for more in ((), ("--centered",)))
        self.assertLess(centered[0]["gap"], raw[0]["gap"])
        self.assertTrue(centered[0]["centered"])

    def test_the_truncated_head_is_saved(self):
        file = self.path("small.safetensors")
        _, weighted = self.rows(*self.with_head(), "--no-train", "--ranks", "3", "--valid-fraction", "0", "--save",
                                f"3:{file}")
        with open(file, "rb") as saved:
            size = int.from_bytes(saved.read(8), "little")
            header = json.loads(saved.read(size))
            body = saved.read()
        a, b = (np.frombuffer(body[slice(*header[name]["data_offsets"])], np.float32).reshape(header[name]["shape"])
                for name in "ab")
        self.assertEqual((a.shape, b.shape), ((V, 3), (3, D)))
        self.assertAlmostEqual(losses(self.x, a @ b, self.y)[0], weighted["reduced_loss"], places=5)


class Output(HeadrankTest):
    def test_help(self):
        text = self.expect(0, "--help").stdout.decode()
        for option in ("states targets model vocabulary ranks head components lr-grid seeds optimizer steps batch "
                       "weight-decay clip valid-fraction from-head paper-init out no-train centered save plot json "
                       "threads memory quiet help version").split():
            self.assertIn(f"--{option}", text)
        self.assertLessEqual(max(map(len, text.splitlines())), 80)
        self.assertRegex(self.expect(0, "--version").stdout, rb"^neck-headrank \d+\.\d+\.\d+\n")

    def test_tables(self):
        text = self.expect(0, *self.sweep(), "--model", self.path("head.npy")).stdout.decode()
        for fragment in ("360 tokens of width 6, vocabulary 12", "the last 40", "The model's own head", "factored",
                         "--lr-grid may do better"):
            self.assertIn(fragment, text)
        self.assertFalse(re.search(r" +$", text, re.M), "blanks at the end of a line")
        text = self.expect(0, *self.with_head(), "--no-train").stdout.decode()
        rows = [line.split() for line in text.splitlines() if re.match(r" +\d+ ", line)]
        self.assertEqual([row[0] for row in rows], [n for n in "1246" for _ in range(2)])
        self.assertIn("The whole head: loss", text)
        self.assertNotIn("-0.0000 ", text)

    def test_the_vocabulary_may_be_guessed(self):
        arguments = [a for a in self.sweep() if a not in ("--quiet", "--vocabulary", str(V))]
        result = self.expect(0, *arguments)
        self.assertIn(f"{self.y.max() + 1} tokens up to the largest target".encode(), result.stderr)

    @WITH_GNUPLOT
    def test_figures(self):
        self.expect(0, *self.sweep(), "--head", "factored,dense", "--plot", self.path("it's here.svg"))
        drawn = {"it's here.svg": "top-1 accuracy", "it's here-rates.svg": "chosen peak learning rate",
                 "it's here-werror.svg": "loss above the dense head"}
        for name, words in drawn.items():
            self.assertIn(words, "".join(xml.parse(self.path(name)).getroot().itertext()))
        self.expect(0, *self.with_head(), "--no-train", "--plot", self.path("gap.png"))
        with open(self.path("gap.png"), "rb") as file:
            self.assertEqual(file.read(8), b"\x89PNG\r\n\x1a\n")

    def test_no_gnuplot(self):
        os.mkdir(self.path("nothing"))
        result = subprocess.run(self.command(*self.sweep(), "--plot", self.path("a.svg")), capture_output=True,
                                env={**os.environ, "PATH": self.path("nothing")}, timeout=LIMIT)
        self.assertEqual(result.returncode, 1)
        self.assertIn(b"gnuplot", result.stderr)
        self.assertEqual(len(result.stderr.splitlines()), 1)
        self.assertIn(b"factored", result.stdout)
        self.assertEqual(len(self.lines()), 6)


class Refusals(HeadrankTest):
    def test_wrong_usage(self):
        x = self.path("x.npy")
        out = "--out", self.path("out")
        self.refuses({
            out: "no STATES",
            (x,): "--out FOLDER",
            (x, x, *out): "one STATES at a time",
            (x, *out, "--ranks", "2,x"): "--ranks",
            (x, *out, "--ranks", "0"): "--ranks",
            (x, *out, "--seeds", "1,2,1"): "--seeds has '1' twice",
            (x, *out, "--lr-grid", "1e-3,0.001"): "--lr-grid has '0.001' twice",
            (x, *out, "--head", "dense,dense"): "--head has 'dense' twice",
            (x, *out, "--head", "dense,tied"): "'tied'",
            (x, *out, "--optimizer", "adam"): "adam",
            (x, *out, "--lr-grid", "0.1,,"): "--lr-grid",
            (x, *out, "--valid-fraction", "0"): "--valid-fraction 0",
            (x, *out, "--plot", "a.pdf"): "a.pdf",
            (x, *out, "--from-head"): "--from-head needs --model",
            (x, *out, "--centered"): "--centered needs --no-train",
            (x, *out, "--save", "1:a"): "--save needs --no-train",
            (x, "--no-train"): "--no-train needs --model",
            (x, "--no-train", "--model", "m", "--save", "a"): "RANK:FILE",
            (*self.sweep(), "--ranks", "7"): "the states are 6 wide",
        })

    def test_failures_are_one_line(self):
        out = "--out", self.path("out"), "--quiet"
        x, y = self.path("x.npy"), self.path("y.npy")
        self.fails((self.path("nowhere"), *out), "nowhere", "No such file")
        self.fails((x, *out), "x.npy")  # no targets in it
        self.fails((self.write("garbage", "garbage " * 99), *out), "garbage")
        self.fails((x, "--targets", y, *out, "--vocabulary", "5"), "y.npy: target", "not a token of 0 .. 4")
        self.fails((x, "--targets", x, *out), "x.npy", "2400 targets for 400 states")
        np.save(self.path("float.npy"), self.y.astype(np.float64))
        self.fails((x, "--targets", self.path("float.npy"), *out), "float.npy", "F64")
        np.save(self.path("short.npy"), self.y[:-1])
        self.fails((x, "--targets", self.path("short.npy"), *out), "399 targets for 400 states")
        np.save(self.path("none.npy"), np.full(N, -100))
        self.fails((x, "--targets", self.path("none.npy"), *out), "no state has a target")
        np.save(self.path("deep.npy"), self.x.reshape(20, 20, D))
        self.fails((self.path("deep.npy"), "--targets", y, *out), "deep.npy")
        np.save(self.path("narrow.npy"), self.head[:, :3])
        self.fails((x, "--targets", y, *out, "--model", self.path("narrow.npy")), "narrow.npy",
                   "3 wide, the states are 6")
        self.fails((x, "--targets", y, "--quiet", "--out", self.path("no/where")), "no/where", "No such file")
        self.write("file", "")
        self.fails((x, "--targets", y, "--quiet", "--out", self.path("file")), "file", "Not a directory")
        self.assertFalse(os.path.exists(self.path("out")))

    def test_states_that_are_not_finite(self):
        self.x[7, 2] = np.nan
        np.save(self.path("x.npy"), self.x)
        self.fails(self.sweep(), "x.npy", "(7, 2)", "nan")

    def test_a_states_file_cut_short(self):
        with open(self.path("x.npy"), "rb+") as file:
            file.truncate(5000)
        self.fails(self.sweep(), "x.npy")

    @unittest.skipIf(os.geteuid() == 0, "root may write anywhere")
    def test_a_folder_that_may_not_be_written(self):
        os.mkdir(self.path("out"), 0o555)
        self.fails(self.sweep(), "out", "Permission denied")

    def test_a_figure_that_cannot_be_written(self):
        result = self.expect(1, *self.sweep(), "--plot", self.path("no/where.svg"))
        self.assertIn(b"no/where.svg", result.stderr)
        self.assertIn(b"factored", result.stdout)


if __name__ == "__main__":
    unittest.main()
