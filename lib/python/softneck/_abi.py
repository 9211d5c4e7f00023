"""The C side in one place: structs, constants, callback types and the signature of every public function.

Nothing else in the package declares a C type. The tests compare this table with the headers and the symbol map,
and the structs with what a C compiler lays out.
"""

from __future__ import annotations

import ctypes
from ctypes import POINTER, c_char_p, c_double, c_float, c_int32, c_int64, c_size_t, c_uint64, c_void_p
from typing import Any, Dict, List, Tuple

ABI_VERSION = 0
MAX_DIMS = 8

F32, F64, F16, BF16, I8, U8, I16, U16, I32, U32, I64, U64, BOOL, F8_E4M3, F8_E5M2, C64 = range(1, 17)
Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q2_K, Q3_K, Q4_K, Q5_K, Q6_K = range(17, 27)

METHODS = {"auto": 0, "gram": 1, "qr": 2, "krylov": 4, "randomized": 5}
NORMALIZATIONS = {"squared": 0, "linear": 1}
REDUCTIONS = {"mean": 0, "sum": 1}
SCHEDULES = {"constant": 0, "cosine": 1, "wsd": 2}
OPTIMIZER_ADAMW, OPTIMIZER_SGD, OPTIMIZER_MUON = 1, 2, 3
PARAMETER_NO_DECAY, PARAMETER_NO_MUON = 1, 2
TRUNCATE_PLAIN, TRUNCATE_WEIGHTED = 0, 1
NGRAM_WEIGHTS = {"uniform": 0, "count": 1, "root_count": 2}
DENSITY_COUPLING, DENSITY_LANCZOS = 1, 2

STATUS_CANCELLED = -4


class Struct(ctypes.Structure):
    """A C struct; one whose first field is struct_size fills it in by itself."""

    def __init__(self, **fields: Any) -> None:
        if self._fields_[0][0] == "struct_size":
            fields["struct_size"] = ctypes.sizeof(self)
        super().__init__(**fields)


class Progress(Struct):
    _fields_ = [
        ("struct_size", c_size_t),
        ("task", c_char_p),
        ("unit", c_char_p),
        ("done", c_int64),
        ("total", c_int64),
    ]


PROGRESS_FN = ctypes.CFUNCTYPE(c_int32, c_void_p, POINTER(Progress))
LOG_FN = ctypes.CFUNCTYPE(None, c_void_p, c_int32, c_char_p)
ALLOC_FN = ctypes.CFUNCTYPE(c_void_p, c_void_p, c_size_t, c_size_t)
RELEASE_FN = ctypes.CFUNCTYPE(None, c_void_p, c_void_p)


class ContextOptions(Struct):
    _fields_ = [
        ("struct_size", c_size_t),
        ("threads", c_int32),
        ("reserved", c_int32),
        ("seed", c_uint64),
        ("progress", PROGRESS_FN),
        ("progress_user", c_void_p),
        ("log", LOG_FN),
        ("log_user", c_void_p),
        ("alloc", ALLOC_FN),
        ("release", RELEASE_FN),
        ("alloc_user", c_void_p),
    ]


class Matrix(Struct):
    _fields_ = [
        ("data", c_void_p),
        ("rows", c_int64),
        ("cols", c_int64),
        ("row_stride", c_int64),
        ("dtype", c_int32),
        ("reserved", c_int32),
    ]


class GramOptions(Struct):
    _fields_ = [
        ("struct_size", c_size_t),
        ("shift", POINTER(c_double)),
        ("moments_only", c_int32),
        ("reserved", c_int32),
    ]


class SpectrumOptions(Struct):
    _fields_ = [
        ("struct_size", c_size_t),
        ("method", c_int32),
        ("variant", c_int32),
        ("row_weights", POINTER(c_double)),
        ("tolerance", c_double),
    ]


class SvdOptions(Struct):
    _fields_ = [
        ("struct_size", c_size_t),
        ("variant", c_int32),
        ("reserved", c_int32),
        ("row_weights", POINTER(c_double)),
    ]


class Measure(Struct):
    _fields_ = [("value", c_double), ("error", c_double)]


class PowerLaw(Struct):
    _fields_ = [
        ("struct_size", c_size_t),
        ("alpha", c_double),
        ("alpha_error", c_double),
        ("standard_error", c_double),
        ("ks_distance", c_double),
        ("ks_error", c_double),
        ("xmin", c_double),
        ("tail_count", c_int64),
    ]


class CheckpointOptions(Struct):
    _fields_ = [("struct_size", c_size_t), ("allow_trailing", c_int32), ("reserved", c_int32)]


class Tensor(Struct):
    _fields_ = [
        ("struct_size", c_size_t),
        ("name", c_char_p),
        ("dtype", c_int32),
        ("ndim", c_int32),
        ("shape", c_int64 * MAX_DIMS),
        ("nbytes", c_int64),
        ("data", c_void_p),
    ]


class ModelOptions(Struct):
    _fields_ = [("struct_size", c_size_t), ("memory_cap", c_int64)]


class States(Struct):
    _fields_ = [
        ("struct_size", c_size_t),
        ("layer", c_int64),
        ("count", c_int64),
        ("first_row", c_int64),
        ("matrix", Matrix),
    ]


STATES_FN = ctypes.CFUNCTYPE(c_int32, c_void_p, POINTER(States))


class ForwardOptions(Struct):
    _fields_ = [
        ("struct_size", c_size_t),
        ("states", STATES_FN),
        ("states_user", c_void_p),
        ("lengths", POINTER(c_int64)),
        ("targets", POINTER(c_int32)),
        ("nll", POINTER(c_double)),
        ("best", POINTER(c_int32)),
    ]


class Loss(Struct):
    _fields_ = [
        ("struct_size", c_size_t),
        ("loss", c_double),
        ("nll_sum", c_double),
        ("tokens", c_int64),
        ("correct", c_int64),
    ]


class TokenizerOptions(Struct):
    _fields_ = [("struct_size", c_size_t), ("merges", c_char_p)]


class EncodeOptions(Struct):
    _fields_ = [("struct_size", c_size_t), ("no_special_tokens", c_int32), ("strict_utf8", c_int32)]


class DecodeOptions(Struct):
    _fields_ = [("struct_size", c_size_t), ("skip_special_tokens", c_int32), ("keep_leading_space", c_int32)]


class EvaluationOptions(Struct):
    _fields_ = [
        ("struct_size", c_size_t),
        ("context_length", c_int64),
        ("stride", c_int64),
        ("batch_tokens", c_int64),
        ("sample_rows", c_int64),
        ("watch_layers", c_int32),
        ("reach_back", c_int32),
        ("dump", c_void_p),
    ]


class TextLoss(Struct):
    _fields_ = [
        ("struct_size", c_size_t),
        ("context_length", c_int64),
        ("stride", c_int64),
        ("documents", c_int64),
        ("tokens", c_int64),
        ("correct", c_int64),
        ("bytes", c_double),
        ("words", c_double),
        ("nll_sum", c_double),
        ("loss", c_double),
        ("standard_error", c_double),
        ("perplexity", c_double),
        ("bits_per_byte", c_double),
        ("byte_perplexity", c_double),
        ("word_perplexity", c_double),
        ("accuracy", c_double),
    ]


class Likelihood(Struct):
    _fields_ = [
        ("struct_size", c_size_t),
        ("log_likelihood", c_double),
        ("tokens", c_int64),
        ("greedy", c_int64),
    ]


class LabeledStates(Struct):
    _fields_ = [("states", Matrix), ("targets", POINTER(c_int32))]


class CrossEntropyOptions(Struct):
    _fields_ = [
        ("struct_size", c_size_t),
        ("bias", POINTER(Matrix)),
        ("logit_scale", c_double),
        ("soft_cap", c_double),
        ("label_smoothing", c_double),
        ("z_loss", c_double),
        ("filter_tolerance", c_double),
        ("reduction", c_int32),
        ("use_ignore_index", c_int32),
        ("ignore_index", c_int32),
        ("accumulate", c_int32),
        ("accuracy", c_int32),
        ("reserved", c_int32),
        ("memory_cap", c_int64),
        ("token_loss", POINTER(c_double)),
        ("log_normalizer", POINTER(c_double)),
        ("gradient_norm", POINTER(c_double)),
        ("best", POINTER(c_int32)),
    ]


