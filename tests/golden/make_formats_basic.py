#!/usr/bin/env python3
"""Writes the fixtures of the safetensors, .npy and llama2.c readers under tests/corpus and tests/golden.

    python3 tests/golden/make_formats_basic.py

Needs numpy. Where the safetensors package is installed it writes the reference file and checks every other one: the
reference must accept what is called good_* and refuse what is called bad_*, except for the names in STRICTER, which
only we refuse (and why). numpy.load is held against the .npy files in the same way. Output is the same every time.
"""
import json
import math
import struct
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
CORPUS = ROOT / "tests" / "corpus"

try:
    import safetensors.numpy
except ImportError:
    safetensors = None


def fresh(folder, pattern):
    """An existing folder without the files that this script makes."""
    path = CORPUS / folder
    path.mkdir(parents=True, exist_ok=True)
    for old in path.glob(pattern):
        old.unlink()
    return path


# ---- safetensors -----------------------------------------------------------------------------------------------------

def st(header, data=b"", length=None):
    """A file: header is bytes, text or an object; length overrides the true header length."""
    if not isinstance(header, (bytes, str)):
        header = json.dumps(header, separators=(",", ":"))
    if isinstance(header, str):
        header = header.encode()
    return struct.pack("<Q", len(header) if length is None else length) + header + data


def info(shape, begin, end, dtype="F32"):
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def one(text, data=bytes(16)):
    """A file whose only tensor's entry is the given JSON text."""
    return st('{"test":' + text + "}", data)


def field(dtype='"F32"', shape="[2,2]", offsets="[0,16]", data=bytes(16)):
    """The same with single members replaced."""
    return one('{"dtype":%s,"shape":%s,"data_offsets":%s}' % (dtype, shape, offsets), data)


GOOD_ENTRY = '{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}'

