/* train/epochs.c - epochs in an order that is made, not remembered; rows gathered from wherever the states lie. */
#include "train/epochs.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/parallel.h"
#include "core/random.h"
#include "linalg/view.h"

enum { CHUNK = 512, ROWS_A_TASK = 64 };

/* Orders draw from streams that nothing else draws from. */
#define FIRST_STREAM ((uint64_t)1 << 40)

/* ---- checks ----------------------------------------------------------------------------------------------------- */

static int is_scored(const neck__batches_options *options, int32_t target)
{
    return target != NECK_NO_TARGET && target != -100 &&
           !(options->use_ignore_index && target == options->ignore_index);
}

static neck_status count_scored(const char *what, const neck__batches *batches, int64_t *count)
{
    *count = 0;
    for (int64_t i = 0; i < batches->source.rows; i++) {
        int32_t target = batches->source_targets[i];
        if (!is_scored(&batches->options, target)) continue;
        if (target < 0 || target >= batches->options.vocabulary)
            return neck__fail(NECK_E_ARGUMENT, "%s: target %" PRId32 " of state %" PRId64 " is not in 0 .. %" PRId64,
                              what, target, i, batches->options.vocabulary - 1);
        ++*count;
    }
    if (*count == 0) return neck__fail(NECK_E_ARGUMENT, "%s: no state has a target that is scored", what);
    return NECK_OK;
}

/* Doubles that f32 cannot hold would become infinite when they are gathered. */
static neck_status check_range(const char *what, const neck__batches *batches)
{
    const neck_matrix *source = &batches->source;
    if (source->dtype != NECK_F64 || batches->options.dtype == NECK_F64) return NECK_OK;
    double line[CHUNK];
    for (int64_t row = 0; row < source->rows; row++)
        for (int64_t col = 0; col < source->cols; col += CHUNK) {
            int64_t count = source->cols - col < CHUNK ? source->cols - col : CHUNK;
            neck__view_read(source, row, col, count, line);
            for (int64_t i = 0; i < count; i++)
                if (!isfinite((float)line[i]))
                    return neck__fail(NECK_E_NONFINITE, "%s: %g at row %" PRId64 ", column %" PRId64 " exceeds f32",
                                      what, line[i], row, col + i);
        }
    return NECK_OK;
}

/* ---- order ------------------------------------------------------------------------------------------------------ */

static void list_scored(neck__batches *batches)
{
    int64_t count = 0;
    for (int64_t i = 0; i < batches->source.rows; i++)
        if (is_scored(&batches->options, batches->source_targets[i])) batches->order[count++] = i;
}

/* From the rows' own order each time, so that an epoch does not depend on those before it. */
static void enter_epoch(neck__batches *batches, int64_t epoch)
{
    if (batches->epoch == epoch) return;
    neck__random random = neck__random_seeded(batches->options.seed, FIRST_STREAM + (uint64_t)epoch);
    list_scored(batches);
    neck__random_shuffle(&random, batches->count, batches->order);
    batches->epoch = epoch;
}

/* ---- gathering -------------------------------------------------------------------------------------------------- */

typedef struct gather {
    neck__batches *batches;
    const int64_t *rows; /* of the source */
    int64_t count;
    int64_t at; /* where they go */
} gather;

static void convert_row(const neck_matrix *source, int64_t row, int32_t dtype, void *out)
{
    double line[CHUNK];
    for (int64_t col = 0; col < source->cols; col += CHUNK) {
        int64_t count = source->cols - col < CHUNK ? source->cols - col : CHUNK;
        neck__view_read(source, row, col, count, line);
        if (dtype == NECK_F64) memcpy((double *)out + col, line, (size_t)count * sizeof *line);
        else
            for (int64_t i = 0; i < count; i++) ((float *)out)[col + i] = (float)line[i];
    }
}