class CrossEntropyGradients(Struct):
    _fields_ = [("struct_size", c_size_t), ("states", c_void_p), ("weights", c_void_p), ("bias", c_void_p)]


class CrossEntropyResult(Struct):
    _fields_ = [
        ("struct_size", c_size_t),
        ("loss", c_double),
        ("tokens", c_int64),
        ("correct", c_int64),
        ("kept_fraction", c_double),
        ("states_error", c_double),
        ("weights_error", c_double),
        ("states_norm", c_double),
        ("weights_norm", c_double),
        ("memory", c_int64),
    ]


class Parameter(Struct):
    _fields_ = [
        ("name", c_char_p),
        ("data", c_void_p),
        ("gradient", c_void_p),
        ("rows", c_int64),
        ("cols", c_int64),
        ("dtype", c_int32),
        ("flags", c_int32),
    ]


class OptimizerOptions(Struct):
    _fields_ = [
        ("struct_size", c_size_t),
        ("rule", c_int32),
        ("nesterov", c_int32),
        ("learning_rate", c_double),
        ("weight_decay", c_double),
        ("beta1", c_double),
        ("beta2", c_double),
        ("epsilon", c_double),
        ("momentum", c_double),
        ("adam_learning_rate", c_double),
        ("newton_schulz_steps", c_int64),
        ("gradients_are_clipped", c_int32),
        ("reserved", c_int32),
    ]


class Schedule(Struct):
    _fields_ = [
        ("struct_size", c_size_t),
        ("kind", c_int32),
        ("reserved", c_int32),
        ("steps", c_int64),
        ("warmup_steps", c_int64),
        ("decay_steps", c_int64),
        ("final_scale", c_double),
    ]


class HeadOptions(Struct):
    _fields_ = [
        ("struct_size", c_size_t),
        ("kind", c_int32),
        ("dtype", c_int32),
        ("vocabulary", c_int64),
        ("hidden_size", c_int64),
        ("rank", c_int64),
        ("components", c_int64),
        ("knots", c_int64),
        ("range", c_double),
        ("bias", c_int32),
        ("reserved", c_int32),
        ("logit_scale", c_double),
        ("soft_cap", c_double),
        ("init_std", c_double),
        ("paper_init", c_int32),
        ("reserved_too", c_int32),
        ("weights", POINTER(Matrix)),
        ("tied_weights", c_void_p),
        ("tied_gradient", c_void_p),
    ]


class HeadReport(Struct):
    _fields_ = [
        ("struct_size", c_size_t),
        ("step", c_int64),
        ("steps", c_int64),
        ("learning_rate", c_double),
        ("train_loss", c_double),
        ("gradient_norm", c_double),
        ("valid_loss", c_double),
        ("valid_accuracy", c_double),
    ]


class GradientExchange(Struct):
    _fields_ = [
        ("struct_size", c_size_t),
        ("index", c_int32),
        ("count", c_int32),
        ("user", c_void_p),
        ("sum", c_void_p),
        ("spread", c_void_p),
        ("finish", c_void_p),
        ("add", c_void_p),
        ("agree", c_void_p),
    ]


HEAD_REPORT_FN = ctypes.CFUNCTYPE(c_int32, c_void_p, POINTER(HeadReport))


class HeadTrainingOptions(Struct):
    _fields_ = [
        ("struct_size", c_size_t),
        ("steps", c_int64),
        ("batch", c_int64),
        ("optimizer", POINTER(OptimizerOptions)),
        ("schedule", POINTER(Schedule)),
        ("loss", POINTER(CrossEntropyOptions)),
        ("clip_norm", c_double),
        ("seed", c_uint64),
        ("evaluate_every", c_int64),
        ("report", HEAD_REPORT_FN),
        ("report_user", c_void_p),
        ("checkpoint", c_char_p),
        ("checkpoint_every", c_int64),
        ("exchange", POINTER(GradientExchange)),
    ]


class HeadTrainingResult(Struct):
    _fields_ = [
        ("struct_size", c_size_t),
        ("valid_loss", c_double),
        ("valid_accuracy", c_double),
        ("best_valid_loss", c_double),
        ("best_step", c_int64),
        ("train_loss", c_double),
        ("tokens", c_int64),
        ("diverged", c_int32),
        ("reserved", c_int32),
    ]


class TruncateOptions(Struct):
    _fields_ = [("struct_size", c_size_t), ("kind", c_int32), ("centered", c_int32), ("moments", c_void_p)]


class LossGap(Struct):
    _fields_ = [
        ("struct_size", c_size_t),
        ("tokens", c_int64),
        ("full_loss", c_double),
        ("reduced_loss", c_double),
        ("gap", c_double),
        ("full_accuracy", c_double),
        ("reduced_accuracy", c_double),
        ("first_order", c_double),
        ("quadratic_bound", c_double),
        ("range_bound", c_double),
        ("frobenius_tail", c_double),
        ("weighted_tail", c_double),
        ("w_error", c_double),
    ]


class GradientSuppression(Struct):
    _fields_ = [
        ("struct_size", c_size_t),
        ("tokens", c_int64),
        ("rank", c_int64),
        ("suppressed", c_double),
        ("mean_suppressed", c_double),
    ]


class MonitorOptions(Struct):
    _fields_ = [
        ("struct_size", c_size_t),
        ("interval", c_int64),
        ("metrics", POINTER(c_char_p)),
        ("metric_count", c_int64),
        ("vocabulary", c_int64),
        ("hidden_size", c_int64),
        ("variants", c_int32),
        ("under_way", c_int32),
        ("flatten_fall", c_double),
        ("spike_rise", c_double),
        ("spike_release", c_double),
        ("anisotropy_fall", c_double),
        ("anisotropy_rise", c_double),
        ("anisotropy_release", c_double),
        ("patience", c_int64),
    ]


class MonitorEvent(Struct):
    _fields_ = [
        ("struct_size", c_size_t),
        ("kind", c_int32),
        ("reserved", c_int32),
        ("series", c_int64),
        ("step", c_int64),
        ("value", c_double),
        ("onset_step", c_int64),
        ("onset_value", c_double),
        ("extreme_step", c_int64),
        ("extreme_value", c_double),
    ]


class TokenizerTrainingOptions(Struct):
    _fields_ = [
        ("struct_size", c_size_t),
        ("vocab_size", c_int64),
        ("min_frequency", c_int64),
        ("split", c_int32),
        ("reserved", c_int32),
        ("special_tokens", POINTER(c_char_p)),
        ("special_count", c_int64),
    ]


class TokenFileOptions(Struct):
    _fields_ = [
        ("struct_size", c_size_t),
        ("lazy", c_int32),
        ("reserved", c_int32),
    ]


class BatchesOptions(Struct):
    _fields_ = [
        ("struct_size", c_size_t),
        ("batch", c_int64),
        ("context_length", c_int64),
        ("order", c_int32),
        ("part", c_int32),
        ("validation_share", c_double),
        ("seed", c_uint64),
    ]


class TrainableOptions(Struct):
    _fields_ = [
        ("struct_size", c_size_t),
        ("config", c_char_p),
        ("family", c_char_p),
        ("vocabulary", c_int64),
        ("layers", c_int64),
        ("hidden_size", c_int64),
        ("heads", c_int64),
        ("kv_heads", c_int64),
        ("head_size", c_int64),
        ("inner_size", c_int64),
        ("context_length", c_int64),
        ("activation", c_char_p),
        ("tied", c_int32),
        ("without_head", c_int32),
        ("dtype", c_int32),
        ("initializer", c_int32),
        ("seed", c_uint64),
        ("dropout", c_double),
        ("attention_dropout", c_double),
        ("recompute", c_int32),
        ("reserved", c_int32),
    ]


