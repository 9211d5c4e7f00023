/* ngram_test.h - texts that all ranks know, counted by them together and by each alone. */
#ifndef NGRAM_TEST_H
#define NGRAM_TEST_H

#include <math.h>
#include <unistd.h>

#include "mpi_test.h"

typedef struct text {
    int32_t *tokens;
    int64_t *ends;
    int64_t count, documents, vocab_size;
    int64_t broken; /* reading this token fails; negative: none */
} text;

static inline double uniform(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (double)(*state >> 11) * 0x1p-53;
}

/* Low tokens are frequent, as in text; documents of uneven length, some of one token. */
static inline text make_text(int64_t count, int64_t vocab_size, int64_t documents)
{
    uint64_t state = (uint64_t)(count * 31 + vocab_size * 7 + documents);
    text made = {.count = count, .documents = documents, .vocab_size = vocab_size, .broken = -1};
    made.tokens = malloc((size_t)count * sizeof *made.tokens);
    made.ends = malloc((size_t)documents * sizeof *made.ends);
    for (int64_t i = 0; i < count; i++)
        made.tokens[i] = (int32_t)fmin(pow((double)vocab_size, uniform(&state)) - 1, (double)vocab_size - 1);
    for (int64_t i = 0; i < documents; i++) made.ends[i] = (i + 1) * (i + 1) * count / (documents * documents);
    return made;
}

static inline void free_text(text *given)
{
    free(given->tokens);
    free(given->ends);
}

static inline neck_status read_text(void *user, int64_t begin, int64_t most, int32_t *tokens, int64_t document[2])
{
    const text *from = user;
    int64_t d = 0;
    while (from->ends[d] <= begin) d++;
    document[0] = d ? from->ends[d - 1] : 0;
    document[1] = from->ends[d];
    if (most > document[1] - begin) most = document[1] - begin;
    if (from->broken >= begin && from->broken < begin + most) return neck_error_set(NECK_E_IO, "the disk is torn");
    memcpy(tokens, from->tokens + begin, (size_t)most * sizeof *tokens);
    return NECK_OK;
}

static inline neck_ngrams *count_alone(const text *given, int32_t order)
{
    neck_ngrams *ngrams = NULL;
    EXPECT_OK(neck_ngrams_count(NULL, given->tokens, given->count, given->ends, given->documents, given->vocab_size,
                                order, &ngrams));
    return ngrams;
}

/* A path of this rank's own. */
static inline const char *own_path(void)
{
    static char path[256];
    const char *root = getenv("TMPDIR");
    snprintf(path, sizeof path, "%s/softneck-ranks-%ld-%d", root ? root : "/tmp", (long)getpid(), rank);
    return path;
}

/* Counted together; this rank's n-grams, NULL when it has none. */
static inline neck_status count_together(text *given, int32_t order, int64_t memory, neck_ngrams_info *whole,
                                         neck_ngrams **own)
{
    const neck_mpi_text all = {given->count, given->vocab_size, read_text, given};
    const neck_ngram_counter_options options = {.struct_size = sizeof options, .order = order, .memory_bytes = memory};
    int32_t any = 0;
    *own = NULL;
    *whole = (neck_ngrams_info){.struct_size = sizeof *whole};
    neck_status status = neck_mpi_ngrams_count(NULL, team, &all, &options, own_path(), whole, &any);
    if (status == NECK_OK && any) status = neck_ngrams_open(NULL, own_path(), 0, own);
    unlink(own_path());
    return status;
}

static inline neck_mpi_ngram_matrix *matrix_together(text *given, int32_t order, int32_t weight)
{
    neck_mpi_ngram_matrix *matrix = NULL;
    neck_ngrams_info whole;
    neck_ngrams *own;
    EXPECT_OK(count_together(given, order, 0, &whole, &own));
    EXPECT_OK(neck_mpi_ngram_matrix_create(NULL, team, own, given->vocab_size, weight, &matrix));
    neck_ngrams_destroy(own);
    return matrix;
}

static inline neck_ngram_matrix *matrix_alone(const text *given, int32_t order, int32_t weight)
{
    neck_ngram_matrix *matrix = NULL;
    neck_ngrams *ngrams = count_alone(given, order);
    EXPECT_OK(neck_ngram_matrix_create(NULL, ngrams, weight, &matrix));
    neck_ngrams_destroy(ngrams);
    return matrix;
}

#endif
