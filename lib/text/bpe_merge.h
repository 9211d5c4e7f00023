/* text/bpe_merge.h - the symbols of one word, and merging them. */
#ifndef NECK_TEXT_BPE_MERGE_H
#define NECK_TEXT_BPE_MERGE_H

#include "text/bpe.h"

/* An empty list with room for that many symbols; adding to it. */
neck_status neck__symbols_begin(neck__bpe_run *run, int64_t room);
void neck__symbols_add(neck__bpe_run *run, int32_t id);

/* Merges neighbours, lowest rank first and leftmost among equals, until none may merge. n log n in their number. */
neck_status neck__symbols_merge(neck__bpe_run *run);

/* Appends what is left to the run's tokens. */
void neck__symbols_put(neck__bpe_run *run);

#endif