SAFETENSORS_BAD = {
    # the length
    "empty": b"",
    "seven_bytes": bytes(7),
    "header_too_large": b"<\0\0\0\0\xff\xff\xff" + b'{"test":' + GOOD_ENTRY.encode() + b"}" + bytes(16),
    "header_one_over_limit": st("{}", length=100_000_001),
    "header_longer_than_file": st("", length=60),
    "header_length_minus_one": st("{}", length=2**64 - 1),
    "header_missing": struct.pack("<Q", 0),
    # the text
    "header_not_utf8": st(b"\xff"),
    "name_not_utf8": st(b'{"a\xc3":' + GOOD_ENTRY.encode() + b"}", bytes(16)),
    "name_overlong_utf8": st(b'{"a\xc0\xaf":' + GOOD_ENTRY.encode() + b"}", bytes(16)),
    "name_lone_surrogate": st('{"\\ud800":' + GOOD_ENTRY + "}", bytes(16)),
    "name_nul": st('{"a\\u0000b":' + GOOD_ENTRY + "}", bytes(16)),
    "name_empty": st({"": info([2, 2], 0, 16)}, bytes(16)),
    "name_too_long": st({"n" * 4097: info([2, 2], 0, 16)}, bytes(16)),
    "header_not_json": st("{"),
    "header_cut": st('{"test":{"dtype":"F32","shape":[2,2],"data_off', bytes(16)),
    "header_list": st("[]"),
    "header_null": st("null"),
    "header_number": st("1"),
    "header_text_after": st("{}x"),
    "header_second_value": st("{}{}"),
    "header_nul_padded": st(b"{}\0\0\0\0\0\0"),
    "header_comment": st("{/* no */}"),
    "header_trailing_comma": st('{"test":' + GOOD_ENTRY + ",}", bytes(16)),
    "header_single_quotes": st("{'test':" + GOOD_ENTRY + "}", bytes(16)),
    "nested_shape": field(shape="[[2],2]"),
    "nested_deep": st("[" * 3000),
    # twice the same
    "duplicate_identical": st('{"test":%s,"test":%s}' % (GOOD_ENTRY, GOOD_ENTRY), bytes(16)),
    "duplicate_different": st('{"test":%s,"test":{"dtype":"F32","shape":[1],"data_offsets":[16,20]}}' % GOOD_ENTRY,
                              bytes(20)),
    "duplicate_escaped": st('{"test":%s,"t\\u0065st":%s}' % (GOOD_ENTRY, GOOD_ENTRY), bytes(16)),
    "duplicate_member": one('{"dtype":"F32","dtype":"F32","shape":[2,2],"data_offsets":[0,16]}'),
    "duplicate_metadata": st('{"__metadata__":{},"__metadata__":{},"test":%s}' % GOOD_ENTRY, bytes(16)),
    # places
    "overlap_ten_on_one": st({f"weight_{i}": info([2, 2], 0, 16) for i in range(10)}, bytes(16)),
    "overlap_partial": st({"a": info([4], 0, 16), "b": info([4], 8, 24)}, bytes(24)),
    "overlap_inside": st({"a": info([8], 0, 32), "b": info([2], 8, 16)}, bytes(32)),
    "hole_first": st({"a": info([4], 4, 20)}, bytes(20)),
    "hole_middle": st({"a": info([4], 0, 16), "b": info([4], 20, 36)}, bytes(36)),
    "hole_before_empty": st({"a": info([4], 0, 16), "b": info([0], 20, 20)}, bytes(20)),
    "offsets_reversed": field(offsets="[16,0]"),
    "offsets_negative": field(offsets="[-16,0]"),
    "offsets_real": field(offsets="[0.0,16.0]"),
    "offsets_exponent": field(offsets="[0,16e0]"),
    "offsets_leading_zero": field(offsets="[0,016]"),
    "offsets_text": field(offsets='["0","16"]'),
    "offsets_null": field(offsets="null"),
    "offsets_one": field(offsets="[0]"),
    "offsets_three": field(offsets="[0,16,16]"),
    "offsets_past_end": field(offsets="[0,16]", data=bytes(14)),
    "offsets_far": field(shape="[2305843009213693951]", offsets="[0,9223372036854775804]"),
    "offsets_int64_overflow": field(offsets="[0,9223372036854775808]"),
    "offsets_uint64_overflow": field(offsets="[0,18446744073709551616]"),
    # shapes
    "shape_too_small": field(shape="[2,2]", offsets="[0,4]", data=bytes(4)),
    "shape_too_large": field(shape="[2,3]"),
    "shape_overflow_uint64": field('"I32"', "[2,18446744073709551614]"),
    "shape_overflow_int64": field('"I32"', "[2,9223372036854775807]"),
    "shape_overflow_product": field(shape="[4294967296,4294967296]"),
    "shape_overflow_bytes": field(shape="[4611686018427387904]"),
    "shape_overflow_wraps_to_fit": field(shape="[2305843009213693953,2,2]"),
    "shape_overflow_hidden_by_zero": field(shape="[4294967296,4294967296,0]", offsets="[0,0]", data=b""),
    "shape_negative": field(shape="[-2,-2]"),
    "shape_real": field(shape="[2.0,2]"),
    "shape_bool": field(shape="[true,4]"),
    "shape_null": field(shape="null"),
    "shape_number": field(shape="4"),
    "shape_nine_dimensions": field(shape="[1,1,1,1,1,1,1,2,2]"),
    # types
    "dtype_unknown": field('"F33"'),
    "dtype_lower_case": field('"f32"'),
    "dtype_empty": field('""'),
    "dtype_null": field("null"),
    "dtype_number": field("32"),
    "dtype_f4": field('"F4"', "[2,16]"),
    "dtype_f4_misaligned": field('"F4"', "[31]"),
    "dtype_f6": field('"F6_E2M3"', "[4]", "[0,3]", bytes(3)),
    "dtype_f8_e8m0": field('"F8_E8M0"', "[16]"),
    "dtype_fnuz": field('"F8_E4M3FNUZ"', "[16]"),
    # entries
    "lacks_dtype": one('{"shape":[2,2],"data_offsets":[0,16]}'),
    "lacks_shape": one('{"dtype":"F32","data_offsets":[0,16]}'),
    "lacks_offsets": one('{"dtype":"F32","shape":[2,2]}'),
    "extra_member": one('{"dtype":"F32","shape":[2,2],"data_offsets":[0,16],"stride":[2,1]}'),
    "entry_null": one("null"),
    "entry_list": one('["F32",[2,2],[0,16]]'),
    "entry_text": one('"F32"'),
    # metadata
    "metadata_text": st('{"__metadata__":"x"}'),
    "metadata_list": st('{"__metadata__":[]}'),
    "metadata_number_value": st('{"__metadata__":{"step":1}}'),
    "metadata_null_value": st('{"__metadata__":{"step":null}}'),
    # after the data
    "trailing_polyglot": st('{"test":' + GOOD_ENTRY + "}", bytes(16) + b"extra_bogus_data_for_polyglot_file"),
    "trailing_four_bytes": st('{"test":' + GOOD_ENTRY + "}", bytes(20)),
    "trailing_only": st("{}", b"\0"),
}

