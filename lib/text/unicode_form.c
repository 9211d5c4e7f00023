/* text/unicode_form.c - the only door to utf8proc: Unicode's normal forms. */
#include <inttypes.h>
#include <string.h>
#include <utf8proc.h>

#include "core/error.h"
#include "text/characters.h"
#include "text/normalizer.h"

static const struct {
    int options;
    unsigned char first_lead; /* characters whose first byte is below this never change: for NFC, those below U+0300 */
} forms[] = {
    [NECK__NFC] = {UTF8PROC_STABLE | UTF8PROC_COMPOSE, 0xCC},
    [NECK__NFD] = {UTF8PROC_STABLE | UTF8PROC_DECOMPOSE, 0x80},
    [NECK__NFKC] = {UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT, 0x80},
    [NECK__NFKD] = {UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT, 0x80},
};

int neck__unicode_may_change(int32_t form, const unsigned char *text, int64_t size)
{
    for (int64_t i = 0; i < size; i++)
        if (text[i] >= forms[form].first_lead) return 1;
    return 0;
}

enum { DECOMPOSED_MAX = 18 }; /* characters one decomposes into: U+FDFA */

static int combining_class(utf8proc_int32_t code)
{
    return utf8proc_get_property(code)->combining_class;
}

/* Sorts a run of marks by combining class, equal ones in order. utf8proc's own sorting takes quadratic time. */
static void sort_marks(utf8proc_int32_t *marks, int64_t count, utf8proc_int32_t *scratch)
{
    int64_t begin[257] = {0};
    for (int64_t i = 0; i < count; i++) begin[combining_class(marks[i]) + 1]++;
    for (int k = 0; k < 256; k++) begin[k + 1] += begin[k];
    for (int64_t i = 0; i < count; i++) scratch[begin[combining_class(marks[i])]++] = marks[i];
    memcpy(marks, scratch, (size_t)count * sizeof *marks);
}

static void order(utf8proc_int32_t *codes, int64_t count, utf8proc_int32_t *scratch)
{
    for (int64_t at = 0; at < count;) {
        int64_t end = at;
        int sorted = 1;
        for (; end < count && combining_class(codes[end]) > 0; end++)
            if (end > at && combining_class(codes[end]) < combining_class(codes[end - 1])) sorted = 0;
        if (!sorted) sort_marks(codes + at, end - at, scratch);
        at = end + 1;
    }
}

/* Decomposes into codes, which has room for all of them; returns how many there are. */
static int64_t decompose(const unsigned char *text, int64_t size, int options, utf8proc_int32_t *codes)
{
    int64_t count = 0;
    for (int64_t at = 0; at < size;) {
        int32_t code;
        at += neck__character(text + at, size - at, &code);
        count += utf8proc_decompose_char(code, codes + count, DECOMPOSED_MAX, options, NULL);
    }
    return count;
}

/* How many characters a well-formed stretch decomposes into at most. */
static int64_t decomposed_length(const unsigned char *text, int64_t size, int options)
{
    int64_t count = DECOMPOSED_MAX; /* each character is offered that much room */
    for (int64_t at = 0; at < size;) {
        int32_t code;
        utf8proc_int32_t out[DECOMPOSED_MAX];
        at += neck__character(text + at, size - at, &code);
        count += utf8proc_decompose_char(code, out, DECOMPOSED_MAX, options, NULL);
    }
    return count;
}

/* One stretch, worked on behind out's end. */
static neck_status convert(int32_t form, const unsigned char *text, int64_t size, neck__buffer *out)
{
    const int options = forms[form].options;
    const int64_t room = decomposed_length(text, size, options);
    const int64_t at = (out->size + 3) & ~INT64_C(3); /* 32-bit numbers */
    NECK_TRY(neck__buffer_reserve(out, at - out->size + 2 * room * (int64_t)sizeof(utf8proc_int32_t)));
    utf8proc_int32_t *codes = (utf8proc_int32_t *)(void *)(out->data + at);
    const int64_t count = decompose(text, size, options, codes);
    order(codes, count, codes + room);
    const utf8proc_ssize_t bytes = utf8proc_reencode(codes, count, options);
    if (bytes < 0)
        return neck__fail(NECK_E_OVERFLOW, "normalizing %" PRId64 " bytes: %s", size, utf8proc_errmsg(bytes));
    memmove(out->data + out->size, out->data + at, (size_t)bytes);
    out->size += bytes;
    return NECK_OK;
}

/* ASCII begins anew: nothing composes with what stands before it. So the text is taken in stretches from an ASCII
 * character that other characters follow to the next one. */
neck_status neck__unicode_form(int32_t form, const unsigned char *text, int64_t size, neck__buffer *out)
{
    for (int64_t at = 0; at < size;) {
        int64_t begin = at, end;
        while (begin < size && text[begin] < 0x80) begin++;
        for (end = begin; end < size && text[end] >= 0x80;) end++;
        if (begin > at && end > begin) begin--;
        NECK_TRY(neck__buffer_append(out, text + at, begin - at));
        if (neck__unicode_may_change(form, text + begin, end - begin))
            NECK_TRY(convert(form, text + begin, end - begin, out));
        else
            NECK_TRY(neck__buffer_append(out, text + begin, end - begin));
        at = end;
    }
    return NECK_OK;
}
