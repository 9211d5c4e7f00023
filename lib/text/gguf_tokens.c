/* text/gguf_tokens.c - the tokenizer inside a GGUF file: "llama" (merges by score) and "gpt2" (byte-level BPE). */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "text/tokenizer_object.h"

#define KEY(name) "tokenizer.ggml." name
#define LOW_LINE "\xE2\x96\x81" /* how vocabularies of the kind "llama" spell a space */

/* Types of tokens, with the format's numbers. */
enum { NORMAL = 1, UNKNOWN = 2, CONTROL = 3, USER_DEFINED = 4, UNUSED = 5, BYTE = 6 };

/* How the pre-tokenizers that files name split text. */
static const struct {
    const char *name, *pattern;
    int32_t digits;      /* every digit alone, before the pattern */
    int32_t whole_words; /* as in neck__bpe */
    int32_t nfc;         /* the model was trained on NFC, although the file does not say so */
} known[] = {
    {"gpt-2", neck__pattern_gpt2, 0, 0, 0},      {"phi-2", neck__pattern_gpt2, 0, 0, 0},
    {"olmo", neck__pattern_gpt2, 0, 0, 1},       {"smollm", neck__pattern_gpt2, 1, 0, 0},
    {"starcoder", neck__pattern_gpt2, 1, 0, 0},  {"llama-bpe", neck__pattern_llama3, 0, 1, 0},
    {"qwen2", neck__pattern_qwen2, 0, 0, 1},
};

/* A number or truth value under a key, or the default when the file has none. */
static neck_status optional_integer(const neck__gguf *gguf, const char *key, int64_t otherwise, int64_t *out)
{
    *out = otherwise;
    return neck__gguf_find(gguf, key) ? neck__gguf_integer(gguf, key, out) : NECK_OK;
}

static neck_status optional_boolean(const neck__gguf *gguf, const char *key, int otherwise, int *out)
{
    *out = otherwise;
    return neck__gguf_find(gguf, key) ? neck__gguf_boolean(gguf, key, out) : NECK_OK;
}

/* The type of each token; without a list all are normal. */
static neck_status token_type(const neck__gguf_value *types, int64_t id, int64_t *type)
{
    *type = NORMAL;
    return types && id < types->count ? neck__gguf_item_integer(types, id, type) : NECK_OK;
}

static neck_status read_tokens(neck_tokenizer *tokenizer, const neck__gguf *gguf)
{
    neck__vocabulary *vocabulary = &tokenizer->bpe.vocabulary;
    const neck__gguf_value *tokens, *types = neck__gguf_find(gguf, KEY("token_type"));
    NECK_TRY(neck__gguf_array(gguf, KEY("tokens"), NECK__GGUF_STRING, &tokens));
    NECK_TRY(neck__vocabulary_init(vocabulary, &tokenizer->allocator, tokens->count));
    const char *spelling;
    int64_t length, type;
    neck__gguf_strings strings = neck__gguf_strings_of(tokens);
    for (int64_t id = 0; neck__gguf_next_string(&strings, &spelling, &length); id++) {
        NECK_TRY(token_type(types, id, &type));
        const int from_text = type == NORMAL || type == BYTE || type == UNUSED || tokenizer->bpe.byte_level;
        const int special = type == CONTROL || type == UNKNOWN;
        NECK_TRY(neck__vocabulary_add(vocabulary, id, spelling, length,
                                      (from_text ? NECK__TOKEN_MODEL : 0) | (special ? NECK__TOKEN_SPECIAL : 0)));
        if (special || type == USER_DEFINED)
            NECK_TRY(neck__tokenizer_add(tokenizer, id, spelling, length, special, 0, (neck__added_token){0}));
    }
    return NECK_OK;
}

static neck_status read_scores(neck_tokenizer *tokenizer, const neck__gguf *gguf)
{
    const neck__vocabulary *vocabulary = &tokenizer->bpe.vocabulary;
    const neck__gguf_value *values;
    NECK_TRY(neck__gguf_array(gguf, KEY("scores"), NECK__GGUF_F32, &values));
    if (values->count != vocabulary->count)
        return neck__fail(NECK_E_FORMAT, "%" PRId64 " scores for %" PRId64 " tokens", values->count, vocabulary->count);
    NECK_TRY(neck__merges_init(&tokenizer->bpe.merges, &tokenizer->allocator, vocabulary->count));
    float *scores = neck__alloc(&tokenizer->allocator, values->count, sizeof *scores, "scores");
    if (!scores) return NECK_E_NOMEM;
    neck_status status = NECK_OK;
    for (int64_t i = 0; i < values->count && status == NECK_OK; i++) {
        double score = 0;
        status = neck__gguf_item_real(values, i, &score);
        scores[i] = (float)score;
        if (status == NECK_OK && !isfinite(scores[i]))
            status = neck__fail(NECK_E_FORMAT, "the score of token %" PRId64 " is %g", i, score);
    }
    if (status == NECK_OK) status = neck__merges_from_scores(&tokenizer->bpe.merges, vocabulary, scores);
    neck__release(&tokenizer->allocator, scores);
    return status;
}

static neck_status read_merges(neck_tokenizer *tokenizer, const neck__gguf *gguf)
{
    const neck__gguf_value *lines;
    NECK_TRY(neck__gguf_array(gguf, KEY("merges"), NECK__GGUF_STRING, &lines));
    NECK_TRY(neck__merges_init(&tokenizer->bpe.merges, &tokenizer->allocator, lines->count));
    const char *line;
    int64_t length;
    neck__gguf_strings strings = neck__gguf_strings_of(lines);
    for (int64_t rank = 0; neck__gguf_next_string(&strings, &line, &length); rank++)
        NECK_TRY(neck__merges_put_line(&tokenizer->bpe.merges, &tokenizer->bpe.vocabulary, line, length, rank));
    return NECK_OK;
}

