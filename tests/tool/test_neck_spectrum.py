"""neck-spectrum from the outside: what it prints, draws, refuses and survives. Standard library only."""
import array
import fcntl
import json
import math
import os
import pty
import random
import re
import select
import shutil
import signal
import struct
import subprocess
import tempfile
import termios
import unittest
import xml.etree.ElementTree as xml

SOURCE = os.path.abspath(os.environ.get("SOFTNECK_SOURCE_DIR", "."))
BUILD = os.path.join(SOURCE, os.environ.get("BUILD", "build"))
TOOL = os.path.join(BUILD, "examples", "neck-spectrum")
DATA = os.path.join(SOURCE, "examples", "data")
SERIES = os.path.join(DATA, "hybridstories")
STORIES = os.path.join(DATA, "stories260K", "stories260K.bin")
STEP = os.path.join(SERIES, "step_2000.pt")
WITH_GNUPLOT = unittest.skipUnless(shutil.which("gnuplot"), "gnuplot is not installed")
LIMIT = 600  # seconds: only what hangs takes as long, on however busy a machine


def run(*arguments, **options):
    return subprocess.run([TOOL, *arguments], capture_output=True, timeout=LIMIT, **options)


def rows_of(result):
    return [json.loads(line) for line in result.stdout.splitlines()]


