/* softneck/checkpoint.h - tensors in model files and folders, the LM head among them, without copying. */
#ifndef SOFTNECK_CHECKPOINT_H
#define SOFTNECK_CHECKPOINT_H

#include "matrix.h"

#ifdef __cplusplus
extern "C" {
#endif

/* An open file or folder of tensors. Files are memory-mapped read-only; views point into the mapping wherever
 * the bytes allow. Every size, offset and count in a file is checked before use; a file that lies is refused
 * with NECK_E_FORMAT and a message that names the fault. Nothing in a file is ever executed.
 * A file that another process truncates while it is open cannot be read safely (the system raises SIGBUS).
 * Thread rule: one call at a time on one checkpoint; const calls may run side by side. */
typedef struct neck_checkpoint neck_checkpoint;

enum {
    NECK_FORMAT_SAFETENSORS = 1, /* one file, or a folder with model.safetensors[.index.json] */
    NECK_FORMAT_NPY = 2,
    NECK_FORMAT_NPZ = 3,
    NECK_FORMAT_LLAMA2C = 4, /* legacy v0 and v1 float32 .bin of llama2.c */
    NECK_FORMAT_TORCH = 5,   /* zip archive of torch.save: .pt, .pth, .bin */
    NECK_FORMAT_GGUF = 6     /* llama.cpp's, versions 2 and 3, little-endian */
};

typedef struct neck_checkpoint_options {
    size_t struct_size;
    int32_t allow_trailing; /* non-zero: accept bytes after the last tensor (NECK_E_TRAILING_DATA otherwise) */
    int32_t reserved;       /* must be 0 */
} neck_checkpoint_options;

/* neck_checkpoint_open - opens a file of a known format (told by its content, not its name) or a model folder
 * (model.safetensors, model.safetensors.index.json with its shards, pytorch_model.bin[.index.json], or a single
 * file of a known format; config.json is read when present).
 * Errors: NECK_E_IO (with the system's reason), NECK_E_FORMAT, NECK_E_TRAILING_DATA, NECK_E_UNSUPPORTED,
 * NECK_E_NOT_FOUND (a folder without a model), NECK_E_NOMEM. */
NECK_API neck_status neck_checkpoint_open(neck_context *context, const char *path,
                                          const neck_checkpoint_options *options, neck_checkpoint **out);
NECK_API void neck_checkpoint_destroy(neck_checkpoint *checkpoint);

/* Read access, borrowed, valid until destroy.
 *   path   as given                     format  NECK_FORMAT_*
 *   config text of the folder's config.json, or NULL
 *   step   training step in the file or folder name ("step_2000.pt", "checkpoint-1000", "step143000",
 *          "epoch=3-step=1000.ckpt", "000123.pt"), or -1 */
NECK_API const char *neck_checkpoint_path(const neck_checkpoint *checkpoint);
NECK_API const char *neck_checkpoint_config(const neck_checkpoint *checkpoint);
NECK_API int32_t neck_checkpoint_format(const neck_checkpoint *checkpoint);
NECK_API int64_t neck_checkpoint_step(const neck_checkpoint *checkpoint);
NECK_API int64_t neck_checkpoint_tensor_count(const neck_checkpoint *checkpoint);

/* What the file says about itself: the texts in safetensors' __metadata__ and the strings among GGUF's metadata
 * (general.name, general.architecture, tokenizer.chat_template ...; other types and arrays are left out).
 * neck_checkpoint_metadata     - the text of a key, or NULL
 * neck_checkpoint_metadata_key - the index-th key, or NULL outside 0 .. neck_checkpoint_metadata_count - 1; shards
 *                                repeat keys, the first one counts
 * Borrowed, valid until destroy. */
NECK_API int64_t neck_checkpoint_metadata_count(const neck_checkpoint *checkpoint);
NECK_API const char *neck_checkpoint_metadata_key(const neck_checkpoint *checkpoint, int64_t index);
NECK_API const char *neck_checkpoint_metadata(const neck_checkpoint *checkpoint, const char *key);

/* neck_format_name - "safetensors", "npy", "npz", "llama2.c", "torch", "gguf". Static string, "?" if unknown. */
NECK_API const char *neck_format_name(int32_t format);

#define NECK_MAX_DIMS 8

/* What a tensor is. Set struct_size before the call; only fields within it are written. */
typedef struct neck_tensor {
    size_t struct_size;
    const char *name; /* borrowed from the checkpoint */
    int32_t dtype;    /* NECK_F32 ... */
    int32_t ndim;     /* 0..NECK_MAX_DIMS */
    int64_t shape[NECK_MAX_DIMS];
    int64_t nbytes;   /* of the stored data */
    const void *data; /* row-major, packed; NULL when the stored order is another one or the dtype is quantised (then
                         neck_checkpoint_matrix makes a converted copy) */
} neck_tensor;

/* neck_checkpoint_tensor - the index-th tensor, in the file's order. Errors: NECK_E_ARGUMENT.
 * neck_checkpoint_find   - the index of the tensor with that exact name. Errors: NECK_E_NOT_FOUND (the message
 * lists near names). */
NECK_API neck_status neck_checkpoint_tensor(const neck_checkpoint *checkpoint, int64_t index, neck_tensor *out);
NECK_API neck_status neck_checkpoint_find(const neck_checkpoint *checkpoint, const char *name, int64_t *index);

/* neck_checkpoint_matrix - a view of a floating-point tensor of two dimensions (one dimension n becomes n x 1; more
 * are refused). Points into the mapping; a Fortran-ordered, transposed, byte-swapped or compressed tensor is
 * converted once, a quantised one decoded to F32 once, and kept by the checkpoint. Valid until destroy.
 * Where the file has a checksum of the tensor (torch, npz), the first call compares it.
 * Errors: NECK_E_UNSUPPORTED (dtype or dimensions, named), NECK_E_FORMAT (the checksum differs), NECK_E_ARGUMENT,
 * NECK_E_NOMEM. */
NECK_API neck_status neck_checkpoint_matrix(neck_context *context, neck_checkpoint *checkpoint, int64_t index,
                                            neck_matrix *out);

/* neck_checkpoint_head - the index of the LM head: the untied output matrix when there is one (lm_head.weight,
 * embed_out.weight, output.weight ...), else the token embedding it is tied to (wte.weight, embed_in.weight,
 * embed_tokens.weight, word_embeddings.weight, tok_emb.weight ...; GPT-2, GPT-NeoX/Pythia, OPT, Llama, Mistral,
 * Qwen, Gemma, BLOOM, llama2.c, GGUF names, with any prefix), else the only matrix of the file. *tied (may be NULL) is
 * 1 for a tied head. A head is tokens x hidden_size: rows are tokens; a matrix found only because it is alone may
 * also lie the other way, which no singular value tells apart. Copies that training keeps (optimizer state, moving
 * averages) count only where nothing else is found.
 * Errors: NECK_E_NOT_FOUND, its message lists the candidates to choose from by name. */
NECK_API neck_status neck_checkpoint_head(const neck_checkpoint *checkpoint, int64_t *index, int32_t *tied);

/* A series: the checkpoints a path stands for, in order of training step. */
typedef struct neck_series neck_series;

/* neck_series_open - path is a file or model folder (a series of one), or a folder of checkpoints: then every file of
 * a known format and every model folder right below it, sorted by step (numbers in names compared as numbers; those
 * without a number last, by name); of a folder without any, those in its folder checkpoints; of a repository in the
 * cache of Hugging Face's hub (models--NAME), the revisions that are there, with the steps in their names.
 * Opens nothing: each entry's path goes to neck_checkpoint_open.
 * Errors: NECK_E_IO, NECK_E_NOT_FOUND (nothing in it looks like a checkpoint), NECK_E_NOMEM. */
NECK_API neck_status neck_series_open(neck_context *context, const char *path, neck_series **out);
NECK_API void neck_series_destroy(neck_series *series);
NECK_API int64_t neck_series_count(const neck_series *series);
/* Path and step (-1: none) of entry index; NULL and -1 when out of range. Borrowed. */
NECK_API const char *neck_series_path(const neck_series *series, int64_t index);
NECK_API int64_t neck_series_step(const neck_series *series, int64_t index);

/* neck_safetensors_write - writes count tensors (name, dtype, ndim, shape, data used; nbytes is checked) and
 * metadata_count key/value pairs (keys[i], values[i], UTF-8; may be NULL when 0) as one safetensors file. Tensor
 * data starts at a multiple of 64 bytes. Written to a temporary name beside path, synced, renamed: path is whole or
 * untouched. Errors: NECK_E_ARGUMENT (duplicate or empty name, bad UTF-8, sizes), NECK_E_IO, NECK_E_NOMEM. */
NECK_API neck_status neck_safetensors_write(neck_context *context, const char *path, const neck_tensor *tensors,
                                            int64_t count, const char *const *keys, const char *const *values,
                                            int64_t metadata_count);

/* neck_npy_write - writes a matrix as .npy (version 1.0, C order) in its own dtype; bf16, which NumPy lacks, is
 * widened to f32. Atomic like the above. Errors: NECK_E_ARGUMENT, NECK_E_IO, NECK_E_NOMEM. */
NECK_API neck_status neck_npy_write(neck_context *context, const char *path, const neck_matrix *matrix);

#ifdef __cplusplus
}
#endif
#endif
