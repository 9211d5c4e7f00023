/* ngram/token_sort.c - a pass for each token of the n-grams, from the last to the first, each keeping the order of the
 * one before. The token by which a pass has grouped n-grams need not be kept in their keys, so that these are a token
 * shorter: five tokens of up to 16 bits are sorted as single words. Text suits it: a pass writes at as many places as
 * there are tokens, but mostly at those of the frequent ones. */
#include "ngram/token_sort.h"

#include <string.h>

#include "core/error.h"
#include "core/parallel.h"

enum { MOST_BITS = 16, MOST_BLOCKS = 16, BYTES = 2 };

#define INLINE static inline __attribute__((always_inline))

typedef struct token_job {
    neck__key_form form;      /* of whole n-grams */
    const neck__ngram_text *text;   /* what the first pass takes: these, */
    const uint64_t *keys;     /* or these */
    neck__sorted from;        /* what the others take: grouped by the token of the pass before */
    uint64_t *to;
    int64_t count, blocks, digits;
    uint32_t *next; /* of each block and digit: how many, then where the next one goes */
} token_job;

int64_t neck__token_sort_bytes(const neck__key_form *form)
{
    return form->bits <= MOST_BITS && form->bits * (form->order - 1) <= 64 ? BYTES : 0;
}

/* Each has numbers of its own, and so has what they have done together. */
static int64_t blocks_for(const neck__key_form *form, int64_t count, int64_t threads)
{
    const int64_t fit = (count * BYTES / (int64_t)sizeof(uint32_t) >> form->bits) - 1;
    const int64_t most = threads < MOST_BLOCKS ? threads : MOST_BLOCKS;
    return fit < most ? fit : most;
}

int neck__token_sort_takes(const neck__key_form *form, int64_t count)
{
    return neck__token_sort_bytes(form) > 0 && count <= UINT32_MAX && blocks_for(form, count, 1) > 0;
}

static int64_t block_begin(const token_job *job, int64_t count, int64_t block)
{
    return block < job->blocks ? count / job->blocks * block : count;
}

/* A pass counts the n-grams with each token, and then puts each in its place, where it is grouped by that token; its
 * key is what else there is. */
enum { COUNT, PLACE };

INLINE void put(uint64_t *to, uint32_t *next, uint64_t token, uint64_t key, int what)
{
    if (what == COUNT) next[token]++;
    else to[next[token]++] = key;
}

/* ---- the first pass ---- */

static int64_t document_at(const neck__ngram_text *text, int64_t token)
{
    int64_t low = 0, high = text->ends ? text->documents - 1 : 0;
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (text->ends[middle] > token) high = middle;
        else low = middle + 1;
    }
    return low;
}

/* n-grams that end with one of the block's tokens. */
INLINE void take_text(const token_job *job, int64_t block, int what)
{
    const neck__ngram_text *text = job->text;
    const int32_t before = job->form.order - 1, bits = job->form.bits;
    const uint64_t rest = UINT64_MAX >> (64 - before * bits);
    const int64_t end = block_begin(job, text->count, block + 1);
    uint32_t *const next = job->next + block * job->digits;
    uint64_t *const to = job->to;
    int64_t at = block_begin(job, text->count, block);
    for (int64_t d = at < end ? document_at(text, at) : 0; at < end; d++) {
        const int64_t begin = text->ends && d > 0 ? text->ends[d - 1] : 0;
        const int64_t stop = text->ends && text->ends[d] < end ? text->ends[d] : end;
        uint64_t key = 0;
        if (at < begin + before) at = begin + before;
        for (int64_t i = at - before; i < at && at < stop; i++) key = key << bits | (uint64_t)text->tokens[i];
        for (; at < stop; at++) {
            const uint64_t token = (uint64_t)text->tokens[at];
            put(to, next, token, key, what);
            key = (key << bits | token) & rest;
        }
        at = stop;
    }
}

INLINE void take_keys(const token_job *job, int64_t block, int32_t words, int what)
{
    const uint64_t mask = job->form.token_mask, *const keys = job->keys;
    const int32_t bits = job->form.bits;
    const int64_t end = block_begin(job, job->count, block + 1);
    uint32_t *const next = job->next + block * job->digits;
    uint64_t *const to = job->to;
    for (int64_t i = block_begin(job, job->count, block); i < end; i++) {
        const uint64_t *key = keys + i * words;
        put(to, next, *key & mask, *key >> bits | (words > 1 ? key[1] << (64 - bits) : 0), what);
    }
}

/* ---- the others ---- */

INLINE void take_grouped(const token_job *job, int64_t block, int what)
{
    const neck__sorted from = job->from;
    const uint64_t mask = job->form.token_mask;
    const int32_t bits = job->form.bits, top = bits * (job->form.order - 2);
    const int64_t end = block_begin(job, job->count, block + 1);
    uint32_t *const next = job->next + block * job->digits;
    uint64_t *const to = job->to;
    int64_t at = block_begin(job, job->count, block);
    for (int64_t group = at < end ? neck__sorted_group(&from, at) : 0; at < end; group++) {
        const int64_t stop = from.ends[group] < end ? from.ends[group] : end;
        const uint64_t first = (uint64_t)group << top;
        for (; at < stop; at++) put(to, next, from.keys[at] & mask, from.keys[at] >> bits | first, what);
    }
}

