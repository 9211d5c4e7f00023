/* ngram/sorted.h - n-grams in increasing order, equal ones side by side. */
#ifndef NECK_NGRAM_SORTED_H
#define NECK_NGRAM_SORTED_H

#include <stdint.h>

#include "ngram/key.h"

typedef struct neck__sorted {
    neck__key_form form;  /* of the keys: of whole n-grams, or of what follows their first token */
    const uint64_t *keys;
    int64_t count;
    int64_t successors; /* distinct last tokens; 0: not known */
    uint32_t *ends; /* then: of each first token, where its n-grams end. NULL: keys are whole */
} neck__sorted;

/* Where the n-grams of a group end; whole keys are one group. */
static inline int64_t neck__sorted_end(const neck__sorted *sorted, int64_t group)
{
    return sorted->ends ? sorted->ends[group] : sorted->count;
}

/* The group of the n-gram at a place, which there is. */
static inline int64_t neck__sorted_group(const neck__sorted *sorted, int64_t at)
{
    if (!sorted->ends) return 0;
    int64_t low = 0, high = (int64_t)sorted->form.token_mask;
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (sorted->ends[middle] > at) high = middle;
        else low = middle + 1;
    }
    return low;
}

#endif
