/* study/hidden_size.c - the rank of stacked logits, from the spectrum of their Gram matrix over the vectors. */
#include "softneck/hidden_size.h"

#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/parallel.h"
#include "linalg/view.h"
#include "softneck/spectrum.h"

/* Numbers of a block of columns; fewest vectors that say anything. */
enum { BLOCK_NUMBERS = 1 << 20, LEAST = 4, PIECE = 512 };

/* How a gap stands out: against other gaps, and against the fall of what lies behind it. */
#define STANDS_OUT 2.0

typedef struct turning {
    const neck_matrix *logits;
    int64_t first, count; /* tokens of the block */
    int32_t centered;
    const double *means;  /* of the vectors */
    double *block;        /* count x vectors */
} turning;

/* One vector's piece of the block becomes a column. */
static void turn_vector(void *data, int64_t i)
{
    const turning *job = data;
    int64_t vectors = job->logits->rows;
    double piece[PIECE];
    for (int64_t at = 0; at < job->count; at += PIECE) {
        int64_t count = job->count - at < PIECE ? job->count - at : PIECE;
        neck__view_read(job->logits, i, job->first + at, count, piece);
        for (int64_t j = 0; j < count; j++) job->block[(at + j) * vectors + i] = piece[j] - job->means[i];
    }
}

static void center_token(void *data, int64_t j)
{
    const turning *job = data;
    int64_t vectors = job->logits->rows;
    double *row = job->block + j * vectors, mean = 0;
    for (int64_t i = 0; i < vectors; i++) mean += row[i];
    mean /= (double)vectors;
    for (int64_t i = 0; i < vectors; i++) row[i] -= mean;
}

static void mean_of_vector(void *data, int64_t i)
{
    const turning *job = data;
    double piece[PIECE], sum = 0;
    for (int64_t at = 0; at < job->logits->cols; at += PIECE) {
        int64_t count = job->logits->cols - at < PIECE ? job->logits->cols - at : PIECE;
        neck__view_read(job->logits, i, at, count, piece);
        for (int64_t j = 0; j < count; j++) sum += piece[j];
    }
    ((double *)job->means)[i] = sum / (double)job->logits->cols;
}

/* The spectrum of the vectors; centered: minus their mean vector. */
static neck_status find_spectrum(neck_context *context, turning *job, int64_t step, neck_spectrum **out)
{
    neck_gram *gram;
    NECK_TRY(neck_gram_create(context, job->logits->rows, NULL, &gram));
    neck_status status = NECK_OK;
    for (job->first = 0; status == NECK_OK && job->first < job->logits->cols; job->first += step) {
        job->count = job->logits->cols - job->first < step ? job->logits->cols - job->first : step;
        neck__parallel(context, job->logits->rows, turn_vector, job);
        if (job->centered) neck__parallel(context, job->count, center_token, job);
        neck_matrix block = {job->block, job->count, job->logits->rows, 0, NECK_F64, 0};
        status = neck_gram_push(context, gram, &block);
    }
    if (status == NECK_OK) status = neck_gram_spectrum(context, gram, NULL, out);
    neck_gram_destroy(gram);
    return status;
}

typedef struct fall {
    int64_t rank, runner_up;
    double gap, runner_up_gap;
    int determined;
} fall;

static double level(const neck_spectrum *spectrum, int64_t i)
{
    return log(fmax(neck_spectrum_values(spectrum)[i], neck_spectrum_resolution(spectrum)));
}

/* Among the first count values. */
static fall largest_fall(const neck_spectrum *spectrum, int64_t count)
{
    fall found = {0, 0, 0, 0, 0};
    if (!(neck_spectrum_resolution(spectrum) > 0)) return found; /* all logits are equal */
    for (int64_t i = 1; i < count; i++) {
        double gap = level(spectrum, i - 1) - level(spectrum, i);
        if (gap > found.gap) {
            found.runner_up = found.rank;
            found.runner_up_gap = found.gap;
            found.rank = i;
            found.gap = gap;
        } else if (gap > found.runner_up_gap) {
            found.runner_up = i;
            found.runner_up_gap = gap;
        }
    }
    if (found.rank == 0 || found.rank > count - 2) return found;
    double behind = level(spectrum, found.rank) - level(spectrum, count - 1);
    found.determined = found.gap >= STANDS_OUT * found.runner_up_gap && found.gap >= STANDS_OUT * behind;
    return found;
}

