/* text/tokenizer_json.c - tokenizer.json of Hugging Face tokenizers: its model, its added tokens, and the parts. */
#include <inttypes.h>
#include <string.h>

#include "core/error.h"
#include "format/json.h"
#include "text/tokenizer_object.h"

#define DEPTH 32

/* How Llama's and Gemma's vocabularies spell a space: U+2581. */
#define LOW_LINE "\xE2\x96\x81"

const char *neck__json_type(const json_t *value)
{
    const char *type = json_string_value(json_object_get(value, "type"));
    return type ? type : "";
}

const char *neck__json_text(const json_t *value, const char *key, neck_status *status)
{
    const char *text = json_string_value(json_object_get(value, key));
    if (!text && *status == NECK_OK)
        *status = neck__fail(NECK_E_FORMAT, "a part of the tokenizer has no string '%s'", key);
    return text ? text : "";
}

static neck_status read_vocabulary(neck__bpe *bpe, const neck__allocator *allocator, const json_t *model)
{
    json_t *vocabulary = json_object_get(model, "vocab"), *number;
    if (!json_is_object(vocabulary)) return neck__fail(NECK_E_FORMAT, "the tokenizer's model has no 'vocab'");
    NECK_TRY(neck__vocabulary_init(&bpe->vocabulary, allocator, (int64_t)json_object_size(vocabulary)));
    const char *spelling;
    json_object_foreach(vocabulary, spelling, number) {
        int64_t id = neck__json_size(number);
        if (id < 0) return neck__fail(NECK_E_FORMAT, "the number of token '%s' is no whole number >= 0", spelling);
        NECK_TRY(neck__vocabulary_add(&bpe->vocabulary, id, spelling, (int64_t)strlen(spelling), NECK__TOKEN_MODEL));
    }
    return NECK_OK;
}

/* "a b" or ["a", "b"]. */
static neck_status read_merge(neck__bpe *bpe, const json_t *merge, int64_t rank)
{
    if (json_is_string(merge))
        return neck__merges_put_line(&bpe->merges, &bpe->vocabulary, json_string_value(merge),
                                     (int64_t)json_string_length(merge), rank);
    const json_t *left = json_array_get(merge, 0), *right = json_array_get(merge, 1);
    if (json_array_size(merge) != 2 || !json_is_string(left) || !json_is_string(right))
        return neck__fail(NECK_E_FORMAT, "merge %" PRId64 " is not two strings", rank);
    return neck__merges_put_spelled(&bpe->merges, &bpe->vocabulary, json_string_value(left),
                                    (int64_t)json_string_length(left), json_string_value(right),
                                    (int64_t)json_string_length(right), rank);
}

static neck_status read_merges(neck__bpe *bpe, const neck__allocator *allocator, const json_t *model)
{
    const json_t *merges = json_object_get(model, "merges");
    if (!json_is_array(merges)) return neck__fail(NECK_E_FORMAT, "the tokenizer's model has no 'merges'");
    const int64_t count = (int64_t)json_array_size(merges);
    NECK_TRY(neck__merges_init(&bpe->merges, allocator, count));
    for (int64_t i = 0; i < count; i++) NECK_TRY(read_merge(bpe, json_array_get(merges, (size_t)i), i));
    return NECK_OK;
}

/* What a BPE model may ask for that this one does not do. */
static neck_status check_model(const json_t *model)
{
    static const char *const affixes[] = {"continuing_subword_prefix", "end_of_word_suffix"};
    const char *type = neck__json_type(model);
    if (*type && strcmp(type, "BPE") != 0)
        return neck__fail(NECK_E_UNSUPPORTED, "the tokenizer's model is %s: only BPE is supported", type);
    if (!*type && !json_object_get(model, "merges"))
        return neck__fail(NECK_E_UNSUPPORTED, "the tokenizer's model has no type and no merges: only BPE is supported");
    for (size_t i = 0; i < sizeof affixes / sizeof *affixes; i++)
        if (json_string_length(json_object_get(model, affixes[i])) > 0)
            return neck__fail(NECK_E_UNSUPPORTED, "the tokenizer's model has a %s", affixes[i]);
    if (json_number_value(json_object_get(model, "dropout")) != 0)
        return neck__fail(NECK_E_UNSUPPORTED, "the tokenizer's model has dropout");
    return NECK_OK;
}

