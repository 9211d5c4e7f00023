/* softneck-mpi/gram.h - one gram from many: each rank pushes its own rows. */
#ifndef SOFTNECK_MPI_GRAM_H
#define SOFTNECK_MPI_GRAM_H

#include "../softneck/gram.h"
#include "team.h"

#ifdef __cplusplus
extern "C" {
#endif

/* neck_mpi_gram_sum - every rank's gram becomes the merge of all of them, in order of rank; one that nothing was pushed
 * into counts as nothing. All need the same cols, the same shift and all or none moments_only. Spectra and geometry
 * then come out alike on every rank. Sends and gets about 8 cols^2 (P - 1) / P bytes. After a failure grams are as they
 * were.
 * Errors: NECK_E_ARGUMENT (grams that differ, naming the first rank that does), NECK_E_OVERFLOW, NECK_E_NOMEM,
 * NECK_E_IO. */
NECK_API neck_status neck_mpi_gram_sum(neck_mpi_team *team, neck_gram *gram);

#ifdef __cplusplus
}
#endif
#endif
