/* format/file_read.c - one file of tensors, whichever format it has. */
#include "format/file_read.h"

#include <inttypes.h>
#include <string.h>

#include "core/error.h"

/* What a clone without Git LFS has in place of large files. */
static const char lfs[] = "version https://git-lfs";
enum { LFS_LENGTH = sizeof lfs - 1 };

static neck_status read_format(const neck__mapping *file, int allow_trailing, neck__tensors *list, int32_t format)
{
    switch (format) {
    case NECK_FORMAT_SAFETENSORS: return neck__safetensors_read(file, allow_trailing, list);
    case NECK_FORMAT_NPY: return neck__npy_read(file, list);
    case NECK_FORMAT_NPZ: return neck__npz_read(file, list);
    case NECK_FORMAT_LLAMA2C: return neck__llama2c_read(file, allow_trailing, list);
    case NECK_FORMAT_TORCH: return neck__torch_read(file, list);
    case NECK_FORMAT_GGUF: return neck__gguf_read(file, allow_trailing, list);
    default:
        if (file->size == 0) return neck__fail(NECK_E_FORMAT, "the file is empty");
        if (file->size > LFS_LENGTH && memcmp(file->data, lfs, LFS_LENGTH) == 0)
            return neck__fail(NECK_E_FORMAT, "a Git LFS pointer, which stands for the file: `git lfs pull` fetches it");
        return neck__fail(NECK_E_FORMAT, "%" PRId64 " bytes that are neither safetensors, npy, npz, llama2.c, torch "
                          "nor gguf", file->size);
    }
}

neck_status neck__file_read(const char *path, int allow_trailing, neck__tensors *list, int32_t *format)
{
    neck__mapping *file = NULL;
    NECK_TRY(neck__mapping_open(&list->allocator, path, &file));
    NECK_TRY(neck__tensors_own_mapping(list, file));
    const int32_t found = neck__format_detect(file);
    neck_status status = read_format(file, allow_trailing, list, found);
    if (status == NECK_OK)
        *format = found;
    else if (status != NECK_E_NOMEM)
        neck__fail_in(status, "%s", path);
    return status;
}

const char *neck_format_name(int32_t format)
{
    static const char *const names[] = {"?", "safetensors", "npy", "npz", "llama2.c", "torch", "gguf"};
    return names[format >= NECK_FORMAT_SAFETENSORS && format <= NECK_FORMAT_GGUF ? format : 0];
}
