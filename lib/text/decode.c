/* text/decode.c - neck_tokenizer_decode: the bytes that tokens stand for. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/options.h"
#include "text/characters.h"
#include "text/tokenizer_object.h"

typedef struct output {
    char *text;
    int64_t capacity, size;
    int drop_space; /* if the first byte to come is a space, leave it out */
} output;

static void put(output *out, const void *data, int64_t size)
{
    const char *bytes = data;
    if (size == 0) return;
    if (out->drop_space && *bytes == ' ') {
        bytes++;
        size--;
    }
    out->drop_space = 0;
    int64_t room = out->capacity > out->size ? out->capacity - out->size : 0;
    int64_t kept = size < room ? size : room;
    if (kept > 0) memcpy(out->text + out->size, bytes, (size_t)kept);
    out->size += size;
}

/* Non-zero when every character is one of GPT-2's alphabet for bytes. */
static int spells_bytes(const unsigned char *spelling, int64_t length)
{
    int32_t code;
    for (int64_t at = 0; at < length;) {
        at += neck__character(spelling + at, length - at, &code);
        if (neck__byte_unspell(code) < 0) return 0;
    }
    return 1;
}

static void put_unspelled(output *out, const unsigned char *spelling, int64_t length)
{
    int32_t code;
    for (int64_t at = 0; at < length;) {
        at += neck__character(spelling + at, length - at, &code);
        const unsigned char byte = (unsigned char)neck__byte_unspell(code);
        put(out, &byte, 1);
    }
}

static void put_with_spaces(output *out, const unsigned char *spelling, int64_t length, const char *marker)
{
    const int64_t marker_length = (int64_t)strlen(marker);
    for (int64_t at = 0; at < length;) {
        int is_space = marker_length > 0 && length - at >= marker_length &&
                       memcmp(spelling + at, marker, (size_t)marker_length) == 0;
        put(out, is_space ? " " : (const char *)spelling + at, 1);
        at += is_space ? marker_length : 1;
    }
}

static void put_token(const neck_tokenizer *tokenizer, int32_t id, const neck__token *token, output *out)
{
    const neck__bpe *bpe = &tokenizer->bpe;
    const unsigned char *spelling = neck__vocabulary_spelling(&bpe->vocabulary, token);
    if (!(token->flags & NECK__TOKEN_MODEL) || (token->flags & NECK__TOKEN_SPECIAL)) {
        put(out, spelling, token->length);
        return;
    }
    if (bpe->byte_level && spells_bytes(spelling, token->length)) {
        put_unspelled(out, spelling, token->length);
        return;
    }
    char hex[3] = "";
    if (bpe->byte_fallback && token->length == 6) memcpy(hex, spelling + 3, 2);
    const unsigned char byte = (unsigned char)strtoul(hex, NULL, 16);
    if (bpe->byte_fallback && bpe->bytes[byte] == id)
        put(out, &byte, 1);
    else
        put_with_spaces(out, spelling, token->length, tokenizer->marker);
}

neck_status neck_tokenizer_decode(const neck_tokenizer *tokenizer, const int32_t *ids, int64_t count,
                                  const neck_decode_options *options, char *text, int64_t capacity, int64_t *size)
{
    NECK_OPTIONS(neck_decode_options, given, options);
    if (!tokenizer || !size || (!ids && count != 0) || (!text && capacity != 0))
        return neck__fail(NECK_E_ARGUMENT, "tokenizer, ids, text or size is NULL");
    if (count < 0 || capacity < 0)
        return neck__fail(NECK_E_ARGUMENT, "count is %" PRId64 ", capacity %" PRId64, count, capacity);
    for (int64_t i = 0; i < count; i++)
        if (!neck__vocabulary_token(&tokenizer->bpe.vocabulary, ids[i]))
            return neck__fail(NECK_E_ARGUMENT, "ids[%" PRId64 "] is %d, which is no token", i, ids[i]);
    output out = {text, capacity, 0, tokenizer->drops_leading_space && !given.keep_leading_space};
    for (int64_t i = 0; i < count; i++) {
        const neck__token *token = neck__vocabulary_token(&tokenizer->bpe.vocabulary, ids[i]);
        if (given.skip_special_tokens && (token->flags & NECK__TOKEN_SPECIAL)) continue;
        put_token(tokenizer, ids[i], token, &out);
    }
    *size = out.size;
    if (out.size > capacity)
        return neck__fail(NECK_E_OVERFLOW, "%" PRId64 " bytes do not fit into room for %" PRId64, out.size, capacity);
    return NECK_OK;
}
