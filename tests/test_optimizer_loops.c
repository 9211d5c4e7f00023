/* tests/test_optimizer_loops.c - the optimizers' loops on every table this CPU can run: the formulas of kernels.h for
 * every count, the same bits on all, nothing written that is not theirs. */
#include "optimizer_support.h"

#include "kernels/kernels.h"

enum { ROOM = 100, ARRAYS = 4 };

static const neck__kernels *tables[3];
static int table_count;

static void find_tables(void)
{
    tables[table_count++] = &neck__kernels_generic;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) tables[table_count++] = &neck__kernels_avx2;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
        tables[table_count++] = &neck__kernels_avx512;
#endif
}

static const neck__update numbers = {.rate = 0.03, .keep = 0.9, .decay = 0.2, .blend = 0.1, .beta = 0.7, .square = 0.3,
                                     .epsilon = 1e-3, .along = 1, .ahead = 0.6};
static const int used[NECK__UPDATES] = {4, 2, 3, 4, 4, 2, 1};

/* What kernels.h says of one element, in double. */
static void by_definition(int kind, double *x)
{
    const neck__update *u = &numbers;
    double p = x[0], g = x[1], m = x[2], v = x[3], a;
    switch (kind) {
    case NECK__ADAMW:
        x[2] = m + u->blend * (g - m);
        x[3] = u->beta * v + u->square * g * g;
        x[0] = u->keep * p - u->rate * x[2] / (sqrt(x[3]) + u->epsilon);
        break;
    case NECK__SGD: x[0] = p - u->rate * (g + u->decay * p); break;
    case NECK__MOMENTUM:
        a = g + u->decay * p;
        x[2] = u->beta * m + a;
        x[0] = p - u->rate * (u->along * a + u->ahead * x[2]);
        break;
    case NECK__LOOKAHEAD: x[3] = g + u->beta * (m + u->blend * (g - m) - g); break;
    case NECK__MUON:
        x[2] = m + u->blend * (g - m);
        x[0] = u->keep * p - u->rate * v;
        break;
    case NECK__COMBINE: x[0] = u->keep * p + u->rate * g; break;
    default: x[0] = u->keep * p; break;
    }
}

typedef struct arrays {
    float narrow[ARRAYS][ROOM];
    double wide[ARRAYS][ROOM];
} arrays;

static void fill(arrays *a)
{
    uint64_t state = 3;
    for (int n = 0; n < ARRAYS; n++)
        for (int i = 0; i < ROOM; i++) {
            double number = next_number(&state);
            a->wide[n][i] = n == 3 ? fabs(number) : number; /* squares */
            a->narrow[n][i] = (float)a->wide[n][i];
        }
}

static void run(const neck__kernels *kernels, int kind, int precision, int64_t count, arrays *a)
{
    void *at[ARRAYS] = {NULL};
    for (int n = 0; n < used[kind]; n++) at[n] = precision ? (void *)a->wide[n] : (void *)a->narrow[n];
    kernels->update[precision][kind](count, &numbers, at);
}

START_TEST(loops_do_what_their_formulas_say)
{
    const neck__kernels *kernels = tables[_i / NECK__UPDATES];
    int kind = _i % NECK__UPDATES;
    static arrays start, found, generic;
    fill(&start);
    for (int precision = 0; precision < 2; precision++)
        for (int64_t count = 0; count <= 70; count++) {
            found = generic = start;
            run(kernels, kind, precision, count, &found);
            run(&neck__kernels_generic, kind, precision, count, &generic);
            ck_assert_mem_eq(&found, &generic, sizeof found);
            for (int i = 0; i < ROOM; i++) {
                double x[ARRAYS], epsilon = precision ? 1e-14 : 1e-6;
                for (int n = 0; n < ARRAYS; n++) x[n] = precision ? start.wide[n][i] : (double)start.narrow[n][i];
                if (i < count) by_definition(kind, x);
                for (int n = 0; n < ARRAYS; n++) {
                    double is = precision ? found.wide[n][i] : (double)found.narrow[n][i];
                    ck_assert_msg(fabs(is - x[n]) <= (i < count ? epsilon : 0),
                                  "%s, loop %d, count %d, array %d, %d: %g, not %g", kernels->name, kind, (int)count, n,
                                  i, is, x[n]);
                }
            }
        }
}
END_TEST

/* One bad element at every place of every count. */
START_TEST(unusable_squares_are_found)
{
    const neck__kernels *kernels = tables[_i];
    static const double bad[2][4] = {{NAN, INFINITY, -INFINITY, 1e19}, {NAN, INFINITY, -INFINITY, -7e153}};
    static arrays a;
    fill(&a);
    a.narrow[0][3] = 9e18f, a.wide[0][3] = 6e153; /* large, but usable */
    for (int64_t count = 0; count < ROOM; count++) {
        for (int precision = 0; precision < 2; precision++) {
            const void *data = precision ? (void *)a.wide[0] : (void *)a.narrow[0];
            ck_assert(kernels->squares_finite[precision](count, data));
            for (int64_t i = 0; i <= count; i++) {
                float narrow = a.narrow[0][i];
                double wide = a.wide[0][i];
                a.narrow[0][i] = (float)bad[0][(i + count) % 4];
                a.wide[0][i] = bad[1][(i + count) % 4];
                /* There it is beyond the end. */
                ck_assert_int_eq(kernels->squares_finite[precision](count, data), i == count);
                a.narrow[0][i] = narrow;
                a.wide[0][i] = wide;
            }
        }
    }
}
END_TEST

int main(void)
{
    find_tables();
    TCase *tcase = tcase_create("optimizer loops");
    tcase_add_loop_test(tcase, loops_do_what_their_formulas_say, 0, NECK__UPDATES * table_count);
    tcase_add_loop_test(tcase, unusable_squares_are_found, 0, table_count);
    return run_suite("optimizer loops", tcase);
}
