#!/usr/bin/env python3
"""Writes small tokenizers to tests/golden/tokenizers, malformed ones to tests/corpus/tokenizer, and what Hugging Face
tokenizers makes of texts with the sound ones to tests/golden/tokenizers.json. Given the folder of shared data, also checksums of whole books with the real tokenizers of
GPT-2 and GPT-NeoX. Needs `pip install tokenizers`; made with version 0.23.3.

    make_tokenizers.py [SHARED_DATA]
"""

import json
import os
import struct
import sys
import zlib

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

HERE = os.path.dirname(os.path.abspath(__file__))
SOUND = os.path.join(HERE, "tokenizers")
CORPUS = os.path.join(HERE, "..", "corpus", "tokenizer")
LOW_LINE = "\u2581"

LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
          r"|\s+(?!\S)|\s+")
QWEN2 = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")

PROSE = """It was the best of times, it was the worst of times, it was the age of wisdom, it was the age of foolishness.
    def add(self, other):
        return self.value + other.value  # 12 + 345 = 357

The quick brown fox doesn't jump over the lazy dog; he'll say he's 1,234.56 metres high and they've said "no".\r\n
Caf\u00e9 na\u00efve \u00fcber stra\u00dfe \u043f\u0440\u0438\u0432\u0435\u0442 \u043c\u0438\u0440 \u4f60\u597d\u4e16\u754c \u3053\u3093\u306b\u3061\u306f \uc548\ub155\ud558\uc138\uc694
"""

TEXTS = [
    "", " ", "  ", "a", " a", "a ", "\n", "\r\n", "\t\tx", PROSE, PROSE.replace(" ", "  "), PROSE.upper(),
    "I'M it's IT'S don\u2019t we'Ll '\u017f '\u212a 'S'T'RE'VE'M'LL'D 'sT",
    "0 12 345 6789 1234567890 \u0661\u0662\u0663 \u00bd\u2460\u2167 x2y3z \U0001d7d8\U00010d40\U00016d70",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466 \U0001f44d\U0001f3fd \U0001f1e9\U0001f1ea\U0001f1eb\U0001f1f7 \u2764\ufe0f",
    "e\u0301 \u00e9 A\u030a \u212b o\u0302\u0323 o\u0323\u0302 \u1ed9 \u0344 \u0958 \u2126 a\u0300\u0301\u0302\u0323\u0324\u0325",
    "\u1112\u1161\u11ab\u1100\u1173\u11af \ud55c\uae00 \ufb01 \ufb03 \uff21\uff22 \u3392 \u01c4 \u00b5 \u2075",
    "\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35 \u0928\u092e\u0938\u094d\u0924\u0947 \u0645\u0631\u062d\u0628\u0627 \u05e9\u05dc\u05d5\u05dd",
    "zero\u200bwidth\u200c\u200djoin\u2060\ufeffbom \u00adsoft \u061c\u202e\u2066bidi\u2069",
    "\u00a0\u1680\u2000\u2009\u200a\u2028\u2029\u202f\u205f\u3000\u180e\u0085x\u0085 y\u3000z",
    "\x01\x02\x07\x08\x0b\x0c\x1b\x1c\x1d\x1e\x1f\x7f \x80\x9f",
    "\u4e00\u9fff\u3400\U00020000\U0002a6df\U00031350\U0002ebf0 \U00011f02\U00016100\u1c89\ua7cb\U0001e4d0 \u0897 \U0001e5f0",
    "\ue000\uf8ff\U000f0000\U0010fffd\ufffe\uffff\ufffd\u0378\U000e0001",
    " " * 100 + "x" + " " * 33 + "\n" * 20 + "\t" * 9 + " \n \n" * 5 + " " * 7,
    "x" * 300 + " " + "ab" * 200 + "-" * 70 + "=" * 33 + "!?" * 20,
    "<s> a <s>b</s><unk><pad>  <mask>  c <MASK> <|endoftext|>d<|endoftext|> <left>  x  <both>  y  <right>  z<0x41><0xe9>",
    "<mask> <mask><mask>  <both> <both>\n<left><right> \u3000<both>\u3000 <norm> a<norm>  e\u0301<\u00e9> <e\u0301>",
    LOW_LINE + " " + LOW_LINE * 3 + "a" + LOW_LINE + "b " + LOW_LINE + " c" + LOW_LINE,
    "  leading and trailing  ", "a\u0000b\u0000\u0000 c", "\u1234", "q\u0301\u0301 \u0301 \u0301x", "\ud7a3\u11a8 \u0b47\u0b3e",
    "https://example.org/a?b=c&d=%20#e f@g.hi $1.00 50% C++ x_y __init__ --flag A.B.C. ...\u2026",
]


