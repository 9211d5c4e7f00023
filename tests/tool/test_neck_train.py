"""neck-train from the outside: what a run leaves, what survives kills and Ctrl-C, what is refused."""
import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from running import BUILD, LIMIT, SOURCE, TEXT, ToolTest  # noqa: E402

sys.path.insert(0, os.path.join(SOURCE, "lib", "python"))
os.environ.setdefault("SOFTNECK_LIBRARY", os.path.join(BUILD, "lib", "libsoftneck.so.0"))
import softneck  # noqa: E402

SMALL = {"vocab_size": 400, "layers": 1, "hidden_size": 32, "heads": 2, "context": 32, "batch": 2, "steps": 40,
         "checkpoint_every": 20, "evaluate_every": 10, "evaluation_windows": 8, "save_every": 3, "monitor_every": 10,
         "dropout": 0.1, "accumulation": 2}
ENDLESS = {**SMALL, "steps": 10**9, "warmup": 0}
KILLS = 12


def flags(settings):
    return [part for name, value in settings.items() for part in ("--" + name.replace("_", "-"), str(value))]


def rows(run):
    with open(os.path.join(run, "log.jsonl"), encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def digest(folder):
    found = hashlib.sha256()
    for inner, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(files):
            path = os.path.join(inner, name)
            with open(path, "rb") as file:
                found.update(os.path.relpath(path, folder).encode() + file.read())
    return found.hexdigest()


def content(run, last=10**9):
    """Everything a run has decided by a step: checkpoints, monitor, log but for seconds. By its end: states too."""
    log = [{name: value for name, value in row.items() if name != "seconds"} for row in rows(run)]
    with open(os.path.join(run, "monitor.jsonl"), encoding="utf-8") as file:
        watched = [line for line in file if json.loads(line)["step"] <= last]
    log = [row for row in log if row["step"] <= last]
    folders = [f"checkpoints/{name}" for name in os.listdir(os.path.join(run, "checkpoints"))
               if int(name.split("-")[1]) <= last]
    folders += ["state"] if last == 10**9 else []
    return {name: digest(os.path.join(run, name)) for name in folders}, watched, log


class TrainTest(ToolTest):
    name = "neck-train"

    def train(self, run, status=0, **settings):
        return self.expect(status, "--text", TEXT, "--quiet", "--out", self.path(run), *flags({**SMALL, **settings}))


class Runs(TrainTest):
    def test_what_a_run_leaves(self):
        out = self.train("run").stdout.decode().strip()
        self.assertEqual(out, self.path("run/checkpoints/step-40"))
        self.assertEqual(set(os.listdir(self.path("run/checkpoints"))),
                         {f"step-{step}" for step in (0, 1, 2, 4, 8, 16, 20, 32, 40)})
        self.assertEqual(os.listdir(self.path("run/state")), ["step-40"])
        self.assertEqual(set(os.listdir(out)), {"config.json", "model.safetensors", "tokenizer.json"})
        log = rows(self.path("run"))
        self.assertEqual([row["step"] for row in log], list(range(41)))
        self.assertEqual([row["step"] for row in log if "validation_loss" in row], [0, 10, 20, 30, 40])
        self.assertEqual([row["step"] for row in log if "singular_entropy" in row], [0, 10, 20, 30, 40])
        with open(self.path("run/monitor.jsonl"), encoding="utf-8") as file:
            watched = [json.loads(line) for line in file]
        self.assertEqual(watched[-1]["values"]["loss"], log[-1]["loss"])
        self.assertEqual(log[-1]["tokens"], 40 * 2 * 2 * 32)
        self.assertLess(log[-1]["loss"], log[1]["loss"] - 0.3)

    def test_the_checkpoint_is_a_model(self):
        self.train("run", steps=5)
        model = softneck.Model.open(self.path("run/checkpoints/step-5"))
        self.assertEqual((model.layers, model.hidden_size), (1, 32))
        self.assertTrue(model.likelihood("Once upon a", " time").log_likelihood < 0)

    def test_configuration_and_flags(self):
        config = self.write("c.json", json.dumps({**SMALL, "text": [TEXT], "steps": 500, "tied": "yes", "recompute": True}))
        self.expect(0, config, "--steps", "2", "--family", "llama", "--quiet", "--out", self.path("run"))
        with open(self.path("run/run.json"), encoding="utf-8") as file:
            settings = json.load(file)
        self.assertEqual((settings["steps"], settings["family"], settings["tied"], settings["recompute"]),
                         (2, "llama", "yes", True))
        with open(self.path("run/checkpoints/step-2/config.json"), encoding="utf-8") as file:
            self.assertEqual(json.load(file)["model_type"], "llama")
        self.expect(0, self.path("run/run.json"), "--quiet", "--out", self.path("again"))
        self.assertEqual(content(self.path("run")), content(self.path("again")))

    def test_other_heads(self):
        self.train("run", steps=4, head="factored", rank=8)
        self.assertIn("head.safetensors", os.listdir(self.path("run/checkpoints/step-4")))

    def test_from_a_checkpoint(self):
        self.train("run", steps=4)
        self.train("next", steps=2, **{"from": self.path("run/checkpoints/step-4")})
        with open(self.path("run/tokenizer.json"), "rb") as a, open(self.path("next/tokenizer.json"), "rb") as b:
            self.assertEqual(a.read(), b.read())
        first, last = rows(self.path("next"))[0], rows(self.path("run"))[-1]
        self.assertAlmostEqual(first["validation_loss"], last["validation_loss"], places=6)

    def test_plain_lines(self):
        result = self.expect(0, "--text", TEXT, "--out", self.path("run"), *flags(SMALL))
        last = result.stderr.decode().splitlines()[-1]
        self.assertRegex(last, r"^neck-train: step 40/40, loss \d\.\d{4}, \S+k tokens/s, 0 s left, "
                               r"validation \d\.\d{4}, entropy \d\.\d{3}, anisotropy -?\d\.\d{3}$")


class Stops(TrainTest):
    def resume(self, status=0):
        return self.expect(status, "--quiet", "--resume", self.path("run"))

    def test_kills_at_any_moment(self):
        began = time.time()
        self.train("whole")
        duration, chance, kills = time.time() - began, random.Random(5), 0
        arguments = ["--text", TEXT, "--quiet", "--out", self.path("run"), *flags(SMALL)]
        while kills < KILLS:
            if os.path.exists(self.path("run/run.json")):
                arguments = ["--quiet", "--resume", self.path("run")]
            process = self.start(*arguments)
            try:
                _, complaint = process.communicate(timeout=chance.uniform(0, 0.3 * duration))
                self.assertEqual(process.returncode, 0, complaint)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
            kills += 1
        if not os.path.exists(self.path("run/run.json")):
            self.train("run")
        else:
            self.resume()
        self.assertEqual(content(self.path("run")), content(self.path("whole")))

    def test_interrupt(self):
        fresh = "--text", TEXT, *flags(ENDLESS), "--out"
        first = self.stop_at("run", 4, *fresh, self.path("run"))
        last = self.stop_at("run", first + 20, "--resume", self.path("run"))
        self.stop_at("whole", last, *fresh, self.path("whole"))
        self.assertEqual(content(self.path("run"), last), content(self.path("whole"), last))

    def stop_at(self, run, step, *arguments):
        """A training that cannot end by itself, until the step is in its log. Returns its last step."""
        process = self.start(*arguments)
        self.until(lambda: os.path.exists(self.path(run + "/log.jsonl")) and self.logged(run) > step, process)
        said = self.interrupt(process).decode().splitlines()[-1]
        last = re.fullmatch(rf"neck-train: stopped after step (\d+); go on with: neck-train --resume .*{run}", said)
        self.assertTrue(last, said)
        self.assertEqual(rows(self.path(run))[-1]["step"], int(last[1]))
        return int(last[1])

    def logged(self, run):
        """Whole lines, of steps 0, 1, ..."""
        with open(self.path(run + "/log.jsonl"), "rb") as file:
            return file.read().count(b"\n")

    def test_a_finished_run_has_nothing_to_do(self):
        self.train("run", steps=3)
        before = content(self.path("run"))
        self.resume()
        self.assertEqual(content(self.path("run")), before)

    def test_what_a_kill_has_left_is_removed(self):
        """A save at the last step was killed while it removed the older state; one before it while it was writing."""
        self.train("run", steps=3)
        before = content(self.path("run"))
        for name in ("step-2", "step-1.partial", "step-3.partial"):
            shutil.copytree(self.path("run/state/step-3"), self.path("run/state/" + name))
        os.remove(self.path("run/state/step-2/training.safetensors"))
        self.resume()
        self.assertEqual(content(self.path("run")), before)

    def test_a_torn_log(self):
        self.train("run", steps=3)
        with open(self.path("run/log.jsonl"), "a", encoding="utf-8") as file:
            file.write('{"step": 4, "lo')
        self.resume()
        self.assertEqual([row["step"] for row in rows(self.path("run"))], [0, 1, 2, 3])

    def test_two_at_once(self):
        process = self.start("--text", TEXT, "--quiet", "--out", self.path("run"), *flags(ENDLESS))
        self.until(lambda: os.path.exists(self.path("run/checkpoints/step-1")), process)
        process.send_signal(signal.SIGSTOP)  # no state comes or goes while the other looks
        self.fails(["--quiet", "--resume", self.path("run")], "another neck-train is at work there")


class Failures(TrainTest):
    def test_usage(self):
        unknown = self.write("unknown.json", '{"stepz": 3}')
        kind = self.write("kind.json", '{"steps": "many"}')
        self.refuses({
            (): "say either --out RUN or --resume RUN",
            ("--out", "a", "--resume", "b"): "say either",
            ("--resume", "a", "--steps", "3"): "no other settings",
            ("--out", "a", "--steps", "x"): "--steps is 'x': it must be a number",
            ("--out", "a", "--steps", "0"): "--steps is 0: it must be a whole number from 1",
            ("--out", "a", "--optimizer", "adam"): "must be one of adamw|sgd|muon",
            ("--out", "a", unknown): "no such key: 'stepz'",
            ("--out", "a", kind): "steps: a value of another type",
        })

    def test_text(self):
        empty = self.write("empty.txt", "")
        short = self.write("short.txt", "A few words are not a book. " * 3)
        run = ["--quiet", "--out", self.path("run")]
        self.fails(run, "no text")
        self.fails([*run, "--text", empty], "the text is empty")
        self.fails([*run, "--text", self.path("missing.txt")], "missing.txt", "No such file")
        self.fails([*run, "--text", short, "--vocab-size", "300"], "a context of 256 is too long")
        self.assertFalse(os.path.exists(self.path("run")))

    def test_tokenizers_that_no_checkpoint_could_hold(self):
        run = ["--quiet", "--out", self.path("run"), "--text", TEXT, "--tokenizer"]
        self.fails([*run, self.folder], "tokenizer.json", "No such file")
        self.fails([*run, os.path.join(SOURCE, "examples", "data", "stories260K", "tok512.bin")], "no tokenizer.json")
        self.assertFalse(os.path.exists(self.path("run")))

    def test_settings_that_cannot_be_leave_the_folder_as_it_was(self):
        self.train("run", status=1, hidden_size=30, heads=4)
        self.assertFalse(os.path.exists(self.path("run")))
        os.mkdir(self.path("run"))
        shutil.copy(os.path.join(SOURCE, "examples", "data", "README.md"), self.path("run"))
        self.train("run", status=1, hidden_size=30, heads=4)
        self.assertEqual(os.listdir(self.path("run")), ["README.md"])
        self.train("run", steps=2)

    def test_folders(self):
        self.train("run", steps=2)
        self.fails(["--text", TEXT, "--quiet", "--out", self.path("run")], "there is a run in this folder")
        self.fails(["--quiet", "--resume", self.path("nothing")], "cannot resume", "nothing/run.json")

    def test_other_settings(self):
        self.train("run", steps=3)
        before = content(self.path("run"))
        with open(self.path("run/run.json"), "r+", encoding="utf-8") as file:
            settings = {**json.load(file), "learning_rate": 0.5}
            file.seek(0)
            json.dump(settings, file)
            file.truncate()
        self.fails(["--quiet", "--resume", self.path("run")], "of another training: optimizer options differ")
        self.assertEqual(content(self.path("run")), before)

    def test_a_damaged_state(self):
        self.train("run", steps=3)
        path = self.path("run/state/step-3/training.safetensors")
        with open(path, "r+b") as file:
            file.seek(-20, os.SEEK_END)
            file.write(b"damage")
        before = content(self.path("run"))
        self.fails(["--quiet", "--resume", self.path("run")], "step-3", "damaged")
        self.assertEqual(content(self.path("run")), before)

    def test_divergence(self):
        result = self.expect(1, "--text", TEXT, "--out", self.path("run"),
                             *flags({**SMALL, "learning_rate": 1e6, "steps": 400, "warmup": 0, "clip": 0}))
        complaint, kept = result.stderr.decode().splitlines()[-2:]
        self.assertRegex(complaint, r"^neck-train: step \d+: ")
        self.assertIn("keeps its last state", kept)
        self.assertEqual(len(os.listdir(self.path("run/state"))), 1)

    def test_a_full_disk(self):
        """No file may be larger than the tokens: checkpoints cannot be written, what was there stays."""
        limit = "ulimit -f 100; trap '' XFSZ; exec "
        command = " ".join(self.command("--text", TEXT, "--quiet", "--out", self.path("run"), *flags({**SMALL, "hidden_size": 64})))
        result = subprocess.run(["bash", "-c", limit + command], capture_output=True, timeout=LIMIT)
        self.assertEqual(result.returncode, 1)
        self.assertIn("File too large", result.stderr.decode())
        self.assertEqual(os.listdir(self.path("run/checkpoints")), [])
        self.expect(0, "--quiet", "--resume", self.path("run"))


if __name__ == "__main__":
    unittest.main()
