/* test_team.c - who is here, agreeing, sums in a fixed order, copies, tickets. */
#include "mpi_test.h"

#include <math.h>
#include <signal.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

static void shares_cover_everything_once(void)
{
    const int64_t totals[] = {0, 1, 2, 7, 1000003};
    for (size_t t = 0; t < sizeof totals / sizeof *totals; t++) {
        int64_t next = 0, least = INT64_MAX, most = 0;
        for (int r = 0; r < ranks; r++) {
            int64_t first, count;
            neck_mpi_share(team, totals[t], r, &first, &count);
            EXPECT(first == next, "share of rank %d begins at %lld", r, (long long)first);
            next = first + count;
            least = count < least ? count : least;
            most = count > most ? count : most;
        }
        EXPECT(next == totals[t] && most - least <= 1, "%lld of %lld", (long long)next, (long long)totals[t]);
    }
}

static void all_learn_what_one_rank_says(void)
{
    EXPECT_OK(neck_mpi_agree(team, NECK_OK));
    neck_status status = NECK_OK;
    if (rank == ranks - 1) status = neck_error_set(NECK_E_FORMAT, "shard 7 is torn");
    status = neck_mpi_agree(team, status);
    EXPECT(status == NECK_E_FORMAT, "%d", status);
    EXPECT(strstr(neck_last_error(), "shard 7 is torn"), "%s", neck_last_error());
    char name[32];
    snprintf(name, sizeof name, "rank %d (", ranks - 1);
    EXPECT(ranks == 1 || strncmp(neck_last_error(), name, strlen(name)) == 0, "%s", neck_last_error());
    EXPECT_OK(neck_mpi_agree(team, NECK_OK));
}

/* What rank r holds at place i: signs and sizes that make the order of a sum show. */
static double entry(int r, int64_t i)
{
    return sin(12.9898 * (double)(i % 9973) + 78.233 * r) * pow(10, (double)((i + r) % 17) - 8);
}

static void sums_are_added_in_order_of_rank(void)
{
    const int64_t counts[] = {0, 1, 2, 3, 1000, (1 << 20) + 5, 3000000};
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
        int64_t count = counts[c], bad = 0, bad_f32 = 0, bad_integers = 0;
        double *values = malloc((size_t)(count + 1) * sizeof *values);
        float *singles = malloc((size_t)(count + 1) * sizeof *singles);
        int64_t *integers = malloc((size_t)(count + 1) * sizeof *integers);
        for (int64_t i = 0; i < count; i++) {
            values[i] = entry(rank, i);
            singles[i] = (float)entry(rank, i);
            integers[i] = INT64_MAX / 8 - i * (rank + 1);
        }
        EXPECT_OK(neck_mpi_sum(team, values, count));
        EXPECT_OK(neck_mpi_sum_f32(team, singles, count));
        EXPECT_OK(neck_mpi_sum_integers(team, integers, count));
        for (int64_t i = 0; i < count; i++) {
            double sum = entry(0, i), wide = (float)entry(0, i);
            int64_t whole = INT64_MAX / 8 - i;
            for (int r = 1; r < ranks; r++) {
                sum += entry(r, i);
                wide += (float)entry(r, i);
                whole += INT64_MAX / 8 - i * (r + 1);
            }
            bad += values[i] != sum;
            bad_f32 += singles[i] != (float)wide;
            bad_integers += integers[i] != whole;
        }
        EXPECT(bad + bad_f32 + bad_integers == 0, "%lld, %lld, %lld of %lld sums differ", (long long)bad, (long long)bad_f32,
               (long long)bad_integers, (long long)count);
        free(values);
        free(singles);
        free(integers);
    }
}

static void copies_arrive_from_any_rank(void)
{
    enum { SIZE = 100003 };
    static unsigned char bytes[SIZE];
    for (int root = 0; root < ranks; root++) {
        int bad = 0;
        for (int i = 0; i < SIZE; i++) bytes[i] = (unsigned char)(rank == root ? i * 7 + root : 0);
        EXPECT_OK(neck_mpi_broadcast(team, bytes, SIZE, root));
        for (int i = 0; i < SIZE; i++) bad += bytes[i] != (unsigned char)(i * 7 + root);
        EXPECT(bad == 0, "%d bytes from rank %d", bad, root);
    }
    EXPECT(neck_mpi_broadcast(team, bytes, 1, ranks) == NECK_E_ARGUMENT, "a root that is not there");
}

