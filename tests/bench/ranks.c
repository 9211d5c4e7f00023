/* ranks.c - what a team's exchanges cost between the ranks it is run on: one line of JSON a size. Usage: mpirun -np P ranks */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <softneck-mpi.h>

enum { LEAST_REPEATS = 5 };

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static int fail(void)
{
    fprintf(stderr, "%s\n", neck_last_error());
    MPI_Abort(MPI_COMM_WORLD, 1);
    return 1;
}

/* The quickest of several: what the machine can do, not what else it did. */
static double quickest_sum(neck_mpi_team *team, double *values, int64_t count)
{
    double best = 1e300;
    int64_t repeats = LEAST_REPEATS + 1000000 / (count + 10000);
    for (int64_t i = 0; i < repeats; i++) {
        if (neck_mpi_agree(team, NECK_OK) != NECK_OK) fail();
        double start = now();
        if (neck_mpi_sum(team, values, count) != NECK_OK) fail();
        double took = now() - start;
        if (took < best) best = took;
    }
    return best;
}

int main(int argc, char **argv)
{
    int threads;
    neck_mpi_team *team;
    const int64_t longest = INT64_C(1) << 24;
    MPI_Init_thread(&argc, &argv, MPI_THREAD_MULTIPLE, &threads);
    if (neck_mpi_team_create(MPI_COMM_WORLD, NULL, &team) != NECK_OK) return fail();
    double *values = calloc((size_t)longest, sizeof *values);
    for (int64_t count = 1; values && count <= longest; count *= 16) {
        double seconds = quickest_sum(team, values, count);
        if (neck_mpi_rank(team) == 0)
            printf("{\"ranks\": %d, \"sum_of\": %lld, \"seconds\": %.3g, \"bytes_per_second\": %.3g}\n", neck_mpi_size(team),
                   (long long)count, seconds,
                   16.0 * (double)count * (neck_mpi_size(team) - 1) / neck_mpi_size(team) / seconds);
    }
    free(values);
    neck_mpi_team_destroy(team);
    return MPI_Finalize();
}
