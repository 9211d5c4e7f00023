/* text/normalizer.c - a chain of edits from buffer to buffer. */
#include "text/normalizer.h"

#include <string.h>

#include "core/error.h"

neck_status neck__normalizer_add(neck__normalizer *normalizer, int32_t kind, int32_t form, const char *from,
                                 const char *to)
{
    if (normalizer->count == NECK__NORMALIZER_STEPS)
        return neck__fail(NECK_E_UNSUPPORTED, "more than %d normalizers", NECK__NORMALIZER_STEPS);
    if (kind == NECK__NORMALIZE_REPLACE && !*from)
        return neck__fail(NECK_E_UNSUPPORTED, "a normalizer replaces the empty text");
    neck__normalizer_step step = {kind, form, neck__strdup(&normalizer->allocator, from), NULL};
    if (step.from) step.to = neck__strdup(&normalizer->allocator, to);
    if (!step.to) {
        neck__release(&normalizer->allocator, step.from);
        return NECK_E_NOMEM;
    }
    normalizer->steps[normalizer->count++] = step;
    return NECK_OK;
}

void neck__normalizer_clear(neck__normalizer *normalizer)
{
    for (int32_t i = 0; i < normalizer->count; i++) {
        neck__release(&normalizer->allocator, normalizer->steps[i].from);
        neck__release(&normalizer->allocator, normalizer->steps[i].to);
    }
    normalizer->count = 0;
}

/* Where from stands next, NULL when nowhere. */
static const unsigned char *find(const unsigned char *text, int64_t size, const char *from, int64_t length)
{
    const unsigned char *end = text + size;
    while (end - text >= length) {
        text = memchr(text, from[0], (size_t)(end - text - length + 1));
        if (!text || memcmp(text, from, (size_t)length) == 0) return text;
        text++;
    }
    return NULL;
}

static neck_status replace(const neck__normalizer_step *step, const unsigned char *text, int64_t size,
                           neck__buffer *out)
{
    const int64_t from_length = (int64_t)strlen(step->from), to_length = (int64_t)strlen(step->to);
    const unsigned char *end = text + size;
    for (const unsigned char *found; (found = find(text, end - text, step->from, from_length));
         text = found + from_length) {
        NECK_TRY(neck__buffer_append(out, text, found - text));
        NECK_TRY(neck__buffer_append(out, step->to, to_length));
    }
    return neck__buffer_append(out, text, end - text);
}

static neck_status prepend(const neck__normalizer_step *step, const unsigned char *text, int64_t size,
                           neck__buffer *out)
{
    NECK_TRY(neck__buffer_append(out, step->to, (int64_t)strlen(step->to)));
    return neck__buffer_append(out, text, size);
}

static int changes(const neck__normalizer_step *step, int32_t continues, const unsigned char *text, int64_t size)
{
    if (size == 0) return 0;
    if (step->kind == NECK__NORMALIZE_PREPEND) return !continues;
    if (step->kind == NECK__NORMALIZE_UNICODE) return neck__unicode_may_change(step->form, text, size);
    return find(text, size, step->from, (int64_t)strlen(step->from)) != NULL;
}

static neck_status apply(const neck__normalizer_step *step, const unsigned char *text, int64_t size, neck__buffer *out)
{
    switch (step->kind) {
    case NECK__NORMALIZE_PREPEND: return prepend(step, text, size, out);
    case NECK__NORMALIZE_REPLACE: return replace(step, text, size, out);
    default: return neck__unicode_form(step->form, text, size, out);
    }
}

neck_status neck__normalize(const neck__normalizer *normalizer, neck__buffer buffers[2], int32_t continues,
                            const unsigned char *text, int64_t size, const unsigned char **out, int64_t *out_size)
{
    int target = 0;
    for (int32_t i = 0; i < normalizer->count; i++) {
        if (!changes(&normalizer->steps[i], continues, text, size)) continue;
        neck__buffer *buffer = &buffers[target];
        buffer->size = 0;
        NECK_TRY(apply(&normalizer->steps[i], text, size, buffer));
        text = buffer->data;
        size = buffer->size;
        target = !target;
    }
    *out = text;
    *out_size = size;
    return NECK_OK;
}
