"""tests/check/readme.py - what README.md shows works as written.

Every ```c block is a whole program: compiled against the library and run. Every ```python block runs with the package
of the source tree. Of a ```sh block, the lines that call make are checked for targets that exist, git, cd, sudo
and pip are skipped, everything else runs with build/examples on the PATH. All run in a folder that looks like the root
of the tree, so that what they write goes to the build folder or away. Links to files of the tree must lead somewhere.
Environment: BUILD, CC, PYTHON.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

BUILD = pathlib.Path(os.environ.get("BUILD", "build")).resolve()
BLOCK = re.compile(r"^```(\w+)[^\n]*\n(.*?)^```", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")


def looks_like_root(folder):
    """Fills folder with links to everything in the tree, `build` leading to the build folder in use."""
    for entry in pathlib.Path.cwd().iterdir():
        if entry.name != "build":
            (folder / entry.name).symlink_to(entry)
    (folder / "build").symlink_to(BUILD)
    return folder


def run(command, where):
    environment = dict(os.environ, PATH=f"{BUILD}/examples:{os.environ['PATH']}", PYTHONPATH=os.path.abspath("lib/python"),
                       SOFTNECK_LIBRARY=str(BUILD / "lib/libsoftneck.so"), LD_LIBRARY_PATH=str(BUILD / "lib"))
    done = subprocess.run(command, cwd=where, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return "" if done.returncode == 0 else f"exit status {done.returncode}:\n{done.stdout}"


def try_c(code, root):
    (root / "readme.c").write_text(code)
    command = [os.environ.get("CC", "cc"), "-std=c11", "-Wall", "-Wextra", "-Werror", "-Iinclude", "readme.c",
               "-o", "readme", f"-L{BUILD}/lib", "-lsoftneck", "-lm"]
    return run(command, root) or run(["./readme"], root)


def try_python(code, root):
    return run([os.environ.get("PYTHON", sys.executable), "-c", code], root)


def try_sh(code, root):
    targets = re.findall(r"^([a-z-]+):", pathlib.Path("Makefile").read_text(), re.MULTILINE)
    kept = []
    for line in code.splitlines():
        line = re.sub(r"^\$ ", "", line)
        words = line.split("#")[0].split()
        if words[:1] == ["make"]:
            unknown = [word for word in words[1:] if "=" not in word and word not in targets]
            if unknown:
                return f"the Makefile has no target {' '.join(unknown)}"
        elif words[:1] not in (["cd"], ["git"], ["sudo"]) and "pip" not in words:
            kept.append(line)
    return run(["sh", "-e", "-c", "\n".join(kept)], root)


RUNNERS = {"c": try_c, "python": try_python, "sh": try_sh, "console": try_sh}


def main():
    readme = pathlib.Path("README.md")
    if not readme.exists():
        print("README.md is missing")
        return 1
    text = readme.read_text()
    blocks = [(language, code) for language, code in BLOCK.findall(text) if language in RUNNERS]
    failures = [f"no ```{language} example" for language in ("c", "python", "sh") if language not in dict(blocks)]
    failures += [f"broken link: {link}" for link in LINK.findall(text) if "://" not in link and not os.path.exists(link)]
    with tempfile.TemporaryDirectory() as folder:
        root = looks_like_root(pathlib.Path(folder))
        for language, code in blocks:
            complaint = RUNNERS[language](code, root)
            if complaint:
                failures.append(f"this {language} example fails:\n{code}\n{complaint}")
    print("\n".join(failures) or f"{len(blocks)} examples run")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
