"""neck-tokenize from the outside: what it learns and writes, against Hugging Face tokenizers and the documented layout."""
import json
import os
import signal
import struct
import subprocess
import sys
import unittest
import zlib

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from running import LIMIT, SOURCE, TEXT, TOKENIZER, ToolTest, stories  # noqa: E402

try:
    from tokenizers import Tokenizer
except ImportError:
    Tokenizer = None


def golden():
    with open(os.path.join(SOURCE, "tests", "golden", "bpe.json"), encoding="utf-8") as file:
        return json.load(file)


def read_tokens(path):
    """A token file by its description: header fields, tokens, ends of documents."""
    with open(path, "rb") as file:
        data = file.read()
    magic, version, width, hash_, vocab_size, count, documents, zero, _ = struct.unpack_from("<8sIIQQQQQQ", data)
    assert (magic, version, zero) == (b"NECKTOKS", 1, 0)
    end = 64 + count * width
    tokens = struct.unpack_from(f"<{count}{'H' if width == 2 else 'I'}", data, 64)
    ends = struct.unpack_from(f"<{documents}Q", data, end + -end % 8)
    assert len(data) == end + -end % 8 + 8 * documents
    return {"width": width, "hash": f"{hash_:016x}", "vocab_size": vocab_size}, list(tokens), list(ends)


class TokenizeTest(ToolTest):
    name = "neck-tokenize"

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8", newline="") as file:
            file.write(text)
        return self.path(name)

    def trained(self, size=600):
        """A tokenizer of the stories."""
        path = self.path("tokenizer.json")
        if not os.path.exists(path):
            self.expect(0, "--train", "--vocab-size", str(size), TEXT, "-o", path)
        return path


class Training(TokenizeTest):
    def test_learns_what_tokenizers_learns(self):
        for case in golden()["cases"][:10]:
            with self.subTest(case["name"]):
                text = self.write_lines("texts.jsonl", [{"text": text} for text in case["texts"]])
                arguments = ["--split", case["split"], "--vocab-size", str(case["vocab_size"])]
                if case["min_frequency"]:
                    arguments += ["--min-frequency", str(case["min_frequency"])]
                if not case["special_tokens"]:
                    continue  # the tool always has one
                for token in case["special_tokens"]:
                    arguments += ["--special", token]
                out = self.path("out.json")
                (row,) = self.rows("--train", *arguments, text, "-o", out)
                with open(out, "rb") as file:
                    saved = file.read()
                self.assertEqual((len(saved), zlib.crc32(saved)), (case["size"], case["crc32"]))
                self.assertEqual((row["path"], row["vocab_size"], row["split"], row["documents"]),
                                 (out, case["tokens"], case["split"], len(case["texts"])))
                self.assertEqual(row["bytes"], sum(len(text.encode()) for text in case["texts"]))

    def test_special_tokens_take_the_first_numbers(self):
        path = self.path("t.json")
        self.expect(0, "--train", "--vocab-size", "300", "--special", "<a>", "--special", "<b>", TEXT, "-o", path)
        with open(path, encoding="utf-8") as file:
            made = json.load(file)
        self.assertEqual([(token["id"], token["content"]) for token in made["added_tokens"]], [(0, "<a>"), (1, "<b>")])
        self.assertEqual(len(made["model"]["vocab"]), 300)

    def test_tells_when_pairs_run_out(self):
        path = self.path("t.json")
        result = self.expect(0, "--train", "--vocab-size", "1000", self.write("a.txt", "abab"), "-o", path)
        self.assertIn(b"no more than 259 tokens", result.stderr)
        self.assertIn(b"259 tokens, learned from 4 bytes in 1 document\n", result.stdout)

    def test_threads_change_nothing(self):
        made = []
        for threads in "1", "3":
            self.expect(0, "--train", "--vocab-size", "900", "--threads", threads, TEXT, "-o", self.path("t.json"))
            with open(self.path("t.json"), "rb") as file:
                made.append(file.read())
        self.assertEqual(*made)


