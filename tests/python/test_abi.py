"""The package's picture of C against the headers, the symbol map and a C compiler."""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import subprocess
import unittest

from support import SOURCE, TestCase, softneck
from softneck import _abi, _dtypes, _errors

HEADERS = sorted((SOURCE / "include" / "softneck").glob("*.h"))
SCALARS = {
    "int32_t": ctypes.c_int32,
    "int64_t": ctypes.c_int64,
    "uint64_t": ctypes.c_uint64,
    "size_t": ctypes.c_size_t,
    "double": ctypes.c_double,
    "float": ctypes.c_float,
    "void": None,
    "neck_status": _abi.Status,
}
CALLBACKS = {
    "neck_training_folder_fn": _abi.FOLDER_FN,
    "neck_operator_fn": _abi.OPERATOR_FN,
    "neck_trainable_ready_fn": _abi.READY_FN,
}


def declarations() -> dict[str, tuple[str, list[str]]]:
    """name -> (result, argument types) of every function in the headers."""
    found = {}
    for header in HEADERS:
        source = re.sub(r"/\*.*?\*/", "", header.read_text(), flags=re.S)
        for result, name, arguments in re.findall(r"NECK_API\s+([\w\s]+?[\s*]+)(neck_\w+)\(([^)]*)\)", source):
            kinds = [] if arguments.strip() == "void" else [argument_type(a) for a in arguments.split(",")]
            found[name] = (" ".join(result.split()), kinds)
    return found


def argument_type(argument: str) -> str:
    return " ".join(re.sub(r"\w+$", "", argument.strip()).split())


def ctypes_type(declared: str) -> object:
    """What ctypes must say for a C type, derived without looking at the table."""
    bare = declared.replace("const ", "").replace("*const", "*").replace(" ", "")
    base, stars = bare.rstrip("*"), len(bare) - len(bare.rstrip("*"))
    if base == "char":
        return [None, ctypes.c_char_p, ctypes.POINTER(ctypes.c_char_p)][stars]
    if base in SCALARS:
        kind = SCALARS[base]
        for _ in range(stars):
            kind = ctypes.POINTER(kind)
        return kind
    if base in CALLBACKS:
        return CALLBACKS[base]
    if base in _abi.STRUCTS:
        return ctypes.POINTER(_abi.STRUCTS[base])
    return [None, ctypes.c_void_p, ctypes.POINTER(ctypes.c_void_p)][stars]


def signature(result: str, arguments: list[str]) -> tuple[object, list[object]]:
    """Only a status that is returned is checked; one that is passed is a number."""
    passed = [ctypes_type(argument) for argument in arguments]
    return ctypes_type(result), [ctypes.c_int32 if kind is _abi.Status else kind for kind in passed]


class Signatures(TestCase):
    def test_table_names_every_function_of_the_headers_and_no_other(self) -> None:
        self.assertEqual(sorted(_abi.FUNCTIONS), sorted(declarations()))

    def test_table_names_what_the_symbol_map_exports(self) -> None:
        exported = re.search(r"global:(.*?)local:", (SOURCE / "lib" / "softneck.map").read_text(), re.S).group(1)
        names = re.findall(r"(neck_[\w*]+);", exported)
        self.assertTrue(names)
        if names != ["neck_*"]:
            self.assertEqual(sorted(_abi.FUNCTIONS), sorted(names))

    def test_types_are_those_of_the_headers(self) -> None:
        for name, (result, arguments) in declarations().items():
            with self.subTest(name):
                self.assertEqual(_abi.FUNCTIONS[name], signature(result, arguments))

    def test_status_codes_have_their_exceptions(self) -> None:
        listed = re.findall(r"X\((E_\w+),\s*(-\d+),", (SOURCE / "include" / "softneck" / "status.h").read_text())
        self.assertGreater(len(listed), 10)
        self.assertEqual(sorted(_errors.BY_STATUS), sorted(int(number) for _, number in listed))
        for name, number in listed:
            self.assertEqual(_errors.BY_STATUS[int(number)].status, int(number), name)

    def test_dtypes_are_those_of_the_headers(self) -> None:
        text = (SOURCE / "include" / "softneck" / "matrix.h").read_text()
        listed = re.findall(r"X\((\w+),\s*(\d+),\s*(\d+),", text)
        self.assertEqual(
            [(name.lower(), int(number), int(size)) for name, number, size in listed],
            [(d.name, d.number, d.size) for d in _dtypes.BY_NAME.values()],
        )


