"""tests/check/readme.py - what README.md shows works as written.

Every ```c block is a whole program: compiled against the library and run. Every ```python block runs with the package
of the source tree. Of a ```sh block, the lines that call make are checked for targets that exist, git, cd, sudo
and pip are skipped, everything else runs in the root of the tree with build/examples on the PATH. Links to files of the tree
must lead somewhere. Environment: BUILD, CC, MAKE, PYTHON.
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


def run(command, where="."):
    environment = dict(os.environ, PATH=f"{BUILD}/examples:{os.environ['PATH']}", PYTHONPATH=os.path.abspath("lib/python"),
                       SOFTNECK_LIBRARY=str(BUILD / "lib/libsoftneck.so"), LD_LIBRARY_PATH=str(BUILD / "lib"))
    done = subprocess.run(command, cwd=where, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return "" if done.returncode == 0 else f"exit status {done.returncode}:\n{done.stdout}"


def try_c(code, work):
    source, program = work / "readme.c", work / "readme"
    source.write_text(code)
    command = [os.environ.get("CC", "cc"), "-std=c11", "-Wall", "-Wextra", "-Werror", "-Iinclude", str(source),
               "-o", str(program), f"-L{BUILD}/lib", "-lsoftneck", "-lm"]
    return run(command) or run([str(program)])


def try_python(code, work):
    script = work / "readme_example.py"
    script.write_text(code)
    return run([os.environ.get("PYTHON", sys.executable), str(script)])


def try_sh(code, work):
    lines = [re.sub(r"^\$ ", "", line) for line in code.splitlines()]
    kept = []
    for line in lines:
        word = line.split("#")[0].split()
        if word[:1] == ["make"]:
            for target in (w for w in word[1:] if "=" not in w):
                if run([os.environ.get("MAKE", "make"), "-n", target, f"BUILD={BUILD}"]):
                    return f"make {target}: no such target"
        elif word[:1] not in (["cd"], ["git"], ["sudo"]) and "pip" not in word:
            kept.append(line)
    return run(["sh", "-e", "-c", "\n".join(kept)])


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
        for language, code in blocks:
            complaint = RUNNERS[language](code, pathlib.Path(folder))
            if complaint:
                failures.append(f"this {language} example fails:\n{code}\n{complaint}")
    print("\n".join(failures) or f"{len(blocks)} examples run")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