static neck_status read_model(neck_tokenizer *tokenizer, const json_t *model)
{
    neck__bpe *bpe = &tokenizer->bpe;
    NECK_TRY(check_model(model));
    NECK_TRY(read_vocabulary(bpe, &tokenizer->allocator, model));
    NECK_TRY(read_merges(bpe, &tokenizer->allocator, model));
    bpe->byte_fallback = json_is_true(json_object_get(model, "byte_fallback"));
    bpe->fuse_unknown = json_is_true(json_object_get(model, "fuse_unk"));
    bpe->whole_words = json_is_true(json_object_get(model, "ignore_merges"));
    const json_t *unknown = json_object_get(model, "unk_token");
    if (!json_is_string(unknown)) return NECK_OK;
    bpe->unknown =
        neck__vocabulary_find_model(&bpe->vocabulary, json_string_value(unknown), (int64_t)json_string_length(unknown));
    if (bpe->unknown < 0)
        return neck__fail(NECK_E_FORMAT, "the unknown token '%s' is not in the vocabulary", json_string_value(unknown));
    return NECK_OK;
}

static neck_status read_added_token(neck_tokenizer *tokenizer, const json_t *value)
{
    const json_t *content = json_object_get(value, "content"), *normalized = json_object_get(value, "normalized");
    const int64_t id = neck__json_size(json_object_get(value, "id"));
    if (!json_is_string(content) || id < 0)
        return neck__fail(NECK_E_FORMAT, "an added token of the tokenizer has no content or number");
    if (json_is_true(json_object_get(value, "single_word")))
        return neck__fail(NECK_E_UNSUPPORTED, "the added token '%s' is to match only whole words",
                          json_string_value(content));
    if (json_string_length(content) == 0) return NECK_OK;
    const int32_t special = json_is_true(json_object_get(value, "special"));
    const neck__added_token how = {.strip_left = json_is_true(json_object_get(value, "lstrip")),
                                   .strip_right = json_is_true(json_object_get(value, "rstrip"))};
    return neck__tokenizer_add(tokenizer, id, json_string_value(content), (int64_t)json_string_length(content), special,
                               normalized ? json_is_true(normalized) : !special, how);
}

static neck_status read_root(neck_tokenizer *tokenizer, const json_t *root)
{
    const json_t *added = json_object_get(root, "added_tokens");
    NECK_TRY(neck__json_pretokenizer(tokenizer, json_object_get(root, "pre_tokenizer")));
    NECK_TRY(read_model(tokenizer, json_object_get(root, "model")));
    NECK_TRY(neck__json_normalizer(tokenizer, json_object_get(root, "normalizer")));
    for (size_t i = 0; i < json_array_size(added); i++) NECK_TRY(read_added_token(tokenizer, json_array_get(added, i)));
    NECK_TRY(neck__json_postprocessor(tokenizer, json_object_get(root, "post_processor")));
    NECK_TRY(neck__json_decoder(tokenizer, json_object_get(root, "decoder")));
    if (tokenizer->bpe.byte_level && tokenizer->bpe.byte_fallback)
        return neck__fail(NECK_E_UNSUPPORTED,
                          "the tokenizer's model has byte_fallback behind a ByteLevel pre-tokenizer");
    return neck__tokenizer_finish(tokenizer, LOW_LINE);
}

neck_status neck__tokenizer_json(neck_tokenizer *tokenizer, const void *text, int64_t size)
{
    json_t *root;
    NECK_TRY(neck__json_parse(text, size, DEPTH, size, &root));
    neck_status status = read_root(tokenizer, root);
    json_decref(root);
    return status;
}
