/* monitor/monitor_state.c - what was observed as a file and back; forgetting the end of it. Both ways to change the
 * past observe it anew in a second monitor, so that series and events cannot contradict each other. */
#include <inttypes.h>
#include <string.h>

#include "core/error.h"
#include "monitor/monitor_object.h"
#include "softneck/checkpoint.h"

#define KIND_KEY "softneck"
#define KIND_VALUE "monitor 1" /* the number rises when older libraries could not read the file */

/* Tensors of the file: of each number in the order of arrival its series, whether it begins an observation, its step,
 * value and error; of each series its name; of the head its shape. A file has no tensor without elements, so an empty
 * monitor has the shape alone. */
enum { SHAPE, NAMES, SERIES, FIRST, STEPS, VALUES, ERRORS, TENSORS };

static const struct {
    const char *name;
    int32_t dtype, ndim;
} layout[TENSORS] = {{"shape", NECK_I64, 1}, {"names", NECK_U8, 2},  {"series", NECK_I32, 1}, {"first", NECK_U8, 1},
                     {"steps", NECK_I64, 1}, {"values", NECK_F64, 1}, {"errors", NECK_F64, 1}};

/* ---- saving ------------------------------------------------------------------------------------------------------ */

static neck_tensor tensor_of(int which, int64_t count, int64_t width, const void *data)
{
    neck_tensor tensor = {.struct_size = sizeof tensor, .name = layout[which].name, .dtype = layout[which].dtype,
                          .ndim = layout[which].ndim, .shape = {count, width}, .data = data};
    tensor.nbytes = count * width * neck_dtype_size(tensor.dtype);
    if (tensor.ndim == 1) tensor.shape[1] = 0;
    return tensor;
}

static void gather(const neck_monitor *monitor, char *names, int64_t *steps, double *values, double *errors,
                   int32_t *numbers, uint8_t *first)
{
    for (int64_t i = 0; i < monitor->series_count; i++)
        memcpy(names + i * NECK__SERIES_NAME, monitor->series[i]->name, NECK__SERIES_NAME);
    for (int64_t i = 0; i < monitor->record_count; i++) {
        neck__record record = monitor->records[i];
        const neck__monitor_series *series = monitor->series[record.series];
        steps[i] = series->steps[record.index];
        values[i] = series->values[record.index];
        errors[i] = series->errors[record.index];
        numbers[i] = record.series;
        first[i] = (uint8_t)record.first;
    }
}

neck_status neck_monitor_save(neck_context *context, const neck_monitor *monitor, const char *path)
{
    if (!monitor || !path) return neck__fail(NECK_E_ARGUMENT, "monitor or path is NULL");
    static const char *const keys[] = {KIND_KEY}, *const values_of_keys[] = {KIND_VALUE};
    int64_t n = monitor->record_count, each = 8 + 8 + 8 + 4 + 1, shape[2] = {monitor->vocabulary, monitor->hidden_size};
    int64_t named = monitor->series_count * NECK__SERIES_NAME;
    neck__allocator allocator = neck__allocator_of(context);
    int64_t *steps = neck__alloc(&allocator, n * each + named, 1, "a monitor's state");
    if (!steps) return NECK_E_NOMEM;
    double *values = (double *)(steps + n), *errors = values + n;
    int32_t *numbers = (int32_t *)(errors + n);
    uint8_t *first = (uint8_t *)(numbers + n);
    char *names = (char *)first + n;
    gather(monitor, names, steps, values, errors, numbers, first);
    neck_tensor tensors[TENSORS] = {
        [SHAPE] = tensor_of(SHAPE, 2, 1, shape),
        [NAMES] = tensor_of(NAMES, monitor->series_count, NECK__SERIES_NAME, names),
        [SERIES] = tensor_of(SERIES, n, 1, numbers),
        [FIRST] = tensor_of(FIRST, n, 1, first),
        [STEPS] = tensor_of(STEPS, n, 1, steps),
        [VALUES] = tensor_of(VALUES, n, 1, values),
        [ERRORS] = tensor_of(ERRORS, n, 1, errors)};
    neck_status status =
        neck_safetensors_write(context, path, tensors, n > 0 ? TENSORS : SHAPE + 1, keys, values_of_keys, 1);
    neck__release(&allocator, steps);
    return status;
}

/* ---- observing anew ---------------------------------------------------------------------------------------------- */

