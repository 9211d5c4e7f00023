/* ngram/counter_add.c - counting in shards: n-grams that come one by one, and text that goes on from another shard's.
 */
#include <inttypes.h>

#include "core/context.h"
#include "core/error.h"
#include "ngram/counter.h"

enum { PIECE = 1 << 18 }; /* n-grams between two reports */

/* Where in a key each token goes. */
typedef struct places {
    uint32_t word[NECK__ORDER_MAX], low[NECK__ORDER_MAX];
    uint32_t over[NECK__ORDER_MAX]; /* its bits that fit; the rest goes to the next word. 0: all do */
} places;

static places places_of(const neck__key_form *form)
{
    places made = {{0}, {0}, {0}};
    for (int32_t t = 0; t < form->order; t++) {
        const uint32_t at = (uint32_t)(form->bits * (form->order - 1 - t));
        made.word[t] = at / 64;
        made.low[t] = at % 64;
        if (at % 64 + (uint32_t)form->bits > 64) made.over[t] = 64 - at % 64;
    }
    return made;
}

/* As many as there is room for. */
static int64_t take(neck_ngram_counter *counter, const int32_t *tokens, int64_t count)
{
    neck__key_buffer *buffer = &counter->buffer;
    const neck__key_form form = buffer->form;
    const places at = places_of(&form);
    int64_t room = buffer->capacity - buffer->count;
    if (count > room) count = room;
    uint64_t *to = buffer->keys + buffer->count * form.words;
    for (int64_t i = 0; i < count; i++, to += form.words, tokens += form.order) {
        uint64_t key[NECK__KEY_WORDS] = {0};
        for (int32_t t = 0; t < form.order; t++) {
            const uint64_t token = (uint64_t)tokens[t];
            key[at.word[t]] |= token << at.low[t];
            if (at.over[t]) key[at.word[t] + 1] |= token >> at.over[t];
        }
        neck__key_copy(&form, to, key);
    }
    buffer->count += count;
    return count;
}

static neck_status add(neck_context *context, neck_ngram_counter *counter, const int32_t *tokens, int64_t count)
{
    const int32_t order = counter->buffer.form.order;
    while (count > 0) {
        NECK_TRY(neck__progress(context, "counting n-grams", "tokens", counter->position.tokens, -1));
        int64_t part = count < PIECE ? count : PIECE, taken = take(counter, tokens, part);
        if (taken < part) NECK_TRY(neck__counter_spill(context, counter));
        tokens += taken * order;
        count -= taken;
    }
    return NECK_OK;
}

neck_status neck_ngram_counter_add(neck_context *context, neck_ngram_counter *counter, const int32_t *tokens,
                                   int64_t count)
{
    NECK_TRY(neck__counter_usable(counter));
    const int32_t order = counter->buffer.form.order;
    if (count < 0 || count > INT64_MAX / 64 || (!tokens && count != 0))
        return neck__fail(NECK_E_ARGUMENT, "tokens is NULL or count is %" PRId64, count);
    NECK_TRY(neck__ngram_check_tokens(tokens, count * order, counter->vocab_size));
    if (count > 0 && counter->position.longest < order)
        counter->position.longest = order; /* a document as long as this there was */
    neck_status status = add(context, counter, tokens, count);
    return status == NECK_OK ? NECK_OK : neck__counter_fail(counter, status);
}

neck_status neck_ngram_counter_note(neck_context *context, neck_ngram_counter *counter, int64_t tokens,
                                    int64_t documents)
{
    (void)context;
    NECK_TRY(neck__counter_usable(counter));
    if (tokens < 0 || documents < 0 || tokens > INT64_MAX / 128 - counter->position.tokens || documents > tokens)
        return neck__fail(NECK_E_ARGUMENT, "%" PRId64 " tokens in %" PRId64 " documents", tokens, documents);
    counter->position.tokens += tokens;
    counter->position.documents += documents;
    return NECK_OK;
}

/* The document is counted where it begins: here it ends, which will add it. */
neck_status neck_ngram_counter_precede(neck_context *context, neck_ngram_counter *counter, const int32_t *tokens,
                                       int64_t count)
{
    (void)context;
    NECK_TRY(neck__counter_usable(counter));
    neck__text_position *position = &counter->position;
    if (count < 0 || (!tokens && count != 0))
        return neck__fail(NECK_E_ARGUMENT, "tokens is NULL or count is %" PRId64, count);
    if (position->tokens > 0 || position->length > 0)
        return neck__fail(NECK_E_ARGUMENT, "tokens have been counted: what is before them comes first");
    NECK_TRY(neck__ngram_check_tokens(tokens, count, counter->vocab_size));
    if (count == 0) return NECK_OK;
    for (int64_t i = 0; i < count; i++) neck__key_push(&counter->buffer.form, position->last, tokens[i]);
    position->length = count;
    position->documents = -1;
    return NECK_OK;
}
