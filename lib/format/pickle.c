/* format/pickle.c - reading a pickle: decoding instructions and their arguments until STOP. */
#include "format/pickle.h"

#include <inttypes.h>
#include <string.h>

#include "core/error.h"
#include "format/pickle_machine.h"

/* Far above any checkpoint's description of its tensors; bounds what a file can make us allocate. */
#define PICKLE_MAX (16 << 20)

static neck_status take(neck__machine *m, int64_t count, const char **bytes)
{
    if (count < 0 || count > m->size - m->at)
        return neck__fail(NECK_E_FORMAT, "truncated: an instruction needs more than the last %" PRId64 " bytes",
                          m->size - m->at);
    *bytes = (const char *)m->data + m->at;
    m->at += count;
    return NECK_OK;
}

/* A little-endian number; 8 bytes above INT64_MAX come out negative and are refused by whoever uses them. */
static neck_status take_number(neck__machine *m, int64_t bytes, int64_t *number)
{
    const char *p = NULL;
    NECK_TRY(take(m, bytes, &p));
    uint64_t value = 0;
    for (int64_t k = 0; k < bytes; k++) value |= (uint64_t)(unsigned char)p[k] << (8 * k);
    *number = (int64_t)value;
    return NECK_OK;
}

static neck_status take_line(neck__machine *m, const char **line, int64_t *length)
{
    const char *begin = (const char *)m->data + m->at;
    const char *end = memchr(begin, '\n', (size_t)(m->size - m->at));
    if (!end) return neck__fail(NECK_E_FORMAT, "truncated: a line has no end");
    *line = begin;
    *length = end - begin;
    m->at += *length + 1;
    return NECK_OK;
}

static neck_status take_argument(neck__machine *m, int kind, neck__argument *a)
{
    switch (kind) {
    case NECK__UNSIGNED_1: return take_number(m, 1, &a->number);
    case NECK__UNSIGNED_2: return take_number(m, 2, &a->number);
    case NECK__UNSIGNED_4: return take_number(m, 4, &a->number);
    case NECK__UNSIGNED_8: return take_number(m, 8, &a->number);
    case NECK__SIGNED_4:
        NECK_TRY(take_number(m, 4, &a->number));
        a->number = (int32_t)(uint32_t)a->number;
        return NECK_OK;
    case NECK__BYTES_1:
    case NECK__BYTES_4:
    case NECK__BYTES_8:
        NECK_TRY(take_number(m, kind == NECK__BYTES_1 ? 1 : kind == NECK__BYTES_4 ? 4 : 8, &a->length));
        return take(m, a->length, &a->bytes);
    case NECK__TWO_LINES:
        NECK_TRY(take_line(m, &a->bytes, &a->length));
        return take_line(m, &a->more, &a->more_length);
    default: return NECK_OK;
    }
}

static neck_status step(neck__machine *m)
{
    const char *code = NULL;
    NECK_TRY(take(m, 1, &code));
    const neck__instruction *found = &neck__instructions[(unsigned char)*code];
    if (!found->name)
        return neck__fail(NECK_E_UNSUPPORTED, "refused: instruction 0x%02x does not describe data",
                          (unsigned)(unsigned char)*code);
    if (!found->run)
        return neck__fail(NECK_E_UNSUPPORTED, "refused: instruction %s does not describe data", found->name);
    neck__argument a = {0};
    NECK_TRY(take_argument(m, found->argument, &a));
    return found->run(m, &a);
}

static neck_status run_all(neck__machine *m)
{
    while (!m->stopped) {
        int64_t begin = m->at;
        neck_status status = step(m);
        if (status == NECK_E_NOMEM) return status;
        if (status != NECK_OK) return neck__fail_in(status, "pickle, byte %" PRId64, begin);
    }
    return NECK_OK;
}

neck_status neck__pickle_read(const neck__allocator *allocator, const unsigned char *data, int64_t size,
                              const neck__pickle_client *client, neck__pickle *out)
{
    if (size > PICKLE_MAX)
        return neck__fail(NECK_E_UNSUPPORTED, "a pickle of %" PRId64 " bytes: at most %d are read", size, PICKLE_MAX);
    neck__pickle pickle = {.allocator = *allocator};
    neck__machine m = {.pickle = &pickle, .client = client, .data = data, .size = size};
    neck_status status = NECK_E_NOMEM;
    m.stack = neck__alloc(allocator, size, sizeof *m.stack, "a pickle's stack");
    m.marks = neck__alloc(allocator, size, sizeof *m.marks, "a pickle's marks");
    m.memo = neck__alloc(allocator, size, sizeof *m.memo, "a pickle's memo");
    if (m.stack && m.marks && m.memo) {
        memset(m.memo, 0xff, (size_t)size * sizeof *m.memo); /* all -1 */
        status = run_all(&m);
    }
    neck__release(allocator, m.stack);
    neck__release(allocator, m.marks);
    neck__release(allocator, m.memo);
    if (status == NECK_OK)
        *out = pickle;
    else
        neck__pickle_clear(&pickle);
    return status;
}
