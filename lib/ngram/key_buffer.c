/* ngram/key_buffer.c - gathering and counting n-grams in memory. */
#include "ngram/key_buffer.h"

#include "core/error.h"
#include "ngram/key_sort.h"

void neck__text_end_document(neck__text_position *position)
{
    if (position->length == 0) return;
    if (position->length > position->longest) position->longest = position->length;
    position->documents++;
    position->length = 0;
}

int64_t neck__key_buffer_bytes(const neck__key_form *form)
{
    return 2 * 8 * form->words; /* sorting needs as much again */
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

neck_status neck__key_buffer_tally(neck_context *context, neck__key_buffer *buffer)
{
    NECK_TRY(neck__key_sort(context, buffer->form.words, buffer->keys, buffer->spare, buffer->count));
    count_equal(buffer);
    return NECK_OK;
}
