/* format/utf8.c - strict UTF-8, by the table of well-formed sequences of the Unicode standard (table 3-7). */
#include "format/utf8.h"

typedef struct sequence {
    unsigned char first_low, first_high;   /* range of the lead byte */
    unsigned char second_low, second_high; /* range of the byte after it; later ones are 80..BF */
    unsigned char length;
} sequence;

static const sequence sequences[] = {
    {0x00, 0x7F, 0x00, 0x00, 1}, {0xC2, 0xDF, 0x80, 0xBF, 2}, {0xE0, 0xE0, 0xA0, 0xBF, 3},
    {0xE1, 0xEC, 0x80, 0xBF, 3}, {0xED, 0xED, 0x80, 0x9F, 3}, {0xEE, 0xEF, 0x80, 0xBF, 3},
    {0xF0, 0xF0, 0x90, 0xBF, 4}, {0xF1, 0xF3, 0x80, 0xBF, 4}, {0xF4, 0xF4, 0x80, 0x8F, 4},
};

size_t neck__utf8_length(const char *bytes, size_t size)
{
    const unsigned char *text = (const unsigned char *)bytes;
    if (size == 0) return 0;
    for (size_t i = 0; i < sizeof sequences / sizeof *sequences; i++) {
        const sequence *s = &sequences[i];
        if (text[0] < s->first_low || text[0] > s->first_high) continue;
        if (s->length > size) return 0;
        if (s->length > 1 && (text[1] < s->second_low || text[1] > s->second_high)) return 0;
        for (size_t k = 2; k < s->length; k++)
            if (text[k] < 0x80 || text[k] > 0xBF) return 0;
        return s->length;
    }
    return 0;
}

int neck__utf8_valid(const char *text, size_t size)
{
    for (size_t at = 0; at < size;) {
        size_t length = neck__utf8_length(text + at, size - at);
        if (length == 0) return 0;
        at += length;
    }
    return 1;
}
