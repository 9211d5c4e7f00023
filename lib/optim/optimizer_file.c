/* optim/optimizer_file.c - an optimizer's state on disk: a safetensors file with the tensors NAME.exp_avg and so on,
 * and metadata that say which rule each parameter had. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "optim/optimizer_object.h"
#include "optim/parameters.h"
#include "softneck/checkpoint.h"

#define FORMAT_KEY "softneck"
#define FORMAT_TEXT "optimizer 1"
#define STEPS_KEY "steps"
#define RULE_KEY "rule of "

enum { NUMBER_ROOM = 24, DESCRIPTION_ROOM = 96 };

/* "adamw F32 3 x 4": what must be the same for a state to fit. */
static void describe(const neck__slot *slot, char text[DESCRIPTION_ROOM])
{
    const neck_parameter *p = &slot->parameter;
    snprintf(text, DESCRIPTION_ROOM, "%s %s %" PRId64 " x %" PRId64, slot->rule->name, neck_dtype_name(p->dtype),
             p->rows, p->cols);
}

/* Two strings in one; release it. */
static char *join(const neck__allocator *allocator, const char *head, const char *dot, const char *tail)
{
    size_t size = strlen(head) + strlen(dot) + strlen(tail) + 1;
    char *text = neck__alloc(allocator, (int64_t)size, 1, "a name");
    if (text) snprintf(text, size, "%s%s%s", head, dot, tail);
    return text;
}

int neck__optimizer_saved(const neck_optimizer *optimizer, int64_t index, const neck__slot **slot, int *array)
{
    for (int64_t i = 0; i < optimizer->count; i++)
        for (int n = 0; n < optimizer->slots[i].rule->arrays; n++) {
            if (!optimizer->slots[i].rule->saved[n] || index-- > 0) continue;
            *slot = &optimizer->slots[i];
            *array = n;
            return 1;
        }
    return 0;
}

/* ---- saving ----------------------------------------------------------------------------------------------------- */

/* What neck_safetensors_write takes, with the texts it points to. */
typedef struct contents {
    neck__allocator allocator;
    neck_tensor *tensors;
    char **keys, **values;
    char (*descriptions)[DESCRIPTION_ROOM];
    int64_t tensor_count, pairs;
} contents;

static void release_contents(contents *c)
{
    for (int64_t i = 0; i < c->tensor_count; i++) neck__release(&c->allocator, (char *)c->tensors[i].name);
    for (int64_t i = 2; i < c->pairs; i++) neck__release(&c->allocator, c->keys[i]);
    neck__release(&c->allocator, c->tensors);
    neck__release(&c->allocator, c->keys);
    neck__release(&c->allocator, c->values);
    neck__release(&c->allocator, c->descriptions);
}

static neck_status allocate_contents(contents *c, int64_t count)
{
    c->tensors = neck__calloc(&c->allocator, count * (NECK__ARRAYS - 2), sizeof *c->tensors, "a list of tensors");
    c->keys = neck__calloc(&c->allocator, count + 2, sizeof *c->keys, "metadata");
    c->values = neck__calloc(&c->allocator, count + 2, sizeof *c->values, "metadata");
    c->descriptions = neck__calloc(&c->allocator, count + 2, sizeof *c->descriptions, "metadata");
    return c->tensors && c->keys && c->values && c->descriptions ? NECK_OK : NECK_E_NOMEM;
}

static neck_status add_slot(contents *c, const neck__slot *slot)
{
    const neck_parameter *p = &slot->parameter;
    char *key = join(&c->allocator, RULE_KEY, "", p->name);
    if (!key) return NECK_E_NOMEM;
    describe(slot, c->descriptions[c->pairs]);
    c->keys[c->pairs] = key;
    c->values[c->pairs] = c->descriptions[c->pairs];
    c->pairs++;
    for (int n = 0; n < slot->rule->arrays; n++) {
        if (!slot->rule->saved[n]) continue;
        char *name = join(&c->allocator, p->name, ".", slot->rule->saved[n]);
        if (!name) return NECK_E_NOMEM;
        c->tensors[c->tensor_count++] = (neck_tensor){
            .struct_size = sizeof(neck_tensor), .name = name, .dtype = p->dtype, .ndim = 2, .shape = {p->rows, p->cols},
            .nbytes = neck__parameter_size(p) * neck_dtype_size(p->dtype),
            .data = slot->arrays[2 + n] ? slot->arrays[2 + n] : p->data}; /* of an empty part anything: it is fetched */
    }
    return NECK_OK;
}