def write_npy(path, shape, numbers, dtype="<f4"):
    """numbers: bytes, or an iterable of what dtype says; fewer bytes than the shape needs leave a hole of zeros."""
    size = int(dtype[2:])
    code = {"<f2": "e", "<f4": "f", "<f8": "d", "<i8": "q"}[dtype]
    data = numbers if isinstance(numbers, bytes) else array.array(code, numbers).tobytes()
    header = repr({"descr": dtype, "fortran_order": False, "shape": tuple(shape)}).encode()
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    with open(path, "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + data)
        file.truncate(10 + len(header) + size * math.prod(shape))


def small_npy(path, seed=0, shape=(12, 4)):
    numbers = random.Random(seed)
    write_npy(path, shape, [numbers.gauss(0, 1) for _ in range(math.prod(shape))])


def open_terminal(test):
    """A pseudo-terminal's two ends; the test is skipped where the system has none, as in bare containers."""
    try:
        return pty.openpty()
    except OSError as reason:
        test.skipTest(str(reason))


class ToolTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def expect(self, status, *arguments, **options):
        result = run(*arguments, **options)
        self.assertEqual(result.returncode, status, result.stderr.decode(errors="replace"))
        return result


class Numbers(ToolTest):
    @classmethod
    def setUpClass(cls):
        with open(os.path.join(SOURCE, "tests", "golden", "tool.json")) as file:
            cls.golden = json.load(file)
        weights = os.path.join(tempfile.mkdtemp(), "weights.npy")
        cls.addClassCleanup(shutil.rmtree, os.path.dirname(weights))
        write_npy(weights, (512,), [1 / i for i in range(1, 513)], "<f8")
        cls.weights = weights

    def compare(self, row, expected, name):
        size = len(expected["singular_values"])
        self.assertEqual((row["rows"], row["cols"]), (expected["rows"], expected["cols"]))
        self.assertEqual(len(row["singular_values"]), size)
        largest = expected["singular_values"][0]
        for got, bound, true in zip(row["singular_values"], row["singular_value_errors"], expected["singular_values"]):
            self.assertLessEqual(abs(got - true), bound + 1e-13 * largest, name)
            self.assertLessEqual(bound, 1e-9 * largest)
        for metric, true in expected["metrics"].items():
            self.assertAlmostEqual(row[metric] / true, 1, delta=1e-9, msg=f"{name}: {metric}")

    def test_values_and_metrics_equal_numpys(self):
        for file, variants in self.golden.items():
            for variant, expected in variants.items():
                more = ["--row-weights", self.weights] if variant == "frequency_centered" else []
                for method in "gram", "qr":
                    result = self.expect(0, "--json", "--values", "--variant", variant, "--method", method, *more,
                                         os.path.join(DATA, file))
                    (row,) = rows_of(result)
                    self.assertEqual((row["variant"], row["method"]), (variant, method))
                    self.compare(row, expected, f"{file} {variant} {method}")

    def test_errors_are_told_for_every_metric(self):
        (row,) = rows_of(self.expect(0, "--json", STORIES))
        names = re.findall(r"^  (\w+) +\S", run("--help").stdout.decode().split("Metrics:")[1], re.M)
        self.assertGreater(len(names), 20)
        self.assertEqual(sorted(row["errors"]), sorted(names))
        for name in names:
            self.assertIn(name, row)

    def test_british_spelling(self):
        american, british = (run("--json", "--variant", name, STORIES).stdout for name in ("centered", "centred"))
        self.assertEqual(american, british)

    def test_thread_count_does_not_change_the_values(self):
        one, two = (run("--json", "--values", "--method", "gram", "--threads", n, STEP).stdout for n in "12")
        self.assertEqual(one, two)

    def test_a_tail_the_gram_matrix_cannot_see_is_refined(self):
        numbers = random.Random(1)
        rows, cols = 6000, 128
        write_npy(self.path("steep.npy"), (rows, cols),
                  [numbers.gauss(0, 1) * 10 ** (-j / 20) for _ in range(rows) for j in range(cols)])
        (fast,) = rows_of(self.expect(0, "--json", "--method", "gram", self.path("steep.npy")))
        (refined,) = rows_of(self.expect(0, "--json", self.path("steep.npy")))
        self.assertTrue(fast["errors"]["condition_number"] is None
                        or fast["errors"]["condition_number"] > 1e-5 * fast["condition_number"])
        self.assertEqual(refined["method"], "qr")
        self.assertLess(refined["errors"]["condition_number"], 1e-5 * refined["condition_number"])
        marked = run("--method", "gram", "--metric", "condition_number", self.path("steep.npy")).stdout
        self.assertIn(b"~", marked)
        certain = run("--metric", "condition_number", self.path("steep.npy")).stdout
        self.assertNotIn(b"~", certain)
        self.assertRegex(certain, rb" \d\.\d{4}e\d ", "five digits and a short exponent")

    def test_weights_may_be_counts(self):
        write_npy(self.path("counts.npy"), (512,), range(1, 513), "<i8")
        write_npy(self.path("floats.npy"), (512, 1), range(1, 513), "<f8")
        counts, floats = (run("--json", "--variant", "frequency_centered", "--row-weights", self.path(name), STORIES)
                          for name in ("counts.npy", "floats.npy"))
        self.assertEqual(counts.returncode, 0, counts.stderr)
        self.assertEqual(counts.stdout, floats.stdout)

    def test_zero_matrix_has_nulls_not_nans(self):
        write_npy(self.path("zero.npy"), (9, 3), b"")
        result = self.expect(0, "--json", self.path("zero.npy"))
        self.assertNotIn(b"NaN", result.stdout)
        (row,) = rows_of(result)
        self.assertEqual(row["spectral_norm"], 0)
        self.assertIsNone(row["singular_entropy"])
        self.expect(0, self.path("zero.npy"))


class Output(ToolTest):
    def test_help_names_every_option(self):
        result = self.expect(0, "--help")
        self.assertEqual(result.stderr, b"")
        for option in ("json metric values top tensor list variant row-weights method tolerance plot threads quiet help "
                       "version").split():
            self.assertIn(f"--{option}".encode(), result.stdout)
        self.assertLessEqual(max(map(len, result.stdout.split(b"Metrics:")[0].splitlines())), 80)
        self.assertEqual(result.stdout, self.expect(0, "-h").stdout)

    def test_version(self):
        self.assertRegex(self.expect(0, "--version").stdout, rb"^neck-spectrum \d+\.\d+\.\d+\n")

    def test_table(self):
        result = self.expect(0, SERIES)
        self.assertEqual(result.stderr, b"")
        text = result.stdout.decode()
        self.assertRegex(text, r"hybridstories: \S*tok_emb\.weight, tied LM head, 2048 x 32 F32, raw")
        steps = [int(line.split()[0]) for line in text.splitlines() if line.endswith(".pt")]
        self.assertEqual(steps, list(range(2000, 20001, 2000)))
        for word in "singular", "entropy", "[nats]", "condition", "method", "checkpoint":
            self.assertIn(word, text)
        last = text.splitlines()[-1].split()
        self.assertEqual(len(last), 9, "step, six metrics, method, name")
        for number in last[1:7]:
            self.assertRegex(number, r"^\d+(\.\d+)?$")
        self.assertFalse(re.search(r" +$", text, re.M), "blanks at the end of a line")

    def test_one_heading_per_kind_of_matrix(self):
        text = self.expect(0, STORIES, STEP).stdout.decode()
        self.assertEqual(len(re.findall(r"LM head", text)), 2)

    def test_top(self):
        text = self.expect(0, "--top", "3", STORIES).stdout.decode()
        listed = re.findall(r"^ +(\d+)  ([\d.]+) +(\S+)$", text, re.M)
        (row,) = rows_of(self.expect(0, "--json", "--top", "3", STORIES))
        self.assertEqual([rank for rank, _, _ in listed], ["1", "2", "3"])
        self.assertEqual(len(row["singular_values"]), 3)
        for (_, value, _), exact in zip(listed, row["singular_values"]):
            self.assertAlmostEqual(float(value) / exact, 1, delta=1e-15)

    def test_chosen_metrics(self):
        (row,) = rows_of(self.expect(0, "--json", "--metric", "hoyer,gini", STORIES))
        self.assertEqual(sorted(row["errors"]), ["gini", "hoyer"])
        self.assertNotIn("effective_rank", row)
        self.assertRegex(self.expect(0, "--metric", "hoyer,gini", STORIES).stdout, rb"step +hoyer +gini +method")

    def test_list(self):
        text = self.expect(0, "--list", STEP).stdout.decode()
        self.assertRegex(text, r"(?m)^\* F32 +2048 x 32 +\S*tok_emb\.weight$")
        tensors = rows_of(self.expect(0, "--list", "--json", STEP))
        (head,) = [tensor for tensor in tensors if tensor["head"]]
        self.assertEqual((head["shape"], head["nbytes"]), ([2048, 32], 4 * 2048 * 32))
        (row,) = rows_of(self.expect(0, "--json", "--tensor", head["tensor"], STEP))
        self.assertEqual((row["tensor"], row["tied"]), (head["tensor"], None))

    def test_steps_in_order_of_number(self):
        for step in 1000, 200, 30, 4:
            small_npy(self.path(f"run2_step_{step}.npy"), step)
        small_npy(self.path("last.npy"))
        rows = rows_of(self.expect(0, "--json", self.folder))
        self.assertEqual([row["step"] for row in rows], [4, 30, 200, 1000, None])

    def test_odd_file_names(self):
        names = ["with space.npy", "new\nline.npy", "quote'\".npy", "esc\x1b[31m.npy", "ümläut.npy",
                 os.fsdecode(b"b\xff.npy")]
        for name in names:
            small_npy(self.path(name))
        rows = rows_of(self.expect(0, "--json", *(self.path(name) for name in names)))
        self.assertEqual([os.path.basename(row["path"]) for row in rows], names[:-1] + ["b\ufffd.npy"])
        table = self.expect(0, *(self.path(name) for name in names)).stdout
        table.decode("utf-8")
        self.assertNotIn(b"\x1b", table)
        for shown in b"with space.npy", b"new\\nline.npy", b"quote'\".npy", b"esc\\x1b[31m.npy", b"b\\xff.npy":
            self.assertIn(shown, table)

    def test_full_disk_is_a_failure(self):
        with open("/dev/full", "w") as full:
            result = subprocess.run([TOOL, STORIES], stdout=full, stderr=subprocess.PIPE, timeout=LIMIT)
        self.assertEqual(result.returncode, 1)
        self.assertIn(b"cannot write", result.stderr)


class Refusals(ToolTest):
    def test_wrong_usage(self):
        cases = {
            (): "no PATH",
            ("--nonsense", STEP): "--nonsense",
            ("-x", STEP): "-x",
            ("--top", "0", STEP): "--top",
            ("--top", "3x", STEP): "3x",
            ("--top",): "--top needs K",
            ("--json=1", STEP): "--json takes no argument",
            ("--threads", "-1", STEP): "--threads",
            ("--threads", "99999999999999999999", STEP): "--threads",
            ("--variant", "sideways", STEP): "sideways",
            ("--metric", "hoyer,beauty", STEP): "beauty",
            ("--metric", "", STEP): "metric",
            ("--method", "magic", STEP): "magic",
            ("--tolerance", "nan", STEP): "--tolerance",
            ("--tolerance", "1e-3", "--method", "gram", STEP): "--method auto",
            ("--plot", "figure.pdf", STEP): "figure.pdf",
            ("--variant", "frequency_centered", STEP): "--row-weights",
            ("--row-weights", "w.npy", STEP): "frequency_centered",
        }
        for arguments, fragment in cases.items():
            with self.subTest(arguments):
                result = self.expect(2, *arguments)
                self.assertEqual(result.stdout, b"")
                message, hint = result.stderr.decode().splitlines()
                self.assertTrue(message.startswith("neck-spectrum: "))
                self.assertIn(fragment, message)
                self.assertEqual(hint, "Try 'neck-spectrum --help'.")

    def one_line(self, result, *fragments):
        (line,) = result.stderr.decode().splitlines()
        for fragment in fragments:
            self.assertIn(fragment, line)

    def test_missing_file(self):
        result = self.expect(1, self.path("nowhere.pt"))
        self.assertEqual(result.stdout, b"")
        self.one_line(result, "nowhere.pt", "No such file")

    def test_the_rest_goes_on(self):
        for name in "step_1.npy", "step_3.npy":
            small_npy(self.path(name))
        with open(self.path("step_2.npy"), "wb") as file:
            file.write(b"\x93NUMPY\x01\x00\x10\x00 this is no header")
        result = self.expect(1, "--json", self.path("nowhere"), self.folder, STORIES)
        self.assertEqual([row["step"] for row in rows_of(result)][:2], [1, 3])
        self.assertEqual(len(rows_of(result)), 3)
        missing, garbage = result.stderr.decode().splitlines()
        self.assertIn("nowhere", missing)
        self.assertIn("step_2.npy", garbage)

    def test_garbage(self):
        with open(self.path("garbage.bin"), "wb") as file:
            file.write(random.Random(2).randbytes(5000))
        self.one_line(self.expect(1, self.path("garbage.bin")), "garbage.bin")

    def test_unknown_tensor(self):
        self.one_line(self.expect(1, "--tensor", "no.such", STEP), "no.such", "step_2000.pt")

    def test_not_finite(self):
        write_npy(self.path("nan.npy"), (3, 2), [1, 2, 3, math.nan, 5, 6])
        self.one_line(self.expect(1, self.path("nan.npy")), "nan.npy", "(1, 1)")
        write_npy(self.path("whole.npy"), (2, 2), range(4), "<i8")
        self.one_line(self.expect(1, self.path("whole.npy")), "nor is there any matrix of floating-point numbers")

    def test_weights_that_do_not_fit(self):
        small_npy(self.path("w.npy"), shape=(7, 1))
        arguments = "--variant", "frequency_centered", "--row-weights"
        self.one_line(self.expect(1, *arguments, self.path("w.npy"), STORIES), "7 row weights", "512 rows")
        small_npy(self.path("wide.npy"), shape=(7, 2))
        self.one_line(self.expect(1, *arguments, self.path("wide.npy"), STORIES), "wide.npy", "one dimension")
        self.one_line(self.expect(1, *arguments, self.path("none.npy"), STORIES), "none.npy")


class Figures(ToolTest):
    def check_svg(self, path):
        root = xml.parse(path).getroot()
        self.assertEqual(root.tag, "{http://www.w3.org/2000/svg}svg")
        return "".join(root.itertext())

    @WITH_GNUPLOT
    def test_series_as_svg(self):
        result = self.expect(0, "--plot", self.path("run.svg"), SERIES)
        self.assertEqual(sorted(os.listdir(self.folder)), ["run-entropy.svg", "run.svg"])
        self.assertIn("training step (thousands)", self.check_svg(self.path("run.svg")))
        self.assertIn("singular entropy (nats)", self.check_svg(self.path("run-entropy.svg")))
        with open(self.path("run.svg")) as file:
            self.assertIn("data:image/png;base64", file.read())
        self.assertEqual(result.stderr.count(b"wrote"), 2)

    @WITH_GNUPLOT
    def test_series_as_png(self):
        self.expect(0, "--quiet", "--json", "--plot", self.path("run.png"), SERIES)
        for name in "run.png", "run-entropy.png":
            with open(self.path(name), "rb") as file:
                head = file.read(24)
            self.assertEqual(head[:8], b"\x89PNG\r\n\x1a\n")
            self.assertEqual(struct.unpack(">II", head[16:]), (1520, 960))

    @WITH_GNUPLOT
    def test_one_checkpoint_is_a_curve(self):
        self.expect(0, "--plot", self.path("one.svg"), STORIES)
        self.assertEqual(os.listdir(self.folder), ["one.svg"])
        self.assertIn("singular value", self.check_svg(self.path("one.svg")))

    @WITH_GNUPLOT
    def test_several_series_share_the_figures(self):
        for model in "alpha", "beta_2", "gamma", "delta":
            os.mkdir(self.path(model))
            for step in 1, 2, 4, 8:
                small_npy(self.path(model, f"step_{step}.npy"), step)
        folders = [self.path(model) for model in ("alpha", "beta_2", "gamma", "delta")]
        result = self.expect(0, "--plot", self.path("all.svg"), *folders, STORIES)
        self.assertIn(b"stories260K.bin has fewer than two training steps", result.stderr)
        for name in "all.svg", "all-entropy.svg":
            text = self.check_svg(self.path(name))
            for model in "alpha", "beta_2", "gamma", "delta":
                self.assertIn(model, text)

    @WITH_GNUPLOT
    def test_names_never_reach_a_shell_or_gnuplot(self):
        name = "it's \"a\" `touch x` $(touch x)\n; set output x_{2}^y %d"
        os.mkdir(self.path(name))
        for step in 1, 2:
            small_npy(self.path(name, f"step_{step}.npy"), step)
        drawn = self.path("fig 'ure\" `touch x`\n.svg")
        self.expect(0, "--plot", drawn, self.path(name), cwd=self.folder)
        self.assertIn("it's \"a\" `touch x` $(touch x)\\n; set output x_{2}^y %d", self.check_svg(drawn))
        self.assertEqual(len(os.listdir(self.folder)), 3)

    @WITH_GNUPLOT
    def test_degenerate_spectra_are_drawn(self):
        os.mkdir(self.path("flat"))
        for step in 1, 2, 3:
            write_npy(self.path("flat", f"step_{step}.npy"), (2, 2), [1, 0, 0, 1])
            write_npy(self.path("flat", f"zero_{step + 3}.npy"), (2, 2), b"")
            write_npy(self.path("flat", f"column_{step + 6}.npy"), (3, 1), [1, 2, 3])
        self.expect(0, "--plot", self.path("flat.svg"), self.path("flat"))
        self.check_svg(self.path("flat.svg"))
        self.check_svg(self.path("flat-entropy.svg"))
        self.expect(0, "--plot", self.path("zero.svg"), self.path("flat", "zero_4.npy"))

    @WITH_GNUPLOT
    def test_nothing_is_left_behind(self):
        os.mkdir(self.path("tmp"))
        self.expect(0, "--plot", self.path("run.svg"), STORIES, env={**os.environ, "TMPDIR": self.path("tmp")})
        self.assertEqual(os.listdir(self.path("tmp")), [])

    @WITH_GNUPLOT
    def test_unwritable_figure(self):
        result = self.expect(1, "--plot", self.path("no", "such", "folder.svg"), STORIES)
        self.assertIn(b"stories260K", result.stdout)
        self.assertIn(b"folder.svg: No such file or directory", result.stderr)
        self.assertEqual(len(result.stderr.splitlines()), 1)

    def test_without_gnuplot(self):
        result = self.expect(1, "--plot", self.path("run.svg"), SERIES, env={**os.environ, "PATH": self.folder})
        self.assertEqual(result.stdout.count(b".pt\n"), 10)
        self.assertEqual(result.stderr, b"neck-spectrum: figures need gnuplot, which is not installed\n")


class Interruption(ToolTest):
    def test_between_checkpoints(self):
        small_npy(self.path("step_1.npy"))
        count = 3000  # far more lines than a pipe holds, so the tool waits for the reader and cannot be done yet
        for step in range(2, count + 1):
            os.link(self.path("step_1.npy"), self.path(f"step_{step}.npy"))
        # Unbuffered, because communicate() would lose what readline() had read ahead.
        with subprocess.Popen([TOOL, "--json", self.folder], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              bufsize=0) as process:
            first = process.stdout.readline()
            process.send_signal(signal.SIGINT)
            rest, errors = process.communicate(timeout=LIMIT)
        lines = (first + rest).splitlines()
        self.assertEqual(process.returncode, 130)
        self.assertLess(len(lines), count)
        self.assertEqual([json.loads(line)["step"] for line in lines], list(range(1, len(lines) + 1)))
        self.assertEqual(errors, b"neck-spectrum: interrupted: what was done by then is printed\n")

    def test_a_bar_and_a_stop_within_a_checkpoint(self):
        # Nothing but a hole: seconds of work.
        write_npy(self.path("large.npy"), (4000000, 1024), struct.pack("<1024e", *[1.0] * 1024), "<f2")
        terminal, other = open_terminal(self)
        self.addCleanup(os.close, terminal)
        with subprocess.Popen([TOOL, STORIES, self.path("large.npy")], stdout=subprocess.PIPE, stderr=other) as process:
            os.close(other)
            shown = b""
            while b"%" not in shown:
                ready, _, _ = select.select([terminal], [], [], LIMIT)
                self.assertTrue(ready, "no bar")
                shown += os.read(terminal, 4096)
            process.send_signal(signal.SIGINT)
            output, _ = process.communicate(timeout=LIMIT)
        self.assertEqual(process.returncode, 130)
        self.assertRegex(shown, rb"1/1 large\.npy: \w+")
        self.assertIn(b"stories260K.bin", output)
        self.assertNotIn(b"large.npy", output.split(b"checkpoint\n")[-1].splitlines()[-1])

    def test_progress_keeps_to_a_narrow_terminals_line(self):
        write_npy(self.path("large.npy"), (400000, 1024), struct.pack("<1024e", *[1.0] * 1024), "<f2")
        terminal, other = open_terminal(self)
        self.addCleanup(os.close, terminal)
        fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 30, 0, 0))
        with subprocess.Popen([TOOL, self.path("large.npy")], stdout=subprocess.DEVNULL, stderr=other) as process:
            os.close(other)
            shown = b""
            while b"%" not in shown:
                ready, _, _ = select.select([terminal], [], [], 60)
                self.assertTrue(ready, "no progress within a minute")
                shown += os.read(terminal, 4096)
            process.kill()
        lines = [line.split(b"\x1b")[0] for line in shown.split(b"\r")]
        self.assertTrue(all(len(line) < 30 for line in lines), lines)

    def test_no_progress_when_quiet_or_quick(self):
        terminal, other = open_terminal(self)
        self.addCleanup(os.close, terminal)
        result = subprocess.run([TOOL, "--quiet", SERIES], stdout=subprocess.PIPE, stderr=other, timeout=LIMIT)
        self.addCleanup(os.close, other)
        self.assertEqual(result.returncode, 0)
        self.assertEqual(select.select([terminal], [], [], 0)[0], [], "something was shown")


if __name__ == "__main__":
    unittest.main()
