#!/usr/bin/env python3
"""The API reference, made from the public headers: what they say is what it says.

    python3 docs/reference.py OUT

Leaves OUT/html (index.html and one page a header, no script, nothing from the network) and OUT/man/man3 (a page a header,
and for each function a name that leads there).
"""
import html
import os
import re
import sys

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
UMBRELLAS = ["softneck.h", "softneck-mpi.h"]
STYLE = """:root{color-scheme:light dark}body{max-width:60rem;margin:2rem auto;padding:0 1rem;font:1rem/1.5 system-ui,sans-serif}
pre{white-space:pre-wrap;overflow-wrap:anywhere;font:.85rem/1.5 ui-monospace,monospace}
pre.code{background:color-mix(in srgb,currentColor 8%,transparent);padding:.6rem .8rem;border-radius:.4rem}
td{vertical-align:top;padding:.15rem .8rem .15rem 0}td:first-child{font-family:ui-monospace,monospace;font-size:.85rem}
h2{margin-top:2.5rem}a{text-decoration:none}a:hover{text-decoration:underline}:target{outline:2px solid;outline-offset:.3rem}"""


class Block:
    """A comment and the declarations below it; either may be empty. A section has a title alone."""

    def __init__(self, comment="", code="", section=""):
        self.comment, self.code, self.section = comment, code, section
        self.functions = re.findall(r"\b(neck_\w+)\(", re.sub(r"/\*.*?\*/", "", code, flags=re.S)) if "NECK_API" in code else []

    def names(self):
        """Everything this block declares that text elsewhere may mean."""
        bare = re.sub(r"/\*.*?\*/", "", self.code, flags=re.S)
        types = re.findall(r"}\s*(neck_\w+);|typedef struct \w+ (neck_\w+);|\(\*(neck_\w+)\)", bare)
        constants = re.findall(r"^\s*(NECK_\w+)\b(?= *[=,])|#define (NECK_\w+)", bare, flags=re.M)
        return self.functions + [name for found in types + constants for name in found if name]


class Page:
    """A header."""

    def __init__(self, path):
        self.folder, file_name = os.path.split(os.path.relpath(path, os.path.join(ROOT, "include")))
        self.header = os.path.splitext(file_name)[0]
        self.name = self.header if self.folder == "softneck" else f"{self.folder.split('-')[1]}_{self.header}"
        with open(path, encoding="utf-8") as file:
            text = file.read()
        first, text = re.match(r"/\*(.*?)\*/(.*)", text, flags=re.S).groups()
        self.intro = plain(first).split(" - ", 1)[1]
        self.blocks = list(blocks(without_guards(text)))


def plain(comment):
    """A comment's text, without the stars at the left."""
    lines = [re.sub(r"^ \* ?", "", line) for line in comment.split("\n")]
    return "\n".join(line.rstrip() for line in lines).strip()


def without_guards(text):
    text = re.sub(r'#ifdef __cplusplus\n.*?#endif\n', "", text, flags=re.S)
    return re.sub(r'^#(ifndef|define) SOFTNECK_\w+\n|^#include .*\n|\n#endif\s*$', "", text, flags=re.M)


def blocks(text):
    """Comments at the left margin begin one; so does an empty line after code."""
    comment, code = "", []
    position = 0
    while position < len(text):
        found = re.compile(r"/\*(.*?)\*/[ ]*\n", re.S).match(text, position)
        if found:
            if comment or code:
                yield Block(comment, "\n".join(code))
            comment, code = plain(found.group(1)), []
            section = re.fullmatch(r"-+ (.*?) -+", comment)
            if section:
                yield Block(section=section.group(1))
                comment = ""
            position = found.end()
            continue
        end = text.find("\n", position)
        end = len(text) if end < 0 else end
        line = text[position:end].rstrip()
        if line:
            code.append(line)
        elif code and balanced(code):
            yield Block(comment, "\n".join(code))
            comment, code = "", []
        position = end + 1
    if comment or code:
        yield Block(comment, "\n".join(code))


def balanced(code):
    """Not within a struct or a macro that goes on."""
    joined = "\n".join(code)
    return joined.count("{") == joined.count("}") and not joined.endswith("\\")


SENTENCE_END = r"(?:(?<!e\.g)(?<!i\.e)[.:;](?!\.)\s|\.$|\n\n|$)"


def summary(block, name):
    """What a comment says of a function: the sentence after its name, or the entry of a list that its last word begins."""
    found = re.search(r"(?:^|\n)[^\n]*\b" + name + r"\b[^\n]*? - (.*?)" + SENTENCE_END, block.comment, re.S)
    if not found:
        last = re.escape(name.rsplit("_", 1)[1] if name.count("_") < 3 else name.split("_", 2)[2])
        found = re.search(r"(?:\n |  )" + last + r"\b[ :,]+(\S.*?)(?:\s{3}|\n|$)", block.comment)
    if found:
        return " ".join(found.group(1).split())
    return "releases it; NULL is allowed" if name.endswith("_destroy") else ""