class TrainingOptions(Struct):
    _fields_ = [
        ("struct_size", c_size_t),
        ("model", c_void_p),
        ("head", c_void_p),
        ("tokens", c_void_p),
        ("batches", POINTER(BatchesOptions)),
        ("optimizer", POINTER(OptimizerOptions)),
        ("schedule", POINTER(Schedule)),
        ("loss", POINTER(CrossEntropyOptions)),
        ("accumulation", c_int64),
        ("evaluation_windows", c_int64),
        ("clip_norm", c_double),
        ("gradient_limit", c_double),
        ("exchange", POINTER(GradientExchange)),
    ]


# What neck_training_export and _save call back with a folder that is not yet in its place.
FOLDER_FN = ctypes.CFUNCTYPE(c_int32, c_void_p, c_char_p)
# What neck_trainable_backward_telling calls back with parameters whose gradients are final.
READY_FN = ctypes.CFUNCTYPE(None, c_void_p, c_int64, c_int64)
OPERATOR_FN = ctypes.CFUNCTYPE(c_int32, c_void_p, c_int32, c_int64, POINTER(c_double), POINTER(c_double))


class TrainingReport(Struct):
    _fields_ = [
        ("struct_size", c_size_t),
        ("step", c_int64),
        ("tokens", c_int64),
        ("loss", c_double),
        ("gradient_norm", c_double),
        ("learning_rate", c_double),
    ]


class TrainingEvaluation(Struct):
    _fields_ = [
        ("struct_size", c_size_t),
        ("loss", c_double),
        ("accuracy", c_double),
        ("tokens", c_int64),
        ("best_loss", c_double),
        ("best_step", c_int64),
    ]


class TruncatedOptions(Struct):
    _fields_ = [
        ("struct_size", c_size_t),
        ("method", c_int32),
        ("block", c_int32),
        ("tolerance", c_double),
        ("basis", c_int64),
        ("max_products", c_int64),
        ("start", POINTER(c_double)),
        ("start_count", c_int64),
        ("oversampling", c_int64),
        ("power_steps", c_int64),
    ]


class TruncatedReport(Struct):
    _fields_ = [
        ("struct_size", c_size_t),
        ("method", c_int32),
        ("block", c_int32),
        ("products", c_int64),
        ("restarts", c_int64),
        ("missed_probability", c_double),
        ("frobenius_squared", c_double),
    ]


class Band(Struct):
    _fields_ = [
        ("low", c_double),
        ("value", c_double),
        ("high", c_double),
    ]


class DensityOptions(Struct):
    _fields_ = [
        ("struct_size", c_size_t),
        ("probes", c_int32),
        ("steps", c_int32),
        ("block", c_int32),
        ("deflate", c_int32),
        ("confidence", c_double),
        ("target_width", c_double),
        ("max_products", c_int64),
        ("diagonal", POINTER(c_double)),
        ("known_values", POINTER(c_double)),
        ("known_count", c_int64),
    ]


class DensityReport(Struct):
    _fields_ = [
        ("struct_size", c_size_t),
        ("routes", c_int32),
        ("probes", c_int32),
        ("steps", c_int32),
        ("groups", c_int32),
        ("deflated", c_int64),
        ("size", c_int64),
        ("products", c_int64),
        ("confidence", c_double),
        ("width", c_double),
        ("frobenius_squared", c_double),
        ("deflation_error", c_double),
        ("quadrature_error", c_double),
        ("sampling_error", c_double),
    ]


class NgramCounterOptions(Struct):
    _fields_ = [
        ("struct_size", c_size_t),
        ("order", c_int32),
        ("reserved", c_int32),
        ("memory_bytes", c_int64),
        ("folder", c_char_p),
        ("resume", c_int32),
        ("reserved2", c_int32),
    ]


class NgramsInfo(Struct):
    _fields_ = [
        ("struct_size", c_size_t),
        ("order", c_int32),
        ("reserved", c_int32),
        ("vocab_size", c_int64),
        ("tokens", c_int64),
        ("documents", c_int64),
        ("contexts", c_int64),
        ("ngrams", c_int64),
        ("occurrences", c_int64),
        ("singletons", c_int64),
        ("seen_once", c_int64),
        ("successors", c_int64),
    ]


class NgramMatrixInfo(Struct):
    _fields_ = [
        ("struct_size", c_size_t),
        ("rows", c_int64),
        ("cols", c_int64),
        ("coupled", c_int64),
        ("parts", c_int64),
        ("largest_part", c_int64),
        ("coupled_rows", c_int64),
        ("coupled_entries", c_int64),
        ("frobenius_squared", c_double),
    ]


class NgramRowsView(Struct):
    _fields_ = [
        ("struct_size", c_size_t),
        ("contexts", c_int64),
        ("cols", c_int64),
        ("diagonal", POINTER(c_double)),
        ("rows", c_int64),
        ("starts", POINTER(c_int64)),
        ("columns", POINTER(c_int32)),
        ("shares", POINTER(c_double)),
        ("squares", POINTER(c_double)),
    ]


class Curve(Struct):
    _fields_ = [
        ("steps", POINTER(c_int64)),
        ("values", POINTER(c_double)),
        ("standard_errors", POINTER(c_double)),
        ("count", c_int64),
    ]


class SaturationOptions(Struct):
    _fields_ = [
        ("struct_size", c_size_t),
        ("higher_is_better", c_int32),
        ("simulations", c_int32),
        ("minimum_excess", c_double),
        ("divergence_excess", c_double),
        ("significance", c_double),
        ("confidence", c_double),
        ("skip_start", c_int32),
        ("reserved", c_int32),
    ]


class Saturation(Struct):
    _fields_ = [
        ("struct_size", c_size_t),
        ("verdict", c_int32),
        ("reason", c_int32),
        ("points", c_int64),
        ("not_finite", c_int64),
        ("repeated", c_int64),
        ("blocks", c_int64),
        ("block_steps", c_double),
        ("first_step", c_int64),
        ("last_step", c_int64),
        ("minimum_step", c_int64),
        ("minimum_level", c_double),
        ("onset_step", c_int64),
        ("onset_low", c_int64),
        ("onset_high", c_int64),
        ("excess_nats", c_double),
        ("excess_low", c_double),
        ("excess_high", c_double),
        ("sustained_excess", c_double),
        ("peak_excess", c_double),
        ("peak_step", c_int64),
        ("gain", c_double),
        ("gain_low", c_double),
        ("gain_high", c_double),
        ("p_value", c_double),
        ("noise", c_double),
        ("autocorrelation", c_double),
    ]


class ScalingLaw(Struct):
    _fields_ = [
        ("a", c_double),
        ("alpha", c_double),
        ("b", c_double),
        ("beta", c_double),
        ("e", c_double),
    ]


class ScalingPoint(Struct):
    _fields_ = [
        ("parameters", c_double),
        ("tokens", c_double),
        ("loss", c_double),
    ]


class ScalingOptions(Struct):
    _fields_ = [
        ("struct_size", c_size_t),
        ("fitted", c_int32),
        ("resamples", c_int32),
        ("fixed", ScalingLaw),
        ("huber", c_double),
        ("confidence", c_double),
    ]


class ScalingFit(Struct):
    _fields_ = [
        ("struct_size", c_size_t),
        ("law", ScalingLaw),
        ("low", ScalingLaw),
        ("high", ScalingLaw),
        ("objective", c_double),
        ("residual", c_double),
        ("starts", c_int64),
        ("agreeing", c_int64),
    ]


class CoOccurrenceOptions(Struct):
    _fields_ = [
        ("struct_size", c_size_t),
        ("first_higher_is_better", c_int32),
        ("second_higher_is_better", c_int32),
        ("first_minimum_excess", c_double),
        ("second_minimum_excess", c_double),
        ("resamples", c_int32),
        ("skip_start", c_int32),
        ("confidence", c_double),
    ]


