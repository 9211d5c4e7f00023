"""Text to token ids and back."""

from __future__ import annotations

import ctypes
from typing import Any, Callable, Optional, Union

from . import _abi
from ._context import Context
from ._errors import RangeError
from ._ids import as_array, one_sequence
from ._library import FileName, Handle, file_name, integer, lib, text

Text = Union[str, bytes, bytearray, memoryview]


def utf8(value: Text) -> bytes:
    """A str as UTF-8 (lone surrogates as the bytes that made them); bytes as they are."""
    return value.encode("utf-8", "surrogateescape") if isinstance(value, str) else bytes(value)


class Tokenizer(Handle):
    """The tokenizer of a model. Immutable: any number of threads may use one.

    path     tokenizer.json, vocab.json or encoder.json with its merges beside it, tokenizer.bin of llama2.c, a GGUF
             file, or a folder that holds one of these
    merges   of a vocabulary of GPT-2's kind, when they are not beside it under a usual name
    context  of every call
    """

    def __init__(self, path: FileName, merges: Optional[FileName] = None, context: Optional[Context] = None) -> None:
        options = _abi.TokenizerOptions(merges=None if merges is None else file_name(merges))
        out = ctypes.c_void_p()
        lib.neck_tokenizer_open(context, file_name(path), options, out)
        self._adopt(out, context)

    def _adopt(self, pointer: ctypes.c_void_p, context: Optional[Context]) -> None:
        super().__init__(pointer, lib.neck_tokenizer_destroy)
        self._context = context

    @classmethod
    def open(cls, path: FileName, merges: Optional[FileName] = None, context: Optional[Context] = None) -> "Tokenizer":
        return cls(path, merges, context)

    def __len__(self) -> int:
        """One more than the largest id."""
        return int(lib.neck_tokenizer_vocab_size(self))

    @property
    def kind(self) -> str:
        return text(lib.neck_tokenizer_kind(self)) or ""

    @property
    def hash(self) -> int:
        """64 bits that tell its vocabulary from others; the same whatever file it came from."""
        return int(lib.neck_tokenizer_hash(self))

    def _special(self, which: int) -> Optional[int]:
        found = int(lib.neck_tokenizer_special(self, which))
        return found if found >= 0 else None

    @property
    def bos(self) -> Optional[int]:
        """Begins a text; None when the tokenizer has none, like the three below."""
        return self._special(0)

    @property
    def eos(self) -> Optional[int]:
        return self._special(1)

    @property
    def unk(self) -> Optional[int]:
        return self._special(2)

    @property
    def pad(self) -> Optional[int]:
        return self._special(3)

    def token(self, id: int) -> bytes:
        """How a token is spelled in the vocabulary; decode() gives the text it stands for."""
        spelled, length = ctypes.c_char_p(), ctypes.c_int64()
        lib.neck_tokenizer_token(self, integer(id, "id", -(2**31), 2**31 - 1), spelled, length)
        return ctypes.string_at(ctypes.cast(spelled, ctypes.c_void_p).value or 0, length.value)

    def find(self, token: Text) -> int:
        """The id of the token spelled so."""
        spelled, id = utf8(token), ctypes.c_int32()
        lib.neck_tokenizer_find(self, spelled, len(spelled), id)
        return id.value

    def encode(self, text: Text, special_tokens: bool = True, strict: bool = False) -> Any:
        """Token ids, int32. special_tokens adds what the tokenizer puts around a text; strict refuses text that is not
        UTF-8, whose bytes are kept otherwise."""
        options = _abi.EncodeOptions(no_special_tokens=not special_tokens, strict_utf8=bool(strict))
        data = utf8(text)

        def fill(ids: Any, capacity: int, count: Any) -> None:
            lib.neck_tokenizer_encode(self._context, self, data, len(data), options, ids, capacity, count)

        return encoded(fill, len(data))

    def encode_document(self, text: Text) -> Any:
        """Token ids after the one that opens a document (bos, else eos), as Model.loss reads a text."""
        data = utf8(text)

        def fill(ids: Any, capacity: int, count: Any) -> None:
            lib.neck_document_encode(self._context, self, data, len(data), ids, capacity, count)

        return encoded(fill, len(data))

    def decode_bytes(self, ids: Any, skip_special: bool = False) -> bytes:
        """What tokens stand for; may end inside a UTF-8 sequence."""
        numbers, count = one_sequence(ids)
        options = _abi.DecodeOptions(skip_special_tokens=bool(skip_special))
        size = ctypes.c_int64()
        capacity = 8 * count + 16
        while True:
            buffer = ctypes.create_string_buffer(capacity)
            try:
                lib.neck_tokenizer_decode(self, numbers, count, options, buffer, capacity, size)
                return buffer.raw[: size.value]
            except RangeError:
                if size.value <= capacity:
                    raise
                capacity = size.value

    def decode(self, ids: Any, skip_special: bool = False) -> str:
        """The text of tokens; bytes that are not UTF-8 become U+FFFD."""
        return self.decode_bytes(ids, skip_special).decode("utf-8", "replace")

    def __repr__(self) -> str:
        return f"<softneck.Tokenizer {self.kind}, {len(self)} tokens>"


def encoded(fill: Callable[[Any, int, Any], None], nbytes: int) -> Any:
    """Ids from a function that fills an array; a second, larger one when the first guess was too small."""
    count = ctypes.c_int64()
    capacity = nbytes // 2 + 16
    while True:
        ids = (ctypes.c_int32 * capacity)()
        try:
            fill(ids, capacity, count)
            return as_array(ids, count.value)
        except RangeError:
            if count.value <= capacity:
                raise
            capacity = count.value
