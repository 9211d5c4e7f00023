#!/usr/bin/env python3
"""A softneck.Monitor in a Hugging Face Trainer: a callback, and a small Llama to try it on.

    python3 examples/python/trainer_callback.py TEXT RUN [STEPS]

Copy MonitorCallback into your own training: Trainer(..., callbacks=[MonitorCallback(softneck.Monitor(), probe)]).
"""

import sys
from pathlib import Path

import torch
from transformers import LlamaConfig, LlamaForCausalLM, Trainer, TrainerCallback, TrainingArguments

import softneck

STATE = "monitor.safetensors"


class MonitorCallback(TrainerCallback):
    """Observes the head, its gradient, the last layer's states on a probe, and whatever the Trainer logs.

    probe: token ids (a batch of sequences), the same every time; more tokens in all than the hidden size. The state of the
    monitor lies in each checkpoint folder, so resume_from_checkpoint goes on with it.
    """

    def __init__(self, monitor, probe):
        self.monitor, self.probe = monitor, probe

    def due(self, state, step):
        """On one process only: each of a data-parallel run has the same weights."""
        return state.is_world_process_zero and self.monitor.due(step)

    def on_train_begin(self, args, state, control, **kwargs):
        if not state.is_world_process_zero:
            return
        folder = Path(args.output_dir)
        folder.mkdir(parents=True, exist_ok=True)
        saved = folder / f"checkpoint-{state.global_step}" / STATE
        if state.global_step > 0 and saved.exists():
            self.monitor.load(saved)
        self.monitor.log(folder / "monitor.jsonl")

    def on_pre_optimizer_step(self, args, state, control, model, **kwargs):
        step = state.global_step + 1  # the one that is being made
        if self.due(state, step):
            self.tell(self.monitor.gradient(step, model.get_output_embeddings().weight.grad))

    def on_step_end(self, args, state, control, model, **kwargs):
        step = state.global_step
        if self.due(state, step):
            self.tell(self.monitor.head(step, model.get_output_embeddings().weight))
            self.tell(self.monitor.states(step, self.last_states(model)))

    def on_log(self, args, state, control, logs=None, **kwargs):
        known = {f"trainer.{name}": value for name, value in (logs or {}).items() if name in ("loss", "grad_norm")}
        if known and state.is_world_process_zero:
            self.monitor.values(state.global_step, known)

    def on_save(self, args, state, control, **kwargs):
        if state.is_world_process_zero:
            self.monitor.save(Path(args.output_dir) / f"checkpoint-{state.global_step}" / STATE)

    def last_states(self, model):
        """What goes into the head: in transformers the last hidden state is the one after the final norm."""
        training = model.training
        model.eval()
        with torch.no_grad():
            states = model(self.probe.to(model.device), output_hidden_states=True).hidden_states[-1]
        model.train(training)
        return states.flatten(0, 1)

    def tell(self, events):
        for event in events:
            print(f"step {event.step}: {event.series}: {event.kind}, begun at step {event.onset_step}")


def main(text, run, steps=60):
    data = torch.tensor(list(Path(text).read_bytes()))
    windows = data[: len(data) // 64 * 64].view(-1, 64)
    config = LlamaConfig(
        vocab_size=256,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=128,
        max_position_embeddings=64,
    )
    arguments = TrainingArguments(
        run,
        max_steps=int(steps),
        per_device_train_batch_size=16,
        learning_rate=3e-3,
        logging_steps=10,
        save_steps=30,
        save_total_limit=2,
        disable_tqdm=True,
        report_to="none",
        use_cpu=True,
    )
    monitor = softneck.Monitor(interval=10)
    trainer = Trainer(
        LlamaForCausalLM(config),
        arguments,
        train_dataset=[{"input_ids": window, "labels": window} for window in windows],
        callbacks=[MonitorCallback(monitor, windows[:8])],
    )
    trainer.train(resume_from_checkpoint=any(Path(run).glob("checkpoint-*")) or None)
    for name in ("trainer.loss", "head.raw.singular_entropy", "states.raw.anisotropy", "gradient.effective_rank"):
        step, value = monitor.latest(name)
        print(f"{name:28} {value:.4f} at step {step}, {len(monitor[name].steps)} in all")
    print(f"observing took {monitor.seconds:.3f} s")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:4]) if len(sys.argv) in (3, 4) else sys.exit(__doc__)
    except (softneck.Error, OSError) as error:
        sys.exit(f"trainer_callback: {error}")
