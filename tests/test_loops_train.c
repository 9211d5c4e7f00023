/* tests/test_loops_train.c - the loops of training in single precision against those in double, on every table this CPU
 * can run; those in double against differences. */
#include <check.h>
#include <math.h>

#include "format_support.h"
#include "kernels/kernels.h"

enum { COUNT = 1003, ROWS = 37, WIDTH = 24 };

static const neck__train_loops_f32 *tables[3];
static int table_count;

static void find_tables(void)
{
    tables[table_count++] = &neck__kernels_generic.train;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2")
        && __builtin_cpu_supports("fma")) tables[table_count++] = &neck__kernels_avx2.train;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
        tables[table_count++] = &neck__kernels_avx512.train;
#endif
}

/* The same numbers in both precisions. */
typedef struct both {
    float f[COUNT];
    double d[COUNT];
} both;

static both numbers(int which, double scale)
{
    both b;
    for (int i = 0; i < COUNT; i++) {
        b.f[i] = (float)(scale * sin((double)(i * (7 + which) + which)));
        b.d[i] = (double)b.f[i];
    }
    return b;
}

static void assert_same(const both *b, double tolerance, const char *what)
{
    for (int i = 0; i < COUNT; i++)
        ck_assert_msg(fabs((double)b->f[i] - b->d[i]) <= tolerance * (1 + fabs(b->d[i])), "%s[%d]: %g, not %g", what, i,
                      (double)b->f[i], b->d[i]);
}

START_TEST(activations_and_their_slopes_agree)
{
    const neck__train_loops_f32 *f = tables[_i / NECK__TRAIN_ACTIVATIONS];
    const neck__train_loops_f64 *d = &neck__train_loops_double;
    int kind = _i % NECK__TRAIN_ACTIVATIONS;
    both x = numbers(1, 9), u = numbers(2, 3), d1 = numbers(3, 2), d2 = d1, h = {{0}, {0}}, h1 = h, h2 = h, g = h,
        h3 = h;
    f->activate[kind](COUNT, x.f, h.f), d->activate[kind](COUNT, x.d, h.d);
    f->activate_gradient[kind](COUNT, x.f, d1.f, h1.f), d->activate_gradient[kind](COUNT, x.d, d1.d, h1.d);
    f->gate[kind](COUNT, x.f, u.f, h2.f), d->gate[kind](COUNT, x.d, u.d, h2.d);
    f->gate_gradient[kind](COUNT, x.f, u.f, d2.f, g.f, h3.f), d->gate_gradient[kind](COUNT, x.d, u.d, d2.d, g.d, h3.d);
    assert_same(&h, 3e-6, "activate");
    assert_same(&h1, 3e-6, "activate_gradient, h");
    assert_same(&d1, 6e-6, "activate_gradient, d");
    assert_same(&h2, 6e-6, "gate");
    assert_same(&h3, 6e-6, "gate_gradient, h");
    assert_same(&d2, 6e-6, "gate_gradient, d");
    assert_same(&g, 2e-5, "gate_gradient, dg");
}
END_TEST

START_TEST(slopes_in_double_are_differences)
{
    const double step = 1e-6;
    both x = numbers(1, 5), d, h;
    double above[COUNT], below[COUNT], moved[COUNT];
    for (int i = 0; i < COUNT; i++) d.d[i] = 1;
    neck__train_loops_double.activate_gradient[_i](COUNT, x.d, d.d, h.d);
    for (int i = 0; i < COUNT; i++) moved[i] = x.d[i] + step;
    neck__train_loops_double.activate[_i](COUNT, moved, above);
    for (int i = 0; i < COUNT; i++) moved[i] = x.d[i] - step;
    neck__train_loops_double.activate[_i](COUNT, moved, below);
    for (int i = 0; i < COUNT; i++)
        if (fabs(x.d[i]) > step) ck_assert_double_eq_tol(d.d[i], (above[i] - below[i]) / (2 * step), 1e-8);
}
END_TEST

/* Of lengths that leave something over, with and without a bias and a mean. */
START_TEST(norms_agree)
{
    const neck__train_loops_f32 *f = tables[_i];
    const neck__train_loops_f64 *d = &neck__train_loops_double;
    for (int centered = 0; centered < 2; centered++) {
        both x = numbers(1, 2), gain = numbers(2, 1), bias = numbers(3, 1), out = {{0}, {0}}, dgain = out, dbias = out;
        both dy = numbers(4, 1), dx = numbers(5, 1);
        f->norm(COUNT, x.f, 0.25f, 1.5f, gain.f, 1, centered ? bias.f : NULL, out.f);
        d->norm(COUNT, x.d, 0.25, 1.5, gain.d, 1, centered ? bias.d : NULL, out.d);
        f->norm_gradient(COUNT, x.f, 0.25f, 1.5f, gain.f, 1, centered, dy.f, dgain.f, centered ? dbias.f : NULL, 1,
                         dx.f);
        d->norm_gradient(COUNT, x.d, 0.25, 1.5, gain.d, 1, centered, dy.d, dgain.d, centered ? dbias.d : NULL, 1, dx.d);
        assert_same(&out, 1e-6, "norm");
        assert_same(&dgain, 1e-6, "dgain");
        assert_same(&dbias, 1e-6, "dbias");
        assert_same(&dx, 2e-6, "dx");
        f->norm_gradient(COUNT, x.f, 0.25f, 1.5f, gain.f, 1, centered, dy.f, dgain.f, NULL, 0, dy.f); /* in place */
        d->norm_gradient(COUNT, x.d, 0.25, 1.5, gain.d, 1, centered, dy.d, dgain.d, NULL, 0, dy.d);
        assert_same(&dy, 2e-6, "dx in place");
    }
}
END_TEST