class TokenFiles(TokenizeTest):
    def test_a_file_holds_documents_and_their_ends(self):
        tokenizer, out = self.trained(), self.path("tokens.bin")
        (row,) = self.rows("--tokenizer", tokenizer, TEXT, "-o", out)
        header, tokens, ends = read_tokens(out)
        shown = self.rows("--tokenizer", tokenizer, "--show", TEXT)
        expected, expected_ends = [], []
        for document in shown:
            expected += document["ids"] + [0]
            expected_ends.append(len(expected))
        self.assertEqual((tokens, ends), (expected, expected_ends))
        self.assertEqual(header, {"width": 2, "hash": row["tokenizer_hash"], "vocab_size": 600})
        self.assertEqual((row["tokens"], row["documents"]), (len(tokens), 100))
        self.assertAlmostEqual(row["bytes_per_token"], row["bytes"] / row["tokens"])

    def test_the_hash_is_of_the_vocabulary(self):
        tokenizer = self.trained()
        (row,) = self.rows("--tokenizer", tokenizer, TEXT, "-o", self.path("tokens.bin"))
        with open(tokenizer, encoding="utf-8") as file:
            vocabulary = json.load(file)["model"]["vocab"]
        value = 0xCBF29CE484222325
        for spelling in sorted(vocabulary, key=vocabulary.get):
            spelled = spelling.encode()
            for byte in struct.pack("<I", len(spelled)) + spelled:
                value = (value ^ byte) * 0x100000001B3 % 2**64
        self.assertEqual(row["tokenizer_hash"], f"{value:016x}")

    def test_without_end_tokens(self):
        out = self.path("tokens.bin")
        self.expect(0, "--tokenizer", self.trained(), "--no-end", TEXT, "-o", out)
        self.assertNotIn(0, read_tokens(out)[1])

    def test_large_vocabularies_take_four_bytes(self):
        tokenizer = self.trained()
        with open(tokenizer, encoding="utf-8") as file:
            made = json.load(file)
        made["added_tokens"].append({**made["added_tokens"][0], "id": 65536, "content": "<far>"})
        large = self.write("large.json", json.dumps(made))
        self.expect(0, "--tokenizer", large, self.write("a.txt", "a<far>b"), "-o", self.path("tokens.bin"))
        header, tokens, _ = read_tokens(self.path("tokens.bin"))
        self.assertEqual((header["width"], header["vocab_size"], tokens[1]), (4, 65537, 65536))

    def test_decodes_to_the_same_bytes(self):
        text = self.path("a.txt")
        with open(text, "wb") as file:
            file.write("na\u00efve \u4f60\u597d\r\n\t".encode() + b"\xff\xc3 a\0b " * 3000)
        out = self.path("tokens.bin")
        for tokenizer in self.trained(), TOKENIZER:
            with self.subTest(tokenizer):
                self.expect(0, "--tokenizer", tokenizer, text, TEXT, "-o", out)
                decoded = self.expect(0, "--tokenizer", tokenizer, "--decode", out).stdout
                with open(text, "rb") as file:
                    self.assertEqual(decoded, file.read() + "".join(stories(100)).encode())

    @unittest.skipUnless(Tokenizer, "tokenizers is not installed")
    def test_tokenizers_reads_what_is_written(self):
        out = self.path("tokens.bin")
        for split in "gpt2", "llama3", "qwen2", "none":
            path = self.path(f"{split}.json")
            self.expect(0, "--train", "--vocab-size", "500", "--split", split, TEXT, "-o", path)
            self.expect(0, "--tokenizer", path, TEXT, "-o", out)
            theirs = Tokenizer.from_file(path)
            expected = [number for text in stories(100) for number in theirs.encode(text).ids + [0]]
            self.assertEqual(read_tokens(out)[1], expected)


class Looking(TokenizeTest):
    def test_counts(self):
        tokenizer, other = self.trained(), self.write("b.txt", "the end")
        first, second = self.rows("--tokenizer", tokenizer, "--count", TEXT, other)
        self.assertEqual((first["documents"], second["documents"], second["bytes"]), (100, 1, 7))
        lines = self.expect(0, "--tokenizer", tokenizer, "--count", TEXT, other).stdout.decode().splitlines()
        self.assertEqual(lines[0].split()[:3], ["documents", "bytes", "tokens"])
        self.assertEqual(lines[-1].split(), ["101", str(first["bytes"] + 7), str(first["tokens"] + second["tokens"]),
                                             f"{(first['bytes'] + 7) / (first['tokens'] + second['tokens']):.3f}", "all"])

    def test_shows(self):
        text = self.write("a.txt", " the the\n\nx<|endoftext|>\0\u4f60")
        shown = self.expect(0, "--tokenizer", self.trained(), "--show", text).stdout.decode()
        self.assertEqual(shown, " the| the|\\n\n\\n\nx|<|endoftext|>|\\0|\\xe4|\\xbd|\\xa0\n")


