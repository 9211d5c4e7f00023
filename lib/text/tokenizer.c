/* text/tokenizer.c - tokenizers: made, read, destroyed. */
#include "softneck/tokenizer.h"

#include <inttypes.h>
#include <string.h>

#include "core/error.h"
#include "text/tokenizer_object.h"

neck_status neck__tokenizer_new(const neck__allocator *allocator, neck_tokenizer **out)
{
    neck_tokenizer *tokenizer = neck__calloc(allocator, 1, sizeof *tokenizer, "a tokenizer");
    if (!tokenizer) return NECK_E_NOMEM;
    tokenizer->allocator = *allocator;
    tokenizer->raw.pool.allocator = tokenizer->normalized.pool.allocator = *allocator;
    tokenizer->normalizer.allocator = tokenizer->pretokenizer.allocator = *allocator;
    tokenizer->bpe.vocabulary.pool.allocator = tokenizer->bpe.merges.allocator = *allocator;
    tokenizer->bpe.unknown = -1;
    for (int i = 0; i < NECK__SPECIALS; i++) tokenizer->special[i] = -1;
    *out = tokenizer;
    return NECK_OK;
}

void neck_tokenizer_destroy(neck_tokenizer *tokenizer)
{
    if (!tokenizer) return;
    neck__allocator allocator = tokenizer->allocator;
    neck__release(&allocator, tokenizer->before.ids);
    neck__release(&allocator, tokenizer->behind.ids);
    neck__added_tokens_clear(&tokenizer->raw);
    neck__added_tokens_clear(&tokenizer->normalized);
    neck__normalizer_clear(&tokenizer->normalizer);
    neck__pretokenizer_clear(&tokenizer->pretokenizer);
    neck__bpe_clear(&tokenizer->bpe);
    neck__release(&allocator, tokenizer);
}

neck_status neck__frame_add(const neck_tokenizer *tokenizer, neck__frame *frame, int32_t id)
{
    if (frame->count == frame->capacity) {
        int32_t *grown = neck__grown(&tokenizer->allocator, frame->ids, frame->count, frame->count + 1, sizeof *grown,
                                     &frame->capacity, "special tokens");
        if (!grown) return NECK_E_NOMEM;
        frame->ids = grown;
    }
    frame->ids[frame->count++] = id;
    return NECK_OK;
}

/* Its content, as it looks in normalized text. */
static neck_status add_normalized(neck_tokenizer *tokenizer, neck__added_token token, const char *content)
{
    neck__buffer buffers[2] = {{.allocator = tokenizer->allocator}, {.allocator = tokenizer->allocator}};
    const unsigned char *normalized;
    neck_status status = neck__normalize(&tokenizer->normalizer, buffers, 0, (const unsigned char *)content,
                                         token.length, &normalized, &token.length);
    if (status == NECK_OK) status = neck__added_tokens_add(&tokenizer->normalized, &token, normalized);
    neck__buffer_clear(&buffers[0]);
    neck__buffer_clear(&buffers[1]);
    return status;
}

neck_status neck__tokenizer_add(neck_tokenizer *tokenizer, int64_t id, const char *content, int64_t length,
                                int32_t special, int32_t is_normalized, neck__added_token how)
{
    neck__vocabulary *vocabulary = &tokenizer->bpe.vocabulary;
    const int32_t there = neck__vocabulary_find(vocabulary, content, length);
    if (there >= 0) id = there;
    if (there < 0) NECK_TRY(neck__vocabulary_add(vocabulary, id, content, length, 0));
    if (special) neck__vocabulary_token(vocabulary, id)->flags |= NECK__TOKEN_SPECIAL;
    how.id = (int32_t)id;
    how.length = length;
    return is_normalized ? add_normalized(tokenizer, how, content)
                         : neck__added_tokens_add(&tokenizer->raw, &how, content);
}

neck_status neck__tokenizer_finish(neck_tokenizer *tokenizer, const char *space)
{
    if (tokenizer->bpe.vocabulary.used == 0) return neck__fail(NECK_E_FORMAT, "the tokenizer has no tokens");
    neck__added_tokens_finish(&tokenizer->raw);
    neck__added_tokens_finish(&tokenizer->normalized);
    neck__bpe_prepare(&tokenizer->bpe, space);
    return NECK_OK;
}

int64_t neck_tokenizer_vocab_size(const neck_tokenizer *tokenizer) { return tokenizer->bpe.vocabulary.count; }

const char *neck_tokenizer_kind(const neck_tokenizer *tokenizer)
{
    return tokenizer->bpe.byte_level ? "byte-level BPE" : "character BPE";
}

int32_t neck_tokenizer_special(const neck_tokenizer *tokenizer, int32_t which)
{
    return which >= 0 && which < NECK__SPECIALS ? tokenizer->special[which] : -1;
}

neck_status neck_tokenizer_token(const neck_tokenizer *tokenizer, int32_t id, const char **bytes, int64_t *length)
{
    if (!tokenizer || !bytes || !length) return neck__fail(NECK_E_ARGUMENT, "tokenizer, bytes or length is NULL");
    const neck__vocabulary *vocabulary = &tokenizer->bpe.vocabulary;
    const neck__token *token = neck__vocabulary_token(vocabulary, id);
    if (!token) return neck__fail(NECK_E_ARGUMENT, "no token has number %d", id);
    *bytes = (const char *)neck__vocabulary_spelling(vocabulary, token);
    *length = token->length;
    return NECK_OK;
}

neck_status neck_tokenizer_find(const neck_tokenizer *tokenizer, const char *bytes, int64_t length, int32_t *id)
{
    if (!tokenizer || !bytes || !id) return neck__fail(NECK_E_ARGUMENT, "tokenizer, bytes or id is NULL");
    if (length < 0) return neck__fail(NECK_E_ARGUMENT, "length is %" PRId64, length);
    int32_t found = neck__vocabulary_find(&tokenizer->bpe.vocabulary, bytes, length);
    if (found < 0)
        return neck__fail(NECK_E_NOT_FOUND, "no token is spelled '%.*s'", (int)(length < 100 ? length : 100), bytes);
    *id = found;
    return NECK_OK;
}
