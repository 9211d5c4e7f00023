/* mpi/grid_alone.c - our own solver, on one rank that has all of the matrix: it goes there as a gram. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#ifdef __linux__
#include <sched.h>
#endif

#include "mpi/grid_eigen.h"
#include "softneck/spectrum.h"

/* Of a gram's numbers (neck_gram_get), the rows that it counts and the sum of their squares. */
enum { ROWS = 0, SQUARES = 4 };

/* The upper triangle row by row behind the other numbers, at the end of the memory that there is: rows move up, the
 * last one first. */
static double *pack(double *a, int64_t n, int64_t size)
{
    double *end = a + n * n + neck__mpi_alone_room(n), *to = end;
    for (int64_t i = n - 1; i >= 0; i--) {
        to -= n - i;
        memmove(to, a + i * n + i, (size_t)(n - i) * sizeof *a);
    }
    double *numbers = end - size;
    memset(numbers, 0, (size_t)(to - numbers) * sizeof *numbers);
    numbers[ROWS] = (double)n;
    for (int64_t i = 0; i < n; to += n - i, i++) numbers[SQUARES] += *to;
    return numbers;
}

static neck_status make_gram(neck_context *context, double *a, int64_t n, neck_gram **out)
{
    NECK_TRY(neck_gram_create(context, n, NULL, out));
    return neck_gram_set(*out, pack(a, n, neck_gram_size(*out)));
}

static int32_t allowed_cpus(void)
{
#ifdef __linux__
    cpu_set_t cpus;
    if (sched_getaffinity(0, sizeof cpus, &cpus) == 0) return (int32_t)CPU_COUNT(&cpus);
#endif
    return 1;
}

/* The other ranks of this machine wait meanwhile: their threads may run here, as far as this process is not bound to
 * fewer CPUs. */
static neck_status open_context(neck_context *context, const neck_mpi_team *team, neck_context **out)
{
    int32_t own = neck_context_threads(context), all = 0, most = allowed_cpus();
    for (int32_t r = 0; r < team->size; r++) all += strcmp(team->hosts[r], team->hosts[team->rank]) == 0 ? own : 0;
    if (all > most) all = most;
    const neck_context_options options = {.struct_size = sizeof options, .threads = all > own ? all : own};
    return neck_context_create(&options, out);
}

/* The gram is a copy: two of them are the most there are at a time. */
neck_status neck__mpi_alone(neck_context *context, const neck__mpi_grid *grid, double **a, double *values)
{
    neck_gram *gram = NULL;
    neck_spectrum *spectrum = NULL;
    neck_context *wide = NULL;
    neck_status status = open_context(context, grid->team, &wide);
    if (status == NECK_OK) status = make_gram(wide, *a, grid->n, &gram);
    free(*a);
    *a = NULL;
    if (status == NECK_OK) status = neck_gram_spectrum(wide, gram, NULL, &spectrum);
    for (int64_t i = 0; i < grid->n && status == NECK_OK; i++) {
        double value = neck_spectrum_values(spectrum)[grid->n - 1 - i];
        values[i] = value * value;
    }
    neck_spectrum_destroy(spectrum);
    neck_gram_destroy(gram);
    neck_context_destroy(wide);
    return status;
}
