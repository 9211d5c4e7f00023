"""What the tests of the tools that read text share."""
import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

SOURCE = os.path.abspath(os.environ.get("SOFTNECK_SOURCE_DIR", "."))
BUILD = os.path.join(SOURCE, os.environ.get("BUILD", "build"))
DATA = os.path.join(SOURCE, "examples", "data")
STORIES = os.path.join(DATA, "stories260K", "stories260K.bin")
TOKENIZER = os.path.join(DATA, "stories260K", "tok512.bin")
TEXT = os.path.join(DATA, "text", "tinystories-100.jsonl")
LIMIT = 600  # seconds: only what hangs takes as long, on however busy a machine


def stories(count):
    with open(TEXT, encoding="utf-8") as file:
        return [json.loads(next(file))["text"] for _ in range(count)]


def has_worked(pid, seconds):
    """Whether a process has computed for so many seconds: on a busy machine, too, that tells how far it is."""
    with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
        fields = file.read().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12]) >= seconds * os.sysconf("SC_CLK_TCK")


def terminal():
    """Two ends of a terminal, for bars; of a pipe where there is none: tools print a line every ten seconds."""
    try:
        return pty.openpty()
    except OSError:
        return os.pipe()


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

    def start(self, *arguments, **more):
        more = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, **more}
        process = subprocess.Popen(self.command(*arguments), **more)
        self.addCleanup(self.kill, process)
        return process

    def kill(self, process):
        process.kill()
        process.wait()
        for stream in filter(None, (process.stdout, process.stderr)):
            stream.close()

    def until(self, fact, process):
        """Waits for what stays true once it is, while the process is at work."""
        limit = time.monotonic() + LIMIT
        while not fact():
            self.assertIsNone(process.poll(), "it ended before what was waited for")
            self.assertLess(time.monotonic(), limit)
            time.sleep(0.005)

    def until_shown(self, pattern, end):
        """Reads a terminal until a tool shows the pattern."""
        shown = b""
        while not re.search(pattern, shown):
            self.assertTrue(select.select([end], [], [], LIMIT)[0], shown)
            shown += os.read(end, 4096)
        return shown

    def interrupt(self, process):
        """What it says to a Ctrl-C."""
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=LIMIT)
        self.assertEqual(process.returncode, 130, said)
        return said

    def expect(self, status, *arguments):
        result = subprocess.run(self.command(*arguments), capture_output=True, timeout=LIMIT)
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
