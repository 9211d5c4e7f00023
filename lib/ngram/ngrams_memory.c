/* ngram/ngrams_memory.c - sorted n-grams become neck_ngrams in memory, all threads at work: each stretch of contexts is
 * surveyed, which tells where in the sections it goes, and then written there. */
#include <stdatomic.h>
#include <string.h>

#include "core/error.h"
#include "core/parallel.h"
#include "ngram/ngrams.h"
#include "text/token_file.h"

enum { STRETCHES = 64 };

typedef _Atomic unsigned char seen_byte;

/* Some keys, of whole contexts. */
typedef struct stretch {
    int64_t begin, end;
    int64_t contexts, ngrams, singletons, seen_once;
    int64_t most;                        /* times that an n-gram occurs */
    int64_t contexts_before, ngrams_before;
} stretch;

typedef struct memory_job {
    neck__key_form form;
    const uint64_t *keys;
    seen_byte *seen; /* a bit for every token that is a successor */
    stretch stretches[STRETCHES];
    neck__ngrams_header *header;
    unsigned char *section[NECK__SECTIONS];
} memory_job;

static const uint64_t *key_at(const memory_job *job, int64_t index)
{
    return job->keys + index * job->form.words;
}

/* Where the keys that are equal to the one at begin end. */
static int64_t end_of_equal(const memory_job *job, int64_t begin, int64_t end)
{
    int64_t at = begin + 1;
    while (at < end && neck__key_equal(&job->form, key_at(job, at), key_at(job, begin))) at++;
    return at;
}

static int starts_context(const memory_job *job, int64_t at)
{
    return at == 0 || !neck__key_same_context(&job->form, key_at(job, at), key_at(job, at - 1));
}

/* Stretches of about the same size. A context is never divided, so some may be empty. */
static void divide(memory_job *job, int64_t count)
{
    int64_t at = 0;
    for (int64_t i = 0; i < STRETCHES; i++) {
        const int64_t goal = count / STRETCHES * (i + 1);
        int64_t end = i + 1 == STRETCHES ? count : goal > at ? goal : at;
        while (end < count && !starts_context(job, end)) end++;
        job->stretches[i] = (stretch){.begin = at, .end = end};
        at = end;
    }
}

static void mark_successor(memory_job *job, int64_t at)
{
    const uint64_t token = *key_at(job, at) & job->form.token_mask;
    seen_byte *byte = &job->seen[token / 8];
    const unsigned char bit = (unsigned char)(1 << token % 8);
    if (!(atomic_load_explicit(byte, memory_order_relaxed) & bit))
        atomic_fetch_or_explicit(byte, bit, memory_order_relaxed);
}

/* Counts are in a copy until the end: the bytes that are marked may be part of anything, as far as the compiler
 * knows. */
static void survey_task(void *data, int64_t index)
{
    memory_job *job = data;
    stretch found = job->stretches[index];
    for (int64_t at = found.begin, next; at < found.end; found.contexts++) {
        const int64_t begin = at, before = found.ngrams;
        do {
            next = end_of_equal(job, at, found.end);
            if (next - at > found.most) found.most = next - at;
            mark_successor(job, at);
            found.ngrams++;
            at = next;
        } while (at < found.end && !starts_context(job, at));
        found.singletons += found.ngrams - before == 1;
        found.seen_once += at - begin == 1;
    }
    job->stretches[index] = found;
}

static void put(unsigned char *section, int64_t index, int32_t width, uint64_t number)
{
    if (width == 2) neck__little16_put(section + 2 * index, number);
    else if (width == 4) neck__little32_put(section + 4 * index, number);
    else neck__little64_put(section + 8 * index, number);
}

