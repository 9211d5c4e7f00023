/* test_ngram_matrix.c - the matrix of all ranks has the spectrum of one process's: exact by every solver, the largest
 * values, the band. */
#include "ngram_test.h"

/* ---- comparing -------------------------------------------------------------------------------------------------- */

static void expect_same_info(const neck_mpi_ngram_matrix *together, const neck_ngram_matrix *alone)
{
    neck_ngram_matrix_info a = {.struct_size = sizeof a}, b = a;
    EXPECT_OK(neck_mpi_ngram_matrix_describe(together, &a));
    EXPECT_OK(neck_ngram_matrix_describe(alone, &b));
    EXPECT(a.rows == b.rows && a.cols == b.cols, "%lld x %lld", (long long)a.rows, (long long)a.cols);
    EXPECT(a.coupled == b.coupled && a.parts == b.parts && a.largest_part == b.largest_part,
           "%lld in %lld parts, the largest of %lld", (long long)a.coupled, (long long)a.parts,
           (long long)a.largest_part);
    EXPECT(a.coupled_rows == b.coupled_rows && a.coupled_entries == b.coupled_entries,
           "%lld rows, not %lld; %lld entries, not %lld", (long long)a.coupled_rows, (long long)b.coupled_rows,
           (long long)a.coupled_entries, (long long)b.coupled_entries);
    EXPECT(fabs(a.frobenius_squared - b.frobenius_squared) <= 1e-13 * b.frobenius_squared, "%.17g",
           a.frobenius_squared);
}

static neck_spectrum *spectrum_alone(const neck_ngram_matrix *matrix)
{
    neck_spectrum *spectrum = NULL;
    EXPECT_OK(neck_ngram_matrix_spectrum(NULL, matrix, 0, &spectrum));
    return spectrum;
}

/* Values that come through squares are compared as squares: those are what is known to so many digits. Bounds must hold
 * for both. */
static void expect_same_values(const neck_spectrum *found, const neck_spectrum *truth, int squares, const char *how)
{
    const double *a = neck_spectrum_values(found), *b = neck_spectrum_values(truth);
    const double *more = neck_spectrum_error_bounds(found), *less = neck_spectrum_error_bounds(truth);
    int64_t count = neck_spectrum_count(truth), bad = 0, outside = 0;
    double worst = 0;
    EXPECT(neck_spectrum_count(found) == count, "%lld of %lld values", (long long)neck_spectrum_count(found),
           (long long)count);
    for (int64_t i = 0; i < count && i < neck_spectrum_count(found); i++) {
        double off = squares ? fabs(a[i] * a[i] - b[i] * b[i]) / (b[0] * b[0]) : fabs(a[i] - b[i]) / b[0];
        worst = fmax(worst, off);
        bad += !(off <= 1e-12);
        outside += !(fabs(a[i] - b[i]) <= more[i] + less[i]);
    }
    EXPECT(bad == 0 && outside == 0, "%s: %lld values differ by up to %.3g, %lld outside their bounds", how,
           (long long)bad, worst, (long long)outside);
    EXPECT(neck_spectrum_method(found) == NECK_METHOD_PARTS, "%d", neck_spectrum_method(found));
}

static void expect_same_spectrum(const neck_mpi_ngram_matrix *together, const neck_spectrum *truth, int32_t solver,
                                 int squares)
{
    neck_spectrum *found = NULL;
    EXPECT_OK(neck_mpi_ngram_matrix_spectrum(NULL, together, 0, solver, &found));
    if (found) expect_same_values(found, truth, squares, neck_mpi_solver_name(solver));
    neck_spectrum_destroy(found);
}

static void expect_same_matrix(text *given, int32_t order, int32_t weight)
{
    neck_mpi_ngram_matrix *together = matrix_together(given, order, weight);
    neck_ngram_matrix *alone = matrix_alone(given, order, weight);
    neck_spectrum *truth = spectrum_alone(alone);
    expect_same_info(together, alone);
    expect_same_spectrum(together, truth, NECK_MPI_SOLVER_AUTO, 1);
    expect_same_spectrum(together, truth, NECK_MPI_SOLVER_ELPA, 1);
    expect_same_spectrum(together, truth, NECK_MPI_SOLVER_SCALAPACK, 1);
    expect_same_spectrum(together, truth, NECK_MPI_SOLVER_ALONE, 1);
    neck_spectrum_destroy(truth);
    neck_ngram_matrix_destroy(alone);
    neck_mpi_ngram_matrix_destroy(together);
}

