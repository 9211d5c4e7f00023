/* text/bpe_train.h - learning merges from text: words are split off and counted, pairs of symbols in them are counted
 * and queued, and the most frequent pair becomes a token until there are enough. */
#ifndef NECK_TEXT_BPE_TRAIN_H
#define NECK_TEXT_BPE_TRAIN_H

#include "text/growing.h"
#include "text/vocabulary.h"

/* ---- words: a hash table in parts, so that threads can count at the same time, each in a part of its own ---- */

enum { NECK__WORD_PARTS = 8 };

typedef struct neck__word {
    int64_t at;    /* of its bytes in the pool */
    int64_t count; /* 0: an empty slot */
    uint32_t length, hash;
} neck__word;

typedef struct neck__words {
    neck__word *slots;
    int64_t slot_count, used; /* slot_count: a power of two, or 0 */
    int64_t total;            /* words with repetition */
    neck__buffer pool;
} neck__words;

/* The part a word of that hash belongs to. */
static inline int32_t neck__word_part(uint32_t hash)
{
    return (int32_t)(hash >> 29);
}

/* Makes room for that many more words and bytes, so that as many calls of neck__words_add cannot fail. */
neck_status neck__words_reserve(neck__words *words, int64_t count, int64_t bytes);
void neck__words_add(neck__words *words, const unsigned char *bytes, uint32_t length, uint32_t hash);
void neck__words_clear(neck__words *words);

/* ---- splitting: documents into words ---- */

typedef struct neck__word_splitter neck__word_splitter;

/* split: NECK_SPLIT_*. */
neck_status neck__word_splitter_create(const neck__allocator *allocator, int32_t split, neck__word_splitter **out);
void neck__word_splitter_destroy(neck__word_splitter *splitter);

/* Adds the words of a document to the parts. On failure those of some of it have been added. */
neck_status neck__word_splitter_count(neck_context *context, neck__word_splitter *splitter, neck__words *parts,
                                      const unsigned char *text, int64_t size);

/* ---- pairs: how often each occurs, where, and which is the most frequent ---- */

typedef struct neck__pair {
    uint64_t key;  /* left symbol in the upper half, right in the lower */
    int64_t count; /* occurrences; a merge does not take off those it uses up, just as in Hugging Face tokenizers */
    int32_t first, last; /* links to the words it is new in; -1: none */
} neck__pair;

typedef struct neck__pair_link {
    int32_t word, next;
} neck__pair_link;

/* A pair that waits to be merged in the words it was seen in. */
typedef struct neck__waiting {
    int64_t count; /* when it was queued; the pair's own may have changed since */
    uint64_t key;
    int64_t at; /* of its words in the list of places */
    int32_t words, pair;
} neck__waiting;

typedef struct neck__pairs {
    neck__allocator allocator;
    neck__pair *pairs;
    int64_t count, capacity;
    int32_t *slots; /* hash table of indices, -1 where empty */
    int64_t slot_count;
    neck__pair_link *links;
    int64_t link_count, link_capacity;
    int32_t *touched; /* pairs that have links */
    int64_t touched_count, touched_capacity;
    int32_t *places;
    int64_t place_count, place_capacity;
    neck__waiting *queue; /* a heap, the most frequent pair first */
    int64_t queue_count, queue_capacity;
} neck__pairs;

neck_status neck__pairs_init(neck__pairs *pairs, const neck__allocator *allocator);
void neck__pairs_clear(neck__pairs *pairs);

/* A pair occurs by (may be negative) times more, in that word. Words must come in runs. */
neck_status neck__pairs_change(neck__pairs *pairs, int32_t left, int32_t right, int64_t by, int32_t word);

/* Queues the pairs that became more frequent since the last call. */
neck_status neck__pairs_settle(neck__pairs *pairs);

/* Takes the most frequent pair from the queue, of equal ones the smallest key. 0 when the queue is empty. Its words are
 * pairs->places[best->at ...] until the next settling. */
int neck__pairs_best(neck__pairs *pairs, neck__waiting *best);

/* ---- learning ---- */

typedef struct neck__learned_merge {
    int32_t left, right;
} neck__learned_merge;

typedef struct neck__learned {
    neck__vocabulary vocabulary; /* spelled in GPT-2's alphabet */
    neck__learned_merge *merges; /* in order of rank */
    int64_t merge_count, merge_capacity;
} neck__learned;

/* Merges until the vocabulary, which begins with special tokens and the alphabet, has vocab_size tokens or no pair
 * occurs min_frequency times. */
neck_status neck__bpe_learn(neck_context *context, const neck__words *parts, int64_t vocab_size, int64_t min_frequency,
                            neck__learned *learned);

#endif