/* The past as any source tells it. */
typedef struct past {
    int64_t count;
    const void *source;
    int (*first)(const void *source, int64_t i); /* number i begins an observation */
    neck_status (*tell)(const void *source, int64_t i, int64_t *step, neck__reading *out);
} past;

/* Numbers [0, count) into monitor, observation by observation, but none of a step after `last`. */
static neck_status observe_past(neck_monitor *monitor, const past *told, int64_t last, neck__reading *readings)
{
    int64_t pending = 0, pending_step = 0;
    for (int64_t i = 0; i < told->count; i++) {
        int64_t step;
        if (told->first(told->source, i) && pending > 0) {
            if (pending_step <= last) NECK_TRY(neck__monitor_observe(monitor, pending_step, readings, pending));
            pending = 0;
        }
        NECK_TRY(told->tell(told->source, i, &step, &readings[pending]));
        if (pending > 0 && step != pending_step)
            return neck__fail(NECK_E_ARGUMENT, "number %lld is of step %lld in an observation of step %lld",
                              (long long)i, (long long)step, (long long)pending_step);
        pending++;
        pending_step = step;
    }
    if (pending == 0 || pending_step > last) return NECK_OK;
    return neck__monitor_observe(monitor, pending_step, readings, pending);
}

static int64_t longest_observation(const past *told)
{
    int64_t longest = 0, length = 0;
    for (int64_t i = 0; i < told->count; i++) {
        length = told->first(told->source, i) ? 1 : length + 1;
        if (length > longest) longest = length;
    }
    return longest;
}

/* Puts that past in place of the monitor's. */
static neck_status replace_past(neck_monitor *monitor, const past *told, int64_t last, const int64_t shape[2])
{
    neck_monitor *sibling = NULL;
    if (monitor->log) return neck__fail(NECK_E_STATE, "a log is open: what is in it cannot be changed");
    neck__reading *readings = neck__alloc(&monitor->allocator, longest_observation(told), sizeof *readings, "readings");
    neck_status status = readings ? neck__monitor_sibling(monitor, &sibling) : NECK_E_NOMEM;
    if (status == NECK_OK) status = observe_past(sibling, told, last, readings);
    if (status == NECK_OK) {
        sibling->vocabulary = shape[0];
        sibling->hidden_size = shape[1];
        neck__monitor_exchange(monitor, sibling);
    }
    neck_monitor_destroy(sibling);
    neck__release(&monitor->allocator, readings);
    return status;
}

static int own_first(const void *source, int64_t i)
{
    return ((const neck_monitor *)source)->records[i].first;
}

static neck_status tell_own(const void *source, int64_t i, int64_t *step, neck__reading *out)
{
    const neck_monitor *monitor = source;
    neck__record record = monitor->records[i];
    const neck__monitor_series *series = monitor->series[record.series];
    *step = series->steps[record.index];
    return neck__reading_make(series->name, series->values[record.index], series->errors[record.index], out);
}

neck_status neck_monitor_rewind(neck_monitor *monitor, int64_t step)
{
    if (!monitor) return neck__fail(NECK_E_ARGUMENT, "monitor is NULL");
    const past own = {.count = monitor->record_count, .source = monitor, .first = own_first, .tell = tell_own};
    return replace_past(monitor, &own, step, (const int64_t[]){monitor->vocabulary, monitor->hidden_size});
}

/* ---- loading ----------------------------------------------------------------------------------------------------- */

/* The tensors of an open file; data may lie at any address. */
typedef struct state_file {
    const unsigned char *data[TENSORS];
    int64_t counts[TENSORS];
} state_file;

static int file_first(const void *source, int64_t i)
{
    return ((const state_file *)source)->data[FIRST][i] != 0;
}

static neck_status tell_file(const void *source, int64_t i, int64_t *step, neck__reading *out)
{
    const state_file *file = source;
    char name[NECK__SERIES_NAME];
    int32_t series;
    double value, error;
    memcpy(step, file->data[STEPS] + i * (int64_t)sizeof *step, sizeof *step);
    memcpy(&value, file->data[VALUES] + i * (int64_t)sizeof value, sizeof value);
    memcpy(&error, file->data[ERRORS] + i * (int64_t)sizeof error, sizeof error);
    memcpy(&series, file->data[SERIES] + i * (int64_t)sizeof series, sizeof series);
    if (series < 0 || series >= file->counts[NAMES])
        return neck__fail(NECK_E_FORMAT, "number %" PRId64 " is of series %d: there are %" PRId64, i, series,
                          file->counts[NAMES]);
    memcpy(name, file->data[NAMES] + series * NECK__SERIES_NAME, sizeof name);
    if (!memchr(name, '\0', sizeof name))
        return neck__fail(NECK_E_FORMAT, "the name of series %d does not end", series);
    return neck__reading_make(name, value, error, out);
}

