"""neck-saturation from the outside: verdicts on shipped and made-up runs, what it reads, writes, refuses and survives."""
import json
import math
import os
import random
import re
import resource
import shutil
import subprocess
import sys
import unittest
from html.parser import HTMLParser

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from running import DATA, LIMIT, STORIES, TEXT, TOKENIZER, ToolTest  # noqa: E402

PYTHIA = os.path.join(DATA, "pythia")
LOSSES = os.path.join(PYTHIA, "train-loss.csv")
PERPLEXITIES = os.path.join(PYTHIA, "lambada-perplexity.csv")
HYBRID = os.path.join(DATA, "hybridstories")
WITH_GNUPLOT = unittest.skipUnless(shutil.which("gnuplot"), "gnuplot is not installed")


def made_run(count=200, turn=0.5, rise=0.1, noise=0.003, every=100):
    """(step, loss) of a run that falls and, after `turn`, rises."""
    random.seed(1)
    for i in range(1, count + 1):
        t = i / count
        yield i * every, 3 + 0.3 * min(t, turn) ** -0.4 + rise * min(max((t - turn) / 0.1, 0), 1) + random.gauss(0, noise)


class SaturationTest(ToolTest):
    name = "neck-saturation"

    def judge(self, *arguments):
        (row,) = self.rows("--quiet", *arguments)
        return row

    def csv(self, rows, head="step,loss", name="curve.csv"):
        return self.write(name, head + "\n" + "".join(",".join(map(str, row)) + "\n" for row in rows))

    def log(self, rows, name="log.jsonl"):
        return self.write_lines(name, [{"step": step, "loss": loss} for step, loss in rows])


class Verdicts(SaturationTest):
    def test_pythia(self):
        for column, verdict, minimum in (("14m-seed1", "saturated", 57000), ("14m-seed4", "diverged", 91000),
                                         ("70m", "saturated", 50000), ("410m-seed1", "improving", None)):
            with self.subTest(column):
                row = self.judge(LOSSES, "--column", column)
                self.assertEqual((row["verdict"], row["curve"], row["unit"]), (verdict, column, "nats"))
                if minimum:
                    self.assertLessEqual(abs(row["onset_step"] - minimum), 10000)
                    low, high = row["onset_step_interval"]
                    self.assertTrue(low <= row["onset_step"] <= high)
                    low, high = row["excess_nats_interval"]
                    self.assertTrue(low <= row["excess_nats"] <= high)
                else:
                    self.assertIsNone(row["onset_step"])
                    self.assertIsNone(row["onset_step_interval"])

    def test_perplexities_are_judged_by_their_logarithm(self):
        row = self.judge(PERPLEXITIES, "--column", "160m", "--perplexity")
        self.assertEqual(row["verdict"], "saturated")
        path = self.csv([(step, math.exp(loss)) for step, loss in made_run()], "step,test_ppl")
        logged = self.judge(self.csv(list(made_run()), name="loss.csv"))
        row = self.judge(path, "--column", "test_ppl")
        self.assertAlmostEqual(row["excess_nats"], logged["excess_nats"])
        self.assertEqual(self.judge(path, "--column", "test_ppl", "--loss")["verdict"], "diverged")

    def test_scores_are_better_when_high(self):
        path = self.csv([(step, 4 - loss) for step, loss in made_run()], "step,accuracy")
        row = self.judge(path)
        self.assertEqual((row["verdict"], row["unit"]), ("saturated", "score"))
        self.assertEqual(self.judge(path, "--minimum-excess", "0.5")["verdict"], "plateau")

    def test_gate(self):
        diverged = self.csv([(s, v + (5 if s > 15000 else 0)) for s, v in made_run(turn=1)], name="diverged.csv")
        improving = self.csv(made_run(turn=1), name="improving.csv")
        saturated = self.csv(made_run(), name="saturated.csv")
        for path, status in ((improving, 0), (saturated, 3), (diverged, 4)):
            self.expect(status, "--gate", "--json", path)
            self.expect(0, "--json", path)


