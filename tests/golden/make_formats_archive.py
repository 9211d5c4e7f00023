#!/usr/bin/env python3
"""Writes the fixtures of the .npz and torch readers under tests/corpus/npz and tests/corpus/torch.

    python3 tests/golden/make_formats_archive.py

Needs numpy; the files good_torch_* are written where PyTorch (2.1 or newer) is installed and left alone elsewhere.
Every bad_* file breaks one rule; the tests hold the reader's answer to each of them.
"""
import io
import pickle
import struct
import warnings
import zipfile
import zlib
from pathlib import Path

import numpy as np

try:
    import torch
except ImportError:
    torch = None

CORPUS = Path(__file__).resolve().parents[2] / "tests" / "corpus"


def fresh(folder, *patterns):
    path = CORPUS / folder
    path.mkdir(parents=True, exist_ok=True)
    for pattern in patterns:
        for old in path.glob(pattern):
            old.unlink()
    return path


# ---- zip archives, byte by byte --------------------------------------------------------------------------------------

def deflate(data):
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


class Member:
    """One member and what its two headers say. Names in `local` and `central` replace fields of that header alone."""

    def __init__(self, name, data, method=0, flags=0, descriptor=None, stored=None, local={}, central={}, gap=b"",
                 position=None):
        stored = stored if stored is not None else deflate(data) if method == 8 else data
        self.fields = {"name": name.encode(), "flags": flags, "method": method, "crc": zlib.crc32(data),
                       "stored": len(stored), "size": len(data), "extra": b"", "disk": 0}
        self.bytes, self.descriptor, self.gap, self.position = stored, descriptor, gap, position
        self.local, self.central = local, central
        if descriptor:
            self.fields["flags"] |= 8
            self.local = {"crc": 0, "stored": 0, "size": 0, **local}

    def pack_local(self):
        f = {**self.fields, **self.local}
        head = struct.pack("<IHHHIIIIHH", 0x04034B50, 20, f["flags"], f["method"], 0, f["crc"], f["stored"], f["size"],
                           len(f["name"]), len(f["extra"]))
        g = self.fields
        tail = b""
        if self.descriptor:
            sizes = "<IQQ" if self.descriptor >= 20 else "<III"
            tail = struct.pack(sizes, g["crc"], g["stored"], g["size"])
            if self.descriptor in (16, 24):
                tail = b"PK\7\x08" + tail
        return head + f["name"] + f["extra"] + self.bytes + tail + self.gap

    def pack_central(self, position):
        f = {**self.fields, **self.central}
        return struct.pack("<IHHHHIIIIHHHHHII", 0x02014B50, 20, 20, f["flags"], f["method"], 0, f["crc"], f["stored"],
                           f["size"], len(f["name"]), len(f["extra"]), 0, f["disk"], 0, 0,
                           f.get("position", position)) + f["name"] + f["extra"]


def archive(*members, end={}, zip64=None, comment=b"", prefix=b"", after=b"", directory_gap=b""):
    """A whole archive. `end` replaces fields of the end record, `zip64` of the zip64 end record (None: without)."""
    body, directory = prefix, b""
    for member in members:
        position = len(body) if member.position is None else member.position
        if member.position is None:
            body += member.pack_local()
        directory += member.pack_central(position)
    directory += directory_gap
    fields = {"disk": 0, "count": len(members), "size": len(directory), "offset": len(body)}
    tail = b""
    if zip64 is not None:
        wide = {**fields, "record": 44, "position": len(body) + len(directory), "disks": 1, **zip64}
        tail = struct.pack("<IQHHIIQQQQ", 0x06064B50, wide["record"], 45, 45, 0, wide["disk"], wide["count"],
                           wide["count"], wide["size"], wide["offset"])
        tail += struct.pack("<IIQI", 0x07064B50, 0, wide["position"], wide["disks"])
    fields.update(end)
    tail += struct.pack("<IHHHHIIH", 0x06054B50, fields["disk"], 0, fields["count"], fields["count"], fields["size"],
                        fields["offset"], len(comment)) + comment
    return body + directory + tail + after


# ---- npz -------------------------------------------------------------------------------------------------------------

def npy(array, **options):
    out = io.BytesIO()
    np.lib.format.write_array(out, array, **options)
    return out.getvalue()


def matrix(rows, cols, dtype="<f4"):
    """Element k is k * 37 % 101 - 50: exact in every floating dtype."""
    return (np.arange(rows * cols) * 37 % 101 - 50).astype(dtype).reshape(rows, cols)


