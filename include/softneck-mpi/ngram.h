/* softneck-mpi/ngram.h - n-grams counted by many ranks, each of the contexts that a hash gives it, and the matrix they
 * make together. */
#ifndef SOFTNECK_MPI_NGRAM_H
#define SOFTNECK_MPI_NGRAM_H

#include "../softneck/ngram_rows.h"
#include "operator.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How a rank reads the text: token `begin` (0 .. tokens - 1) and those behind it, `most` at most and none beyond the
 * end of its document, to tokens; document gets where that document begins and ends, begin <= document[1] - 1. Return
 * NECK_OK, or what neck_error_set() returned. Called on the thread that counts. */
typedef neck_status (*neck_mpi_tokens_fn)(void *user, int64_t begin, int64_t most, int32_t *tokens,
                                          int64_t document[2]);

/* The whole text, the same on all ranks. */
typedef struct neck_mpi_text {
    int64_t tokens;
    int64_t vocab_size;
    neck_mpi_tokens_fn read;
    void *user;
} neck_mpi_text;

/* neck_mpi_ngrams_count - each rank reads its neck_mpi_share of the tokens and sends every n-gram to the rank that a
 *   hash of its context names, where it is counted (see neck_ngram_counter_create for options, which are each rank's
 *   own but for order; resume must be 0). A rank with contexts ends with a file of n-grams at path, all of its contexts
 *   and no others', which says tokens and documents of the whole text; one without has no file, and after a failure
 *   none has. Ranks on one machine need paths of their own.
 *   whole   what one process would have counted: the sums over ranks; filled up to whole->struct_size
 *   any     whether this rank has a file
 * A rank sends and gets 4 order (P - 1) / P bytes for each token of its share, in rounds of at most 16 MiB or an eighth
 * of its memory. Errors: as of neck_ngram_counter_create, _add and _finish, and what read says. */
NECK_API neck_status neck_mpi_ngrams_count(neck_context *context, neck_mpi_team *team, const neck_mpi_text *text,
                                           const neck_ngram_counter_options *options, const char *path,
                                           neck_ngrams_info *whole, int32_t *any);

/* The matrix of the n-grams of all ranks. Columns that no row connects with others, and small groups of columns
 * (parts), are dealt out to ranks whole; of the largest part each rank has the rows that a hash of them gives it, so
 * that equal rows are one. */
typedef struct neck_mpi_ngram_matrix neck_mpi_ngram_matrix;

/* neck_mpi_ngram_matrix_create - ngrams: this rank's, NULL: none; no context may be on two ranks. vocab_size: all the
 *   same.
 * neck_mpi_ngram_matrix_describe - local: as neck_ngram_matrix_describe of all of them in one process.
 * neck_mpi_ngram_matrix_destroy - local; NULL is a no-op.
 * Errors: NECK_E_ARGUMENT, NECK_E_NOMEM, NECK_E_OVERFLOW, NECK_E_FORMAT, NECK_E_CANCELLED, NECK_E_IO. */
NECK_API neck_status neck_mpi_ngram_matrix_create(neck_context *context, neck_mpi_team *team, const neck_ngrams *ngrams,
                                                  int64_t vocab_size, int32_t weight, neck_mpi_ngram_matrix **out);
NECK_API neck_status neck_mpi_ngram_matrix_describe(const neck_mpi_ngram_matrix *matrix, neck_ngram_matrix_info *info);
NECK_API void neck_mpi_ngram_matrix_destroy(neck_mpi_ngram_matrix *matrix);

/* neck_mpi_ngram_matrix_part - local: this rank's rows of the largest part, for neck_mpi_truncated_svd and
 *   neck_mpi_density; NULL when there is none. columns, if not NULL, gets the token of each of its columns
 *   (largest_part numbers), the same on all ranks.
 * neck_mpi_ngram_matrix_part_squares - local: the squared norms of its columns over all ranks (largest_part
 *   numbers). */
NECK_API const neck_operator *neck_mpi_ngram_matrix_part(const neck_mpi_ngram_matrix *matrix, int32_t *columns);
NECK_API neck_status neck_mpi_ngram_matrix_part_squares(const neck_mpi_ngram_matrix *matrix, double *squares);

/* Who finds the eigenvalues of the largest part's Gram matrix. */
enum {
    NECK_MPI_SOLVER_AUTO = 0,      /* whoever is soonest done: see neck_mpi_ngram_matrix_solver */
    NECK_MPI_SOLVER_ELPA = 1,      /* in two stages, values only */
    NECK_MPI_SOLVER_SCALAPACK = 2, /* pdsyev, values only: pdsyevd cannot leave the vectors out */
    NECK_MPI_SOLVER_ALONE = 3      /* rank 0, as one process does: all ranks make the matrix, and send it there */
};

/* neck_mpi_ngram_matrix_spectrum - as neck_ngram_matrix_spectrum, on every rank: parts by the ranks they were dealt to;
 *   the largest by rank 0 alone when its QR is cheap, else from D + R^T R, block-cyclic over the ranks.
 *   memory_bytes: refuse (NECK_E_NOMEM) beyond this, of each rank; 0: no limit.
 * neck_mpi_ngram_matrix_cost - local: about what that takes of this rank: bytes, with the solver that takes the least,
 *   and floating-point operations, those of one process where ranks take as long, with the one that is soonest done.
 * neck_mpi_ngram_matrix_solver - local, and on all ranks the same for the same memory_bytes: which solver AUTO takes
 *   first, rank 0's memory_bytes being what counts (0: half of its machine's memory, shared by the ranks there). ALONE
 *   where that has room for 16 n^2 bytes and there are no more than three ranks: ELPA takes 3.4 times the processor
 *   time of our own solver (measured: docs/scaling.md). When one refuses, or finds no
 *   memory, the next is asked: ALONE, ELPA, SCALAPACK.
 * neck_mpi_solver_name - "auto", "elpa", "scalapack", "alone"; NULL: no such solver.
 * neck_mpi_ngram_matrix_rest - as neck_ngram_matrix_rest, on every rank.
 * Solvers want a BLAS of as many threads as a rank has cores (OPENBLAS_NUM_THREADS). They cannot be cancelled; a
 * callback that cancels on any rank is heard between their calls.
 * Errors: as of theirs, and NECK_E_UNSUPPORTED (the solver refuses, saying why). */
NECK_API neck_status neck_mpi_ngram_matrix_spectrum(neck_context *context, const neck_mpi_ngram_matrix *matrix,
                                                    int64_t memory_bytes, int32_t solver, neck_spectrum **out);
NECK_API neck_status neck_mpi_ngram_matrix_cost(const neck_mpi_ngram_matrix *matrix, int64_t *bytes,
                                                double *operations);
NECK_API int32_t neck_mpi_ngram_matrix_solver(const neck_mpi_ngram_matrix *matrix, int64_t memory_bytes);
NECK_API const char *neck_mpi_solver_name(int32_t solver);
NECK_API neck_status neck_mpi_ngram_matrix_rest(neck_context *context, const neck_mpi_ngram_matrix *matrix,
                                                double *values, double *error_bounds);

#ifdef __cplusplus
}
#endif
#endif
