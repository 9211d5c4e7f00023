/* study/argmax_file.c - verdicts as a file and back. Nothing in a file is believed that could lead astray: numbers of
 * tokens, counts and shares are checked. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "softneck/checkpoint.h"
#include "study/argmax_object.h"

#define KIND_KEY "softneck"
#define KIND_VALUE "argmax 1" /* the number rises when older libraries could not read the file */
#define HEAD_KEY "head"

/* Tensors of the file: of each token verdict and proof, its twin and where its mean stands, five numbers; then all
 * means. There is no tensor without elements, so without means the last two are missing. */
enum { KINDS, PLACES, NUMBERS, TOKENS, SHARES, TENSORS };
enum { KIND_COLUMNS = 2, PLACE_COLUMNS = 3, NUMBER_COLUMNS = 5 };

static const struct {
    const char *name;
    int32_t dtype;
    int64_t columns;
} layout[TENSORS] = {{"kinds", NECK_I32, KIND_COLUMNS},
                     {"places", NECK_I64, PLACE_COLUMNS},
                     {"numbers", NECK_F64, NUMBER_COLUMNS},
                     {"mean_tokens", NECK_I64, 1},
                     {"mean_shares", NECK_F64, 1}};

/* The per-token tensors, in one piece of memory. */
typedef struct table {
    double *numbers;
    int64_t *places;
    int32_t *kinds;
} table;

static neck_status table_create(const neck__allocator *allocator, int64_t size, table *out)
{
    int64_t each = NUMBER_COLUMNS * 8 + PLACE_COLUMNS * 8 + KIND_COLUMNS * 4;
    out->numbers = neck__alloc(allocator, size, each, "a table of verdicts");
    if (!out->numbers) return NECK_E_NOMEM;
    out->places = (int64_t *)(out->numbers + NUMBER_COLUMNS * size);
    out->kinds = (int32_t *)(out->places + PLACE_COLUMNS * size);
    return NECK_OK;
}

