#!/usr/bin/env python3
"""Writes small tokenizers to tests/corpus/tokenizer and what Hugging Face tokenizers makes of texts with them to
tests/golden/tokenizers.json. Given the folder of shared data, also checksums of whole books with the real tokenizers of
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
    os.makedirs(CORPUS, exist_ok=True)
    path = os.path.join(HERE, "tokenizers.json")
    golden = {"texts": [text.encode().hex() for text in TEXTS], "tokenizers": {}}
    for name, tokenizer in make_all().items():
        with open(os.path.join(CORPUS, name + ".json"), "w", encoding="utf-8") as file:
            json.dump(json.loads(tokenizer.to_str()), file, ensure_ascii=False, separators=(",", ":"))
        ids = tokenizer.encode(long_word()).ids
        golden["tokenizers"][name] = {"size": tokenizer.get_vocab_size(), "long_word": [len(ids), checksum(ids)],
                                      "cases": cases(tokenizer)}
    if len(sys.argv) > 1:
        golden["real"] = real_tokenizers(sys.argv[1])
    elif os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            golden["real"] = json.load(file).get("real", {})
    with open(path, "w", encoding="utf-8") as file:
        json.dump(golden, file, separators=(",", ":"))
        file.write("\n")


main()