static neck_status read_llama(neck_tokenizer *tokenizer, const neck__gguf *gguf)
{
    int prefixed;
    tokenizer->bpe.byte_fallback = 1;
    NECK_TRY(read_tokens(tokenizer, gguf));
    NECK_TRY(read_scores(tokenizer, gguf));
    NECK_TRY(optional_boolean(gguf, KEY("add_space_prefix"), 1, &prefixed));
    if (prefixed) NECK_TRY(neck__normalizer_add(&tokenizer->normalizer, NECK__NORMALIZE_PREPEND, 0, "", LOW_LINE));
    NECK_TRY(neck__normalizer_add(&tokenizer->normalizer, NECK__NORMALIZE_REPLACE, 0, " ", LOW_LINE));
    tokenizer->drops_leading_space = prefixed;
    strcpy(tokenizer->marker, LOW_LINE);
    return NECK_OK;
}

/* Files from before names were written hold GPT-2's pattern. */
static neck_status read_gpt2(neck_tokenizer *tokenizer, const neck__gguf *gguf)
{
    const char *name = "gpt-2";
    int64_t length = (int64_t)strlen(name);
    neck__pretokenizer *pretokenizer = &tokenizer->pretokenizer;
    tokenizer->bpe.byte_level = 1;
    if (neck__gguf_find(gguf, KEY("pre"))) NECK_TRY(neck__gguf_string(gguf, KEY("pre"), &name, &length));
    NECK_TRY(read_tokens(tokenizer, gguf));
    NECK_TRY(read_merges(tokenizer, gguf));
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if ((int64_t)strlen(known[i].name) != length || memcmp(known[i].name, name, (size_t)length) != 0) continue;
        tokenizer->bpe.whole_words = known[i].whole_words;
        if (known[i].nfc)
            NECK_TRY(neck__normalizer_add(&tokenizer->normalizer, NECK__NORMALIZE_UNICODE, NECK__NFC, "", ""));
        if (known[i].digits)
            NECK_TRY(neck__pretokenizer_split(pretokenizer, neck__pattern_number, (int64_t)strlen(neck__pattern_number),
                                              0, NECK__SPLIT_ISOLATED, 0));
        return neck__pretokenizer_split(pretokenizer, known[i].pattern, (int64_t)strlen(known[i].pattern), 0,
                                        NECK__SPLIT_ISOLATED, 0);
    }
    return neck__fail(NECK_E_UNSUPPORTED, "the tokenizer's pre-tokenizer '%.*s' is not supported",
                      (int)(length < 100 ? length : 100), name);
}

static neck_status read_special(neck_tokenizer *tokenizer, const neck__gguf *gguf, int llama)
{
    static const char *const keys[NECK__SPECIALS] = {[NECK_TOKEN_BOS] = KEY("bos_token_id"),
                                                     [NECK_TOKEN_EOS] = KEY("eos_token_id"),
                                                     [NECK_TOKEN_UNK] = KEY("unknown_token_id"),
                                                     [NECK_TOKEN_PAD] = KEY("padding_token_id")};
    int add_bos, add_eos;
    for (int which = 0; which < NECK__SPECIALS; which++) {
        int64_t id;
        NECK_TRY(optional_integer(gguf, keys[which], -1, &id));
        if (id != -1 && !neck__vocabulary_token(&tokenizer->bpe.vocabulary, id))
            return neck__fail(NECK_E_FORMAT, "%s is %" PRId64 ", which is no token", keys[which], id);
        tokenizer->special[which] = (int32_t)id;
    }
    NECK_TRY(optional_boolean(gguf, KEY("add_bos_token"), llama, &add_bos));
    NECK_TRY(optional_boolean(gguf, KEY("add_eos_token"), 0, &add_eos));
    if (llama) tokenizer->bpe.unknown = tokenizer->special[NECK_TOKEN_UNK];
    const int32_t bos = tokenizer->special[NECK_TOKEN_BOS], eos = tokenizer->special[NECK_TOKEN_EOS];
    if (add_bos && bos >= 0) NECK_TRY(neck__frame_add(tokenizer, &tokenizer->before, bos));
    return add_eos && eos >= 0 ? neck__frame_add(tokenizer, &tokenizer->behind, eos) : NECK_OK;
}

neck_status neck__tokenizer_gguf(neck_tokenizer *tokenizer, const neck__gguf *gguf)
{
    const char *model;
    int64_t length;
    NECK_TRY(neck__gguf_string(gguf, KEY("model"), &model, &length));
    const int llama = length == 5 && memcmp(model, "llama", 5) == 0,
              gpt2 = length == 4 && memcmp(model, "gpt2", 4) == 0;
    if (!llama && !gpt2)
        return neck__fail(NECK_E_UNSUPPORTED, "the tokenizer's model '%.*s' is not supported",
                          (int)(length < 100 ? length : 100), model);
    NECK_TRY(llama ? read_llama(tokenizer, gguf) : read_gpt2(tokenizer, gguf));
    NECK_TRY(read_special(tokenizer, gguf, llama));
    return neck__tokenizer_finish(tokenizer, llama ? LOW_LINE : NULL);
}