class Pipe(io.RawIOBase):
    """An output without seek: writers must put the sizes behind the data."""

    def __init__(self):
        self.parts = []

    def writable(self):
        return True

    def write(self, data):
        self.parts.append(bytes(data))
        return len(data)


def make_npz():
    folder = fresh("npz", "good_*", "bad_*")
    put = lambda name, data: (folder / name).write_bytes(data)
    arrays = {"lm_head.weight": matrix(7, 3), "fortran": np.asfortranarray(matrix(4, 5, "<f8")),
              "big": matrix(3, 2, ">f4"), "half": matrix(2, 9, "<f2"), "steps": np.arange(6)}
    for name, save in (("stored", np.savez), ("deflated", np.savez_compressed)):
        out = io.BytesIO()
        save(out, **arrays)
        put("good_" + name, out.getvalue())
    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as z:
        for name in ("lm_head.weight", "half"):
            with z.open(zipfile.ZipInfo(name + ".npy"), "w") as f:
                f.write(npy(arrays[name]))
    put("good_piped", b"".join(pipe.parts))

    a = npy(matrix(2, 2))
    one = lambda **options: Member("a.npy", a, **options)
    two = Member("b.npy", a)
    wide = struct.pack("<HHQQ", 1, 16, len(a), len(a))
    all_ones = {"stored": 0xFFFFFFFF, "size": 0xFFFFFFFF, "extra": wide}
    put("good_empty", archive())
    put("good_zip64", archive(one(local=all_ones, central=all_ones), zip64={}, end={"offset": 0xFFFFFFFF}))
    for size in (12, 16, 20, 24):
        put("good_descriptor_%d" % size, archive(one(descriptor=size), two))
    put("good_other_members", archive(one(), Member("notes.txt", b"passed over"), Member("folder/", b"")))
    put("good_reordered", reordered(a))

    put("bad_truncated", archive(one())[:-1])
    put("bad_header_only", archive(one())[:40])
    put("bad_bytes_after", archive(one(), after=b"\0"))
    put("bad_comment", archive(one(), comment=b"hello"))
    put("bad_bytes_before", archive(one(), prefix=b"PK\3\4 and the rest of a first archive"))
    put("bad_first_is_missing", archive(one(), two)[len(one().pack_local()):])
    put("bad_gap", archive(one(gap=b"hidden"), two))
    put("bad_gap_like_descriptor", archive(one(gap=b"0123456789ab"), two))
    put("bad_descriptor_missing", archive(one(flags=8), two))
    lying = one(descriptor=16)
    lying.descriptor, lying.gap = None, b"PK\7\x08" + struct.pack("<III", 0, len(a), len(a))
    put("bad_descriptor_crc", archive(lying, two))
    put("bad_directory_gap", archive(one(), directory_gap=b"123"))
    put("bad_directory_offset", archive(one(), end={"offset": 3}))
    put("bad_directory_size", archive(one(), end={"size": 0x7FFFFFFF}))
    put("bad_count_more", archive(one(), end={"count": 2}))
    put("bad_count_less", archive(one(), two, end={"count": 1}))
    put("bad_count_huge", archive(one(), end={"count": 65535}))
    put("bad_disk", archive(one(), end={"disk": 1}))
    put("bad_member_disk", archive(one(central={"disk": 1})))
    put("bad_zip64_disagrees", archive(one(), zip64={"offset": 1}))
    put("bad_zip64_count", archive(one(), zip64={"count": 1 << 60}, end={"count": 65535}))
    put("bad_zip64_position", archive(one(), zip64={"position": 1 << 62}))
    put("bad_zip64_record", archive(one(), zip64={"record": 1 << 40}))
    put("bad_zip64_disks", archive(one(), zip64={"disks": 2}))
    put("bad_zip64_short", archive(one(central={**all_ones, "extra": struct.pack("<HHQ", 1, 8, len(a))})))
    put("bad_zip64_twice", archive(one(central={**all_ones, "extra": wide + wide})))
    too_wide = {**all_ones, "extra": struct.pack("<HHQQ", 1, 16, 1 << 63, 1 << 63)}
    put("bad_zip64_size", archive(one(local=too_wide, central=too_wide)))
    put("bad_extra", archive(one(central={"extra": b"\x99\x99\xff\xff"})))
    put("bad_local_extra", archive(one(local={"extra": b"\x99\x99\xff\xff"})))
    put("bad_encrypted", archive(one(flags=1)))
    put("bad_flags", archive(one(flags=0x40)))
    put("bad_method", archive(one(method=12)))
    put("bad_name_differs", archive(one(local={"name": b"b.npy"})))
    put("bad_size_differs", archive(one(local={"size": 1})))
    put("bad_crc_differs", archive(one(local={"crc": 1})))
    put("bad_method_differs", archive(one(local={"method": 8})))
    put("bad_flags_differ", archive(one(local={"flags": 2})))
    put("bad_name_twice", archive(one(), one()))
    put("bad_name_empty", archive(Member("", b"")))
    put("bad_name_nul", archive(Member("a\0.npy", a)))
    put("bad_stored_size", archive(one(local={"size": 99}, central={"size": 99})))
    too_long = {"stored": 9999, "size": 9999}
    put("bad_member_past_end", archive(one(local=too_long, central=too_long)))
    put("bad_position_past_end", archive(one(central={"position": 0x7FFFFFF0})))
    put("bad_position_wrong", archive(one(central={"position": 1})))
    inner = Member("b.npy", a).pack_local()
    outer = Member("a.npy", inner)
    put("bad_overlap", archive(outer, Member("b.npy", a, position=30 + len("a.npy"))))
    put("bad_bomb", archive(one(method=8, local={"size": 1 << 30}, central={"size": 1 << 30})))
    put("bad_unpacks_to_more", archive(one(method=8, local={"size": 9}, central={"size": 9})))
    put("bad_unpacks_to_less", archive(one(method=8, local={"size": 999}, central={"size": 999})))
    put("bad_packed_garbage", archive(one(method=8, stored=b"\xff" * 40)))
    put("bad_packed_cut", archive(one(method=8, stored=deflate(a)[:-3])))
    put("bad_packed_tail", archive(one(method=8, stored=deflate(a) + b"\0")))
    put("bad_packed_crc", archive(one(method=8, local={"crc": 7}, central={"crc": 7})))
    put("bad_array", archive(Member("a.npy", a[:-1])))
    put("bad_array_of_objects", archive(Member("a.npy", npy(np.array([{}], dtype=object), allow_pickle=True))))
    put("bad_array_name", archive(Member("\x80.npy", a, local={"name": b"\x80.npy"}, central={"name": b"\x80.npy"})))
    # Opens, because a stored member's checksum is compared when its array is first used.
    put("good_until_used", archive(one(local={"crc": 7}, central={"crc": 7})))


