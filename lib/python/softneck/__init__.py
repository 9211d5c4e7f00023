"""softneck: is this language model held back by its output head?

    import softneck

    with softneck.open("model.safetensors") as checkpoint:
        s = softneck.spectrum(checkpoint.head())
    print(s.singular_values, s.singular_entropy())

Exact singular spectra of language-model heads and the rank metrics of them, by the C library libsoftneck.
numpy is used when it is installed, never needed.
"""

from ._checkpoint import Checkpoint, Head, Tensor, open, series
from ._context import Context, Progress
from ._errors import (
    ArgumentError,
    CancelledError,
    ConvergenceError,
    Error,
    FileError,
    FormatError,
    InternalError,
    NonFiniteError,
    NotFoundError,
    OutOfMemoryError,
    RangeError,
    StateError,
    TrailingDataError,
    UnsupportedError,
)
from ._evaluate import CenteredAnisotropy, Evaluation, TextLoss, count_words
from ._gram import Gram, anisotropy
from ._library import lib as _lib
from ._library import path as library_path
from ._library import text as _text
from ._metrics import Measure, PowerLaw, metric_names, metric_summary, metric_unit
from ._model import Likelihood, Model
from ._monitor import Monitor, MonitorEvent, MonitorSeries
from ._spectrum import SVD, Spectrum, spectrum, svd
from ._tokenizer import Tokenizer
from ._writers import write_npy, write_safetensors

__version__: str = _text(_lib.neck_version_string()) or ""


def build_info() -> str:
    """One line on how the library was built and what it runs on."""
    return _text(_lib.neck_build_info()) or ""


__all__ = [
    "ArgumentError",
    "CancelledError",
    "CenteredAnisotropy",
    "Checkpoint",
    "Context",
    "ConvergenceError",
    "Error",
    "Evaluation",
    "FileError",
    "FormatError",
    "Gram",
    "Head",
    "InternalError",
    "Likelihood",
    "Measure",
    "Model",
    "Monitor",
    "MonitorEvent",
    "MonitorSeries",
    "NonFiniteError",
    "NotFoundError",
    "OutOfMemoryError",
    "PowerLaw",
    "Progress",
    "RangeError",
    "SVD",
    "Spectrum",
    "StateError",
    "Tensor",
    "TextLoss",
    "Tokenizer",
    "TrailingDataError",
    "UnsupportedError",
    "anisotropy",
    "build_info",
    "count_words",
    "library_path",
    "metric_names",
    "metric_summary",
    "metric_unit",
    "open",
    "series",
    "spectrum",
    "svd",
    "write_npy",
    "write_safetensors",
]
