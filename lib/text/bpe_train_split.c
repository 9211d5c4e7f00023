/* text/bpe_train_split.c - documents into words, in rounds: threads split stretches of the text into pieces, each into
 * a list of its own, then count the pieces, each those of one part of the table. Which thread does what changes
 * nothing. */
#include <inttypes.h>
#include <string.h>

#include "core/context.h"
#include "core/error.h"
#include "core/parallel.h"
#include "softneck/tokenizer_training.h"
#include "text/bpe_train.h"
#include "text/characters.h"
#include "text/hash.h"
#include "text/pretokenizer.h"

enum {
    STRETCHES = 16,
    STRETCH_BYTES = 65536, /* or more, up to the next place where text may be cut */
    PIECES = 32768,        /* a stretch with more is gone on with in the next round */
    MESSAGE_SIZE = 256
};

/* What a piece function returns when its list is full: no failure, and no neck_status. */
#define LIST_FULL 1

typedef struct piece {
    uint32_t length, hash;
} piece;

typedef struct stretch {
    const unsigned char *text;
    int64_t begin, end;  /* what is still to be split */
    int64_t valid;       /* up to here the text is well-formed UTF-8 */
    int64_t first;       /* where the pieces begin; they follow each other without a gap */
    piece *pieces;
    int64_t count;
    int64_t part_count[NECK__WORD_PARTS], part_bytes[NECK__WORD_PARTS];
    neck__splitting splitting;
    neck_status status;
    char message[MESSAGE_SIZE]; /* messages belong to threads: this one travels to the caller's */
} stretch;

struct neck__word_splitter {
    neck__allocator allocator;
    neck__pretokenizer pretokenizer;
    int32_t whole; /* a document is one stretch */
    piece *pieces;
    stretch stretches[STRETCHES];
    neck__words *parts; /* of the call */
};

/* ---- splitting a stretch ---- */

static neck_status put_piece(void *user, const unsigned char *bytes, int64_t size)
{
    stretch *s = user;
    if (s->count == PIECES) return LIST_FULL;
    if (size > INT32_MAX)
        return neck__fail(NECK_E_OVERFLOW, "a word of %" PRId64 " bytes: 2^31 are the most", size);
    const piece found = {(uint32_t)size, (uint32_t)neck__hash_bytes(bytes, size)};
    s->pieces[s->count++] = found;
    s->part_count[neck__word_part(found.hash)]++;
    s->part_bytes[neck__word_part(found.hash)] += size;
    s->begin += size;
    return NECK_OK;
}

/* Bytes that are not UTF-8 are a piece, as when text is encoded. */
static neck_status put_bad_bytes(stretch *s)
{
    int64_t at = s->begin;
    while (at < s->end && neck__valid_length(s->text + at, s->end - at < 4 ? s->end - at : 4) == 0) at++;
    return put_piece(s, s->text + s->begin, at - s->begin);
}

/* A piece begins the same way whatever came before it, so splitting may stop and go on at any of them. */
static neck_status split_on(stretch *s)
{
    if (s->begin >= s->valid) s->valid = s->begin + neck__valid_length(s->text + s->begin, s->end - s->begin);
    if (s->begin == s->valid) return put_bad_bytes(s);
    return neck__pretokenize(&s->splitting, s->text + s->begin, s->valid - s->begin, 0);
}

static void split_task(void *data, int64_t index)
{
    stretch *s = &((neck__word_splitter *)data)->stretches[index];
    neck_status status = NECK_OK;
    s->count = 0;
    s->first = s->begin;
    memset(s->part_count, 0, sizeof s->part_count);
    memset(s->part_bytes, 0, sizeof s->part_bytes);
    while (s->begin < s->end && status == NECK_OK) status = split_on(s);
    s->status = status == LIST_FULL ? NECK_OK : status;
    if (s->status != NECK_OK) neck_last_error_copy(s->message, sizeof s->message);
}

/* ---- counting the pieces ---- */

static void count_task(void *data, int64_t index)
{
    const neck__word_splitter *splitter = data;
    neck__words *words = &splitter->parts[index];
    for (int i = 0; i < STRETCHES; i++) {
        const stretch *s = &splitter->stretches[i];
        const unsigned char *bytes = s->text + s->first;
        for (int64_t k = 0; k < s->count; bytes += s->pieces[k++].length)
            if (neck__word_part(s->pieces[k].hash) == index)
                neck__words_add(words, bytes, s->pieces[k].length, s->pieces[k].hash);
    }
}

static neck_status make_room(const neck__word_splitter *splitter)
{
    for (int part = 0; part < NECK__WORD_PARTS; part++) {
        int64_t count = 0, bytes = 0;
        for (int i = 0; i < STRETCHES; i++) {
            count += splitter->stretches[i].part_count[part];
            bytes += splitter->stretches[i].part_bytes[part];
        }
        NECK_TRY(neck__words_reserve(&splitter->parts[part], count, bytes));
    }
    return NECK_OK;
}