def reordered(a):
    """A directory that lists the members in another order than they lie in."""
    first, second = Member("z.npy", a), Member("a.npy", a)
    data = first.pack_local() + second.pack_local()
    directory = second.pack_central(len(first.pack_local())) + first.pack_central(0)
    return data + directory + struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, 2, 2, len(directory), len(data), 0)


# ---- pickles, instruction by instruction -----------------------------------------------------------------------------

PROTO, STOP, MARK, NONE, TRUE, FALSE = b"\x80\2", b".", b"(", b"N", b"\x88", b"\x89"
EMPTY_DICT, EMPTY_LIST, EMPTY_TUPLE, TUPLE, TUPLE1, TUPLE2 = b"}", b"]", b")", b"t", b"\x85", b"\x86"
SETITEM, SETITEMS, APPEND, APPENDS, REDUCE, BUILD, PERSID = b"s", b"u", b"a", b"e", b"R", b"b", b"Q"


def number(n):
    if -(1 << 31) <= n < 1 << 31:
        return b"J" + struct.pack("<i", n)
    data = n.to_bytes(n.bit_length() // 8 + 1, "little", signed=True)
    return b"\x8a" + bytes([len(data)]) + data


def text(s):
    s = s.encode() if isinstance(s, str) else s
    return b"X" + struct.pack("<I", len(s)) + s


def glob(module, name):
    return b"c" + module.encode() + b"\n" + name.encode() + b"\n"


def tup(*items):
    return MARK + b"".join(items) + TUPLE


ORDERED = glob("collections", "OrderedDict")
HOOKS = ORDERED + EMPTY_TUPLE + REDUCE


def storage(key="0", count=6, cls="FloatStorage"):
    return tup(text("storage"), glob("torch", cls), text(key), text("cpu"), number(count)) + PERSID


def tensor(shape=(2, 3), stride=(3, 1), offset=0, store=None, tail=b"", rebuild="_rebuild_tensor_v2"):
    sizes = lambda values: tup(*[number(v) for v in values])
    return glob("torch._utils", rebuild) + tup(store or storage(), number(offset), sizes(shape), sizes(stride), FALSE,
                                               HOOKS, tail) + REDUCE


def state(*pairs):
    """PROTO {key: value, ...} STOP"""
    return PROTO + EMPTY_DICT + MARK + b"".join(text(k) + v for k, v in pairs) + SETITEMS + STOP


SIX = struct.pack("<6f", *range(6))


def saved(program, *more, root="archive", data=SIX, **options):
    """A torch archive around a pickle: one storage "0" unless data is None."""
    members = [Member(root + "/data.pkl", program), Member(root + "/version", b"3\n")]
    if data is not None:
        members.append(Member(root + "/data/0", data))
    return archive(*members, *more, **options)


def one_tensor(**options):
    return saved(state(("w", tensor(**options))))


def make_torch_bad(put):
    w = ("w", tensor())
    # what is not an archive of tensors
    put("legacy", pickle.dumps(0x1950A86A20F9469CFC6C, 2) + pickle.dumps(1001, 2))
    put("tar", bytes(257) + b"ustar" + bytes(300))
    put("no_pickle", archive(Member("archive/data/0", SIX)))
    put("pickle_too_deep", archive(Member("a/b/data.pkl", state(w))))
    put("two_pickles", saved(state(w), Member("other/data.pkl", state(w))))
    put("torchscript", saved(state(w), Member("archive/constants.pkl", state()), Member("archive/code/m.py", b"0")))
    put("pickle_compressed", archive(Member("archive/data.pkl", state(w), method=8)))
    put("pickle_crc", archive(Member("archive/data.pkl", state(w), local={"crc": 1}, central={"crc": 1})))
    put("byteorder", saved(state(w), Member("archive/byteorder", b"middle")))
    # programs
    put("os_system", saved(PROTO + glob("os", "system") + tup(text("echo pwned")) + REDUCE + STOP))
    put("eval", saved(PROTO + glob("builtins", "eval") + tup(text("1")) + REDUCE + STOP))
    put("stack_global", saved(b"\x80\4" + text("posix") + text("system") + b"\x93" + tup(text("true")) + REDUCE + STOP))
    put("stack_global_number", saved(b"\x80\4" + number(1) + text("system") + b"\x93" + STOP))
    put("dotted_global", saved(PROTO + glob("torch", "FloatStorage.__init__") + STOP))
    put("module_as_name", saved(PROTO + glob("torch", "serialization\rload") + STOP))
    put("inst", saved(PROTO + MARK + b"ios\nsystem\n" + STOP))
    put("obj", saved(PROTO + MARK + glob("collections", "OrderedDict") + b"o" + STOP))
    put("newobj", saved(PROTO + ORDERED + EMPTY_TUPLE + b"\x81" + STOP))
    put("ext1", saved(PROTO + b"\x82\1" + STOP))
    put("out_of_band", saved(b"\x80\5\x97" + STOP))
    put("unknown_code", saved(PROTO + b"\xff" + STOP))
    put("protocol_0", saved(b"(dp0\n."))
    put("protocol_6", saved(b"\x80\6" + NONE + STOP))
    put("protocol_late", saved(NONE + b"\x80\2" + STOP))
    # the machine
    put("empty_pickle", saved(b""))
    put("no_stop", saved(PROTO + NONE))
    put("stop_on_nothing", saved(PROTO + STOP))
    put("stop_with_two", saved(PROTO + NONE + NONE + STOP))
    put("stop_in_mark", saved(PROTO + NONE + MARK + STOP))
    put("bytes_after_stop", saved(PROTO + NONE + STOP + b"x"))
    put("text_cut", saved(PROTO + b"X\xff\0\0\0abc"))
    put("text_huge", saved(PROTO + b"\x8d" + b"\xff" * 8 + STOP))
    put("line_cut", saved(PROTO + b"ctorch"))
    put("frame", saved(b"\x80\4\x95" + struct.pack("<Q", 1 << 40) + NONE + STOP))
    put("memo_unset", saved(PROTO + b"h\7" + STOP))
    put("memo_huge", saved(PROTO + NONE + b"r\xff\xff\xff\xff" + STOP))
    put("memo_of_nothing", saved(PROTO + b"q\0" + NONE + STOP))
    put("mark_missing", saved(PROTO + TUPLE + STOP))
    put("under_mark", saved(PROTO + NONE + NONE + MARK + TUPLE2 + STOP))
    put("append_to_dict", saved(PROTO + EMPTY_DICT + NONE + APPEND + STOP))
    put("appends_to_tuple", saved(PROTO + EMPTY_TUPLE + MARK + NONE + APPENDS + STOP))
    put("setitem_on_list", saved(PROTO + EMPTY_LIST + NONE + NONE + SETITEM + STOP))
    put("setitems_on_tensor", saved(PROTO + tensor() + MARK + text("a") + NONE + SETITEMS + STOP))
    put("setitems_odd", saved(PROTO + EMPTY_DICT + MARK + text("a") + SETITEMS + STOP))
    put("setitems_on_nothing", saved(PROTO + MARK + text("a") + NONE + SETITEMS + STOP))
    put("additems_to_list", saved(b"\x80\4" + EMPTY_LIST + MARK + NONE + b"\x90" + STOP))
    put("key_is_list", saved(PROTO + EMPTY_DICT + EMPTY_LIST + NONE + SETITEM + STOP))
    put("reduce_text", saved(PROTO + text("os.system") + EMPTY_TUPLE + REDUCE + STOP))
    put("reduce_with_list", saved(PROTO + ORDERED + EMPTY_LIST + REDUCE + STOP))
    put("reduce_storage_class", saved(PROTO + glob("torch", "FloatStorage") + tup(number(4)) + REDUCE + STOP))
    put("build_on_tuple", saved(PROTO + EMPTY_TUPLE + EMPTY_DICT + BUILD + STOP))
    put("build_on_tensor", saved(PROTO + tensor() + EMPTY_DICT + BUILD + STOP))
    put("ordered_dict_with_items", saved(PROTO + ORDERED + tup(EMPTY_LIST) + REDUCE + STOP))
    # storages and tensors
    put("persistent_text", saved(PROTO + text("storage") + PERSID + STOP))
    put("persistent_module", saved(PROTO + tup(text("module"), glob("torch", "FloatStorage"), text("0"), text("cpu"),
                                               number(6)) + PERSID + STOP))
    put("persistent_short", saved(PROTO + tup(text("storage"), glob("torch", "FloatStorage"), text("0")) + PERSID
                                  + STOP))
    rebuild = lambda *args: saved(PROTO + glob("torch._utils", "_rebuild_tensor_v2") + tup(*args) + REDUCE + STOP)
    put("rebuild_few_arguments", rebuild(storage()))
    put("rebuild_text_offset", rebuild(storage(), text("0"), EMPTY_TUPLE, EMPTY_TUPLE, FALSE, HOOKS))
    put("rebuild_no_storage", rebuild(NONE, number(0), EMPTY_TUPLE, EMPTY_TUPLE, FALSE, HOOKS))
    metadata = EMPTY_DICT + text("neg") + TRUE + SETITEM
    put("rebuild_metadata", one_tensor(tail=metadata))
    put("untyped_without_dtype", one_tensor(rebuild="_rebuild_tensor_v3"))
    put("storage_missing", one_tensor(store=storage("1")))
    put("storage_path", one_tensor(store=storage("../data.pkl")))
    put("storage_count", one_tensor(store=storage(count=5)))
    put("storage_count_negative", one_tensor(store=storage(count=-6)))
    put("storage_count_overflow", one_tensor(store=storage(count=(1 << 62) + 6)))
    put("storage_class", one_tensor(store=storage(cls="DoubleStorage")))
    put("storage_quantised", one_tensor(store=storage(cls="QInt8Storage")))
    put("storage_compressed", archive(Member("archive/data.pkl", state(w)), Member("archive/data/0", SIX, method=8)))
    put("offset_outside", one_tensor(offset=1))
    put("offset_negative", one_tensor(offset=-1))
    put("offset_overflow", one_tensor(offset=(1 << 63) - 1))
    put("offset_long", one_tensor(offset=1 << 64))
    put("stride_outside", one_tensor(stride=(4, 1)))
    put("stride_negative", one_tensor(stride=(-3, 1)))
    put("stride_overflow", one_tensor(stride=(1 << 62, 1 << 62)))
    put("stride_wraps", one_tensor(shape=(5, 3), stride=(1 << 62, 1)))
    put("stride_missing", one_tensor(stride=(1,)))
    put("stride_text", rebuild(storage(), number(0), tup(number(2)), tup(text("1")), FALSE, HOOKS))
    put("shape_outside", one_tensor(shape=(3, 3)))
    put("shape_negative", one_tensor(shape=(-2, 3)))
    put("shape_overflow", one_tensor(shape=(1 << 32, 1 << 32), stride=(0, 0)))
    put("shape_nine", one_tensor(shape=(1,) * 9, stride=(1,) * 9))
    # names
    put("key_twice", saved(state(w, w)))
    put("key_number_twice", saved(PROTO + EMPTY_DICT + MARK + (number(1) + tensor()) * 2 + SETITEMS + STOP))
    put("name_nul", saved(state(("a\0b", tensor()))))
    put("name_not_utf8", saved(state((b"\xff", tensor()))))
    put("name_long", saved(state(("x" * 2000, tensor()))))
    put("nested_deep", saved(PROTO + EMPTY_LIST * 70 + APPEND * 69 + STOP))


def make_torch_good_by_hand(put):
    put("lists", saved(PROTO + EMPTY_LIST + tensor(shape=(6,), stride=(1,)) + APPEND + tensor() + APPEND + STOP))
    put("alone", saved(PROTO + tensor() + STOP))
    put("nothing", saved(PROTO + NONE + STOP, data=None))
    put("cycle", saved(PROTO + EMPTY_LIST + b"q\0" + MARK + b"h\0" + tensor() + b"h\0" + APPENDS + STOP))
    laughs = EMPTY_LIST + b"q\0"
    for level in range(1, 60):
        laughs += EMPTY_LIST + bytes([ord("q"), level]) + MARK + bytes([ord("h"), level - 1]) * 20 + APPENDS
    put("laughs", saved(PROTO + MARK + laughs + TUPLE + STOP, data=None))
    swapped = struct.pack(">6f", *range(6))
    put("big_endian", saved(state(("w", tensor())), Member("archive/byteorder", b"big"), data=swapped))
    put("little_endian", saved(state(("w", tensor())), Member("archive/byteorder", b"little")))
    put("expanded", one_tensor(shape=(1 << 20, 1 << 20), stride=(0, 0)))
    put("overlapping", one_tensor(shape=(3, 4), stride=(1, 1)))
    put("empty", saved(state(("w", tensor(shape=(0, 3), store=storage(count=0)))), data=b""))
    damaged = Member("archive/data/0", SIX, local={"crc": 3}, central={"crc": 3})
    put("storage_crc", saved(state(("w", tensor())), damaged, data=None))
    put("tensor_keys", saved(PROTO + EMPTY_DICT + MARK + NONE + NONE + number(7) + tensor() + EMPTY_TUPLE + tensor()
                             + SETITEMS + STOP))


def make_torch_by_torch(put):
    """What PyTorch itself writes; values as in matrix()."""
    def value(rows, cols, dtype):
        return torch.from_numpy(matrix(rows, cols, "<f8").copy()).to(dtype)

    def save(name, data, **options):
        out = io.BytesIO()
        torch.save(data, out, **options)
        put(name, out.getvalue())

    floating = {"F32": torch.float32, "F64": torch.float64, "F16": torch.float16, "BF16": torch.bfloat16}
    other = {"I8": torch.int8, "I16": torch.int16, "I32": torch.int32, "I64": torch.int64, "BOOL": torch.bool,
             "F8_E4M3": torch.float8_e4m3fn, "F8_E5M2": torch.float8_e5m2, "C64": torch.complex64}
    save("dtypes", {name: value(3, 5, dtype) for name, dtype in {**floating, **other}.items()})
    base = value(6, 8, torch.float32)
    save("views", {"base": base, "transposed": base.T, "rows": base[2:5], "block": base[1:4, 2:7],
                   "column": base[:, 3], "every_other": base[::2, ::3], "scalar": base[1, 1], "none": base[:0],
                   "expanded": base[:1].expand(9, 8)})
    layer = torch.nn.Parameter(value(7, 3, torch.float32))
    noted = torch.nn.Parameter(value(2, 3, torch.float32))
    noted.note = "kept as state"
    save("parameters", {"lm_head.weight": layer, "noted": noted})
    torch.manual_seed(0)
    embedding = torch.nn.Embedding(7, 3)
    head = torch.nn.Linear(3, 7, bias=False)
    head.weight = embedding.weight
    model = torch.nn.ModuleDict({"tok_emb": embedding, "lm_head": head})
    with torch.no_grad():
        embedding.weight.copy_(value(7, 3, torch.float32))
    adam = torch.optim.AdamW(model.parameters())
    model["lm_head"](model["tok_emb"](torch.tensor([1, 2]))).sum().backward()
    adam.step()
    with torch.no_grad():
        embedding.weight.copy_(value(7, 3, torch.float32))
    training = {"model": model.state_dict(), "optimizer": adam.state_dict(),
                "ema": {"tok_emb.weight": value(7, 3, torch.float32) * 0.5}, "step": 1000, "loss": np.float64(2.5),
                "random": {"numpy": np.random.RandomState(0).get_state()[1][:2], "torch": torch.get_rng_state()[:8]},
                "size": torch.Size([7, 3]), "device": torch.device("cpu"), "dtype": torch.float32, "seed": 1 << 70,
                "names": {"a"}}
    for protocol in (2, 3, 4, 5):
        save("training_%d" % protocol, training, pickle_protocol=protocol)


def make_torch():
    folder = fresh("torch", "bad_*", "good_made_*", "pickle_*")
    write = lambda prefix: lambda name, data: (folder / (prefix + name)).write_bytes(data)
    # For the storages that the fuzz target puts around a pickle: "0" of 84 bytes, "1" of 24.
    whole, small = storage(count=21), storage("1", 6)
    write("pickle_")("views", state(
        ("lm_head.weight", tensor((7, 3), (3, 1), 0, whole)), ("turned", tensor((3, 7), (1, 3), 0, whole)),
        ("part", tensor((2, 2), (3, 1), 4, whole)), ("wte.weight", tensor((2, 3), (3, 1), 0, small)),
        ("halves", tensor((3, 4), (4, 1), 0, storage("1", 12, "BFloat16Storage"))),
        ("wide", tensor((9, 9), (0, 0), 0, small)),
        ("parameter", glob("torch._utils", "_rebuild_parameter") + tup(tensor(store=small), TRUE, HOOKS) + REDUCE)))
    make_torch_bad(write("bad_"))
    make_torch_good_by_hand(write("good_made_"))
    if torch is None:
        print("PyTorch is not installed: good_torch_* stay as they are")
        return
    fresh("torch", "good_torch_*")
    make_torch_by_torch(write("good_torch_"))
    for name in ("good_torch_training_2", "good_torch_training_5", "good_torch_dtypes", "good_made_cycle"):
        with zipfile.ZipFile(folder / name) as z:  # where a fuzzer may break programs without breaking archives
            (folder / name.replace("good", "pickle")).write_bytes(z.read("archive/data.pkl"))
    check_against_torch(folder)
    make_sums()


# Files that PyTorch loads and we refuse: sloppy pickles, tensors with a meaning besides their elements
# (rebuild_metadata, build_on_tensor), and more levels, dimensions or letters than any checkpoint has.
STRICTER = {"build_on_tensor", "bytes_after_stop", "key_number_twice", "key_twice", "memo_huge", "name_long",
            "name_nul", "nested_deep", "newobj", "ordered_dict_with_items", "protocol_6", "protocol_late",
            "rebuild_metadata", "reduce_with_list", "shape_nine", "stop_with_two"}


def check_against_torch(folder):
    def accepts(path):
        try:
            torch.load(path, weights_only=True)
            return True
        except Exception:
            return False

    warnings.simplefilter("ignore")
    for path in folder.glob("good_made_*"):
        assert accepts(path), "PyTorch refuses %s" % path.name
    accepted = {path.name[4:] for path in folder.glob("bad_*") if accepts(path)}
    assert accepted == STRICTER, accepted ^ STRICTER


def make_sums():
    """What PyTorch reads from the sample checkpoints: the CRC-32 of each head's bytes."""
    root = CORPUS.parents[1]
    lines = []
    for path in sorted((root / "examples" / "data" / "hybridstories").glob("step_*.pt")):
        head = torch.load(path, map_location="cpu", weights_only=True)["model"]["tok_emb.weight"]
        lines.append("%s %08x\n" % (path.name, zlib.crc32(head.numpy().tobytes())))
    (root / "tests" / "golden" / "hybridstories_sums.txt").write_text("".join(lines))


if __name__ == "__main__":
    make_npz()
    make_torch()