neck_status neck_optimizer_save(neck_context *context, const neck_optimizer *optimizer, const char *path)
{
    return neck__optimizer_save(context, optimizer, path, NULL, NULL);
}

neck_status neck__optimizer_save(neck_context *context, const neck_optimizer *optimizer, const char *path,
                                 neck__safetensors_fetch_fn fetch, void *user)
{
    if (!optimizer || !path) return neck__fail(NECK_E_ARGUMENT, "optimizer or path is NULL");
    contents c = {.allocator = neck__allocator_of(context)};
    char steps[NUMBER_ROOM];
    snprintf(steps, sizeof steps, "%" PRId64, optimizer->steps);
    neck_status status;
    NECK_GOTO_DONE(allocate_contents(&c, optimizer->count));
    c.keys[0] = FORMAT_KEY, c.values[0] = FORMAT_TEXT;
    c.keys[1] = STEPS_KEY, c.values[1] = steps;
    c.pairs = 2;
    for (int64_t i = 0; i < optimizer->count; i++) NECK_GOTO_DONE(add_slot(&c, &optimizer->slots[i]));
    NECK_GOTO_DONE(neck__safetensors_write(context, path, c.tensors, c.tensor_count, (const char *const *)c.keys,
                                           (const char *const *)c.values, c.pairs, fetch, user));
done:
    release_contents(&c);
    return status;
}

/* ---- loading ---------------------------------------------------------------------------------------------------- */

static neck_status read_steps(const neck_checkpoint *file, int64_t *steps)
{
    const char *format = neck_checkpoint_metadata(file, FORMAT_KEY), *text = neck_checkpoint_metadata(file, STEPS_KEY);
    if (!format || strcmp(format, FORMAT_TEXT) != 0)
        return neck__fail(NECK_E_FORMAT,
                          "this is no state of an optimizer (its metadata do not say \"" FORMAT_TEXT "\")");
    size_t digits = text ? strspn(text, "0123456789") : 0;
    if (digits < 1 || digits > 18 || text[digits])
        return neck__fail(NECK_E_FORMAT, "the number of steps is '%.40s'", text ? text : "");
    *steps = strtoll(text, NULL, 10);
    return NECK_OK;
}

/* Every parameter of the file is one of ours. */
static neck_status check_no_more(const neck_checkpoint *file, const neck_optimizer *optimizer)
{
    for (int64_t k = 0; k < neck_checkpoint_metadata_count(file); k++) {
        const char *key = neck_checkpoint_metadata_key(file, k);
        int64_t i = 0;
        if (strncmp(key, RULE_KEY, strlen(RULE_KEY)) != 0) continue;
        while (i < optimizer->count && strcmp(optimizer->slots[i].parameter.name, key + strlen(RULE_KEY)) != 0) i++;
        if (i == optimizer->count)
            return neck__fail(NECK_E_FORMAT, "the file has a parameter '%.200s', the optimizer has none of that name",
                              key + strlen(RULE_KEY));
    }
    return NECK_OK;
}

static neck_status check_rule(const neck_checkpoint *file, const neck__allocator *allocator, const neck__slot *slot)
{
    char ours[DESCRIPTION_ROOM];
    char *key = join(allocator, RULE_KEY, "", slot->parameter.name);
    if (!key) return NECK_E_NOMEM;
    const char *theirs = neck_checkpoint_metadata(file, key);
    neck__release(allocator, key);
    describe(slot, ours);
    if (!theirs) return neck__fail(NECK_E_FORMAT, "the file has no parameter '%.200s'", slot->parameter.name);
    if (strcmp(theirs, ours) != 0)
        return neck__fail(NECK_E_FORMAT, "parameter '%.200s' is '%.100s' in the file, '%s' here", slot->parameter.name,
                          theirs, ours);
    return NECK_OK;
}

static int any_negative(const neck_matrix *view)
{
    int64_t size = view->rows * view->cols;
    for (int64_t i = 0; i < size; i++) {
        double value;
        if (view->dtype == NECK_F32) {
            float narrow;
            memcpy(&narrow, (const char *)view->data + i * (int64_t)sizeof narrow, sizeof narrow);
            value = (double)narrow;
        } else {
            memcpy(&value, (const char *)view->data + i * (int64_t)sizeof value, sizeof value);
        }
        if (value < 0) return 1;
    }
    return 0;
}