@unittest.skipUnless(shutil.which(os.environ.get("CC", "cc")), "needs a C compiler")
class Layout(TestCase):
    """A C program prints what the compiler makes of the headers."""

    def printed(self, lines: list[str]) -> list[list[str]]:
        program = self.folder / "layout.c"
        body = "\n".join(lines)
        program.write_text(
            "#include <softneck.h>\n#include <stddef.h>\n#include <stdio.h>\n"
            f"int main(void)\n{{\n{body}\nreturn 0;\n}}\n"
        )
        binary = self.folder / "layout"
        compiler = os.environ.get("CC", "cc")
        subprocess.run([compiler, "-std=c11", f"-I{SOURCE / 'include'}", program, "-o", binary], check=True)
        output = subprocess.run([binary], check=True, capture_output=True, text=True).stdout
        return [line.split() for line in output.splitlines()]

    def test_every_struct_of_the_headers_is_known(self) -> None:
        text = "".join(header.read_text() for header in HEADERS)
        self.assertEqual(sorted(re.findall(r"^typedef struct (neck_\w+) \{", text, re.M)), sorted(_abi.STRUCTS))

    def test_sizes_and_offsets(self) -> None:
        lines, expected = [], []
        for name, struct in _abi.STRUCTS.items():
            lines.append(f'printf("{name} %zu\\n", sizeof({name}));')
            expected.append([name, str(ctypes.sizeof(struct))])
            for field, _ in struct._fields_:
                where = getattr(struct, field)
                lines.append(
                    f'printf("{name}.{field} %zu %zu\\n", offsetof({name}, {field}), sizeof((({name} *)0)->{field}));'
                )
                expected.append([f"{name}.{field}", str(where.offset), str(where.size)])
        self.assertEqual(self.printed(lines), expected)

    def test_constants(self) -> None:
        expected = {
            "NECK_ABI_VERSION": _abi.ABI_VERSION,
            "NECK_MAX_DIMS": _abi.MAX_DIMS,
            "NECK_E_CANCELLED": _abi.STATUS_CANCELLED,
            "NECK_P_SQUARED": _abi.NORMALIZATIONS["squared"],
            "NECK_P_LINEAR": _abi.NORMALIZATIONS["linear"],
            **{f"NECK_METHOD_{name.upper()}": number for name, number in _abi.METHODS.items()},
            **{f"NECK_REDUCTION_{name.upper()}": number for name, number in _abi.REDUCTIONS.items()},
            **{f"NECK_SCHEDULE_{name.upper()}": number for name, number in _abi.SCHEDULES.items()},
        }
        for prefix in ("OPTIMIZER_", "PARAMETER_", "TRUNCATE_"):
            expected.update({f"NECK_{name}": getattr(_abi, name) for name in vars(_abi) if name.startswith(prefix)})
        self.assertIn("NECK_OPTIMIZER_MUON", expected)
        lines = [f'printf("{name} %d\\n", (int){name});' for name in expected]
        self.assertEqual(self.printed(lines), [[name, str(number)] for name, number in expected.items()])


class Errors(TestCase):
    def test_library_failures_carry_its_message_and_status(self) -> None:
        with self.assertRaises(softneck.ArgumentError) as caught:
            softneck.Spectrum.from_values([1.0, -2.0], 2, 2)
        self.assertIn("values[1] is -2", str(caught.exception))
        self.assertEqual(caught.exception.status, -1)

    def test_each_is_a_softneck_error_and_prints_plainly(self) -> None:
        for status, cls in _errors.BY_STATUS.items():
            error = _errors.from_status(status, "what is wrong")
            self.assertIsInstance(error, softneck.Error)
            self.assertEqual((type(error), str(error), error.status), (cls, "what is wrong", status))

    def test_built_in_kinds(self) -> None:
        for cls, builtin in (
            (softneck.NonFiniteError, ValueError),
            (softneck.OutOfMemoryError, MemoryError),
            (softneck.FileError, OSError),
            (softneck.NotFoundError, KeyError),
            (softneck.TrailingDataError, softneck.FormatError),
        ):
            self.assertTrue(issubclass(cls, builtin))

    def test_a_status_of_a_newer_library(self) -> None:
        error = _errors.from_status(-99, "new")
        self.assertEqual((type(error), error.status), (softneck.Error, -99))


if __name__ == "__main__":
    unittest.main()