START_TEST(columns_agree)
{
    const neck__train_loops_f32 *f = tables[_i];
    const neck__train_loops_f64 *d = &neck__train_loops_double;
    both x = numbers(1, 4), most = numbers(2, 0.1), mean = numbers(3, 1), dp = numbers(4, 1);
    double totals[2][WIDTH] = {{0}};
    f->column_max(ROWS, WIDTH, x.f, most.f), d->column_max(ROWS, WIDTH, x.d, most.d);
    assert_same(&most, 0, "column_max");
    both capped = x;
    f->soft_cap(COUNT, 2, capped.f), d->soft_cap(COUNT, 2, capped.d);
    assert_same(&capped, 2e-6, "soft_cap");
    f->column_exp(ROWS, WIDTH, most.f, x.f), d->column_exp(ROWS, WIDTH, most.d, x.d);
    assert_same(&x, 1e-6, "column_exp");
    f->column_sum(ROWS, WIDTH, x.f, totals[0]), d->column_sum(ROWS, WIDTH, x.d, totals[1]);
    for (int i = 0; i < WIDTH; i++) ck_assert_double_eq_tol(totals[0][i], totals[1][i], 1e-5);
    f->softmax_gradient(ROWS, WIDTH, x.f, mean.f, 0.5f, dp.f), d->softmax_gradient(ROWS, WIDTH, x.d, mean.d, 0.5, dp.d);
    assert_same(&dp, 1e-6, "softmax_gradient");
    f->cap_gradient(COUNT, capped.f, 2, dp.f), d->cap_gradient(COUNT, capped.d, 2, dp.d);
    assert_same(&dp, 1e-5, "cap_gradient");
    f->column_scale(ROWS, WIDTH, mean.f, x.f), d->column_scale(ROWS, WIDTH, mean.d, x.d);
    assert_same(&x, 1e-6, "column_scale");
    f->add(COUNT, dp.f, x.f), d->add(COUNT, dp.d, x.d);
    assert_same(&x, 1e-5, "add");
    double sum[2], squares[2];
    f->moments(COUNT, mean.f, 0.5, &sum[0], &squares[0]), d->moments(COUNT, mean.d, 0.5, &sum[1], &squares[1]);
    ck_assert_double_eq_tol(sum[0], sum[1], 1e-9);
    ck_assert_double_eq_tol(squares[0], squares[1], 1e-9);
}
END_TEST

/* The same elements whatever the precision and the instruction set; about as many as asked for; others under another
 * key. */
START_TEST(dropout_is_a_function_of_its_key)
{
    const neck__dropout dropout = {(uint32_t)(0.3 * 4294967296.0), 1 / 0.7};
    both x, y;
    int kept = 0, differ = 0;
    for (int i = 0; i < COUNT; i++) x.f[i] = 1, x.d[i] = 1, y.f[i] = 1;
    tables[_i]->dropout(COUNT, 12345678901234567u, &dropout, x.f);
    neck__train_loops_double.dropout(COUNT, 12345678901234567u, &dropout, x.d);
    tables[_i]->dropout(COUNT, 12345678901234567u + ((uint64_t)1 << 40), &dropout, y.f);
    assert_same(&x, 1e-6, "dropout");
    for (int i = 0; i < COUNT; i++) kept += x.f[i] > 0, differ += (x.f[i] > 0) != (y.f[i] > 0);
    ck_assert_int_ge(kept, 640);
    ck_assert_int_le(kept, 760);
    ck_assert_int_ge(differ, 350); /* 2 x 0.3 x 0.7 of them */
    ck_assert_int_le(differ, 500);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("loops_train");
    find_tables();
    tcase_add_loop_test(tcase, activations_and_their_slopes_agree, 0, table_count * NECK__TRAIN_ACTIVATIONS);
    tcase_add_loop_test(tcase, slopes_in_double_are_differences, 0, NECK__TRAIN_ACTIVATIONS);
    tcase_add_loop_test(tcase, norms_agree, 0, table_count);
    tcase_add_loop_test(tcase, columns_agree, 0, table_count);
    tcase_add_loop_test(tcase, dropout_is_a_function_of_its_key, 0, table_count);
    return run_suite("loops_train", tcase);
}