class Failures(TokenizeTest):
    def test_usage(self):
        self.refuses({
            (): "no FILE given",
            ("a",): "no --tokenizer given",
            ("--train", "a", "-o", "b"): "--train needs --vocab-size",
            ("--train", "--vocab-size", "300", "a"): "no --output given",
            ("--train", "--vocab-size", "255", "a"): "--vocab-size is '255'",
            ("--train", "--vocab-size", "256", "a", "-o", "b"): "at least 256 and 1 for the special tokens",
            ("--train", "--vocab-size", "300", "--special", "x", "--special", "x", "a", "-o", "b"): "given twice",
            ("--train", "--vocab-size", "300", "--tokenizer", "t", "a", "-o", "b"): "--tokenizer is not for it",
            ("--train", "--count", "a"): "exclude each other",
            ("--split", "bert", "a"): "--split is 'bert'",
            ("--tokenizer", "t", "a"): "no --output given",
            ("--tokenizer", "t", "--vocab-size", "300", "a", "-o", "b"): "are for --train",
            ("--tokenizer", "t", "--count", "a", "-o", "b"): "--output is for",
            ("--tokenizer", "t", "--count", "--no-end", "a"): "--no-end is for token files",
            ("--tokenizer", "t", "--decode", "--json", "a"): "--json is not for it",
        })

    def test_files(self):
        tokenizer, out = self.trained(), self.path("out")
        empty, text = self.write("empty.txt", ""), self.write("a.txt", "some text")
        train = ("--train", "--vocab-size", "300")
        self.fails((*train, self.path("none"), "-o", out), "No such file", self.path("none"))
        self.fails((*train, empty, "-o", out), "no text to train", out)
        self.fails((*train, text, "-o", self.path("no/folder")), "cannot create", self.path("no/folder"))
        self.fails(("--tokenizer", tokenizer, empty, "-o", out), "no text to encode")
        self.fails(("--tokenizer", tokenizer, text, self.path("none"), "-o", out), "No such file")
        self.fails(("--tokenizer", self.path("none"), text, "-o", out), "cannot open", "none")
        self.fails(("--tokenizer", tokenizer, "--decode", text), "not a token file", text)
        self.assertFalse(os.path.exists(out))

    def test_tokens_of_another_tokenizer(self):
        out = self.path("tokens.bin")
        self.expect(0, "--tokenizer", self.trained(), TEXT, "-o", out)
        self.fails(("--tokenizer", TOKENIZER, "--decode", out), "another tokenizer", out)

    def test_damaged_tokens(self):
        tokenizer, out = self.trained(), self.path("tokens.bin")
        self.expect(0, "--tokenizer", tokenizer, TEXT, "-o", out)
        with open(out, "r+b") as file:
            file.seek(1000)
            file.write(b"\xff\xff")
        self.fails(("--tokenizer", tokenizer, "--decode", out), "token 468 is 65535", out)

    def test_interrupted(self):
        """A named pipe holds the tool in the middle of its work, so that the signal cannot come too early or too late."""
        pipe, out = self.path("pipe"), self.path("tokens.bin")
        os.mkfifo(pipe)
        command = self.command("--tokenizer", self.trained(), TEXT, pipe, TEXT, "-o", out)
        process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE)
        with open(pipe, "w", encoding="utf-8") as file:  # returns when the tool has opened it
            process.send_signal(signal.SIGINT)
            file.write("some text")
        printed, errors = process.communicate(timeout=LIMIT)
        self.assertEqual((process.returncode, printed, errors), (130, b"", b"neck-tokenize: interrupted\n"))
        self.assertEqual(sorted(os.listdir(self.folder)), ["pipe", "tokenizer.json"])


if __name__ == "__main__":
    unittest.main()
