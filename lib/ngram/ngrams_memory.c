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
    int64_t contexts_before, ngrams_before;
} stretch;

typedef struct memory_job {
    neck__sorted sorted;
    seen_byte *seen; /* a bit for every token that is a successor; NULL: how many there are is known */
    stretch stretches[STRETCHES];
    neck__ngrams_header *header;
    unsigned char *section[NECK__SECTIONS];
} memory_job;

/* The loops over keys are compiled for each number of words that keys have: constant, it costs nothing to compare them.
 * form is that of the keys with such a number. */
#define INLINE static inline __attribute__((always_inline))

INLINE const uint64_t *key_at(const neck__sorted *sorted, const neck__key_form *form, int64_t index)
{
    return sorted->keys + index * form->words;
}

/* ---- stretches ---- */

/* The first place from at on where a context begins. */
static int64_t next_context(const neck__sorted *sorted, int64_t at)
{
    const neck__key_form *form = &sorted->form;
    if (at == 0 || at == sorted->count) return at;
    const int64_t end = neck__sorted_end(sorted, neck__sorted_group(sorted, at - 1));
    while (at < end && neck__key_same_context(form, key_at(sorted, form, at), key_at(sorted, form, at - 1))) at++;
    return at;
}

/* Stretches of about the same size. A context is never divided, so some may be empty. */
static void divide(memory_job *job)
{
    const int64_t count = job->sorted.count;
    int64_t at = 0;
    for (int64_t i = 0; i < STRETCHES; i++) {
        const int64_t goal = i + 1 == STRETCHES ? count : count / STRETCHES * (i + 1);
        const int64_t end = goal > at ? next_context(&job->sorted, goal) : at;
        job->stretches[i] = (stretch){.begin = at, .end = end};
        at = end;
    }
}

/* The keys of a stretch that are of one group. */
typedef struct piece {
    int64_t group, begin, end;
} piece;

/* Nothing yet: what is before the first. */
static piece before_first(const neck__sorted *sorted, const stretch *part)
{
    const int64_t group = part->begin < part->end ? neck__sorted_group(sorted, part->begin) : 0;
    return (piece){group, part->begin, part->begin};
}

static int next_piece(const neck__sorted *sorted, const stretch *part, piece *at)
{
    if (at->end == part->end) return 0;
    at->begin = at->end;
    while (neck__sorted_end(sorted, at->group) <= at->begin) at->group++;
    at->end = neck__sorted_end(sorted, at->group);
    if (at->end > part->end) at->end = part->end;
    return 1;
}

/* ---- what there is ---- */

/* In a key that is not equal to the one before, or begins its piece, an n-gram begins; where tokens before the last
 * differ, a context too. What the one before has come to is then known. All without a branch: none could be foretold.
 */
INLINE void survey_piece(const neck__sorted *sorted, const neck__key_form *form, piece at, stretch *sums)
{
    int64_t contexts = 1, ngrams = 1, several = 0, again = 0;
    int is_several = 0, is_again = 0;
    for (int64_t i = at.begin + 1; i < at.end; i++) {
        const uint64_t *key = key_at(sorted, form, i), *before = key_at(sorted, form, i - 1);
        const int is_context = !neck__key_same_context(form, key, before);
        const int is_ngram = !neck__key_equal(form, key, before);
        contexts += is_context;
        ngrams += is_ngram;
        several += is_several & is_context;
        again += is_again & is_context;
        is_several = (is_several | is_ngram) & !is_context;
        is_again = !is_context;
    }
    sums->contexts += contexts;
    sums->ngrams += ngrams;
    sums->singletons += contexts - several - is_several;
    sums->seen_once += contexts - again - is_again;
}

INLINE void survey_stretch(memory_job *job, neck__key_form form, int64_t index)
{
    stretch sums = job->stretches[index];
    piece at = before_first(&job->sorted, &sums);
    while (next_piece(&job->sorted, &sums, &at)) survey_piece(&job->sorted, &form, at, &sums);
    job->stretches[index] = sums;
}

