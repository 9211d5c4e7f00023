/* text/characters.c - the characters of UTF-8 text, and GPT-2's alphabet for bytes. */
#include "text/characters.h"

#include <stddef.h>
#include <string.h>

#include "format/utf8.h"

/* Non-zero when eight bytes are ASCII. */
static int eight_ascii(const unsigned char *text)
{
    uint64_t word;
    memcpy(&word, text, sizeof word);
    return (word & UINT64_C(0x8080808080808080)) == 0;
}

int64_t neck__valid_length(const unsigned char *text, int64_t size)
{
    int64_t at = 0;
    while (at < size) {
        if (size - at >= 8 && eight_ascii(text + at)) {
            at += 8;
            continue;
        }
        size_t length = text[at] < 0x80 ? 1 : neck__utf8_length((const char *)text + at, (size_t)(size - at));
        if (length == 0) break;
        at += (int64_t)length;
    }
    return at;
}

int64_t neck__character(const unsigned char *text, int64_t size, int32_t *code)
{
    static const unsigned char lead_bits[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    size_t length = text[0] < 0x80 ? 1 : neck__utf8_length((const char *)text, (size_t)size);
    if (length == 0) {
        *code = -1;
        return 1;
    }
    int32_t value = text[0] & lead_bits[length];
    for (size_t i = 1; i < length; i++) value = value << 6 | (text[i] & 0x3F);
    *code = value;
    return (int64_t)length;
}

static int is_space(int32_t code)
{
    static const struct {
        int32_t low, high;
    } ranges[] = {{0x09, 0x0D},     {0x20, 0x20},     {0x85, 0x85},     {0xA0, 0xA0},     {0x1680, 0x1680},
                  {0x2000, 0x200A}, {0x2028, 0x2029}, {0x202F, 0x202F}, {0x205F, 0x205F}, {0x3000, 0x3000}};
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (code >= ranges[i].low && code <= ranges[i].high) return 1;
    return 0;
}

int64_t neck__space_before(const unsigned char *text, int64_t size)
{
    int64_t at = 0;
    while (at < size) {
        int32_t code;
        int64_t length = neck__character(text + at, size - at, &code);
        if (!is_space(code)) break;
        at += length;
    }
    return at;
}

int64_t neck__space_behind(const unsigned char *text, int64_t size)
{
    int64_t end = size;
    while (end > 0) {
        int64_t at = end - 1;
        while (at > 0 && (text[at] & 0xC0) == 0x80) at--;
        int32_t code;
        neck__character(text + at, end - at, &code);
        if (!is_space(code)) break;
        end = at;
    }
    return size - end;
}

/* Bytes that are visible characters of Latin-1 stand for themselves; the others, in order, for U+0100 and on. */
static int is_visible(int32_t byte)
{
    return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || (byte >= 0xAE && byte <= 0xFF);
}

/* What the others are, in order: 00..20, 7F..A0, AD. */
enum { LOW_END = 0x21, HIGH_BEGIN = 0x7F, HIGH_END = 0xA1, LONELY = 0xAD, FIRST_STAND_IN = 0x100 };
enum { HIGH_INDEX = LOW_END, LONELY_INDEX = HIGH_INDEX + HIGH_END - HIGH_BEGIN };

int64_t neck__byte_spell(unsigned char byte, unsigned char out[NECK__SPELLED_MAX])
{
    int32_t code = byte;
    if (byte < LOW_END) code = FIRST_STAND_IN + byte;
    if (byte >= HIGH_BEGIN && byte < HIGH_END) code = FIRST_STAND_IN + byte - HIGH_BEGIN + HIGH_INDEX;
    if (byte == LONELY) code = FIRST_STAND_IN + LONELY_INDEX;
    if (code < 0x80) {
        out[0] = (unsigned char)code;
        return 1;
    }
    out[0] = (unsigned char)(0xC0 | code >> 6);
    out[1] = (unsigned char)(0x80 | (code & 0x3F));
    return 2;
}

int32_t neck__byte_unspell(int32_t code)
{
    if (code < 0) return -1;
    if (code < FIRST_STAND_IN) return is_visible(code) ? code : -1;
    int32_t index = code - FIRST_STAND_IN;
    if (index < HIGH_INDEX) return index;
    if (index < LONELY_INDEX) return index - HIGH_INDEX + HIGH_BEGIN;
    return index == LONELY_INDEX ? LONELY : -1;
}
