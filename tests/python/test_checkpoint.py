"""Files and folders of tensors: against numpy, against the bytes themselves, and what outlives what."""

from __future__ import annotations

import gc
import io
import json
import os
import pickle
import struct
import unittest
import zipfile
from collections import OrderedDict
from pathlib import Path

from support import DATA, SOURCE, TestCase, bf16_bits, numpy, random, softneck, widened


def safetensors(tensors: dict, metadata: "dict | None" = None) -> bytes:
    """The format, written by hand: name -> (dtype, shape, bytes)."""
    header, data = ({"__metadata__": metadata} if metadata else {}), b""
    for name, (dtype, shape, raw) in tensors.items():
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def f32(matrix: numpy.ndarray) -> tuple:
    return ("F32", matrix.shape, matrix.astype("<f4").tobytes())


def torch_tensors(path: Path) -> dict:
    """A torch.save file read the way torch does, without torch: name -> array."""
    archive = zipfile.ZipFile(path)
    (root,) = [name[: -len("data.pkl")] for name in archive.namelist() if name.endswith("/data.pkl")]

    class Unpickler(pickle.Unpickler):
        def find_class(self, module: str, name: str):
            if name == "_rebuild_tensor_v2":
                return lambda storage, offset, shape, stride, *rest: numpy.lib.stride_tricks.as_strided(
                    storage[offset:], shape, [4 * s for s in stride]
                )
            return OrderedDict if name == "OrderedDict" else name

        def persistent_load(self, told):
            return numpy.frombuffer(archive.read(f"{root}data/{told[2]}"), "<f4")

    return Unpickler(io.BytesIO(archive.read(f"{root}data.pkl"))).load()


