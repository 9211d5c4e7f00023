"""neck-layers from the outside: its numbers against a model written in numpy, what it draws, refuses and survives."""
import gzip
import json
import os
import re
import resource
import shutil
import struct
import subprocess
import sys
import unittest
import xml.etree.ElementTree as xml

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from running import SOURCE, STORIES, TEXT, TOKENIZER, ToolTest, stories, terminal  # noqa: E402

WITH_GNUPLOT = unittest.skipUnless(shutil.which("gnuplot"), "gnuplot is not installed")
MEASURES = ("anisotropy", "centered_anisotropy", "effective_rank", "singular_entropy", "isoscore",
            "top_component_share")


class LayersTest(ToolTest):
    name = "neck-layers"

    def three(self):
        return self.write_lines("three.jsonl", [{"text": text} for text in stories(3)])

    def common(self, text=None):
        return STORIES, "--tokenizer", TOKENIZER, "--text", text or self.three()


class Numbers(LayersTest):
    def test_loss_and_layers_are_those_of_a_model_in_numpy(self):
        with open(os.path.join(SOURCE, "tests", "golden", "layers.json")) as file:
            golden = json.load(file)
        (row,) = self.rows(*self.common(), "--sample", "5000")
        self.assertEqual((row["tokens"], row["documents"], row["context_length"]), (golden["tokens"], 3, 512))
        for name in "loss", "accuracy", "standard_error":
            self.assertAlmostEqual(row[name], golden[name], delta=1e-6)
        self.assertEqual(len(row["layers"]), 6)
        for layer, (got, expected) in enumerate(zip(row["layers"], golden["layers"])):
            self.assertEqual((got["layer"], got["rows"], got["cols"]), (layer, golden["tokens"], 64))
            self.assertAlmostEqual(got["depth"], layer / 5)
            self.assertEqual(got["centered_anisotropy_standard_error"], 0)
            for name in MEASURES:
                self.assertAlmostEqual(got[name], expected[name], delta=1e-5 * max(1, expected[name]), msg=name)
                self.assertLess(got["errors"][name], 1e-9)

    def test_units_of_text(self):
        (row,) = self.rows(*self.common())
        texts = stories(3)
        self.assertEqual(row["bytes"], sum(len(text.encode()) for text in texts))
        self.assertEqual(row["words"], sum(len(re.split(r"\s+", text)) for text in texts))
        self.assertFalse(row["interrupted"])

    def test_a_sample_tells_its_error(self):
        (whole,), (part,) = (self.rows(*self.common(), "--sample", n) for n in ("5000", "200"))
        for a, b in zip(whole["layers"], part["layers"]):
            error = b["centered_anisotropy_standard_error"]
            self.assertGreater(error, 0)
            self.assertLess(abs(a["centered_anisotropy"] - b["centered_anisotropy"]), 5 * error)
            self.assertEqual(a["anisotropy"], b["anisotropy"])

    def test_most_tokens(self):
        (row,) = self.rows(*self.common(), "--max-tokens", "400")
        self.assertEqual((row["tokens"], row["documents"]), (400, 2))
        texts = stories(2)
        self.assertGreater(row["bytes"], len(texts[0]))
        self.assertLess(row["bytes"], len(texts[0]) + len(texts[1]))

    def test_windows(self):
        short, overlapping = (self.rows(*self.common(), "--context", "32", "--stride", n)[0] for n in ("32", "8"))
        (full,) = self.rows(*self.common())
        self.assertEqual((short["context_length"], short["stride"], overlapping["stride"]), (32, 32, 8))
        self.assertEqual({row["tokens"] for row in (short, overlapping, full)}, {full["tokens"]})
        self.assertGreater(short["loss"], overlapping["loss"])
        self.assertGreater(overlapping["loss"], full["loss"])

    def test_threads_do_not_change_the_numbers(self):
        one, two = (self.expect(0, "--json", *self.common(), "--threads", n).stdout for n in "12")
        self.assertEqual(one, two)

    def test_a_plain_file_is_one_document(self):
        (row,) = self.rows(*self.common(self.write("story.txt", "\n".join(stories(3)))))
        self.assertEqual(row["documents"], 1)
        (row,) = self.rows(*self.common(self.write("a.txt", "Once.")), "--text", self.write("b.txt", "Twice."))
        self.assertEqual((row["documents"], row["bytes"]), (2, 11))

    def test_centered_spectra(self):
        raw, centered = (self.rows(*self.common(), "--variant", name)[0] for name in ("raw", "centred"))
        self.assertEqual(centered["variant"], "centered")
        self.assertLess(centered["layers"][5]["top_component_share"], raw["layers"][5]["top_component_share"])
        self.assertEqual(centered["layers"][5]["isoscore"], raw["layers"][5]["isoscore"])

    def test_dumped_states(self):
        file = self.path("states.safetensors")
        (row,) = self.rows(*self.common(), "--dump-states", file)
        with open(file, "rb") as dump:
            header = json.loads(dump.read(struct.unpack("<Q", dump.read(8))[0]))
        self.assertEqual(header["states"]["shape"], [row["tokens"], 64])
        self.assertEqual(header["targets"]["shape"], [row["tokens"]])