static void read_ranks(const fall *plain, const fall *centered, neck_hidden_size *all)
{
    int differ = centered->rank + 1 == plain->rank;
    all->rank = plain->rank;
    all->gap = plain->gap;
    all->runner_up = plain->runner_up;
    all->runner_up_gap = plain->runner_up_gap;
    all->centered_rank = centered->rank;
    all->centered_gap = centered->gap;
    all->centered_runner_up = centered->runner_up;
    all->centered_runner_up_gap = centered->runner_up_gap;
    all->hidden_size = plain->rank;
    all->alternative = differ ? plain->rank - 1 : plain->rank + 1;
    all->determined = plain->determined && centered->determined && (differ || centered->rank == plain->rank);
}

/* Of n values of the centred vectors the last is 0 where there are n vectors: it is no gap. The same holds for
 * tokens. */
static neck_status measure(neck_context *context, const neck_matrix *logits, double *means, double *block, int64_t step,
                           double *singular_values, neck_hidden_size *all)
{
    turning job = {logits, 0, 0, 0, means, block};
    neck_spectrum *plain, *centered;
    neck__parallel(context, logits->rows, mean_of_vector, &job);
    NECK_TRY(find_spectrum(context, &job, step, &plain));
    job.centered = 1;
    neck_status status = find_spectrum(context, &job, step, &centered);
    if (status == NECK_OK) {
        int64_t n = neck_spectrum_count(plain), tokens_less = n == logits->cols;
        fall falls[2] = {largest_fall(plain, n - tokens_less), largest_fall(centered, n - 1)};
        read_ranks(&falls[0], &falls[1], all);
        if (singular_values) memset(singular_values, 0, (size_t)logits->rows * sizeof *singular_values);
        if (singular_values) memcpy(singular_values, neck_spectrum_values(plain), (size_t)n * sizeof *singular_values);
        neck_spectrum_destroy(centered);
    }
    neck_spectrum_destroy(plain);
    return status;
}

neck_status neck_hidden_size_measure(neck_context *context, const neck_matrix *logits, double *singular_values,
                                     neck_hidden_size *out)
{
    if (!out || out->struct_size < sizeof out->struct_size)
        return neck__fail(NECK_E_ARGUMENT, "out is NULL or its struct_size is not set");
    neck_matrix view;
    NECK_TRY(neck__view_check(logits, &view));
    if (view.rows < LEAST || view.cols < LEAST)
        return neck__fail(NECK_E_ARGUMENT, "%lld vectors of %lld logits: at least %d of %d are needed",
                          (long long)view.rows, (long long)view.cols, LEAST, LEAST);
    NECK_TRY(neck_matrix_check_finite(context, &view, NULL, NULL));
    neck__allocator allocator = neck__allocator_of(context);
    int64_t step = BLOCK_NUMBERS / view.rows > 16 ? BLOCK_NUMBERS / view.rows : 16;
    if (step > view.cols) step = view.cols;
    double *means = neck__alloc(&allocator, step + 1, view.rows * (int64_t)sizeof *means, "logits of some tokens");
    if (!means) return NECK_E_NOMEM;
    neck_hidden_size all = {.struct_size = out->struct_size, .vectors = view.rows, .vocabulary = view.cols};
    neck_status status = measure(context, &view, means, means + view.rows, step, singular_values, &all);
    neck__release(&allocator, means);
    if (status == NECK_OK) memcpy(out, &all, out->struct_size < sizeof all ? out->struct_size : sizeof all);
    return status;
}