def long_word(size: int = 1_000_000) -> str:
    """Letters without a space, from a generator that the test repeats."""
    state, letters = 1, []
    for _ in range(size):
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        letters.append(chr(ord("a") + (state >> 16) % 26))
    return "".join(letters)


def trained(pre_tokenizer, size: int, normalizer=None, alphabet=True) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizer
    if normalizer:
        tokenizer.normalizer = normalizer
    initial = pre_tokenizers.ByteLevel.alphabet() if alphabet else []
    trainer = trainers.BpeTrainer(vocab_size=size, initial_alphabet=initial, show_progress=False)
    tokenizer.train_from_iterator([PROSE, PROSE.upper(), PROSE.replace(" ", "  ")], trainer)
    return tokenizer


def byte_level(**how):
    return pre_tokenizers.ByteLevel(**{"add_prefix_space": False, **how})


def split(pattern: str, behavior="isolated", **how):
    return pre_tokenizers.Split(Regex(pattern), behavior, **how)


def byte_level_tokenizer(pre_tokenizer, normalizer=None) -> Tokenizer:
    tokenizer = trained(pre_tokenizer, 420, normalizer)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    return tokenizer


def with_model(tokenizer: Tokenizer, extra=(), **members) -> Tokenizer:
    """Changes members of the model that the Python API does not offer, and adds tokens in front of the vocabulary."""
    data = json.loads(tokenizer.to_str())
    data["model"].update(members)
    vocabulary = data["model"]["vocab"]
    names = list(extra) + [t for t, _ in sorted(vocabulary.items(), key=lambda item: item[1]) if t not in extra]
    data["model"]["vocab"] = {name: i for i, name in enumerate(names)}
    return Tokenizer.from_str(json.dumps(data))


def characters(pre_tokenizer, extra, **members) -> Tokenizer:
    """A BPE of characters, trained on words that begin with a low line."""
    base = trained(pre_tokenizers.Metaspace(), 260, alphabet=False)
    tokenizer = with_model(base, extra, **members)
    data = json.loads(tokenizer.to_str())
    data["pre_tokenizer"] = None
    tokenizer = Tokenizer.from_str(json.dumps(data))
    if pre_tokenizer:
        tokenizer.pre_tokenizer = pre_tokenizer
    return tokenizer


BYTES = [f"<0x{byte:02X}>" for byte in range(256)]