class Mistakes(LayersTest):
    """What people do, and what they are told."""

    def test_another_models_tokenizer(self):
        vocab = {chr(ord("a") + i % 26) * (i // 26 + 1): i for i in range(1000)}
        tokenizer = self.write("tokenizer.json", json.dumps({"model": {"type": "BPE", "vocab": vocab, "merges": []}}))
        text = self.write("text.txt", "z" * 30)
        result = self.expect(0, STORIES, "--tokenizer", tokenizer, "--text", text)
        self.assertIn("note: the tokenizer has 1000 tokens, the model 512", result.stderr.decode())
        self.assertNotIn(b"note", self.expect(0, *self.common()).stderr)

    def test_an_id_beyond_the_model(self):
        vocab = {chr(0x4e00 + i): i for i in range(1000)}
        tokenizer = self.write("tokenizer.json", json.dumps({"model": {"type": "BPE", "vocab": vocab, "merges": []}}))
        text = self.write("text.txt", chr(0x4e00 + 700) * 3)
        error = self.expect(1, STORIES, "--tokenizer", tokenizer, "--text", text).stderr.decode()
        self.assertIn("token id 700", error.splitlines()[-1])

    def test_text_that_is_not_utf8(self):
        for encoding in "utf-16", "utf-16-be":
            with open(self.path("text.txt"), "wb") as file:
                file.write("\ufeffcaf\u00e9".encode(encoding) if encoding == "utf-16-be" else "caf\u00e9".encode(encoding))
            self.fails(self.common(self.path("text.txt")), "UTF-16", "iconv")
        with gzip.open(self.path("text.gz"), "wb") as file:
            file.write(b"Once upon a time")
        self.fails(self.common(self.path("text.gz")), "compressed", "gunzip")
        with open(self.path("text.txt"), "wb") as file:
            file.write("Once upon a caf\u00e9 in Paris".encode("latin-1"))
        error = self.expect(0, *self.common(self.path("text.txt"))).stderr.decode()
        self.assertIn("not UTF-8 from byte 15 on (1 stray bytes", error)

    def test_no_room_for_states(self):
        limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))  # noqa: E731
        result = subprocess.run(self.command(*self.common(), "--dump-states", self.path("states")), capture_output=True,
                                preexec_fn=limit, timeout=120)
        self.assertEqual(result.returncode, 1)
        self.assertIn("File too large", result.stderr.decode())
        self.assertEqual([name for name in os.listdir(self.folder) if "states" in name], [])


