/* mpi/alike.c - whether ranks were called with the same arguments; the least of what each has. */
#include <inttypes.h>
#include <string.h>

#include "mpi/team.h"

/* Rank 0's numbers are what the others' must be. */
neck_status neck__mpi_same(neck_mpi_team *team, const char *what, const char *const *names, const int64_t *numbers,
                           int32_t count)
{
    int64_t first[NECK__MPI_MOST_ALIKE] = {0};
    neck_status status = NECK_OK;
    for (int32_t i = 0; i < count; i++) first[i] = numbers[i];
    NECK_TRY(neck_mpi_broadcast(team, first, (int64_t)sizeof first, 0));
    for (int32_t i = 0; i < count && status == NECK_OK; i++)
        if (numbers[i] != first[i])
            status = neck__mpi_fail(NECK_E_ARGUMENT, "%s of %s is %" PRId64 ", on rank 0 it is %" PRId64, names[i],
                                    what, numbers[i], first[i]);
    return neck_mpi_agree(team, status);
}

neck_status neck__mpi_least(neck_mpi_team *team, int64_t own, int64_t *out)
{
    MPI_Request request;
    int64_t both[2] = {own, 0};
    char *found = team->small + sizeof own;
    memcpy(team->small, both, sizeof both);
    int code = MPI_Iallreduce(team->small, found, 1, MPI_INT64_T, MPI_MIN, team->comm, &request);
    NECK_TRY(neck__mpi_await(team, code, &request, "the least of all ranks"));
    memcpy(out, found, sizeof *out);
    return NECK_OK;
}
