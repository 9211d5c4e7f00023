/* ngram/ngrams_check.c - whether a file of n-grams holds what it must. */
#include <inttypes.h>
#include <stdatomic.h>

#include "core/context.h"
#include "core/error.h"
#include "core/parallel.h"
#include "ngram/ngrams.h"

/* What a stretch of contexts adds up to. */
typedef struct stretch {
    int64_t bad; /* the first context that is not what it must be; -1: none */
    int64_t singletons, seen_once, occurrences;
} stretch;

typedef _Atomic unsigned char seen_byte;

/* Whether a context's tokens are in the vocabulary and come after those of the one before. */
static int context_is_sound(const neck_ngrams *ngrams, int64_t context)
{
    const int64_t width = ngrams->header.info.order - 1, at = context * width;
    int after = context == 0;
    for (int64_t i = 0; i < width; i++) {
        const uint64_t token = neck__ngrams_token(ngrams, NECK__CONTEXTS, at + i);
        if (token >= (uint64_t)ngrams->header.info.vocab_size) return 0;
        if (after) continue;
        const uint64_t before = neck__ngrams_token(ngrams, NECK__CONTEXTS, at - width + i);
        if (token < before) return 0;
        after = token > before;
    }
    return after;
}

/* The n-grams of a context; their counts are added up in *sum. */
static int ngrams_are_sound(const neck_ngrams *ngrams, int64_t begin, int64_t end, int64_t *sum)
{
    uint64_t before = 0;
    for (int64_t i = begin; i < end; i++) {
        const uint64_t token = neck__ngrams_token(ngrams, NECK__SUCCESSORS, i);
        const uint64_t times = neck__ngrams_times(ngrams, i);
        if (token >= (uint64_t)ngrams->header.info.vocab_size || (i > begin && token <= before)) return 0;
        if (times < 1 || times > (uint64_t)(ngrams->header.info.occurrences - *sum)) return 0;
        *sum += (int64_t)times;
        before = token;
    }
    return 1;
}

static int starts_are_sound(const neck_ngrams *ngrams, int64_t context)
{
    const uint64_t begin = neck__ngrams_start(ngrams, context), end = neck__ngrams_start(ngrams, context + 1);
    if ((context == 0 && begin != 0) || begin >= end) return 0;
    return end <= (uint64_t)ngrams->header.info.ngrams;
}

static void mark_successors(const neck_ngrams *ngrams, int64_t begin, int64_t end, seen_byte *seen)
{
    for (int64_t i = begin; i < end; i++) {
        const uint64_t token = neck__ngrams_token(ngrams, NECK__SUCCESSORS, i);
        seen_byte *byte = &seen[token / 8];
        const unsigned char bit = (unsigned char)(1 << token % 8);
        if (!(atomic_load_explicit(byte, memory_order_relaxed) & bit))
            atomic_fetch_or_explicit(byte, bit, memory_order_relaxed);
    }
}

/* seen: a bit for every token that is a successor; may be NULL. */
static stretch examine(const neck_ngrams *ngrams, int64_t first, int64_t count, seen_byte *seen)
{
    stretch found = {.bad = -1};
    for (int64_t context = first; context < first + count; context++) {
        int64_t sum = 0;
        found.bad = context;
        if (!starts_are_sound(ngrams, context) || !context_is_sound(ngrams, context)) return found;
        const int64_t begin = (int64_t)neck__ngrams_start(ngrams, context);
        const int64_t end = (int64_t)neck__ngrams_start(ngrams, context + 1);
        if (!ngrams_are_sound(ngrams, begin, end, &sum) ||
            sum > ngrams->header.info.occurrences - found.occurrences)
            return found;
        if (seen) mark_successors(ngrams, begin, end, seen);
        found.singletons += end - begin == 1;
        found.seen_once += sum == 1;
        found.occurrences += sum;
    }
    found.bad = -1;
    return found;
}

static neck_status bad_context(int64_t context)
{
    return neck__fail(NECK_E_FORMAT, "context %" PRId64 " or its n-grams are out of order or out of range", context);
}

