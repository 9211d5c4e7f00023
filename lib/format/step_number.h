/* format/step_number.h - the training step in the name of a checkpoint. */
#ifndef NECK_FORMAT_STEP_NUMBER_H
#define NECK_FORMAT_STEP_NUMBER_H

#include <stdint.h>

/* The step that the last component of path names, or -1. The number after a word for training steps ("step_2000.pt",
 * "checkpoint-1000", "iter_000123", "step143000", "epoch=3-step=1000.ckpt") is it, steps before epochs; else a number
 * that ends the name on its own ("000123.pt", "model-1000"). Sizes ("70m", "2048x32"), versions ("gpt2", "v0.1") and
 * shards ("00001-of-00002") are no steps. */
int64_t neck__step_number(const char *path);

/* Non-zero when the name ends like a checkpoint file's: ".pt", ".pth", ".ckpt", ".bin", ".safetensors", ".npy", ".npz",
 * ".gguf". *stem (may be NULL) is the length of the name without it. */
int neck__has_checkpoint_suffix(const char *name, int64_t *stem);

#endif
