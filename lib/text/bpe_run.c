/* text/bpe_run.c - from a piece of text to tokens: cut, remember, split into symbols. */
#include <inttypes.h>
#include <string.h>

#include "core/error.h"
#include "text/bpe_merge.h"
#include "text/characters.h"
#include "text/hash.h"

/* A word and its tokens in one cache line. Longer words are not remembered. */
struct neck__remembered {
    unsigned char length; /* 0: empty */
    unsigned char count;
    unsigned char word[30];
    int32_t ids[8];
};

#define REMEMBERED_MAX 16384 /* 1 MiB */

neck_status neck__bpe_begin(neck__bpe_run *run, const neck__bpe *bpe, const neck__allocator *allocator,
                            int64_t text_size, int32_t *ids, int64_t capacity)
{
    memset(run, 0, sizeof *run);
    run->bpe = bpe;
    run->allocator = run->spelled.allocator = *allocator;
    run->ids = ids;
    run->capacity = capacity;
    int64_t words = 16;
    while (words < REMEMBERED_MAX && words * 8 < text_size) words *= 2;
    run->cache = neck__calloc(allocator, words, sizeof *run->cache, "words");
    if (!run->cache) return NECK_E_NOMEM;
    run->cache_mask = (uint64_t)words - 1;
    return NECK_OK;
}

void neck__bpe_end(neck__bpe_run *run)
{
    neck__release(&run->allocator, run->cache);
    neck__release(&run->allocator, run->symbols);
    neck__release(&run->allocator, run->heap);
    neck__buffer_clear(&run->spelled);
}

void neck__bpe_put(neck__bpe_run *run, int32_t id)
{
    if (run->count < run->capacity) run->ids[run->count] = id;
    run->count++;
}

/* Adds the tokens of a character's bytes, if all have one. */
static int add_bytes(neck__bpe_run *run, const unsigned char *bytes, int64_t length)
{
    const int32_t *tokens = run->bpe->bytes;
    for (int64_t i = 0; i < length; i++)
        if (tokens[bytes[i]] < 0) return 0;
    for (int64_t i = 0; i < length; i++) neck__symbols_add(run, tokens[bytes[i]]);
    return 1;
}

/* Length of the symbol at bytes and its token, -1 when it has none. */
static int64_t next_symbol(const neck__bpe *bpe, const unsigned char *bytes, int64_t size, int32_t *id)
{
    if (bpe->byte_level || bytes[0] < 0x80) {
        *id = bpe->singles[bytes[0]];
        return 1;
    }
    int32_t code;
    int64_t length = neck__character(bytes, size, &code);
    *id = code < 0 ? -1 : neck__vocabulary_find_model(&bpe->vocabulary, bytes, length);
    return length;
}

/* Splits a word into symbols. The order of an unknown token and of bytes behind it is that of Hugging Face tokenizers:
 * the unknown token waits for the next known one. */
static neck_status split_word(neck__bpe_run *run, const unsigned char *bytes, int64_t size)
{
    const neck__bpe *bpe = run->bpe;
    int waiting = 0;
    NECK_TRY(neck__symbols_begin(run, size));
    for (int64_t at = 0; at < size;) {
        int32_t id;
        int64_t length = next_symbol(bpe, bytes + at, size - at, &id);
        if (id >= 0) {
            if (waiting) neck__symbols_add(run, bpe->unknown);
            waiting = 0;
            neck__symbols_add(run, id);
        } else if (!(bpe->byte_fallback && add_bytes(run, bytes + at, length)) && bpe->unknown >= 0) {
            if (waiting && !bpe->fuse_unknown) neck__symbols_add(run, bpe->unknown);
            waiting = 1;
        }
        at += length;
    }
    if (waiting) neck__symbols_add(run, bpe->unknown);
    return NECK_OK;
}

/* The token spelled like the whole word, -1: none. */
static neck_status find_whole(neck__bpe_run *run, const unsigned char *bytes, int64_t size, int32_t *id)
{
    const neck__vocabulary *vocabulary = &run->bpe->vocabulary;
    if (!run->bpe->byte_level) {
        *id = neck__vocabulary_find_model(vocabulary, bytes, size);
        return NECK_OK;
    }
    run->spelled.size = 0;
    NECK_TRY(neck__buffer_reserve(&run->spelled, size * NECK__SPELLED_MAX));
    for (int64_t i = 0; i < size; i++)
        run->spelled.size += neck__byte_spell(bytes[i], run->spelled.data + run->spelled.size);
    *id = neck__vocabulary_find_model(vocabulary, run->spelled.data, run->spelled.size);
    return NECK_OK;
}

static neck_status encode_word(neck__bpe_run *run, const unsigned char *bytes, int64_t size)
{
    int32_t whole = -1;
    if (run->bpe->whole_words) NECK_TRY(find_whole(run, bytes, size, &whole));
    if (whole >= 0) {
        neck__bpe_put(run, whole);
        return NECK_OK;
    }
    NECK_TRY(split_word(run, bytes, size));
    NECK_TRY(neck__symbols_merge(run));
    neck__symbols_put(run);
    return NECK_OK;
}

/* Keeps the tokens put since first, if they fit and the caller had room for them. */
static void remember(neck__bpe_run *run, neck__remembered *entry, const unsigned char *bytes, int64_t size,
                     int64_t first)
{
    int64_t count = run->count - first;
    if (run->count > run->capacity || count > (int64_t)(sizeof entry->ids / sizeof *entry->ids)) return;
    entry->length = (unsigned char)size;
    entry->count = (unsigned char)count;
    memcpy(entry->word, bytes, (size_t)size);
    memcpy(entry->ids, run->ids + first, (size_t)count * sizeof *entry->ids);
}

static neck_status put_word(neck__bpe_run *run, const unsigned char *bytes, int64_t size)
{
    if (size > (int64_t)sizeof run->cache->word) return encode_word(run, bytes, size);
    neck__remembered *entry = &run->cache[neck__hash_bytes(bytes, size) & run->cache_mask];
    if (entry->length == size && memcmp(entry->word, bytes, (size_t)size) == 0) {
        for (int i = 0; i < entry->count; i++) neck__bpe_put(run, entry->ids[i]);
        return NECK_OK;
    }
    int64_t first = run->count;
    NECK_TRY(encode_word(run, bytes, size));
    remember(run, entry, bytes, size, first);
    return NECK_OK;
}

/* Where the word at bytes ends: before the next space that has no space before it. */
static int64_t word_length(const neck__bpe *bpe, const unsigned char *bytes, int64_t size)
{
    const int64_t length = bpe->space_length;
    int64_t at = 0;
    while (size - at >= length && memcmp(bytes + at, bpe->space, (size_t)length) == 0) at += length;
    for (; at < size; at++) {
        const unsigned char *found = memchr(bytes + at, bpe->space[0], (size_t)(size - at));
        if (!found) return size;
        at = found - bytes;
        if (at > 0 && size - at >= length && memcmp(found, bpe->space, (size_t)length) == 0) return at;
    }
    return size;
}

neck_status neck__bpe_piece(neck__bpe_run *run, const unsigned char *bytes, int64_t size)
{
    for (int64_t at = 0; at < size;) {
        int64_t length = run->bpe->space_length > 0 ? word_length(run->bpe, bytes + at, size - at) : size - at;
        if (length > INT32_MAX)
            return neck__fail(NECK_E_OVERFLOW, "a word of %" PRId64 " bytes: 2^31 are the most", length);
        NECK_TRY(put_word(run, bytes + at, length));
        at += length;
    }
    return NECK_OK;
}
