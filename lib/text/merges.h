/* text/merges.h - which pairs of neighbouring tokens become one, and in which order. */
#ifndef NECK_TEXT_MERGES_H
#define NECK_TEXT_MERGES_H

#include "text/vocabulary.h"

typedef struct neck__merge {
    int32_t left, right; /* left is -1 in an empty slot */
    int32_t rank;        /* lower goes first; among equals the leftmost pair of the text */
    int32_t merged;
} neck__merge;

typedef struct neck__merges {
    neck__allocator allocator;
    neck__merge *slots;
    int64_t slot_count, used;
} neck__merges;

neck_status neck__merges_init(neck__merges *merges, const neck__allocator *allocator, int64_t expected);
void neck__merges_clear(neck__merges *merges);

/* Adds a pair; one that is there already gets the new rank, as in Hugging Face tokenizers. */
neck_status neck__merges_put(neck__merges *merges, const neck__merge *merge);

/* The merge of a pair by the spellings of both: the merged token is spelled like both together. All three must be
 * tokens of the model. Errors: NECK_E_FORMAT, NECK_E_NOMEM. */
neck_status neck__merges_put_spelled(neck__merges *merges, const neck__vocabulary *vocabulary, const char *left,
                                     int64_t left_length, const char *right, int64_t right_length, int64_t rank);

/* The same for a line "LEFT RIGHT" with one space. */
neck_status neck__merges_put_line(neck__merges *merges, const neck__vocabulary *vocabulary, const char *line,
                                  int64_t length, int64_t rank);

/* The merges of a vocabulary whose tokens have scores: any pair may merge whose spellings together are a token, that of
 * the best score first. scores has one entry per number. */
neck_status neck__merges_from_scores(neck__merges *merges, const neck__vocabulary *vocabulary, const float *scores);

/* NULL when the pair stays apart. */
const neck__merge *neck__merges_find(const neck__merges *merges, int32_t left, int32_t right);

#endif
