"""Byte-level BPE tokenizers, made from text."""

from __future__ import annotations

import ctypes
from typing import Any, Iterable, Optional

from . import _abi
from ._context import Context
from ._errors import ArgumentError
from ._library import FileName, choice, file_name, integer, lib, or_default, string
from ._tokenizer import Text, Tokenizer, utf8

SPLITS = {"gpt2": 0, "llama3": 1, "qwen2": 2, "none": 3}


def train_tokenizer(
    documents: Iterable[Text],
    vocab_size: int,
    *,
    split: str = "gpt2",
    special_tokens: Iterable[str] = ("<|endoftext|>",),
    min_frequency: Optional[int] = None,
    path: Optional[FileName] = None,
    context: Optional[Context] = None,
) -> Tokenizer:
    """Learns the tokens and merges that the BpeTrainer of Hugging Face tokenizers learns from the same documents.

    documents       strs or bytes; one at a time is held, so they may be read as they are needed
    vocab_size      tokens, at least 256 and one for each special token; fewer when no pair is left to merge
    split           where words end, across which no token reaches: "gpt2", "llama3", "qwen2", "none"
    special_tokens  numbered from 0
    min_frequency   pairs seen less often stay apart; 1 unless given
    path            also write the tokenizer.json, which tokenizers and transformers read; whole or not at all
    """
    if isinstance(documents, (str, bytes, bytearray)):
        raise ArgumentError("documents is a single text; give a list of texts")
    options, out = _options(vocab_size, split, special_tokens, min_frequency), ctypes.c_void_p()
    lib.neck_tokenizer_training_create(context, options, out)
    try:
        for document in documents:
            data = utf8(document)
            lib.neck_tokenizer_training_push(context, out, data, len(data))
        lib.neck_tokenizer_training_finish(context, out)
        if path is not None:
            lib.neck_tokenizer_training_save(context, out, file_name(path))
        return _finished(out, context)
    finally:
        lib.neck_tokenizer_training_destroy(out)


def _options(vocab_size: int, split: str, special_tokens: Iterable[str], min_frequency: Optional[int]) -> Any:
    special = [string(token) for token in special_tokens]
    return _abi.TokenizerTrainingOptions(
        vocab_size=integer(vocab_size, "vocab_size"),
        min_frequency=int(or_default(min_frequency, "min_frequency")),
        split=choice(SPLITS, split, "split"),
        special_tokens=(ctypes.c_char_p * max(len(special), 1))(*special),  # never NULL: that asks for the default
        special_count=len(special),
    )


def _finished(training: ctypes.c_void_p, context: Optional[Context]) -> Tokenizer:
    pointer = ctypes.c_void_p()
    lib.neck_tokenizer_training_tokenizer(context, training, pointer)
    tokenizer = Tokenizer.__new__(Tokenizer)
    tokenizer._adopt(pointer, context)
    return tokenizer