static void gather_rows(void *data, int64_t task)
{
    const gather *work = data;
    neck__batches *batches = work->batches;
    const neck_matrix *source = &batches->source;
    int32_t dtype = batches->options.dtype;
    int64_t bytes = source->cols * neck_dtype_size(dtype);
    int64_t first = task * ROWS_A_TASK, last = first + ROWS_A_TASK < work->count ? first + ROWS_A_TASK : work->count;
    for (int64_t i = first; i < last; i++) {
        char *out = (char *)batches->rows + (work->at + i) * bytes;
        if (source->dtype == dtype) memcpy(out, neck__view_row(source, work->rows[i]), (size_t)bytes);
        else convert_row(source, work->rows[i], dtype, out);
        batches->targets[work->at + i] = batches->source_targets[work->rows[i]];
    }
}

static void take(neck_context *context, neck__batches *batches, int64_t first, int64_t count, int64_t at)
{
    gather work = {batches, batches->order + first, count, at};
    neck__parallel(context, (count + ROWS_A_TASK - 1) / ROWS_A_TASK, gather_rows, &work);
    batches->states.rows = at + count;
}

void neck__batches_draw(neck_context *context, neck__batches *batches, int64_t index, int64_t first, int64_t rows)
{
    for (int64_t taken = 0; taken < rows;) {
        int64_t place = index * batches->options.size + first + taken, at = place % batches->count;
        int64_t left = batches->count - at, count = rows - taken < left ? rows - taken : left;
        enter_epoch(batches, place / batches->count);
        take(context, batches, at, count, taken);
        taken += count;
    }
}

void neck__batches_block(neck_context *context, neck__batches *batches, int64_t first, int64_t end)
{
    int64_t left = end - first;
    take(context, batches, first, left < batches->options.size ? left : batches->options.size, 0);
}

/* ---- life ------------------------------------------------------------------------------------------------------- */

static neck_status allocate(neck__batches *batches)
{
    int64_t numbers, width = batches->source.cols, size = batches->options.size;
    if (!neck__mul(size, width, &numbers))
        return neck__fail(NECK_E_OVERFLOW, "a batch of %" PRId64 " states of %" PRId64 " numbers is too large", size,
                          width);
    const neck__allocator *allocator = &batches->allocator;
    batches->order = neck__alloc(allocator, batches->count, sizeof *batches->order, "the order of the states");
    if (!batches->order) return NECK_E_NOMEM;
    batches->rows = neck__alloc(allocator, numbers, neck_dtype_size(batches->options.dtype), "a batch of states");
    if (!batches->rows) return NECK_E_NOMEM;
    batches->targets = neck__alloc(allocator, size, sizeof *batches->targets, "a batch of targets");
    return batches->targets ? NECK_OK : NECK_E_NOMEM;
}

neck_status neck__batches_init(neck_context *context, const char *what, const neck_labeled_states *data,
                               const neck__batches_options *options, neck__batches *out)
{
    if (!data || !data->targets) return neck__fail(NECK_E_ARGUMENT, "%s: no states or no targets", what);
    neck__batches made = {.allocator = neck__allocator_of(context), .options = *options, .epoch = -1};
    neck_status status = neck__view_check(&data->states, &made.source);
    if (status != NECK_OK) return neck__fail_in(status, "%s", what);
    made.source_targets = data->targets;
    NECK_TRY(count_scored(what, &made, &made.count));
    status = neck_matrix_check_finite(context, &made.source, NULL, NULL);
    if (status != NECK_OK) return neck__fail_in(status, "%s", what);
    NECK_TRY(check_range(what, &made));
    if (made.options.size > made.count) made.options.size = made.count;
    status = allocate(&made);
    if (status != NECK_OK) {
        neck__batches_free(&made);
        return status;
    }
    made.states = (neck_matrix){.data = made.rows, .cols = made.source.cols, .dtype = options->dtype};
    if (!options->shuffled) list_scored(&made);
    *out = made;
    return NECK_OK;
}

void neck__batches_free(neck__batches *batches)
{
    neck__release(&batches->allocator, batches->targets);
    neck__release(&batches->allocator, batches->rows);
    neck__release(&batches->allocator, batches->order);
}
