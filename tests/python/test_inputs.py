"""What is read where it lies, what is copied, what is refused."""

from __future__ import annotations

import ctypes
import gc
import mmap
import unittest
from array import array

from support import TestCase, bf16_bits, numpy, random, softneck
from softneck._inputs import block, packed


def read(found) -> numpy.ndarray:
    """The numbers of a block, as C would walk them."""
    rows, cols = found.shape
    stride = found.row_stride or cols
    raw = ctypes.string_at(found.address, ((rows - 1) * stride + cols) * found.dtype.size)
    flat = numpy.frombuffer(raw, found.dtype.numpy_name)
    return numpy.lib.stride_tricks.as_strided(flat, (rows, cols), (stride * flat.itemsize, flat.itemsize)).copy()


class ZeroCopy(TestCase):
    def assert_shared(self, source: numpy.ndarray) -> None:
        found = block(source)
        self.assertEqual(found.address, source.ctypes.data)
        numpy.testing.assert_array_equal(read(found), source)

    def test_packed_arrays(self) -> None:
        for dtype in ("float32", "float64", "float16"):
            self.assert_shared(random(5, 3, dtype))

    def test_row_strided_views(self) -> None:
        whole = random(9, 8)
        for view in (whole[:, 2:5], whole[::2], whole[1::3, :4], whole[:, 3:4], whole[4:5, 1:]):
            self.assert_shared(view)

    def test_read_only_arrays(self) -> None:
        source = random(3, 3)
        source.flags.writeable = False
        self.assert_shared(source)

    def test_unaligned_arrays(self) -> None:
        raw = bytearray(1 + 6 * 8)
        source = numpy.frombuffer(raw, "float64", offset=1).reshape(2, 3)
        source[:] = random(2, 3)
        self.assert_shared(source)

    def test_memoryviews_bytes_and_maps(self) -> None:
        numbers = random(4, 3)
        path = self.folder / "numbers"
        path.write_bytes(numbers.tobytes())
        with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            for source in (array("d", numbers.ravel()), numbers.tobytes(), mapped):
                view = memoryview(source).cast("B").cast("d", [4, 3])
                found = block(view)
                self.assertEqual(found.address, numpy.frombuffer(view).ctypes.data)
                numpy.testing.assert_array_equal(read(found), numbers)
                del found, view
                gc.collect()

    def test_block_pins_its_memory(self) -> None:
        source = bytearray(random(4, 3).tobytes())
        found = block(memoryview(source).cast("d", [4, 3]))
        with self.assertRaises(BufferError):
            source.extend(b"x")
        del found
        gc.collect()
        source.extend(b"x")


class Copies(TestCase):
    def assert_copied(self, source: numpy.ndarray) -> None:
        found = block(source)
        self.assertNotEqual(found.address, source.ctypes.data)
        numpy.testing.assert_array_equal(read(found), source)

    def test_orders_that_c_cannot_walk(self) -> None:
        whole = random(6, 8)
        for view in (
            numpy.asfortranarray(whole),
            whole.T,
            whole[:, ::2],
            whole[:, ::-1],
            whole[::-1],
            numpy.broadcast_to(whole[0], (5, 8)),
            numpy.lib.stride_tricks.as_strided(whole, (3, 8), (8, 8)),
            whole.astype("float16").T,
        ):
            self.assert_copied(view)

    def test_nested_lists(self) -> None:
        found = block([[1, 2.5], (3, 4), [5, 6]])
        numpy.testing.assert_array_equal(read(found), [[1, 2.5], [3, 4], [5, 6]])

    def test_objects_that_only_convert(self) -> None:
        class Converts:
            def __array__(self, dtype=None, copy=None):
                return numpy.eye(3)

        numpy.testing.assert_array_equal(read(block(Converts())), numpy.eye(3))

    def test_packing_for_files(self) -> None:
        whole = random(5, 7)
        found = packed(block(whole[:, 1:4]))
        self.assertEqual(found.row_stride, 0)
        numpy.testing.assert_array_equal(read(found), whole[:, 1:4])


class Kinds(TestCase):
    def test_bf16_bits(self) -> None:
        bits = bf16_bits(random(4, 4))
        found = block(bits, "bf16")
        self.assertEqual((found.dtype.name, found.address), ("bf16", bits.ctypes.data))

    def test_ml_dtypes(self) -> None:
        try:
            import ml_dtypes
        except ImportError:
            self.skipTest("needs ml_dtypes")
        source = random(4, 6).astype(ml_dtypes.bfloat16)
        for view in (source, source[:, 1:3], source[::2]):
            found = block(view)
            self.assertEqual((found.dtype.name, found.address), ("bf16", view.ctypes.data))

    def test_torch(self) -> None:
        try:
            import torch
        except ImportError:
            self.skipTest("needs torch")
        source = torch.arange(12, dtype=torch.float32).reshape(3, 4).requires_grad_()
        for tensor in (source, source.bfloat16(), source.half(), source.double(), source[:, 1:3], source[::2]):
            found = block(tensor)
            self.assertEqual(found.address, tensor.data_ptr())
            self.assertEqual(found.shape, tuple(tensor.shape))
        numpy.testing.assert_array_equal(read(block(source.t())), source.detach().numpy().T)
        expected = softneck.spectrum(source.detach().numpy()).singular_values
        numpy.testing.assert_array_equal(softneck.spectrum(source).singular_values, expected)
        numpy.testing.assert_array_equal(softneck.spectrum(source.bfloat16()).singular_values, expected)

    def test_refusals_name_the_fault(self) -> None:
        for source, dtype, message in (
            (numpy.zeros(3), None, "2 dimensions, not 1"),
            (numpy.zeros((2, 2, 2)), None, "2 dimensions, not 3"),
            (numpy.zeros((0, 3)), None, "0 x 3 matrix is empty"),
            (numpy.zeros((3, 0)), None, "3 x 0 matrix is empty"),
            (numpy.zeros((2, 2), "int64"), None, "elements are i64"),
            (numpy.zeros((2, 2), "uint16"), None, "dtype='bf16'"),
            (numpy.zeros((2, 2), "float64"), "f32", "cannot be taken as f32"),
            (numpy.zeros((2, 2), "float16"), "bf16", "cannot be taken as bf16"),
            (numpy.zeros((2, 2), "uint16"), "half", "unknown dtype 'half'"),
            (numpy.zeros((2, 2), ">f8"), None, "buffer format '>d'"),
            (numpy.zeros((2, 2), "longdouble"), None, "buffer format"),
            ([[1, 2], [3]], None, "row 1 has 1 numbers, row 0 has 2"),
            ([[1, "x"]], None, "must hold numbers"),
            ([], None, "2 dimensions, not 1"),
        ):
            with self.subTest(message):
                with self.assertRaisesRegex(softneck.ArgumentError, message):
                    softneck.spectrum(source, dtype=dtype)
        with self.assertRaisesRegex(TypeError, "object is neither an array"):
            softneck.spectrum(object())
        with self.assertRaisesRegex(TypeError, r"open\(path\).head\(\)"):
            softneck.spectrum("model.safetensors")

    def test_sparse_tensors_are_refused_as_such(self) -> None:
        try:
            import torch
        except ImportError:
            self.skipTest("needs torch")
        with self.assertRaisesRegex(softneck.ArgumentError, "to_dense"):
            softneck.spectrum(torch.eye(3).to_sparse())


if __name__ == "__main__":
    unittest.main()