class Output(LayersTest):
    def test_help(self):
        text = self.expect(0, "--help").stdout.decode()
        for option in ("text tokenizer context stride max-tokens variant sample dump-states json plot threads quiet "
                       "help version").split():
            self.assertIn(f"--{option}", text)
        self.assertLessEqual(max(map(len, text.splitlines())), 80)
        self.assertIn("MODEL... --text FILE", text)
        self.assertRegex(self.expect(0, "--version").stdout, rb"^neck-layers \d+\.\d+\.\d+\n")

    def test_table(self):
        result = self.expect(0, *self.common())
        self.assertEqual(result.stderr, b"")
        text = result.stdout.decode()
        for fragment in ("llama2.c, 5 blocks of width 64", "1089 tokens predicted in 3 documents", "nats per token",
                         "bits per byte", "word perplexity", "top-1 accuracy", "embedding", "after final norm"):
            self.assertIn(fragment, text)
        rows = [line.split() for line in text.splitlines() if re.match(r" +\d+ +\d\.\d{3} ", line)]
        self.assertEqual([row[0] for row in rows], list("012345"))
        self.assertFalse(re.search(r" +$", text, re.M), "blanks at the end of a line")

    def test_a_folder_of_checkpoints_goes_in_order_of_step(self):
        for step in 1000, 20, 300:
            shutil.copy(STORIES, self.path(f"step_{step}.bin"))
        rows = self.rows(self.folder, "--tokenizer", TOKENIZER, "--text", TEXT, "--max-tokens", "50")
        self.assertEqual([row["step"] for row in rows], [20, 300, 1000])

    @WITH_GNUPLOT
    def test_figures(self):
        os.mkdir(self.path("run"))
        for step in 100, 200:
            shutil.copy(STORIES, self.path(f"run/step_{step}.bin"))
        few = "--tokenizer", TOKENIZER, "--text", TEXT, "--max-tokens", "50", "--quiet"
        self.expect(0, self.path("run"), *few, "--plot", self.path("it's here.svg"))
        drawn = {"it's here.svg": "relative depth", "it's here-loss.svg": "anisotropy of the last layer"}
        for name, words in drawn.items():
            self.assertIn(words, "".join(xml.parse(self.path(name)).getroot().itertext()))
        self.expect(0, STORIES, self.path("run/step_100.bin"), *few, "--plot", self.path("two.svg"))
        text = "".join(xml.parse(self.path("two.svg")).getroot().itertext())
        self.assertIn("stories260K.bin", text)
        self.assertFalse(os.path.exists(self.path("two-loss.svg")))
        self.expect(0, STORIES, *few, "--plot", self.path("one.png"))
        with open(self.path("one.png"), "rb") as file:
            self.assertEqual(file.read(8), b"\x89PNG\r\n\x1a\n")

    def test_interruption_tells_what_there_is(self):
        line = stories(1)[0].replace("\n", " ")
        text = self.write("long.txt", (line + "\n") * 4000)  # a minute of work
        shown, other = terminal()
        self.addCleanup(os.close, shown)
        with open(self.path("out"), "wb") as out:
            tool = self.start(*self.common(text), "--context", "256", "--json", "--threads", "1", stdout=out,
                              stderr=other)
        os.close(other)
        self.until_shown(rb"evaluate [^\r\n]* [1-9][0-9]* %", shown)
        self.interrupt(tool)
        self.until_shown(b"interrupted", shown)
        with open(self.path("out")) as out:
            (row,) = [json.loads(line) for line in out]
        self.assertTrue(row["interrupted"])
        self.assertGreater(row["tokens"], 0)
        self.assertTrue(all(layer["rows"] >= row["tokens"] for layer in row["layers"]))


class Refusals(LayersTest):
    def test_wrong_usage(self):
        text = "--text", TEXT
        self.refuses({
            text: "no MODEL",
            (STORIES,): "--text",
            (STORIES, "--text"): "--text needs FILE",
            (STORIES, *text, "--context", "0"): "--context",
            (STORIES, *text, "--context", "8", "--stride", "9"): "--stride 9 is longer",
            (STORIES, *text, "--variant", "drop_top"): "drop_top",
            (STORIES, *text, "--sample", "1"): "--sample",
            (STORIES, *text, "--plot", "figure.pdf"): "figure.pdf",
            (STORIES, STORIES, *text, "--dump-states", "x"): "one MODEL",
            (STORIES, *text, "--nonsense"): "--nonsense",
        })

    def test_failures_are_one_line(self):
        text = "--text", TEXT
        tokenizer = "--tokenizer", TOKENIZER
        self.fails((self.path("nowhere"), *tokenizer, *text), "nowhere", "No such file")
        self.fails((STORIES, *tokenizer, "--text", self.path("none.txt")), "none.txt", "No such file")
        self.fails((STORIES, "--tokenizer", self.path("none.json"), *text), "none.json")
        self.fails((STORIES, *tokenizer, "--text", self.write("bad.jsonl", '{"text": 1}\n')), "bad.jsonl", '"text"')
        self.fails((STORIES, *tokenizer, "--text", self.write("worse.jsonl", '{"text": "a"}\n{\n')), "line 2")
        self.fails((STORIES, *tokenizer, "--text", self.write("empty.txt", "")), "the text is empty")
        self.fails((STORIES, *tokenizer, *text, "--dump-states", self.path("no/where")), "no/where")
        self.fails((self.write("garbage.bin", "garbage " * 99), *tokenizer, *text), "garbage.bin")

    def test_the_rest_goes_on(self):
        result = self.expect(1, self.path("nowhere"), *self.common(), "--json")
        self.assertEqual(len(result.stdout.splitlines()), 1)


if __name__ == "__main__":
    unittest.main()
