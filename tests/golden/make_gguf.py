#!/usr/bin/env python3
"""Writes the fixtures of the GGUF reader under tests/corpus/gguf.

    python3 tests/golden/make_gguf.py

Needs numpy and the gguf package of llama.cpp (`pip install gguf`), whose writer makes good_written, whose formulas make
the expected numbers in good_quantised, and whose reader must accept every good_* file. Output is the same every time.
"""
import struct
from pathlib import Path

import gguf
import numpy as np

CORPUS = Path(__file__).resolve().parents[2] / "tests" / "corpus" / "gguf"
U8, I8, U16, I16, U32, I32, F32, BOOL, STRING, ARRAY, U64, I64, F64 = range(13)
T_F32, T_Q4_0, T_Q8_0, T_Q6_K = 0, 2, 8, 14


# ---- bytes -----------------------------------------------------------------------------------------------------------

def u32(n):
    return struct.pack("<I", n)


def u64(n):
    return struct.pack("<Q", n & (2**64 - 1))


def text(s):
    raw = s if isinstance(s, bytes) else s.encode()
    return u64(len(raw)) + raw


def kv(key, kind, payload):
    """One key with the bytes of its value."""
    return text(key) + u32(kind) + payload


def array(item, count, payload):
    return u32(item) + u64(count) + payload


def tensor(name="t", shape=(2, 4), kind=T_F32, offset=0, ndim=None):
    """One entry of the list; shape is in the file's order, innermost first."""
    return (text(name) + u32(len(shape) if ndim is None else ndim) + b"".join(u64(n) for n in shape) + u32(kind)
            + u64(offset))


def head(tensors, keys, version=3, magic=b"GGUF"):
    return magic + u32(version) + u64(tensors) + u64(keys)


def pad(raw, alignment=32):
    return raw + bytes(-len(raw) % alignment)


def file(tensors=(), keys=(), data=b"", alignment=32, version=3):
    """A whole file: data follows, padded on either side."""
    return pad(head(len(tensors), len(keys), version) + b"".join(keys) + b"".join(tensors), alignment) + data


def one(entry, data=bytes(32)):
    return file([entry], data=data)


def keyed(*entries):
    return file(keys=entries)


# ---- files that must be read -------------------------------------------------------------------------------------

def floats(count, start=0):
    return np.arange(start, start + count, dtype="<f4").tobytes()


