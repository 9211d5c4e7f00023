/* text/bpe.c - preparing a model: tables for single symbols, and where text may be cut. */
#include "text/bpe.h"

#include <stdio.h>
#include <string.h>

#include "text/characters.h"

void neck__bpe_clear(neck__bpe *bpe)
{
    neck__vocabulary_clear(&bpe->vocabulary);
    neck__merges_clear(&bpe->merges);
}

int32_t neck__bpe_byte_token(const neck__bpe *bpe, unsigned char byte)
{
    char spelling[8];
    int length = snprintf(spelling, sizeof spelling, "<0x%02X>", byte);
    return neck__vocabulary_find_model(&bpe->vocabulary, spelling, length);
}

/* Non-zero when a space stands behind something else than a space in that spelling. */
static int has_inner_space(const unsigned char *spelling, int64_t length, const unsigned char *space,
                           int64_t space_length)
{
    for (int64_t at = 1; at + space_length <= length; at++)
        if (memcmp(spelling + at, space, (size_t)space_length) == 0 &&
            (at < space_length || memcmp(spelling + at - space_length, space, (size_t)space_length) != 0))
            return 1;
    return 0;
}

/* A merge across "x|space" would make a token with a space inside: when no merge makes one, text may be cut there. The
 * space must be a token itself, for unknown characters before and behind the cut may not fuse. */
static int may_cut(const neck__bpe *bpe, const unsigned char *space, int64_t space_length)
{
    const neck__vocabulary *vocabulary = &bpe->vocabulary;
    if (bpe->whole_words || neck__vocabulary_find_model(vocabulary, space, space_length) < 0) return 0;
    for (int64_t i = 0; i < bpe->merges.slot_count; i++) {
        const neck__merge *merge = &bpe->merges.slots[i];
        if (merge->left < 0) continue;
        const neck__token *token = neck__vocabulary_token(vocabulary, merge->merged);
        if (has_inner_space(neck__vocabulary_spelling(vocabulary, token), token->length, space, space_length)) return 0;
    }
    return 1;
}

void neck__bpe_prepare(neck__bpe *bpe, const char *space)
{
    for (int byte = 0; byte < 256; byte++) {
        unsigned char spelling[NECK__SPELLED_MAX] = {(unsigned char)byte};
        int64_t length = bpe->byte_level ? neck__byte_spell((unsigned char)byte, spelling) : 1;
        bpe->singles[byte] = neck__vocabulary_find_model(&bpe->vocabulary, spelling, length);
        bpe->bytes[byte] = bpe->byte_fallback ? neck__bpe_byte_token(bpe, (unsigned char)byte) : -1;
    }
    const size_t length = space ? strlen(space) : 0;
    bpe->space_length = 0;
    if (length == 0 || length > sizeof bpe->space || !may_cut(bpe, (const unsigned char *)space, (int64_t)length))
        return;
    memcpy(bpe->space, space, length);
    bpe->space_length = (int32_t)length;
}
