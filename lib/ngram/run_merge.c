/* ngram/run_merge.c - merging by a tree of losers: each inner node keeps the stream that lost there, so that the next
 * winner is found by playing against the nodes above one leaf only (Knuth, The Art of Computer Programming 3,
 * 5.4.1). */
#include "ngram/run_merge.h"

#include "core/error.h"

#define TOLD_EVERY (1 << 20) /* n-grams between two reports */

typedef struct loser_tree {
    const neck__tally_stream *streams;
    int64_t count;
    int32_t *losers; /* of node 1 .. count - 1, whose children are 2n and 2n + 1; stream i is the leaf count + i;
                        [0]: the winner */
} loser_tree;

/* An exhausted stream loses against all others; among equals the order does not matter. */
static int beats(const loser_tree *tree, int32_t a, int32_t b)
{
    const neck__tally_stream *left = &tree->streams[a], *right = &tree->streams[b];
    if (left->done || right->done) return !left->done;
    return neck__key_less(left->form, left->key, right->key);
}

/* The winner below a node, whose losers are filled in. */
static int32_t play(loser_tree *tree, int64_t node)
{
    if (node >= tree->count) return (int32_t)(node - tree->count);
    const int32_t a = play(tree, 2 * node), b = play(tree, 2 * node + 1);
    const int first = beats(tree, a, b);
    tree->losers[node] = first ? b : a;
    return first ? a : b;
}

/* The winner's stream has moved on. */
static void replay(loser_tree *tree)
{
    int32_t winner = tree->losers[0];
    for (int64_t node = (tree->count + winner) / 2; node > 0; node /= 2) {
        if (!beats(tree, tree->losers[node], winner)) continue;
        const int32_t other = tree->losers[node];
        tree->losers[node] = winner;
        winner = other;
    }
    tree->losers[0] = winner;
}

/* Everything that is equal to the smallest n-gram, as one. */
static neck_status append_smallest(loser_tree *tree, neck__tally_stream *streams, int64_t *taken,
                                   neck__run_writer *writer)
{
    const neck__key_form *form = streams->form;
    uint64_t key[NECK__KEY_WORDS];
    int64_t sum = 0;
    neck__tally_stream *stream = &streams[tree->losers[0]];
    neck__key_copy(form, key, stream->key);
    do {
        if (!neck__add(sum, stream->count, &sum)) return neck__fail(NECK_E_FORMAT, "an n-gram occurs 2^63 times");
        NECK_TRY(neck__tally_stream_next(stream));
        ++*taken;
        replay(tree);
        stream = &streams[tree->losers[0]];
    } while (!stream->done && neck__key_equal(form, stream->key, key));
    return neck__run_append(writer, key, sum);
}

neck_status neck__run_merge(neck_context *context, neck__tally_stream *streams, int64_t count, int64_t total,
                            neck__run_writer *writer)
{
    const neck__allocator allocator = neck__allocator_of(context);
    loser_tree tree = {.streams = streams, .count = count};
    tree.losers = neck__alloc(&allocator, count, sizeof *tree.losers, "a merge");
    if (!tree.losers) return NECK_E_NOMEM;
    tree.losers[0] = play(&tree, 1);
    neck_status status = NECK_OK;
    for (int64_t taken = 0, told = 0; status == NECK_OK && !streams[tree.losers[0]].done;) {
        if (taken >= told) {
            status = neck__progress(context, "merging n-grams", "n-grams", taken, total);
            told = taken + TOLD_EVERY;
        }
        if (status == NECK_OK) status = append_smallest(&tree, streams, &taken, writer);
    }
    neck__release(&allocator, tree.losers);
    return status;
}
