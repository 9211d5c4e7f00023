/* format/format_detect.c - telling formats apart by content. */
#include <string.h>

#include "format/tensors.h"

static int begins(const neck__mapping *file, const char *bytes, int64_t length)
{
    return file->size >= length && memcmp(file->data, bytes, (size_t)length) == 0;
}

static int is_npy(const neck__mapping *file)
{
    return begins(file, "\x93NUMPY", 6);
}

/* A zip archive whose first member is an array, or an empty one: NumPy puts nothing else first. */
static int is_npz(const neck__mapping *file)
{
    enum { HEADER = 30 };
    if (begins(file, "PK\5\6", 4)) return 1;
    if (!begins(file, "PK\3\4", 4) || file->size < HEADER) return 0;
    int64_t length = file->data[26] | file->data[27] << 8;
    return length > 4 && length <= file->size - HEADER && memcmp(file->data + HEADER + length - 4, ".npy", 4) == 0;
}

/* Any other zip archive, and the formats that came before: a bare pickle, which begins with its protocol and a magic
 * number, and a tar archive. The reader says why it refuses those. */
static int is_torch(const neck__mapping *file)
{
    static const char magic[] = "\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";
    if (begins(file, "PK\3\4", 4)) return 1;
    if (file->size >= 14 && file->data[0] == 0x80 && memcmp(file->data + 2, magic, sizeof magic - 1) == 0) return 1;
    return file->size >= 512 && memcmp(file->data + 257, "ustar", 5) == 0;
}

static int is_gguf(const neck__mapping *file)
{
    return begins(file, "GGUF", 4);
}

/* A header length that its writers would accept, then JSON. */
static int is_safetensors(const neck__mapping *file)
{
    enum { LENGTH = 8, PADDING_MAX = 64 };
    uint64_t length = 0;
    if (file->size <= LENGTH) return 0;
    for (int i = 0; i < LENGTH; i++) length |= (uint64_t)file->data[i] << (8 * i);
    if (length > 100000000) return 0;
    int64_t at = LENGTH;
    while (at < file->size - 1 && at < LENGTH + PADDING_MAX && memchr(" \t\r\n", file->data[at], 4)) at++;
    return file->data[at] == '{';
}

int32_t neck__format_detect(const neck__mapping *file)
{
    static const struct {
        int (*is)(const neck__mapping *file);
        int32_t format;
    } formats[] = {
        {is_npy, NECK_FORMAT_NPY},
        {is_npz, NECK_FORMAT_NPZ},
        {is_torch, NECK_FORMAT_TORCH},
        {is_gguf, NECK_FORMAT_GGUF},
        {is_safetensors, NECK_FORMAT_SAFETENSORS},
        {neck__llama2c_looks_like, NECK_FORMAT_LLAMA2C},
    };
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (formats[i].is(file)) return formats[i].format;
    return 0;
}