neck_status neck__ngrams_check_range(const neck_ngrams *ngrams, int64_t first, int64_t count)
{
    const stretch found = examine(ngrams, first, count, NULL);
    return found.bad < 0 ? NECK_OK : bad_context(found.bad);
}

/* ---- all of them, a part at a time ---- */

enum { TASK_CONTEXTS = 1 << 14, ROUND_TASKS = 64 };

typedef struct check_job {
    const neck_ngrams *ngrams;
    seen_byte *seen;
    int64_t from; /* of the round */
    stretch found[ROUND_TASKS];
    uint64_t sums[NECK__SECTIONS];
} check_job;

static void examine_task(void *data, int64_t index)
{
    check_job *job = data;
    const int64_t first = job->from + index * TASK_CONTEXTS, left = job->ngrams->header.info.contexts - first;
    job->found[index] =
        examine(job->ngrams, first, left < 0 ? 0 : left < TASK_CONTEXTS ? left : TASK_CONTEXTS, job->seen);
}

static void sum_task(void *data, int64_t section)
{
    check_job *job = data;
    int64_t at[NECK__SECTIONS + 1];
    neck__ngrams_layout(&job->ngrams->header, at);
    job->sums[section] =
        neck__sum_words(NECK__SUM_START, job->ngrams->section[section], at[section + 1] - at[section]);
}

static neck_status check_sums(neck_context *context, check_job *job)
{
    neck__parallel(context, NECK__SECTIONS, sum_task, job);
    for (int32_t i = 0; i < NECK__SECTIONS; i++)
        if (job->sums[i] != job->ngrams->header.sums[i]) return neck__fail(NECK_E_FORMAT, "the n-grams are damaged");
    return NECK_OK;
}

static int64_t count_bits(const seen_byte *seen, int64_t bytes)
{
    int64_t count = 0;
    for (int64_t i = 0; i < bytes; i++) count += __builtin_popcount(seen[i]);
    return count;
}

static neck_status check_all(neck_context *context, check_job *job)
{
    const neck_ngrams_info *info = &job->ngrams->header.info;
    stretch all = {.bad = -1};
    NECK_TRY(neck__progress(context, "checking n-grams", "contexts", 0, info->contexts));
    NECK_TRY(check_sums(context, job));
    for (; job->from < info->contexts; job->from += (int64_t)ROUND_TASKS * TASK_CONTEXTS) {
        NECK_TRY(neck__progress(context, "checking n-grams", "contexts", job->from, info->contexts));
        neck__parallel(context, ROUND_TASKS, examine_task, job);
        for (int32_t i = 0; i < ROUND_TASKS; i++) {
            const stretch *found = &job->found[i];
            if (found->bad >= 0) return bad_context(found->bad);
            if (!neck__add(all.occurrences, found->occurrences, &all.occurrences))
                return neck__fail(NECK_E_FORMAT, "more than 2^63 n-grams");
            all.singletons += found->singletons;
            all.seen_once += found->seen_once;
        }
    }
    const int64_t successors = count_bits(job->seen, info->vocab_size / 8 + 1);
    if (neck__ngrams_start(job->ngrams, info->contexts) != (uint64_t)info->ngrams ||
        all.occurrences != info->occurrences || all.singletons != info->singletons ||
        all.seen_once != info->seen_once || successors != info->successors)
        return neck__fail(NECK_E_FORMAT, "the header does not describe the n-grams");
    return NECK_OK;
}

neck_status neck__ngrams_check(neck_context *context, const neck_ngrams *ngrams)
{
    const neck__allocator allocator = neck__allocator_of(context);
    check_job job = {.ngrams = ngrams};
    job.seen = neck__calloc(&allocator, ngrams->header.info.vocab_size / 8 + 1, 1, "marks of tokens");
    if (!job.seen) return NECK_E_NOMEM;
    neck_status status = check_all(context, &job);
    neck__release(&allocator, job.seen);
    return status;
}
