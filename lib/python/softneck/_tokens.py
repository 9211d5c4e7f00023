"""Text as token numbers on disk, and batches of it."""

from __future__ import annotations

import ctypes
from typing import Any, Iterable, Optional, Tuple, Union

from . import _abi
from ._arrays import zeros
from ._context import Context
from ._dtypes import BY_NAME
from ._errors import NotFoundError
from ._ids import as_array, one_sequence
from ._library import FileName, Handle, Turn, choice, file_name, integer, lib
from ._tokenizer import Text, Tokenizer

ORDERS = {"random": 0, "sequential": 1}
PARTS = {"all": 0, "training": 1, "validation": 2}
_END_OF_TEXT = "<|endoftext|>"


class TokenWriter(Handle):
    """Writes a token file, which appears at its path at commit(), whole or not at all.

        with softneck.TokenWriter("tokens.bin", tokenizer) as writer:
            writer.document(ids)

    The with statement commits, or gives up when an exception leaves it. The file's format is in softneck/token_file.h.

    vocabulary  a Tokenizer, whose hash goes into the file, or a number that all ids are below
    """

    def __init__(self, path: FileName, vocabulary: Union[Tokenizer, int], context: Optional[Context] = None) -> None:
        if isinstance(vocabulary, Tokenizer):
            size, hash = len(vocabulary), vocabulary.hash
        else:
            size, hash = integer(vocabulary, "vocabulary"), 0
        out = ctypes.c_void_p()
        lib.neck_token_writer_create(context, file_name(path), size, hash, out)
        super().__init__(out, lib.neck_token_writer_destroy)
        self._context = context  # C borrows it until the end
        self._turn = Turn()

    def push(self, ids: Any) -> None:
        """Appends tokens."""
        numbers, count = one_sequence(ids)
        with self._turn:
            lib.neck_token_writer_push(self, numbers, count)

    def end_document(self) -> None:
        """What was pushed since the last call is a document."""
        with self._turn:
            lib.neck_token_writer_end_document(self)

    def document(self, ids: Any) -> None:
        """push() and end_document()."""
        self.push(ids)
        self.end_document()

    def commit(self) -> None:
        """Finishes the file. The writer is of no use afterwards, whatever the outcome."""
        with self._turn:
            pointer = self._end()
            lib.neck_token_writer_commit(pointer)

    def close(self) -> None:
        """Gives up: no file appears. After commit() it does nothing."""
        with self._turn:
            self._finalizer()
            self._as_parameter_ = ctypes.c_void_p()

    def _end(self) -> ctypes.c_void_p:
        self._finalizer.detach()  # C destroys it
        pointer, self._as_parameter_ = self._as_parameter_, ctypes.c_void_p()
        return pointer

    def __enter__(self) -> "TokenWriter":
        return self

    def __exit__(self, kind: Any, *exception: object) -> None:
        if kind is None and self._as_parameter_:
            self.commit()
        else:
            self.close()


def write_tokens(
    path: FileName, documents: Iterable[Text], tokenizer: Tokenizer, context: Optional[Context] = None
) -> "TokenFile":
    """Encodes texts into a token file, each followed by the token that ends one (eos, else "<|endoftext|>") where the
    tokenizer has it, as neck-train does; opens the file."""
    end = [] if (token := _end_of_text(tokenizer)) is None else [token]
    with TokenWriter(path, tokenizer, context) as writer:
        for document in documents:
            writer.push(tokenizer.encode(document, special_tokens=False))
            writer.document(end)
    return TokenFile(path, context=context)


def _end_of_text(tokenizer: Tokenizer) -> Optional[int]:
    if tokenizer.eos is not None:
        return tokenizer.eos
    try:
        return tokenizer.find(_END_OF_TEXT)
    except NotFoundError:
        return None


