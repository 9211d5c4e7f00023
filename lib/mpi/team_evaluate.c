/* mpi/team_evaluate.c - evaluations of all ranks become one. */
#include "softneck-mpi/evaluate.h"

#include <inttypes.h>
#include <stdlib.h>

#include "mpi/team.h"

static int64_t longest_part(const neck_evaluation *evaluation)
{
    int64_t longest = 0;
    for (int64_t part = 0; part < neck_evaluation_parts(evaluation); part++)
        if (neck_evaluation_size(evaluation, part) > longest) longest = neck_evaluation_size(evaluation, part);
    return longest;
}

/* As many parts everywhere, the longest of them as long. */
static neck_status compare(neck_mpi_team *team, const neck_evaluation *evaluation)
{
    neck_status status = evaluation ? NECK_OK : neck__mpi_fail(NECK_E_ARGUMENT, "evaluation is NULL");
    NECK_TRY(neck_mpi_agree(team, status));
    int64_t mine[2] = {neck_evaluation_parts(evaluation), longest_part(evaluation)}, first[2] = {mine[0], mine[1]};
    NECK_TRY(neck_mpi_broadcast(team, first, sizeof first, 0));
    if (mine[0] != first[0] || mine[1] != first[1])
        status = neck__mpi_fail(NECK_E_ARGUMENT,
                                "this evaluation keeps %" PRId64 " parts of up to %" PRId64
                                " numbers, rank 0's %" PRId64 " of %" PRId64,
                                mine[0], mine[1], first[0], first[1]);
    return neck_mpi_agree(team, status);
}

static neck_status sum_part(neck_mpi_team *team, neck_evaluation *evaluation, int64_t part, double *numbers)
{
    neck_evaluation_get(evaluation, part, numbers);
    NECK_TRY(neck_mpi_sum(team, numbers, neck_evaluation_size(evaluation, part)));
    return neck_mpi_agree(team, neck_evaluation_set(evaluation, part, numbers));
}

neck_status neck_mpi_evaluation_sum(neck_mpi_team *team, neck_evaluation *evaluation)
{
    NECK_TRY(neck__mpi_usable(team));
    NECK_TRY(compare(team, evaluation));
    double *numbers = malloc((size_t)longest_part(evaluation) * sizeof *numbers);
    neck_status status = numbers ? NECK_OK
                                 : neck__mpi_fail(NECK_E_NOMEM, "out of memory: %" PRId64 " numbers of an evaluation",
                                                  longest_part(evaluation));
    status = neck_mpi_agree(team, status);
    for (int64_t part = 0; part < neck_evaluation_parts(evaluation) && status == NECK_OK; part++)
        status = sum_part(team, evaluation, part, numbers);
    neck__mpi_free(team, numbers);
    return status;
}