class Reading(SaturationTest):
    def test_dialects_give_the_same_verdict(self):
        rows = list(made_run())
        csv = self.csv(rows)
        expected = self.judge(csv)
        del expected["path"]
        others = (
            self.write("a.csv", "\ufeff\"loss\";note;Step\r\n" + "".join(f'"{v}";"say ""x""; y";{s}\r\n' for s, v in rows)),
            self.write("b.tsv", "iteration\tloss\n" + "".join(f"{s}\t{v}\n" for s, v in rows)),
            self.log(rows, "c.jsonl"),
            self.write_lines("d.jsonl", [{"step": s, "values": {"loss": v}} for s, v in rows] + [{"event": "end"}]),
            self.write("e.json", json.dumps({"log_history": [{"step": s, "loss": v} for s, v in rows] + [{"step": 1, "x": "y"}]})),
            self.write("f.json", json.dumps([{"global_step": s, "loss": v} for s, v in rows])),
        )
        for path in others:
            with self.subTest(path):
                row = self.judge(path)
                del row["path"]
                self.assertEqual(row, expected)

    def test_exports_of_other_tools(self):
        rows = list(made_run())
        expected = self.judge(self.csv(rows))["onset_step"]
        losses = [{"epoch": s / 1e4, "loss": f"{v:.17g}", "step": s} for s, v in rows] + [{"step": 20000, "train_loss": 3.0}]
        comma = lambda number: str(number).replace(".", ",")  # noqa: E731
        others = (
            self.write("wandb.csv", '"Step","a-b-7 - train/loss","a-b-7 - train/loss__MIN","a-b-7 - train/loss__MAX"\n'
                       + "".join(f'"{s}","{v}","{v}","{v}"\n' for s, v in rows)),
            self.write("history.csv", "trainer/global_step,_runtime,train/loss,val/loss\n"
                       + "".join(f"{s},{s / 7},{v},\n" + (f"{s},{s / 7},,3\n" if s == 5000 else "") for s, v in rows)),
            self.write("tensorboard.csv", "Wall time,Step,Value\n" + "".join(f"1.7e9,{s},{v}\n" for s, v in rows)),
            self.write("tensorboard.json", json.dumps([[1.7e9, s, v] for s, v in rows])),
            self.write("commas.csv", "Step;Train Loss\r\n" + "".join(f"{s};{comma(v)}\r\n" for s, v in rows)),
            self.write("quoted.csv", '"STEP","LOSS"\n' + "".join(f'"{s:,}","{comma(v)}"\n' for s, v in rows)),
            self.write("notes.csv", "# mine\nnote,step,loss\n" + "".join(f'"two\nlines",{s},{v}\n' for s, v in rows) + ",,\n"),
            self.write("again.csv", "step,loss\n" + "".join(("step,loss\n" if s == 10000 else "") + f"{s},{v}\n" for s, v in rows)),
            self.write("trainer_state.json", json.dumps({"global_step": 20000, "log_history": losses})),
            self.write("nested.txt", "\ufeff" + "".join(json.dumps({"step": str(s), "train": {"loss": v}}) + "\r\n" for s, v in rows)),
        )
        for path in others:
            with self.subTest(path):
                row = self.judge(path)
                self.assertEqual((row["onset_step"], row["verdict"]), (expected, "saturated"))

    def test_json_with_numbers_that_json_does_not_know(self):
        rows = [{"step": s, "loss": v if s < 15000 else float("nan"), "note": 'a "NaN'} for s, v in made_run(turn=1)]
        text = json.dumps({"log_history": rows})
        self.assertIn("NaN,", text)
        for path in self.write("trainer_state.json", text), self.write_lines("log.jsonl", rows):
            row = self.judge(path)
            self.assertEqual((row["verdict"], row["onset_step"]), ("diverged", 14900))

    def test_zeros_in_place_of_nan(self):
        row = self.judge(self.csv([(s, v if s < 15000 else 0) for s, v in made_run(turn=1)]))
        self.assertEqual((row["verdict"], row["onset_step"]), ("diverged", 14900))

    def test_scores_in_per_cent(self):
        rows = [(s, 60 - 20 * (v - 3)) for s, v in made_run()]
        self.assertEqual(self.judge(self.csv(rows, "step,accuracy"))["verdict"], "saturated")

    def test_another_unit_is_noticed(self):
        for factor, says in (1e-3, "All of it lies within"), (1e3, "are hardly nats"):
            path = self.csv([(s, factor * v) for s, v in made_run()])
            self.assertIn(says, " ".join(self.expect(0, "--quiet", path).stdout.decode().split()))

    def test_several_runs_in_one_table(self):
        rows = [(model, step, loss) for model, turn in (("a", 0.5), ("b", 1)) for step, loss in made_run(turn=turn)]
        path = self.csv(rows, "model,step,loss")
        self.fails((path,), "--where")
        self.assertEqual(self.judge(path, "--where", "model=a")["verdict"], "saturated")
        self.assertEqual(self.judge(path, "--where", "model=b")["verdict"], "improving")
        self.fails((path, "--where", "model=c"), "no curves")
        self.fails((path, "--where", "size=c"), "no column 'size'")

    def test_a_restart_counts_its_later_entries(self):
        rows = list(made_run())
        wrong = [(step, 50) for step, _ in rows[90:100]]
        row = self.judge(self.log(rows[:90] + wrong + rows[90:]))
        self.assertEqual((row["repeated"], row["verdict"]), (10, "saturated"))

    def test_what_a_kill_leaves_is_read(self):
        path = self.log(made_run())
        with open(path, "a") as file:
            file.write('{"step": 20100, "lo')
        self.assertEqual(self.judge(path)["points"], 200)

    def test_what_is_not_finite(self):
        rows = list(made_run(turn=1))
        rows[50] = (rows[50][0], "nan")
        row = self.judge(self.csv(rows))
        self.assertEqual((row["verdict"], row["not_finite"]), ("improving", 1))
        row = self.judge(self.csv(rows[:150] + [(step, "inf") for step, _ in rows[150:]]))
        self.assertEqual((row["verdict"], row["onset_step"], row["excess_nats"]), ("diverged", 15000, None))

    def test_few_points_are_unclear(self):
        for count in 1, 5:
            row = self.judge(self.csv(list(made_run())[:count]))
            self.assertEqual(row["verdict"], "unclear")
            self.assertIn("few points", row["reason"])

    def test_broken_files_get_one_line(self):
        for name, text, says in (("empty.csv", "", "empty"), ("nostep.csv", "a,b\n1,2\n", "--step"),
                                 ("gap.csv", "step,loss\n1,2\n,3\n", "line 3 has no step"),
                                 ("numbers.csv", "1,2\n2,3\n", "no heading"), ("other.csv", "tokens,loss\n1,2\n", "there are tokens, loss"),
                                 ("epochs.csv", "epoch,loss\n0.1,2\n0.2,2\n0.3,2\n", "fractions"),
                                 ("two.csv", "Step,a - loss,b - loss\n1,2,3\n", "or several are"),
                                 ("bad.jsonl", '{"step":1,"loss":2}\nnonsense\n{"step":2}\n', "line 2"),
                                 ("bad.json", "[1,2", "bad.json"), ("object.json", '{"a":1}', "log_history"),
                                 ("text.csv", "step,word\n1,a\n", "no curves"), ("negative.csv", "step,loss\n-1,2\n", "negative"),
                                 ("names.csv", "step,a,b\n1,2,3\n", "--column; there are a, b"),
                                 ("zero.csv", "step,ppl\n1,0\n", "not positive")):
            with self.subTest(name):
                self.fails((self.write(name, text),), says)
        self.fails((self.path("missing"),), "No such file")
        self.fails((self.path("empty.csv"), "--text", TEXT), "folder")
        self.fails((self.csv([(1, 2)]), "--column", "x\x1b[31m"), "no curve 'x")


