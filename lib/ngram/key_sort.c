/* ngram/key_sort.c - parallel radix sort: large ranges are scattered by all threads, their buckets sorted by one
 * each. */
#include "ngram/key_sort.h"

#include <string.h>

#include "core/error.h"
#include "core/parallel.h"

enum {
    DIGIT_BITS = 8,
    DIGITS = 1 << DIGIT_BITS,
    LEAST_BITS = 2,
    BLOCKS = 32,             /* parts of a range that are scattered at the same time */
    LARGE_SHARE = 16,        /* a range of more than this part of all keys is scattered by all threads */
    LARGE_AT_LEAST = 1 << 15,
    INSERT_UP_TO = 32,
    MAX_WORDS = 4
};

/* Where a digit lies, and its bits once they are shifted down. */
typedef struct digit_place {
    int32_t word, shift;
    uint64_t mask;
} digit_place;

/* What the tasks of one step see: a range and where it goes. */
typedef struct sort_job {
    void *from, *to;
    int64_t count;
    int64_t large;
    int stay; /* the range, sorted, belongs where it was */
    digit_place place;
    uint64_t differ[BLOCKS][MAX_WORDS];
    int64_t counts[BLOCKS][DIGITS]; /* then: where each block's next key of a digit goes */
    int64_t *starts;                /* of the buckets, and the end */
} sort_job;

typedef struct sort_tasks {
    int64_t words;
    void (*alone)(uint64_t *keys, uint64_t *spare, int64_t count); /* on the calling thread */
    neck__task_fn compare, histogram, scatter, bucket;
} sort_tasks;

/* How many bits a digit of that many keys has: some two keys for each of its values, or looking at all values costs
 * more than sorting the keys. */
static int32_t bits_for(int64_t count)
{
    const int32_t bits = 62 - __builtin_clzll((uint64_t)count | 1);
    return bits < LEAST_BITS ? LEAST_BITS : bits < DIGIT_BITS ? bits : DIGIT_BITS;
}

/* The digit below the highest bit in which keys differ; 0 when they do not. */
static int find_digit(const uint64_t *differ, int32_t words, int32_t bits, digit_place *place)
{
    for (int32_t word = words - 1; word >= 0; word--) {
        if (differ[word] == 0) continue;
        int32_t at = 64 * word + 64 - bits - __builtin_clzll(differ[word]);
        if (at < 0) at = 0;
        *place = (digit_place){at / 64, at % 64, (UINT64_C(1) << bits) - 1};
        return 1;
    }
    return 0;
}

/* Counts become the places where the digits start. */
static void to_starts(int64_t *counts, int64_t digits)
{
    int64_t begin = 0;
    for (int64_t d = 0; d < digits; d++) {
        const int64_t count = counts[d];
        counts[d] = begin;
        begin += count;
    }
}

static int64_t block_begin(const sort_job *job, int64_t block)
{
    return job->count / BLOCKS * block + (block < BLOCKS ? 0 : job->count % BLOCKS);
}

#define WORDS 1
#define NAME(x) x##_1
#include "ngram/key_sort_template.h"
#define WORDS 2
#define NAME(x) x##_2
#define NARROW(x) x##_1
#include "ngram/key_sort_template.h"
#define WORDS 3
#define NAME(x) x##_3
#define NARROW(x) x##_2
#include "ngram/key_sort_template.h"
#define WORDS 4
#define NAME(x) x##_4
#define NARROW(x) x##_3
#include "ngram/key_sort_template.h"

static const sort_tasks *const tasks_of[MAX_WORDS] = {&tasks_1, &tasks_2, &tasks_3, &tasks_4};

/* The histograms of the blocks become the places where each block's keys go, and the starts of the buckets. */
static void place_blocks(sort_job *job)
{
    int64_t begin = 0;
    for (int64_t d = 0; d < DIGITS; d++) {
        job->starts[d] = begin;
        for (int64_t block = 0; block < BLOCKS; block++) {
            const int64_t count = job->counts[block][d];
            job->counts[block][d] = begin;
            begin += count;
        }
    }
    job->starts[DIGITS] = begin;
}

/* Which bits differ, in all blocks. */
static int find_digit_of_all(neck_context *context, const sort_tasks *tasks, sort_job *job)
{
    memset(job->differ, 0, sizeof job->differ);
    neck__parallel(context, BLOCKS, tasks->compare, job);
    for (int64_t block = 1; block < BLOCKS; block++)
        for (int64_t k = 0; k < tasks->words; k++) job->differ[0][k] |= job->differ[block][k];
    return find_digit(job->differ[0], (int32_t)tasks->words, DIGIT_BITS, &job->place);
}

/* The job's range, by all threads; buckets that are large themselves come last, one by one, each a level deeper: at
 * most as many levels as there are digits. done counts keys that are sorted, of total. */
static neck_status sort_large(neck_context *context, const sort_tasks *tasks, sort_job *job, int64_t *done,
                              int64_t total)
{
    const int64_t size = tasks->words * 8;
    unsigned char *const from = job->from, *const to = job->to;
    const int stay = job->stay;
    int64_t starts[DIGITS + 1];
    NECK_TRY(neck__progress(context, "sorting n-grams", "n-grams", *done, total));
    if (!find_digit_of_all(context, tasks, job)) {
        if (!stay) memcpy(to, from, (size_t)(job->count * size));
        *done += job->count;
        return NECK_OK;
    }
    job->starts = starts;
    neck__parallel(context, BLOCKS, tasks->histogram, job);
    place_blocks(job);
    neck__parallel(context, BLOCKS, tasks->scatter, job);
    neck__parallel(context, DIGITS, tasks->bucket, job);
    for (int64_t d = 0; d < DIGITS; d++) {
        const int64_t count = starts[d + 1] - starts[d];
        if (count <= job->large) {
            *done += count;
            continue;
        }
        job->from = to + starts[d] * size;
        job->to = from + starts[d] * size;
        job->count = count;
        job->stay = !stay;
        NECK_TRY(sort_large(context, tasks, job, done, total));
    }
    return NECK_OK;
}

neck_status neck__key_sort(neck_context *context, int32_t words, uint64_t *keys, uint64_t *spare, int64_t count)
{
    if (count <= LARGE_AT_LEAST) {
        tasks_of[words - 1]->alone(keys, spare, count);
        return NECK_OK;
    }
    const neck__allocator allocator = neck__allocator_of(context);
    sort_job *job = neck__alloc(&allocator, 1, sizeof *job, "sorting n-grams");
    if (!job) return NECK_E_NOMEM;
    job->from = keys;
    job->to = spare;
    job->count = count;
    job->stay = 1;
    job->large = count / LARGE_SHARE > LARGE_AT_LEAST ? count / LARGE_SHARE : LARGE_AT_LEAST;
    int64_t done = 0;
    neck_status status = sort_large(context, tasks_of[words - 1], job, &done, count);
    neck__release(&allocator, job);
    return status;
}