def make_all() -> dict:
    made = {}
    made["gpt2"] = byte_level_tokenizer(byte_level())
    made["gpt2"].add_special_tokens(["<|endoftext|>"])

    t = made["prefix"] = byte_level_tokenizer(byte_level(add_prefix_space=True))
    t.add_tokens([AddedToken("<left>", lstrip=True, normalized=False), AddedToken("<right>", rstrip=True, normalized=False),
                  AddedToken("<both>", lstrip=True, rstrip=True), AddedToken("<norm>", normalized=True),
                  AddedToken("<mas", normalized=False), AddedToken("\u00e9", normalized=False)])
    t.add_special_tokens([AddedToken("<mask>", lstrip=True), "<s>", "</s>"])
    t.post_processor = processors.RobertaProcessing(("</s>", t.token_to_id("</s>")), ("<s>", t.token_to_id("<s>")))

    t = byte_level_tokenizer(pre_tokenizers.Sequence([split(LLAMA3), byte_level(use_regex=False)]))
    t = made["llama3"] = with_model(t, ["\u0120worst"], ignore_merges=True)
    t.add_special_tokens(["<s>", "<|endoftext|>"])
    t.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=False), processors.TemplateProcessing(
        single="<s> $A <|endoftext|>", special_tokens=[(s, t.token_to_id(s)) for s in ("<s>", "<|endoftext|>")])])

    made["qwen2"] = byte_level_tokenizer(
        pre_tokenizers.Sequence([split(QWEN2), byte_level(use_regex=False)]), normalizers.NFC())
    made["qwen2"].add_tokens([AddedToken("<\u00e9>", normalized=True)])
    made["smollm"] = byte_level_tokenizer(pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), byte_level()]))
    t = made["neox"] = byte_level_tokenizer(byte_level(), normalizers.NFC())
    t.add_tokens([AddedToken(" " * n, normalized=True) for n in range(24, 1, -1)])
    t.add_special_tokens(["<|endoftext|>", "<pad>"])

    for name, form in (("nfd", normalizers.NFD()), ("nfkc", normalizers.NFKC()), ("nfkd", normalizers.NFKD())):
        made[name] = byte_level_tokenizer(byte_level(), form)
    for behavior in ("removed", "merged_with_previous", "merged_with_next", "contiguous"):
        made[behavior] = byte_level_tokenizer(
            pre_tokenizers.Sequence([split(r"[aeiou ]", behavior), split(r"\P{L}\s|[A-Z]", behavior, invert=behavior > "m"),
                                     pre_tokenizers.Digits(individual_digits=False), byte_level(use_regex=False)]))

    t = made["llama2"] = characters(None, ["<unk>", "<s>", "</s>"] + BYTES, unk_token="<unk>", byte_fallback=True, fuse_unk=True)
    t.normalizer = normalizers.Sequence([normalizers.Prepend(LOW_LINE), normalizers.Replace(" ", LOW_LINE)])
    t.add_special_tokens(["<unk>", "<s>", "</s>"])
    t.add_tokens([AddedToken("<norm>", normalized=True)])
    t.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    t.decoder = decoders.Sequence([decoders.Replace(LOW_LINE, " "), decoders.ByteFallback(), decoders.Fuse(),
                                   decoders.Strip(" ", 1, 0)])

    t = made["gemma"] = characters(pre_tokenizers.Split(" ", "merged_with_previous"), ["<pad>", "</s>", "<s>", "<unk>"] + BYTES,
                                   unk_token="<unk>", byte_fallback=True, fuse_unk=True)
    t.normalizer = normalizers.Replace(" ", LOW_LINE)
    t.add_special_tokens(["<pad>", "</s>", "<s>", "<unk>"])
    t.decoder = decoders.Sequence([decoders.Replace(LOW_LINE, " "), decoders.ByteFallback(), decoders.Fuse()])

    t = made["metaspace_first"] = characters(pre_tokenizers.Metaspace(prepend_scheme="first", split=False),
                                             ["<unk>", "<s>", "</s>"] + BYTES, unk_token="<unk>", byte_fallback=True)
    t.add_special_tokens(["<unk>", "<s>", AddedToken("</s>", rstrip=True)])
    t.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Metaspace(prepend_scheme="first", split=False)])
    made["metaspace_split"] = characters(pre_tokenizers.Metaspace(), ["<unk>"], unk_token="<unk>", fuse_unk=False)
    made["unknown_fused"] = characters(pre_tokenizers.Metaspace(prepend_scheme="never", split=False), ["<unk>"],
                                       unk_token="<unk>", fuse_unk=True)
    made["unknown_bytes"] = characters(None, ["<unk>"] + BYTES[:0xC4], unk_token="<unk>", byte_fallback=True, fuse_unk=True)
    made["unknown_dropped"] = characters(None, [])
    return made


def checksum(ids) -> int:
    return zlib.crc32(struct.pack(f"<{len(ids)}i", *ids))


def cases(tokenizer: Tokenizer) -> list:
    # What a token found in normalized text decodes to differs between versions of tokenizers.
    vague = {i for i, token in tokenizer.get_added_tokens_decoder().items() if token.normalized}
    made = []
    for text in TEXTS:
        ids = tokenizer.encode(text).ids
        case = {"ids": ids, "bare": tokenizer.encode(text, add_special_tokens=False).ids}
        decoded = tokenizer.decode(ids, skip_special_tokens=True) if tokenizer.decoder and not vague & set(ids) else "\ufffd"
        if "\ufffd" not in decoded:
            case["decoded"] = decoded.encode().hex()
        made.append(case)
    return made