class Reading(TestCase):
    def model(self) -> Path:
        self.embedding, self.head = random(50, 6, "float32"), random(50, 6, "float32", seed=2)
        path = self.folder / "checkpoint-1000.safetensors"
        tensors = {
            "model.embed_tokens.weight": f32(self.embedding),
            "bias": ("I64", (3,), numpy.arange(3).tobytes()),
            "lm_head.weight": f32(self.head),
            "scalar": ("F64", (), numpy.float64(7).tobytes()),
            "cube": ("F16", (2, 3, 4), numpy.arange(24, dtype="f2").tobytes()),
            "brain": ("BF16", (4, 4), bf16_bits(self.embedding[:4, :4]).tobytes()),
            "empty": ("F32", (0, 4), b""),
        }
        path.write_bytes(safetensors(tensors))
        return path

    def test_tensors(self) -> None:
        with softneck.open(self.model()) as checkpoint:
            tensors = checkpoint.tensors
            self.assertEqual(len(tensors), 7)
            self.assertEqual(list(tensors)[:3], ["model.embed_tokens.weight", "bias", "lm_head.weight"])
            cube = tensors["cube"]
            self.assertEqual((cube.dtype, cube.shape, cube.nbytes), ("f16", (2, 3, 4), 48))
            self.assertEqual(repr(cube), "<softneck.Tensor 'cube' f16 2 x 3 x 4>")
            numpy.testing.assert_array_equal(tensors["lm_head.weight"].array, self.head)
            numpy.testing.assert_array_equal(numpy.asarray(tensors["cube"])[1, 2], [20, 21, 22, 23])
            numpy.testing.assert_array_equal(tensors["bias"][1:], [1, 2])
            self.assertEqual((tensors["scalar"].array.shape, float(tensors["scalar"].array)), ((), 7.0))
            self.assertEqual(tensors["empty"].array.shape, (0, 4))
            self.assertEqual((checkpoint.step, checkpoint.format, checkpoint.config), (1000, "safetensors", None))
            self.assertIn("7 tensors", repr(checkpoint))

    def test_bf16(self) -> None:
        with softneck.open(self.model()) as checkpoint:
            brain = checkpoint.tensors["brain"]
            self.assertEqual(brain.dtype, "bf16")
            bits = bf16_bits(self.embedding[:4, :4])
            self.assertEqual(brain.array.view("uint16").tobytes(), bits.tobytes())
            numpy.testing.assert_allclose(
                softneck.spectrum(brain).singular_values, numpy.linalg.svd(widened(bits), compute_uv=False), rtol=1e-9
            )

    def test_names(self) -> None:
        with softneck.open(self.model()) as checkpoint:
            self.assertIn("bias", checkpoint.tensors)
            self.assertNotIn("bia", checkpoint.tensors)
            self.assertIsNone(checkpoint.tensors.get("bia"))
            with self.assertRaisesRegex(softneck.NotFoundError, "near: lm_head.weight$"):
                checkpoint.tensors["lm_head"]
            with self.assertRaises(KeyError):
                checkpoint.tensors["nonsense"]
            with self.assertRaisesRegex(ValueError, "NUL"):
                checkpoint.tensors["bias\0"]

    def test_head(self) -> None:
        with softneck.open(self.model()) as checkpoint:
            head = checkpoint.head()
            self.assertEqual((head.name, head.tied, head.matrix.shape), ("lm_head.weight", False, (50, 6)))
            wanted = numpy.linalg.svd(self.head.astype("f8"), compute_uv=False)
            for given in (head, head.matrix, head.matrix.array):
                numpy.testing.assert_allclose(softneck.spectrum(given).singular_values, wanted, rtol=1e-10)

    def test_views_are_of_the_file_read_only_and_outlive_the_checkpoint(self) -> None:
        path = self.model()

        def mapped() -> bool:
            return str(path) in Path("/proc/self/maps").read_text()

        checkpoint = softneck.open(path)
        tensor = checkpoint.tensors["lm_head.weight"]
        self.assertTrue(numpy.shares_memory(tensor.array, tensor.array))
        with self.assertRaises(ValueError):
            tensor.array.flags.writeable = True
        row = tensor.array[7]
        checkpoint.close()
        checkpoint.close()
        del tensor, checkpoint
        gc.collect()
        self.assertTrue(mapped())
        numpy.testing.assert_array_equal(row, self.head[7])
        del row
        gc.collect()
        self.assertFalse(mapped())

    def test_closed(self) -> None:
        with softneck.open(self.model()) as checkpoint:
            tensor = checkpoint.tensors["bias"]
        for use in (lambda: checkpoint.tensors, lambda: checkpoint.step, checkpoint.head):
            with self.assertRaisesRegex(softneck.StateError, "closed"):
                use()
        self.assertEqual(repr(checkpoint), "<softneck.Checkpoint, closed>")
        self.assertEqual(tensor[2], 2)

    def test_numpy_files(self) -> None:
        W = random(9, 5)
        for name, stored in (("c.npy", W), ("fortran.npy", numpy.asfortranarray(W)), ("big.npy", W.astype(">f8"))):
            numpy.save(self.folder / name, stored)
            with softneck.open(self.folder / name) as checkpoint:
                self.assertEqual(checkpoint.format, "npy")
                found = checkpoint.head().matrix.array
                numpy.testing.assert_array_equal(found, W)
            numpy.testing.assert_array_equal(found, W)
        numpy.savez_compressed(self.folder / "both.npz", one=W, two=W.astype("f2"))
        with softneck.open(self.folder / "both.npz") as checkpoint:
            numpy.testing.assert_array_equal(checkpoint.tensors["two"].array, W.astype("f2"))

    def test_folder_with_config(self) -> None:
        (self.folder / "model.safetensors").write_bytes(safetensors({"wte.weight": f32(random(9, 3))}))
        (self.folder / "config.json").write_text('{"model_type": "gpt2", "vocab_size": 9}')
        with softneck.open(self.folder) as checkpoint:
            self.assertEqual(checkpoint.config, {"model_type": "gpt2", "vocab_size": 9})
            self.assertEqual((checkpoint.head().name, checkpoint.head().tied), ("wte.weight", True))
            self.assertEqual(checkpoint.path, str(self.folder))

    def test_faulty_files(self) -> None:
        path = self.model()
        whole = path.read_bytes()
        for damaged in (whole[:-1], b"", b"x" * 99):
            path.write_bytes(damaged)
            with self.assertRaises(softneck.FormatError):
                softneck.open(path)
        path.write_bytes(whole + b"x")
        with self.assertRaises(softneck.TrailingDataError):
            softneck.open(path)
        with softneck.open(path, allow_trailing=True) as checkpoint:
            self.assertEqual(len(checkpoint.tensors), 7)
        with self.assertRaisesRegex(OSError, "No such file"):
            softneck.open(self.folder / "missing")
        with self.assertRaisesRegex(ValueError, "NUL"):
            softneck.open(f"{path}\0hidden")

    def test_odd_path_names(self) -> None:
        source = self.model()
        for name in (b"with space and \xc3\xa9.safetensors", b"not\xffutf8.safetensors"):
            path = os.path.join(os.fsencode(self.folder), name)
            os.link(source, path)
            with softneck.open(path) as checkpoint:
                self.assertEqual(os.fsencode(checkpoint.path), path)