class CoOccurrence(Struct):
    _fields_ = [
        ("struct_size", c_size_t),
        ("first_onset", c_int64),
        ("first_low", c_int64),
        ("first_high", c_int64),
        ("second_onset", c_int64),
        ("second_low", c_int64),
        ("second_high", c_int64),
        ("lag", c_double),
        ("lag_low", c_double),
        ("lag_high", c_double),
        ("common", c_int64),
        ("block", c_int64),
        ("correlation", c_double),
        ("correlation_low", c_double),
        ("correlation_high", c_double),
        ("change_correlation", c_double),
        ("change_low", c_double),
        ("change_high", c_double),
    ]


class FrequencyOptions(Struct):
    _fields_ = [
        ("struct_size", c_size_t),
        ("variant", c_int32),
        ("reserved", c_int32),
        ("smoothing", c_double),
    ]


class FrequencyComponent(Struct):
    _fields_ = [
        ("singular_value", c_double),
        ("energy", c_double),
        ("pearson", c_double),
        ("spearman", c_double),
        ("explained", c_double),
    ]


class ArgmaxOptions(Struct):
    _fields_ = [
        ("struct_size", c_size_t),
        ("bias", POINTER(c_double)),
        ("reflections", c_int32),
        ("skip_program", c_int32),
        ("keep_witnesses", c_int32),
        ("reserved", c_int32),
        ("tolerance", c_double),
        ("resume", c_char_p),
    ]


class ArgmaxVerdict(Struct):
    _fields_ = [
        ("struct_size", c_size_t),
        ("verdict", c_int32),
        ("proof", c_int32),
        ("twin", c_int64),
        ("margin", c_double),
        ("state_norm", c_double),
        ("residual", c_double),
        ("slack", c_double),
        ("probability_bound", c_double),
    ]


class HiddenSize(Struct):
    _fields_ = [
        ("struct_size", c_size_t),
        ("vectors", c_int64),
        ("vocabulary", c_int64),
        ("hidden_size", c_int64),
        ("alternative", c_int64),
        ("determined", c_int32),
        ("reserved", c_int32),
        ("rank", c_int64),
        ("gap", c_double),
        ("runner_up", c_int64),
        ("runner_up_gap", c_double),
        ("centered_rank", c_int64),
        ("centered_gap", c_double),
        ("centered_runner_up", c_int64),
        ("centered_runner_up_gap", c_double),
    ]


# The C name of each struct above.
STRUCTS: Dict[str, type] = {
    "neck_progress": Progress,
    "neck_context_options": ContextOptions,
    "neck_matrix": Matrix,
    "neck_gram_options": GramOptions,
    "neck_spectrum_options": SpectrumOptions,
    "neck_svd_options": SvdOptions,
    "neck_measure": Measure,
    "neck_power_law": PowerLaw,
    "neck_checkpoint_options": CheckpointOptions,
    "neck_tensor": Tensor,
    "neck_model_options": ModelOptions,
    "neck_states": States,
    "neck_forward_options": ForwardOptions,
    "neck_loss": Loss,
    "neck_tokenizer_options": TokenizerOptions,
    "neck_encode_options": EncodeOptions,
    "neck_decode_options": DecodeOptions,
    "neck_evaluation_options": EvaluationOptions,
    "neck_text_loss": TextLoss,
    "neck_likelihood": Likelihood,
    "neck_monitor_options": MonitorOptions,
    "neck_monitor_event": MonitorEvent,
    "neck_labeled_states": LabeledStates,
    "neck_cross_entropy_options": CrossEntropyOptions,
    "neck_cross_entropy_gradients": CrossEntropyGradients,
    "neck_cross_entropy_result": CrossEntropyResult,
    "neck_parameter": Parameter,
    "neck_optimizer_options": OptimizerOptions,
    "neck_schedule": Schedule,
    "neck_head_options": HeadOptions,
    "neck_head_report": HeadReport,
    "neck_gradient_exchange": GradientExchange,
    "neck_head_training_options": HeadTrainingOptions,
    "neck_head_training_result": HeadTrainingResult,
    "neck_truncate_options": TruncateOptions,
    "neck_loss_gap": LossGap,
    "neck_gradient_suppression": GradientSuppression,
    "neck_tokenizer_training_options": TokenizerTrainingOptions,
    "neck_token_file_options": TokenFileOptions,
    "neck_batches_options": BatchesOptions,
    "neck_trainable_options": TrainableOptions,
    "neck_training_options": TrainingOptions,
    "neck_training_report": TrainingReport,
    "neck_training_evaluation": TrainingEvaluation,
    "neck_truncated_options": TruncatedOptions,
    "neck_truncated_report": TruncatedReport,
    "neck_band": Band,
    "neck_density_options": DensityOptions,
    "neck_density_report": DensityReport,
    "neck_ngram_counter_options": NgramCounterOptions,
    "neck_ngrams_info": NgramsInfo,
    "neck_ngram_matrix_info": NgramMatrixInfo,
    "neck_ngram_rows_view": NgramRowsView,
    "neck_curve": Curve,
    "neck_saturation_options": SaturationOptions,
    "neck_saturation": Saturation,
    "neck_scaling_law": ScalingLaw,
    "neck_scaling_point": ScalingPoint,
    "neck_scaling_options": ScalingOptions,
    "neck_scaling_fit": ScalingFit,
    "neck_co_occurrence_options": CoOccurrenceOptions,
    "neck_co_occurrence": CoOccurrence,
    "neck_frequency_options": FrequencyOptions,
    "neck_frequency_component": FrequencyComponent,
    "neck_argmax_options": ArgmaxOptions,
    "neck_argmax_verdict": ArgmaxVerdict,
    "neck_hidden_size": HiddenSize,
}


class Status(c_int32):
    """Result type of the fallible functions: the loader checks it after every call (see _library.bind)."""


HANDLE = c_void_p  # every opaque neck_X *
DOUBLES = POINTER(c_double)
STRING = c_char_p
STRINGS = POINTER(c_char_p)
OUT_HANDLE = POINTER(c_void_p)
OUT_INT32 = POINTER(c_int32)
OUT_INT64 = POINTER(c_int64)
OUT_MEASURE = POINTER(Measure)
MATRIX = POINTER(Matrix)
IDS = POINTER(c_int32)
PARAMETERS = POINTER(Parameter)
LABELED = POINTER(LabeledStates)
LOSS_OPTIONS = POINTER(CrossEntropyOptions)
LOSS_RESULT = POINTER(CrossEntropyResult)

# name -> (result type, argument types), in the order of the headers.
_PLAIN_METRIC = (Status, [HANDLE, OUT_MEASURE])
_METRIC_OF_P = (Status, [HANDLE, c_int32, OUT_MEASURE])  # asks for the normalization