# Refused by us alone.
STRICTER = {
    "name_empty": "no API could ask for it",
    "name_nul": "names are C strings",
    "name_too_long": "our bound",
    "duplicate_identical": "the format disallows it; the reference keeps the last",
    "duplicate_escaped": "the same",
    "extra_member": "no writer makes one, and nothing says what it would mean",
    "shape_nine_dimensions": "our bound",
    "entry_list": "an accident of the reference's parser, which fills the members in order",
    "dtype_f4": "not supported",
    "dtype_f6": "not supported",
    "dtype_f8_e8m0": "not supported",
    "dtype_fnuz": "not supported",
}

ITEM = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I8": "<i1", "U8": "<u1", "I16": "<i2", "U16": "<u2", "I32": "<i4",
        "U32": "<u4", "I64": "<i8", "U64": "<u8", "BOOL": "|b1", "C64": "<c8"}


def ramp(count, dtype):
    """What the tests recompute: element k is (37 k mod 101), less 50 for signed types; booleans are its parity."""
    values = np.arange(count) * 37 % 101
    dtype = np.dtype(dtype)
    if dtype.kind == "b":
        return values % 2 == 1
    return (values if dtype.kind == "u" else values - 50).astype(dtype)


def every_dtype():
    header, data = {}, b""
    for name, code in ITEM.items():
        raw = ramp(6, code).tobytes()
        header[name.lower()] = info([2, 3], len(data), len(data) + len(raw), name)
        data += raw
    bf16 = (ramp(6, "<f4").view("<u4") >> 16).astype("<u2").tobytes()
    for name, raw in (("BF16", bf16), ("F8_E4M3", bytes(range(6))), ("F8_E5M2", bytes(range(6)))):
        header[name.lower()] = info([2, 3], len(data), len(data) + len(raw), name)
        data += raw
    return st(header, data)


def safetensors_good():
    four = ramp(4, "<f4").tobytes()
    good = {
        "no_tensors": st("{}"),
        "padded_behind": st(b"{}\x0d\x20\x09\x0a"),
        "padded_before": st(b"\x09\x0a{}\x0d\x20"),
        "zero_size": st('{"test":{"dtype":"I32","shape":[2,0],"data_offsets":[0, 0]}}'),
        "zero_size_between": st({"b": info([4], 0, 16), "a": info([0], 16, 16), "c": info([0, 7], 0, 0)}, four),
        "scalar": st({"test": info([], 0, 4)}, four[:4]),
        "eight_dimensions": st({"test": info([1, 1, 1, 1, 1, 1, 2, 2], 0, 16)}, four),
        "unaligned": st('{"test":' + GOOD_ENTRY + "}  ", four),
        "order_reversed": st({"b": info([4], 16, 32), "a": info([4], 0, 16)}, four + four[::-1]),
        "metadata": st({"__metadata__": {"format": "pt", "step": "1000"}, "test": info([2, 2], 0, 16)}, four),
        "metadata_empty": st({"__metadata__": {}, "test": info([2, 2], 0, 16)}, four),
        "name_escapes": st('{"\\u0041/..\\\\\\"\\t\\ud83d\\ude00":' + GOOD_ENTRY + "}", four),
        "nonfinite": st({"test": info([2], 0, 8)}, np.array([np.nan, np.inf], "<f4").tobytes()),
        "every_dtype": every_dtype(),
    }
    if safetensors:  # otherwise the committed one stays
        good["reference"] = safetensors.numpy.save(
            {"head.weight": ramp(12, "<f4").reshape(4, 3), "norm": ramp(3, "<f2"), "ids": ramp(5, "<i8")},
            {"format": "np"})
    return good


def make_safetensors():
    folder = fresh("safetensors", "bad_*")
    for name, content in SAFETENSORS_BAD.items():
        (folder / f"bad_{name}").write_bytes(content)
    for name, content in safetensors_good().items():
        (folder / f"good_{name}").write_bytes(content)
    if not safetensors:
        return "safetensors is not installed: its verdicts were not compared"
    for path in sorted(folder.iterdir()):
        kind, name = path.name.split("_", 1)
        try:
            safetensors.deserialize(path.read_bytes())
            accepted = True
        except safetensors.SafetensorError:
            accepted = False
        assert accepted == (kind == "good" or name in STRICTER), f"{path.name}: the reference accepts it: {accepted}"
    return f"{len(list(folder.iterdir()))} files agree with safetensors {safetensors.__version__}"


