/* format/tensors.h - what a reader of one file format must produce: a list of tensors over mapped or owned bytes. */
#ifndef NECK_FORMAT_TENSORS_H
#define NECK_FORMAT_TENSORS_H

#include "core/memory.h"
#include "format/gguf.h"
#include "format/mapping.h"
#include "softneck/checkpoint.h"

/* Bounds on what a file may ask for; the largest published models stay far below both. */
#define NECK__NAME_MAX 4096
#define NECK__TENSORS_MAX (1 << 18)

/* How much of a name of that many bytes to print in a message with %.*s. */
#define NECK__SHOWN(length) ((int)((length) < 200 ? (length) : 200))

/* A CRC-32 the file gives for bytes that hold a tensor, not yet compared: reading every byte of a large file at opening
 * would defeat mapping it. */
typedef struct neck__checksum {
    const unsigned char *data; /* NULL: nothing to compare */
    int64_t size;
    uint32_t crc;
} neck__checksum;

/* One tensor as stored. Element (i_0, .., i_{n-1}) is at data + sum i_k * stride[k] * size of dtype. */
typedef struct neck__tensor {
    char *name;                    /* owned, NUL-terminated, without embedded NULs */
    int32_t dtype;                 /* NECK_F32 ... */
    int32_t ndim;
    int64_t shape[NECK_MAX_DIMS];
    int64_t stride[NECK_MAX_DIMS]; /* in elements, >= 0; blocks are always packed */
    int64_t nbytes;                /* of the stored data from the first element to the end of the last */
    const unsigned char *data;     /* into a mapping or an owned buffer of the list */
    int32_t byte_swapped;          /* stored big-endian */
    neck__checksum checksum;       /* compared before the data is first used */
    neck_matrix converted;         /* data NULL until neck_checkpoint_matrix had to convert */
} neck__tensor;

/* What a file says about itself: a text under a key, both NUL-terminated, in one piece of memory that begins at key. */
typedef struct neck__text {
    char *key, *text;
} neck__text;

/* Tensors and everything their data points into. A zeroed list with its allocator set is an empty list. */
typedef struct neck__tensors {
    neck__allocator allocator;
    neck__tensor *tensors;
    int64_t count, capacity;
    neck__mapping **mappings; /* owned */
    int64_t mapping_count, mapping_capacity;
    void **buffers; /* owned memory: inflated members, converted copies */
    int64_t buffer_count, buffer_capacity;
    neck__text *texts;
    int64_t text_count, text_capacity;
    const neck__gguf *gguf; /* what a GGUF file says besides tensors, in one of the buffers; or NULL */
} neck__tensors;

/* Appends a tensor with C-order strides over data; name (length bytes) is copied. Checks: name not empty, no NUL
 * byte, valid UTF-8; ndim and shape in range; product of the shape times element size equals nbytes, without overflow.
 * NECK_E_FORMAT names the tensor and the fault; NECK_E_UNSUPPORTED for a dtype, dimensions or a number of tensors
 * beyond ours. *added (NULL: not wanted) is valid until the next call. */
neck_status neck__tensors_add(neck__tensors *list, const char *name, size_t name_length, int32_t dtype, int32_t ndim,
                              const int64_t *shape, const void *data, int64_t nbytes, neck__tensor **added);

/* Appends a copy of a text. One with NUL bytes or invalid UTF-8 is no text and is left out. */
neck_status neck__tensors_add_text(neck__tensors *list, const char *key, size_t key_length, const char *text,
                                   size_t text_length);

/* Hands a mapping or a buffer (from list->allocator) over to the list; on failure it is released at once. */
neck_status neck__tensors_own_mapping(neck__tensors *list, neck__mapping *mapping);
neck_status neck__tensors_own_buffer(neck__tensors *list, void *buffer);

/* Refuses two tensors of one name (sorts an index: n log n). The other does so for any strings; it sorts them in
 * place. what: "tensors". */
neck_status neck__tensors_check_unique(const neck__tensors *list);
neck_status neck__names_check_unique(const char **names, int64_t count, const char *what);

/* Releases everything and leaves an empty list. */
void neck__tensors_clear(neck__tensors *list);

/* Readers, one a file. Each gets the mapping of a whole file, whose bytes it must not trust, and appends to the list
 * (which stays the owner of whatever was appended when the reader fails). The mapping is owned by the caller and
 * outlives the list. */
neck_status neck__safetensors_read(const neck__mapping *file, int allow_trailing, neck__tensors *list);
neck_status neck__npy_read(const neck__mapping *file, neck__tensors *list); /* named "arr_0", as NumPy would */
neck_status neck__npy_read_named(const neck__mapping *file, const char *name, size_t name_length, neck__tensors *list);
neck_status neck__npz_read(const neck__mapping *file, neck__tensors *list);
neck_status neck__llama2c_read(const neck__mapping *file, int allow_trailing, neck__tensors *list);
neck_status neck__torch_read(const neck__mapping *file, neck__tensors *list);
neck_status neck__gguf_read(const neck__mapping *file, int allow_trailing, neck__tensors *list);

/* Non-zero when the first bytes are a header of llama2.c (any version). Version 0 has no magic number: its seven
 * numbers must make a model, which text, zeros and the other formats never do. */
int neck__llama2c_looks_like(const neck__mapping *file);

/* What a file is, by its first bytes (and size): NECK_FORMAT_*, or 0. */
int32_t neck__format_detect(const neck__mapping *file);

#endif