class Series(TestCase):
    def test_numbers_in_names_are_numbers(self) -> None:
        for step in (10000, 900, 2000):
            (self.folder / f"step_{step}.safetensors").write_bytes(safetensors({"lm_head.weight": f32(random(4, 2))}))
        found = softneck.series(self.folder)
        self.assertEqual([step for step, _ in found], [900, 2000, 10000])
        self.assertEqual([Path(path).name for _, path in found][0], "step_900.safetensors")

    def test_a_single_file_without_a_step(self) -> None:
        path = self.folder / "model.safetensors"
        path.write_bytes(safetensors({"lm_head.weight": f32(random(4, 2))}))
        self.assertEqual(softneck.series(path), [(None, str(path))])

    def test_nothing_there(self) -> None:
        with self.assertRaises(softneck.NotFoundError):
            softneck.series(self.folder)


class RealCheckpoints(TestCase):
    def test_torch_files_through_training(self) -> None:
        found = softneck.series(DATA / "hybridstories")
        self.assertEqual([step for step, _ in found], list(range(2000, 20001, 2000)))
        for _, path in found[::4]:
            wanted = torch_tensors(Path(path))
            if "tok_emb.weight" not in wanted:  # nested in a training state
                states = [value for value in wanted.values() if isinstance(value, dict)]
                (wanted,) = [state for state in states if "tok_emb.weight" in state]
            with softneck.open(path) as checkpoint:
                head = checkpoint.head()
                self.assertEqual((checkpoint.format, head.matrix.shape, head.tied), ("torch", (2048, 32), True))
                numpy.testing.assert_array_equal(head.matrix.array, wanted["tok_emb.weight"])
                self.assertEqual(
                    softneck.spectrum(head).frobenius_squared,
                    softneck.spectrum(wanted["tok_emb.weight"]).frobenius_squared,
                )

    def test_llama2c(self) -> None:
        with softneck.open(DATA / "stories260K" / "stories260K.bin") as checkpoint:
            head = checkpoint.head()
            self.assertEqual((checkpoint.format, head.matrix.shape, head.tied), ("llama2.c", (512, 64), True))
            raw = numpy.fromfile(DATA / "stories260K" / "stories260K.bin", "<f4")
            numpy.testing.assert_array_equal(head.matrix.array, raw[7 : 7 + 512 * 64].reshape(512, 64))

    def test_gguf(self) -> None:
        with softneck.open(SOURCE / "tests" / "corpus" / "gguf" / "good_quantised") as checkpoint:
            self.assertEqual((checkpoint.format, checkpoint.metadata), ("gguf", {}))
            for name in ("Q4_0", "Q8_0", "Q6_K"):
                tensor = checkpoint.tensors[name]
                self.assertEqual((tensor.dtype, tensor.shape), (name.lower(), (2, 512)))
                self.assertEqual(tensor.array.dtype, "float32")
                numpy.testing.assert_array_equal(tensor.array, checkpoint.tensors[name + ".expected"].array)
        with softneck.open(SOURCE / "tests" / "corpus" / "gguf" / "good_texts") as checkpoint:
            self.assertEqual(checkpoint.metadata, {"name": "tést"})


