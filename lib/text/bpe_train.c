/* text/bpe_train.c - neck_tokenizer_training: texts in, a tokenizer out. */
#include "text/bpe_train.h"

#include <inttypes.h>
#include <string.h>

#include "core/context.h"
#include "core/error.h"
#include "core/options.h"
#include "format/atomic_file.h"
#include "text/characters.h"
#include "text/tokenizer_json_write.h"
#include "text/tokenizer_object.h"
#include "softneck/tokenizer_training.h"

enum { COUNTING, BROKEN, FINISHED };

struct neck_tokenizer_training {
    neck__allocator allocator;
    int32_t state, split;
    int64_t vocab_size, min_frequency, special_count;
    neck__vocabulary beginning; /* special tokens and the alphabet */
    neck__word_splitter *splitter;
    neck__words parts[NECK__WORD_PARTS];
    neck__learned learned; /* once FINISHED */
};

/* ---- creating ---- */

static neck_status check_options(const neck_tokenizer_training_options *options)
{
    if (options->split < NECK_SPLIT_GPT2 || options->split > NECK_SPLIT_NONE)
        return neck__fail(NECK_E_ARGUMENT, "split is %d: it must be a NECK_SPLIT_*", options->split);
    if (options->reserved) return neck__fail(NECK_E_ARGUMENT, "neck_tokenizer_training_options.reserved must be 0");
    if (options->min_frequency < 0)
        return neck__fail(NECK_E_ARGUMENT, "min_frequency is %" PRId64, options->min_frequency);
    if (options->special_count < 0)
        return neck__fail(NECK_E_ARGUMENT, "special_count is %" PRId64, options->special_count);
    if (!options->special_tokens && options->special_count > 0)
        return neck__fail(NECK_E_ARGUMENT, "special_tokens is NULL");
    const int64_t specials = options->special_tokens ? options->special_count : 1;
    if (options->vocab_size < 256 + specials || options->vocab_size > INT32_MAX)
        return neck__fail(NECK_E_ARGUMENT,
                          "vocab_size is %" PRId64 ": it must be at least 256 and %" PRId64 " for the special tokens",
                          options->vocab_size, specials);
    return NECK_OK;
}

static neck_status add_special(neck__vocabulary *vocabulary, const char *token)
{
    const int64_t length = token ? (int64_t)strlen(token) : 0;
    if (length == 0) return neck__fail(NECK_E_ARGUMENT, "special token %" PRId64 " is empty", vocabulary->count);
    if (neck__valid_length((const unsigned char *)token, length) != length)
        return neck__fail(NECK_E_ARGUMENT, "special token %" PRId64 " is not UTF-8", vocabulary->count);
    if (neck__vocabulary_find(vocabulary, token, length) >= 0)
        return neck__fail(NECK_E_ARGUMENT, "the special token '%s' is given twice", token);
    return neck__vocabulary_add(vocabulary, vocabulary->count, token, length, NECK__TOKEN_SPECIAL);
}

/* A character of GPT-2's alphabet, in order of its code. */
static neck_status add_character(neck__vocabulary *vocabulary, int32_t code)
{
    unsigned char spelled[NECK__SPELLED_MAX];
    const int32_t byte = neck__byte_unspell(code);
    if (byte < 0) return NECK_OK;
    const int64_t length = neck__byte_spell((unsigned char)byte, spelled);
    if (neck__vocabulary_find(vocabulary, spelled, length) >= 0) return NECK_OK; /* a special token is spelled so */
    return neck__vocabulary_add(vocabulary, vocabulary->count, spelled, length, NECK__TOKEN_MODEL);
}

