"""One side of the comparison of counting n-grams, in a process of its own. Usage: ngram_worker.py softneck|scipy FOLDER
A case a line: OPERATION ORDER; the tokens lie in FOLDER/tokens.npy. Operations: count (in memory), file (to a file, on the disk),
and of scipy rows (count with contexts that are not packed into numbers, as they must be where those are too long).
softneck alone also: synthetic ORDER TOKENS MEMORY VOCABULARY counts a text of frequent and rare words, made as it goes, within
so many bytes."""

import ctypes
import json
import os
import sys
import time

import numpy as np
from memory import peak_memory, reset_peak


class Options(ctypes.Structure):
    _fields_ = [("struct_size", ctypes.c_size_t), ("order", ctypes.c_int32), ("reserved", ctypes.c_int32),
                ("memory_bytes", ctypes.c_int64), ("folder", ctypes.c_char_p), ("resume", ctypes.c_int32),
                ("reserved2", ctypes.c_int32)]


class Info(ctypes.Structure):
    _fields_ = [("struct_size", ctypes.c_size_t), ("order", ctypes.c_int32), ("reserved", ctypes.c_int32)] + [
        (name, ctypes.c_int64) for name in ("vocab_size", "tokens", "documents", "contexts", "ngrams", "occurrences",
                                            "singletons", "seen_once", "successors")]


class Softneck:
    def __init__(self, folder):
        self.library = ctypes.CDLL(os.environ["SOFTNECK_LIBRARY"])
        self.library.neck_last_error.restype = ctypes.c_char_p
        self.path = os.path.join(folder, "counted").encode()

    def call(self, name, *arguments):
        if getattr(self.library, name)(None, *arguments) != 0:
            raise RuntimeError(self.library.neck_last_error().decode())

    def describe(self, ngrams):
        info = Info(ctypes.sizeof(Info))
        self.library.neck_ngrams_describe(ngrams, ctypes.byref(info))
        self.library.neck_ngrams_destroy(ngrams)
        return [info.contexts, info.ngrams]

    def count(self, tokens, vocabulary, order):
        ngrams = ctypes.c_void_p()
        self.call("neck_ngrams_count", ctypes.c_void_p(tokens.ctypes.data), ctypes.c_int64(len(tokens)), None,
                  ctypes.c_int64(0), ctypes.c_int64(vocabulary), ctypes.c_int32(order), ctypes.byref(ngrams))
        return lambda: self.describe(ngrams)

    def stream(self, pieces, vocabulary, order, memory):
        counter, options = ctypes.c_void_p(), Options(ctypes.sizeof(Options), order, 0, memory)
        self.call("neck_ngram_counter_create", ctypes.c_int64(vocabulary), ctypes.byref(options), ctypes.byref(counter))
        for tokens in pieces:
            self.call("neck_ngram_counter_push", counter, ctypes.c_void_p(tokens.ctypes.data), ctypes.c_int64(len(tokens)))
        self.call("neck_ngram_counter_finish", counter, self.path)
        self.library.neck_ngram_counter_destroy(counter)

        def describe():
            ngrams = ctypes.c_void_p()
            self.call("neck_ngrams_open", self.path, ctypes.c_int32(1), ctypes.byref(ngrams))
            return self.describe(ngrams)

        return describe

    def file(self, tokens, vocabulary, order):
        return self.stream([tokens], vocabulary, order, 0)


class Scipy:
    """The direct way: distinct contexts, and a sparse matrix whose duplicates are added up."""

    def __init__(self, folder):
        self.path = os.path.join(folder, "counted.npz")

    def matrix(self, contexts, successors, vocabulary):
        import scipy.sparse

        rows, which = np.unique(contexts, axis=0, return_inverse=True)
        return scipy.sparse.coo_matrix((np.ones(len(which)), (which.ravel(), successors)), (len(rows), vocabulary)).tocsr()

    def rows(self, tokens, vocabulary, order):
        """Contexts as rows of tokens: any vocabulary, any order."""
        windows = np.lib.stride_tricks.sliding_window_view(tokens, order)
        matrix = self.matrix(windows[:, :-1], windows[:, -1], vocabulary)
        return lambda: [matrix.shape[0], matrix.nnz]

    def packed(self, tokens, vocabulary, order):
        """Contexts as single numbers, where they fit in 64 bits."""
        wide = tokens.astype(np.int64)
        contexts = np.zeros(len(tokens) - order + 1, np.int64)
        for place in range(order - 1):
            contexts = contexts * vocabulary + wide[place : place + len(contexts)]
        return self.matrix(contexts, wide[order - 1 :], vocabulary)

    def count(self, tokens, vocabulary, order):
        if vocabulary ** (order - 1) >= 2**63:
            return self.rows(tokens, vocabulary, order)
        matrix = self.packed(tokens, vocabulary, order)
        return lambda: [matrix.shape[0], matrix.nnz]

    def file(self, tokens, vocabulary, order):
        import scipy.sparse

        matrix = self.packed(tokens, vocabulary, order)
        with open(self.path, "wb") as file:  # on the disk when it is done, as the other side's
            scipy.sparse.save_npz(file, matrix, compressed=False)
            file.flush()
            os.fsync(file.fileno())
        return lambda: [matrix.shape[0], matrix.nnz]


def synthetic(count, vocabulary):
    rng = np.random.default_rng(0)
    for first in range(0, count, 1 << 17):  # small pieces: their memory is not what is measured
        uniform = rng.random(min(1 << 17, count - first))
        yield np.minimum(vocabulary**uniform - 1, vocabulary - 1).astype(np.int32)


def main():
    side = Softneck(sys.argv[2]) if sys.argv[1] == "softneck" else Scipy(sys.argv[2])
    tokens = np.load(os.path.join(sys.argv[2], "tokens.npy"))
    vocabulary = int(tokens.max()) + 1
    print(json.dumps(["count", "file"]), flush=True)
    for line in sys.stdin:
        operation, order, *rest = line.split()
        reset_peak()
        before, start = peak_memory(), time.perf_counter()
        if operation == "synthetic":
            total, memory, words = map(int, rest)
            describe = side.stream(synthetic(total, words), words, int(order), memory)
        else:
            describe = getattr(side, operation)(tokens, vocabulary, int(order))
        seconds, extra = time.perf_counter() - start, peak_memory() - before
        print(json.dumps({"seconds": seconds, "extra_bytes": max(0, extra), "value": describe()}), flush=True)


main()