# ---- .npy ------------------------------------------------------------------------------------------------------------

def npy(header, data=b"", version=(1, 0), length=None):
    header = header.encode("latin1")
    size = len(header) if length is None else length
    return b"\x93NUMPY" + bytes(version) + struct.pack("<H" if version[0] == 1 else "<I", size) + header + data


def dict_of(descr="'<f4'", order="False", shape="(2, 2)"):
    return "{'descr': %s, 'fortran_order': %s, 'shape': %s, }\n" % (descr, order, shape)


def npy_field(data=bytes(16), **members):
    return npy(dict_of(**members), data)


NPY_BAD = {
    "empty": b"",
    "short": b"\x93NUMPY\1\0",
    "magic": b"\x94NUMPY" + npy_field()[6:],
    "version_0": npy(dict_of(), bytes(16), (0, 0)),
    "version_4": npy(dict_of(), bytes(16), (4, 0)),
    "version_1_1": npy(dict_of(), bytes(16), (1, 1)),
    "length_cut": b"\x93NUMPY\2\0\x10\0",
    "header_huge": npy(dict_of(), bytes(16), (2, 0), 0xFFFFFFFF),
    "header_over_limit": npy(dict_of().rstrip("\n") + " " * 65536 + "\n", bytes(16), (2, 0)),
    "header_longer_than_file": npy(dict_of(), length=200),
    "header_empty": npy("", bytes(16)),
    "header_list": npy("[]\n", bytes(16)),
    "header_call": npy("__import__('os').system('true')\n", bytes(16)),
    "header_unclosed": npy(dict_of().replace("}", " "), bytes(16)),
    "header_text_after": npy(dict_of().rstrip() + " + {}\n", bytes(16)),
    "header_no_comma": npy("{'descr': '<f4' 'fortran_order': False 'shape': (2, 2)}\n", bytes(16)),
    "header_nul": npy(dict_of().rstrip() + "\0\n", bytes(16)),
    "key_number": npy("{1: '<f4', 'fortran_order': False, 'shape': (2, 2)}\n", bytes(16)),
    "key_unknown": npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), 'x': 1}\n", bytes(16)),
    "key_missing": npy("{'descr': '<f4', 'shape': (2, 2)}\n", bytes(16)),
    "key_twice": npy("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2, 2)}\n", bytes(16)),
    "descr_object": npy_field(descr="'|O'"),
    "descr_structured": npy_field(descr="[('a', '<f4')]"),
    "descr_void": npy_field(descr="'|V2'"),
    "descr_text": npy_field(descr="'<U1'"),
    "descr_date": npy_field(bytes(32), descr="'<M8[s]'"),
    "descr_long_double": npy_field(bytes(64), descr="'<f16'"),
    "descr_complex128": npy_field(bytes(64), descr="'<c16'"),
    "descr_no_order": npy_field(descr="'f4'"),
    "descr_nul_order": npy_field(descr="'\0f4'"),
    "descr_empty": npy_field(descr="''"),
    "descr_number": npy_field(descr="4"),
    "descr_unclosed": npy("{'descr': '<f4, 'fortran_order': False, 'shape': (2, 2)}\n", bytes(16)),
    "order_number": npy_field(order="0"),
    "order_text": npy_field(order="'False'"),
    "shape_number": npy_field(shape="4"),
    "shape_parenthesised": npy_field(shape="(4)"),
    "shape_list": npy_field(shape="[2, 2]"),
    "shape_negative": npy_field(shape="(-2, -2)"),
    "shape_real": npy_field(shape="(2.0, 2)"),
    "shape_no_comma": npy_field(shape="(2 2)"),
    "shape_unclosed": npy_field(shape="(2, 2"),
    "shape_expression": npy_field(shape="(2*2,)"),
    "shape_nine_dimensions": npy_field(shape="(1, 1, 1, 1, 1, 1, 1, 2, 2)"),
    "shape_overflow_number": npy_field(shape="(9223372036854775808,)"),
    "shape_overflow_product": npy_field(shape="(4294967296, 4294967296)"),
    "shape_overflow_wraps_to_fit": npy_field(shape="(2305843009213693953, 2, 2)"),
    "shape_overflow_hidden_by_zero": npy_field(b"", shape="(4294967296, 4294967296, 0)"),
    "data_missing": npy_field(b""),
    "data_short": npy_field(bytes(15)),
    "data_long": npy_field(bytes(17)),
}