class Folders(SaturationTest):
    def test_checkpoints_without_a_loss(self):
        row = self.judge(HYBRID)
        self.assertEqual((row["verdict"], row["reason"]), ("unclear", "no loss was logged or measured"))
        (sign,) = row["co_occurs_with"]
        self.assertEqual((sign["curve"], sign["onset_step"]), ("head.singular_entropy", None))
        self.assertEqual(self.judge(HYBRID, "--column", "head.effective_rank")["points"], 10)

    def run_folder(self, log):
        os.makedirs(self.path("run/checkpoints"))
        for step in 100, 200:
            shutil.copy(os.path.join(HYBRID, "step_2000.pt"), self.path(f"run/checkpoints/step_{step}.pt"))
        shutil.copy(os.path.join(HYBRID, "step_4000.pt"), self.path("run/checkpoints/best.pt"))
        self.write_lines("run/log.jsonl", log)
        return self.path("run")

    def test_a_log_beside_checkpoints(self):
        random.seed(2)
        log = [{"step": s, "loss": v, "anisotropy": (0.1 if s < 11000 else 0.9) + random.gauss(0, 0.01)} for s, v in made_run()]
        row = self.judge(self.run_folder(log))
        self.assertEqual((row["verdict"], row["curve"]), ("saturated", "loss"))
        signs = {sign["curve"]: sign for sign in row["co_occurs_with"]}
        self.assertLessEqual(abs(signs["anisotropy"]["onset_step"] - 11000), 300)
        self.assertEqual(signs["anisotropy"]["lag_steps"], signs["anisotropy"]["onset_step"] - row["onset_step"])
        text = self.expect(0, "--quiet", self.path("run")).stdout.decode()
        self.assertIn("co-occurs with", text)
        self.assertNotRegex(text, r"\bbecause\b|\bdue to\b")
        self.assertLessEqual(max(len(line) for line in text.splitlines() if line.startswith("  The ")), 100)

    def test_mixed_models_are_refused(self):
        folder = self.run_folder([])
        shutil.copy(STORIES, os.path.join(folder, "checkpoints", "step_300.bin"))
        self.fails((folder,), "different models in one folder", "512 x 64")

    def test_a_checkpoint_that_cannot_be_read_is_left_out(self):
        folder = self.run_folder([])
        self.write("run/checkpoints/step_300.pt", "PK\x03\x04 nothing")
        result = self.expect(1, "--json", "--quiet", folder)
        self.assertIn(b"step_300.pt", result.stderr)
        self.assertEqual(json.loads(result.stdout)["verdict"], "unclear")

    def test_a_text_is_measured(self):
        os.makedirs(self.path("models"))
        for step in 1, 2:
            shutil.copy(STORIES, self.path(f"models/step_{step}.bin"))
        row = self.judge(self.path("models"), "--text", TEXT, "--tokenizer", TOKENIZER, "--max-tokens", "300")
        self.assertEqual((row["curve"], row["points"], row["verdict"]), ("text.loss", 2, "unclear"))

    def test_watching_a_run_that_grows(self):
        rows = list(made_run())
        path = self.log(rows[:90])
        tool = self.start("--watch", "0.2", "--gate", "--json", path, stdout=subprocess.PIPE)
        first = json.loads(tool.stdout.readline())
        os.replace(self.log(rows, "longer.jsonl"), path)  # at once: it may look at any moment
        second = json.loads(tool.stdout.readline())
        self.assertEqual((first["points"], first["verdict"]), (90, "improving"))
        self.assertEqual((second["points"], second["verdict"]), (200, "saturated"))
        self.assertEqual(tool.wait(timeout=LIMIT), 3)

    def test_watching_ends_with_ctrl_c(self):
        tool = self.start("--watch", "86400", "--json", self.log(made_run()), stdout=subprocess.PIPE)
        tool.stdout.readline()
        self.interrupt(tool)  # which may come before it lies down, and must not be slept through


