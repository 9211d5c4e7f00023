/* text/vocabulary.c - tokens by number and by spelling. */
#include "text/vocabulary.h"

#include <inttypes.h>
#include <string.h>

#include "core/error.h"
#include "text/hash.h"

/* Numbers may have holes, but not so many that they are a way to ask for memory. */
#define HOLES_PER_TOKEN 4
#define HOLES_ALWAYS 65536

neck_status neck__vocabulary_init(neck__vocabulary *vocabulary, const neck__allocator *allocator, int64_t expected)
{
    memset(vocabulary, 0, sizeof *vocabulary);
    vocabulary->pool.allocator = *allocator;
    int64_t slots = 64;
    while (slots < 2 * expected) slots *= 2;
    vocabulary->slots = neck__alloc(allocator, slots, sizeof *vocabulary->slots, "a vocabulary");
    if (!vocabulary->slots) return NECK_E_NOMEM;
    memset(vocabulary->slots, 0xFF, (size_t)slots * sizeof *vocabulary->slots);
    vocabulary->slot_count = slots;
    return NECK_OK;
}

void neck__vocabulary_clear(neck__vocabulary *vocabulary)
{
    neck__release(&vocabulary->pool.allocator, vocabulary->tokens);
    neck__release(&vocabulary->pool.allocator, vocabulary->slots);
    neck__buffer_clear(&vocabulary->pool);
}

neck__token *neck__vocabulary_token(const neck__vocabulary *vocabulary, int64_t id)
{
    if (id < 0 || id >= vocabulary->count || vocabulary->tokens[id].length < 0) return NULL;
    return &vocabulary->tokens[id];
}

const unsigned char *neck__vocabulary_spelling(const neck__vocabulary *vocabulary, const neck__token *token)
{
    return vocabulary->pool.data + token->at;
}

/* The slot of a spelling, or the empty one where it belongs. */
static int32_t *slot_of(const neck__vocabulary *vocabulary, const void *spelling, int64_t length)
{
    uint64_t mask = (uint64_t)vocabulary->slot_count - 1;
    for (uint64_t at = neck__hash_bytes(spelling, length) & mask;; at = (at + 1) & mask) {
        int32_t id = vocabulary->slots[at];
        if (id < 0) return &vocabulary->slots[at];
        const neck__token *token = &vocabulary->tokens[id];
        if (token->length == length && memcmp(vocabulary->pool.data + token->at, spelling, (size_t)length) == 0)
            return &vocabulary->slots[at];
    }
}

int32_t neck__vocabulary_find(const neck__vocabulary *vocabulary, const void *spelling, int64_t length)
{
    return *slot_of(vocabulary, spelling, length);
}

int32_t neck__vocabulary_find_model(const neck__vocabulary *vocabulary, const void *spelling, int64_t length)
{
    int32_t id = neck__vocabulary_find(vocabulary, spelling, length);
    return id >= 0 && (vocabulary->tokens[id].flags & NECK__TOKEN_MODEL) ? id : -1;
}

static neck_status double_slots(neck__vocabulary *vocabulary)
{
    int64_t count = vocabulary->slot_count * 2;
    int32_t *slots = neck__alloc(&vocabulary->pool.allocator, count, sizeof *slots, "a vocabulary");
    if (!slots) return NECK_E_NOMEM;
    memset(slots, 0xFF, (size_t)count * sizeof *slots);
    int32_t *old = vocabulary->slots;
    int64_t old_count = vocabulary->slot_count;
    vocabulary->slots = slots;
    vocabulary->slot_count = count;
    for (int64_t i = 0; i < old_count; i++) {
        if (old[i] < 0) continue;
        const neck__token *token = &vocabulary->tokens[old[i]];
        *slot_of(vocabulary, vocabulary->pool.data + token->at, token->length) = old[i];
    }
    neck__release(&vocabulary->pool.allocator, old);
    return NECK_OK;
}

/* Makes numbers up to id valid, the new ones unused. */
static neck_status extend(neck__vocabulary *vocabulary, int64_t id)
{
    if (id < vocabulary->count) return NECK_OK;
    if (id >= vocabulary->capacity) {
        neck__token *grown = neck__grown(&vocabulary->pool.allocator, vocabulary->tokens, vocabulary->count, id + 1,
                                         sizeof *grown, &vocabulary->capacity, "tokens");
        if (!grown) return NECK_E_NOMEM;
        vocabulary->tokens = grown;
    }
    for (; vocabulary->count <= id; vocabulary->count++)
        vocabulary->tokens[vocabulary->count] = (neck__token){.length = -1};
    return NECK_OK;
}

neck_status neck__vocabulary_add(neck__vocabulary *vocabulary, int64_t id, const void *spelling, int64_t length,
                                 int32_t flags)
{
    const int64_t expected = vocabulary->slot_count / 2;
    if (id < 0 || id >= INT32_MAX || id >= HOLES_PER_TOKEN * expected + HOLES_ALWAYS)
        return neck__fail(NECK_E_FORMAT, "token number %" PRId64 " in a vocabulary of about %" PRId64 " tokens", id,
                          expected);
    if (neck__vocabulary_token(vocabulary, id)) return neck__fail(NECK_E_FORMAT, "two tokens have number %" PRId64, id);
    if (length > INT32_MAX) return neck__fail(NECK_E_FORMAT, "token %" PRId64 " is longer than 2^31 bytes", id);
    if (2 * (vocabulary->used + 1) > vocabulary->slot_count) NECK_TRY(double_slots(vocabulary));
    NECK_TRY(extend(vocabulary, id));
    int64_t at = vocabulary->pool.size;
    NECK_TRY(neck__buffer_append(&vocabulary->pool, spelling, length));
    int32_t *slot = slot_of(vocabulary, spelling, length);
    vocabulary->tokens[id] = (neck__token){at, (int32_t)length, flags};
    vocabulary->used++;
    if (*slot < 0) *slot = (int32_t)id;
    return NECK_OK;
}
