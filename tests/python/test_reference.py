"""The API reference: every public function has its place in it, every link leads somewhere, nothing comes from elsewhere."""
import glob
import html.parser
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.abspath(os.environ.get("SOFTNECK_SOURCE_DIR", os.path.join(os.path.dirname(__file__), "..", "..")))


class Page(html.parser.HTMLParser):
    def __init__(self, path):
        super().__init__()
        self.links, self.anchors, self.open, self.text = [], [], [], ""
        with open(path, encoding="utf-8") as file:
            self.feed(file.read())

    def handle_starttag(self, tag, attrs):
        if tag not in ("meta", "link", "img"):
            self.open.append(tag)
        for name, value in attrs:
            if name in ("href", "src"):
                self.links.append(value)
            if name == "id":
                self.anchors.append(value)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, f"</{tag}> closes something else"

    def handle_data(self, data):
        self.text += data


class Reference(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.out = tempfile.mkdtemp()
        cls.addClassCleanup(shutil.rmtree, cls.out)
        subprocess.run([sys.executable, os.path.join(ROOT, "docs", "reference.py"), cls.out], check=True)
        cls.pages = {os.path.basename(path): Page(path) for path in glob.glob(os.path.join(cls.out, "html", "*.html"))}
        cls.functions = set()
        for path in glob.glob(os.path.join(ROOT, "include", "softneck", "*.h")):
            with open(path, encoding="utf-8") as file:
                code = re.sub(r"/\*.*?\*/", "", file.read(), flags=re.S)
            cls.functions |= set(re.findall(r"NECK_API[^;]*?\b(neck_\w+)\(", code))

    def test_every_function_once(self):
        anchors = [name for page in self.pages.values() for name in page.anchors if name in self.functions]
        self.assertGreater(len(self.functions), 200)
        self.assertEqual(sorted(anchors), sorted(self.functions))

    def test_pages_are_whole(self):
        for name, page in self.pages.items():
            self.assertEqual(page.open, [], name)
            self.assertEqual(len(page.anchors), len(set(page.anchors)), name)

    def test_links_lead_somewhere(self):
        for name, page in self.pages.items():
            for link in page.links:
                target, _, anchor = link.partition("#")
                self.assertIn(target, self.pages, name)
                if anchor:
                    self.assertIn(anchor, self.pages[target].anchors, f"{name}: {link}")

    def test_no_comment_is_lost(self):
        """A word of a header's comments stands on its page."""
        for path in glob.glob(os.path.join(ROOT, "include", "softneck", "*.h")):
            page = os.path.basename(path)[:-2] + ".html"
            if page not in self.pages:
                continue
            with open(path, encoding="utf-8") as file:
                comments = " ".join(re.findall(r"/\*(.*?)\*/", file.read(), flags=re.S))
            words = set(re.findall(r"[A-Za-z]{4,}", comments)) - {"softneck"}
            self.assertEqual(words - set(re.findall(r"[A-Za-z]+", self.pages[page].text)), set(), page)

    def test_man_pages(self):
        folder = os.path.join(self.out, "man", "man3")
        for name in self.functions:
            with open(os.path.join(folder, name + ".3"), encoding="utf-8") as file:
                self.assertTrue(os.path.exists(os.path.join(self.out, "man", file.read().split()[1])), name)
        if not shutil.which("groff"):
            self.skipTest("no groff to read them with")
        for path in glob.glob(os.path.join(folder, "softneck_*.3")):
            done = subprocess.run(["groff", "-ww", "-man", "-Tutf8", "-P-cbou", path], capture_output=True, text=True, check=True)
            self.assertEqual(done.stderr, "", path)
            self.assertIn("NAME", done.stdout, path)


if __name__ == "__main__":
    unittest.main()
