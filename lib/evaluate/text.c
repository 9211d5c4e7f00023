/* evaluate/text.c - documents as token ids. */
#include "evaluate/text.h"

#include <string.h>

#include "core/error.h"
#include "softneck/evaluate.h"

int32_t neck__opening_token(const neck_tokenizer *tokenizer)
{
    int32_t bos = neck_tokenizer_special(tokenizer, NECK_TOKEN_BOS);
    return bos >= 0 ? bos : neck_tokenizer_special(tokenizer, NECK_TOKEN_EOS);
}

neck_status neck_document_encode(neck_context *context, const neck_tokenizer *tokenizer, const char *text,
                                 int64_t nbytes, int32_t *ids, int64_t capacity, int64_t *count)
{
    if (!tokenizer || !count) return neck__fail(NECK_E_ARGUMENT, "tokenizer or count is NULL");
    neck_encode_options plain = {.struct_size = sizeof plain, .no_special_tokens = 1};
    int32_t opening = neck__opening_token(tokenizer);
    int64_t found = 0;
    neck_status status = neck_tokenizer_encode(context, tokenizer, text, nbytes, &plain, ids, capacity, &found);
    if (status != NECK_OK && status != NECK_E_OVERFLOW) return status;
    int opened = capacity > 0 && found > 0 && ids[0] == opening;
    int64_t needed = opening < 0 || opened ? found : found + 1;
    *count = needed;
    if (needed > capacity)
        return neck__fail(NECK_E_OVERFLOW, "the text has %lld tokens, there is room for %lld", (long long)needed,
                          (long long)capacity);
    if (needed == found) return status;
    memmove(ids + 1, ids, (size_t)found * sizeof *ids);
    ids[0] = opening;
    return NECK_OK;
}

/* The common shape of both ways to encode. */
typedef neck_status (*encode_fn)(neck_context *context, const neck_tokenizer *tokenizer, const char *text,
                                 int64_t nbytes, int32_t *ids, int64_t capacity, int64_t *count);

static neck_status encode_as_told(neck_context *context, const neck_tokenizer *tokenizer, const char *text,
                                  int64_t nbytes, int32_t *ids, int64_t capacity, int64_t *count)
{
    return neck_tokenizer_encode(context, tokenizer, text, nbytes, NULL, ids, capacity, count);
}

/* Most text has fewer tokens than half its bytes; what has more is encoded again into room that is sure to do. */
static neck_status encode_all(neck_context *context, encode_fn encode, const neck_tokenizer *tokenizer,
                              const char *text, int64_t nbytes, neck__ids *out)
{
    neck__allocator allocator = neck__allocator_of(context);
    int64_t capacity = nbytes / 2 + 16, count = 0;
    neck_status status = NECK_E_OVERFLOW;
    int32_t *ids = NULL;
    for (int attempt = 0; attempt < 2 && status == NECK_E_OVERFLOW; attempt++) {
        neck__release(&allocator, ids);
        ids = neck__alloc(&allocator, capacity, sizeof *ids, "token ids");
        if (!ids) return NECK_E_NOMEM;
        status = encode(context, tokenizer, text, nbytes, ids, capacity, &count);
        capacity = count;
    }
    if (status == NECK_OK) *out = (neck__ids){ids, count};
    else neck__release(&allocator, ids);
    return status;
}

neck_status neck__encode(neck_context *context, const neck_tokenizer *tokenizer, const char *text, int64_t nbytes,
                         neck__ids *out)
{
    return encode_all(context, encode_as_told, tokenizer, text, nbytes, out);
}

neck_status neck__encode_document(neck_context *context, const neck_tokenizer *tokenizer, const char *text,
                                  int64_t nbytes, neck__ids *out)
{
    return encode_all(context, neck_document_encode, tokenizer, text, nbytes, out);
}

neck_status neck_evaluation_push_text(neck_context *context, neck_evaluation *evaluation,
                                      const neck_tokenizer *tokenizer, const char *text, int64_t nbytes)
{
    int64_t words;
    neck__ids encoded;
    if (!evaluation || !tokenizer) return neck__fail(NECK_E_ARGUMENT, "evaluation or tokenizer is NULL");
    NECK_TRY(neck_text_words(text, nbytes, &words));
    NECK_TRY(neck__encode_document(context, tokenizer, text, nbytes, &encoded));
    neck_status status =
        neck_evaluation_push_tokens(context, evaluation, encoded.ids, encoded.count, nbytes, words);
    neck__allocator allocator = neck__allocator_of(context);
    neck__release(&allocator, encoded.ids);
    return status;
}
