/* train/head_train_file.c - checkpoints of a training: the head and the position in one file, the optimizer in one of
 * two beside it. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/error.h"
#include "format/atomic_file.h"
#include "linalg/view.h"
#include "softneck/checkpoint.h"
#include "train/head_train.h"

#define KIND_KEY "softneck"
#define KIND_VALUE "head training 1" /* the number rises when older libraries could not read the file */
#define PREFIX "head."
#define RECORD "record"
#define SLOT_KEY "optimizer"

enum { MARK_TEXT = 17, SAMPLED_ROWS = 64, RECORD_NUMBERS = sizeof(neck__training_record) / 8 };

/* ---- marks ------------------------------------------------------------------------------------------------------ */

enum mark { MARK_HEAD, MARK_OPTIMIZER, MARK_COURSE, MARK_LOSS, MARK_TRAIN, MARK_VALID };

/* By the names they have in the metadata, and in the message when they differ. */
const char *const neck__training_mark_names[NECK__TRAINING_MARKS] = {
    "heads at the start", "optimizer options", "steps, batch or schedule", "loss options", "training states",
    "validation states"};

/* FNV-1a, eight bytes at a time. */
static uint64_t mixed(uint64_t mark, const void *data, size_t size)
{
    const unsigned char *bytes = data;
    for (size_t i = 0; i < size; i += 8) {
        uint64_t word = 0;
        memcpy(&word, bytes + i, size - i < 8 ? size - i : 8);
        mark = (mark ^ word) * 0x100000001b3u;
        mark ^= mark >> 32;
    }
    return mark;
}

static uint64_t mark_of_head(const neck__training *self)
{
    int64_t sizes[] = {neck_head_kind(self->head), neck_head_vocabulary(self->head), neck_head_hidden_size(self->head)};
    uint64_t mark = mixed(MARK_HEAD, sizes, sizeof sizes);
    for (int64_t i = 0; i < self->parameter_count; i++) {
        const neck_parameter *parameter = &self->parameters[i];
        int64_t shape[] = {parameter->rows, parameter->cols, parameter->dtype};
        mark = mixed(mark, shape, sizeof shape);
        mark = mixed(mark, parameter->data,
                     (size_t)(parameter->rows * parameter->cols * neck_dtype_size(parameter->dtype)));
    }
    return mark;
}

/* All targets, and some of the states: other states with the same targets differ everywhere. */
static uint64_t mark_of_data(uint64_t start, const neck__batches *batches)
{
    const neck_matrix *source = &batches->source;
    int64_t sizes[] = {source->rows, source->cols, source->dtype, batches->count};
    uint64_t mark = mixed(start, sizes, sizeof sizes);
    mark = mixed(mark, batches->source_targets, (size_t)source->rows * sizeof *batches->source_targets);
    int64_t sampled = source->rows < SAMPLED_ROWS ? source->rows : SAMPLED_ROWS;
    size_t bytes = (size_t)(source->cols * neck_dtype_size(source->dtype));
    for (int64_t i = 0; i < sampled; i++) mark = mixed(mark, neck__view_row(source, source->rows / sampled * i), bytes);
    return mark;
}

static uint64_t mark_of_course(const neck__training *self)
{
    const neck_head_training_options *options = &self->options;
    int64_t numbers[] = {options->steps, self->train.options.size, (int64_t)options->seed, options->evaluate_every};
    uint64_t mark = mixed(MARK_COURSE, numbers, sizeof numbers);
    mark = mixed(mark, &options->clip_norm, sizeof options->clip_norm);
    return mixed(mark, &self->schedule, sizeof self->schedule);
}

void neck__training_mark(neck__training *self)
{
    self->marks[MARK_HEAD] = mark_of_head(self);
    self->marks[MARK_OPTIMIZER] = mixed(MARK_OPTIMIZER, &self->rule, sizeof self->rule);
    self->marks[MARK_COURSE] = mark_of_course(self);
    self->marks[MARK_LOSS] = mixed(MARK_LOSS, &self->loss, sizeof self->loss);
    self->marks[MARK_TRAIN] = mark_of_data(MARK_TRAIN, &self->train);
    self->marks[MARK_VALID] = mark_of_data(MARK_VALID, &self->valid);
}