def llama2c_tokens(path: str) -> list:
    with open(path, "rb") as file:
        data = file.read()
    at, tokens = 4, []
    while at < len(data):
        score, length = struct.unpack_from("<fi", data, at)
        tokens.append((data[at + 8:at + 8 + length], score))
        at += 8 + length
    return tokens


def llama2c_encode(tokens: list, text: bytes) -> list:
    """What encode() of llama2.c's run.c does, step by step: BOS, a space, characters, then the best pair over and over."""
    numbers = {}
    for i, (spelling, _) in enumerate(tokens):
        numbers.setdefault(spelling, i)
    ids = [numbers[b" "]] if text else []
    for character in text.decode():
        spelling = character.encode()
        ids += [numbers[spelling]] if spelling in numbers else [byte + 3 for byte in spelling]
    while True:
        best, at = -1e10, None
        for i in range(len(ids) - 1):
            merged = numbers.get(tokens[ids[i]][0] + tokens[ids[i + 1]][0])
            if merged is not None and tokens[merged][1] > best:
                best, at, number = tokens[merged][1], i, merged
        if at is None:
            return [1] + ids
        ids[at:at + 2] = [number]


def llama2c(data: str) -> list:
    """Texts with tok512.bin; checked against what an independent evaluator was given."""
    tokens = llama2c_tokens(os.path.join(HERE, "..", "..", "examples", "data", "stories260K", "tok512.bin"))
    if data:
        with open(os.path.join(data, "models", "stories260K", "reference_nll_first3stories.tsv"), encoding="utf-8") as file:
            rows = [line.split("\t") for line in file.read().splitlines()[1:]]
        with open(os.path.join(data, "text", "tinystories-1000.json"), encoding="utf-8") as file:
            stories = json.load(file)[:3]
        for i, story in enumerate(stories):
            given = [int(row[2]) for row in rows if row[0] == str(i)]
            assert llama2c_encode(tokens, story.encode())[:len(given)] == given
    return [None if "\0" in text else llama2c_encode(tokens, text.encode()) for text in TEXTS]


def gguf(values: dict) -> bytes:
    """A GGUF file of version 3 without tensors; values are (type, value), arrays (9, (type, values))."""
    formats = {4: "<I", 5: "<i", 6: "<f", 7: "<B"}

    def string(text) -> bytes:
        data = text if isinstance(text, bytes) else text.encode()
        return struct.pack("<Q", len(data)) + data

    def plain(kind, value) -> bytes:
        return string(value) if kind == 8 else struct.pack(formats[kind], value)

    out = b"GGUF" + struct.pack("<IQQ", 3, 0, len(values))
    for key, (kind, value) in values.items():
        out += string(key) + struct.pack("<I", kind)
        if kind == 9:
            out += struct.pack("<IQ", value[0], len(value[1])) + b"".join(plain(value[0], item) for item in value[1])
        else:
            out += plain(kind, value)
    return out


def write_gguf(made: dict) -> None:
    """tok512 and smollm once more, the way llama.cpp keeps them."""
    tokens = llama2c_tokens(os.path.join(HERE, "..", "..", "examples", "data", "stories260K", "tok512.bin"))
    kinds = [2, 3, 3] + [6] * 256 + [1] * (len(tokens) - 259)
    key = "tokenizer.ggml."
    llama = {key + "model": (8, "llama"), key + "tokens": (9, (8, [t.replace(b" ", LOW_LINE.encode()) for t, _ in tokens])),
             key + "scores": (9, (6, [score for _, score in tokens])), key + "token_type": (9, (5, kinds)),
             key + "bos_token_id": (4, 1), key + "eos_token_id": (4, 2), key + "unknown_token_id": (4, 0)}
    model = json.loads(made["smollm"].to_str())["model"]
    smollm = {key + "model": (8, "gpt2"), key + "pre": (8, "smollm"), key + "tokens": (9, (8, list(model["vocab"]))),
              key + "merges": (9, (8, [" ".join(merge) for merge in model["merges"]])), key + "add_bos_token": (7, 0)}
    for name, values in (("llama", llama), ("smollm", smollm)):
        with open(os.path.join(SOUND, name + ".gguf"), "wb") as file:
            file.write(gguf(values))


