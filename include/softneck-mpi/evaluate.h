/* softneck-mpi/evaluate.h - one evaluation of a model from many: each rank runs its part of the text. */
#ifndef SOFTNECK_MPI_EVALUATE_H
#define SOFTNECK_MPI_EVALUATE_H

#include "../softneck/evaluate.h"
#include "team.h"

#ifdef __cplusplus
extern "C" {
#endif

/* neck_mpi_evaluation_sum - every rank's evaluation becomes the sum of all: loss, grams of layers, samples. The
 * documents were shared out with neck_evaluation_push_part: each rank got all of them, in the same order, and every
 * batch was run by one rank. Sends and gets about 8 (cols^2 / 2 + sample_rows cols) bytes a layer. After a failure
 * evaluations are undefined.
 * Errors: NECK_E_ARGUMENT (evaluations that differ in what they keep), NECK_E_STATE (documents that were not shared
 * out so), NECK_E_NOMEM, NECK_E_IO. */
NECK_API neck_status neck_mpi_evaluation_sum(neck_mpi_team *team, neck_evaluation *evaluation);

#ifdef __cplusplus
}
#endif
#endif