class Page(HTMLParser):
    VOID = {"meta", "br", "line", "rect", "circle", "path", "i"}

    def __init__(self, text):
        super().__init__()
        self.open, self.links, self.tags, self.text = [], [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.links += [value for name, value in attributes if name in ("src", "href", "xlink:href", "action", "srcset")]
        if tag not in ("meta",):
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, tag

    def handle_data(self, data):
        self.text += data


class Reports(SaturationTest):
    def report(self, *arguments):
        path = self.path("report.html")
        self.expect(0, "--quiet", "--report", path, *arguments)
        with open(path, encoding="utf-8") as file:
            return file.read()

    def test_the_page_is_whole_and_asks_for_nothing(self):
        text = self.report(LOSSES, "--column", "14m-seed1")
        page = Page(text)
        self.assertEqual(page.open, [])
        self.assertEqual(page.links, [])
        self.assertNotIn("script", page.tags)
        self.assertNotRegex(text, r"url\(|@import|https?://(?!www\.w3\.org)")
        self.assertIn("width=device-width", text)
        self.assertIn("prefers-color-scheme:dark", text)
        self.assertIn("Saturated, since step", page.text)
        self.assertLess(page.text.index("Saturated"), page.text.index("Figures"))
        self.assertNotIn("nan", re.sub(r"[A-Za-z]*nan[a-z]+", "", page.text))
        self.assertEqual(os.listdir(self.folder), ["report.html"])

    def test_a_folder_gets_the_spectral_figures(self):
        page = Page(self.report(HYBRID))
        for fragment in "As Fig. 4", "As Fig. 5", "Head width against W-error", "No loss was logged":
            self.assertIn(fragment, page.text)

    def test_names_cannot_break_the_page(self):
        name = "<script>alert('x')</script>&\"loss"
        quoted = name.replace('"', '""')
        path = self.csv([(s, v) for s, v in made_run()], f'step,"{quoted}"', "a<b>&.csv")
        page = Page(self.report(path, "--column", name))
        self.assertNotIn("script", page.tags)
        self.assertIn(name, page.text)

    def test_a_long_name_fits_its_axis(self):
        name = "a" * 150 + "\u00e9" * 20 + "_val_loss"
        text = self.report(self.csv(made_run(), "step," + name))
        self.assertIn(">... " + name[-13:] + ", nats<", text)
        self.assertIn("overflow-wrap:anywhere", text)

    def test_every_verdict_has_a_page(self):
        made = {"improving": made_run(turn=1), "plateau": made_run(turn=0.2, rise=0, noise=0.001), "unclear": list(made_run())[:3]}
        for verdict, rows in made.items():
            path = self.csv(rows, name=verdict + ".csv")
            self.assertEqual(self.judge(path)["verdict"], verdict)
            self.assertEqual(Page(self.report(path)).open, [])

    def test_a_page_that_cannot_be_written(self):
        self.fails(("--quiet", "--json", "--report", "/nonexistent/x.html", self.csv(made_run())), "/nonexistent/x.html")

    def test_a_log_of_every_step_is_drawn_in_seconds(self):
        rows = "".join(f"{step},{3 + 5 / (step + 9) ** 0.5 + 0.001 * (step * 7919 % 101):.4f}\n" for step in range(1, 120001))
        limit = lambda: resource.setrlimit(resource.RLIMIT_CPU, (10, 10))  # noqa: E731
        result = subprocess.run(self.command("--quiet", self.write("log.csv", "step,loss\n" + rows)), capture_output=True,
                                preexec_fn=limit, timeout=300)
        self.assertEqual(result.returncode, 0)

    @WITH_GNUPLOT
    def test_plot(self):
        self.expect(0, "--quiet", "--plot", self.path("x.svg"), LOSSES, "--column", "70m")
        with open(self.path("x.svg"), encoding="utf-8") as file:
            drawn = file.read()
        self.assertIn("Saturated", drawn)
        self.assertIn("training step (thousands)", drawn)


class Usage(SaturationTest):
    def test_refusals(self):
        self.refuses({(): "no RUN", ("a", "b"): "one RUN", ("a", "--where", "x"): "NAME=TEXT", ("a", "--plot", "x.gif"): ".svg or .png",
                      ("a", "--watch", "0"): "--watch", ("a", "--max-tokens", "5"): "need --text",
                      ("a", "--divergence", "0.001"): "must exceed"})

    def test_help_tells_the_gate(self):
        self.assertIn(b"3 saturated, 4 diverged", self.expect(0, "--help").stdout)


if __name__ == "__main__":
    unittest.main()