NPY_STRICTER = {
    "header_over_limit": "NumPy lets the caller choose",
    "descr_structured": "not supported", "descr_void": "not supported", "descr_text": "not supported",
    "descr_date": "not supported", "descr_long_double": "not supported", "descr_complex128": "not supported",
    "descr_no_order": "not what NumPy writes", "key_twice": "ambiguous",
    "shape_nine_dimensions": "our bound",
    "data_long": "bytes that belong to nothing",
}


def saved(array, version=None):
    import io
    out = io.BytesIO()
    np.lib.format.write_array(out, array, version=version, allow_pickle=False)
    return out.getvalue()


def npy_good():
    good = {}
    for code in ("<f2", "<f4", "<f8", "<c8", "|i1", "<i2", "<i4", "<i8", "|u1", "<u2", "<u4", "<u8", "|b1"):
        good["c_" + code[1:]] = saved(ramp(6, code).reshape(2, 3))
    for code in (">f4", ">f8", ">i4"):
        good["c_big_" + code[1:]] = saved(ramp(6, code).reshape(2, 3))
    for name, code in (("f_f2", "<f2"), ("f_big_f4", ">f4")):
        good[name] = saved(np.asfortranarray(ramp(6, code).reshape(2, 3)))
    good["f_3d"] = saved(np.asfortranarray(ramp(24, "<f4").reshape(2, 3, 4)))
    good["c_3d"] = saved(ramp(24, "<f4").reshape(2, 3, 4))
    good["c_vector"] = saved(ramp(5, "<f8"))
    good["c_scalar"] = saved(ramp(1, "<f8").reshape(()))
    good["c_no_rows"] = saved(np.zeros((0, 5), "<f4"))
    good["c_version_2"] = saved(ramp(6, "<f4").reshape(2, 3), (2, 0))
    good["c_version_3"] = saved(ramp(6, "<f4").reshape(2, 3), (3, 0))
    data = ramp(6, "<f4").tobytes()
    good["c_any_order"] = npy('{"shape":(2,3,),"fortran_order":False,"descr":"<f4"}', data)
    good["c_native"] = npy(dict_of(descr="'=f4'", shape="(2, 3)"), data)
    good["c_python_2"] = npy(dict_of(shape="(2L, 3L)"), data)
    good["c_vector_no_space"] = npy(dict_of(shape="(6,)"), data)
    return good


def make_npy():
    import io
    import warnings
    warnings.simplefilter("ignore")
    folder = fresh("npy", "*")
    for name, content in NPY_BAD.items():
        (folder / f"bad_{name}").write_bytes(content)
    for name, content in npy_good().items():
        (folder / f"good_{name}").write_bytes(content)
    for path in sorted(folder.iterdir()):
        kind, name = path.name.split("_", 1)
        try:
            array = np.load(io.BytesIO(path.read_bytes()), allow_pickle=False, max_header_size=10**6)
            accepted = True
        except Exception:  # numpy raises many kinds
            accepted = False
        if kind == "good":
            assert np.array_equal(array.ravel(), ramp(array.size, array.dtype)), path.name
        assert accepted == (kind == "good" or name in NPY_STRICTER), f"{path.name}: NumPy accepts it: {accepted}"
    return f"{len(list(folder.iterdir()))} files agree with NumPy {np.__version__}"


# ---- llama2.c --------------------------------------------------------------------------------------------------------

MODEL = dict(dim=8, hidden=12, layers=2, heads=2, kv_heads=1, vocab=10, seq=4)


def weights(count):
    """The k-th number of the file is k."""
    return np.arange(count, dtype="<f4").tobytes()