static void write_task(void *data, int64_t index)
{
    const memory_job *job = data;
    const neck__key_form form = job->form;
    const stretch part = job->stretches[index];
    const int32_t token_width = job->header->token_width, count_width = job->header->count_width;
    unsigned char *const contexts = job->section[NECK__CONTEXTS], *const starts = job->section[NECK__STARTS];
    unsigned char *const successors = job->section[NECK__SUCCESSORS], *const counts = job->section[NECK__COUNTS];
    int64_t context = part.contexts_before, ngram = part.ngrams_before;
    for (int64_t at = part.begin, next; at < part.end; at = next, ngram++) {
        const uint64_t *key = key_at(job, at);
        next = end_of_equal(job, at, part.end);
        if (starts_context(job, at)) {
            for (int32_t i = 0; i < form.order - 1; i++)
                put(contexts, context * (form.order - 1) + i, token_width, (uint64_t)neck__key_token(&form, key, i));
            put(starts, context++, 8, (uint64_t)ngram);
        }
        put(successors, ngram, token_width, *key & form.token_mask);
        put(counts, ngram, count_width, (uint64_t)(next - at));
    }
}

/* What the stretches add up to, and where each begins. */
static void add_up(memory_job *job, int64_t count)
{
    neck_ngrams_info *info = &job->header->info;
    int64_t most = 0;
    for (int64_t i = 0; i < STRETCHES; i++) {
        stretch *part = &job->stretches[i];
        part->contexts_before = info->contexts;
        part->ngrams_before = info->ngrams;
        info->contexts += part->contexts;
        info->ngrams += part->ngrams;
        info->singletons += part->singletons;
        info->seen_once += part->seen_once;
        if (part->most > most) most = part->most;
    }
    info->occurrences = count;
    for (uint64_t i = 0; i <= job->form.token_mask / 8; i++) info->successors += __builtin_popcount(job->seen[i]);
    job->header->token_width = neck__token_width(info->vocab_size);
    job->header->count_width = most > UINT32_MAX ? 8 : 4;
}

/* Memory for the sections; what is behind the last number of each is zero, as in a file. */
static neck_status make_room(memory_job *job, neck_ngrams *ngrams)
{
    int64_t at[NECK__SECTIONS + 1];
    neck__ngrams_layout(job->header, at);
    ngrams->memory = neck__alloc(&ngrams->allocator, at[NECK__SECTIONS] - at[0], 1, "n-grams");
    if (!ngrams->memory) return NECK_E_NOMEM;
    for (int32_t i = 0; i < NECK__SECTIONS; i++) {
        job->section[i] = ngrams->memory + at[i] - at[0];
        ngrams->section[i] = job->section[i];
        memset(ngrams->memory + at[i + 1] - at[0] - 8, 0, 8);
    }
    ngrams->header = *job->header;
    return NECK_OK;
}

static neck_status fill(neck_context *context, memory_job *job, int64_t count, neck_ngrams *ngrams)
{
    job->seen = neck__calloc(&ngrams->allocator, (int64_t)(job->form.token_mask / 8 + 1), 1, "marks of tokens");
    if (!job->seen) return NECK_E_NOMEM;
    divide(job, count);
    neck__parallel(context, STRETCHES, survey_task, job);
    add_up(job, count);
    neck__release(&ngrams->allocator, job->seen);
    NECK_TRY(make_room(job, ngrams));
    neck__parallel(context, STRETCHES, write_task, job);
    put(job->section[NECK__STARTS], job->header->info.contexts, 8, (uint64_t)job->header->info.ngrams);
    return NECK_OK;
}

neck_status neck__ngrams_of_keys(neck_context *context, const neck__key_buffer *sorted, neck__ngrams_header *header,
                                 neck_ngrams **out)
{
    const neck__allocator allocator = neck__allocator_of(context);
    memory_job job = {.form = sorted->form, .keys = sorted->keys, .header = header};
    neck_ngrams *ngrams = neck__calloc(&allocator, 1, sizeof *ngrams, "n-grams");
    if (!ngrams) return NECK_E_NOMEM;
    ngrams->allocator = allocator;
    neck_status status = fill(context, &job, sorted->count, ngrams);
    if (status == NECK_OK)
        *out = ngrams;
    else
        neck_ngrams_destroy(ngrams);
    return status;
}
