/* tests/bench/floor.c - what the machine can do: GEMM peak of the installed BLAS, and the best that its own dsyrk and
 * symmetric eigensolver make of an n x d matrix that is already in double. Prints one JSON object.
 * Usage: floor ROWS COLS */
#include <cblas.h>
#include <lapacke.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROUNDS = 7, ORDER = 2048 };

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double *numbers(size_t count)
{
    double *a = malloc(count * sizeof *a);
    unsigned state = 1;
    for (size_t i = 0; a && i < count; i++)
        a[i] = (double)((state = state * 1664525u + 1013904223u) >> 8) / 16777216.0 - 0.5;
    return a;
}

static double sgemm_peak(void)
{
    float *a = calloc((size_t)ORDER * ORDER, sizeof *a), *c = calloc((size_t)ORDER * ORDER, sizeof *c);
    double best = 1e9;
    for (int i = 0; i < ROUNDS; i++) {
        double start = now();
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, ORDER, ORDER, ORDER, 1, a, ORDER, a, ORDER, 0, c, ORDER);
        if (now() - start < best) best = now() - start;
    }
    free(a);
    free(c);
    return 2.0 * ORDER * ORDER * ORDER / best * 1e-9;
}

static double gemm_peak(void)
{
    const size_t size = (size_t)ORDER * ORDER;
    double *a = numbers(size), *b = numbers(size), *c = numbers(size), best = 1e9;
    for (int i = 0; i < ROUNDS; i++) {
        double start = now();
        cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, ORDER, ORDER, ORDER, 1, a, ORDER, b, ORDER, 0, c, ORDER);
        if (now() - start < best) best = now() - start;
    }
    free(a);
    free(b);
    free(c);
    return 2.0 * ORDER * ORDER * ORDER / best * 1e-9;
}

int main(int argc, char **argv)
{
    int rows = argc > 2 ? atoi(argv[1]) : 50304, cols = argc > 2 ? atoi(argv[2]) : 512;
    double *x = numbers((size_t)rows * (size_t)cols), *g = numbers((size_t)cols * (size_t)cols);
    double syrk = 1e9, eigen = 1e9;
    double *values = numbers((size_t)cols * 67), *off = values + cols, *tau = off + cols, *work = tau + cols;
    for (int i = 0; i < ROUNDS; i++) {
        double start = now();
        cblas_dsyrk(CblasRowMajor, CblasUpper, CblasTrans, cols, rows, 1, x, cols, 0, g, cols);
        if (now() - start < syrk) syrk = now() - start;
        start = now();
        LAPACKE_dsytrd_work(LAPACK_COL_MAJOR, 'L', cols, g, cols, values, off, tau, work, cols * 64);
        LAPACKE_dsterf_work(cols, values, off);
        if (now() - start < eigen) eigen = now() - start;
    }
    printf("{\"gemm_gflops\": %.1f, \"sgemm_gflops\": %.1f, \"syrk_s\": %.4f, \"eigen_s\": %.4f}\n", gemm_peak(), sgemm_peak(), syrk,
           eigen);
    free(x);
    free(g);
    free(values);
    return 0;
}
