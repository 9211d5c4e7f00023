/* evaluate/words.c - counting words the way published word perplexities do. */
#include "softneck/evaluate.h"

#include "core/error.h"
#include "evaluate/text.h"

/* Code points up to U+FFFF in UTF-8, as much as white space needs: the length of the character that starts at text, 1
 * for what is not one of these. */
static int64_t decode(const unsigned char *text, int64_t left, uint32_t *point)
{
    *point = text[0];
    if (text[0] >= 0xc2 && text[0] <= 0xdf && left >= 2 && (text[1] & 0xc0) == 0x80) {
        *point = (uint32_t)(text[0] & 0x1f) << 6 | (text[1] & 0x3f);
        return 2;
    }
    if (text[0] >= 0xe0 && text[0] <= 0xef && left >= 3 && (text[1] & 0xc0) == 0x80 && (text[2] & 0xc0) == 0x80) {
        *point = (uint32_t)(text[0] & 0x0f) << 12 | (uint32_t)(text[1] & 0x3f) << 6 | (text[2] & 0x3f);
        return 3;
    }
    if (text[0] >= 0x80) *point = UINT32_MAX;
    return 1;
}

/* What Python's str.isspace() says. */
static int is_space(uint32_t point)
{
    static const struct {
        uint32_t first, last;
    } ranges[] = {{0x09, 0x0d},     {0x1c, 0x20},     {0x85, 0x85},     {0xa0, 0xa0},     {0x1680, 0x1680},
                  {0x2000, 0x200a}, {0x2028, 0x2029}, {0x202f, 0x202f}, {0x205f, 0x205f}, {0x3000, 0x3000}};
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (point >= ranges[i].first && point <= ranges[i].last) return 1;
    return 0;
}

neck_status neck_text_words(const char *text, int64_t nbytes, int64_t *out)
{
    if (nbytes < 0) return neck__fail(NECK_E_ARGUMENT, "nbytes is %lld", (long long)nbytes);
    if (!out || (!text && nbytes > 0)) return neck__fail(NECK_E_ARGUMENT, "text or out is NULL");
    int64_t words = 1;
    int in_space = 0;
    for (int64_t i = 0; i < nbytes;) {
        uint32_t point;
        i += decode((const unsigned char *)text + i, nbytes - i, &point);
        int space = is_space(point);
        words += space && !in_space;
        in_space = space;
    }
    *out = words;
    return NECK_OK;
}

int64_t neck__trimmed(const char *text, int64_t nbytes)
{
    int64_t kept = 0;
    for (int64_t i = 0; i < nbytes;) {
        uint32_t point;
        i += decode((const unsigned char *)text + i, nbytes - i, &point);
        if (!is_space(point)) kept = i;
    }
    return kept;
}