/* ---- laying it out ---- */

INLINE void mark_successor(seen_byte *seen, uint64_t token)
{
    seen_byte *byte = &seen[token / 8];
    const unsigned char bit = (unsigned char)(1 << token % 8);
    if (!(atomic_load_explicit(byte, memory_order_relaxed) & bit))
        atomic_fetch_or_explicit(byte, bit, memory_order_relaxed);
}

INLINE void put(unsigned char *section, int64_t index, int32_t width, uint64_t number)
{
    if (width == 2) neck__little16_put(section + 2 * index, number);
    else if (width == 4) neck__little32_put(section + 4 * index, number);
    else neck__little64_put(section + 8 * index, number);
}

/* A context's tokens: the piece's, if keys go without it, and those of the key but the last. */
INLINE void put_context(unsigned char *contexts, int64_t context, int32_t order, int32_t width,
                        const neck__key_form *form, int64_t group, const uint64_t *key)
{
    int64_t at = context * (order - 1);
    if (form->order < order) put(contexts, at++, width, (uint64_t)group);
    for (int32_t i = 0; i < form->order - 1; i++) put(contexts, at++, width, (uint64_t)neck__key_token(form, key, i));
}

/* Where the next context, and the next n-gram, of a stretch goes. */
typedef struct places {
    int64_t context, ngram;
} places;

/* Every n-gram writes its context, and where the next one would begin; the last to do so is right. So whether it begins
 * a context needs no branch here either. */
INLINE places write_piece(const memory_job *job, const neck__key_form *form, int32_t token_width, piece at, places next)
{
    const neck__sorted sorted = job->sorted;
    const int32_t order = job->header->info.order, count_width = job->header->count_width;
    unsigned char *const contexts = job->section[NECK__CONTEXTS], *const starts = job->section[NECK__STARTS];
    unsigned char *const successors = job->section[NECK__SUCCESSORS], *const counts = job->section[NECK__COUNTS];
    seen_byte *const seen = job->seen;
    for (int64_t begin = at.begin, end; begin < at.end; begin = end) {
        const uint64_t *key = key_at(&sorted, form, begin), token = *key & form->token_mask;
        for (end = begin + 1; end < at.end && neck__key_equal(form, key_at(&sorted, form, end), key);) end++;
        next.context += begin == at.begin || !neck__key_same_context(form, key, key_at(&sorted, form, begin - 1));
        put_context(contexts, next.context - 1, order, token_width, form, at.group, key);
        put(successors, next.ngram, token_width, token);
        put(counts, next.ngram, count_width, (uint64_t)(end - begin));
        put(starts, next.context, 8, (uint64_t)++next.ngram);
        if (seen) mark_successor(seen, token);
    }
    return next;
}

INLINE void write_stretch(const memory_job *job, neck__key_form form, int32_t token_width, int64_t index)
{
    const stretch part = job->stretches[index];
    places next = {part.contexts_before, part.ngrams_before};
    piece at = before_first(&job->sorted, &part);
    while (next_piece(&job->sorted, &part, &at)) next = write_piece(job, &form, token_width, at, next);
}

INLINE neck__key_form form_of(const memory_job *job, int32_t words)
{
    neck__key_form form = job->sorted.form;
    form.words = words;
    return form;
}

#define TASKS(words)                                                                                                   \
    static void survey_task_##words(void *data, int64_t at) { survey_stretch(data, form_of(data, words), at); }        \
    static void write_narrow_##words(void *data, int64_t at) { write_stretch(data, form_of(data, words), 2, at); }     \
    static void write_wide_##words(void *data, int64_t at) { write_stretch(data, form_of(data, words), 4, at); }
TASKS(1)
TASKS(2)
TASKS(3)
TASKS(4)

static const neck__task_fn survey_tasks[] = {survey_task_1, survey_task_2, survey_task_3, survey_task_4};
static const neck__task_fn narrow_tasks[] = {write_narrow_1, write_narrow_2, write_narrow_3, write_narrow_4};
static const neck__task_fn wide_tasks[] = {write_wide_1, write_wide_2, write_wide_3, write_wide_4};

