"""What the tests of the tools that read text share."""
import json
import os
import shutil
import subprocess
import tempfile
import unittest

SOURCE = os.path.abspath(os.environ.get("SOFTNECK_SOURCE_DIR", "."))
BUILD = os.path.join(SOURCE, os.environ.get("BUILD", "build"))
DATA = os.path.join(SOURCE, "examples", "data")
STORIES = os.path.join(DATA, "stories260K", "stories260K.bin")
TOKENIZER = os.path.join(DATA, "stories260K", "tok512.bin")
TEXT = os.path.join(DATA, "text", "tinystories-100.jsonl")


def stories(count):
    with open(TEXT, encoding="utf-8") as file:
        return [json.loads(next(file))["text"] for _ in range(count)]


class ToolTest(unittest.TestCase):
    name = ""  # of the tool

    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        return self.path(name)

    def write_lines(self, name, items):
        return self.write(name, "".join(json.dumps(item) + "\n" for item in items))

    def command(self, *arguments):
        return [os.path.join(BUILD, "examples", self.name), *arguments]

    def expect(self, status, *arguments):
        result = subprocess.run(self.command(*arguments), capture_output=True, timeout=120)
        self.assertEqual(result.returncode, status, result.stderr.decode(errors="replace"))
        return result

    def rows(self, *arguments):
        return [json.loads(line) for line in self.expect(0, "--json", *arguments).stdout.splitlines()]

    def refuses(self, cases):
        """arguments -> what the one line on standard error says; status 2 and a hint."""
        for arguments, fragment in cases.items():
            with self.subTest(arguments):
                result = self.expect(2, *arguments)
                self.assertEqual(result.stdout, b"")
                message, hint = result.stderr.decode().splitlines()
                self.assertTrue(message.startswith(f"{self.name}: "))
                self.assertIn(fragment, message)
                self.assertEqual(hint, f"Try '{self.name} --help'.")

    def fails(self, arguments, *fragments):
        """Status 1 and one line."""
        (line,) = self.expect(1, *arguments).stderr.decode().splitlines()
        for fragment in fragments:
            self.assertIn(fragment, line)
