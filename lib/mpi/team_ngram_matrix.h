/* mpi/team_ngram_matrix.h - what a neck_mpi_ngram_matrix is inside the library. */
#ifndef NECK_MPI_TEAM_NGRAM_MATRIX_H
#define NECK_MPI_TEAM_NGRAM_MATRIX_H

#include "mpi/team_ngram_parts.h"
#include "softneck-mpi/ngram.h"

struct neck_mpi_ngram_matrix {
    neck_mpi_team *team;
    neck_ngram_matrix_info info;
    double roundings;          /* behind each squared weight: see neck_ngram_matrix_spectrum */
    neck_ngram_matrix *dealt;  /* parts that this rank got whole, by token; rank 0: and the columns alone */
    neck_ngram_matrix
        *shared; /* this rank's rows of the largest part, its columns in places 0 .. n - 1; NULL: there is none. Rank 0
                                  has its D */
    neck_ngram_matrix *small;  /* rank 0, where the largest part is small: all of its rows */
    int32_t *columns;          /* n: their tokens */
    double *squares;           /* n: squared norms over all ranks */
    int64_t shared_rows;       /* of all ranks, with the columns of D that are not zero */
    int64_t longest;           /* terms of a sum of products over rows, at most */
};

/* Whether one rank finds the singular values of the largest part by QR in half a second or so: the bound that the core
 * has. */
static inline int neck__mpi_ngram_is_cheap(const neck_mpi_ngram_matrix *matrix)
{
    double rows = (double)matrix->shared_rows, n = (double)matrix->info.largest_part;
    return rows * n * (rows < n ? rows : n) <= 2e9;
}

#endif