/* ---- the spectrum ----------------------------------------------------------------------------------------------- */

static void every_weight_and_order(void)
{
    text given = make_text(4001, 150, 9);
    for (int32_t order = 2; order <= 5; order++) expect_same_matrix(&given, order, NECK_WEIGHT_UNIFORM);
    expect_same_matrix(&given, 3, NECK_WEIGHT_COUNT);
    expect_same_matrix(&given, 3, NECK_WEIGHT_ROOT_COUNT);
    free_text(&given);
}

/* Too large for QR: one process goes through squares as well. */
static void a_large_part_is_solved_by_all(void)
{
    text given = make_text(60000, 900, 3);
    expect_same_matrix(&given, 3, NECK_WEIGHT_UNIFORM);
    free_text(&given);
}

/* Where QR is quick, values are known themselves and not through their squares, in small parts as in the largest. */
static void small_values_are_as_exact_as_in_one_process(void)
{
    text given = make_text(2500, 60, 4);
    for (int64_t i = 0; i < given.count; i++)
        given.tokens[i] = given.tokens[i] % 10 + (int32_t)(i / 500) * 10; /* five parts or so */
    neck_mpi_ngram_matrix *together = matrix_together(&given, 3, NECK_WEIGHT_UNIFORM);
    neck_ngram_matrix *alone = matrix_alone(&given, 3, NECK_WEIGHT_UNIFORM);
    neck_spectrum *truth = spectrum_alone(alone);
    neck_ngram_matrix_info info = {.struct_size = sizeof info};
    expect_same_info(together, alone);
    expect_same_spectrum(together, truth, NECK_MPI_SOLVER_AUTO, 0);
    EXPECT_OK(neck_ngram_matrix_describe(alone, &info));
    double values[60], bounds[60], others[60];
    EXPECT_OK(neck_mpi_ngram_matrix_rest(NULL, together, values, bounds));
    EXPECT_OK(neck_ngram_matrix_rest(NULL, alone, others, NULL));
    for (int64_t i = 0; i < info.cols - info.largest_part; i++)
        EXPECT(fabs(values[i] - others[i]) <= 1e-12 * neck_spectrum_values(truth)[0] && bounds[i] >= 0,
               "%lld: %.17g, not %.17g", (long long)i, values[i], others[i]);
    neck_spectrum_destroy(truth);
    neck_ngram_matrix_destroy(alone);
    neck_mpi_ngram_matrix_destroy(together);
    free_text(&given);
}

/* Nothing coupled; one column; fewer contexts than ranks. */
static void matrices_with_hardly_anything(void)
{
    int32_t cycle[64], same[5] = {0, 0, 0, 0, 0}, pair[4] = {0, 1, 0, 2};
    int64_t end[] = {64}, short_end[] = {5}, pair_end[] = {4};
    for (int32_t i = 0; i < 64; i++) cycle[i] = i % 16;
    text cycles = {cycle, end, 64, 1, 16, -1}, alike = {same, short_end, 5, 1, 2, -1},
         few = {pair, pair_end, 4, 1, 3, -1};
    expect_same_matrix(&cycles, 2, NECK_WEIGHT_COUNT);
    expect_same_matrix(&alike, 2, NECK_WEIGHT_UNIFORM);
    expect_same_matrix(&few, 2, NECK_WEIGHT_UNIFORM);
}

static void memory_is_asked_for_first(void)
{
    text given = make_text(60000, 900, 3);
    neck_spectrum *found = NULL;
    int64_t bytes;
    double operations;
    neck_mpi_ngram_matrix *together = matrix_together(&given, 3, NECK_WEIGHT_UNIFORM);
    EXPECT_OK(neck_mpi_ngram_matrix_cost(together, &bytes, &operations));
    EXPECT(bytes > 8 * 800 * 800 / ranks && operations > 1e8 / ranks, "%lld bytes, %g operations", (long long)bytes,
           operations);
    neck_status status = neck_mpi_ngram_matrix_spectrum(NULL, together, 1 << 16, NECK_MPI_SOLVER_AUTO, &found);
    EXPECT(status == NECK_E_NOMEM && strstr(neck_last_error(), "a rank"), "%d: %s", status, neck_last_error());
    neck_mpi_ngram_matrix_destroy(together);
    free_text(&given);
}

