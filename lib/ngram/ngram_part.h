/* ngram/ngram_part.h - the singular values of one part of an n-gram matrix. */
#ifndef NECK_NGRAM_NGRAM_PART_H
#define NECK_NGRAM_NGRAM_PART_H

#include "ngram/ngram_matrix.h"
#include "spectrum/solve.h"

/* Rows of a part, one-hot ones of the same token merged; how many singular values it has, the rest of its columns being
 * zeros. */
int64_t neck__ngram_part_rows(const neck_ngram_matrix *matrix, const neck__ngram_part *part);
int64_t neck__ngram_part_size(const neck_ngram_matrix *matrix, const neck__ngram_part *part);

/* All of them, with bounds: by QR where that is cheap, else from the Gram matrix of its columns. */
neck_status neck__ngram_part_solve(neck_context *context, const neck_ngram_matrix *matrix, const neck__ngram_part *part,
                                   neck__solution *solution);

/* What that takes. */
void neck__ngram_part_cost(const neck_ngram_matrix *matrix, const neck__ngram_part *part, double *bytes,
                           double *operations);

#endif
