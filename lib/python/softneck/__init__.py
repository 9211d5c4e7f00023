"""softneck: is this language model held back by its output head?

    import softneck

    with softneck.open("model.safetensors") as checkpoint:
        s = softneck.spectrum(checkpoint.head())
    print(s.singular_values, s.singular_entropy())

Exact singular spectra of language-model heads and the rank metrics of them, by the C library libsoftneck.
numpy is used when it is installed, never needed.
"""

from ._bottleneck import GradientSuppression, LossGap, Truncation, gradient_suppression, loss_gap
from ._checkpoint import Checkpoint, OutputMatrix, Tensor, open, series
from ._context import Context, Progress
from ._cross_entropy import CrossEntropy, cross_entropy
from ._density import Band, Density, DensityReport
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
from ._head import Head
from ._head_training import HeadReport, HeadTraining, train_head
from ._head_study import ArgmaxVerdict, FrequencyComponent, HiddenSize, Unargmaxable, hidden_size, token_frequency
from ._library import lib as _lib
from ._library import path as library_path
from ._library import text as _text
from ._metrics import Measure, PowerLaw, metric_names, metric_summary, metric_unit
from ._model import Likelihood, Model
from ._monitor import Monitor, MonitorEvent, MonitorSeries
from ._ngrams import NGramCounter, NGramDistributions, NGramMatrix, NGramMatrixInfo, NGramRows, NGrams, NGramsInfo
from ._operator import Operator
from ._optimizer import SGD, AdamW, Muon, Optimizer, Parameter, Schedule, clip_gradients
from ._scaling_law import ScalingFit, ScalingLaw, fit_scaling_law
from ._spectrum import SVD, Spectrum, spectrum, svd
from ._tokenizer import Tokenizer
from ._tokenizer_training import train_tokenizer
from ._tokens import Batches, TokenFile, TokenWriter, write_tokens
from ._trainable import TrainableModel
from ._training import Training, TrainingEvaluation, TrainingReport
from ._truncated import TruncatedSVD, truncated_svd
from ._verdict import CoOccurrence, Saturation, co_occurrence, saturation
from ._writers import write_npy, write_safetensors

__version__: str = _text(_lib.neck_version_string()) or ""


def build_info() -> str:
    """One line on how the library was built and what it runs on."""
    return _text(_lib.neck_build_info()) or ""


__all__ = [
    "AdamW",
    "ArgmaxVerdict",
    "ArgumentError",
    "Band",
    "Batches",
    "CancelledError",
    "CenteredAnisotropy",
    "Checkpoint",
    "CoOccurrence",
    "Context",
    "ConvergenceError",
    "CrossEntropy",
    "Density",
    "DensityReport",
    "Error",
    "Evaluation",
    "FileError",
    "FormatError",
    "FrequencyComponent",
    "GradientSuppression",
    "Gram",
    "Head",
    "HeadReport",
    "HeadTraining",
    "HiddenSize",
    "InternalError",
    "Likelihood",
    "LossGap",
    "Measure",
    "Model",
    "Monitor",
    "MonitorEvent",
    "MonitorSeries",
    "Muon",
    "NGramCounter",
    "NGramDistributions",
    "NGramMatrix",
    "NGramMatrixInfo",
    "NGramRows",
    "NGrams",
    "NGramsInfo",
    "NonFiniteError",
    "NotFoundError",
    "Operator",
    "Optimizer",
    "OutOfMemoryError",
    "OutputMatrix",
    "Parameter",
    "PowerLaw",
    "Progress",
    "RangeError",
    "SGD",
    "SVD",
    "Saturation",
    "ScalingFit",
    "ScalingLaw",
    "Schedule",
    "Spectrum",
    "StateError",
    "Tensor",
    "TextLoss",
    "TokenFile",
    "TokenWriter",
    "Tokenizer",
    "TrailingDataError",
    "TrainableModel",
    "Training",
    "TrainingEvaluation",
    "TrainingReport",
    "TruncatedSVD",
    "Truncation",
    "Unargmaxable",
    "UnsupportedError",
    "anisotropy",
    "build_info",
    "clip_gradients",
    "co_occurrence",
    "count_words",
    "cross_entropy",
    "fit_scaling_law",
    "gradient_suppression",
    "hidden_size",
    "library_path",
    "loss_gap",
    "metric_names",
    "metric_summary",
    "metric_unit",
    "open",
    "saturation",
    "series",
    "spectrum",
    "svd",
    "token_frequency",
    "train_head",
    "train_tokenizer",
    "truncated_svd",
    "write_npy",
    "write_safetensors",
    "write_tokens",
]