def v0_count(m, tied):
    kv = m["dim"] // m["heads"] * m["kv_heads"]
    layer = 2 * m["dim"] + 2 * m["dim"] ** 2 + 2 * m["dim"] * kv + 3 * m["dim"] * m["hidden"]
    rope = m["seq"] * (m["dim"] // m["heads"])
    return m["vocab"] * m["dim"] * (1 if tied else 2) + m["layers"] * layer + m["dim"] + rope


def v0(tied=True, data=None, **changes):
    m = {**MODEL, **changes}
    numbers = list(m.values())
    if not tied:
        numbers[5] = -numbers[5]
    header = struct.pack("<7i", *numbers)
    return header + (weights(v0_count(m, tied)) if data is None else data)


def v1(tied=True, data=None, version=1, **changes):
    m = {**MODEL, **changes}
    header = struct.pack("<Ii7iB", 0x616B3432, version, *m.values(), tied).ljust(256, b"\0")
    count = v0_count(m, tied) - m["seq"] * (m["dim"] // m["heads"])
    return header + (weights(count) if data is None else data)


INT_MIN = -2**31


def make_llama2c():
    folder = fresh("llama2c", "*")
    files = {
        "good_v0_tied": v0(),
        "good_v0_untied": v0(tied=False),
        "good_v1_tied": v1(),
        "good_v1_untied": v1(tied=False),
        "bad_empty": b"",
        "bad_short": v0()[:27],
        "bad_no_weights": v0(data=b""),
        "bad_truncated": v0()[:-1],
        "bad_trailing": v0() + b"\0",
        "bad_dim_zero": v0(data=b"", dim=0),
        "bad_hidden_negative": v0(data=b"", hidden=-12),
        "bad_layers_many": v0(data=b"", layers=2**31 - 1),
        "bad_heads_zero": v0(data=b"", heads=0),
        "bad_kv_heads_zero": v0(data=b"", kv_heads=0),
        "bad_vocab_zero": v0(data=b"", vocab=0),
        "bad_vocab_int_min": v0(data=b"", vocab=INT_MIN),
        "bad_seq_zero": v0(data=b"", seq=0),
        "bad_heads_do_not_divide": v0(data=b"", heads=3),
        "bad_head_size_odd": v0(data=b"", dim=6),
        "bad_kv_heads_do_not_divide": v0(data=b"", heads=4, kv_heads=3),
        "bad_largest": v0(data=b"", dim=2**20, hidden=2**20, layers=2**14, vocab=2**24, seq=2**24),
        "bad_v1_header_cut": v1()[:255],
        "bad_v1_vocab_negative": v1(data=b"", vocab=-10),
        "bad_v1_truncated": v1()[:-4],
        "bad_v1_trailing": v1() + bytes(4),
        "bad_v2": v1(version=2),
        "bad_v3": v1(version=3),
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return f"{len(files)} files of llama2.c"


# Names and shapes of the export script of llama2.c, read by NumPy instead of our code.
def make_stories_golden():
    raw = (ROOT / "examples" / "data" / "stories260K" / "stories260K.bin").read_bytes()
    dim, hidden, layers, heads, kv_heads, vocab, _seq = struct.unpack("<7i", raw[:28])
    kv = dim // heads * kv_heads
    per_layer = lambda name: [f"layers.{i}.{name}" for i in range(layers)]
    plan = [(["tok_embeddings.weight"], (vocab, dim)), (per_layer("attention_norm.weight"), (dim,)),
            (per_layer("attention.wq.weight"), (dim, dim)), (per_layer("attention.wk.weight"), (kv, dim)),
            (per_layer("attention.wv.weight"), (kv, dim)), (per_layer("attention.wo.weight"), (dim, dim)),
            (per_layer("ffn_norm.weight"), (dim,)), (per_layer("feed_forward.w1.weight"), (hidden, dim)),
            (per_layer("feed_forward.w2.weight"), (dim, hidden)), (per_layer("feed_forward.w3.weight"), (hidden, dim)),
            (["norm.weight"], (dim,))]
    lines, at = ["# name, rows, columns (0: a vector), exact sum of elements, exact sum of squares"], 28
    for names, shape in plan:
        for name in names:
            x = np.frombuffer(raw, "<f4", int(np.prod(shape)), at).astype("f8")
            at += 4 * x.size

            lines.append(f"{name} {shape[0]} {shape[1] if len(shape) > 1 else 0} "
                         f"{math.fsum(x)!r} {math.fsum(x * x)!r}")
    (ROOT / "tests" / "golden" / "stories260K_sums.txt").write_text("\n".join(lines) + "\n")
    return f"{len(lines) - 1} weights of stories260K"


if __name__ == "__main__":
    for make in (make_safetensors, make_npy, make_llama2c, make_stories_golden):
        print(make())
