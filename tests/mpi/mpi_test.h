/* mpi_test.h - tests that several ranks run together. A check that fails is counted and the test goes on: a rank that left in the
 * middle would leave the others waiting. Rank 0 ends with the line that Check would print. */
#ifndef MPI_TEST_H
#define MPI_TEST_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <softneck-mpi.h>

static neck_mpi_team *team;
static int rank, ranks;
static long wrong; /* checks of this test that failed on this rank */

#define EXPECT(condition, ...)                                                       \
    do {                                                                             \
        if (!(condition) && wrong++ < 20) {                                          \
            printf("%s:%d: rank %d of %d: %s: ", __FILE__, __LINE__, rank, ranks, #condition); \
            printf(__VA_ARGS__);                                                     \
            printf("\n");                                                            \
            fflush(stdout);                                                          \
        }                                                                            \
    } while (0)
#define EXPECT_OK(call)                                                              \
    do {                                                                             \
        neck_status status_ = (call);                                                \
        EXPECT(status_ == NECK_OK, "%s: %s", neck_status_name(status_), neck_last_error()); \
    } while (0)

typedef void (*mpi_test_fn)(void);

static int mpi_test_main(int argc, char **argv, const mpi_test_fn *tests, int count)
{
    int threads, failures = 0;
    MPI_Init_thread(&argc, &argv, MPI_THREAD_MULTIPLE, &threads);
    if (neck_mpi_team_create(MPI_COMM_WORLD, NULL, &team) != NECK_OK) {
        fprintf(stderr, "no team: %s\n", neck_last_error());
        MPI_Abort(MPI_COMM_WORLD, 1);
    }
    rank = neck_mpi_rank(team);
    ranks = neck_mpi_size(team);
    for (int i = 0; i < count; i++) {
        int64_t all;
        wrong = 0;
        tests[i]();
        all = wrong;
        if (neck_mpi_sum_integers(team, &all, 1) != NECK_OK) MPI_Abort(MPI_COMM_WORLD, 1);
        failures += all > 0;
    }
    neck_mpi_team_destroy(team);
    MPI_Finalize();
    if (rank == 0) printf("%d%%: Checks: %d, Failures: %d, Errors: 0\n", 100 * (count - failures) / count, count, failures);
    return failures > 0;
}

#define MPI_TEST_MAIN(tests) \
    int main(int argc, char **argv) { return mpi_test_main(argc, argv, tests, (int)(sizeof(tests) / sizeof *(tests))); }

#endif
