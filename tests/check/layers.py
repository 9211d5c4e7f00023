"""tests/check/layers.py - lib/ is built as lib/LAYERS says. Prints each fault; exit status 1 when there is one.

  * a file includes headers of its own layer, of the layers listed for it and of the system only
  * BLAS, LAPACK and vector intrinsics are named in one place each
  * file names are unique in lib/, and lib/README.md says each file in one line
"""

import pathlib
import re
import sys

LIB = pathlib.Path("lib")

# What only some files may name: pattern, where it is at home.
DOORS = [
    (re.compile(r"\bcblas_|[<\"]cblas\.h|\bopenblas_"), {"linalg/blas.c"}, "BLAS"),
    (re.compile(r"\bLAPACKE?_[a-z]|[<\"]lapacke?\.h"), {"linalg/lapack.c"}, "LAPACK"),
    (re.compile(r"[<\"]\w*(mmintrin|immintrin|arm_neon|arm_sve)\.h|\b__builtin_cpu_supports|\btarget\s*\(\s*\""),
     {"kernels/"}, "an instruction set"),
]
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)


def read_layers():
    """{layer: the layers it may include}, in the order of lib/LAYERS."""
    layers = {}
    for line in (LIB / "LAYERS").read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            name, allowed = line.split(":")
            layers[name] = allowed.split()
    return layers


def layers_above(layers):
    """Layers are listed from the ground up, so an arrow to a later line runs up."""
    order = {name: i for i, name in enumerate(layers)}
    for name, allowed in layers.items():
        for other in allowed:
            if other != "public" and order.get(other, len(order)) >= order[name]:
                yield f"lib/LAYERS: {name} may not stand on {other}, which is not below it"


def wrong_includes(path, text, layer, layers):
    for kind, header in INCLUDE.findall(text):
        if kind == "<":
            if header.startswith("softneck"):
                yield f'{path}: write "{header}", not <{header}>'
            continue
        first = header.split("/")[0]
        if "/" not in header and (path.parent / header).exists():
            yield f'{path}: write "{layer}/{header}"'
        elif first in ("softneck", "softneck-mpi") or header == "softneck.h":
            if "public" not in layers[layer] or (first == "softneck-mpi" and layer != "mpi"):
                yield f"{path}: layer {layer} may not include the public header {header}"
        elif first not in layers:
            yield f"{path}: {header} is in no layer"
        elif first != layer and first not in layers[layer]:
            yield f"{path}: layer {layer} may not include {header}"
        elif not (LIB / header).exists():
            yield f"{path}: {header} does not exist"


def strangers(path, text):
    inside = path.relative_to(LIB).as_posix()
    code = COMMENT.sub("", text)
    for pattern, homes, what in DOORS:
        if not any(inside == home or (home.endswith("/") and inside.startswith(home)) for home in homes):
            found = pattern.search(code)
            if found:
                yield f"{path}: names {what} ({found.group(0)}), which belongs to lib/{' '.join(sorted(homes))}"


def faults():
    layers = read_layers()
    yield from layers_above(layers)
    readme = LIB / "README.md"
    described = readme.read_text() if readme.exists() else ""
    seen = {}
    for path in sorted(p for p in LIB.rglob("*") if p.suffix in (".c", ".h")):
        layer = path.relative_to(LIB).parts[0]
        if layer not in layers:
            yield f"{path}: {layer} is not a layer of lib/LAYERS"
            continue
        if path.name in seen:
            yield f"{path}: the name is taken by {seen[path.name]}"
        seen[path.name] = path
        text = path.read_text()
        yield from wrong_includes(path, text, layer, layers)
        yield from strangers(path, text)
        # x.c and x.h share one line of the map, `x` or `x.c`.
        if not re.search(rf"`{re.escape(path.stem)}(\.[ch])?`", described):
            yield f"{path}: lib/README.md does not say what it is"
    for name in re.findall(r"^- `([a-z0-9_]+)(?:\.[ch])?`", described, re.MULTILINE):
        if f"{name}.c" not in seen and f"{name}.h" not in seen:
            yield f"lib/README.md: there is no {name}.c or {name}.h"


def main():
    found = list(faults())
    print("\n".join(found) or "lib/ is built as lib/LAYERS says")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