def tiny(**members) -> dict:
    """A sound tokenizer.json of a few tokens, with some members changed; model_X changes X of the model."""
    model = {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2, "\u0120": 3, "\u0120a": 4}, "merges": ["a b", ["\u0120", "a"]]}
    made = {"added_tokens": [], "normalizer": None, "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False},
            "post_processor": None, "decoder": {"type": "ByteLevel"}, "model": model}
    for name, value in members.items():
        (model if name.startswith("model_") else made)[name.removeprefix("model_")] = value
    return made


def regex(pattern: str) -> dict:
    split_by = {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}
    return {"type": "Sequence", "pretokenizers": [split_by, {"type": "ByteLevel", "use_regex": False}]}


def template(single: list) -> dict:
    return {"type": "TemplateProcessing", "single": single, "special_tokens": {"a": {"id": "a", "ids": [0]}, "x": {"ids": [99]}}}


def added(**how) -> list:
    return [{"id": 5, "content": "<s>", "special": True, **how}]


def write_malformed() -> None:
    text, special = {"Sequence": {"id": "A"}}, {"SpecialToken": {"id": "x"}}
    bad = {
        "wordpiece": tiny(model={"type": "WordPiece", "vocab": {"a": 0}}),
        "unigram": tiny(model_type="Unigram"),
        "no_model_type": tiny(model={"vocab": {"a": 0}}),
        "vocab_list": tiny(model_vocab=["a"]),
        "empty_vocab": tiny(model_vocab={}, model_merges=[]),
        "negative_number": tiny(model_vocab={"a": -1}),
        "huge_number": tiny(model_vocab={"a": 0, "b": 2000000000}),
        "same_number": tiny(model_vocab={"a": 0, "b": 0}),
        "merges_object": tiny(model_merges={}),
        "merge_of_three": tiny(model_merges=["a b c"]),
        "merge_without_space": tiny(model_merges=["ab"]),
        "merge_number": tiny(model_merges=[["a", 1]]),
        "merge_unknown": tiny(model_merges=["b a"]),
        "unknown_missing": tiny(model_unk_token="<unk>"),
        "affix": tiny(model_end_of_word_suffix="</w>"),
        "dropout": tiny(model_dropout=0.1),
        "fallback_of_bytes": tiny(model_byte_fallback=True),
        "lowercase": tiny(normalizer={"type": "Lowercase"}),
        "replace_regex": tiny(normalizer={"type": "Replace", "pattern": {"Regex": " +"}, "content": " "}),
        "replace_nothing": tiny(normalizer={"type": "Replace", "pattern": {"String": ""}, "content": "x"}),
        "many_normalizers": tiny(normalizer={"type": "Sequence", "normalizers": [{"type": "NFC"}] * 9}),
        "bert": tiny(pre_tokenizer={"type": "BertPreTokenizer"}),
        "many_pretokenizers": tiny(pre_tokenizer={"type": "Sequence", "pretokenizers": [
            {"type": "Digits", "individual_digits": True}] * 9}),
        "sequence": tiny(pre_tokenizer={"type": "Sequence"}),
        "behind_bytes": tiny(pre_tokenizer={"type": "Sequence", "pretokenizers": [
            {"type": "ByteLevel"}, {"type": "Digits", "individual_digits": True}]}),
        "behavior": tiny(pre_tokenizer={"type": "Split", "pattern": {"String": "x"}, "behavior": "Sideways"}),
        "no_pattern": tiny(pre_tokenizer={"type": "Split", "pattern": {}, "behavior": "Isolated"}),
        "scheme": tiny(pre_tokenizer={"type": "Metaspace", "replacement": "_", "prepend_scheme": "twice"}),
        "regex_dot": tiny(pre_tokenizer=regex("a.b")),
        "regex_possessive": tiny(pre_tokenizer=regex(r"\p{N}{1,3}+")),
        "regex_nested_class": tiny(pre_tokenizer=regex("[a[b]]")),
        "regex_open": tiny(pre_tokenizer=regex("(a")),
        "regex_empty_match": tiny(pre_tokenizer=regex("a*")),
        "regex_named_group": tiny(pre_tokenizer=regex("(?<n>a)")),
        "processor": tiny(post_processor={"type": "Barcode"}),
        "template_token": tiny(post_processor=template([special, text])),
        "template_twice": tiny(post_processor=template([text, text])),
        "template_empty": tiny(post_processor=template([])),
        "decoder": tiny(decoder={"type": "WordPiece"}),
        "strip": tiny(decoder={"type": "Strip", "content": " ", "start": 0, "stop": 1}),
        "single_word": tiny(added_tokens=added(single_word=True)),
        "added_number": tiny(added_tokens=added(id="5")),
    }
    for name, value in bad.items():
        with open(os.path.join(CORPUS, f"bad_{name}.json"), "w", encoding="utf-8") as file:
            json.dump(value, file, separators=(",", ":"))
    gpt2 = json.dumps({"a": 0, "b": 1, "ab": 2}).encode()
    with open(os.path.join(CORPUS, "tiny_gpt2"), "wb") as file:
        file.write(gpt2 + b"\0#version: 0.2\na b\n")
    with open(os.path.join(CORPUS, "tiny_llama2c"), "wb") as file:
        tokens = [b"<unk>", b"\n<s>\n", b"\n</s>\n", b"<0x41>", b" ", b"a", b" a", b"aa"]
        file.write(struct.pack("<i", 6) + b"".join(struct.pack("<fi", -i, len(t)) + t for i, t in enumerate(tokens)))


