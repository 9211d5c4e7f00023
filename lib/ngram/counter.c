/* ngram/counter.c - neck_ngram_counter: tokens in, sorted runs out whenever memory is full. */
#include "ngram/counter.h"

#include <inttypes.h>

#include "core/error.h"
#include "core/options.h"

#define DEFAULT_ORDER 5
#define DEFAULT_MEMORY (INT64_C(1) << 30)
#define LEAST_MEMORY (INT64_C(1) << 20)
#define ALWAYS_NEEDED (INT64_C(384) << 10) /* to sort, and to write the file */
#define LEAST_BUFFERS (INT64_C(128) << 10)
#define RUN_BUFFER (64 << 10)
#define TOLD_EVERY (1 << 20) /* tokens, or n-grams, between two reports */

/* ---- what can be wrong ---- */

neck_status neck__ngram_check(int32_t order, int64_t vocab_size)
{
    if (order < NECK__ORDER_MIN || order > NECK__ORDER_MAX)
        return neck__fail(NECK_E_ARGUMENT, "order is %d: it must be %d to %d", order, NECK__ORDER_MIN, NECK__ORDER_MAX);
    if (vocab_size < 1 || vocab_size > INT32_MAX)
        return neck__fail(NECK_E_ARGUMENT, "vocab_size is %" PRId64 ": it must be 1 to 2^31 - 1", vocab_size);
    return NECK_OK;
}

neck_status neck__ngram_check_tokens(const int32_t *tokens, int64_t count, int64_t vocab_size)
{
    for (int64_t i = 0; i < count; i++)
        if (tokens[i] < 0 || tokens[i] >= vocab_size)
            return neck__fail(NECK_E_ARGUMENT, "token %" PRId64 " is %d: the vocabulary has %" PRId64, i, tokens[i],
                              vocab_size);
    return NECK_OK;
}

neck_status neck__ngram_check_any(int32_t order, const neck__text_position *position)
{
    if (position->longest >= order) return NECK_OK;
    return neck__fail(NECK_E_ARGUMENT, "no n-gram of order %d: the longest document has %" PRId64 " tokens", order,
                      position->longest);
}

neck_ngrams_info neck__ngram_info(int32_t order, int64_t vocab_size, const neck__text_position *position)
{
    return (neck_ngrams_info){.struct_size = sizeof(neck_ngrams_info),
                              .order = order,
                              .vocab_size = vocab_size,
                              .tokens = position->tokens,
                              .documents = position->documents};
}

static neck_status check_options(neck_ngram_counter_options *options, int64_t vocab_size)
{
    if (options->order == 0) options->order = DEFAULT_ORDER;
    if (options->memory_bytes == 0) options->memory_bytes = DEFAULT_MEMORY;
    NECK_TRY(neck__ngram_check(options->order, vocab_size));
    if (options->reserved || options->reserved2)
        return neck__fail(NECK_E_ARGUMENT, "neck_ngram_counter_options.reserved and reserved2 must be 0");
    if (options->memory_bytes < LEAST_MEMORY)
        return neck__fail(NECK_E_ARGUMENT, "memory_bytes is %" PRId64 ": it must be at least 1 MiB",
                          options->memory_bytes);
    if (options->resume && !options->folder)
        return neck__fail(NECK_E_ARGUMENT, "resume needs a folder: a private one is gone after an interruption");
    return NECK_OK;
}

/* ---- making and ending ---- */

/* What of the allowed memory is left for buffers; a bit for each token is needed to survey the n-grams. */
static neck_status share_memory(neck_ngram_counter *counter, const neck__key_form *form, int64_t allowed)
{
    const int64_t always = ALWAYS_NEEDED + (int64_t)(form->token_mask / 8);
    if (allowed - always < LEAST_BUFFERS)
        return neck__fail(NECK_E_ARGUMENT, "memory_bytes is %" PRId64 ": a vocabulary of %" PRId64 " needs %" PRId64,
                          allowed, counter->vocab_size, always + LEAST_BUFFERS);
    counter->memory = allowed - always;
    return neck__key_buffer_init(&counter->buffer, &counter->allocator, form,
                                 (counter->memory - RUN_BUFFER) / neck__key_buffer_bytes(form));
}

static neck_status begin(neck_ngram_counter *counter, const neck_ngram_counter_options *options)
{
    const neck__key_form form = neck__key_form_of(options->order, counter->vocab_size);
    NECK_TRY(neck__spill_init(&counter->spill, &counter->allocator, options->folder, options->resume));
    NECK_TRY(share_memory(counter, &form, options->memory_bytes));
    return neck__spill_begin(&counter->spill, &form, counter->vocab_size, &counter->position);
}

static void release(neck_ngram_counter *counter)
{
    const neck__allocator allocator = counter->allocator;
    neck__key_buffer_clear(&counter->buffer);
    neck__spill_clear(&counter->spill);
    neck__release(&allocator, counter);
}