def quantised():
    """Random blocks of every type, with finite scales, and what the package makes of them. Rows of 512."""
    scales = {"Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0], "Q2_K": [80, 82], "Q3_K": [108],
              "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208]}
    random = np.random.default_rng(20)
    entries, data, cols, rows = [], b"", 512, 2
    for name, places in scales.items():
        kind = gguf.GGMLQuantizationType[name]
        elements, size = gguf.GGML_QUANT_SIZES[kind]
        blocks = random.integers(0, 256, (rows * cols // elements, size), dtype=np.uint8)
        for at in places:
            half = random.standard_normal(len(blocks)).astype("<f2")
            half[0] = np.float16(2**-23)  # subnormal
            half[-1] = np.float16(-65504)
            blocks[:, at:at + 2] = half.view(np.uint8).reshape(-1, 2)
        stored = blocks.reshape(rows, -1)
        expected = gguf.dequantize(stored, kind)
        assert expected.dtype == np.float32 and expected.shape == (rows, cols)
        for label, number, raw in ((name, kind, stored.tobytes()), (name + ".expected", 0, expected.tobytes())):
            entries.append(tensor(label, (cols, rows), number, len(data)))
            data = pad(data + raw)
    return file(entries, data=data)


def blocks():
    """One row of 256 zeros in every type: small enough for a fuzzer to work on."""
    entries, data = [], b""
    for name in ("Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K"):
        kind = gguf.GGMLQuantizationType[name]
        elements, size = gguf.GGML_QUANT_SIZES[kind]
        entries.append(tensor(name, (256, 1), kind, len(data)))
        data = pad(data + bytes(256 // elements * size))
    return file(entries, data=data)


def written(path):
    """Everything that the package's writer can write."""
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("tést")
    for add, low, high in ((writer.add_uint8, 0, 255), (writer.add_int8, -128, 127), (writer.add_uint16, 0, 65535),
                           (writer.add_int16, -32768, 32767), (writer.add_uint32, 0, 2**32 - 1),
                           (writer.add_int32, -2**31, 2**31 - 1), (writer.add_uint64, 0, 2**64 - 1),
                           (writer.add_int64, -2**63, 2**63 - 1)):
        kind = add.__name__[4:]
        add(f"low.{kind}", low)
        add(f"high.{kind}", high)
    writer.add_float32("real.single", 0.1)
    writer.add_float64("real.double", 0.1)
    writer.add_bool("yes", True)
    writer.add_bool("no", False)
    writer.add_array("list.strings", ["a", "", "żółw", "nul\0inside"])
    writer.add_array("list.integers", [3, -1, 4])
    writer.add_array("list.reals", [0.5, -2.0])
    writer.add_array("list.booleans", [True, False])
    wide = np.arange(12).reshape(3, 4)
    for kind in ("float32", "float16", "float64", "int8", "int16", "int32", "int64"):
        writer.add_tensor(kind, wide.astype(kind))
    bits = (wide.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)
    writer.add_tensor("bfloat16", bits.view(np.uint8), raw_dtype=gguf.GGMLQuantizationType.BF16)
    writer.add_tensor("cube", np.arange(24, dtype=np.float32).reshape(2, 3, 4))
    writer.add_tensor("vector", np.arange(5, dtype=np.float32))
    writer.add_tensor("q8", gguf.quantize(np.linspace(-1, 1, 64, dtype=np.float32).reshape(2, 32),
                                          gguf.GGMLQuantizationType.Q8_0),
                      raw_dtype=gguf.GGMLQuantizationType.Q8_0)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


TWO_HEADS = [tensor("token_embd.weight", (4, 6)), tensor("output_norm.weight", (4,), offset=96),
             tensor("blk.0.attn_output.weight", (4, 4), offset=128), tensor("output.weight", (4, 6), offset=192)]
GOOD = {
    "empty": head(0, 0),
    "quantised": quantised(),
    "blocks": blocks(),
    "version_2": file([tensor(shape=(4, 2))], [kv("a", U8, b"\7")], floats(8), version=2),
    "aligned_64": file([tensor("a", (3,)), tensor("b", (2,), offset=64)], [kv("general.alignment", U32, u32(64))],
                       pad(floats(3), 64) + pad(floats(2, 3), 64), 64),
    "aligned_1": file([tensor("a", (3,)), tensor("b", (2,), offset=12)], [kv("general.alignment", U32, u32(1))],
                      floats(5), 1),
    "end_not_padded": one(tensor(shape=(3,)), floats(3)),
    "keys_only": head(0, 1) + kv("a", BOOL, b"\1"),
    "texts": head(0, 4) + kv("name", STRING, text("tést")) + kv("nul", STRING, text("a\0b"))
             + kv("not utf-8", STRING, text(b"\xff")) + kv("number", U8, b"\1"),
    "empty_values": head(0, 3) + kv("string", STRING, text("")) + kv("strings", ARRAY, array(STRING, 0, b""))
                    + kv("numbers", ARRAY, array(U32, 0, b"")),
    "split_in_one": keyed(kv("split.count", U16, b"\1\0"), kv("split.no", U16, b"\0\0")),
    "scalar": one(tensor(shape=()), pad(floats(1))),
    "zero_size": one(tensor(shape=(4, 0)), b""),
    "untied": file(TWO_HEADS, data=floats(72)),
    "tied": file(TWO_HEADS[:3], data=floats(48)),
    "name_63": one(tensor("n" * 63, (8,))),
}

# ---- files that must be refused ------------------------------------------------------------------------------------

HUGE = 2**63 - 1
BAD = {
    # the header
    "magic": head(0, 0, magic=b"GGML"),
    "nothing": b"",
    "magic_cut": b"GGU",
    "version_cut": b"GGUF\3\0",
    "counts_cut": head(0, 0)[:-1],
    "version_0": head(0, 0, 0),
    "version_1": head(0, 0, 1),
    "version_4": head(0, 0, 4),
    "big_endian": head(0, 0, 3 << 24),
    "tensors_negative": head(-1, 0),
    "tensors_many": head(HUGE, 0) + bytes(64),
    "tensors_one_too_many": head(2, 0) + tensor("a", (8,)) + bytes(11),
    "keys_negative": head(0, -1),
    "keys_many": head(0, HUGE) + bytes(64),
    "keys_one_too_many": head(0, 2) + kv("a", U8, b"\0") + bytes(13),
    # keys
    "key_empty": keyed(kv("", U8, b"\0")),
    "key_nul": keyed(kv("a\0b", U8, b"\0")),
    "key_not_utf8": keyed(kv(b"\xff", U8, b"\0")),
    "key_long": keyed(kv("k" * 65536, U8, b"\0")),
    "key_past_end": head(0, 1) + u64(HUGE) + bytes(32),
    "key_length_negative": head(0, 1) + u64(-1) + bytes(32),
    "key_twice": keyed(kv("a", U8, b"\0"), kv("b", U8, b"\0"), kv("a", U32, u32(1))),
    # values
    "type_unknown": keyed(kv("a", 13, bytes(8))),
    "type_negative": keyed(kv("a", 2**32 - 1, bytes(8))),
    "value_cut": head(0, 1) + kv("a", F64, bytes(7)),
    "bool_two": keyed(kv("a", BOOL, b"\2")),
    "string_past_end": head(0, 1) + kv("a", STRING, u64(100) + bytes(99)),
    "string_huge": head(0, 1) + kv("a", STRING, u64(HUGE) + bytes(99)),
    "string_negative": head(0, 1) + kv("a", STRING, u64(-9) + bytes(99)),
    "array_type_cut": head(0, 1) + kv("a", ARRAY, u32(U8)[:3]),
    "array_unknown": keyed(kv("a", ARRAY, array(99, 1, bytes(8)))),
    "array_nested": keyed(kv("a", ARRAY, array(ARRAY, 1, array(U8, 1, b"\0")))),
    "array_past_end": head(0, 1) + kv("a", ARRAY, array(U32, 5, bytes(19))),
    "array_huge": head(0, 1) + kv("a", ARRAY, array(U32, HUGE, bytes(64))),
    "array_wraps": head(0, 1) + kv("a", ARRAY, array(U64, 2**61 + 1, bytes(64))),
    "array_negative": head(0, 1) + kv("a", ARRAY, array(U8, -1, bytes(64))),
    "array_strings_huge": head(0, 1) + kv("a", ARRAY, array(STRING, HUGE, text("x") + text("y"))),
    "array_string_past_end": head(0, 1) + kv("a", ARRAY, array(STRING, 2, text("x") + u64(2) + b"y")),
    "array_bool_two": keyed(kv("a", ARRAY, array(BOOL, 3, b"\0\1\2"))),
    "split": keyed(kv("split.count", U16, b"\3\0")),
    "split_text": keyed(kv("split.count", STRING, text("3"))),
    "alignment_zero": keyed(kv("general.alignment", U32, u32(0))),
    "alignment_three": keyed(kv("general.alignment", U32, u32(3))),
    "alignment_u64": keyed(kv("general.alignment", U64, u64(32))),
    "alignment_array": keyed(kv("general.alignment", ARRAY, array(U32, 0, b""))),
    # tensors
    "name_empty": one(tensor("", (8,))),
    "name_64": one(tensor("n" * 64, (8,))),
    "name_nul": one(tensor("a\0b", (8,))),
    "name_not_utf8": one(tensor(b"a\xc3", (8,))),
    "name_past_end": head(1, 0) + u64(HUGE) + bytes(64),
    "name_twice": file([tensor("a", (8,)), tensor("a", (8,), offset=32)], data=bytes(64)),
    "dimensions_five": one(tensor(shape=(1, 1, 1, 1, 8))),
    "dimensions_many": one(tensor(shape=(8,), ndim=2**32 - 1)),
    "dimensions_cut": head(1, 0) + tensor(shape=(8, 1))[:-14],
    "dimension_negative": one(tensor(shape=(-8, 1))),
    "shape_wraps": one(tensor(shape=(2**32, 2**32))),
    "shape_wraps_negative": one(tensor(shape=(HUGE, 2, 1, 1))),
    "shape_wraps_to_fit": one(tensor(shape=(2**33 + 8, 2**31, 1, 1))),
    "shape_bytes_wrap": one(tensor(shape=(2**61, 2))),
    "shape_hidden_by_zero": one(tensor(shape=(2**40, 2**40, 0)), b""),
    "shape_larger_than_file": one(tensor(shape=(9,))),
    "type_of_tensor_unknown": one(tensor(kind=4)),
    "type_of_tensor_huge": one(tensor(kind=2**31)),
    "type_of_tensor_iq": one(tensor(shape=(256,), kind=16), bytes(66)),
    "type_of_tensor_q8_1": one(tensor(shape=(32,), kind=9), bytes(36)),
    "blocks_not_whole": one(tensor(shape=(33, 32), kind=T_Q4_0), bytes(33 * 18)),
    "blocks_not_whole_k": one(tensor(shape=(128, 2), kind=T_Q6_K), bytes(210)),
    "blocks_of_scalar": one(tensor(shape=(), kind=T_Q8_0), bytes(64)),
    "blocks_cut": one(tensor(shape=(32,), kind=T_Q8_0), bytes(33)),
    "offset_cut": head(1, 0) + tensor(shape=(8, 1))[:-1],
    "offset_not_first": one(tensor(shape=(4,), offset=32), bytes(64)),
    "offset_not_aligned": file([tensor("a", (3,)), tensor("b", (3,), offset=12)], data=bytes(64)),
    "offset_overlap": file([tensor("a", (8,)), tensor("b", (8,), offset=0)], data=bytes(64)),
    "offset_hole": file([tensor("a", (8,)), tensor("b", (8,), offset=64)], data=bytes(96)),
    "offset_huge": one(tensor(shape=(8,), offset=HUGE)),
    "offset_negative": one(tensor(shape=(8,), offset=-32)),
    "data_missing": head(1, 0) + tensor(shape=(8,)),
    "data_cut": one(tensor(shape=(8,)), bytes(31)),
    "second_cut": file([tensor("a", (8,)), tensor("b", (8,), offset=32)], data=bytes(63)),
    "trailing": one(tensor(shape=(8,)), bytes(33)),
    "trailing_no_tensors": pad(head(0, 0)) + b"x",
}


def main():
    CORPUS.mkdir(parents=True, exist_ok=True)
    for old in CORPUS.iterdir():
        old.unlink()
    for name, raw in GOOD.items():
        (CORPUS / f"good_{name}").write_bytes(raw)
    for name, raw in BAD.items():
        (CORPUS / f"bad_{name}").write_bytes(raw)
    written(CORPUS / "good_written")
    for path in sorted(CORPUS.glob("good_*")):
        reader = gguf.GGUFReader(path)
        print(f"{path.name}: {len(reader.fields)} fields, {len(reader.tensors)} tensors")
    print(f"{len(BAD)} malformed files")


if __name__ == "__main__":
    main()
