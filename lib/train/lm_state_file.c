/* train/lm_state_file.c - the state of a training in two files: optimizer.safetensors, and training.safetensors with
 * the parameters, the record, the marks of the training, and sums of both files' contents. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "format/folder.h"
#include "format/system_error.h"
#include "softneck/checkpoint.h"
#include "train/lm_state.h"
#include "train/mark.h"

#define KIND_KEY "softneck"
#define KIND_VALUE "language model training 1" /* the number rises when older libraries could not read the file */
#define PREFIX "parameter."
#define RECORD "record"
#define OPTIMIZER_FILE "optimizer.safetensors"
#define TRAINING_FILE "training.safetensors"
#define PARAMETERS_KEY "sum of parameters"
#define OPTIMIZER_KEY "sum of " OPTIMIZER_FILE

enum { TEXT = 17, RECORD_NUMBERS = sizeof(neck__lm_record) / 8, PAIRS = NECK__LM_MARKS + 3 };

/* ---- sums ------------------------------------------------------------------------------------------------------- */

/* Marks and sums as keys and values of the file's metadata. */
typedef struct labels {
    char texts[PAIRS][TEXT];
    const char *keys[PAIRS], *values[PAIRS];
} labels;

static void label(labels *self, int index, const char *key, uint64_t number)
{
    snprintf(self->texts[index], TEXT, "%016" PRIx64, number);
    self->keys[index] = key;
    self->values[index] = self->texts[index];
}

static uint64_t sum_of(const neck__lm_record *record, const neck_tensor *tensors, int64_t count)
{
    uint64_t sum = neck__mark(0, record, sizeof *record);
    for (int64_t i = 0; i < count; i++) sum = neck__mark(sum, tensors[i].data, (size_t)tensors[i].nbytes);
    return sum;
}

/* Read in pieces, not mapped: a file as large as the optimizer would count as this process's memory while it is summed.
 * A piece is a multiple of the mark's eight bytes. */
static neck_status sum_of_open_file(const neck_training *self, FILE *file, const char *path, uint64_t *out)
{
    const size_t piece = (size_t)1 << 20;
    unsigned char *bytes = neck__alloc(&self->allocator, (int64_t)piece, 1, "a piece of a file");
    if (!bytes) return NECK_E_NOMEM;
    *out = 0;
    for (size_t size; (size = fread(bytes, 1, piece, file)) > 0;) *out = neck__mark(*out, bytes, size);
    neck_status status = ferror(file) ? neck__fail_system("read", path, errno) : NECK_OK;
    neck__release(&self->allocator, bytes);
    return status;
}

static neck_status sum_of_file(const neck_training *self, const char *path, uint64_t *out)
{
    FILE *file = fopen(path, "rb");
    if (!file) return neck__fail_system("open", path, errno);
    neck_status status = sum_of_open_file(self, file, path, out);
    fclose(file);
    return status;
}

static neck_status make_labels(const neck_training *self, const neck__lm_record *record, const neck_tensor *tensors,
                               const char *optimizer_path, labels *out)
{
    uint64_t marks[NECK__LM_MARKS], sum = 0;
    NECK_TRY(neck__lm_mark(self, marks));
    NECK_TRY(sum_of_file(self, optimizer_path, &sum));
    out->keys[0] = KIND_KEY;
    out->values[0] = KIND_VALUE;
    for (int i = 0; i < NECK__LM_MARKS; i++) label(out, i + 1, neck__lm_mark_names[i], marks[i]);
    label(out, PAIRS - 2, PARAMETERS_KEY, sum_of(record, tensors, self->count));
    label(out, PAIRS - 1, OPTIMIZER_KEY, sum);
    return NECK_OK;
}

/* ---- the parameters as tensors ---------------------------------------------------------------------------------- */

static char *joined(const neck_training *self, const char *first, const char *second)
{
    size_t size = strlen(first) + strlen(second) + 1;
    char *text = neck__alloc(&self->allocator, (int64_t)size, 1, "a name");
    if (text) snprintf(text, size, "%s%s", first, second);
    return text;
}

