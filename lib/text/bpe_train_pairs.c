/* text/bpe_train_pairs.c - pairs of symbols: a hash table of counts, and a heap that learns of changed counts only when
 * a pair comes to its top. */
#include <string.h>

#include "core/error.h"
#include "text/bpe_train.h"
#include "text/hash.h"

#define FIRST_SLOTS 4096

static neck_status set_slots(neck__pairs *pairs, int64_t slot_count)
{
    int32_t *slots = neck__alloc(&pairs->allocator, slot_count, sizeof *slots, "pairs");
    if (!slots) return NECK_E_NOMEM;
    memset(slots, 0xFF, (size_t)slot_count * sizeof *slots);
    const uint64_t mask = (uint64_t)slot_count - 1;
    for (int64_t i = 0; i < pairs->count; i++) {
        uint64_t at = neck__hash_number(pairs->pairs[i].key) & mask;
        while (slots[at] >= 0) at = (at + 1) & mask;
        slots[at] = (int32_t)i;
    }
    neck__release(&pairs->allocator, pairs->slots);
    pairs->slots = slots;
    pairs->slot_count = slot_count;
    return NECK_OK;
}

neck_status neck__pairs_init(neck__pairs *pairs, const neck__allocator *allocator)
{
    memset(pairs, 0, sizeof *pairs);
    pairs->allocator = *allocator;
    return set_slots(pairs, FIRST_SLOTS);
}

void neck__pairs_clear(neck__pairs *pairs)
{
    neck__release(&pairs->allocator, pairs->pairs);
    neck__release(&pairs->allocator, pairs->slots);
    neck__release(&pairs->allocator, pairs->links);
    neck__release(&pairs->allocator, pairs->touched);
    neck__release(&pairs->allocator, pairs->places);
    neck__release(&pairs->allocator, pairs->queue);
}

/* Room for extra more items at the end of an array. Lists that are numbered by int32_t stay below 2^31. */
static neck_status reserve(const neck__pairs *pairs, void **items, int64_t used, int64_t extra, int64_t size,
                           int64_t *capacity, int64_t most)
{
    if (used + extra <= *capacity) return NECK_OK;
    if (used + extra > most) return neck__fail(NECK_E_OVERFLOW, "the text has more than 2^31 places for pairs");
    void *grown = neck__grown(&pairs->allocator, *items, used, used + extra, size, capacity, "pairs");
    if (!grown) return NECK_E_NOMEM;
    *items = grown;
    return NECK_OK;
}

/* The index of a pair, which is added when it is new. */
static neck_status find(neck__pairs *pairs, uint64_t key, int32_t *index)
{
    const uint64_t mask = (uint64_t)pairs->slot_count - 1;
    uint64_t at = neck__hash_number(key) & mask;
    for (; pairs->slots[at] >= 0; at = (at + 1) & mask) {
        *index = pairs->slots[at];
        if (pairs->pairs[*index].key == key) return NECK_OK;
    }
    NECK_TRY(reserve(pairs, (void **)&pairs->pairs, pairs->count, 1, sizeof *pairs->pairs, &pairs->capacity,
                     INT32_MAX));
    *index = pairs->slots[at] = (int32_t)pairs->count;
    pairs->pairs[pairs->count++] = (neck__pair){.key = key, .first = -1, .last = -1};
    return 2 * pairs->count > pairs->slot_count ? set_slots(pairs, 2 * pairs->slot_count) : NECK_OK;
}

static neck_status link_word(neck__pairs *pairs, int32_t index, int32_t word)
{
    neck__pair *pair = &pairs->pairs[index];
    if (pair->last >= 0 && pairs->links[pair->last].word == word) return NECK_OK;
    NECK_TRY(reserve(pairs, (void **)&pairs->links, pairs->link_count, 1, sizeof *pairs->links,
                     &pairs->link_capacity, INT32_MAX));
    const int32_t added = (int32_t)pairs->link_count++;
    pairs->links[added] = (neck__pair_link){word, -1};
    if (pair->last >= 0) {
        pairs->links[pair->last].next = added;
    } else {
        NECK_TRY(reserve(pairs, (void **)&pairs->touched, pairs->touched_count, 1, sizeof *pairs->touched,
                         &pairs->touched_capacity, INT32_MAX));
        pairs->touched[pairs->touched_count++] = index;
        pair->first = added;
    }
    pair->last = added;
    return NECK_OK;
}

neck_status neck__pairs_change(neck__pairs *pairs, int32_t left, int32_t right, int64_t by, int32_t word)
{
    int32_t index;
    NECK_TRY(find(pairs, (uint64_t)(uint32_t)left << 32 | (uint32_t)right, &index));
    pairs->pairs[index].count += by;
    return by > 0 ? link_word(pairs, index, word) : NECK_OK;
}

/* ---- the queue ---- */

static int goes_before(const neck__waiting *a, const neck__waiting *b)
{
    return a->count != b->count ? a->count > b->count : a->key < b->key;
}

static void sift_up(neck__pairs *pairs, int64_t at, neck__waiting entry)
{
    neck__waiting *queue = pairs->queue;
    for (int64_t parent; at > 0 && goes_before(&entry, &queue[parent = (at - 1) / 2]); at = parent)
        queue[at] = queue[parent];
    queue[at] = entry;
}

/* Puts an entry in place of the first. */
static void sift_down(neck__pairs *pairs, neck__waiting entry)
{
    neck__waiting *queue = pairs->queue;
    int64_t at = 0;
    for (int64_t child; (child = 2 * at + 1) < pairs->queue_count; at = child) {
        if (child + 1 < pairs->queue_count && goes_before(&queue[child + 1], &queue[child])) child++;
        if (!goes_before(&queue[child], &entry)) break;
        queue[at] = queue[child];
    }
    queue[at] = entry;
}

/* Moves the words linked to a pair to the list of places and queues the pair with them. */
static neck_status queue_pair(neck__pairs *pairs, int32_t index)
{
    neck__pair *pair = &pairs->pairs[index];
    neck__waiting entry = {.count = pair->count, .key = pair->key, .at = pairs->place_count, .pair = index};
    int32_t link = pair->first;
    pair->first = pair->last = -1;
    if (entry.count <= 0) return NECK_OK;
    for (; link >= 0; link = pairs->links[link].next, entry.words++) {
        NECK_TRY(reserve(pairs, (void **)&pairs->places, pairs->place_count, 1, sizeof *pairs->places,
                         &pairs->place_capacity, INT64_MAX));
        pairs->places[pairs->place_count++] = pairs->links[link].word;
    }
    NECK_TRY(reserve(pairs, (void **)&pairs->queue, pairs->queue_count, 1, sizeof *pairs->queue,
                     &pairs->queue_capacity, INT64_MAX));
    sift_up(pairs, pairs->queue_count++, entry);
    return NECK_OK;
}

neck_status neck__pairs_settle(neck__pairs *pairs)
{
    for (int64_t i = 0; i < pairs->touched_count; i++) NECK_TRY(queue_pair(pairs, pairs->touched[i]));
    pairs->touched_count = pairs->link_count = 0;
    return NECK_OK;
}

int neck__pairs_best(neck__pairs *pairs, neck__waiting *best)
{
    while (pairs->queue_count > 0) {
        neck__waiting top = pairs->queue[0];
        const int64_t count = pairs->pairs[top.pair].count;
        if (top.count == count) {
            *best = top;
            const neck__waiting last = pairs->queue[--pairs->queue_count];
            if (pairs->queue_count > 0) sift_down(pairs, last);
            return 1;
        }
        top.count = count;
        sift_down(pairs, top);
    }
    return 0;
}