/* The tokens in one place of a text's n-grams are those in the next place, by which these are grouped, but for the ends
 * of documents. */
static void count_shifted(const token_job *job, int32_t place)
{
    const neck__ngram_text *text = job->text;
    const int32_t order = job->form.order;
    for (int64_t d = 0; d < job->digits; d++) job->next[d] = job->from.ends[d] - (d > 0 ? job->from.ends[d - 1] : 0);
    for (int64_t d = 0, begin = 0, end; begin < text->count; begin = end, d++) {
        end = text->ends ? text->ends[d] : text->count;
        if (end - begin < order) continue;
        job->next[text->tokens[begin + place]]++;
        job->next[text->tokens[end - order + place + 1]]--;
    }
}

/* ---- all of them ---- */

INLINE void take(const token_job *job, int64_t block, int what)
{
    if (job->from.keys) take_grouped(job, block, what);
    else if (job->text) take_text(job, block, what);
    else if (job->form.words == 1) take_keys(job, block, 1, what);
    else take_keys(job, block, 2, what);
}

static void count_task(void *data, int64_t block)
{
    take(data, block, COUNT);
}

static void place_task(void *data, int64_t block)
{
    take(data, block, PLACE);
}

/* Counts become places: of each digit those of the blocks, one behind the other. */
static void to_places(token_job *job)
{
    uint32_t begin = 0;
    for (int64_t d = 0; d < job->digits; d++)
        for (int64_t block = 0; block < job->blocks; block++) {
            uint32_t *next = job->next + block * job->digits + d;
            const uint32_t count = *next;
            *next = begin;
            begin += count;
        }
}

/* The last tokens are those by which the first pass has grouped. */
static void count_successors(token_job *job)
{
    for (int64_t d = 0; d < job->digits; d++)
        job->from.successors += job->from.ends[d] > (d > 0 ? job->from.ends[d - 1] : 0);
}

static void count_digits(neck_context *context, token_job *job, int32_t place)
{
    if (job->text && job->from.keys && job->blocks == 1) {
        count_shifted(job, place);
        return;
    }
    memset(job->next, 0, (size_t)(job->blocks * job->digits) * sizeof *job->next);
    neck__parallel(context, job->blocks, count_task, job);
}

static neck_status run_passes(neck_context *context, token_job *job, uint64_t *a, uint64_t *b)
{
    const int32_t order = job->form.order;
    for (int32_t pass = 0; pass < order; pass++) {
        NECK_TRY(neck__progress(context, "sorting n-grams", "n-grams", job->count / order * pass, job->count));
        job->to = pass % 2 == 0 ? a : b;
        count_digits(context, job, order - 1 - pass);
        to_places(job);
        neck__parallel(context, job->blocks, place_task, job);
        memcpy(job->from.ends, job->next + (job->blocks - 1) * job->digits, (size_t)job->digits * sizeof *job->next);
        job->from.keys = job->to;
        if (pass == 0) count_successors(job);
    }
    return NECK_OK;
}

static neck_status sort(neck_context *context, token_job *job, uint64_t *a, uint64_t *b, neck__sorted *out)
{
    const neck__allocator allocator = neck__allocator_of(context);
    job->blocks = blocks_for(&job->form, job->count, neck_context_threads(context));
    job->digits = (int64_t)job->form.token_mask + 1;
    job->from = (neck__sorted){.form = neck__key_form_rest(&job->form), .count = job->count};
    job->from.ends = neck__alloc(&allocator, job->digits, sizeof *job->from.ends, "sorting n-grams");
    job->next = neck__alloc(&allocator, job->blocks * job->digits, sizeof *job->next, "sorting n-grams");
    neck_status status = job->from.ends && job->next ? run_passes(context, job, a, b) : NECK_E_NOMEM;
    neck__release(&allocator, job->next);
    if (status == NECK_OK)
        *out = job->from;
    else
        neck__release(&allocator, job->from.ends);
    return status;
}

neck_status neck__token_sort_text(neck_context *context, const neck__key_form *form, const neck__ngram_text *text,
                                  int64_t count, uint64_t *a, uint64_t *b, neck__sorted *out)
{
    token_job job = {.form = *form, .text = text, .count = count};
    return sort(context, &job, a, b, out);
}

neck_status neck__token_sort_keys(neck_context *context, const neck__key_form *form, uint64_t *keys, int64_t count,
                                  uint64_t *a, uint64_t *b, neck__sorted *out)
{
    token_job job = {.form = *form, .keys = keys, .count = count};
    return sort(context, &job, a, b, out);
}