static neck_status name_tensors(const neck_training *self, neck_tensor *tensors)
{
    for (int64_t i = 0; i < self->count; i++) {
        const neck_parameter *p = &self->parameters[i];
        char *name = joined(self, PREFIX, p->name);
        if (!name) return NECK_E_NOMEM;
        tensors[i] = (neck_tensor){.struct_size = sizeof *tensors, .name = name, .dtype = p->dtype, .ndim = 2,
                                   .shape = {p->rows, p->cols}, .data = p->data, .nbytes = neck__lm_bytes(p)};
    }
    return NECK_OK;
}

static void free_tensors(const neck_training *self, neck_tensor *tensors)
{
    for (int64_t i = 0; tensors && i < self->count; i++)
        neck__release(&self->allocator, (void *)(uintptr_t)tensors[i].name);
    neck__release(&self->allocator, tensors);
}

/* ---- writing ---------------------------------------------------------------------------------------------------- */

/* The files' names, and the parameters as tensors with room for the record. */
typedef struct state_files {
    char *optimizer, *training;
    neck_tensor *tensors;
} state_files;

static void release_files(const neck_training *self, state_files *files)
{
    neck__release(&self->allocator, files->training);
    neck__release(&self->allocator, files->optimizer);
    free_tensors(self, files->tensors);
}

static neck_status name_files(const neck_training *self, const char *folder, state_files *out)
{
    out->tensors = neck__calloc(&self->allocator, self->count + 1, sizeof *out->tensors, "a list of tensors");
    if (!out->tensors) return NECK_E_NOMEM;
    out->optimizer = neck__path_join(&self->allocator, folder, OPTIMIZER_FILE);
    if (!out->optimizer) return NECK_E_NOMEM;
    out->training = neck__path_join(&self->allocator, folder, TRAINING_FILE);
    return out->training ? NECK_OK : NECK_E_NOMEM;
}

static neck_status write_training(neck_context *context, neck_training *self, const state_files *files)
{
    labels found;
    neck_tensor *tensors = files->tensors;
    NECK_TRY(make_labels(self, &self->record, tensors, files->optimizer, &found));
    tensors[self->count] = (neck_tensor){.struct_size = sizeof *tensors, .name = RECORD, .dtype = NECK_I64, .ndim = 1,
                                         .shape = {RECORD_NUMBERS}, .nbytes = sizeof self->record,
                                         .data = &self->record};
    return neck_safetensors_write(context, files->training, tensors, self->count + 1, found.keys, found.values, PAIRS);
}

neck_status neck__lm_write_state(neck_context *context, neck_training *self, const char *folder)
{
    state_files files = {0};
    neck_status status = NECK_OK;
    if (folder) {
        status = name_files(self, folder, &files);
        if (status == NECK_OK) status = name_tensors(self, files.tensors);
    }
    status = neck__sharing_save(context, &self->sharing, self->optimizer, files.optimizer, status);
    if (status == NECK_OK && folder) status = write_training(context, self, &files);
    release_files(self, &files);
    return status;
}

/* ---- reading ---------------------------------------------------------------------------------------------------- */

static neck_status find_tensor(const neck_checkpoint *checkpoint, const char *name, int32_t dtype, int64_t bytes,
                               neck_tensor *out)
{
    int64_t index;
    *out = (neck_tensor){.struct_size = sizeof *out};
    if (neck_checkpoint_find(checkpoint, name, &index) != NECK_OK)
        return neck__fail(NECK_E_FORMAT, "no '%s' in it", name);
    NECK_TRY(neck_checkpoint_tensor(checkpoint, index, out));
    if (out->dtype != dtype || out->nbytes != bytes || !out->data)
        return neck__fail(NECK_E_FORMAT, "'%s' is not %" PRId64 " bytes of %s", name, bytes, neck_dtype_name(dtype));
    return NECK_OK;
}

static neck_status find_parameters(const neck_training *self, const neck_checkpoint *checkpoint, neck_tensor *out)
{
    neck_status status = NECK_OK;
    for (int64_t i = 0; status == NECK_OK && i < self->count; i++) {
        char *name = joined(self, PREFIX, self->parameters[i].name);
        if (!name) return NECK_E_NOMEM;
        status = find_tensor(checkpoint, name, self->parameters[i].dtype, neck__lm_bytes(&self->parameters[i]),
                             &out[i]);
        neck__release(&self->allocator, name);
    }
    return status;
}