static neck_status begin_vocabulary(neck_tokenizer_training *training, const neck_tokenizer_training_options *options)
{
    static const char *const usual[] = {"<|endoftext|>"};
    const char *const *specials = options->special_tokens ? options->special_tokens : usual;
    neck__vocabulary *vocabulary = &training->beginning;
    training->special_count = options->special_tokens ? options->special_count : 1;
    NECK_TRY(neck__vocabulary_init(vocabulary, &training->allocator, 256 + training->special_count));
    for (int64_t i = 0; i < training->special_count; i++) NECK_TRY(add_special(vocabulary, specials[i]));
    for (int32_t code = 0; code < 0x200; code++) NECK_TRY(add_character(vocabulary, code));
    return NECK_OK;
}

neck_status neck_tokenizer_training_create(neck_context *context, const neck_tokenizer_training_options *options,
                                           neck_tokenizer_training **out)
{
    if (!out) return neck__fail(NECK_E_ARGUMENT, "out is NULL");
    NECK_OPTIONS(neck_tokenizer_training_options, given, options);
    NECK_TRY(check_options(&given));
    const neck__allocator allocator = neck__allocator_of(context);
    neck_tokenizer_training *training = neck__calloc(&allocator, 1, sizeof *training, "training a tokenizer");
    if (!training) return NECK_E_NOMEM;
    training->allocator = allocator;
    training->split = given.split;
    training->vocab_size = given.vocab_size;
    training->min_frequency = given.min_frequency;
    training->learned.vocabulary.pool.allocator = training->beginning.pool.allocator = allocator;
    for (int i = 0; i < NECK__WORD_PARTS; i++) training->parts[i].pool.allocator = allocator;
    neck_status status = begin_vocabulary(training, &given);
    if (status == NECK_OK) status = neck__word_splitter_create(&allocator, given.split, &training->splitter);
    if (status == NECK_OK)
        *out = training;
    else
        neck_tokenizer_training_destroy(training);
    return status;
}

static void clear_learned(const neck__allocator *allocator, neck__learned *learned)
{
    neck__vocabulary_clear(&learned->vocabulary);
    neck__release(allocator, learned->merges);
}

/* What only counting needs. */
static void clear_counts(neck_tokenizer_training *training)
{
    for (int i = 0; i < NECK__WORD_PARTS; i++) neck__words_clear(&training->parts[i]);
    neck__word_splitter_destroy(training->splitter);
    training->splitter = NULL;
}

void neck_tokenizer_training_destroy(neck_tokenizer_training *training)
{
    if (!training) return;
    const neck__allocator allocator = training->allocator;
    clear_counts(training);
    clear_learned(&allocator, &training->learned);
    neck__vocabulary_clear(&training->beginning);
    neck__release(&allocator, training);
}

/* ---- training ---- */

static neck_status check_counting(const neck_tokenizer_training *training)
{
    if (training->state == BROKEN) return neck__fail(NECK_E_STATE, "a text was counted in part only");
    if (training->state == FINISHED) return neck__fail(NECK_E_STATE, "the training is finished");
    return NECK_OK;
}

neck_status neck_tokenizer_training_push(neck_context *context, neck_tokenizer_training *training, const char *text,
                                         int64_t size)
{
    if (!training || (!text && size != 0)) return neck__fail(NECK_E_ARGUMENT, "training or text is NULL");
    if (size < 0) return neck__fail(NECK_E_ARGUMENT, "size is %" PRId64, size);
    NECK_TRY(check_counting(training));
    neck_status status = neck__word_splitter_count(context, training->splitter, training->parts,
                                                   (const unsigned char *)text, size);
    if (status != NECK_OK) training->state = BROKEN;
    return status;
}

static neck_status copy_vocabulary(const neck__vocabulary *from, const neck__allocator *allocator, int64_t expected,
                                   neck__vocabulary *to)
{
    NECK_TRY(neck__vocabulary_init(to, allocator, expected));
    for (int64_t id = 0; id < from->count; id++) {
        const neck__token *token = neck__vocabulary_token(from, id);
        NECK_TRY(neck__vocabulary_add(to, id, neck__vocabulary_spelling(from, token), token->length, token->flags));
    }
    return NECK_OK;
}

