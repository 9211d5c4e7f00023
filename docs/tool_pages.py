#!/usr/bin/env python3
"""Man pages of the tools, made from what they print for --help.

    python3 docs/tool_pages.py OUT TOOL...

Leaves OUT/man/man1/TOOL.1 for each TOOL, the path of a program that was built.
"""
import os
import re
import subprocess
import sys

from reference import roff, version, write

OPTION = re.compile(r" {2}(-\S.*?)(?: {2,}(\S.*))?$")


def help_of(tool):
    return subprocess.run([tool, "--help"], check=True, capture_output=True, text=True).stdout.rstrip()


def parts(text):
    """Usage lines, the description below them, and sections as (title, lines)."""
    head, *rest = re.split(r"\n\n(?=[A-Z][\w ]*:)", text)
    usage = [head.split("\n")[0]]
    sections = []
    for part in rest:
        title, below = part.split(":", 1)
        sections.append((title, below.strip("\n").split("\n")))
    return usage[0].split(":", 1)[1].strip(), head.split("\n")[1:], sections


def options(lines):
    """One tagged paragraph an option; what it says may go on below it."""
    out = []
    for line in lines:
        found = OPTION.match(line)
        if found:
            out.append(f".TP\n.B {roff(found.group(1))}")
            line = found.group(2) or ""
        if line.strip():
            out.append(roff(line.strip()))
    return "\n".join(out) + "\n"


def literal(lines):
    return ".nf\n" + "\n".join(roff(line) for line in lines) + "\n.fi\n"


def section(title, lines):
    if any(OPTION.match(line) for line in lines):
        body = options(lines)
    elif any(line.startswith(" ") for line in lines):
        body = literal(lines)
    else:
        body = roff("\n".join(line.strip() for line in lines)) + "\n"
    return f".SH {roff(title.upper())}\n{body}"


def tool_page(name, text, others):
    usage, description, sections = parts(text)
    about = " ".join(line.strip() for line in description if line.strip())
    summary = re.match(r"(.*?[.:?])(?:\s|$)", about + ".").group(1).rstrip(".:")
    out = [f'.TH {name.upper()} 1 "" "softneck {version()}" "softneck"\n.SH NAME\n{name} \\- {roff(summary)}\n',
           f".SH SYNOPSIS\n.B {roff(name)}\n{roff(usage.removeprefix(name).strip())}\n",
           f".SH DESCRIPTION\n{roff(about)}\n"]
    out += [section(title, lines) for title, lines in sections]
    out.append(".SH SEE ALSO\n" + ",\n".join(f".BR {other} (1)" for other in others if other != name) + "\n")
    return "".join(out)


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__.strip())
    folder = os.path.join(sys.argv[1], "man", "man1")
    os.makedirs(folder, exist_ok=True)
    names = sorted(os.path.basename(tool) for tool in sys.argv[2:])
    for tool in sys.argv[2:]:
        name = os.path.basename(tool)
        write(folder, f"{name}.1", tool_page(name, help_of(tool), names))


if __name__ == "__main__":
    main()