neck_status neck_ngram_counter_create(neck_context *context, int64_t vocab_size,
                                      const neck_ngram_counter_options *options, neck_ngram_counter **out)
{
    if (!out) return neck__fail(NECK_E_ARGUMENT, "out is NULL");
    NECK_OPTIONS(neck_ngram_counter_options, given, options);
    NECK_TRY(check_options(&given, vocab_size));
    const neck__allocator allocator = neck__allocator_of(context);
    neck_ngram_counter *counter = neck__calloc(&allocator, 1, sizeof *counter, "a counter of n-grams");
    if (!counter) return NECK_E_NOMEM;
    counter->allocator = counter->buffer.allocator = counter->spill.allocator = allocator;
    counter->vocab_size = vocab_size;
    neck_status status = begin(counter, &given);
    if (status == NECK_OK)
        *out = counter;
    else
        release(counter); /* what lies in the folder is not ours yet */
    return status;
}

void neck_ngram_counter_destroy(neck_ngram_counter *counter)
{
    if (!counter) return;
    if (!counter->spill.resume && counter->state == NECK__COUNTER_OPEN) neck__spill_remove(&counter->spill);
    release(counter);
}

/* ---- counting ---- */

static neck_status write_run(neck_context *context, const neck__key_buffer *buffer, neck__run_writer *writer)
{
    const neck__key_form *form = &buffer->form;
    for (int64_t i = 0; i < buffer->count; i++) {
        if (i % TOLD_EVERY == 0) NECK_TRY(neck__progress(context, "spilling n-grams", "n-grams", i, buffer->count));
        NECK_TRY(neck__run_append(writer, buffer->keys + i * form->words, (int64_t)buffer->spare[i]));
    }
    return NECK_OK;
}

neck_status neck__counter_spill(neck_context *context, neck_ngram_counter *counter)
{
    neck__key_buffer *buffer = &counter->buffer;
    neck__spill *spill = &counter->spill;
    neck__run_writer writer;
    NECK_TRY(neck__key_buffer_tally(context, buffer));
    NECK_TRY(neck__spill_create(spill, &buffer->form, RUN_BUFFER, &writer));
    neck_status status = write_run(context, buffer, &writer);
    if (status == NECK_OK) status = neck__spill_add(spill, &writer);
    if (status != NECK_OK) {
        neck__run_abandon(&writer);
        return status;
    }
    buffer->count = 0;
    return neck__spill_save(spill, &buffer->form, counter->vocab_size, &counter->position);
}

neck_status neck__counter_usable(const neck_ngram_counter *counter)
{
    if (!counter) return neck__fail(NECK_E_ARGUMENT, "counter is NULL");
    if (counter->state == NECK__COUNTER_OPEN) return NECK_OK;
    return neck__fail(NECK_E_STATE, counter->state == NECK__COUNTER_FAILED ? "counting has failed before" :
                                                                             "counting has finished");
}

neck_status neck__counter_fail(neck_ngram_counter *counter, neck_status status)
{
    counter->state = NECK__COUNTER_FAILED;
    if (!counter->spill.resume) neck__spill_remove(&counter->spill);
    return status;
}

static neck_status count_tokens(neck_context *context, neck_ngram_counter *counter, const int32_t *tokens,
                                int64_t count)
{
    while (count > 0) {
        NECK_TRY(neck__progress(context, "counting n-grams", "tokens", counter->position.tokens, -1));
        const int64_t part = count < TOLD_EVERY ? count : TOLD_EVERY;
        const int64_t taken = neck__key_buffer_gather(&counter->buffer, &counter->position, tokens, part);
        if (taken < part) NECK_TRY(neck__counter_spill(context, counter));
        tokens += taken;
        count -= taken;
    }
    return NECK_OK;
}

neck_status neck_ngram_counter_push(neck_context *context, neck_ngram_counter *counter, const int32_t *tokens,
                                    int64_t count)
{
    NECK_TRY(neck__counter_usable(counter));
    if (count < 0 || (!tokens && count != 0))
        return neck__fail(NECK_E_ARGUMENT, "tokens is NULL or count is %" PRId64, count);
    NECK_TRY(neck__ngram_check_tokens(tokens, count, counter->vocab_size));
    neck_status status = count_tokens(context, counter, tokens, count);
    return status == NECK_OK ? NECK_OK : neck__counter_fail(counter, status);
}

neck_status neck_ngram_counter_end_document(neck_context *context, neck_ngram_counter *counter)
{
    (void)context;
    NECK_TRY(neck__counter_usable(counter));
    neck__text_end_document(&counter->position);
    return NECK_OK;
}

int64_t neck_ngram_counter_tokens(const neck_ngram_counter *counter)
{
    return counter ? counter->position.tokens : 0;
}
