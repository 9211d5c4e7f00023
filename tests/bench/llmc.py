"""llm.c's train_gpt2.c as a peer: its source with another batch and number of steps, on random weights and tokens in its formats."""

import os
import re
import subprocess

import numpy as np

MAGIC, VERSION = 20240326, 3
TOKENS_MAGIC, TOKENS_VERSION = 20240520, 1
STEPS = 3


def write_words(file, words):
    header = np.zeros(256, "<i4")
    header[: len(words)] = words
    header.tofile(file)


def write_model(path, vocabulary, width, layers, heads, length):
    """In the order of its ParameterTensors: matrices N(0, 0.02^2), gains 1, biases 0."""
    padded, random = (vocabulary + 127) // 128 * 128, np.random.default_rng(0)
    block = layers * width
    sizes = [(padded * width, "matrix"), (length * width, "matrix"), (block, "gain"), (block, "bias"),
             (3 * block * width, "matrix"), (3 * block, "bias"), (block * width, "matrix"), (block, "bias"),
             (block, "gain"), (block, "bias"), (4 * block * width, "matrix"), (4 * block, "bias"),
             (4 * block * width, "matrix"), (block, "bias"), (width, "gain"), (width, "bias")]
    with open(path, "wb") as file:
        write_words(file, [MAGIC, VERSION, length, vocabulary, layers, heads, width, padded])
        for size, kind in sizes:
            numbers = random.standard_normal(size, "float32") * np.float32(0.02) if kind == "matrix" else np.full(size, kind == "gain")
            numbers.astype("<f4").tofile(file)


def write_tokens(path, vocabulary, count):
    with open(path, "wb") as file:
        write_words(file, [TOKENS_MAGIC, TOKENS_VERSION, count])
        np.random.default_rng(0).integers(0, vocabulary, count).astype("<u2").tofile(file)


class LlmC:
    """A run of the program makes STEPS steps; it times them itself, and its smallest counts, for its first touches new memory."""

    def __init__(self, checkout, folder, threads, vocabulary, width, batch, layers, heads, length):
        self.folder, self.threads = folder, threads
        data = os.path.join(folder, "dev", "data", "tinyshakespeare")
        os.makedirs(data)
        write_model(os.path.join(folder, "gpt2_124M.bin"), vocabulary, width, layers, heads, length)
        for part in ("train", "val"):
            write_tokens(os.path.join(data, f"tiny_shakespeare_{part}.bin"), vocabulary, 200000)
        with open(os.path.join(checkout, "train_gpt2.c")) as file:
            source = file.read()
        for old, new in (("int B = 4;", f"int B = {batch};"), ("int T = 64;", f"int T = {length};"),
                         ("val_num_batches = 5", "val_num_batches = 1"), ("step <= 40", f"step < {STEPS}")):
            assert old in source, f"{checkout}: another train_gpt2.c than was expected, without {old!r}"
            source = source.replace(old, new)
        with open(os.path.join(folder, "train.c"), "w") as file:
            file.write(source)
        flags = "-Ofast -fno-finite-math-only -march=native -fopenmp -DOMP -w".split()  # its Makefile's
        subprocess.run(["gcc", *flags, "-I", checkout, "train.c", "-o", "train", "-lm"], cwd=folder, check=True)

    def step(self):
        environment = {**os.environ, "OMP_NUM_THREADS": str(self.threads)}
        with subprocess.Popen(["./train"], cwd=self.folder, env=environment, stdout=subprocess.PIPE, text=True) as program:
            output = program.stdout.read()
            _, status, used = os.wait4(program.pid, 0)
            program.returncode = status
        found = re.findall(r"train loss ([\d.]+) \(took ([\d.]+) ms\)", output)
        self.seconds, self.memory = min(float(took) for _, took in found) / 1000, used.ru_maxrss * 1024
        return float(found[-1][0])
