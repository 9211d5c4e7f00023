/* text/merges.c - which pairs of neighbouring tokens become one: a hash table by pair. */
#include "text/merges.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "text/hash.h"

/* Splitting a token of n bytes in all ways costs n^2; real ones have at most some dozens. */
#define SCORED_LENGTH_MAX 1024

static neck_status new_slots(const neck__allocator *allocator, int64_t count, neck__merge **out)
{
    neck__merge *slots = neck__alloc(allocator, count, sizeof *slots, "merges");
    if (!slots) return NECK_E_NOMEM;
    for (int64_t i = 0; i < count; i++) slots[i].left = -1;
    *out = slots;
    return NECK_OK;
}

neck_status neck__merges_init(neck__merges *merges, const neck__allocator *allocator, int64_t expected)
{
    memset(merges, 0, sizeof *merges);
    merges->allocator = *allocator;
    int64_t count = 64;
    while (count < 2 * expected) count *= 2;
    NECK_TRY(new_slots(allocator, count, &merges->slots));
    merges->slot_count = count;
    return NECK_OK;
}

void neck__merges_clear(neck__merges *merges)
{
    neck__release(&merges->allocator, merges->slots);
    merges->slots = NULL;
}

/* The slot of a pair, or the empty one where it belongs. */
static neck__merge *slot_of(const neck__merges *merges, int32_t left, int32_t right)
{
    uint64_t mask = (uint64_t)merges->slot_count - 1;
    uint64_t at = neck__hash_number((uint64_t)(uint32_t)left << 32 | (uint32_t)right) & mask;
    for (;; at = (at + 1) & mask) {
        neck__merge *slot = &merges->slots[at];
        if (slot->left < 0 || (slot->left == left && slot->right == right)) return slot;
    }
}

const neck__merge *neck__merges_find(const neck__merges *merges, int32_t left, int32_t right)
{
    const neck__merge *slot = slot_of(merges, left, right);
    return slot->left < 0 ? NULL : slot;
}

static neck_status double_slots(neck__merges *merges)
{
    neck__merge *old = merges->slots, *slots;
    int64_t old_count = merges->slot_count;
    NECK_TRY(new_slots(&merges->allocator, old_count * 2, &slots));
    merges->slots = slots;
    merges->slot_count = old_count * 2;
    for (int64_t i = 0; i < old_count; i++)
        if (old[i].left >= 0) *slot_of(merges, old[i].left, old[i].right) = old[i];
    neck__release(&merges->allocator, old);
    return NECK_OK;
}

neck_status neck__merges_put(neck__merges *merges, const neck__merge *merge)
{
    if (2 * (merges->used + 1) > merges->slot_count) NECK_TRY(double_slots(merges));
    neck__merge *slot = slot_of(merges, merge->left, merge->right);
    merges->used += slot->left < 0;
    *slot = *merge;
    return NECK_OK;
}

neck_status neck__merges_put_spelled(neck__merges *merges, const neck__vocabulary *vocabulary, const char *left,
                                     int64_t left_length, const char *right, int64_t right_length, int64_t rank)
{
    char joined[4096];
    if (rank > INT32_MAX) return neck__fail(NECK_E_FORMAT, "more than 2^31 merges");
    if (left_length + right_length > (int64_t)sizeof joined)
        return neck__fail(NECK_E_FORMAT, "merge %" PRId64 " makes a token of more than %zu bytes", rank, sizeof joined);
    memcpy(joined, left, (size_t)left_length);
    memcpy(joined + left_length, right, (size_t)right_length);
    const neck__merge merge = {neck__vocabulary_find_model(vocabulary, left, left_length),
                               neck__vocabulary_find_model(vocabulary, right, right_length), (int32_t)rank,
                               neck__vocabulary_find_model(vocabulary, joined, left_length + right_length)};
    if (merge.left < 0 || merge.right < 0 || merge.merged < 0)
        return neck__fail(NECK_E_FORMAT, "merge %" PRId64 ", '%.*s' and '%.*s', is not in the vocabulary", rank,
                          (int)left_length, left, (int)right_length, right);
    return neck__merges_put(merges, &merge);
}

neck_status neck__merges_put_line(neck__merges *merges, const neck__vocabulary *vocabulary, const char *line,
                                  int64_t length, int64_t rank)
{
    const char *space = memchr(line, ' ', (size_t)length);
    const char *end = line + length;
    if (!space || memchr(space + 1, ' ', (size_t)(end - space - 1)))
        return neck__fail(NECK_E_FORMAT, "merge %" PRId64 " is not two tokens with one space between them", rank);
    return neck__merges_put_spelled(merges, vocabulary, line, space - line, space + 1, end - space - 1, rank);
}

typedef struct scored {
    float score;
    int32_t id;
} scored;

static int best_first(const void *a, const void *b)
{
    const scored *x = a, *y = b;
    if (x->score != y->score) return x->score < y->score ? 1 : -1;
    return (x->id > y->id) - (x->id < y->id);
}

/* Every way to make a token of two others. */
static neck_status put_splits(neck__merges *merges, const neck__vocabulary *vocabulary, int32_t id, int32_t rank)
{
    const neck__token *token = neck__vocabulary_token(vocabulary, id);
    const unsigned char *spelling = neck__vocabulary_spelling(vocabulary, token);
    if (token->length > SCORED_LENGTH_MAX)
        return neck__fail(NECK_E_FORMAT, "token %d has %d bytes, more than %d", id, token->length, SCORED_LENGTH_MAX);
    if (neck__vocabulary_find_model(vocabulary, spelling, token->length) != id)
        return NECK_OK; /* a repeated spelling */
    for (int32_t cut = 1; cut < token->length; cut++) {
        const neck__merge merge = {neck__vocabulary_find_model(vocabulary, spelling, cut),
                                   neck__vocabulary_find_model(vocabulary, spelling + cut, token->length - cut), rank,
                                   id};
        if (merge.left >= 0 && merge.right >= 0) NECK_TRY(neck__merges_put(merges, &merge));
    }
    return NECK_OK;
}

neck_status neck__merges_from_scores(neck__merges *merges, const neck__vocabulary *vocabulary, const float *scores)
{
    const neck__allocator *allocator = &merges->allocator;
    scored *order = neck__alloc(allocator, vocabulary->count, sizeof *order, "scores");
    if (!order) return NECK_E_NOMEM;
    int64_t count = 0;
    for (int32_t id = 0; id < vocabulary->count; id++) {
        const neck__token *token = neck__vocabulary_token(vocabulary, id);
        if (token && (token->flags & NECK__TOKEN_MODEL)) order[count++] = (scored){scores[id], id};
    }
    qsort(order, (size_t)count, sizeof *order, best_first);
    neck_status status = NECK_OK;
    int32_t rank = 0;
    for (int64_t i = 0; i < count && status == NECK_OK; i++) {
        if (i > 0 && order[i].score != order[i - 1].score) rank++;
        status = put_splits(merges, vocabulary, order[i].id, rank);
    }
    neck__release(allocator, order);
    return status;
}