static void *part_of(const table *rows, int which)
{
    return which == KINDS ? (void *)rows->kinds : which == PLACES ? (void *)rows->places : (void *)rows->numbers;
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

static neck_tensor tensor_of(int which, int64_t count, const void *data)
{
    return (neck_tensor){.struct_size = sizeof(neck_tensor), .name = layout[which].name, .dtype = layout[which].dtype,
                         .ndim = 2, .shape = {count, layout[which].columns}, .data = data,
                         .nbytes = count * layout[which].columns * neck_dtype_size(layout[which].dtype)};
}

neck_status neck__argmax_save(neck_context *context, const neck_argmax *argmax, uint64_t fingerprint, const char *path)
{
    char head[32];
    snprintf(head, sizeof head, "%016" PRIx64, fingerprint);
    const char *keys[] = {KIND_KEY, HEAD_KEY}, *texts[] = {KIND_VALUE, head};
    table rows;
    NECK_TRY(table_create(&argmax->allocator, argmax->size, &rows));
    for (int64_t i = 0; i < argmax->size; i++) {
        const neck__argmax_entry *entry = &argmax->entries[i];
        double numbers[NUMBER_COLUMNS] = {entry->margin, entry->state_norm, entry->residual, entry->slack,
                                          entry->probability_bound};
        int64_t places[PLACE_COLUMNS] = {entry->twin, entry->first, entry->count};
        int32_t kinds[KIND_COLUMNS] = {entry->verdict, entry->proof};
        memcpy(rows.numbers + i * NUMBER_COLUMNS, numbers, sizeof numbers);
        memcpy(rows.places + i * PLACE_COLUMNS, places, sizeof places);
        memcpy(rows.kinds + i * KIND_COLUMNS, kinds, sizeof kinds);
    }
    neck_tensor tensors[TENSORS];
    for (int which = KINDS; which <= NUMBERS; which++)
        tensors[which] = tensor_of(which, argmax->size, part_of(&rows, which));
    tensors[TOKENS] = tensor_of(TOKENS, argmax->listed, argmax->tokens);
    tensors[SHARES] = tensor_of(SHARES, argmax->listed, argmax->shares);
    neck_status status =
        neck_safetensors_write(context, path, tensors, argmax->listed > 0 ? TENSORS : TOKENS, keys, texts, 2);
    neck__release(&argmax->allocator, rows.numbers);
    return status;
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

/* The tensor of that name, with count rows (any number for -1; *rows tells). Its bytes need not be aligned. */
static neck_status find(const neck_checkpoint *file, int which, int64_t count, const void **data, int64_t *rows)
{
    neck_tensor tensor = {.struct_size = sizeof tensor};
    int64_t index;
    NECK_TRY(neck_checkpoint_find(file, layout[which].name, &index));
    NECK_TRY(neck_checkpoint_tensor(file, index, &tensor));
    if (tensor.dtype != layout[which].dtype || tensor.ndim != 2 || tensor.shape[1] != layout[which].columns ||
        !tensor.data || (count >= 0 && tensor.shape[0] != count))
        return neck__fail(NECK_E_FORMAT, "the tensor '%s' is not what a file of verdicts has", layout[which].name);
    *data = tensor.data;
    if (rows) *rows = tensor.shape[0];
    return NECK_OK;
}

static neck_status check_head(const neck_checkpoint *file, uint64_t fingerprint)
{
    char head[32];
    snprintf(head, sizeof head, "%016" PRIx64, fingerprint);
    const char *kind = neck_checkpoint_metadata(file, KIND_KEY), *of = neck_checkpoint_metadata(file, HEAD_KEY);
    if (!kind || strcmp(kind, KIND_VALUE) != 0 || !of) return neck__fail(NECK_E_FORMAT, "this is no file of verdicts");
    if (strcmp(of, head) != 0)
        return neck__fail(NECK_E_STATE, "the verdicts are on another head, or with another bias or tolerance");
    return NECK_OK;
}

static int is_number(double x)
{
    return x >= 0;
}

/* Whether an entry could have been written by neck__argmax_save. */
static int plausible(const neck__argmax_entry *entry, int64_t size, int64_t listed)
{
    int has_mean = entry->verdict == NECK_ARGMAX_UNARGMAXABLE;
    return entry->verdict >= 0 && entry->verdict < NECK_ARGMAX_VERDICTS &&
           entry->proof >= 0 && entry->proof < NECK_PROOFS &&
           entry->twin >= -1 && entry->twin < size && entry->first >= 0 && entry->count >= 0 &&
           (entry->count > 0) == has_mean && entry->first <= listed && entry->count <= listed - entry->first &&
           is_number(entry->margin) && is_number(entry->state_norm) && is_number(entry->residual) &&
           is_number(entry->slack) && entry->probability_bound > 0 && entry->probability_bound <= 1;
}

static neck_status read_means(const neck_checkpoint *file, int64_t size, neck_argmax *into)
{
    const void *tokens, *shares;
    int64_t count, index, *list;
    double *parts;
    if (neck_checkpoint_find(file, layout[TOKENS].name, &index) != NECK_OK) return NECK_OK;
    NECK_TRY(find(file, TOKENS, -1, &tokens, &count));
    NECK_TRY(find(file, SHARES, count, &shares, NULL));
    NECK_TRY(neck__argmax_list(into, count, &list, &parts));
    memcpy(list, tokens, (size_t)count * sizeof *list);
    memcpy(parts, shares, (size_t)count * sizeof *parts);
    for (int64_t i = 0; i < count; i++)
        if (list[i] < 0 || list[i] >= size || !(parts[i] >= 0 && parts[i] <= 1))
            return neck__fail(NECK_E_FORMAT, "number %lld of the means is out of range", (long long)i);
    return NECK_OK;
}

static neck_status read_entries(const neck_checkpoint *file, const table *rows, neck_argmax *into)
{
    for (int which = KINDS; which <= NUMBERS; which++) {
        const void *data;
        NECK_TRY(find(file, which, into->size, &data, NULL));
        memcpy(part_of(rows, which), data,
               (size_t)(into->size * layout[which].columns * neck_dtype_size(layout[which].dtype)));
    }
    for (int64_t i = 0; i < into->size; i++) {
        const double *numbers = rows->numbers + i * NUMBER_COLUMNS;
        const int64_t *places = rows->places + i * PLACE_COLUMNS;
        const int32_t *kinds = rows->kinds + i * KIND_COLUMNS;
        into->entries[i] = (neck__argmax_entry){kinds[0],   kinds[1],   places[0],  places[1],  places[2],
                                                numbers[0], numbers[1], numbers[2], numbers[3], numbers[4]};
        if (!plausible(&into->entries[i], into->size, into->listed))
            return neck__fail(NECK_E_FORMAT, "the verdict on token %lld is none that this library gives", (long long)i);
    }
    return NECK_OK;
}

/* Reads into an object of its own, whose contents then change places with those of argmax. */
neck_status neck__argmax_load(neck_context *context, neck_argmax *argmax, uint64_t fingerprint, const char *path)
{
    neck_checkpoint *file = NULL;
    neck_argmax *read = NULL;
    table rows = {0};
    neck_status status = neck_checkpoint_open(context, path, NULL, &file);
    if (status != NECK_OK) return status;
    NECK_GOTO_DONE(check_head(file, fingerprint));
    NECK_GOTO_DONE(neck__argmax_create(&argmax->allocator, argmax->size, argmax->width, 0, &read));
    NECK_GOTO_DONE(table_create(&argmax->allocator, argmax->size, &rows));
    NECK_GOTO_DONE(read_means(file, argmax->size, read));
    NECK_GOTO_DONE(read_entries(file, &rows, read));
    neck_argmax kept = *argmax;
    *argmax = *read;
    *read = kept;
done:
    if (status == NECK_E_FORMAT || status == NECK_E_STATE || status == NECK_E_NOT_FOUND)
        status = neck__fail_in(status == NECK_E_NOT_FOUND ? NECK_E_FORMAT : status, "%s", path);
    neck__release(&argmax->allocator, rows.numbers);
    neck_argmax_destroy(read);
    neck_checkpoint_destroy(file);
    return status;
}
