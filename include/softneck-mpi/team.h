/* softneck-mpi/team.h - ranks that work together: who is here, whether all are well, and sums that do not depend on
 * timing. */
#ifndef SOFTNECK_MPI_TEAM_H
#define SOFTNECK_MPI_TEAM_H

#include <mpi.h>

#include "../softneck/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The ranks of a communicator. Every function of this library that takes a team, but those said to be local, is
 * collective: all ranks call it, in the same order, with arguments that agree; all return the same status, and where a
 * rank failed the message names it.
 *
 * A team watches over its ranks: a thread of its own tells the others once a second that this process lives, and hears
 * of them. When one has been silent for silence_seconds (killed, its machine down, the link cut), waiting calls end
 * with NECK_E_IO and a message that names rank and host. The team is then broken: every later call fails with
 * NECK_E_STATE, memory of exchanges under way stays taken, and all that is left to do is to end the process (MPI_Abort:
 * MPI_Finalize would wait for the lost rank). An error that MPI returns on one rank breaks the team for all in the same
 * way. Time in which a rank was itself stopped (a suspended job) does not count.
 *
 * Needs MPI_Init_thread with MPI_THREAD_MULTIPLE. Thread rule: one call at a time on one team. */
typedef struct neck_mpi_team neck_mpi_team;

/* Called once, on the team's thread, when a rank is lost: for programs whose own thread may be inside a call that
 * cannot end, such as a solver's. message lives for the call. */
typedef void (*neck_mpi_lost_fn)(void *user, const char *message);

typedef struct neck_mpi_team_options {
    size_t struct_size;
    double silence_seconds; /* 0: 60; at least 1 */
    neck_mpi_lost_fn lost;  /* may be NULL */
    void *lost_user;
} neck_mpi_team_options;

/* neck_mpi_team_create - a team of all ranks of comm, which is duplicated.
 * neck_mpi_team_destroy - waits for all ranks, unless the team is broken. NULL is a no-op.
 * Errors: NECK_E_ARGUMENT (options), NECK_E_STATE (MPI is not initialised, or without MPI_THREAD_MULTIPLE),
 * NECK_E_NOMEM, NECK_E_IO (what MPI says). */
NECK_API neck_status neck_mpi_team_create(MPI_Comm comm, const neck_mpi_team_options *options, neck_mpi_team **out);
NECK_API void neck_mpi_team_destroy(neck_mpi_team *team);

/* Local. neck_mpi_host - the name of the machine that rank runs on; owned by the team. */
NECK_API int32_t neck_mpi_rank(const neck_mpi_team *team);
NECK_API int32_t neck_mpi_size(const neck_mpi_team *team);
NECK_API const char *neck_mpi_host(const neck_mpi_team *team, int32_t rank);

/* neck_mpi_broken - local: 1 once a rank was lost, else 0. */
NECK_API int32_t neck_mpi_broken(const neck_mpi_team *team);

/* neck_mpi_share - local: which of total items are rank's when each rank takes a run of them, equal but for one:
 * [*first, *first + *count). Ranks beyond the items get none. */
NECK_API void neck_mpi_share(const neck_mpi_team *team, int64_t total, int32_t rank, int64_t *first, int64_t *count);

/* neck_mpi_agree - every rank says how it has fared, with status and, unless that is NECK_OK, its neck_last_error().
 * NECK_OK when all are well; else all get the status and the message of the first rank that is not, with "rank 3
 * (host): " before it. */
NECK_API neck_status neck_mpi_agree(neck_mpi_team *team, neck_status status);

/* neck_mpi_sum - values (count doubles, count the same on all ranks) become their sums over ranks, added in order of
 * rank: the same bits on all ranks and in every run with as many ranks, whatever arrives first. Every rank sends and
 * gets 2 (P - 1) / P count numbers. neck_mpi_sum_integers - the same of int64_t; sums beyond their range wrap around.
 * neck_mpi_sum_f32 - the same of floats, added in double and rounded once.
 * After a failure the values are undefined. */
NECK_API neck_status neck_mpi_sum(neck_mpi_team *team, double *values, int64_t count);
NECK_API neck_status neck_mpi_sum_f32(neck_mpi_team *team, float *values, int64_t count);
NECK_API neck_status neck_mpi_sum_integers(neck_mpi_team *team, int64_t *values, int64_t count);

/* neck_mpi_broadcast - bytes of root's memory to all others. After a failure theirs are undefined. */
NECK_API neck_status neck_mpi_broadcast(neck_mpi_team *team, void *bytes, int64_t size, int32_t root);

/* neck_mpi_ticket - local but for rank 0's thread, which answers: the next of the numbers 0, 1, 2 ... that no rank of
 * the team has got yet, for work that is handed out as ranks become free. Ranks may call it as often as they like. */
NECK_API neck_status neck_mpi_ticket(neck_mpi_team *team, int64_t *ticket);

#ifdef __cplusplus
}
#endif
#endif