/* ELPA is worth its toll from four ranks on, and where the first one has no room. */
static void the_solver_that_is_soonest_done_is_taken(void)
{
    text given = make_text(60000, 900, 3), small = make_text(2500, 60, 4);
    neck_mpi_ngram_matrix *together = matrix_together(&given, 3, NECK_WEIGHT_UNIFORM),
                          *quick = matrix_together(&small, 3, NECK_WEIGHT_UNIFORM);
    int32_t free_choice = neck_mpi_ngram_matrix_solver(together, 0);
    int32_t tight = neck_mpi_ngram_matrix_solver(together, 1 << 25);
    EXPECT(free_choice == (ranks < 4 ? NECK_MPI_SOLVER_ALONE : NECK_MPI_SOLVER_ELPA), "%s",
           neck_mpi_solver_name(free_choice));
    EXPECT(tight == NECK_MPI_SOLVER_ELPA, "%s", neck_mpi_solver_name(tight));
    EXPECT(neck_mpi_ngram_matrix_solver(quick, 1 << 25) == NECK_MPI_SOLVER_ALONE, "QR is not a rank's own");
    EXPECT(!neck_mpi_solver_name(4) && !neck_mpi_solver_name(-1), "a solver that there is not has a name");
    neck_mpi_ngram_matrix_destroy(together);
    neck_mpi_ngram_matrix_destroy(quick);
    free_text(&given);
    free_text(&small);
}

/* ---- operators -------------------------------------------------------------------------------------------------- */

static void the_largest_values_lie_within_their_bounds(void)
{
    enum { K = 12 };
    text given = make_text(60000, 900, 3);
    neck_mpi_ngram_matrix *together = matrix_together(&given, 3, NECK_WEIGHT_UNIFORM);
    neck_ngram_matrix *alone = matrix_alone(&given, 3, NECK_WEIGHT_UNIFORM);
    neck_spectrum *truth = spectrum_alone(alone);
    neck_truncated_report report = {.struct_size = sizeof report};
    neck_ngram_matrix_info info = {.struct_size = sizeof info};
    EXPECT_OK(neck_ngram_matrix_describe(alone, &info));
    EXPECT(info.largest_part > 800 && info.parts == 1, "%lld", (long long)info.largest_part);
    double values[K], residuals[K], bounds[K], *right = malloc((size_t)info.largest_part * K * sizeof *right);
    EXPECT_OK(neck_mpi_truncated_svd(NULL, team, neck_mpi_ngram_matrix_part(together, NULL), K, NULL, values, right,
                                     residuals, bounds, &report));
    for (int i = 0; i < K; i++) {
        double off = fabs(values[i] - neck_spectrum_values(truth)[i]), norm = 0;
        EXPECT(off <= bounds[i] + neck_spectrum_error_bounds(truth)[i], "value %d is off by %.3g, bound %.3g", i, off,
               bounds[i]);
        EXPECT(off <= 1e-10 * values[0] && bounds[i] <= 1e-6 * values[0], "value %d is off by %.3g, bound %.3g", i, off,
               bounds[i]);
        EXPECT(residuals[i] <= 1e-8 * values[0], "residual %d is %.3g", i, residuals[i]);
        for (int64_t j = 0; j < info.largest_part; j++)
            norm += right[i * info.largest_part + j] * right[i * info.largest_part + j];
        EXPECT(fabs(norm - 1) < 1e-10, "vector %d is %.17g long", i, sqrt(norm));
    }
    EXPECT(report.products > 0, "%lld", (long long)report.products);
    neck_status status = neck_mpi_truncated_svd(NULL, team, neck_mpi_ngram_matrix_part(together, NULL), 100000, NULL,
                                                values, NULL, NULL, NULL, NULL);
    EXPECT(status == NECK_E_ARGUMENT && strstr(neck_last_error(), "k is 100000"), "%d: %s", status, neck_last_error());
    free(right);
    neck_spectrum_destroy(truth);
    neck_ngram_matrix_destroy(alone);
    neck_mpi_ngram_matrix_destroy(together);
    free_text(&given);
}

