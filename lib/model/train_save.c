/* model/train_save.c - a trainable model as a Hugging Face folder. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "core/context.h"
#include "core/error.h"
#include "format/atomic_file.h"
#include "format/folder.h"
#include "linalg/view.h"
#include "model/trainable_object.h"

static neck_status make_folder(const char *folder)
{
    if (mkdir(folder, 0777) == 0 || (errno == EEXIST && neck__is_folder(folder))) return NECK_OK;
    return neck__fail(NECK_E_IO, "%s: cannot make this folder: %s", folder, strerror(errno));
}

static neck_status write_config(const neck_trainable *model, const char *path)
{
    neck__atomic_file *file;
    NECK_TRY(neck__atomic_file_create(&model->allocator, path, &file));
    neck_status status = neck__atomic_file_write(file, model->config_text, (int64_t)strlen(model->config_text));
    if (status == NECK_OK) return neck__atomic_file_commit(file);
    neck__atomic_file_abandon(file);
    return status;
}

static neck_tensor tensor_of(const neck_parameter *parameter, int is_vector)
{
    neck_tensor tensor = {.struct_size = sizeof tensor, .name = parameter->name, .dtype = parameter->dtype,
                          .ndim = is_vector ? 1 : 2, .data = parameter->data};
    tensor.shape[0] = is_vector ? parameter->cols : parameter->rows;
    tensor.shape[1] = is_vector ? 0 : parameter->cols;
    tensor.nbytes = parameter->rows * parameter->cols * (parameter->dtype == NECK_F64 ? 8 : 4);
    return tensor;
}

/* Only matrices decay. */
static neck_status write_weights(neck_context *context, const neck_trainable *model, const neck_matrix *head,
                                 const char *path)
{
    static const char *const key[] = {"format"}, *const value[] = {"pt"}; /* transformers asks who wrote it */
    int64_t count = model->count;
    neck_tensor *tensors = neck__calloc(&model->allocator, count + 1, sizeof *tensors, "a list of tensors");
    if (!tensors) return NECK_E_NOMEM;
    for (int64_t i = 0; i < count; i++)
        tensors[i] = tensor_of(&model->parameters[i], (model->parameters[i].flags & NECK_PARAMETER_NO_DECAY) != 0);
    neck__name name;
    if (head) {
        neck__tensor_name(model->config.layout, "", NECK__HEAD, 0, ".weight", name);
        neck_parameter given = {.name = name, .data = (void *)(uintptr_t)head->data, .rows = head->rows,
                                .cols = head->cols, .dtype = head->dtype};
        tensors[count++] = tensor_of(&given, 0);
    }
    neck_status status = neck_safetensors_write(context, path, tensors, count, key, value, 1);
    neck__release(&model->allocator, tensors);
    return status;
}

static neck_status check_head(const neck_trainable *model, const neck_matrix *head)
{
    if (!model->without_head)
        return head ? neck__fail(NECK_E_ARGUMENT, "a head is given, but the model has one of its own") : NECK_OK;
    if (!head) return neck__fail(NECK_E_ARGUMENT, "head is NULL, and the model has none of its own");
    neck_matrix view;
    NECK_TRY(neck__view_check(head, &view));
    if (view.rows != model->config.vocabulary || view.cols != model->config.embedding || view.dtype != model->dtype ||
        view.row_stride != view.cols)
        return neck__fail(NECK_E_ARGUMENT, "the head must be a packed %lld x %lld matrix in the model's dtype",
                          (long long)model->config.vocabulary, (long long)model->config.embedding);
    return NECK_OK;
}

neck_status neck_trainable_save(neck_context *context, const neck_trainable *model, const char *folder,
                                const neck_matrix *head)
{
    if (!model || !folder || !folder[0])
        return neck__fail(NECK_E_ARGUMENT, "model is NULL, or folder is NULL or empty");
    NECK_TRY(check_head(model, head));
    NECK_TRY(make_folder(folder));
    char *config = neck__path_join(&model->allocator, folder, "config.json");
    char *weights = neck__path_join(&model->allocator, folder, "model.safetensors");
    neck_status status = config && weights ? NECK_OK : NECK_E_NOMEM;
    if (status == NECK_OK) status = write_weights(context, model, head, weights);
    if (status == NECK_OK) status = write_config(model, config);
    neck__release(&model->allocator, config);
    neck__release(&model->allocator, weights);
    return status;
}
