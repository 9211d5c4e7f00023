/* text/bpe_train_merge.c - the learning loop: the most frequent pair becomes a token wherever it occurs. */
#include <string.h>

#include "core/context.h"
#include "core/error.h"
#include "text/bpe_train.h"
#include "text/characters.h"

#define PROGRESS_EVERY 64 /* merges */

/* A word as symbols, which merges make fewer. */
typedef struct spelled_word {
    int64_t at, count;
    int32_t length;
} spelled_word;

typedef struct learning {
    neck__allocator allocator;
    neck__learned *learned;
    neck__pairs pairs;
    spelled_word *words;
    int64_t word_count;
    int32_t *symbols;
    neck__buffer spelling;
} learning;

/* ---- words into symbols ---- */

static neck_status symbols_of_bytes(const neck__vocabulary *vocabulary, int32_t symbols[256])
{
    for (int byte = 0; byte < 256; byte++) {
        unsigned char spelled[NECK__SPELLED_MAX];
        symbols[byte] = neck__vocabulary_find(vocabulary, spelled, neck__byte_spell((unsigned char)byte, spelled));
        if (symbols[byte] < 0) return neck__fail(NECK_E_INTERNAL, "byte %d has no token", byte);
    }
    return NECK_OK;
}

static neck_status make_room(learning *l, const neck__words *parts)
{
    int64_t words = 0, bytes = 0;
    for (int i = 0; i < NECK__WORD_PARTS; i++) {
        words += parts[i].used;
        bytes += parts[i].pool.size;
    }
    if (words > INT32_MAX) return neck__fail(NECK_E_OVERFLOW, "more than 2^31 different words");
    l->words = neck__alloc(&l->allocator, words, sizeof *l->words, "words");
    l->symbols = neck__alloc(&l->allocator, bytes, sizeof *l->symbols, "words");
    return l->words && l->symbols ? NECK_OK : NECK_E_NOMEM;
}

static neck_status spell_words(learning *l, const neck__words *parts)
{
    int32_t symbol_of[256];
    int64_t at = 0;
    NECK_TRY(symbols_of_bytes(&l->learned->vocabulary, symbol_of));
    NECK_TRY(make_room(l, parts));
    for (int part = 0; part < NECK__WORD_PARTS; part++) {
        for (int64_t i = 0; i < parts[part].slot_count; i++) {
            const neck__word *word = &parts[part].slots[i];
            const unsigned char *bytes = parts[part].pool.data + word->at;
            if (word->count == 0) continue;
            l->words[l->word_count++] = (spelled_word){at, word->count, (int32_t)word->length};
            for (uint32_t k = 0; k < word->length; k++) l->symbols[at++] = symbol_of[bytes[k]];
        }
    }
    return NECK_OK;
}

static neck_status count_pairs(learning *l)
{
    for (int64_t i = 0; i < l->word_count; i++) {
        const spelled_word *word = &l->words[i];
        const int32_t *symbols = l->symbols + word->at;
        for (int32_t k = 0; k + 1 < word->length; k++)
            NECK_TRY(neck__pairs_change(&l->pairs, symbols[k], symbols[k + 1], word->count, (int32_t)i));
    }
    return neck__pairs_settle(&l->pairs);
}

/* ---- merging ---- */

/* Merges a pair in a word from left to right, and tells which pairs come and go around it. */
static neck_status merge_in_word(learning *l, int32_t index, neck__learned_merge merge, int32_t merged)
{
    spelled_word *word = &l->words[index];
    int32_t *symbols = l->symbols + word->at, kept = 0;
    for (int32_t i = 0; i < word->length;) {
        if (symbols[i] != merge.left || i + 1 == word->length || symbols[i + 1] != merge.right) {
            symbols[kept++] = symbols[i++];
            continue;
        }
        if (kept > 0) {
            const int32_t before = symbols[kept - 1];
            NECK_TRY(neck__pairs_change(&l->pairs, before, merge.left, -word->count, index));
            NECK_TRY(neck__pairs_change(&l->pairs, before, merged, word->count, index));
        }
        symbols[kept++] = merged;
        i += 2;
        if (i < word->length) {
            NECK_TRY(neck__pairs_change(&l->pairs, merge.right, symbols[i], -word->count, index));
            NECK_TRY(neck__pairs_change(&l->pairs, merged, symbols[i], word->count, index));
        }
    }
    word->length = kept;
    return NECK_OK;
}

