"""One side of a comparison of truncated SVDs, in a process of its own: reads a case a line, answers with its seconds as JSON.

Usage: truncated_worker.py softneck|numpy|scipy|primme|sklearn FOLDER      cases: OPERATION MATRIX,K,TOLERANCE

The matrix is mapped from FOLDER/MATRIX.npy. Every answer has the singular values found and the largest residual
sqrt((|A v - s u|^2 + |A^T u - s v|^2) / 2) / s_1, computed here in double precision, the same way for everyone.
"""

import json
import os
import sys
import time

import numpy as np
from memory import peak_memory, reset_peak


def softneck_operations():
    import ctypes as c

    library = c.CDLL(os.environ["SOFTNECK_LIBRARY"])

    class Matrix(c.Structure):
        _fields_ = [("data", c.c_void_p), ("rows", c.c_int64), ("cols", c.c_int64), ("row_stride", c.c_int64),
                    ("dtype", c.c_int32), ("reserved", c.c_int32)]

    class Options(c.Structure):
        _fields_ = [("struct_size", c.c_size_t), ("method", c.c_int32), ("block", c.c_int32), ("tolerance", c.c_double),
                    ("basis", c.c_int64), ("max_products", c.c_int64), ("start", c.c_void_p), ("start_count", c.c_int64),
                    ("oversampling", c.c_int64), ("power_steps", c.c_int64)]

    class Report(c.Structure):
        _fields_ = [("struct_size", c.c_size_t), ("method", c.c_int32), ("block", c.c_int32), ("products", c.c_int64),
                    ("restarts", c.c_int64), ("missed_probability", c.c_double), ("frobenius_squared", c.c_double)]

    library.neck_last_error.restype = c.c_char_p

    def check(status):
        if status:
            raise RuntimeError(library.neck_last_error().decode())

    def method(number):
        def run(a, k, tolerance):
            view = Matrix(a.ctypes.data, a.shape[0], a.shape[1], a.strides[0] // a.itemsize, {"f4": 1, "f8": 2}[a.dtype.str[1:]], 0)
            op, report = c.c_void_p(), Report(c.sizeof(Report))
            s, bounds = np.empty(k), np.empty(k)
            u, vt = np.empty((a.shape[0], k)), np.empty((k, a.shape[1]))
            options = Options(c.sizeof(Options), method=number, tolerance=tolerance)
            check(library.neck_operator_dense(None, c.byref(view), c.byref(op)))
            try:
                check(library.neck_truncated_svd(None, op, c.c_int64(k), c.byref(options), *(c.c_void_p(x.ctypes.data) for x in (s, u, vt)),
                                                 None, c.c_void_p(bounds.ctypes.data), c.byref(report)))
            finally:
                library.neck_operator_destroy(op)
            about = {"method": report.method, "products": report.products, "bound": float(bounds.max() / s[0])}
            return u, s, vt, about
        return run

    return {"auto": method(0), "gram": method(1), "krylov": method(4), "randomized": method(5)}


def numpy_operations():
    def gram(a, k, tolerance):
        values, vectors = np.linalg.eigh((lambda w: w.T @ w)(a.astype(np.float64)))
        v = vectors[:, ::-1][:, :k]
        w = a @ v
        s = np.linalg.norm(w, axis=0)
        return w / s, s, v.T, {}

    return {"gram": gram}


def scipy_operations():
    from scipy.sparse.linalg import LinearOperator, svds

    def decreasing(u, s, vt):
        return u[:, ::-1], s[::-1], vt[::-1], {}

    def arpack(a, k, tolerance):
        return decreasing(*svds(a, k, tol=tolerance, random_state=0))

    return {"arpack": arpack}


def primme_operations():
    import primme

    def run(a, k, tolerance):
        u, s, vt = primme.svds(a, k, tol=tolerance)[:3]
        return u, s, vt, {}

    def hybrid(a, k, tolerance):
        u, s, vt = primme.svds(a, k, tol=tolerance, method="primme_svds_hybrid")[:3]
        return u, s, vt, {}

    def block(a, k, tolerance):
        u, s, vt = primme.svds(a, k, tol=tolerance, maxBlockSize=8)[:3]
        return u, s, vt, {}

    return {"primme": run, "primme_hybrid": hybrid, "primme_block": block}


def sklearn_operations():
    from sklearn.utils.extmath import randomized_svd

    def randomized(a, k, tolerance):
        return *randomized_svd(a, k, random_state=0), {}

    return {"randomized": randomized}


def residual(a, u, s, vt):
    u, vt = np.asarray(u, float), np.asarray(vt, float)
    squares = np.zeros(len(s))
    images = np.zeros(vt.shape)
    for first in range(0, len(a), 1024):
        rows = a[first:first + 1024].astype(float)
        squares += ((rows @ vt.T - u[first:first + 1024] * s) ** 2).sum(0)
        images += u[first:first + 1024].T @ rows
    squares += ((images - s[:, None] * vt) ** 2).sum(1)
    return float(np.sqrt(squares.max() / 2) / s[0])


def main():
    operations = {"softneck": softneck_operations, "numpy": numpy_operations, "scipy": scipy_operations, "primme": primme_operations,
                  "sklearn": sklearn_operations}[sys.argv[1]]()
    print(json.dumps(sorted(operations)), flush=True)
    for line in sys.stdin:
        operation, subject = line.split()
        name, k, tolerance = subject.split(",")
        a = np.load(os.path.join(sys.argv[2], name + ".npy"), mmap_mode="r").view(np.ndarray)
        reset_peak()
        before = peak_memory()
        start, cpu = time.perf_counter(), time.process_time()
        u, s, vt, about = operations[operation](a, int(k), float(tolerance))
        seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
        s = np.asarray(s, float)
        answer = {"seconds": seconds, "cpu": cpu, "extra_bytes": peak_memory() - before, "values": s.tolist(),
                  "residual": residual(a, u, s, vt), **about}
        print(json.dumps(answer), flush=True)


main()
