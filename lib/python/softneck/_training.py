"""Training a language model on a token file: steps, evaluations, and states on disk that survive."""

from __future__ import annotations

import ctypes
import math
import os
from contextlib import ExitStack
from typing import Any, Callable, Dict, NamedTuple, Optional

from . import _abi
from ._arrays import copy_matrix
from ._context import Context
from ._cross_entropy import Asked
from ._errors import NotFoundError
from ._head import Head
from ._library import FileName, Handle, Turn, file_name, hold_exception, integer, lib, or_default, text
from ._optimizer import ParameterList, Rule, Schedule, rule_struct
from ._tokens import TokenFile, batches_struct
from ._trainable import TrainableModel, parameter_arrays


class TrainingReport(NamedTuple):
    """What a step did."""

    step: int  # steps made, this one included
    tokens: int  # seen so far, with repetition
    loss: float  # mean over the step's tokens, before the update, nats
    gradient_norm: float  # before clipping
    learning_rate: float


class TrainingEvaluation(NamedTuple):
    """The validation part scored: plain cross-entropy, nothing dropped."""

    loss: float  # mean over the windows' targets, nats
    accuracy: float
    tokens: int  # scored
    best_loss: float  # the lowest so far, this one included
    best_step: int


class Training(Handle):
    """A training under way; the caller owns the loop:

        training = softneck.Training(model, tokens, softneck.AdamW(1e-3, beta2=0.95), batch=8, validation_share=0.05)
        training.resume("run/state")              # False: from the start
        while training.steps < 1000:
            report = training.step()
            if report.step % 100 == 0:
                print(report.loss, training.evaluate().loss)
                training.save("run/state")
        training.export("run/model")

    Neither the number of threads nor stopping and resuming shows in the bits.

    model         a TrainableModel; it moves in place
    tokens        a TokenFile
    rule          AdamW(...), SGD(...) or Muon(...), with the peak learning rate
    batch         windows a micro-batch; context_length: tokens in a window (None: the model's)
    accumulation  micro-batches a step, whose gradients are averaged
    order, seed   of the windows, as for Batches
    validation_share    of the tokens, held out at the end, for evaluate()
    evaluation_windows  how many of its windows; None: all
    head          a Head for a model without one, or a tied one
    schedule      None: the learning rate is constant
    clip_norm     of all gradients together; None: they are not clipped
    gradient_limit      a step with a larger norm, before clipping, is refused (RangeError); 1e6 unless given
    label_smoothing, z_loss, filter_tolerance, memory_cap
                  as for cross_entropy()

    Threads may share one: their calls take turns.
    """

    def __init__(
        self,
        model: TrainableModel,
        tokens: TokenFile,
        rule: Rule,
        *,
        batch: int,
        context_length: Optional[int] = None,
        accumulation: int = 1,
        order: str = "random",
        seed: int = 0,
        validation_share: float = 0.0,
        evaluation_windows: Optional[int] = None,
        head: Optional[Head] = None,
        schedule: Optional[Schedule] = None,
        clip_norm: Optional[float] = 1.0,
        gradient_limit: Optional[float] = None,
        label_smoothing: float = 0.0,
        z_loss: float = 0.0,
        filter_tolerance: float = 0.0,
        memory_cap: int = 0,
        context: Optional[Context] = None,
    ) -> None:
        for given, kind in ((model, TrainableModel), (tokens, TokenFile), (head or Head, (Head, type))):
            if not isinstance(given, kind):
                raise TypeError(
                    f"a training takes a TrainableModel, a TokenFile and a Head, not {type(given).__name__}"
                )
        length = model.context_length if context_length is None else context_length
        loss = Asked(
            0,
            ignore_index=None,
            label_smoothing=label_smoothing,
            z_loss=z_loss,
            filter_tolerance=filter_tolerance,
            memory_cap=memory_cap,
        )
        options = _abi.TrainingOptions(
            model=model._as_parameter_,
            head=None if head is None else head._as_parameter_,
            tokens=tokens._as_parameter_,
            batches=ctypes.pointer(batches_struct(batch, length, order, validation_share, seed)),
            optimizer=ctypes.pointer(rule_struct(rule)),
            schedule=None if schedule is None else ctypes.pointer(schedule._struct()),
            loss=ctypes.pointer(loss.options),
            accumulation=integer(accumulation, "accumulation"),
            evaluation_windows=int(or_default(evaluation_windows, "evaluation_windows")),
            clip_norm=math.inf if clip_norm is None else or_default(clip_norm, "clip_norm"),
            gradient_limit=or_default(gradient_limit, "gradient_limit"),
        )
        out = ctypes.c_void_p()
        lib.neck_training_create(context, options, out)
        super().__init__(out, lib.neck_training_destroy)
        self._context = context
        self._parts = (model, head, tokens)  # C borrows them
        self._turn = Turn()

    def _turns(self) -> ExitStack:
        """The training's, and those of what it moves."""
        stack = ExitStack()
        model, head, _ = self._parts
        for part in (self, model, head):
            if part is not None:
                stack.enter_context(part._turn)
        return stack

    # ---- moving

    def step(self) -> TrainingReport:
        """One update. Whatever goes wrong, parameters and optimizer are as before: NonFiniteError when the loss or a
        gradient is NaN or infinite, RangeError beyond gradient_limit."""
        out = _abi.TrainingReport()
        with self._turns():
            lib.neck_training_step(self._context, self, out)
        return TrainingReport(*(getattr(out, name) for name in TrainingReport._fields))

    def evaluate(self) -> TrainingEvaluation:
        """On the windows of the validation part, one after another."""
        out = _abi.TrainingEvaluation()
        with self._turns():
            lib.neck_training_evaluate(self._context, self, out)
        return TrainingEvaluation(*(getattr(out, name) for name in TrainingEvaluation._fields))

    # ---- what there is

    @property
    def model(self) -> TrainableModel:
        return self._parts[0]

    @property
    def head(self) -> Optional[Head]:
        return self._parts[1]

    @property
    def steps(self) -> int:
        """How many were made."""
        with self._turn:
            return int(lib.neck_training_steps(self))

    @property
    def tokens(self) -> int:
        """Seen so far, with repetition."""
        with self._turn:
            return int(lib.neck_training_tokens(self))

    def _softneck_parameters(self) -> ParameterList:
        count = ctypes.c_int64()
        array = lib.neck_training_parameters(self, count)
        return ParameterList(array, [text(array[i].name) or "" for i in range(count.value)], self, self._turn)

    @property
    def parameters(self) -> Dict[str, Any]:
        """All that is trained, as arrays that may be written to; those of a Head with "head." before their names."""
        return parameter_arrays(self._softneck_parameters(), "data")

    @property
    def gradients(self) -> Dict[str, Any]:
        return parameter_arrays(self._softneck_parameters(), "gradient")

    def head_matrix(self) -> Any:
        """A copy of the matrix that meets the vocabulary, V x d: what a Monitor's head() wants."""
        return self._matrix(lambda out: lib.neck_training_head_matrix(self._context, self, out))

    def states(self) -> Any:
        """A copy of the last hidden states of the latest micro-batch, a row a token; StateError before the first."""
        return self._matrix(lambda out: lib.neck_training_states(self, out))

    def _matrix(self, ask: Callable[[Any], None]) -> Any:
        out = _abi.Matrix()
        with self._turns():
            ask(out)
            return copy_matrix(out)

    # ---- folders

    def export(self, folder: FileName, add: Optional[Callable[[str], object]] = None) -> None:
        """A model folder, as transformers and softneck.Model read it; a Head goes beside it as head.safetensors.

        add  called with the folder while it is not yet in its place, to put files of the caller's own into it. An
             exception in it undoes the folder, and is raised here
        """
        with self._turns():
            lib.neck_training_export(self._context, self, file_name(folder), _folder_callback(add), None)

    def save(self, folder: FileName, add: Optional[Callable[[str], object]] = None) -> None:
        """Writes the state into folder/step-N and removes older ones from folder. However the program dies, the last
        whole state is there."""
        with self._turns():
            lib.neck_training_save(self._context, self, file_name(folder), _folder_callback(add), None)

    def resume(self, folder: FileName) -> bool:
        """Puts back the latest state of folder, before the first step: what follows has the bits it would have had.
        False when there is none; FormatError when it is damaged or of another training, which is named."""
        try:
            with self._turns():
                lib.neck_training_resume(self._context, self, file_name(folder))
        except NotFoundError:
            return False
        return True

    def __repr__(self) -> str:
        return f"<softneck.Training of {self.model!r}, {self.steps} steps>"


def _folder_callback(function: Optional[Callable[[str], object]]) -> Any:
    if function is None:
        return _abi.FOLDER_FN()

    def call(user: Any, folder: bytes) -> int:
        try:
            function(os.fsdecode(folder))
            return 0
        except BaseException as error:  # cannot cross C: it waits until the call has returned
            hold_exception(error)
            return _abi.STATUS_CANCELLED

    return _abi.FOLDER_FN(call)
