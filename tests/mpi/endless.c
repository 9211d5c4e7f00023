/* endless.c - ranks that sum for ever, for tests that take one away. Prints "rank PID" once all are at work; what a call that fails says
 * goes to standard error. Usage: endless SILENCE [block]: with block, rank 0 waits in MPI itself, as a solver would. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <softneck-mpi.h>

static void lost(void *user, const char *message)
{
    (void)user;
    fprintf(stderr, "lost: %s\n", message);
    sleep(20); /* the launcher ends the job sooner */
    MPI_Abort(MPI_COMM_WORLD, 1);
}

int main(int argc, char **argv)
{
    int threads, block = argc > 2 && strcmp(argv[2], "block") == 0;
    neck_mpi_team *team;
    neck_mpi_team_options options = {.struct_size = sizeof options, .silence_seconds = argc > 1 ? atof(argv[1]) : 0};
    options.lost = lost;
    MPI_Init_thread(&argc, &argv, MPI_THREAD_MULTIPLE, &threads);
    neck_status status = neck_mpi_team_create(MPI_COMM_WORLD, &options, &team);
    double values[1000] = {1};
    if (status == NECK_OK) status = neck_mpi_sum(team, values, 1000);
    printf("%d %ld\n", neck_mpi_rank(team), (long)getpid());
    fflush(stdout);
    if (block && status == NECK_OK && neck_mpi_rank(team) == 0) MPI_Recv(values, 1, MPI_DOUBLE, 1, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    while (status == NECK_OK) {
        memset(values, 0, sizeof values);
        status = neck_mpi_sum(team, values, 1000);
        usleep(1000);
    }
    fprintf(stderr, "failed: %s: %s\n", neck_status_name(status), neck_last_error());
    neck_mpi_team_destroy(team); /* waits for its thread, and so for lost() */
    MPI_Abort(MPI_COMM_WORLD, 1);
    return 1;
}