static void each_ticket_is_given_once(void)
{
    enum { EACH = 50 };
    int64_t seen[4 * EACH + 4] = {0}, ticket = -1, before = -1;
    for (int i = 0; i < EACH; i++) {
        EXPECT_OK(neck_mpi_ticket(team, &ticket));
        EXPECT(ticket > before && ticket < ranks * EACH, "ticket %lld after %lld", (long long)ticket, (long long)before);
        if (ticket >= 0 && ticket < ranks * EACH) seen[ticket]++;
        before = ticket;
    }
    EXPECT_OK(neck_mpi_sum_integers(team, seen, ranks * EACH));
    for (int i = 0; i < ranks * EACH; i++) EXPECT(seen[i] == 1, "ticket %d was given %lld times", i, (long long)seen[i]);
}

static void wrong_use_is_refused(void)
{
    neck_mpi_team *other = NULL;
    neck_mpi_team_options options = {.struct_size = sizeof options, .silence_seconds = 0.5};
    EXPECT(neck_mpi_team_create(MPI_COMM_WORLD, &options, &other) == NECK_E_ARGUMENT && !other, "half a second of silence");
    if (rank == ranks - 1) options.silence_seconds = -1;
    else options.silence_seconds = 10;
    EXPECT(neck_mpi_team_create(MPI_COMM_WORLD, &options, &other) == NECK_E_ARGUMENT && !other, "one rank's options are wrong");
    EXPECT(neck_mpi_agree(NULL, NECK_OK) == NECK_E_ARGUMENT, "no team");
    EXPECT(neck_mpi_sum(team, NULL, 3) == NECK_E_ARGUMENT, "no values");
    options.silence_seconds = 10;
    EXPECT_OK(neck_mpi_team_create(MPI_COMM_WORLD, &options, &other));
    EXPECT_OK(neck_mpi_agree(other, NECK_OK));
    neck_mpi_team_destroy(other);
    neck_mpi_team_destroy(NULL);
}

/* Pushing a share each, and summing, is pushing all. */
static void push(neck_gram *gram, int64_t first, int64_t count, int64_t cols)
{
    double *rows = malloc((size_t)(count * cols + 1) * sizeof *rows);
    for (int64_t i = 0; i < count * cols; i++) rows[i] = entry(3, first * cols + i);
    neck_matrix matrix = {.data = rows, .rows = count, .cols = cols, .dtype = NECK_F64};
    if (count > 0) EXPECT_OK(neck_gram_push(NULL, gram, &matrix));
    free(rows);
}

static void compare_grams(const neck_gram *whole, const neck_gram *parts, int64_t cols)
{
    const double *a = neck_gram_data(whole), *b = neck_gram_data(parts);
    EXPECT(neck_gram_count(whole) == neck_gram_count(parts), "%lld rows", (long long)neck_gram_count(parts));
    for (int64_t i = 0; a && i < cols * cols; i++)
        EXPECT(fabs(a[i] - b[i]) <= 1e-13 * sqrt(a[i / cols * (cols + 1)] * a[i % cols * (cols + 1)]), "entry %lld", (long long)i);
    for (int64_t j = 0; j < cols; j++)
        EXPECT(fabs(neck_gram_unit_sum(whole)[j] - neck_gram_unit_sum(parts)[j]) <= 1e-12, "unit_sum[%lld]", (long long)j);
    EXPECT(fabs(neck_gram_norm_sum(whole) / neck_gram_norm_sum(parts) - 1) < 1e-13, "norm_sum");
}

static void grams_of_shares_are_the_gram_of_all(void)
{
    const int64_t rows[] = {1, 3, 500}, cols = 37;
    for (size_t t = 0; t < sizeof rows / sizeof *rows; t++)
        for (int moments_only = 0; moments_only < 2; moments_only++) {
            neck_gram *whole, *own;
            neck_gram_options options = {.struct_size = sizeof options, .moments_only = moments_only};
            int64_t first, count;
            EXPECT_OK(neck_gram_create(NULL, cols, &options, &whole));
            EXPECT_OK(neck_gram_create(NULL, cols, &options, &own));
            neck_mpi_share(team, rows[t], rank, &first, &count);
            push(whole, 0, rows[t], cols);
            push(own, first, count, cols);
            EXPECT_OK(neck_mpi_gram_sum(team, own));
            compare_grams(whole, own, cols);
            neck_gram_destroy(whole);
            neck_gram_destroy(own);
        }
}

