/* ngram/ngrams_count.c - neck_ngrams_count: tokens in memory, counted in memory. */
#include <inttypes.h>

#include "core/context.h"
#include "core/error.h"
#include "ngram/counter.h"
#include "ngram/key_sort.h"
#include "ngram/ngrams.h"
#include "ngram/token_sort.h"

static int64_t end_of(const neck__ngram_text *given, int64_t document)
{
    return given->ends ? given->ends[document] : given->count;
}

static neck_status check_text(const neck__ngram_text *given)
{
    int64_t before = 0;
    if ((!given->tokens && given->count != 0) || given->count < 0)
        return neck__fail(NECK_E_ARGUMENT, "tokens is NULL or count is %" PRId64, given->count);
    if (!given->ends) return NECK_OK;
    if (given->documents < 0) return neck__fail(NECK_E_ARGUMENT, "documents is %" PRId64, given->documents);
    for (int64_t i = 0; i < given->documents; i++) {
        if (given->ends[i] < before || given->ends[i] > given->count)
            return neck__fail(NECK_E_ARGUMENT, "document %" PRId64 " ends at token %" PRId64 " of %" PRId64, i,
                              given->ends[i], given->count);
        before = given->ends[i];
    }
    if (before == given->count) return NECK_OK;
    return neck__fail(NECK_E_ARGUMENT, "the last tokens belong to no document");
}

/* n-grams with repetition. */
static int64_t count_occurrences(const neck__ngram_text *given, int32_t order)
{
    int64_t sum = 0, begin = 0;
    for (int64_t i = 0; i < given->documents; i++) {
        const int64_t length = end_of(given, i) - begin;
        sum += length >= order ? length - order + 1 : 0;
        begin += length;
    }
    return sum;
}

/* What a counter would know at the end. */
static neck__text_position end_position(const neck__ngram_text *given)
{
    neck__text_position position = {.tokens = given->count};
    for (int64_t i = 0, begin = 0; i < given->documents; begin = end_of(given, i++)) {
        position.length = end_of(given, i) - begin;
        neck__text_end_document(&position);
    }
    return position;
}

/* As keys, in the order of the text. */
static void gather(neck__key_buffer *buffer, const neck__ngram_text *given)
{
    neck__text_position position = {0};
    for (int64_t i = 0; i < given->documents; i++) {
        const int64_t begin = position.tokens;
        (void)neck__key_buffer_gather(buffer, &position, given->tokens + begin, end_of(given, i) - begin);
        neck__text_end_document(&position);
    }
}

static neck_status sort_keys(neck_context *context, neck__key_buffer *buffer, const neck__ngram_text *given,
                             neck__sorted *out)
{
    gather(buffer, given);
    *out = (neck__sorted){.form = buffer->form, .keys = buffer->keys, .count = buffer->count};
    return neck__key_sort(context, buffer->form.words, buffer->keys, buffer->spare, buffer->count);
}

/* The buffer is where the sorted n-grams lie. */
static neck_status sort_text(neck_context *context, const neck__key_form *form, const neck__ngram_text *given,
                             int64_t count, neck__key_buffer *buffer, neck__sorted *out)
{
    const neck__allocator allocator = neck__allocator_of(context);
    const int by_tokens = neck__token_sort_takes(form, count);
    const neck__key_form rest = neck__key_form_rest(form);
    NECK_TRY(neck__key_buffer_init(buffer, &allocator, by_tokens ? &rest : form, count));
    if (!by_tokens) return sort_keys(context, buffer, given, out);
    return neck__token_sort_text(context, form, given, count, buffer->keys, buffer->spare, out);
}

neck_status neck_ngrams_count(neck_context *context, const int32_t *tokens, int64_t count, const int64_t *document_ends,
                              int64_t documents, int64_t vocab_size, int32_t order, neck_ngrams **out)
{
    const neck__ngram_text given = {tokens, count, document_ends, document_ends ? documents : 1};
    if (!out) return neck__fail(NECK_E_ARGUMENT, "out is NULL");
    NECK_TRY(neck__ngram_check(order, vocab_size));
    NECK_TRY(check_text(&given));
    NECK_TRY(neck__ngram_check_tokens(tokens, count, vocab_size));
    const neck__allocator allocator = neck__allocator_of(context);
    const neck__text_position position = end_position(&given);
    NECK_TRY(neck__ngram_check_any(order, &position));
    const neck__key_form form = neck__key_form_of(order, vocab_size);
    neck__ngrams_header header = {.info = neck__ngram_info(order, vocab_size, &position)};
    neck__key_buffer buffer = {.allocator = allocator};
    neck__sorted sorted = {.ends = NULL};
    neck_status status = sort_text(context, &form, &given, count_occurrences(&given, order), &buffer, &sorted);
    if (status == NECK_OK) status = neck__ngrams_of_sorted(context, &sorted, &header, out);
    neck__release(&allocator, sorted.ends);
    neck__key_buffer_clear(&buffer);
    return status;
}
