/* text/batches.c - neck_batches: which windows of a token file make the batch of a step. */
#include "softneck/batches.h"

#include <inttypes.h>
#include <string.h>

#include "core/context.h"
#include "core/error.h"
#include "core/options.h"
#include "core/random.h"

struct neck_batches {
    neck__allocator allocator;
    const neck_token_file *file;
    int64_t batch, context_length;
    int32_t order;
    uint64_t seed;
    int64_t begin, count; /* of the part, in tokens */
};

static neck_status check_options(const neck_batches_options *options)
{
    if (options->batch < 1) return neck__fail(NECK_E_ARGUMENT, "batch is %" PRId64, options->batch);
    if (options->context_length < 1)
        return neck__fail(NECK_E_ARGUMENT, "context_length is %" PRId64, options->context_length);
    if (options->order < NECK_BATCHES_RANDOM || options->order > NECK_BATCHES_SEQUENTIAL)
        return neck__fail(NECK_E_ARGUMENT, "order is %d: it must be a NECK_BATCHES_*", options->order);
    if (options->part < NECK_PART_ALL || options->part > NECK_PART_VALIDATION)
        return neck__fail(NECK_E_ARGUMENT, "part is %d: it must be a NECK_PART_*", options->part);
    if (!(options->validation_share >= 0 && options->validation_share < 1))
        return neck__fail(NECK_E_ARGUMENT, "validation_share is %g: it must be in [0, 1)", options->validation_share);
    return NECK_OK;
}

static void choose_part(neck_batches *batches, int32_t part, double validation_share)
{
    const int64_t all = neck_token_file_count(batches->file);
    const int64_t validation = (int64_t)(validation_share * (double)all);
    batches->begin = part == NECK_PART_VALIDATION ? all - validation : 0;
    batches->count = part == NECK_PART_ALL ? all : part == NECK_PART_VALIDATION ? validation : all - validation;
}

neck_status neck_batches_create(neck_context *context, const neck_token_file *file,
                                const neck_batches_options *options, neck_batches **out)
{
    static const char *const parts[] = {"file", "training part", "validation part"};
    NECK_OPTIONS(neck_batches_options, given, options);
    if (!file || !out) return neck__fail(NECK_E_ARGUMENT, "file or out is NULL");
    NECK_TRY(check_options(&given));
    neck_batches made = {.allocator = neck__allocator_of(context), .file = file, .batch = given.batch,
                         .context_length = given.context_length, .order = given.order, .seed = given.seed};
    choose_part(&made, given.part, given.validation_share);
    if (made.count <= given.context_length)
        return neck__fail(NECK_E_ARGUMENT, "a context of %" PRId64 " is too long: the %s has %" PRId64
                          " tokens, and a window needs one more than the context", given.context_length,
                          parts[given.part], made.count);
    neck_batches *batches = neck__alloc(&made.allocator, 1, sizeof *batches, "batches");
    if (!batches) return NECK_E_NOMEM;
    *batches = made;
    *out = batches;
    return NECK_OK;
}

void neck_batches_destroy(neck_batches *batches)
{
    if (!batches) return;
    const neck__allocator allocator = batches->allocator;
    neck__release(&allocator, batches);
}

int64_t neck_batches_tokens(const neck_batches *batches)
{
    return batches ? batches->count : 0;
}

int64_t neck_batches_windows(const neck_batches *batches)
{
    if (!batches) return 0;
    if (batches->order == NECK_BATCHES_RANDOM) return batches->count - batches->context_length;
    return (batches->count - 1) / batches->context_length;
}

/* Where a row's window begins, within the part; number: of the row, counted through all steps. */
static int64_t window_of(const neck_batches *batches, int64_t number, neck__random *random)
{
    const int64_t windows = neck_batches_windows(batches);
    if (batches->order == NECK_BATCHES_SEQUENTIAL) return number % windows * batches->context_length;
    return neck__random_below(random, windows);
}

neck_status neck_batches_fill(const neck_batches *batches, int64_t step, int32_t *tokens, int32_t *targets)
{
    if (!batches || !tokens || !targets) return neck__fail(NECK_E_ARGUMENT, "batches, tokens or targets is NULL");
    if (step < 0) return neck__fail(NECK_E_ARGUMENT, "step is %" PRId64, step);
    const int64_t length = batches->context_length;
    int64_t first;
    if (!neck__mul(step, batches->batch, &first) || !neck__add(first, batches->batch, &first))
        return neck__fail(NECK_E_ARGUMENT, "step %" PRId64 " is beyond 2^63 rows", step);
    first -= batches->batch;
    neck__random random = neck__random_seeded(batches->seed, (uint64_t)step);
    for (int64_t row = 0; row < batches->batch; row++) {
        const int64_t begin = batches->begin + window_of(batches, first + row, &random);
        int32_t *inputs = tokens + row * length, *outputs = targets + row * length;
        NECK_TRY(neck_token_file_read(batches->file, begin, length, inputs));
        NECK_TRY(neck_token_file_read(batches->file, begin + length, 1, outputs + length - 1));
        memcpy(outputs, inputs + 1, (size_t)(length - 1) * sizeof *outputs);
    }
    return NECK_OK;
}
