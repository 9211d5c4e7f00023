/* mpi/team_ngram_parts.h - columns that rows of any rank connect. */
#ifndef NECK_MPI_TEAM_NGRAM_PARTS_H
#define NECK_MPI_TEAM_NGRAM_PARTS_H

#include "mpi/team.h"
#include "softneck/ngram_rows.h"

/* The same on all ranks. */
typedef struct neck__mpi_parts {
    int64_t cols;
    int32_t *root;      /* of each column: the smallest one of its part */
    int64_t coupled;    /* columns in parts of two or more */
    int64_t parts;      /* those parts */
    int64_t largest;    /* columns of the largest, 0: there is none; of several the one with the smallest column */
    int32_t largest_root;
    int32_t *columns;   /* largest: which, by place; increasing until they are ordered */
    int32_t *place;     /* of each column in them, -1: in another part */
} neck__mpi_parts;

/* Collective. Errors: NECK_E_NOMEM, NECK_E_IO. */
neck_status neck__mpi_parts_find(neck_mpi_team *team, const neck_ngram_rows_view *rows, neck__mpi_parts *out);
void neck__mpi_parts_free(neck__mpi_parts *parts);

#endif
