/* format/checkpoint.c - opening files and folders of tensors, and what they hold. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/context.h"
#include "core/error.h"
#include "core/options.h"
#include "format/checkpoint_object.h"
#include "format/dequant.h"
#include "format/file_read.h"
#include "format/folder.h"
#include "format/step_number.h"

static neck_status read_path(const char *path, int allow_trailing, neck_checkpoint *checkpoint)
{
    checkpoint->path = neck__strdup(&checkpoint->allocator, path);
    if (!checkpoint->path) return NECK_E_NOMEM;
    if (neck__is_folder(path))
        NECK_TRY(neck__folder_read(path, allow_trailing, checkpoint));
    else
        NECK_TRY(neck__file_read(path, allow_trailing, &checkpoint->list, &checkpoint->format));
    neck_status status = neck__tensors_check_unique(&checkpoint->list);
    return status == NECK_E_FORMAT ? neck__fail_in(status, "%s", path) : status;
}

neck_status neck_checkpoint_open(neck_context *context, const char *path, const neck_checkpoint_options *options,
                                 neck_checkpoint **out)
{
    if (!path || !path[0] || !out) return neck__fail(NECK_E_ARGUMENT, "path is NULL or empty, or out is NULL");
    NECK_OPTIONS(neck_checkpoint_options, given, options);
    if (given.reserved) return neck__fail(NECK_E_ARGUMENT, "neck_checkpoint_options.reserved must be 0");
    const neck__allocator allocator = neck__allocator_of(context);
    neck_checkpoint *checkpoint = neck__calloc(&allocator, 1, sizeof *checkpoint, "a checkpoint");
    if (!checkpoint) return NECK_E_NOMEM;
    checkpoint->allocator = checkpoint->list.allocator = allocator;
    neck_status status = read_path(path, given.allow_trailing != 0, checkpoint);
    if (status == NECK_OK)
        *out = checkpoint;
    else
        neck_checkpoint_destroy(checkpoint);
    return status;
}

void neck_checkpoint_destroy(neck_checkpoint *checkpoint)
{
    if (!checkpoint) return;
    const neck__allocator allocator = checkpoint->allocator;
    neck__tensors_clear(&checkpoint->list);
    neck__release(&allocator, checkpoint->path);
    neck__release(&allocator, checkpoint->config);
    neck__release(&allocator, checkpoint);
}

const char *neck_checkpoint_path(const neck_checkpoint *checkpoint) { return checkpoint->path; }
const char *neck_checkpoint_config(const neck_checkpoint *checkpoint) { return checkpoint->config; }
int32_t neck_checkpoint_format(const neck_checkpoint *checkpoint) { return checkpoint->format; }
int64_t neck_checkpoint_step(const neck_checkpoint *checkpoint) { return neck__step_number(checkpoint->path); }
int64_t neck_checkpoint_tensor_count(const neck_checkpoint *checkpoint) { return checkpoint->list.count; }

int64_t neck_checkpoint_metadata_count(const neck_checkpoint *checkpoint) { return checkpoint->list.text_count; }

const char *neck_checkpoint_metadata_key(const neck_checkpoint *checkpoint, int64_t index)
{
    return index >= 0 && index < checkpoint->list.text_count ? checkpoint->list.texts[index].key : NULL;
}

const char *neck_checkpoint_metadata(const neck_checkpoint *checkpoint, const char *key)
{
    for (int64_t i = 0; i < checkpoint->list.text_count; i++)
        if (strcmp(checkpoint->list.texts[i].key, key) == 0) return checkpoint->list.texts[i].text;
    return NULL;
}

int neck__tensor_is_matrix(const neck__tensor *tensor)
{
    const int is_float = tensor->dtype >= NECK_F32 && tensor->dtype <= NECK_BF16;
    return tensor->ndim == 2 && (is_float || neck__block_of(tensor->dtype));
}

int neck__tensor_is_packed(const neck__tensor *tensor)
{
    int64_t step = 1;
    if (tensor->byte_swapped || neck__block_of(tensor->dtype)) return 0;
    for (int32_t k = tensor->ndim - 1; k >= 0; k--) {
        if (tensor->shape[k] > 1 && tensor->stride[k] != step) return tensor->nbytes == 0;
        step *= tensor->shape[k];
    }
    return 1;
}

neck_status neck_checkpoint_tensor(const neck_checkpoint *checkpoint, int64_t index, neck_tensor *out)
{
    if (!checkpoint || !out || out->struct_size < sizeof out->struct_size)
        return neck__fail(NECK_E_ARGUMENT, "checkpoint or out is NULL, or out's struct_size is not set");
    if (index < 0 || index >= checkpoint->list.count)
        return neck__fail(NECK_E_ARGUMENT, "index %" PRId64 " is outside the %" PRId64 " tensors", index,
                          checkpoint->list.count);
    const neck__tensor *stored = &checkpoint->list.tensors[index];
    neck_tensor tensor = {
        .struct_size = out->struct_size,
        .name = stored->name,
        .dtype = stored->dtype,
        .ndim = stored->ndim,
        .nbytes = stored->nbytes,
        .data = neck__tensor_is_packed(stored) ? stored->data : NULL,
    };
    memcpy(tensor.shape, stored->shape, sizeof tensor.shape);
    memcpy(out, &tensor, out->struct_size < sizeof tensor ? out->struct_size : sizeof tensor);
    return NECK_OK;
}

/* ---- finding by name --------------------------------------------------------------------------------------------- */

/* Near: one contains the other, or both end in the same last two components ("wte.weight"). */
static int is_near(const char *name, const char *wanted)
{
    if (strstr(name, wanted) || strstr(wanted, name)) return 1;
    const char *tail = strrchr(wanted, '.');
    while (tail && tail > wanted && tail[-1] != '.') tail--;
    const size_t m = strlen(name), n = tail ? strlen(tail) : 0;
    return n > 0 && m > n && strcmp(name + m - n, tail) == 0;
}

static neck_status fail_not_found(const neck__tensors *list, const char *wanted)
{
    char text[600] = "";
    size_t used = 0;
    for (int64_t i = 0; i < list->count && used < sizeof text; i++)
        if (is_near(list->tensors[i].name, wanted))
            used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", used ? ", " : "; near: ",
                                     list->tensors[i].name);
    return neck__fail(NECK_E_NOT_FOUND, "no tensor '%.200s' among %" PRId64 "%s", wanted, list->count, text);
}

neck_status neck_checkpoint_find(const neck_checkpoint *checkpoint, const char *name, int64_t *index)
{
    if (!checkpoint || !name || !index) return neck__fail(NECK_E_ARGUMENT, "checkpoint, name or index is NULL");
    for (int64_t i = 0; i < checkpoint->list.count; i++) {
        if (strcmp(checkpoint->list.tensors[i].name, name) != 0) continue;
        *index = i;
        return NECK_OK;
    }
    return fail_not_found(&checkpoint->list, name);
}