static void the_band_of_the_density_holds_the_truth(void)
{
    text given = make_text(60000, 900, 3);
    neck_mpi_ngram_matrix *together = matrix_together(&given, 3, NECK_WEIGHT_UNIFORM);
    neck_ngram_matrix *alone = matrix_alone(&given, 3, NECK_WEIGHT_UNIFORM);
    neck_spectrum *truth = spectrum_alone(alone);
    neck_ngram_matrix_info info = {.struct_size = sizeof info};
    EXPECT_OK(neck_ngram_matrix_describe(alone, &info));
    double *rest = malloc((size_t)(info.cols + 1) * sizeof *rest),
           *squares = malloc((size_t)info.cols * sizeof *squares);
    double *others = malloc((size_t)info.cols * sizeof *others);
    EXPECT_OK(neck_mpi_ngram_matrix_rest(NULL, together, rest, NULL));
    EXPECT_OK(neck_mpi_ngram_matrix_part_squares(together, squares));
    EXPECT_OK(neck_ngram_matrix_part_squares(alone, others));
    double sum = 0, other = 0;
    for (int64_t j = 0; j < info.largest_part; j++) sum += squares[j], other += others[j];
    EXPECT(fabs(sum - other) <= 1e-12 * other, "%.17g, not %.17g", sum, other);
    const neck_density_options options = {.struct_size = sizeof options, .diagonal = squares, .known_values = rest,
                                          .known_count = info.cols - info.largest_part};
    neck_density *density = NULL;
    EXPECT_OK(neck_mpi_density(NULL, team, neck_mpi_ngram_matrix_part(together, NULL), &options, &density));
    EXPECT((density != NULL) == (rank == 0), "rank %d", rank);
    for (int64_t d = 0; density && d < info.largest_part; d += 50) {
        neck_band band;
        neck_measure exact;
        EXPECT_OK(neck_density_w_error(density, d, &band));
        EXPECT_OK(neck_w_error(truth, d, &exact));
        EXPECT(band.low <= exact.value + exact.error && exact.value - exact.error <= band.high,
               "W(%lld) = %g is not in %g .. %g", (long long)d, exact.value, band.low, band.high);
    }
    neck_density_destroy(density);
    free(rest);
    free(squares);
    free(others);
    neck_spectrum_destroy(truth);
    neck_ngram_matrix_destroy(alone);
    neck_mpi_ngram_matrix_destroy(together);
    free_text(&given);
}

/* The columns are in the order of one process, so random vectors are the same: what is left is rounding, in Lanczos'
 * hands. */
static void bands_are_those_of_one_process(void)
{
    text given = make_text(60000, 900, 3);
    neck_mpi_ngram_matrix *together = matrix_together(&given, 3, NECK_WEIGHT_UNIFORM);
    neck_ngram_matrix *alone = matrix_alone(&given, 3, NECK_WEIGHT_UNIFORM);
    neck_ngram_matrix_info info = {.struct_size = sizeof info};
    neck_density *many = NULL, *one = NULL;
    EXPECT_OK(neck_ngram_matrix_describe(alone, &info));
    int32_t *columns = calloc(2 * (size_t)info.largest_part, sizeof *columns), *others = columns + info.largest_part;
    const neck_operator *own = neck_mpi_ngram_matrix_part(together, columns);
    const neck_operator *all = neck_ngram_matrix_part(alone, others);
    EXPECT(memcmp(columns, others, (size_t)info.largest_part * sizeof *columns) == 0, "another order of columns");
    EXPECT_OK(neck_mpi_density(NULL, team, own, NULL, &many));
    EXPECT_OK(neck_density_compute(NULL, all, NULL, &one));
    for (int64_t d = 1; many && d < 200; d *= 3) {
        neck_band a, b;
        EXPECT_OK(neck_density_w_error(many, d, &a));
        EXPECT_OK(neck_density_w_error(one, d, &b));
        EXPECT(fabs(a.low - b.low) <= 1e-4 && fabs(a.high - b.high) <= 1e-4,
               "W(%lld) is in %.9g .. %.9g, alone %.9g .. %.9g", (long long)d, a.low, a.high, b.low, b.high);
    }
    neck_density_destroy(many);
    neck_density_destroy(one);
    free(columns);
    neck_ngram_matrix_destroy(alone);
    neck_mpi_ngram_matrix_destroy(together);
    free_text(&given);
}