neck_status neck_tokenizer_training_finish(neck_context *context, neck_tokenizer_training *training)
{
    if (!training) return neck__fail(NECK_E_ARGUMENT, "training is NULL");
    NECK_TRY(check_counting(training));
    if (neck_tokenizer_training_words(training) == 0)
        return neck__fail(NECK_E_ARGUMENT, "there is no text to train a tokenizer on");
    neck__learned learned = {.vocabulary.pool.allocator = training->allocator};
    /* The vocabulary asked for may never come about: it grows as it fills. */
    neck_status status = copy_vocabulary(&training->beginning, &training->allocator, 0, &learned.vocabulary);
    if (status == NECK_OK)
        status = neck__bpe_learn(context, training->parts, training->vocab_size, training->min_frequency, &learned);
    if (status != NECK_OK) {
        clear_learned(&training->allocator, &learned);
        return status;
    }
    training->learned = learned;
    training->state = FINISHED;
    return NECK_OK;
}

/* ---- results ---- */

int64_t neck_tokenizer_training_words(const neck_tokenizer_training *training)
{
    int64_t words = 0;
    for (int i = 0; training && i < NECK__WORD_PARTS; i++) words += training->parts[i].total;
    return words;
}

int64_t neck_tokenizer_training_different(const neck_tokenizer_training *training)
{
    int64_t words = 0;
    for (int i = 0; training && i < NECK__WORD_PARTS; i++) words += training->parts[i].used;
    return words;
}

int64_t neck_tokenizer_training_vocab_size(const neck_tokenizer_training *training)
{
    return training ? training->learned.vocabulary.count : 0;
}

static neck_status write_json(const neck_tokenizer_training *training, neck__buffer *out)
{
    if (training->state != FINISHED) return neck__fail(NECK_E_STATE, "the training is not finished");
    return neck__tokenizer_json_write(&training->learned, training->split, training->special_count, out);
}

static neck_status write_file(const neck__allocator *allocator, const char *path, const neck__buffer *json)
{
    neck__atomic_file *file;
    NECK_TRY(neck__atomic_file_create(allocator, path, &file));
    neck_status status = neck__atomic_file_write(file, json->data, json->size);
    if (status == NECK_OK) return neck__atomic_file_commit(file);
    neck__atomic_file_abandon(file);
    return status;
}

neck_status neck_tokenizer_training_save(neck_context *context, const neck_tokenizer_training *training,
                                         const char *path)
{
    if (!training || !path) return neck__fail(NECK_E_ARGUMENT, "training or path is NULL");
    const neck__allocator allocator = neck__allocator_of(context);
    neck__buffer json = {.allocator = allocator};
    neck_status status = write_json(training, &json);
    if (status == NECK_OK) status = write_file(&allocator, path, &json);
    neck__buffer_clear(&json);
    return status;
}

static neck_status read_back(const neck__allocator *allocator, const neck__buffer *json, neck_tokenizer **out)
{
    neck_tokenizer *tokenizer;
    NECK_TRY(neck__tokenizer_new(allocator, &tokenizer));
    neck_status status = neck__tokenizer_json(tokenizer, json->data, json->size);
    if (status == NECK_OK) status = neck__special_tokens(tokenizer, NULL);
    if (status == NECK_OK)
        *out = tokenizer;
    else
        neck_tokenizer_destroy(tokenizer);
    return status;
}

neck_status neck_tokenizer_training_tokenizer(neck_context *context, const neck_tokenizer_training *training,
                                              neck_tokenizer **out)
{
    if (!training || !out) return neck__fail(NECK_E_ARGUMENT, "training or out is NULL");
    const neck__allocator allocator = neck__allocator_of(context);
    neck__buffer json = {.allocator = allocator};
    neck_status status = write_json(training, &json);
    if (status == NECK_OK) status = read_back(&allocator, &json, out);
    neck__buffer_clear(&json);
    return status;
}