/* ---- rounds ---- */

static int is_alphanumeric(unsigned char byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z');
}

/* Where a stretch from begin on may end: between a letter or digit and white space every expression splits, and none
 * looks back across it. */
static int64_t cut(const neck__word_splitter *splitter, const unsigned char *text, int64_t size, int64_t begin)
{
    if (splitter->whole || size - begin <= STRETCH_BYTES) return size;
    for (int64_t at = begin + STRETCH_BYTES; at < size; at++)
        if ((text[at] == ' ' || text[at] == '\n') && is_alphanumeric(text[at - 1])) return at;
    return size;
}

/* Gives stretches that are done the next of the text; returns where the rest begins. */
static int64_t deal(neck__word_splitter *splitter, const unsigned char *text, int64_t size, int64_t next)
{
    for (int i = 0; i < STRETCHES; i++) {
        stretch *s = &splitter->stretches[i];
        if (s->begin < s->end) continue;
        s->text = text;
        s->begin = s->valid = next;
        s->end = next = cut(splitter, text, size, next);
    }
    return next;
}

static int64_t left_over(const neck__word_splitter *splitter)
{
    int64_t bytes = 0;
    for (int i = 0; i < STRETCHES; i++) bytes += splitter->stretches[i].end - splitter->stretches[i].begin;
    return bytes;
}

static neck_status run_round(neck_context *context, neck__word_splitter *splitter)
{
    neck__parallel(context, STRETCHES, split_task, splitter);
    for (int i = 0; i < STRETCHES; i++)
        if (splitter->stretches[i].status != NECK_OK)
            return neck__fail(splitter->stretches[i].status, "%s", splitter->stretches[i].message);
    NECK_TRY(make_room(splitter));
    neck__parallel(context, NECK__WORD_PARTS, count_task, splitter);
    return NECK_OK;
}

neck_status neck__word_splitter_count(neck_context *context, neck__word_splitter *splitter, neck__words *parts,
                                      const unsigned char *text, int64_t size)
{
    splitter->parts = parts;
    for (int i = 0; i < STRETCHES; i++) splitter->stretches[i].begin = splitter->stretches[i].end = 0;
    for (int64_t next = 0, done = 0; done < size;) {
        next = deal(splitter, text, size, next);
        NECK_TRY(run_round(context, splitter));
        done = next - left_over(splitter);
        NECK_TRY(neck__progress(context, "counting words", "bytes", done, size));
    }
    return NECK_OK;
}

/* ---- the splitter ---- */

static neck_status add_expression(neck__pretokenizer *pretokenizer, int32_t split)
{
    static const char *const expressions[] = {[NECK_SPLIT_GPT2] = neck__pattern_gpt2,
                                              [NECK_SPLIT_LLAMA3] = neck__pattern_llama3,
                                              [NECK_SPLIT_QWEN2] = neck__pattern_qwen2};
    if (split == NECK_SPLIT_NONE) return NECK_OK;
    return neck__pretokenizer_split(pretokenizer, expressions[split], (int64_t)strlen(expressions[split]), 0,
                                    NECK__SPLIT_ISOLATED, 0);
}

static neck_status fill(neck__word_splitter *splitter, int32_t split)
{
    NECK_TRY(add_expression(&splitter->pretokenizer, split));
    splitter->pieces = neck__alloc(&splitter->allocator, STRETCHES * PIECES, sizeof *splitter->pieces, "words");
    if (!splitter->pieces) return NECK_E_NOMEM;
    for (int i = 0; i < STRETCHES; i++) {
        stretch *s = &splitter->stretches[i];
        s->pieces = splitter->pieces + i * PIECES;
        NECK_TRY(neck__splitting_begin(&s->splitting, &splitter->pretokenizer, &splitter->pretokenizer.allocator,
                                       put_piece, s));
    }
    return NECK_OK;
}

neck_status neck__word_splitter_create(const neck__allocator *allocator, int32_t split, neck__word_splitter **out)
{
    neck__word_splitter *splitter = neck__calloc(allocator, 1, sizeof *splitter, "splitting text");
    if (!splitter) return NECK_E_NOMEM;
    splitter->allocator = *allocator;
    /* Matching may take memory on any thread; a context's allocator is for the caller's alone. */
    splitter->pretokenizer.allocator = neck__allocator_of(NULL);
    splitter->whole = split == NECK_SPLIT_NONE;
    neck_status status = fill(splitter, split);
    if (status == NECK_OK)
        *out = splitter;
    else
        neck__word_splitter_destroy(splitter);
    return status;
}

void neck__word_splitter_destroy(neck__word_splitter *splitter)
{
    if (!splitter) return;
    for (int i = 0; i < STRETCHES; i++) neck__splitting_end(&splitter->stretches[i].splitting);
    neck__pretokenizer_clear(&splitter->pretokenizer);
    neck__allocator allocator = splitter->allocator;
    neck__release(&allocator, splitter->pieces);
    neck__release(&allocator, splitter);
}