/* Rows of a dense matrix as well: 7 x 5, some ranks with none. */
static void any_operator_can_be_stacked(void)
{
    enum { ROWS = 7, COLS = 5 };
    double entries[ROWS * COLS], values[COLS], bounds[COLS];
    uint64_t state = 5;
    int64_t first, count;
    for (int i = 0; i < ROWS * COLS; i++) entries[i] = uniform(&state) - 0.5;
    const neck_matrix whole = {.data = entries, .rows = ROWS, .cols = COLS, .dtype = NECK_F64};
    neck_spectrum *truth = NULL;
    EXPECT_OK(neck_spectrum_compute(NULL, &whole, NULL, &truth));
    neck_mpi_share(team, ROWS, ranks - 1 - rank, &first, &count);
    if (rank == 0 && ranks > 1) count = 0; /* its rows are left to the next */
    if (rank == 1) neck_mpi_share(team, ROWS, ranks - 2, &first, &count);
    if (rank == 1) {
        int64_t own, more;
        neck_mpi_share(team, ROWS, ranks - 1, &own, &more);
        count += more;
    }
    const neck_matrix mine = {.data = entries + first * COLS, .rows = count, .cols = COLS, .dtype = NECK_F64};
    neck_operator *own = NULL;
    if (count > 0) EXPECT_OK(neck_operator_dense(NULL, &mine, &own));
    EXPECT_OK(neck_mpi_truncated_svd(NULL, team, own, 3, NULL, values, NULL, NULL, bounds, NULL));
    for (int i = 0; i < 3; i++)
        EXPECT(fabs(values[i] - neck_spectrum_values(truth)[i]) <= 1e-12 * values[0], "value %d is %.17g, not %.17g", i,
               values[i], neck_spectrum_values(truth)[i]);
    neck_operator_destroy(own);
    neck_spectrum_destroy(truth);
}

static int32_t stop(void *user, int32_t transposed, int64_t count, const double *x, double *y)
{
    (void)user, (void)transposed, (void)count, (void)x, (void)y;
    return 1;
}

static void a_product_that_fails_names_its_rank(void)
{
    double values[2], one[] = {1, 2, 3, 4};
    char name[32];
    neck_operator *own = NULL;
    const neck_matrix view = {.data = one, .rows = 2, .cols = 2, .dtype = NECK_F64};
    if (rank == ranks - 1) EXPECT_OK(neck_operator_callback(NULL, 2, 2, stop, NULL, 1, &own));
    else EXPECT_OK(neck_operator_dense(NULL, &view, &own));
    neck_status status = neck_mpi_truncated_svd(NULL, team, own, 1, NULL, values, NULL, NULL, NULL, NULL);
    snprintf(name, sizeof name, "rank %d (", ranks - 1);
    EXPECT(status == NECK_E_CANCELLED && strstr(neck_last_error(), "said stop"), "%d: %s", status, neck_last_error());
    EXPECT(ranks == 1 || strncmp(neck_last_error(), name, strlen(name)) == 0, "%s", neck_last_error());
    neck_operator_destroy(own);
}

static const mpi_test_fn tests[] = {
    every_weight_and_order,      a_large_part_is_solved_by_all, small_values_are_as_exact_as_in_one_process,
    matrices_with_hardly_anything, memory_is_asked_for_first,   the_solver_that_is_soonest_done_is_taken,
    the_largest_values_lie_within_their_bounds,
    the_band_of_the_density_holds_the_truth, bands_are_those_of_one_process, any_operator_can_be_stacked, a_product_that_fails_names_its_rank,
};
MPI_TEST_MAIN(tests)
