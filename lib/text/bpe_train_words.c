/* text/bpe_train_words.c - counting words: open addressing, the words' bytes in one pool. */
#include <string.h>

#include "core/error.h"
#include "text/bpe_train.h"

#define SMALLEST 64

static neck__word *slot_of(const neck__words *words, const unsigned char *bytes, uint32_t length, uint32_t hash)
{
    const uint64_t mask = (uint64_t)words->slot_count - 1;
    for (uint64_t at = hash & mask;; at = (at + 1) & mask) {
        neck__word *slot = &words->slots[at];
        if (slot->count == 0) return slot;
        if (slot->hash == hash && slot->length == length && memcmp(words->pool.data + slot->at, bytes, length) == 0)
            return slot;
    }
}

/* All words are different, so the first empty slot is the right one. */
static void move_slots(neck__words *words, neck__word *to, int64_t slot_count)
{
    const uint64_t mask = (uint64_t)slot_count - 1;
    for (int64_t i = 0; i < words->slot_count; i++) {
        if (words->slots[i].count == 0) continue;
        uint64_t at = words->slots[i].hash & mask;
        while (to[at].count > 0) at = (at + 1) & mask;
        to[at] = words->slots[i];
    }
}

neck_status neck__words_reserve(neck__words *words, int64_t count, int64_t bytes)
{
    const neck__allocator *allocator = &words->pool.allocator;
    int64_t slot_count = words->slot_count > 0 ? words->slot_count : SMALLEST;
    NECK_TRY(neck__buffer_reserve(&words->pool, bytes));
    while (slot_count < 2 * (words->used + count)) slot_count *= 2;
    if (slot_count == words->slot_count) return NECK_OK;
    neck__word *slots = neck__calloc(allocator, slot_count, sizeof *slots, "words");
    if (!slots) return NECK_E_NOMEM;
    move_slots(words, slots, slot_count);
    neck__release(allocator, words->slots);
    words->slots = slots;
    words->slot_count = slot_count;
    return NECK_OK;
}

void neck__words_add(neck__words *words, const unsigned char *bytes, uint32_t length, uint32_t hash)
{
    neck__word *slot = slot_of(words, bytes, length, hash);
    words->total++;
    if (slot->count++ > 0) return;
    slot->at = words->pool.size;
    slot->length = length;
    slot->hash = hash;
    memcpy(words->pool.data + words->pool.size, bytes, length);
    words->pool.size += length;
    words->used++;
}

void neck__words_clear(neck__words *words)
{
    neck__release(&words->pool.allocator, words->slots);
    neck__buffer_clear(&words->pool);
}