FUNCTIONS: Dict[str, Tuple[Any, List[Any]]] = {
    # status.h
    "neck_status_name": (STRING, [c_int32]),
    "neck_status_text": (STRING, [c_int32]),
    "neck_last_error": (STRING, []),
    "neck_last_error_copy": (c_size_t, [STRING, c_size_t]),
    "neck_error_set": (Status, [c_int32, STRING]),
    "neck_version_number": (c_int32, []),
    "neck_version_string": (STRING, []),
    "neck_abi_version": (c_int32, []),
    "neck_build_info": (STRING, []),
    # context.h
    "neck_context_create": (Status, [POINTER(ContextOptions), OUT_HANDLE]),
    "neck_context_destroy": (None, [HANDLE]),
    "neck_context_threads": (c_int32, [HANDLE]),
    # matrix.h
    "neck_dtype_size": (c_int64, [c_int32]),
    "neck_dtype_name": (STRING, [c_int32]),
    "neck_matrix_check_finite": (Status, [HANDLE, MATRIX, OUT_INT64, OUT_INT64]),
    "neck_matrix_to_f64": (Status, [HANDLE, MATRIX, DOUBLES]),
    "neck_matrix_column_mean": (Status, [HANDLE, MATRIX, DOUBLES, DOUBLES]),
    # gram.h
    "neck_gram_create": (Status, [HANDLE, c_int64, POINTER(GramOptions), OUT_HANDLE]),
    "neck_gram_destroy": (None, [HANDLE]),
    "neck_gram_push": (Status, [HANDLE, HANDLE, MATRIX]),
    "neck_gram_merge": (Status, [HANDLE, HANDLE]),
    "neck_gram_size": (c_int64, [HANDLE]),
    "neck_gram_get": (Status, [HANDLE, DOUBLES]),
    "neck_gram_set": (Status, [HANDLE, DOUBLES]),
    "neck_gram_count": (c_int64, [HANDLE]),
    "neck_gram_cols": (c_int64, [HANDLE]),
    "neck_gram_zero_rows": (c_int64, [HANDLE]),
    "neck_gram_norm_sum": (c_double, [HANDLE]),
    "neck_gram_sum": (DOUBLES, [HANDLE]),
    "neck_gram_unit_sum": (DOUBLES, [HANDLE]),
    "neck_gram_shift": (DOUBLES, [HANDLE]),
    "neck_gram_data": (DOUBLES, [HANDLE]),
    "neck_gram_mean": (Status, [HANDLE, DOUBLES]),
    "neck_gram_save": (Status, [HANDLE, HANDLE, STRING]),
    "neck_gram_load": (Status, [HANDLE, STRING, OUT_HANDLE]),
    # spectrum.h
    "neck_spectrum_compute": (Status, [HANDLE, MATRIX, POINTER(SpectrumOptions), OUT_HANDLE]),
    "neck_gram_spectrum": (Status, [HANDLE, HANDLE, POINTER(SpectrumOptions), OUT_HANDLE]),
    "neck_spectrum_from_estimates": (Status, [HANDLE, DOUBLES, DOUBLES, c_int64, c_int64, c_int64, c_double, c_double,
                                              c_int32, OUT_HANDLE]),
    "neck_spectrum_from_values": (Status, [HANDLE, DOUBLES, c_int64, c_int64, c_int64, c_double, c_double, OUT_HANDLE]),
    "neck_spectrum_destroy": (None, [HANDLE]),
    "neck_spectrum_values": (DOUBLES, [HANDLE]),
    "neck_spectrum_error_bounds": (DOUBLES, [HANDLE]),
    "neck_spectrum_count": (c_int64, [HANDLE]),
    "neck_spectrum_size": (c_int64, [HANDLE]),
    "neck_spectrum_rows": (c_int64, [HANDLE]),
    "neck_spectrum_cols": (c_int64, [HANDLE]),
    "neck_spectrum_frobenius_squared": (c_double, [HANDLE]),
    "neck_spectrum_resolution": (c_double, [HANDLE]),
    "neck_spectrum_method": (c_int32, [HANDLE]),
    "neck_spectrum_variant": (c_int32, [HANDLE]),
    "neck_spectrum_within": (c_int32, [HANDLE, c_double]),
    "neck_spectrum_numbers": (c_int64, [HANDLE]),
    "neck_spectrum_get": (Status, [HANDLE, DOUBLES]),
    "neck_spectrum_from_numbers": (Status, [HANDLE, DOUBLES, c_int64, OUT_HANDLE]),
    "neck_method_for": (c_int32, [c_int64, c_int64]),
    "neck_method_name": (STRING, [c_int32]),
    "neck_variant_name": (STRING, [c_int32]),
    "neck_variant_find": (Status, [STRING, OUT_INT32]),
    "neck_svd_compute": (Status, [HANDLE, MATRIX, POINTER(SvdOptions), DOUBLES, DOUBLES, DOUBLES, DOUBLES]),
    "neck_qr_triangle": (Status, [HANDLE, MATRIX, DOUBLES, DOUBLES, DOUBLES]),
    # metrics.h
    "neck_singular_entropy": _METRIC_OF_P,
    "neck_effective_rank": _PLAIN_METRIC,
    "neck_rankme": (Status, [HANDLE, c_double, OUT_MEASURE]),
    "neck_matrix_entropy_rank": _PLAIN_METRIC,
    "neck_proportional_effective_rank": _PLAIN_METRIC,
    "neck_stable_rank": _PLAIN_METRIC,
    "neck_participation_ratio": _PLAIN_METRIC,
    "neck_numerical_rank": (Status, [HANDLE, c_double, OUT_MEASURE]),
    "neck_condition_number": _PLAIN_METRIC,
    "neck_nuclear_norm": _PLAIN_METRIC,
    "neck_frobenius_norm": _PLAIN_METRIC,
    "neck_spectral_norm": _PLAIN_METRIC,
    "neck_w_error": (Status, [HANDLE, c_int64, OUT_MEASURE]),
    "neck_rank_for_w_error": (Status, [HANDLE, c_double, OUT_MEASURE]),
    "neck_top_component_share": _PLAIN_METRIC,
    "neck_alpha_req": (Status, [HANDLE, c_int64, c_int64, OUT_MEASURE]),
    "neck_power_law_tail": (Status, [HANDLE, POINTER(PowerLaw)]),
    "neck_gini": _METRIC_OF_P,
    "neck_hoyer": _METRIC_OF_P,
    "neck_early_enrichment": _PLAIN_METRIC,
    "neck_metric_count": (c_int64, []),
    "neck_metric_name": (STRING, [c_int64]),
    "neck_metric_unit": (STRING, [c_int64]),
    "neck_metric_summary": (STRING, [c_int64]),
    "neck_metric_find": (Status, [STRING, OUT_INT64]),
    "neck_metric_evaluate": (Status, [c_int64, HANDLE, OUT_MEASURE]),
    # geometry.h
    "neck_anisotropy": (Status, [HANDLE, OUT_MEASURE]),
    "neck_matrix_anisotropy": (Status, [HANDLE, MATRIX, c_int32, OUT_MEASURE]),
    "neck_isoscore": (Status, [HANDLE, HANDLE, OUT_MEASURE]),
    "neck_partition_isotropy": (Status, [HANDLE, HANDLE, MATRIX, OUT_MEASURE]),
    "neck_mean_norm": (Status, [HANDLE, OUT_MEASURE]),
    # checkpoint.h
    "neck_checkpoint_open": (Status, [HANDLE, STRING, POINTER(CheckpointOptions), OUT_HANDLE]),
    "neck_checkpoint_destroy": (None, [HANDLE]),
    "neck_checkpoint_path": (STRING, [HANDLE]),
    "neck_checkpoint_config": (STRING, [HANDLE]),
    "neck_checkpoint_format": (c_int32, [HANDLE]),
    "neck_checkpoint_metadata_count": (c_int64, [HANDLE]),
    "neck_checkpoint_metadata_key": (STRING, [HANDLE, c_int64]),
    "neck_checkpoint_metadata": (STRING, [HANDLE, c_char_p]),
    "neck_checkpoint_step": (c_int64, [HANDLE]),
    "neck_checkpoint_tensor_count": (c_int64, [HANDLE]),
    "neck_format_name": (STRING, [c_int32]),
    "neck_checkpoint_tensor": (Status, [HANDLE, c_int64, POINTER(Tensor)]),
    "neck_checkpoint_find": (Status, [HANDLE, STRING, OUT_INT64]),
    "neck_checkpoint_matrix": (Status, [HANDLE, HANDLE, c_int64, MATRIX]),
    "neck_checkpoint_head": (Status, [HANDLE, OUT_INT64, OUT_INT32]),
    "neck_series_open": (Status, [HANDLE, STRING, OUT_HANDLE]),
    "neck_series_destroy": (None, [HANDLE]),
    "neck_series_count": (c_int64, [HANDLE]),
    "neck_series_path": (STRING, [HANDLE, c_int64]),
    "neck_series_step": (c_int64, [HANDLE, c_int64]),
    "neck_safetensors_write": (Status, [HANDLE, STRING, POINTER(Tensor), c_int64, STRINGS, STRINGS, c_int64]),
    "neck_npy_write": (Status, [HANDLE, STRING, MATRIX]),
    # model.h
    "neck_model_open": (Status, [HANDLE, STRING, POINTER(ModelOptions), OUT_HANDLE]),
    "neck_model_destroy": (None, [HANDLE]),
    "neck_model_family": (STRING, [HANDLE]),
    "neck_model_checkpoint": (HANDLE, [HANDLE]),
    "neck_model_layers": (c_int64, [HANDLE]),
    "neck_model_hidden_size": (c_int64, [HANDLE]),
    "neck_model_head_size": (c_int64, [HANDLE]),
    "neck_model_vocabulary": (c_int64, [HANDLE]),
    "neck_model_context_length": (c_int64, [HANDLE]),
    "neck_model_parameters": (c_int64, [HANDLE]),
    "neck_model_head": (Status, [HANDLE, MATRIX, OUT_INT32]),
    "neck_model_forward": (Status, [HANDLE, HANDLE, IDS, c_int64, c_int64, POINTER(ForwardOptions)]),
    "neck_model_loss": (Status, [HANDLE, HANDLE, IDS, c_int64, c_int64, POINTER(ForwardOptions), POINTER(Loss)]),
    "neck_model_logits": (
        Status,
        [HANDLE, HANDLE, IDS, c_int64, c_int64, POINTER(ForwardOptions), POINTER(c_float)],
    ),
    "neck_states_file_create": (Status, [HANDLE, STRING, c_int64, c_int32, OUT_HANDLE]),
    "neck_states_file_push": (Status, [HANDLE, MATRIX, OUT_INT32]),
    "neck_states_file_finish": (Status, [HANDLE]),
    "neck_states_file_destroy": (None, [HANDLE]),
    # tokenizer.h
    "neck_tokenizer_open": (Status, [HANDLE, STRING, POINTER(TokenizerOptions), OUT_HANDLE]),
    "neck_tokenizer_destroy": (None, [HANDLE]),
    "neck_tokenizer_vocab_size": (c_int64, [HANDLE]),
    "neck_tokenizer_kind": (STRING, [HANDLE]),
    "neck_tokenizer_special": (c_int32, [HANDLE, c_int32]),
    "neck_tokenizer_token": (Status, [HANDLE, c_int32, STRINGS, OUT_INT64]),
    "neck_tokenizer_find": (Status, [HANDLE, STRING, c_int64, OUT_INT32]),
    "neck_tokenizer_encode": (
        Status,
        [HANDLE, HANDLE, STRING, c_int64, POINTER(EncodeOptions), IDS, c_int64, OUT_INT64],
    ),
    "neck_tokenizer_decode": (
        Status,
        [HANDLE, IDS, c_int64, POINTER(DecodeOptions), STRING, c_int64, OUT_INT64],
    ),
    # evaluate.h
    "neck_text_words": (Status, [STRING, c_int64, OUT_INT64]),
    "neck_document_encode": (Status, [HANDLE, HANDLE, STRING, c_int64, IDS, c_int64, OUT_INT64]),
    "neck_evaluation_create": (Status, [HANDLE, HANDLE, POINTER(EvaluationOptions), OUT_HANDLE]),
    "neck_evaluation_destroy": (None, [HANDLE]),
    "neck_evaluation_push_tokens": (Status, [HANDLE, HANDLE, IDS, c_int64, c_int64, c_int64]),
    "neck_evaluation_push_text": (Status, [HANDLE, HANDLE, HANDLE, STRING, c_int64]),
    "neck_evaluation_batches": (c_int64, [HANDLE, c_int64]),
    "neck_evaluation_push_part": (
        Status,
        [HANDLE, HANDLE, IDS, c_int64, c_int64, c_int64, c_int64, c_int64],
    ),
    "neck_evaluation_parts": (c_int64, [HANDLE]),
    "neck_evaluation_size": (c_int64, [HANDLE, c_int64]),
    "neck_evaluation_get": (Status, [HANDLE, c_int64, DOUBLES]),
    "neck_evaluation_set": (Status, [HANDLE, c_int64, DOUBLES]),
    "neck_evaluation_loss": (Status, [HANDLE, POINTER(TextLoss)]),
    "neck_evaluation_layers": (c_int64, [HANDLE]),
    "neck_evaluation_gram": (HANDLE, [HANDLE, c_int64]),
    "neck_evaluation_centered_anisotropy": (Status, [HANDLE, HANDLE, c_int64, OUT_MEASURE, DOUBLES]),
    "neck_continuation_likelihood": (
        Status,
        [HANDLE, HANDLE, HANDLE, STRING, c_int64, STRING, c_int64, POINTER(Likelihood)],
    ),
    # cross_entropy.h
    "neck_cross_entropy": (
        Status,
        [HANDLE, MATRIX, MATRIX, IDS, LOSS_OPTIONS, POINTER(CrossEntropyGradients), LOSS_RESULT],
    ),
    # optimizer.h
    "neck_optimizer_create": (Status, [HANDLE, POINTER(OptimizerOptions), PARAMETERS, c_int64, OUT_HANDLE]),
    "neck_optimizer_destroy": (None, [HANDLE]),
    "neck_optimizer_set_group": (Status, [HANDLE, c_int64, POINTER(OptimizerOptions)]),
    "neck_optimizer_step": (Status, [HANDLE, HANDLE, c_double]),
    "neck_optimizer_steps": (c_int64, [HANDLE]),
    "neck_optimizer_save": (Status, [HANDLE, HANDLE, STRING]),
    "neck_optimizer_load": (Status, [HANDLE, HANDLE, STRING]),
    "neck_gradients_clip": (Status, [HANDLE, PARAMETERS, c_int64, c_double, DOUBLES]),
    "neck_schedule_scale": (Status, [POINTER(Schedule), c_int64, DOUBLES]),
    # head.h
    "neck_head_create": (Status, [HANDLE, POINTER(HeadOptions), OUT_HANDLE]),
    "neck_head_destroy": (None, [HANDLE]),
    "neck_head_kind_name": (STRING, [c_int32]),
    "neck_head_kind_find": (Status, [STRING, OUT_INT32]),
    "neck_head_kind": (c_int32, [HANDLE]),
    "neck_head_vocabulary": (c_int64, [HANDLE]),
    "neck_head_hidden_size": (c_int64, [HANDLE]),
    "neck_head_parameters": (PARAMETERS, [HANDLE, OUT_INT64]),
    "neck_head_parameter_count": (c_int64, [HANDLE]),
    "neck_head_rank_limit": (c_int64, [HANDLE]),
    "neck_head_loss": (Status, [HANDLE, HANDLE, MATRIX, IDS, LOSS_OPTIONS, LOSS_RESULT]),
    "neck_head_gradient": (Status, [HANDLE, HANDLE, MATRIX, IDS, LOSS_OPTIONS, c_void_p, LOSS_RESULT]),
    "neck_head_log_probabilities": (Status, [HANDLE, HANDLE, MATRIX, DOUBLES]),
    "neck_head_save": (Status, [HANDLE, HANDLE, STRING]),
    "neck_head_load": (Status, [HANDLE, STRING, OUT_HANDLE]),
    # head_training.h
    "neck_head_train": (
        Status,
        [HANDLE, HANDLE, LABELED, LABELED, POINTER(HeadTrainingOptions), POINTER(HeadTrainingResult)],
    ),
    # bottleneck.h
    "neck_truncation_create": (Status, [HANDLE, MATRIX, POINTER(TruncateOptions), OUT_HANDLE]),
    "neck_truncation_destroy": (None, [HANDLE]),
    "neck_truncation_tails": (Status, [HANDLE, DOUBLES]),
    "neck_head_truncate": (Status, [HANDLE, HANDLE, c_int64, DOUBLES, DOUBLES]),
    "neck_loss_gap_measure": (Status, [HANDLE, MATRIX, MATRIX, MATRIX, LABELED, c_double, POINTER(LossGap)]),
    "neck_gradient_suppression_measure": (
        Status,
        [HANDLE, MATRIX, LABELED, LOSS_OPTIONS, DOUBLES, POINTER(GradientSuppression)],
    ),
    # monitor.h
    "neck_monitor_create": (Status, [HANDLE, POINTER(MonitorOptions), OUT_HANDLE]),
    "neck_monitor_destroy": (None, [HANDLE]),
    "neck_monitor_due": (c_int32, [HANDLE, c_int64]),
    "neck_monitor_interval": (c_int64, [HANDLE]),
    "neck_monitor_seconds": (c_double, [HANDLE]),
    "neck_monitor_head": (Status, [HANDLE, HANDLE, c_int64, MATRIX]),
    "neck_monitor_states": (Status, [HANDLE, HANDLE, c_int64, MATRIX]),
    "neck_monitor_gradient": (Status, [HANDLE, HANDLE, c_int64, MATRIX]),
    "neck_monitor_value": (Status, [HANDLE, c_int64, STRING, c_double]),
    "neck_monitor_values": (Status, [HANDLE, c_int64, STRINGS, DOUBLES, c_int64]),
    "neck_monitor_series_count": (c_int64, [HANDLE]),
    "neck_monitor_series_find": (Status, [HANDLE, STRING, OUT_INT64]),
    "neck_monitor_series_name": (STRING, [HANDLE, c_int64]),
    "neck_monitor_series_length": (c_int64, [HANDLE, c_int64]),
    "neck_monitor_series_steps": (OUT_INT64, [HANDLE, c_int64]),
    "neck_monitor_series_values": (DOUBLES, [HANDLE, c_int64]),
    "neck_monitor_series_errors": (DOUBLES, [HANDLE, c_int64]),
    "neck_monitor_event_count": (c_int64, [HANDLE]),
    "neck_monitor_event_at": (Status, [HANDLE, c_int64, POINTER(MonitorEvent)]),
    "neck_monitor_event_name": (STRING, [c_int32]),
    "neck_monitor_write_jsonl": (Status, [HANDLE, STRING]),
    "neck_monitor_write_csv": (Status, [HANDLE, STRING]),
    "neck_monitor_log": (Status, [HANDLE, STRING]),
    "neck_monitor_save": (Status, [HANDLE, HANDLE, STRING]),
    "neck_monitor_load": (Status, [HANDLE, HANDLE, STRING]),
    "neck_monitor_rewind": (Status, [HANDLE, c_int64]),
    # tokenizer_training.h
    "neck_tokenizer_training_create": (Status, [HANDLE, POINTER(TokenizerTrainingOptions), OUT_HANDLE]),
    "neck_tokenizer_training_destroy": (None, [HANDLE]),
    "neck_tokenizer_training_push": (Status, [HANDLE, HANDLE, STRING, c_int64]),
    "neck_tokenizer_training_finish": (Status, [HANDLE, HANDLE]),
    "neck_tokenizer_training_words": (c_int64, [HANDLE]),
    "neck_tokenizer_training_different": (c_int64, [HANDLE]),
    "neck_tokenizer_training_vocab_size": (c_int64, [HANDLE]),
    "neck_tokenizer_training_save": (Status, [HANDLE, HANDLE, STRING]),
    "neck_tokenizer_training_tokenizer": (Status, [HANDLE, HANDLE, OUT_HANDLE]),
    # token_file.h
    "neck_tokenizer_hash": (c_uint64, [HANDLE]),
    "neck_token_writer_create": (Status, [HANDLE, STRING, c_int64, c_uint64, OUT_HANDLE]),
    "neck_token_writer_push": (Status, [HANDLE, POINTER(c_int32), c_int64]),
    "neck_token_writer_end_document": (Status, [HANDLE]),
    "neck_token_writer_commit": (Status, [HANDLE]),
    "neck_token_writer_destroy": (None, [HANDLE]),
    "neck_token_file_open": (Status, [HANDLE, STRING, POINTER(TokenFileOptions), OUT_HANDLE]),
    "neck_token_file_destroy": (None, [HANDLE]),
    "neck_token_file_count": (c_int64, [HANDLE]),
    "neck_token_file_vocab_size": (c_int64, [HANDLE]),
    "neck_token_file_tokenizer_hash": (c_uint64, [HANDLE]),
    "neck_token_file_documents": (c_int64, [HANDLE]),
    "neck_token_file_document": (Status, [HANDLE, c_int64, OUT_INT64, OUT_INT64]),
    "neck_token_file_read": (Status, [HANDLE, c_int64, c_int64, POINTER(c_int32)]),
    # batches.h
    "neck_batches_create": (Status, [HANDLE, HANDLE, POINTER(BatchesOptions), OUT_HANDLE]),
    "neck_batches_destroy": (None, [HANDLE]),
    "neck_batches_windows": (c_int64, [HANDLE]),
    "neck_batches_tokens": (c_int64, [HANDLE]),
    "neck_batches_fill": (Status, [HANDLE, c_int64, POINTER(c_int32), POINTER(c_int32)]),
    # model_training.h
    "neck_trainable_create": (Status, [HANDLE, POINTER(TrainableOptions), OUT_HANDLE]),
    "neck_trainable_open": (Status, [HANDLE, STRING, POINTER(TrainableOptions), OUT_HANDLE]),
    "neck_trainable_destroy": (None, [HANDLE]),
    "neck_trainable_family": (STRING, [HANDLE]),
    "neck_trainable_config": (STRING, [HANDLE]),
    "neck_trainable_dtype": (c_int32, [HANDLE]),
    "neck_trainable_layers": (c_int64, [HANDLE]),
    "neck_trainable_hidden_size": (c_int64, [HANDLE]),
    "neck_trainable_head_size": (c_int64, [HANDLE]),
    "neck_trainable_vocabulary": (c_int64, [HANDLE]),
    "neck_trainable_context_length": (c_int64, [HANDLE]),
    "neck_trainable_parameters": (POINTER(Parameter), [HANDLE, OUT_INT64]),
    "neck_trainable_size": (c_int64, [HANDLE]),
    "neck_trainable_values": (c_void_p, [HANDLE]),
    "neck_trainable_gradients": (c_void_p, [HANDLE]),
    "neck_trainable_head": (POINTER(Parameter), [HANDLE, POINTER(c_int32)]),
    "neck_trainable_soft_cap": (c_double, [HANDLE]),
    "neck_trainable_clear_gradients": (None, [HANDLE, HANDLE]),
    "neck_trainable_reserve": (Status, [HANDLE, HANDLE, c_int64, c_int64, OUT_INT64]),
    "neck_trainable_bytes": (c_int64, [HANDLE]),
    "neck_trainable_forward": (Status, [HANDLE, HANDLE, POINTER(c_int32), c_int64, c_int64, c_int64, MATRIX]),
    "neck_trainable_backward": (Status, [HANDLE, HANDLE, HANDLE]),
    "neck_trainable_forward_part": (
        Status, [HANDLE, HANDLE, POINTER(c_int32), c_int64, c_int64, c_int64, c_int64, MATRIX]),
    "neck_trainable_backward_telling": (Status, [HANDLE, HANDLE, HANDLE, READY_FN, HANDLE]),
    "neck_trainable_states": (Status, [HANDLE, c_int64, MATRIX]),
    "neck_trainable_save": (Status, [HANDLE, HANDLE, STRING, MATRIX]),
    # training.h
    "neck_training_create": (Status, [HANDLE, POINTER(TrainingOptions), OUT_HANDLE]),
    "neck_training_destroy": (None, [HANDLE]),
    "neck_training_step": (Status, [HANDLE, HANDLE, POINTER(TrainingReport)]),
    "neck_training_evaluate": (Status, [HANDLE, HANDLE, POINTER(TrainingEvaluation)]),
    "neck_training_steps": (c_int64, [HANDLE]),
    "neck_training_tokens": (c_int64, [HANDLE]),
    "neck_training_parameters": (POINTER(Parameter), [HANDLE, OUT_INT64]),
    "neck_training_head_matrix": (Status, [HANDLE, HANDLE, MATRIX]),
    "neck_training_states": (Status, [HANDLE, MATRIX]),
    "neck_training_export": (Status, [HANDLE, HANDLE, STRING, FOLDER_FN, HANDLE]),
    "neck_training_save": (Status, [HANDLE, HANDLE, STRING, FOLDER_FN, HANDLE]),
    "neck_training_resume": (Status, [HANDLE, HANDLE, STRING]),
    # operator.h
    "neck_operator_dense": (Status, [HANDLE, MATRIX, OUT_HANDLE]),
    "neck_operator_sparse": (Status, [HANDLE, c_int64, c_int64, POINTER(c_int64), POINTER(c_int32), DOUBLES,
                                      OUT_HANDLE]),
    "neck_operator_product": (Status, [HANDLE, HANDLE, HANDLE, OUT_HANDLE]),
    "neck_operator_centered": (Status, [HANDLE, HANDLE, DOUBLES, OUT_HANDLE]),
    "neck_operator_callback": (Status, [HANDLE, c_int64, c_int64, OPERATOR_FN, HANDLE, c_double, OUT_HANDLE]),
    "neck_operator_destroy": (None, [HANDLE]),
    "neck_operator_rows": (c_int64, [HANDLE]),
    "neck_operator_cols": (c_int64, [HANDLE]),
    "neck_operator_frobenius_squared": (c_double, [HANDLE]),
    "neck_operator_apply": (Status, [HANDLE, HANDLE, c_int32, c_int64, DOUBLES, DOUBLES]),
    "neck_operator_apply_normal": (Status, [HANDLE, HANDLE, c_int64, DOUBLES, DOUBLES]),
    "neck_operator_normal": (Status, [HANDLE, c_int64, c_int64, OPERATOR_FN, HANDLE, c_double, OUT_HANDLE]),
    # truncated.h
    "neck_truncated_svd": (Status, [HANDLE, HANDLE, c_int64, POINTER(TruncatedOptions), DOUBLES, DOUBLES, DOUBLES,
                                    DOUBLES, DOUBLES, POINTER(TruncatedReport)]),
    # density.h
    "neck_density_compute": (Status, [HANDLE, HANDLE, POINTER(DensityOptions), OUT_HANDLE]),
    "neck_density_destroy": (None, [HANDLE]),
    "neck_density_describe": (Status, [HANDLE, POINTER(DensityReport)]),
    "neck_density_w_error": (Status, [HANDLE, c_int64, POINTER(Band)]),
    "neck_density_rank_for_w_error": (Status, [HANDLE, c_double, POINTER(Band)]),
    "neck_density_count_above": (Status, [HANDLE, c_double, POINTER(Band)]),
    "neck_density_entropy": (Status, [HANDLE, c_int32, POINTER(Band)]),
    "neck_density_effective_rank": (Status, [HANDLE, c_int32, POINTER(Band)]),
    # ngram.h
    "neck_ngram_counter_create": (Status, [HANDLE, c_int64, POINTER(NgramCounterOptions), OUT_HANDLE]),
    "neck_ngram_counter_push": (Status, [HANDLE, HANDLE, POINTER(c_int32), c_int64]),
    "neck_ngram_counter_end_document": (Status, [HANDLE, HANDLE]),
    "neck_ngram_counter_tokens": (c_int64, [HANDLE]),
    "neck_ngram_counter_precede": (Status, [HANDLE, HANDLE, POINTER(c_int32), c_int64]),
    "neck_ngram_counter_add": (Status, [HANDLE, HANDLE, POINTER(c_int32), c_int64]),
    "neck_ngram_counter_note": (Status, [HANDLE, HANDLE, c_int64, c_int64]),
    "neck_ngram_counter_finish": (Status, [HANDLE, HANDLE, STRING]),
    "neck_ngram_counter_destroy": (None, [HANDLE]),
    "neck_ngrams_open": (Status, [HANDLE, STRING, c_int32, OUT_HANDLE]),
    "neck_ngrams_count": (Status, [HANDLE, POINTER(c_int32), c_int64, POINTER(c_int64), c_int64, c_int64, c_int32,
                                   OUT_HANDLE]),
    "neck_ngrams_destroy": (None, [HANDLE]),
    "neck_ngrams_describe": (Status, [HANDLE, POINTER(NgramsInfo)]),
    "neck_ngrams_read": (Status, [HANDLE, c_int64, c_int64, POINTER(c_int32), OUT_INT64, POINTER(c_int32), OUT_INT64]),
    "neck_ngram_matrix_create": (Status, [HANDLE, HANDLE, c_int32, OUT_HANDLE]),
    "neck_ngram_matrix_destroy": (None, [HANDLE]),
    "neck_ngram_matrix_describe": (Status, [HANDLE, POINTER(NgramMatrixInfo)]),
    "neck_ngram_matrix_operator": (c_void_p, [HANDLE]),
    "neck_ngram_matrix_part": (c_void_p, [HANDLE, POINTER(c_int32)]),
    "neck_ngram_matrix_part_squares": (Status, [HANDLE, DOUBLES]),
    "neck_ngram_matrix_spectrum": (Status, [HANDLE, HANDLE, c_int64, OUT_HANDLE]),
    "neck_ngram_matrix_cost": (Status, [HANDLE, OUT_INT64, DOUBLES]),
    "neck_ngram_matrix_rest": (Status, [HANDLE, HANDLE, DOUBLES, DOUBLES]),
    # ngram_rows.h
    "neck_ngram_rows_create": (Status, [HANDLE, c_int64, OUT_HANDLE]),
    "neck_ngram_rows_read": (Status, [HANDLE, HANDLE, HANDLE, c_int32]),
    "neck_ngram_rows_add": (Status, [HANDLE, HANDLE, POINTER(NgramRowsView)]),
    "neck_ngram_rows_look": (Status, [HANDLE, POINTER(NgramRowsView)]),
    "neck_ngram_rows_destroy": (None, [HANDLE]),
    "neck_ngram_matrix_of_rows": (Status, [HANDLE, HANDLE, OUT_HANDLE]),
    "neck_ngram_matrix_gram": (Status, [HANDLE, HANDLE, c_int64, c_int64, DOUBLES]),
    # saturation.h
    "neck_saturation_assess": (Status, [HANDLE, POINTER(Curve), POINTER(SaturationOptions), POINTER(Saturation)]),
    "neck_verdict_name": (STRING, [c_int32]),
    "neck_verdict_reason_text": (STRING, [c_int32]),
    # scaling_law.h
    "neck_scaling_law_fit": (Status, [HANDLE, POINTER(ScalingPoint), c_int64, POINTER(ScalingOptions),
                                      POINTER(ScalingFit)]),
    "neck_scaling_law_loss": (c_double, [POINTER(ScalingLaw), c_double, c_double]),
    "neck_scaling_law_gaps": (Status, [POINTER(ScalingLaw), POINTER(ScalingPoint), c_int64, DOUBLES, DOUBLES]),
    # co_occurrence.h
    "neck_co_occurrence_measure": (Status, [HANDLE, POINTER(Curve), POINTER(Curve), POINTER(CoOccurrenceOptions),
                                            POINTER(CoOccurrence)]),
    # frequency.h
    "neck_frequency_measure": (Status, [HANDLE, MATRIX, DOUBLES, POINTER(FrequencyOptions), c_int64,
                                        POINTER(FrequencyComponent), OUT_INT64]),
    # unargmaxable.h
    "neck_argmax_compute": (Status, [HANDLE, MATRIX, POINTER(ArgmaxOptions), OUT_HANDLE]),
    "neck_argmax_destroy": (None, [HANDLE]),
    "neck_argmax_size": (c_int64, [HANDLE]),
    "neck_argmax_count": (c_int64, [HANDLE, c_int32, c_int32]),
    "neck_argmax_token": (Status, [HANDLE, c_int64, POINTER(ArgmaxVerdict)]),
    "neck_argmax_mean": (Status, [HANDLE, c_int64, POINTER(POINTER(c_int64)), POINTER(DOUBLES), OUT_INT64]),
    "neck_argmax_witness": (Status, [HANDLE, c_int64, POINTER(DOUBLES)]),
    "neck_argmax_verdict_name": (STRING, [c_int32]),
    "neck_argmax_proof_name": (STRING, [c_int32]),
    # hidden_size.h
    "neck_hidden_size_measure": (Status, [HANDLE, MATRIX, DOUBLES, POINTER(HiddenSize)]),
    # truncated.h
    "neck_truncated_spectrum": (Status, [HANDLE, HANDLE, c_int64, POINTER(TruncatedOptions), OUT_HANDLE]),
}