def real_tokenizers(data: str) -> dict:
    folder = os.path.join(data, "tokenizers")
    gpt2 = Tokenizer(models.BPE.from_file(os.path.join(folder, "gpt2-encoder.json"), os.path.join(folder, "gpt2-vocab.bpe")))
    gpt2.pre_tokenizer = byte_level()
    gpt2.add_special_tokens(["<|endoftext|>"])
    real = {"gpt2-encoder.json": gpt2,
            "neox-20B_tokenizer.json": Tokenizer.from_file(os.path.join(folder, "neox-20B_tokenizer.json"))}
    texts = sorted(name for name in os.listdir(os.path.join(data, "text")))
    sums = {}
    for name, tokenizer in real.items():
        sums[name] = {"long_word": checksum(tokenizer.encode(long_word()).ids),
                      "adversarial": [tokenizer.encode(text).ids for text in TEXTS], "texts": {}}
        for text in texts:
            with open(os.path.join(data, "text", text), encoding="utf-8", newline="") as file:
                ids = tokenizer.encode(file.read()).ids
            sums[name]["texts"][text] = [len(ids), checksum(ids)]
    return sums


def main() -> None:
    os.makedirs(SOUND, exist_ok=True)
    os.makedirs(CORPUS, exist_ok=True)
    path = os.path.join(HERE, "tokenizers.json")
    golden = {"texts": [text.encode().hex() for text in TEXTS], "tokenizers": {}}
    made = make_all()
    write_gguf(made)
    write_malformed()
    for name, tokenizer in made.items():
        with open(os.path.join(SOUND, name + ".json"), "w", encoding="utf-8") as file:
            json.dump(json.loads(tokenizer.to_str()), file, ensure_ascii=False, separators=(",", ":"))
        ids = tokenizer.encode(long_word()).ids
        golden["tokenizers"][name] = {"size": tokenizer.get_vocab_size(), "long_word": [len(ids), checksum(ids)],
                                      "cases": cases(tokenizer)}
    golden["llama2c"] = llama2c(sys.argv[1] if len(sys.argv) > 1 else "")
    if len(sys.argv) > 1:
        golden["real"] = real_tokenizers(sys.argv[1])
    elif os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            golden["real"] = json.load(file).get("real", {})
    with open(path, "w", encoding="utf-8") as file:
        json.dump(golden, file, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    main()
