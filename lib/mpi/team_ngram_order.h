/* mpi/team_ngram_order.h - the columns of the largest part in the order of one process. */
#ifndef NECK_MPI_TEAM_NGRAM_ORDER_H
#define NECK_MPI_TEAM_NGRAM_ORDER_H

#include "mpi/team_ngram_parts.h"

/* Collective: gives the places of the largest part's columns, in parts and in its rows, which are made anew. */
neck_status neck__mpi_order_columns(neck_context *context, neck_mpi_team *team, neck__mpi_parts *parts,
                                    neck_ngram_rows **shared);

#endif