static void grams_that_differ_are_refused(void)
{
    neck_gram *gram;
    EXPECT_OK(neck_gram_create(NULL, rank == ranks - 1 ? 4 : 5, NULL, &gram));
    neck_status status = neck_mpi_gram_sum(team, gram);
    EXPECT(status == (ranks > 1 ? NECK_E_ARGUMENT : NECK_OK), "%d", status);
    EXPECT(ranks == 1 || strstr(neck_last_error(), "number of columns"), "%s", neck_last_error());
    neck_gram_destroy(gram);
}

/* What one rank takes for a short copy is a long one: where MPI lives on, that rank cannot, and the others must not
 * wait for it. */
static void a_rank_out_of_step_ends_the_team_for_all(void)
{
    enum { SIZE = 100000 };
    static char bytes[SIZE];
    neck_mpi_team *other = NULL;
    double sums[2] = {1, 2}, start = MPI_Wtime();
    if (ranks == 1) return;
    /* whose handler Open MPI calls, whatever the communicator */
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    EXPECT_OK(neck_mpi_team_create(MPI_COMM_WORLD, NULL, &other));
    neck_status status = neck_mpi_broadcast(other, bytes, rank == ranks - 1 ? SIZE / 2 : SIZE, 0);
    for (int i = 0; i < 2 && status == NECK_OK; i++) status = neck_mpi_sum(other, sums, 2);
    EXPECT(status == NECK_E_IO || status == NECK_E_STATE, "%d: %s", status, neck_last_error());
    EXPECT(neck_mpi_broken(other), "rank %d goes on", rank);
    EXPECT(neck_mpi_agree(other, NECK_OK) == NECK_E_STATE && strstr(neck_last_error(), "is out of step"), "%s",
           neck_last_error());
    EXPECT(MPI_Wtime() - start < 20, "that took %g s", MPI_Wtime() - start);
    neck_mpi_team_destroy(other);
}

enum { STOPPED = 3 }; /* seconds */

/* A child stops both ranks at once and lets them go on. */
static pid_t suspend(const pid_t *ranks_pids)
{
    pid_t child = fork();
    if (child != 0) return child;
    for (int i = 0; i < 2; i++) kill(ranks_pids[i], SIGSTOP);
    sleep(STOPPED);
    for (int i = 0; i < 2; i++) kill(ranks_pids[i], SIGCONT);
    _exit(0);
}

/* Since then. */
static void wait_until_it_was_stopped(double began)
{
    double looked = began, now = MPI_Wtime();
    while (now - looked < STOPPED / 2 && now - began < 60) {
        looked = now;
        usleep(1000);
        now = MPI_Wtime();
    }
    EXPECT(now - looked >= STOPPED / 2, "nothing was stopped");
}

/* A job that was stopped as a whole for longer than a rank may be silent (a batch system's suspension) goes on. */
static void a_job_that_was_stopped_goes_on(void)
{
    neck_mpi_team *other = NULL;
    const neck_mpi_team_options options = {.struct_size = sizeof options, .silence_seconds = 2};
    pid_t pids[2] = {getpid(), getpid()}, child = 0;
    if (ranks != 2) return;
    for (int32_t r = 0; r < 2; r++) EXPECT_OK(neck_mpi_broadcast(team, &pids[r], sizeof *pids, r));
    EXPECT_OK(neck_mpi_team_create(MPI_COMM_WORLD, &options, &other));
    double began = MPI_Wtime();
    EXPECT_OK(neck_mpi_agree(other, NECK_OK));
    if (rank == 0) child = suspend(pids);
    wait_until_it_was_stopped(began);
    if (rank == 0) waitpid(child, NULL, 0);
    EXPECT_OK(neck_mpi_agree(other, NECK_OK));
    usleep(100000);
    EXPECT_OK(neck_mpi_agree(other, NECK_OK));
    neck_mpi_team_destroy(other);
}

static const mpi_test_fn tests[] = {
    shares_cover_everything_once, all_learn_what_one_rank_says,   sums_are_added_in_order_of_rank,    copies_arrive_from_any_rank,
    each_ticket_is_given_once,    wrong_use_is_refused,           grams_of_shares_are_the_gram_of_all, grams_that_differ_are_refused,
    a_job_that_was_stopped_goes_on, a_rank_out_of_step_ends_the_team_for_all,
};
MPI_TEST_MAIN(tests)