class Writing(TestCase):
    def test_safetensors(self) -> None:
        path, W = self.folder / "out.safetensors", random(7, 5)
        tensors = {
            "wide": W,
            "strided": W[:, 1:3],
            "fortran": numpy.asfortranarray(W.astype("float32")),
            "half": W.astype("float16"),
            "cube": numpy.arange(24, dtype="int32").reshape(2, 3, 4),
            "flag": numpy.array([True, False]),
            "scalar": numpy.float64(3),
            "complex": numpy.array([1 + 2j], "complex64"),
            "empty": numpy.zeros((0, 3), "float32"),
            "bits": bf16_bits(W),
            "list": [1.0, 2.0],
        }
        softneck.write_safetensors(path, tensors, {"made by": "tést"}, dtypes={"bits": "bf16"})
        raw = path.read_bytes()
        size = struct.unpack("<Q", raw[:8])[0]
        header = json.loads(raw[8 : 8 + size])
        self.assertEqual(header.pop("__metadata__"), {"made by": "tést"})
        self.assertEqual(set(header), set(tensors))
        for name, source in tensors.items():
            first, last = header[name]["data_offsets"]
            self.assertEqual(header[name]["shape"], list(numpy.shape(source)))
            self.assertEqual(raw[8 + size + first : 8 + size + last], numpy.asarray(source).tobytes(), name)
        self.assertEqual(header["bits"]["dtype"], "BF16")
        with softneck.open(path) as checkpoint:
            again = self.folder / "again.safetensors"
            softneck.write_safetensors(again, dict(checkpoint.tensors))
            with softneck.open(again) as copied:
                for name, tensor in checkpoint.tensors.items():
                    self.assertEqual(copied.tensors[name].dtype, tensor.dtype)
                    self.assertEqual(copied.tensors[name].array.tobytes(), tensor.array.tobytes())

    def test_refusals_leave_the_file_alone(self) -> None:
        path = self.folder / "out.safetensors"
        path.write_bytes(b"precious")
        for tensors, arguments, error in (
            ({"": [1.0]}, {}, softneck.ArgumentError),
            ({"a\0b": [1.0]}, {}, ValueError),
            ({"a": numpy.zeros((1,) * 9)}, {}, softneck.ArgumentError),
            ({"a": [1.0]}, {"dtypes": {"b": "bf16"}}, softneck.ArgumentError),
            ({"a": object()}, {}, TypeError),
        ):
            with self.assertRaises(error):
                softneck.write_safetensors(path, tensors, **arguments)
        self.assertEqual(path.read_bytes(), b"precious")
        self.assertEqual(os.listdir(self.folder), ["out.safetensors"])

    def test_npy(self) -> None:
        path, W = self.folder / "out.npy", random(7, 5)
        for dtype in ("float64", "float32", "float16"):
            softneck.write_npy(path, W.astype(dtype)[:, 1:4])
            found = numpy.load(path)
            self.assertEqual(found.dtype, dtype)
            numpy.testing.assert_array_equal(found, W.astype(dtype)[:, 1:4])
        softneck.write_npy(path, bf16_bits(W), dtype="bf16")
        numpy.testing.assert_array_equal(numpy.load(path), widened(bf16_bits(W)))


if __name__ == "__main__":
    unittest.main()