static neck_status find_tensor(const neck_checkpoint *checkpoint, int which, state_file *file)
{
    int64_t index;
    neck_tensor tensor = {.struct_size = sizeof tensor};
    if (neck_checkpoint_find(checkpoint, layout[which].name, &index) != NECK_OK)
        return neck__fail(NECK_E_FORMAT, "no tensor '%s'", layout[which].name);
    NECK_TRY(neck_checkpoint_tensor(checkpoint, index, &tensor));
    if (tensor.dtype != layout[which].dtype || tensor.ndim != layout[which].ndim || !tensor.data ||
        (tensor.ndim == 2 && tensor.shape[1] != NECK__SERIES_NAME))
        return neck__fail(NECK_E_FORMAT, "tensor '%s' has another type or shape", layout[which].name);
    file->data[which] = tensor.data;
    file->counts[which] = tensor.shape[0];
    return NECK_OK;
}

static neck_status read_file(const neck_checkpoint *checkpoint, state_file *file, int64_t shape[2])
{
    const char *kind = neck_checkpoint_metadata(checkpoint, KIND_KEY);
    if (!kind || strncmp(kind, "monitor ", 8) != 0) return neck__fail(NECK_E_FORMAT, "not the state of a monitor");
    if (strcmp(kind, KIND_VALUE) != 0)
        return neck__fail(NECK_E_UNSUPPORTED, "state of version '%.40s': this library reads '%s'", kind, KIND_VALUE);
    int count = neck_checkpoint_tensor_count(checkpoint) == 1 ? SHAPE + 1 : TENSORS;
    for (int which = 0; which < count; which++) NECK_TRY(find_tensor(checkpoint, which, file));
    for (int which = FIRST; which < TENSORS; which++)
        if (file->counts[which] != file->counts[SERIES])
            return neck__fail(NECK_E_FORMAT, "tensor '%s' has another length than 'series'", layout[which].name);
    if (file->counts[SHAPE] != 2) return neck__fail(NECK_E_FORMAT, "tensor 'shape' does not have 2 numbers");
    memcpy(shape, file->data[SHAPE], 2 * sizeof *shape);
    if (shape[0] < 0 || shape[1] < 0) return neck__fail(NECK_E_FORMAT, "the head's shape is negative");
    return NECK_OK;
}

/* The head that was observed must be the one the options told of. */
static neck_status check_shape(const neck_monitor *monitor, const int64_t shape[2])
{
    if ((monitor->vocabulary && shape[0] && monitor->vocabulary != shape[0]) ||
        (monitor->hidden_size && shape[1] && monitor->hidden_size != shape[1]))
        return neck__fail(NECK_E_ARGUMENT, "of a head of %lld x %lld, the monitor's is %lld x %lld",
                          (long long)shape[0], (long long)shape[1], (long long)monitor->vocabulary,
                          (long long)monitor->hidden_size);
    return NECK_OK;
}

neck_status neck_monitor_load(neck_context *context, neck_monitor *monitor, const char *path)
{
    neck_checkpoint *checkpoint;
    int64_t shape[2];
    state_file file = {0};
    if (!monitor || !path) return neck__fail(NECK_E_ARGUMENT, "monitor or path is NULL");
    NECK_TRY(neck_checkpoint_open(context, path, NULL, &checkpoint));
    neck_status status = read_file(checkpoint, &file, shape);
    if (status == NECK_OK) status = check_shape(monitor, shape);
    if (status == NECK_OK) {
        for (int i = 0; i < 2; i++)
            if (!shape[i]) shape[i] = i ? monitor->hidden_size : monitor->vocabulary;
        const past told = {.count = file.counts[SERIES], .source = &file, .first = file_first, .tell = tell_file};
        status = replace_past(monitor, &told, INT64_MAX, shape);
        /* What no monitor would have observed, no monitor has written. */
        if (status == NECK_E_ARGUMENT || status == NECK_E_NONFINITE) status = NECK_E_FORMAT;
    }
    if (status != NECK_OK) neck__fail_in(status, "'%s'", path);
    neck_checkpoint_destroy(checkpoint);
    return status;
}