class TokenFile(Handle):
    """A token file, mapped read-only: a sequence of ids. Any number of threads may read one.

    lazy  do not look at all tokens now; one outside the vocabulary is then found when it is read
    """

    def __init__(self, path: FileName, lazy: bool = False, context: Optional[Context] = None) -> None:
        out = ctypes.c_void_p()
        lib.neck_token_file_open(context, file_name(path), _abi.TokenFileOptions(lazy=bool(lazy)), out)
        super().__init__(out, lib.neck_token_file_destroy)

    def __len__(self) -> int:
        return int(lib.neck_token_file_count(self))

    def __getitem__(self, index: Union[int, slice]) -> Any:
        """An id, or the ids of a slice as an array of int32."""
        span = range(len(self))[index]
        if isinstance(span, int):
            return int(self._read(span, 1)[0])
        if not span:
            return self._read(0, 0)
        low, high = sorted((span[0], span[-1]))
        return self._read(low, high - low + 1)[:: span.step]

    def _read(self, begin: int, count: int) -> Any:
        ids = (ctypes.c_int32 * count)()
        if count:
            lib.neck_token_file_read(self, begin, count, ids)
        return as_array(ids, count)

    @property
    def vocabulary(self) -> int:
        """Every id is below."""
        return int(lib.neck_token_file_vocab_size(self))

    @property
    def tokenizer_hash(self) -> int:
        """Tokenizer.hash of the tokenizer that made it; 0 when that is not known."""
        return int(lib.neck_token_file_tokenizer_hash(self))

    @property
    def document_count(self) -> int:
        """0 when the file does not say."""
        return int(lib.neck_token_file_documents(self))

    def document(self, index: int) -> Any:
        """The ids of one document."""
        begin, end = ctypes.c_int64(), ctypes.c_int64()
        lib.neck_token_file_document(self, integer(index, "index"), begin, end)
        return self._read(begin.value, end.value - begin.value)

    def __repr__(self) -> str:
        return f"<softneck.TokenFile of {len(self)} tokens, vocabulary {self.vocabulary}>"


class Batches(Handle):
    """Batches of a token file, each known by its step alone: a run that goes on sees what it would have seen.

        tokens, targets = softneck.Batches(file, batch=8, context_length=256, seed=1)[step]

    batch, context_length  rows, and tokens in a row; targets are each token's successor
    order             "random" windows, or "sequential" ones without overlap, beginning again behind the last
    part              "all" of the file, "training" or "validation": the last validation_share of the tokens

    Immutable: any number of threads may use one.
    """

    def __init__(
        self,
        file: TokenFile,
        batch: int,
        context_length: int,
        *,
        order: str = "random",
        part: str = "all",
        validation_share: float = 0.0,
        seed: int = 0,
        context: Optional[Context] = None,
    ) -> None:
        options = batches_struct(batch, context_length, order, validation_share, seed)
        options.part = choice(PARTS, part, "part")
        out = ctypes.c_void_p()
        lib.neck_batches_create(context, file, options, out)
        super().__init__(out, lib.neck_batches_destroy)
        self._file = file  # C borrows it
        self._shape = (options.batch, options.context_length)

    @property
    def windows(self) -> int:
        """Sequential: how many there are before it begins again; random: how many are drawn from."""
        return int(lib.neck_batches_windows(self))

    @property
    def token_count(self) -> int:
        """Of the part."""
        return int(lib.neck_batches_tokens(self))

    def __getitem__(self, step: int) -> Tuple[Any, Any]:
        """Tokens and targets of a step >= 0: new arrays of int32, batch x context_length."""
        result, memory = zip(*(_new_ids(self._shape) for _ in range(2)))
        lib.neck_batches_fill(self, integer(step, "step"), *memory)
        return result[0], result[1]

    # There is no last step, which is how an iteration over [0], [1] ... would end.
    __iter__ = None

    def __repr__(self) -> str:
        return f"<softneck.Batches of {self._shape[0]} x {self._shape[1]}, {self.windows} windows>"


def batches_struct(batch: int, context_length: int, order: str, validation_share: float, seed: int) -> Any:
    return _abi.BatchesOptions(
        batch=integer(batch, "batch"),
        context_length=integer(context_length, "context_length"),
        order=choice(ORDERS, order, "order"),
        validation_share=validation_share,
        seed=integer(seed, "seed", 0, 2**64 - 1),
    )


def _new_ids(shape: Tuple[int, int]) -> Tuple[Any, Any]:
    array = zeros(shape, BY_NAME["i32"])
    return array, (ctypes.c_int32 * (shape[0] * shape[1])).from_buffer(array)
