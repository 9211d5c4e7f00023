"""Transformers that can be trained."""

from __future__ import annotations

import ctypes
import json
from typing import Any, Dict, Optional, Union

from . import _abi
from ._arrays import copy_matrix, view
from ._context import Context
from ._dtypes import BY_NUMBER
from ._errors import ArgumentError
from ._ids import ids_array
from ._inputs import block, packed
from ._library import FileName, Handle, Turn, choice, file_name, integer, lib, string, text
from ._optimizer import ParameterList

INITIALIZERS = {"family": 0, "gpt2": 1, "neox": 2}
PRECISIONS = {"f32": _abi.F32, "f64": _abi.F64}
_EVALUATION = -1


class TrainableModel(Handle):
    """A causal transformer with gradients, from random weights; open() begins with those of a model folder.

    vocabulary, layers, hidden_size, heads, context_length
                    sizes; or config, a dict or the text of a config.json, which says them all
    family          gpt2, gpt_neox, opt, llama, mistral, qwen2, gemma, gemma2
    kv_heads, head_size, inner_size, activation, tied
                    None: as usual in the family
    head            False: it ends in the states, and save() is given a head
    dtype           of parameters and arithmetic: "f32" or "f64"
    initializer     "gpt2", "neox", "family"; seed: of weights and dropout
    dropout         of the embedding's output and both branches'; attention_dropout: of attention probabilities
    recompute       keep only the input of each block and compute the rest again: less memory, a third more time

    A softneck.Training moves it. By hand:

        states = model.forward(tokens, step)
        out = softneck.cross_entropy(states, model.parameters[model.head_name], targets, d_states=True,
                                     d_weights=model.gradients[model.head_name], accumulate=True)
        model.backward(out.d_states)
        optimizer.step()                          # a softneck.Optimizer(model, rule)
        model.clear_gradients()

    Threads may share one: their calls take turns.
    """

    def __init__(
        self,
        vocabulary: int = 0,
        layers: int = 0,
        hidden_size: int = 0,
        heads: int = 0,
        context_length: int = 0,
        *,
        family: Optional[str] = None,
        kv_heads: Optional[int] = None,
        head_size: Optional[int] = None,
        inner_size: Optional[int] = None,
        activation: Optional[str] = None,
        tied: Optional[bool] = None,
        config: Union[None, str, Dict[str, Any]] = None,
        head: bool = True,
        initializer: str = "family",
        context: Optional[Context] = None,
        **shared: Any,
    ) -> None:
        options = _abi.TrainableOptions(
            config=_optional(_config_text(config)),
            family=_optional(family),
            vocabulary=integer(vocabulary, "vocabulary"),
            layers=integer(layers, "layers"),
            hidden_size=integer(hidden_size, "hidden_size"),
            heads=integer(heads, "heads"),
            kv_heads=integer(kv_heads or 0, "kv_heads"),
            head_size=integer(head_size or 0, "head_size"),
            inner_size=integer(inner_size or 0, "inner_size"),
            context_length=integer(context_length, "context_length"),
            activation=_optional(activation),
            tied=0 if tied is None else 1 if tied else -1,
            without_head=not head,
            initializer=choice(INITIALIZERS, initializer, "initializer"),
            **_shared(**shared),
        )
        out = ctypes.c_void_p()
        lib.neck_trainable_create(context, options, out)
        self._adopt(out, context)

    @classmethod
    def open(cls, path: FileName, context: Optional[Context] = None, **shared: Any) -> "TrainableModel":
        """With the weights of a Hugging Face model folder; dtype, seed, dropouts and recompute as above."""
        out = ctypes.c_void_p()
        lib.neck_trainable_open(context, file_name(path), _abi.TrainableOptions(**_shared(**shared)), out)
        model = cls.__new__(cls)
        model._adopt(out, context)
        return model

    def _adopt(self, pointer: ctypes.c_void_p, context: Optional[Context]) -> None:
        super().__init__(pointer, lib.neck_trainable_destroy)
        self._context = context
        self._turn = Turn()

    # ---- what it is

    @property
    def family(self) -> str:
        return text(lib.neck_trainable_family(self)) or ""

    @property
    def config(self) -> Dict[str, Any]:
        """Its config.json."""
        found: Dict[str, Any] = json.loads(lib.neck_trainable_config(self))
        return found

    @property
    def dtype(self) -> str:
        return BY_NUMBER[lib.neck_trainable_dtype(self)].name

    @property
    def layers(self) -> int:
        return int(lib.neck_trainable_layers(self))

    @property
    def hidden_size(self) -> int:
        return int(lib.neck_trainable_hidden_size(self))

    @property
    def head_size(self) -> int:
        """Width of the last states: the hidden size, but for models that project them to their embedding's width."""
        return int(lib.neck_trainable_head_size(self))

    @property
    def vocabulary(self) -> int:
        return int(lib.neck_trainable_vocabulary(self))

    @property
    def context_length(self) -> int:
        return int(lib.neck_trainable_context_length(self))

    @property
    def parameter_count(self) -> int:
        """Numbers that are trained, all together."""
        return int(lib.neck_trainable_size(self))

    @property
    def memory(self) -> int:
        """Bytes reserved for passes; parameters and gradients not counted."""
        return int(lib.neck_trainable_bytes(self))

    @property
    def soft_cap(self) -> float:
        """Of the logits; 0: none."""
        return float(lib.neck_trainable_soft_cap(self))

    @property
    def head_name(self) -> Optional[str]:
        """The parameter that is the head; None without one."""
        found = lib.neck_trainable_head(self, None)
        return text(found[0].name) if found else None

    # ---- parameters

    def _softneck_parameters(self) -> ParameterList:
        count = ctypes.c_int64()
        array = lib.neck_trainable_parameters(self, count)
        return ParameterList(array, [text(array[i].name) or "" for i in range(count.value)], self, self._turn)

    @property
    def parameters(self) -> Dict[str, Any]:
        """Arrays over the model's memory that may be written to, named as in Hugging Face files; a vector is 1 x n."""
        return parameter_arrays(self._softneck_parameters(), "data")

    @property
    def gradients(self) -> Dict[str, Any]:
        """Of the parameters; passes add to them."""
        return parameter_arrays(self._softneck_parameters(), "gradient")

    def clear_gradients(self) -> None:
        with self._turn:
            lib.neck_trainable_clear_gradients(self._context, self)

    # ---- passes

    def reserve(self, batch: int, length: int) -> int:
        """Makes room for passes over batch x length tokens; how many bytes that takes."""
        size = ctypes.c_int64()
        with self._turn:
            lib.neck_trainable_reserve(self._context, self, integer(batch, "batch"), integer(length, "length"), size)
        return size.value

    def forward(self, tokens: Any, step: Optional[int] = None) -> Any:
        """The last hidden states of token ids (length, or batch x length), a row a token, as a copy.

        step  what dropout is drawn from; None: nothing is dropped
        """
        ids, shape = ids_array(tokens)
        batch, length = shape if len(shape) == 2 else (1, shape[0])
        number = _EVALUATION if step is None else integer(step, "step", 0)
        out = _abi.Matrix()
        with self._turn:
            lib.neck_trainable_forward(self._context, self, ids, batch, length, number, out)
            return copy_matrix(out)

    def backward(self, d_states: Any) -> None:
        """From the gradient of those states, in the model's dtype; once for each forward()."""
        numbers, out = packed(block(d_states)), _abi.Matrix()
        with self._turn:
            lib.neck_trainable_states(self, self.layers, out)
            if numbers.shape != (out.rows, out.cols) or numbers.dtype.number != out.dtype:
                raise ArgumentError(
                    f"the gradient is {numbers.dtype.name} {numbers.shape}, the states were {self.dtype} "
                    f"{(out.rows, out.cols)}"
                )
            lib.neck_trainable_backward(self._context, self, numbers.address)

    def states(self, layer: int) -> Any:
        """Those before a block in the last forward(), a copy: 0 is the embedding, layers what the head multiplies."""
        out = _abi.Matrix()
        with self._turn:
            lib.neck_trainable_states(self, integer(layer, "layer"), out)
            return copy_matrix(out)

    def save(self, folder: FileName, head: Any = None) -> None:
        """Writes config.json and model.safetensors, which transformers and softneck.Model open.

        head  vocabulary x head_size, for a model without one
        """
        numbers = None if head is None else block(head)
        with self._turn:
            matrix = None if numbers is None else numbers.matrix()
            lib.neck_trainable_save(self._context, self, file_name(folder), matrix)

    def __repr__(self) -> str:
        return (
            f"<softneck.TrainableModel {self.family}, {self.layers} layers of {self.hidden_size}, vocabulary "
            f"{self.vocabulary}, {self.parameter_count} parameters in {self.dtype}>"
        )


def _shared(
    dtype: str = "f32",
    seed: int = 0,
    dropout: float = 0.0,
    attention_dropout: float = 0.0,
    recompute: bool = False,
) -> Dict[str, Any]:
    """What made and opened models have in common."""
    return {
        "dtype": choice(PRECISIONS, dtype, "dtype"),
        "seed": integer(seed, "seed", 0, 2**64 - 1),
        "dropout": dropout,
        "attention_dropout": attention_dropout,
        "recompute": bool(recompute),
    }


def _optional(value: Optional[str]) -> Optional[bytes]:
    return None if value is None else string(value)


def _config_text(config: Union[None, str, Dict[str, Any]]) -> Optional[str]:
    return config if config is None or isinstance(config, str) else json.dumps(config)


def parameter_arrays(found: ParameterList, field: str) -> Dict[str, Any]:
    """Arrays over what C owns, which keep their owner alive."""
    return {
        name: view(getattr(p, field), BY_NUMBER[p.dtype], (p.rows, p.cols), found.owner, writable=True)
        for name, p in zip(found.names, found.array)
    }