static neck_status append_spelling(learning *l, int32_t id)
{
    const neck__vocabulary *vocabulary = &l->learned->vocabulary;
    const neck__token *token = neck__vocabulary_token(vocabulary, id);
    return neck__buffer_append(&l->spelling, neck__vocabulary_spelling(vocabulary, token), token->length);
}

/* The token spelled like both halves together: a special token may be. */
static neck_status merged_token(learning *l, neck__learned_merge merge, int32_t *id)
{
    neck__vocabulary *vocabulary = &l->learned->vocabulary;
    l->spelling.size = 0;
    NECK_TRY(append_spelling(l, merge.left));
    NECK_TRY(append_spelling(l, merge.right));
    *id = neck__vocabulary_find(vocabulary, l->spelling.data, l->spelling.size);
    if (*id >= 0) return NECK_OK;
    *id = (int32_t)vocabulary->count;
    return neck__vocabulary_add(vocabulary, *id, l->spelling.data, l->spelling.size, NECK__TOKEN_MODEL);
}

static neck_status add_merge(learning *l, neck__learned_merge merge)
{
    neck__learned *learned = l->learned;
    if (learned->merge_count == learned->merge_capacity) {
        neck__learned_merge *grown = neck__grown(&l->allocator, learned->merges, learned->merge_count,
                                                 learned->merge_count + 1, sizeof *grown, &learned->merge_capacity,
                                                 "merges");
        if (!grown) return NECK_E_NOMEM;
        learned->merges = grown;
    }
    learned->merges[learned->merge_count++] = merge;
    return NECK_OK;
}

static neck_status merge_pair(learning *l, const neck__waiting *best)
{
    const neck__learned_merge merge = {(int32_t)(best->key >> 32), (int32_t)(uint32_t)best->key};
    int32_t merged;
    NECK_TRY(merged_token(l, merge, &merged));
    NECK_TRY(add_merge(l, merge));
    for (int32_t i = 0; i < best->words; i++)
        NECK_TRY(merge_in_word(l, l->pairs.places[best->at + i], merge, merged));
    return neck__pairs_settle(&l->pairs);
}

static neck_status learn(neck_context *context, learning *l, int64_t vocab_size, int64_t min_frequency)
{
    const neck__vocabulary *vocabulary = &l->learned->vocabulary;
    neck__waiting best;
    for (int64_t round = 0; vocabulary->used < vocab_size && neck__pairs_best(&l->pairs, &best); round++) {
        if (best.count < 1 || best.count < min_frequency) break;
        NECK_TRY(merge_pair(l, &best));
        if (round % PROGRESS_EVERY == 0)
            NECK_TRY(neck__progress(context, "merging", "tokens", vocabulary->used, vocab_size));
    }
    return NECK_OK;
}

neck_status neck__bpe_learn(neck_context *context, const neck__words *parts, int64_t vocab_size, int64_t min_frequency,
                            neck__learned *learned)
{
    const neck__allocator allocator = neck__allocator_of(context);
    learning l = {.allocator = allocator, .learned = learned, .spelling.allocator = allocator};
    neck_status status = neck__pairs_init(&l.pairs, &allocator);
    if (status == NECK_OK) status = spell_words(&l, parts);
    if (status == NECK_OK) status = count_pairs(&l);
    if (status == NECK_OK) status = learn(context, &l, vocab_size, min_frequency);
    neck__pairs_clear(&l.pairs);
    neck__buffer_clear(&l.spelling);
    neck__release(&allocator, l.words);
    neck__release(&allocator, l.symbols);
    return status;
}
