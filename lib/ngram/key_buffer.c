/* ngram/key_buffer.c - gathering and counting n-grams in memory. */
#include "ngram/key_buffer.h"

#include "core/error.h"
#include "ngram/key_sort.h"
#include "ngram/token_sort.h"

void neck__text_end_document(neck__text_position *position)
{
    if (position->length == 0) return;
    if (position->length > position->longest) position->longest = position->length;
    position->documents++;
    position->length = 0;
}

int64_t neck__key_buffer_bytes(const neck__key_form *form)
{
    return 2 * 8 * form->words + neck__token_sort_bytes(form); /* sorting needs as much again */
}

neck_status neck__key_buffer_init(neck__key_buffer *buffer, const neck__allocator *allocator,
                                  const neck__key_form *form, int64_t capacity)
{
    *buffer = (neck__key_buffer){.allocator = *allocator, .form = *form, .capacity = capacity};
    buffer->keys = neck__alloc(allocator, capacity, 8 * form->words, "n-grams");
    if (!buffer->keys) return NECK_E_NOMEM;
    buffer->spare = neck__alloc(allocator, capacity, 8 * form->words, "n-grams being sorted");
    return buffer->spare ? NECK_OK : NECK_E_NOMEM;
}

void neck__key_buffer_clear(neck__key_buffer *buffer)
{
    neck__release(&buffer->allocator, buffer->keys);
    neck__release(&buffer->allocator, buffer->spare);
    buffer->keys = buffer->spare = NULL;
    buffer->count = buffer->capacity = 0;
}

int64_t neck__key_buffer_gather(neck__key_buffer *buffer, neck__text_position *position, const int32_t *tokens,
                                int64_t count)
{
    const neck__key_form *form = &buffer->form;
    int64_t i = 0;
    for (; i < count; i++) {
        const int whole = position->length + 1 >= form->order;
        if (whole && buffer->count == buffer->capacity) break;
        neck__key_push(form, position->last, tokens[i]);
        position->length++;
        if (whole) neck__key_copy(form, buffer->keys + buffer->count++ * form->words, position->last);
    }
    position->tokens += i;
    return i;
}

/* Sorted keys: each once, with its count in the spare memory, which has a word for each at least. */
static void count_equal(neck__key_buffer *buffer)
{
    const neck__key_form *form = &buffer->form;
    int64_t distinct = 0;
    for (int64_t i = 0; i < buffer->count; i++) {
        const uint64_t *key = buffer->keys + i * form->words;
        if (distinct > 0 && neck__key_equal(form, key, buffer->keys + (distinct - 1) * form->words)) {
            buffer->spare[distinct - 1]++;
            continue;
        }
        neck__key_copy(form, buffer->keys + distinct * form->words, key);
        buffer->spare[distinct++] = 1;
    }
    buffer->count = distinct;
}

/* The same of keys without their first token, which lie in the spare memory or where the others did: none is
 * overwritten before it is read. */
static void count_grouped(neck__key_buffer *buffer, const neck__sorted *sorted)
{
    const neck__key_form form = buffer->form;
    int64_t distinct = 0;
    for (int64_t group = 0, at = 0; at < sorted->count; group++) {
        for (int64_t next, end = neck__sorted_end(sorted, group); at < end; at = next) {
            const uint64_t rest = sorted->keys[at];
            for (next = at + 1; next < end && sorted->keys[next] == rest;) next++;
            neck__key_join(&form, buffer->keys + distinct * form.words, group, rest);
            buffer->spare[distinct++] = (uint64_t)(next - at);
        }
    }
    buffer->count = distinct;
}

static neck_status tally_by_tokens(neck_context *context, neck__key_buffer *buffer)
{
    const neck__allocator allocator = neck__allocator_of(context);
    uint64_t *other = buffer->form.words > 1 ? buffer->spare + buffer->count : buffer->keys;
    neck__sorted sorted;
    NECK_TRY(neck__token_sort_keys(context, &buffer->form, buffer->keys, buffer->count, buffer->spare, other, &sorted));
    count_grouped(buffer, &sorted);
    neck__release(&allocator, sorted.ends);
    return NECK_OK;
}

neck_status neck__key_buffer_tally(neck_context *context, neck__key_buffer *buffer)
{
    if (neck__token_sort_takes(&buffer->form, buffer->count)) return tally_by_tokens(context, buffer);
    NECK_TRY(neck__key_sort(context, buffer->form.words, buffer->keys, buffer->spare, buffer->count));
    count_equal(buffer);
    return NECK_OK;
}
