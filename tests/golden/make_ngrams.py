#!/usr/bin/env python3
"""Writes the inputs of fuzz_ngrams to tests/corpus: files of n-grams and lists of runs, from their description alone."""

import os
import struct
from collections import Counter

CORPUS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "corpus", "ngrams")


def fnv(data):
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return value


def word_sum(data):
    value = 0xCBF29CE484222325
    for (word,) in struct.iter_unpack("<Q", data):
        value = (value ^ word) * 0x100000001B3 % 2**64
        value ^= value >> 32
    return value


def padded(data):
    return data + bytes(-len(data) % 8)


def ngram_file(documents, order, vocab_size, count_width=4):
    grams = Counter()
    for document in documents:
        grams.update(tuple(document[i : i + order]) for i in range(len(document) - order + 1))
    contexts = {}
    for gram in sorted(grams):
        contexts.setdefault(gram[:-1], []).append(gram)
    token, count = "H" if vocab_size <= 65536 else "I", "I" if count_width == 4 else "Q"
    starts, place = [0], 0
    for own in contexts.values():
        place += len(own)
        starts.append(place)
    sections = [
        padded(b"".join(struct.pack(f"<{order - 1}{token}", *context) for context in contexts)),
        struct.pack(f"<{len(starts)}Q", *starts),
        padded(b"".join(struct.pack(f"<{token}", gram[-1]) for gram in sorted(grams))),
        padded(b"".join(struct.pack(f"<{count}", grams[gram]) for gram in sorted(grams))),
    ]
    numbers = [
        vocab_size, sum(map(len, documents)), sum(1 for document in documents if document), len(contexts), len(grams),
        sum(grams.values()), sum(1 for own in contexts.values() if len(own) == 1),
        sum(1 for own in contexts.values() if sum(grams[gram] for gram in own) == 1), len({gram[-1] for gram in grams}),
    ]
    header = b"NECKNGRM" + struct.pack("<IIII9Q", 1, order, 2 if token == "H" else 4, count_width, *numbers)
    header += struct.pack("<4Q", *map(word_sum, sections))
    header += bytes(184 - len(header))
    return header + struct.pack("<Q", fnv(header)) + b"".join(sections)


def run_list(order, vocab_size, place, last, following, runs):
    data = b"NECKRUNS" + struct.pack("<IIQ4Q4QQQ", 1, order, vocab_size, *place, *last, following, len(runs))
    data += b"".join(struct.pack("<4Q", *run) for run in runs)
    return data + struct.pack("<Q", fnv(data))


def main():
    os.makedirs(CORPUS, exist_ok=True)
    files = {
        "documents": ngram_file([[1, 2, 3, 1, 2, 299, 1, 2, 3, 0][:6], [1, 2, 3, 0]], 3, 300),
        "wide": ngram_file([[70000, 1, 70000, 1, 5, 70000, 1, 99999]], 2, 100000, 8),
        "one": ngram_file([[0, 0]], 2, 1),
        "long": ngram_file([[i * i % 7 for i in range(60)], [], [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]], 8, 7),
        "list": run_list(3, 300, (40, 1, 17, 23), (5, 0, 0, 0), 4, [(0, 12, 120, 77), (3, 9, 90, 78)]),
        "empty_list": run_list(3, 300, (0, 0, 0, 0), (0, 0, 0, 0), 0, []),
    }
    for name, data in files.items():
        with open(os.path.join(CORPUS, name), "wb") as file:
            file.write(data)


if __name__ == "__main__":
    main()