static void print_mark(char text[MARK_TEXT], uint64_t mark)
{
    snprintf(text, MARK_TEXT, "%016" PRIx64, mark);
}

/* ---- names ------------------------------------------------------------------------------------------------------ */

static char *joined(const neck__training *self, const char *first, const char *second)
{
    size_t size = strlen(first) + strlen(second) + 1;
    char *text = neck__alloc(&self->allocator, (int64_t)size, 1, "a name");
    if (text) snprintf(text, size, "%s%s", first, second);
    return text;
}

static const char *const slot_names[] = {"0", "1"};

static char *optimizer_path(const neck__training *self, int slot)
{
    return joined(self, self->options.checkpoint, slot ? ".optimizer-1" : ".optimizer-0");
}

/* ---- saving ----------------------------------------------------------------------------------------------------- */

static neck_status write_head(neck__training *self, neck_tensor *tensors, const char *slot)
{
    char texts[NECK__TRAINING_MARKS][MARK_TEXT];
    const char *keys[NECK__TRAINING_MARKS + 2] = {KIND_KEY, SLOT_KEY};
    const char *values[NECK__TRAINING_MARKS + 2] = {KIND_VALUE, slot};
    for (int i = 0; i < NECK__TRAINING_MARKS; i++) {
        print_mark(texts[i], self->marks[i]);
        keys[i + 2] = neck__training_mark_names[i];
        values[i + 2] = texts[i];
    }
    int64_t count = self->parameter_count;
    tensors[count] = (neck_tensor){.struct_size = sizeof *tensors, .name = RECORD, .dtype = NECK_I64, .ndim = 1,
                                   .shape = {RECORD_NUMBERS}, .nbytes = sizeof self->record, .data = &self->record};
    return neck_safetensors_write(self->context, self->options.checkpoint, tensors, count + 1, keys, values,
                                  NECK__TRAINING_MARKS + 2);
}

static neck_status name_tensors(const neck__training *self, neck_tensor *tensors)
{
    for (int64_t i = 0; i < self->parameter_count; i++) {
        const neck_parameter *p = &self->parameters[i];
        char *name = joined(self, PREFIX, p->name);
        if (!name) return NECK_E_NOMEM;
        tensors[i] = (neck_tensor){.struct_size = sizeof *tensors, .name = name, .dtype = p->dtype, .ndim = 2,
                                   .shape = {p->rows, p->cols}, .data = p->data,
                                   .nbytes = p->rows * p->cols * neck_dtype_size(p->dtype)};
    }
    return NECK_OK;
}

static void free_tensors(const neck__training *self, neck_tensor *tensors)
{
    for (int64_t i = 0; tensors && i < self->parameter_count; i++)
        neck__release(&self->allocator, (void *)(uintptr_t)tensors[i].name);
    neck__release(&self->allocator, tensors);
}

/* What a checkpoint takes; all NULL but on the first process. */
typedef struct checkpoint_files {
    char *fresh, *old; /* optimizer files */
    neck_tensor *tensors;
} checkpoint_files;

static neck_status name_files(const neck__training *self, checkpoint_files *out)
{
    out->tensors = neck__calloc(&self->allocator, self->parameter_count + 1, sizeof *out->tensors, "tensors");
    if (!out->tensors) return NECK_E_NOMEM;
    out->old = optimizer_path(self, self->slot);
    if (!out->old) return NECK_E_NOMEM;
    out->fresh = optimizer_path(self, !self->slot);
    if (!out->fresh) return NECK_E_NOMEM;
    return name_tensors(self, out->tensors);
}

