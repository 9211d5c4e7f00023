/* mpi/team_ngram_deal.h - rows of next-token distributions go to the ranks that they belong to. */
#ifndef NECK_MPI_TEAM_NGRAM_DEAL_H
#define NECK_MPI_TEAM_NGRAM_DEAL_H

#include "mpi/team_ngram_parts.h"

/* Collective. Of this rank's rows those of the largest part go to the rank that their hash names, their columns in
 * places of the part, and become part of its `shared`; those of another part to the rank that the part's hash names, to
 * its `dealt`. Equal rows meet.
 * neck__mpi_gather_rows - all rows of all ranks become part of rank 0's `all`, as they are.
 * Errors: NECK_E_NOMEM, NECK_E_OVERFLOW, NECK_E_IO. */
neck_status neck__mpi_deal_rows(neck_context *context, neck_mpi_team *team, const neck_ngram_rows_view *rows,
                                const neck__mpi_parts *parts, neck_ngram_rows *dealt, neck_ngram_rows *shared);

neck_status neck__mpi_gather_rows(neck_context *context, neck_mpi_team *team, const neck_ngram_rows_view *rows,
                                  neck_ngram_rows *all);

/* Local: the rank of a column's part. */
int32_t neck__mpi_dealt_to(const neck_mpi_team *team, const neck__mpi_parts *parts, int64_t column);

#endif
