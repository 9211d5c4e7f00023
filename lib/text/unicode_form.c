/* text/unicode_form.c - the only door to utf8proc: Unicode's normal forms. */
#include <inttypes.h>
#include <utf8proc.h>

#include "core/error.h"
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

/* One stretch by utf8proc, decomposed in place behind out's end. */
static neck_status convert(int32_t form, const unsigned char *text, int64_t size, neck__buffer *out)
{
    const int options = forms[form].options;
    utf8proc_ssize_t codes = utf8proc_decompose(text, size, NULL, 0, options);
    if (codes < 0)
        return neck__fail(NECK_E_OVERFLOW, "normalizing %" PRId64 " bytes: %s", size, utf8proc_errmsg(codes));
    const int64_t at = (out->size + 3) & ~INT64_C(3); /* 32-bit numbers */
    NECK_TRY(neck__buffer_reserve(out, at - out->size + (codes + 1) * (int64_t)sizeof(utf8proc_int32_t)));
    utf8proc_int32_t *decomposed = (utf8proc_int32_t *)(void *)(out->data + at);
    codes = utf8proc_decompose(text, size, decomposed, codes, options);
    utf8proc_ssize_t bytes = codes < 0 ? codes : utf8proc_reencode(decomposed, codes, options);
    if (bytes < 0)
        return neck__fail(NECK_E_OVERFLOW, "normalizing %" PRId64 " bytes: %s", size, utf8proc_errmsg(bytes));
    for (utf8proc_ssize_t i = 0; i < bytes; i++) out->data[out->size + i] = out->data[at + i];
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