# ---- HTML --------------------------------------------------------------------------------------------------------

def linked(text, where, here):
    """Escaped, with names that are declared somewhere as links there."""
    def link(found):
        name = found.group(0)
        return f'<a href="{where[name]}.html#{name}">{name}</a>' if name in where and name != here else name
    return re.sub(r"\b(?:neck|NECK)_\w+", link, html.escape(text, quote=False))


def document(title, body):
    return (f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
            f'<meta name="viewport" content="width=device-width,initial-scale=1"><style>{STYLE}</style></head>\n'
            f"<body>\n{body}</body></html>\n")


def html_page(page, where):
    parts = [f'<p><a href="index.html">softneck</a></p>\n<h1>{page.folder}/{page.header}.h</h1>\n<pre>{linked(page.intro, where, "")}</pre>\n']
    for block in page.blocks:
        if block.section:
            parts.append(f"<h2>{html.escape(block.section)}</h2>\n")
            continue
        parts.append("<section>" + "".join(f'<a id="{name}"></a>' for name in dict.fromkeys(block.names())) + "\n")
        if block.comment:
            parts.append(f"<pre>{linked(block.comment, where, '')}</pre>\n")
        if block.code:
            parts.append(f'<pre class="code">{linked(block.code, where, "")}</pre>\n')
        parts.append("</section>\n")
    return document(f"{page.folder}/{page.header}.h", "".join(parts))


def html_index(pages, intro):
    parts = [f"<h1>softneck</h1>\n<pre>{html.escape(intro, quote=False)}</pre>\n"]
    for page in pages:
        parts.append(f'<h2><a href="{page.name}.html">{page.name}</a></h2>\n<table>\n')
        for block in page.blocks:
            parts += [f'<tr><td><a href="{page.name}.html#{name}">{name}</a></td>'
                      f"<td>{html.escape(summary(block, name), quote=False)}</td></tr>\n" for name in block.functions]
        parts.append("</table>\n")
    return document("softneck: API reference", "".join(parts))


# ---- man ---------------------------------------------------------------------------------------------------------

def roff(text):
    """Literal lines: nothing at their beginning is a request."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga").replace("^", "\\(ha")
    text = text.replace("~", "\\(ti")
    return "\n".join("\\&" + line if line.startswith((".", "\\(aq")) else line for line in text.split("\n"))


def man_page(page, version):
    title = f"softneck_{page.name}"
    summary = " ".join(page.intro.split("\n\n")[0].split())
    parts = [f'.TH {title.upper()} 3 "" "softneck {version}" "softneck"\n.SH NAME\n{title} \\- {roff(summary)}\n',
             f".SH SYNOPSIS\n.nf\n.B #include <{roff(page.folder)}.h>\n.fi\n.PP\n"
             f"cc $(pkg\\-config \\-\\-cflags \\-\\-libs {roff(page.folder)})\n",
             ".SH DESCRIPTION\n"]
    for block in page.blocks:
        if block.section:
            parts.append(f".SH {roff(block.section.upper())}\n")
            continue
        if block.comment:
            parts.append(f".PP\n.nf\n{roff(block.comment)}\n.fi\n")
        if block.code:
            parts.append(f".PP\n.nf\n.RS 4\n{roff(block.code)}\n.RE\n.fi\n")
    return "".join(parts)


# ---- all of it -----------------------------------------------------------------------------------------------------

def version():
    with open(os.path.join(ROOT, "include", "softneck", "version.h"), encoding="utf-8") as file:
        found = dict(re.findall(r"#define NECK_VERSION_(MAJOR|MINOR|PATCH) (\d+)", file.read()))
    return ".".join(found[part] for part in ("MAJOR", "MINOR", "PATCH"))


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def write(folder, name, text):
    with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
        file.write(text)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__.strip())
    pages_html, pages_man = os.path.join(sys.argv[1], "html"), os.path.join(sys.argv[1], "man", "man3")
    os.makedirs(pages_html, exist_ok=True)
    os.makedirs(pages_man, exist_ok=True)
    umbrellas = [read(os.path.join(ROOT, "include", name)) for name in UMBRELLAS]
    intro = plain(re.match(r"/\*(.*?)\*/", umbrellas[0], flags=re.S).group(1)).split(" - ", 1)[1]
    pages = [Page(os.path.join(ROOT, "include", name)) for umbrella in umbrellas
             for name in re.findall(r'#include "(softneck(?:-mpi)?/.*?)"', umbrella)]
    where = {name: page.name for page in pages for block in page.blocks for name in block.names()}
    write(pages_html, "index.html", html_index(pages, intro))
    for page in pages:
        write(pages_html, f"{page.name}.html", html_page(page, where))
        write(pages_man, f"softneck_{page.name}.3", man_page(page, version()))
        for name in (name for block in page.blocks for name in block.functions):
            write(pages_man, f"{name}.3", f".so man3/softneck_{page.name}.3\n")


if __name__ == "__main__":
    main()
