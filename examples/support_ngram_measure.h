/* support_ngram_measure.h - one corpus measured: counted, made a matrix, and how many dimensions that has. */
#ifndef SUPPORT_NGRAM_MEASURE_H
#define SUPPORT_NGRAM_MEASURE_H

#include "support_ngram_ways.h"

/* Ways to the spectrum. */
enum { NGRAM_AUTO, NGRAM_EXACT, NGRAM_TOP, NGRAM_DENSITY };
extern const char *const ngram_method_names[];

#define NGRAM_MOST_RANKS 32
enum { NGRAM_LEVELS = 2 };
extern const double ngram_levels[NGRAM_LEVELS]; /* of W-error, whose ranks are told */

typedef struct ngram_request {
    int32_t order;
    int32_t weight; /* NECK_WEIGHT_* */
    int method;
    int64_t top;    /* NGRAM_TOP: how many values */
    int64_t memory; /* bytes of a process, for counting and for exact spectra */
    int64_t ranks[NGRAM_MOST_RANKS]; /* where W-error is told */
    int rank_count;
    int curve; /* W-error at every rank is wanted too */
    double width; /* NGRAM_DENSITY: of the widest band of W-error; 0: as it comes */
    int steps; /* points of a growing corpus, 1: the whole corpus alone */
} ngram_request;

/* What came out. A band is NaN where nothing is known: a rank beyond the known values. */
typedef struct ngram_row {
    neck_ngrams_info counts;
    neck_ngram_matrix_info matrix;
    int method;
    const char *solver; /* of an exact spectrum; NULL */
    int64_t size; /* singular values in all, min(C, V) */
    int64_t known; /* of them in values */
    double *values, *errors; /* NULL with NGRAM_DENSITY */
    neck_band w_error[NGRAM_MOST_RANKS], rank[NGRAM_LEVELS], effective_rank, entropy_rank;
    neck_band *curve; /* W-error at curve_ranks, when it was asked for */
    int64_t *curve_ranks;
    int64_t curve_count;
    double count_seconds, spectrum_seconds;
} ngram_row;

/* What a measurement needs of its surroundings. tell: a line for people before something that takes long. */
typedef struct ngram_session {
    neck_context *context;
    const ngram_request *asked;
    const ngram_ways *ways;
    const char *scratch; /* a file that may be written meanwhile */
    void (*tell)(void *user, const char *line);
    void *user;
    double speed; /* floating-point operations a second of the eigensolver, measured when it is first asked for */
} ngram_session;

/* Of several ranks all measure together; what only rank 0 knows is NaN elsewhere.
 * ngram_measure - the first `tokens` tokens of a corpus. 0 and one line in error on failure, "" when interrupted; then
 * nothing is to be freed. */
int ngram_measure(ngram_session *session, const ngram_corpus *text, int64_t tokens, ngram_row *out,
                  char error[CORPUS_ERROR_SIZE]);
void ngram_row_free(ngram_row *row);

#endif