/* What the stretches add up to, and where each begins. */
static void add_up(memory_job *job)
{
    neck_ngrams_info *info = &job->header->info;
    for (int64_t i = 0; i < STRETCHES; i++) {
        stretch *part = &job->stretches[i];
        part->contexts_before = info->contexts;
        part->ngrams_before = info->ngrams;
        info->contexts += part->contexts;
        info->ngrams += part->ngrams;
        info->singletons += part->singletons;
        info->seen_once += part->seen_once;
    }
    info->occurrences = job->sorted.count;
}

/* Whether an n-gram occurs more than 2^32 - 1 times. */
static int is_often(const neck__sorted *sorted)
{
    const neck__key_form *form = &sorted->form;
    for (int64_t i = UINT32_MAX; i < sorted->count; i++)
        if (neck__key_equal(form, key_at(sorted, form, i - UINT32_MAX), key_at(sorted, form, i))) return 1;
    return 0;
}

/* Memory for the sections; what is behind the last number of each is zero, as in a file. */
static neck_status make_room(memory_job *job, neck_ngrams *ngrams)
{
    int64_t at[NECK__SECTIONS + 1];
    job->header->token_width = neck__token_width(job->header->info.vocab_size);
    job->header->count_width = is_often(&job->sorted) ? 8 : 4;
    neck__ngrams_layout(job->header, at);
    ngrams->memory = neck__alloc(&ngrams->allocator, at[NECK__SECTIONS] - at[0], 1, "n-grams");
    if (!ngrams->memory) return NECK_E_NOMEM;
    for (int32_t i = 0; i < NECK__SECTIONS; i++) {
        job->section[i] = ngrams->memory + at[i] - at[0];
        ngrams->section[i] = job->section[i];
        memset(ngrams->memory + at[i + 1] - at[0] - 8, 0, 8);
    }
    return NECK_OK;
}

/* Also which tokens are successors, where that is not known. */
static neck_status write_all(neck_context *context, memory_job *job, const neck__allocator *allocator)
{
    const int64_t marks = (int64_t)(job->sorted.form.token_mask / 8 + 1);
    const neck__task_fn *tasks = job->header->token_width == 2 ? narrow_tasks : wide_tasks;
    neck_ngrams_info *info = &job->header->info;
    info->successors = job->sorted.successors;
    if (info->successors == 0) {
        job->seen = neck__calloc(allocator, marks, 1, "marks of tokens");
        if (!job->seen) return NECK_E_NOMEM;
    }
    put(job->section[NECK__STARTS], 0, 8, 0);
    neck__parallel(context, STRETCHES, tasks[job->sorted.form.words - 1], job);
    for (int64_t i = 0; job->seen && i < marks; i++) info->successors += __builtin_popcount(job->seen[i]);
    neck__release(allocator, job->seen);
    return NECK_OK;
}

static neck_status fill(neck_context *context, memory_job *job, neck_ngrams *ngrams)
{
    divide(job);
    neck__parallel(context, STRETCHES, survey_tasks[job->sorted.form.words - 1], job);
    add_up(job);
    NECK_TRY(make_room(job, ngrams));
    NECK_TRY(write_all(context, job, &ngrams->allocator));
    ngrams->header = *job->header;
    return NECK_OK;
}

neck_status neck__ngrams_of_sorted(neck_context *context, const neck__sorted *sorted, neck__ngrams_header *header,
                                   neck_ngrams **out)
{
    const neck__allocator allocator = neck__allocator_of(context);
    memory_job job = {.sorted = *sorted, .header = header};
    neck_ngrams *ngrams = neck__calloc(&allocator, 1, sizeof *ngrams, "n-grams");
    if (!ngrams) return NECK_E_NOMEM;
    ngrams->allocator = allocator;
    neck_status status = fill(context, &job, ngrams);
    if (status == NECK_OK)
        *out = ngrams;
    else
        neck_ngrams_destroy(ngrams);
    return status;
}
