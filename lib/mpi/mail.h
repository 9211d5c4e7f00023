/* mpi/mail.h - records from any rank to any rank, in rounds of bounded memory. */
#ifndef NECK_MPI_MAIL_H
#define NECK_MPI_MAIL_H

#include "mpi/team.h"

typedef struct neck__mpi_mail {
    neck_mpi_team *team;
    int64_t box;      /* bytes from one rank to another in a round, at most */
    char *out, *in;   /* size boxes */
    int64_t *used;    /* of each box that goes out */
    int64_t *coming;  /* bytes from each rank */
    int *counts;      /* 4 x size: of MPI's calls */
    int64_t received; /* bytes in `in`, in order of the ranks that sent them */
} neck__mpi_mail;

/* Collective: memory for boxes, of which each holds the largest record at least; both agree on all ranks. Errors:
 * NECK_E_NOMEM, NECK_E_OVERFLOW (more than 2^31 - 1 bytes). Close also after a failure. */
neck_status neck__mpi_mail_open(neck_mpi_team *team, int64_t memory, int64_t largest, neck__mpi_mail *mail);
void neck__mpi_mail_close(neck__mpi_mail *mail);

/* Local: where a record of so many bytes for a rank goes; NULL when its box is full: then it waits for the next round.
 */
char *neck__mpi_mail_put(neck__mpi_mail *mail, int32_t to, int64_t bytes);

/* Collective: a round. status: how this rank has fared; when one is not well nothing is sent. Boxes are then empty.
 * sums, count of them, become their sums over ranks. */
neck_status neck__mpi_mail_exchange(neck__mpi_mail *mail, neck_status status, int64_t *sums, int64_t count);

/* Local: the rank that a hash stands for, all alike. */
static inline int32_t neck__mpi_rank_of(const neck_mpi_team *team, uint64_t hash)
{
    return (int32_t)((hash >> 32) * (uint64_t)team->size >> 32);
}

static inline uint64_t neck__mpi_hash(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * 0x9E3779B97F4A7C15u;
    return hash ^ hash >> 32;
}

#endif