/* The n-th array of a slot in the file: there, of our shape, with numbers a step can work with. */
static neck_status find_array(neck_context *context, const neck_checkpoint *file, const neck__allocator *allocator,
                              const neck__slot *slot, int n, neck_tensor *tensor)
{
    const neck_parameter *p = &slot->parameter;
    char *name = join(allocator, p->name, ".", slot->rule->saved[n]);
    if (!name) return NECK_E_NOMEM;
    int64_t index;
    neck_status status = neck_checkpoint_find(file, name, &index);
    neck__release(allocator, name);
    if (status != NECK_OK) return NECK_E_FORMAT;
    *tensor = (neck_tensor){.struct_size = sizeof *tensor};
    NECK_TRY(neck_checkpoint_tensor(file, index, tensor));
    if (!tensor->data || tensor->dtype != p->dtype || tensor->ndim != 2 || tensor->shape[0] != p->rows ||
        tensor->shape[1] != p->cols)
        return neck__fail(NECK_E_FORMAT, "'%.200s' is not %s of %" PRId64 " x %" PRId64, tensor->name,
                          neck_dtype_name(p->dtype), p->rows, p->cols);
    neck_matrix view = {.data = tensor->data, .rows = p->rows, .cols = p->cols, .dtype = p->dtype};
    status = neck_matrix_check_finite(context, &view, NULL, NULL);
    if (status != NECK_OK) return neck__fail_in(status, "'%.200s'", tensor->name);
    if (slot->rule->saved_nonnegative[n] && any_negative(&view))
        return neck__fail(NECK_E_FORMAT, "'%.200s' holds a negative number: it is a mean of squares", tensor->name);
    return NECK_OK;
}

/* Everything that must hold of the file. */
static neck_status check(neck_context *context, const neck_checkpoint *checkpoint, const neck_optimizer *optimizer,
                         neck__optimizer_file *file)
{
    const neck__slot *slot;
    int n;
    NECK_TRY(read_steps(checkpoint, &file->steps));
    NECK_TRY(check_no_more(checkpoint, optimizer));
    for (int64_t i = 0; i < optimizer->count; i++)
        NECK_TRY(check_rule(checkpoint, &file->allocator, &optimizer->slots[i]));
    for (int64_t i = 0; neck__optimizer_saved(optimizer, i, &slot, &n); i++)
        NECK_TRY(find_array(context, checkpoint, &file->allocator, slot, n, &file->arrays[i]));
    return NECK_OK;
}

neck_status neck__optimizer_file_open(neck_context *context, const neck_optimizer *optimizer, const char *path,
                                      neck__optimizer_file *out)
{
    neck__optimizer_file file = {.allocator = optimizer->allocator};
    NECK_TRY(neck_checkpoint_open(context, path, NULL, &file.checkpoint));
    file.arrays = neck__alloc(&file.allocator, optimizer->count * (NECK__ARRAYS - 2), sizeof *file.arrays,
                              "a list of tensors");
    neck_status status = file.arrays ? check(context, file.checkpoint, optimizer, &file) : NECK_E_NOMEM;
    if (status == NECK_OK) {
        *out = file;
        return NECK_OK;
    }
    neck__optimizer_file_close(&file);
    return status == NECK_E_NOMEM ? status : neck__fail_in(status, "%.400s", path);
}

void neck__optimizer_file_close(neck__optimizer_file *file)
{
    neck_checkpoint_destroy(file->checkpoint);
    if (file->arrays) neck__release(&file->allocator, file->arrays);
}

void neck__optimizer_take(neck_optimizer *optimizer, int64_t index, const void *whole)
{
    const neck__slot *slot;
    int n;
    if (!neck__optimizer_saved(optimizer, index, &slot, &n) || slot->size == 0) return;
    int64_t size = neck_dtype_size(slot->parameter.dtype);
    memcpy(slot->arrays[2 + n], (const char *)whole + slot->first * size, (size_t)(slot->size * size));
}

neck_status neck_optimizer_load(neck_context *context, neck_optimizer *optimizer, const char *path)
{
    if (!optimizer || !path) return neck__fail(NECK_E_ARGUMENT, "optimizer or path is NULL");
    neck__optimizer_file file;
    const neck__slot *slot;
    int n;
    NECK_TRY(neck__optimizer_file_open(context, optimizer, path, &file));
    for (int64_t i = 0; neck__optimizer_saved(optimizer, i, &slot, &n); i++) neck__optimizer_take(optimizer, i,
                                                                                                  file.arrays[i].data);
    optimizer->steps = file.steps;
    neck__optimizer_file_close(&file);
    return NECK_OK;
}
