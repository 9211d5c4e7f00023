#!/usr/bin/env python3
"""Writes the inputs of fuzz_token_file and fuzz_bpe_train to tests/corpus."""

import os
import struct

CORPUS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "corpus")


def fnv(data):
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return value


def token_file(tokens, vocab_size, ends=()):
    width = 2 if vocab_size <= 65536 else 4
    header = b"NECKTOKS" + struct.pack("<IIQQQQQ", 1, width, 0x0123456789ABCDEF, vocab_size, len(tokens), len(ends), 0)
    data = header + struct.pack("<Q", fnv(header)) + struct.pack(f"<{len(tokens)}{'H' if width == 2 else 'I'}", *tokens)
    return data + bytes(-len(data) % 8) + struct.pack(f"<{len(ends)}Q", *ends)


def write(folder, files):
    os.makedirs(os.path.join(CORPUS, folder), exist_ok=True)
    for name, data in files.items():
        with open(os.path.join(CORPUS, folder, name), "wb") as file:
            file.write(data)


def main():
    write("token_file", {
        "documents": token_file([1, 2, 299, 0, 5, 7, 9], 300, [3, 3, 7]),
        "no_documents": token_file(list(range(40)), 65536),
        "wide": token_file([0, 65536, 99999, 3, 4], 100000, [5]),
        "empty": token_file([], 1),
        "bad_token": token_file([1, 2, 300, 4, 5], 300),
        "bad_documents": token_file([1, 2, 3, 4], 300, [3, 2]),
    })
    write("bpe_train", {
        "prose": "The cat's mat doesn't. 12345 na\u00efve \u4f60\u597d\r\n\t caf\u00e9! <|endoftext|> ".encode()
                 + b"ab\xc3\xff cd \xe2\x82\xac\x80\xe2\x82 x\xf0\x9f the the",
        "runs": b"aaaa aaaaaaa abababab bbbaaa aaab " * 2,
    })


if __name__ == "__main__":
    main()