static neck_status find_record(const neck_checkpoint *checkpoint, neck__lm_record *out)
{
    neck_tensor tensor;
    neck__lm_record record;
    NECK_TRY(find_tensor(checkpoint, RECORD, NECK_I64, sizeof record, &tensor));
    memcpy(&record, tensor.data, sizeof record);
    if (record.steps < 0 || record.tokens < 0 || isnan(record.best_loss) || record.best_step < 0 ||
        record.best_step > record.steps)
        return neck__fail(NECK_E_FORMAT, "its record contradicts itself");
    *out = record;
    return NECK_OK;
}

static neck_status check_kind(const neck_checkpoint *checkpoint)
{
    const char *kind = neck_checkpoint_metadata(checkpoint, KIND_KEY);
    if (kind && strcmp(kind, KIND_VALUE) == 0) return NECK_OK;
    return neck__fail(NECK_E_FORMAT, "not the state of a language model's training");
}

static neck_status check_labels(const neck_checkpoint *checkpoint, const labels *expected)
{
    for (int i = 1; i < PAIRS; i++) {
        const char *found = neck_checkpoint_metadata(checkpoint, expected->keys[i]);
        if (found && strcmp(found, expected->values[i]) == 0) continue;
        if (i <= NECK__LM_MARKS)
            return neck__fail(NECK_E_FORMAT, "the state is of another training: %s differ", expected->keys[i]);
        return neck__fail(NECK_E_FORMAT, "damaged: the %s differs from what was written", expected->keys[i]);
    }
    return NECK_OK;
}

static neck_status check_state(const neck_training *self, const neck_checkpoint *checkpoint, const state_files *files,
                               neck__lm_record *record)
{
    labels expected;
    NECK_TRY(check_kind(checkpoint));
    NECK_TRY(find_record(checkpoint, record));
    NECK_TRY(find_parameters(self, checkpoint, files->tensors));
    NECK_TRY(make_labels(self, record, files->tensors, files->optimizer, &expected));
    return check_labels(checkpoint, &expected);
}

/* The first process's part of reading; the file stays open. */
static neck_status open_state(neck_context *context, const neck_training *self, const char *folder, state_files *files,
                              neck_checkpoint **checkpoint, neck__lm_record *record)
{
    NECK_TRY(name_files(self, folder, files));
    NECK_TRY(neck_checkpoint_open(context, files->training, NULL, checkpoint));
    neck_status status = check_state(self, *checkpoint, files, record);
    return status == NECK_OK || status == NECK_E_NOMEM ? status : neck__fail_in(status, "%s", folder);
}

/* The optimizer last of what can fail: it changes nothing when it does. */
static neck_status take_over(neck_context *context, neck_training *self, const state_files *files,
                             neck__lm_record *record,
                             neck_status status)
{
    NECK_TRY(neck__sharing_load(context, &self->sharing, self->optimizer, files->optimizer, record->steps, status));
    for (int64_t i = 0; i < self->count && files->tensors; i++)
        memcpy(self->parameters[i].data, files->tensors[i].data, (size_t)files->tensors[i].nbytes);
    NECK_TRY(neck__sharing_copy_parameters(&self->sharing));
    NECK_TRY(neck__sharing_copy(&self->sharing, record, RECORD_NUMBERS, sizeof(int64_t)));
    self->record = *record;
    return NECK_OK;
}

neck_status neck__lm_read_state(neck_context *context, neck_training *self, const char *folder)
{
    state_files files = {0};
    neck_checkpoint *checkpoint = NULL;
    neck__lm_record record = {0};
    neck_status status = folder ? open_state(context, self, folder, &files, &checkpoint, &record) : NECK_OK;
    status = take_over(context, self, &files, &record, status);
    neck_checkpoint_destroy(checkpoint);
    for (int64_t i = 0; files.tensors && i < self->count; i++) files.tensors[i].name = NULL; /* the checkpoint's */
    release_files(self, &files);
    return status;
}
