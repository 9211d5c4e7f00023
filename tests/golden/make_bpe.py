#!/usr/bin/env python3
"""Writes tests/golden/bpe.json: texts, settings, and what Hugging Face tokenizers learns from them: the checksum of the
tokenizer.json it saves, and the numbers it gives a sample. Needs `pip install tokenizers`; made with version 0.23.3.

    make_bpe.py [RANDOM_CASES [OUTPUT]]
"""

import json
import os
import random
import sys
import zlib

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers

from make_tokenizers import LLAMA3, PROSE, QWEN2, TEXTS

HERE = os.path.dirname(os.path.abspath(__file__))
EXPRESSIONS = {"llama3": LLAMA3, "qwen2": QWEN2}
SAMPLE = "The times don't make 12345 fools; na\u00efve caf\u00e9 \u4f60\u597d\r\n\t  <|endoftext|> aab abab  bbaa\n"


def pre_tokenizer(split):
    if split in EXPRESSIONS:
        return pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(EXPRESSIONS[split]), "isolated"),
                                        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    return pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=split == "gpt2")


def train(case):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizer(case["split"])
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    trainer = trainers.BpeTrainer(vocab_size=case["vocab_size"], min_frequency=case["min_frequency"],
                                  special_tokens=case["special_tokens"], show_progress=False,
                                  initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()))
    tokenizer.train_from_iterator(case["texts"], trainer)
    saved = tokenizer.to_str(pretty=True).encode()
    return {**case, "size": len(saved), "crc32": zlib.crc32(saved), "tokens": tokenizer.get_vocab_size(),
            "ids": tokenizer.encode(SAMPLE).ids}


def case(name, texts, split="gpt2", vocab_size=500, min_frequency=0, special_tokens=("<|endoftext|>",)):
    return {"name": name, "texts": texts, "split": split, "vocab_size": vocab_size, "min_frequency": min_frequency,
            "special_tokens": list(special_tokens)}


def prose():
    """Sentences, and the hard texts of the tokenizers' test without NUL characters."""
    hard = [text.replace("\0", "") for text in TEXTS if len(text) < 2000]
    texts = [PROSE, PROSE.upper(), PROSE.replace(" ", "  ")] + [text for text in hard if text]
    for split in ("gpt2", "llama3", "qwen2", "none"):
        yield case(split, texts, split)
    yield case("until no pair is left", texts, vocab_size=100000)
    yield case("pairs seen three times", texts, vocab_size=100000, min_frequency=3)
    yield case("several special tokens", texts, vocab_size=400,
               special_tokens=["<s>", "</s>", "<\n\u0001\"\\\u007f\u00e9>", "the"])
    yield case("no special tokens", texts, special_tokens=[])
    yield case("a special token that is a letter", texts, special_tokens=["e", "\u0120"])
    yield case("only the alphabet", texts, vocab_size=257)


def few_letters(count):
    """Little text of few letters: equal counts, overlapping pairs, tokens that come about in two ways."""
    chance = random.Random(20240411)
    for i in range(count):
        letters = chance.choice(["a", "ab", "ab ", "aab", "abc", "abcd  ", "ab\n", "'ts a", "1a2 "])
        texts = ["".join(chance.choices(letters, k=chance.randrange(1, 90))) for _ in range(chance.randrange(1, 6))]
        yield case(f"few letters {i}", texts, chance.choice(["gpt2", "llama3", "none"]),
                   chance.choice([260, 270, 300, 1000]), chance.choice([0, 0, 2, 3]))


def runs(count):
    """Words of repeated letters: pairs that overlap themselves, and long tokens."""
    chance = random.Random(20240412)
    for i in range(count):
        words = ["".join(letter * chance.randrange(0, 24) for letter in chance.choice(["a", "ab", "aba", "abab"]))
                 for _ in range(chance.randrange(4, 40))]
        yield case(f"runs {i}", [" ".join(words)], "gpt2", chance.choice([300, 1000]), chance.choice([0, 0, 2]))


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    path = sys.argv[2] if len(sys.argv) > 2 else os.path.join(HERE, "bpe.json")
    cases = [train(c) for c in [*prose(), *few_letters(count), *runs(count // 3)]]
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"sample": SAMPLE, "cases": cases}, file, indent=None, separators=(",", ":"), ensure_ascii=False)
        file.write("\n")


if __name__ == "__main__":
    main()
