/* text/gpt2_files.c - GPT-2's two files: a vocabulary in JSON, and merges as lines of text. */
#include <string.h>

#include "core/error.h"
#include "format/json.h"
#include "format/utf8.h"
#include "text/tokenizer_object.h"

static neck_status read_vocabulary(neck_tokenizer *tokenizer, const neck__mapping *file)
{
    json_t *root, *number;
    neck_status status = NECK_OK;
    NECK_TRY(neck__json_parse(file->data, file->size, 1, file->size, &root));
    if (!json_is_object(root)) status = neck__fail(NECK_E_FORMAT, "the vocabulary is no JSON object");
    const char *spelling;
    neck__vocabulary *vocabulary = &tokenizer->bpe.vocabulary;
    if (status == NECK_OK)
        status = neck__vocabulary_init(vocabulary, &tokenizer->allocator, (int64_t)json_object_size(root));
    json_object_foreach(root, spelling, number) {
        if (status != NECK_OK) break;
        status = neck__vocabulary_add(vocabulary, neck__json_size(number), spelling, (int64_t)strlen(spelling),
                                      NECK__TOKEN_MODEL);
    }
    json_decref(root);
    return status;
}

static neck_status read_merges(neck_tokenizer *tokenizer, const neck__mapping *file)
{
    static const char version[] = "#version";
    const char *line = (const char *)file->data, *end = line + file->size;
    int64_t rank = 0;
    NECK_TRY(neck__merges_init(&tokenizer->bpe.merges, &tokenizer->allocator, tokenizer->bpe.vocabulary.used));
    for (const char *next; line < end; line = next) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        next = stop ? stop + 1 : end;
        int64_t length = (stop ? stop : end) - line;
        if (length > 0 && line[length - 1] == '\r') length--;
        if (length == 0) continue;
        if (length >= (int64_t)sizeof version - 1 && memcmp(line, version, sizeof version - 1) == 0) continue;
        NECK_TRY(neck__merges_put_line(&tokenizer->bpe.merges, &tokenizer->bpe.vocabulary, line, length, rank++));
    }
    return NECK_OK;
}

/* bos and the others are special wherever they are spelled out; GPT-2's relatives (OPT) may put bos before a text. */
static neck_status add_special(neck_tokenizer *tokenizer, const json_t *config)
{
    NECK_TRY(neck__special_tokens(tokenizer, config));
    for (int which = 0; which < NECK__SPECIALS; which++) {
        const char *bytes;
        int64_t length;
        if (tokenizer->special[which] < 0) continue;
        NECK_TRY(neck_tokenizer_token(tokenizer, tokenizer->special[which], &bytes, &length));
        NECK_TRY(
            neck__tokenizer_add(tokenizer, tokenizer->special[which], bytes, length, 1, 0, (neck__added_token){0}));
    }
    if (!json_is_true(json_object_get(config, "add_bos_token")) || tokenizer->special[NECK_TOKEN_BOS] < 0)
        return NECK_OK;
    return neck__frame_add(tokenizer, &tokenizer->before, tokenizer->special[NECK_TOKEN_BOS]);
}

neck_status neck__tokenizer_gpt2(neck_tokenizer *tokenizer, const neck__mapping *vocabulary,
                                 const neck__mapping *merges, const json_t *config)
{
    neck__pretokenizer *pretokenizer = &tokenizer->pretokenizer;
    tokenizer->bpe.byte_level = 1;
    NECK_TRY(read_vocabulary(tokenizer, vocabulary));
    NECK_TRY(read_merges(tokenizer, merges));
    if (json_is_true(json_object_get(config, "add_prefix_space")))
        NECK_TRY(neck__pretokenizer_edit(pretokenizer, " ", 0, NECK__PREFIX_ALWAYS));
    NECK_TRY(neck__pretokenizer_split(pretokenizer, neck__pattern_gpt2, (int64_t)strlen(neck__pattern_gpt2), 0,
                                      NECK__SPLIT_ISOLATED, 0));
    NECK_TRY(add_special(tokenizer, config));
    return neck__tokenizer_finish(tokenizer, NULL);
}