neck_status neck__training_save(neck__training *self)
{
    checkpoint_files files = {0};
    int is_first = neck__is_first(&self->sharing);
    neck_status status = is_first ? name_files(self, &files) : NECK_OK;
    status = neck__sharing_save(self->context, &self->sharing, self->optimizer, files.fresh, status);
    if (status == NECK_OK && is_first) status = write_head(self, files.tensors, slot_names[!self->slot]);
    status = neck__sharing_agree(&self->sharing, status);
    if (status == NECK_OK) {
        if (is_first) unlink(files.old);
        self->slot = !self->slot;
        self->saved = self->record.position;
    }
    neck__release(&self->allocator, files.fresh);
    neck__release(&self->allocator, files.old);
    free_tensors(self, files.tensors);
    return status;
}

/* ---- loading ---------------------------------------------------------------------------------------------------- */

static neck_status check_marks(const neck__training *self, const neck_checkpoint *checkpoint)
{
    const char *kind = neck_checkpoint_metadata(checkpoint, KIND_KEY);
    if (!kind || strcmp(kind, KIND_VALUE) != 0)
        return neck__fail(NECK_E_FORMAT, "not a checkpoint of a head's training");
    for (int i = 0; i < NECK__TRAINING_MARKS; i++) {
        char mark[MARK_TEXT];
        const char *text = neck_checkpoint_metadata(checkpoint, neck__training_mark_names[i]);
        print_mark(mark, self->marks[i]);
        if (!text || strcmp(text, mark) != 0)
            return neck__fail(NECK_E_FORMAT, "the checkpoint is of another training: %s differ",
                              neck__training_mark_names[i]);
    }
    return NECK_OK;
}

static neck_status find_tensor(const neck_checkpoint *checkpoint, const char *name, int32_t dtype, int64_t bytes,
                               neck_tensor *out)
{
    int64_t index;
    *out = (neck_tensor){.struct_size = sizeof *out};
    if (neck_checkpoint_find(checkpoint, name, &index) != NECK_OK)
        return neck__fail(NECK_E_FORMAT, "the checkpoint has no '%s'", name);
    NECK_TRY(neck_checkpoint_tensor(checkpoint, index, out));
    if (out->dtype != dtype || out->nbytes != bytes || !out->data)
        return neck__fail(NECK_E_FORMAT, "'%s' is not %" PRId64 " bytes of %s", name, bytes, neck_dtype_name(dtype));
    return NECK_OK;
}

static neck_status find_parameter(const neck__training *self, const neck_checkpoint *checkpoint, int64_t index,
                                  neck_tensor *out)
{
    const neck_parameter *p = &self->parameters[index];
    char *name = joined(self, PREFIX, p->name);
    if (!name) return NECK_E_NOMEM;
    neck_status status = find_tensor(checkpoint, name, p->dtype, p->rows * p->cols * neck_dtype_size(p->dtype), out);
    neck__release(&self->allocator, name);
    if (status != NECK_OK) return status;
    neck_matrix view = {.data = out->data, .rows = p->rows, .cols = p->cols, .dtype = p->dtype};
    return neck_matrix_check_finite(self->context, &view, NULL, NULL);
}

static neck_status read_record(const neck__training *self, const neck_checkpoint *checkpoint,
                               neck__training_record *out)
{
    neck_tensor tensor;
    neck__training_record record;
    NECK_TRY(find_tensor(checkpoint, RECORD, NECK_I64, sizeof record, &tensor));
    memcpy(&record, tensor.data, sizeof record);
    int placed = record.position >= 1 && record.position <= self->options.steps && record.evaluated >= 0 &&
                 record.evaluated <= record.position && record.best_step >= 0 && record.best_step <= record.evaluated &&
                 record.recent == record.position - record.evaluated && record.late >= 0 &&
                 record.late <= record.position;
    int numbers = isfinite(record.recent_sum) && isfinite(record.late_sum) && isfinite(record.learning_rate) &&
                  isfinite(record.gradient_norm) && isfinite(record.valid_loss) && isfinite(record.valid_accuracy) &&
                  !isnan(record.best_valid_loss);
    if (!placed || !numbers) return neck__fail(NECK_E_FORMAT, "the checkpoint's record contradicts itself");
    *out = record;
    return NECK_OK;
}

