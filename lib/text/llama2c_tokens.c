/* text/llama2c_tokens.c - llama2.c's tokenizer.bin: the length of the longest token; score, length, bytes of each. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "text/tokenizer_object.h"

enum { HEADER = 4, RECORD = 8, UNK = 0, BOS = 1, EOS = 2, LENGTH_MAX = 1024 };

static uint32_t little32(const unsigned char *bytes)
{
    return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static neck_status read_token(neck__vocabulary *vocabulary, const neck__mapping *file, int64_t *at, float *score)
{
    const int64_t id = vocabulary->count;
    if (file->size - *at < RECORD) return neck__fail(NECK_E_FORMAT, "the file ends within token %" PRId64, id);
    const uint32_t bits = little32(file->data + *at);
    const int64_t length = little32(file->data + *at + 4);
    memcpy(score, &bits, sizeof *score);
    if (!isfinite(*score) || length > LENGTH_MAX || length > file->size - *at - RECORD)
        return neck__fail(NECK_E_FORMAT,
                          "token %" PRId64 " has score %g and %" PRId64 " bytes: no tokenizer of llama2.c", id,
                          (double)*score, length);
    NECK_TRY(neck__vocabulary_add(vocabulary, id, file->data + *at + RECORD, length, NECK__TOKEN_MODEL));
    *at += RECORD + length;
    return NECK_OK;
}

/* The file does not say how many tokens it holds: they fill it. */
static neck_status read_tokens(neck_tokenizer *tokenizer, const neck__mapping *file, float *scores)
{
    neck__vocabulary *vocabulary = &tokenizer->bpe.vocabulary;
    for (int64_t at = HEADER; at < file->size;) {
        float score;
        NECK_TRY(read_token(vocabulary, file, &at, &score));
        scores[vocabulary->count - 1] = score;
    }
    if (vocabulary->count <= EOS) return neck__fail(NECK_E_FORMAT, "only %" PRId64 " tokens", vocabulary->count);
    return neck__merges_from_scores(&tokenizer->bpe.merges, vocabulary, scores);
}

static neck_status read_vocabulary(neck_tokenizer *tokenizer, const neck__mapping *file)
{
    const int64_t most = file->size / RECORD + 1;
    NECK_TRY(neck__vocabulary_init(&tokenizer->bpe.vocabulary, &tokenizer->allocator, most));
    NECK_TRY(neck__merges_init(&tokenizer->bpe.merges, &tokenizer->allocator, most));
    float *scores = neck__alloc(&tokenizer->allocator, most, sizeof *scores, "scores");
    if (!scores) return NECK_E_NOMEM;
    neck_status status = read_tokens(tokenizer, file, scores);
    neck__release(&tokenizer->allocator, scores);
    return status;
}

neck_status neck__tokenizer_llama2c(neck_tokenizer *tokenizer, const neck__mapping *file)
{
    NECK_TRY(read_vocabulary(tokenizer, file));
    tokenizer->bpe.byte_fallback = 1;
    tokenizer->bpe.unknown = UNK;
    tokenizer->special[NECK_TOKEN_UNK] = UNK;
    tokenizer->special[NECK_TOKEN_BOS] = BOS;
    tokenizer->special[NECK_TOKEN_EOS] = EOS;
    for (int64_t id = UNK; id <= EOS; id++)
        neck__vocabulary_token(&tokenizer->bpe.vocabulary, id)->flags |= NECK__TOKEN_SPECIAL;
    NECK_TRY(neck__normalizer_add(&tokenizer->normalizer, NECK__NORMALIZE_PREPEND, 0, "", " "));
    NECK_TRY(neck__frame_add(tokenizer, &tokenizer->before, BOS));
    tokenizer->drops_leading_space = 1;
    return neck__tokenizer_finish(tokenizer, " ");
}
