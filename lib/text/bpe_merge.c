/* text/bpe_merge.c - merging the symbols of one word: a linked list of symbols and a heap of pairs. */
#include "text/bpe_merge.h"

#include "core/error.h"

struct neck__symbol {
    int32_t id;             /* -1: merged into the symbol before */
    int32_t previous, next; /* -1: none */
};

struct neck__candidate {
    uint64_t key;   /* rank, then position of the left symbol */
    int32_t merged; /* what the pair was to become: symbols may have changed since */
};

neck_status neck__symbols_begin(neck__bpe_run *run, int64_t room)
{
    run->symbol_count = 0;
    if (room <= run->symbol_capacity) return NECK_OK;
    neck__symbol *grown =
        neck__grown(&run->allocator, run->symbols, 0, room, sizeof *grown, &run->symbol_capacity, "symbols");
    if (!grown) return NECK_E_NOMEM;
    run->symbols = grown;
    return NECK_OK;
}

void neck__symbols_add(neck__bpe_run *run, int32_t id)
{
    const int32_t at = (int32_t)run->symbol_count++;
    run->symbols[at] = (neck__symbol){id, at - 1, -1};
    if (at > 0) run->symbols[at - 1].next = at;
}

static neck_status push(neck__bpe_run *run, neck__candidate candidate)
{
    if (run->heap_count == run->heap_capacity) {
        neck__candidate *grown = neck__grown(&run->allocator, run->heap, run->heap_count, run->heap_count + 1,
                                             sizeof *grown, &run->heap_capacity, "merge candidates");
        if (!grown) return NECK_E_NOMEM;
        run->heap = grown;
    }
    int64_t at = run->heap_count++;
    for (int64_t parent; at > 0 && run->heap[parent = (at - 1) / 2].key > candidate.key; at = parent)
        run->heap[at] = run->heap[parent];
    run->heap[at] = candidate;
    return NECK_OK;
}

static neck__candidate pop(neck__bpe_run *run)
{
    neck__candidate *heap = run->heap;
    const neck__candidate best = heap[0], last = heap[--run->heap_count];
    int64_t at = 0;
    for (int64_t child; (child = 2 * at + 1) < run->heap_count; at = child) {
        if (child + 1 < run->heap_count && heap[child + 1].key < heap[child].key) child++;
        if (heap[child].key >= last.key) break;
        heap[at] = heap[child];
    }
    heap[at] = last;
    return best;
}

/* Offers the pair that begins at a symbol. */
static neck_status offer(neck__bpe_run *run, int32_t at)
{
    const neck__symbol *left = &run->symbols[at];
    if (left->next < 0) return NECK_OK;
    const neck__merge *merge = neck__merges_find(&run->bpe->merges, left->id, run->symbols[left->next].id);
    if (!merge) return NECK_OK;
    return push(run, (neck__candidate){(uint64_t)merge->rank << 32 | (uint32_t)at, merge->merged});
}

/* Non-zero when the symbols still make what the candidate promised. */
static int still_true(const neck__bpe_run *run, const neck__candidate *candidate)
{
    const neck__symbol *left = &run->symbols[(uint32_t)candidate->key];
    if (left->id < 0 || left->next < 0) return 0;
    const neck__merge *merge = neck__merges_find(&run->bpe->merges, left->id, run->symbols[left->next].id);
    return merge && merge->merged == candidate->merged;
}

static neck_status merge_at(neck__bpe_run *run, int32_t at, int32_t merged)
{
    neck__symbol *left = &run->symbols[at], *right = &run->symbols[left->next];
    left->id = merged;
    left->next = right->next;
    right->id = -1;
    if (left->next >= 0) run->symbols[left->next].previous = at;
    if (left->previous >= 0) NECK_TRY(offer(run, left->previous));
    return offer(run, at);
}

neck_status neck__symbols_merge(neck__bpe_run *run)
{
    run->heap_count = 0;
    for (int32_t at = 0; at + 1 < run->symbol_count; at++) NECK_TRY(offer(run, at));
    while (run->heap_count > 0) {
        const neck__candidate best = pop(run);
        if (still_true(run, &best)) NECK_TRY(merge_at(run, (int32_t)(uint32_t)best.key, best.merged));
    }
    return NECK_OK;
}

void neck__symbols_put(neck__bpe_run *run)
{
    for (int64_t at = run->symbol_count > 0 ? 0 : -1; at >= 0; at = run->symbols[at].next)
        neck__bpe_put(run, run->symbols[at].id);
}