/* What a checkpoint holds. */
typedef struct found {
    neck__training_record record;
    neck_tensor *tensors; /* NULL but on the first process, like the path */
    char *optimizer;
    int64_t slot;
} found;

static neck_status check_checkpoint(const neck__training *self, const neck_checkpoint *checkpoint, found *out)
{
    const char *slot = neck_checkpoint_metadata(checkpoint, SLOT_KEY);
    NECK_TRY(check_marks(self, checkpoint));
    NECK_TRY(read_record(self, checkpoint, &out->record));
    for (int64_t i = 0; i < self->parameter_count; i++) NECK_TRY(find_parameter(self, checkpoint, i, &out->tensors[i]));
    out->slot = slot && strcmp(slot, slot_names[1]) == 0;
    if (!slot || (!out->slot && strcmp(slot, slot_names[0]) != 0))
        return neck__fail(NECK_E_FORMAT, "the checkpoint names no optimizer");
    out->optimizer = optimizer_path(self, (int)out->slot);
    return out->optimizer ? NECK_OK : NECK_E_NOMEM;
}

/* Better known now than after the first tenth of the steps. */
static neck_status check_writable(const neck__training *self)
{
    neck__atomic_file *file;
    NECK_TRY(neck__atomic_file_create(&self->allocator, self->options.checkpoint, &file));
    neck__atomic_file_abandon(file);
    return NECK_OK;
}

/* The first process's part of reading: *checkpoint stays open; NULL: there is none, but can be one. */
static neck_status open_checkpoint(const neck__training *self, neck_checkpoint **checkpoint, found *out)
{
    const char *path = self->options.checkpoint;
    if (access(path, F_OK) != 0) return check_writable(self);
    NECK_TRY(neck_checkpoint_open(self->context, path, NULL, checkpoint));
    out->tensors = neck__calloc(&self->allocator, self->parameter_count, sizeof *out->tensors, "a list of tensors");
    neck_status status = out->tensors ? check_checkpoint(self, *checkpoint, out) : NECK_E_NOMEM;
    return status == NECK_OK || status == NECK_E_NOMEM ? status : neck__fail_in(status, "%s", path);
}

/* The optimizer last of what can fail: it changes nothing when it does. */
static neck_status take_over(neck__training *self, found *taken, neck_status status)
{
    const neck__sharing *sharing = &self->sharing;
    NECK_TRY(neck__sharing_load(self->context, sharing, self->optimizer, taken->optimizer, taken->record.position,
                                status));
    for (int64_t i = 0; taken->tensors && i < self->parameter_count; i++)
        memcpy(self->parameters[i].data, taken->tensors[i].data, (size_t)taken->tensors[i].nbytes);
    NECK_TRY(neck__sharing_copy_parameters(sharing));
    NECK_TRY(neck__sharing_copy(sharing, &taken->record, RECORD_NUMBERS, sizeof(int64_t)));
    NECK_TRY(neck__sharing_copy(sharing, &taken->slot, 1, sizeof taken->slot));
    self->record = taken->record;
    self->saved = taken->record.position;
    self->slot = (int)taken->slot;
    return NECK_OK;
}

neck_status neck__training_load(neck__training *self)
{
    found taken = {0};
    neck_checkpoint *checkpoint = NULL;
    neck_status status = neck__is_first(&self->sharing) ? open_checkpoint(self, &checkpoint, &taken) : NECK_OK;
    int64_t needed = status != NECK_OK || checkpoint;
    neck_status copied = neck__sharing_copy(&self->sharing, &needed, 1, sizeof needed);
    if (copied == NECK_OK && needed) copied = take_over(self, &taken, status);
    neck__release(&self->allocator, taken.tensors);
    neck__release(&self->allocator, taken.optimizer);
    neck_checkpoint_destroy(checkpoint);
    return copied;
}
