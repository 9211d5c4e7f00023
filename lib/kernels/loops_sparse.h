/* kernels/loops_sparse.h - products of compressed sparse rows with blocks of vectors, in portable C, compiled once for
 * each instruction set: whoever includes this defines TARGET. A tile of vectors stays in registers over all entries of
 * a row; tiles narrow towards the end of the block, so that any count works. */
#ifndef NECK_KERNELS_LOOPS_SPARSE_H
#define NECK_KERNELS_LOOPS_SPARSE_H

#include <stdint.h>
#include <string.h>

#include "kernels/kernels.h"

#define VALUE(s, e) ((s)->values ? (s)->values[e] : 1)

typedef double octet __attribute__((vector_size(64)));
typedef double quad __attribute__((vector_size(32)));

/* One tile of `units` numbers or vectors of them, `count` numbers from row to row of x and y. gram: y += S^T S x, else
 * y = S x. */
#define SPARSE_TILE(name, unit, units)                                                                       \
    TARGET static void name(int gram, const neck__sparse_rows *s, int64_t count, const double *x, double *y) \
    {                                                                                                        \
        const int64_t lanes = (int64_t)(sizeof(unit) / sizeof(double));                                      \
        for (int64_t i = 0; i < s->rows; i++) {                                                              \
            unit sum[units] = {{0}};                                                                         \
            const int64_t first = s->starts[i], last = s->starts[i + 1];                                     \
            for (int64_t e = first; e < last; e++) {                                                         \
                const double *from = x + s->columns[e] * count;                                              \
                _Pragma("GCC unroll 4") for (int n = 0; n < (units); n++)                                    \
                {                                                                                            \
                    unit v;                                                                                  \
                    memcpy(&v, from + n * lanes, sizeof v);                                                  \
                    sum[n] += VALUE(s, e) * v;                                                               \
                }                                                                                            \
            }                                                                                                \
            for (int64_t e = first; gram && e < last; e++) {                                                 \
                double *to = y + s->columns[e] * count;                                                      \
                _Pragma("GCC unroll 4") for (int n = 0; n < (units); n++)                                    \
                {                                                                                            \
                    unit v;                                                                                  \
                    memcpy(&v, to + n * lanes, sizeof v);                                                    \
                    v += VALUE(s, e) * sum[n];                                                               \
                    memcpy(to + n * lanes, &v, sizeof v);                                                    \
                }                                                                                            \
            }                                                                                                \
            if (!gram) memcpy(y + i * count, sum, sizeof sum);                                               \
        }                                                                                                    \
    }

SPARSE_TILE(sparse_32, octet, 4)
SPARSE_TILE(sparse_16, octet, 2)
SPARSE_TILE(sparse_8, octet, 1)
SPARSE_TILE(sparse_4, quad, 1)

TARGET static void sparse_1(int gram, const neck__sparse_rows *s, int64_t count, const double *x, double *y)
{
    for (int64_t i = 0; i < s->rows; i++) {
        double sum = 0;
        for (int64_t e = s->starts[i]; e < s->starts[i + 1]; e++) sum += VALUE(s, e) * x[s->columns[e] * count];
        for (int64_t e = s->starts[i]; gram && e < s->starts[i + 1]; e++) y[s->columns[e] * count] += VALUE(s, e) * sum;
        if (!gram) y[i * count] = sum;
    }
}

TARGET static void sparse_product(int gram, const neck__sparse_rows *s, int64_t count, const double *x, double *y)
{
    static const struct {
        int64_t lanes;
        void (*run)(int gram, const neck__sparse_rows *s, int64_t count, const double *x, double *y);
    } tiles[] = {{32, sparse_32}, {16, sparse_16}, {8, sparse_8}, {4, sparse_4}, {1, sparse_1}};
    int64_t at = 0;
    for (int t = 0; at < count; t++)
        for (; count - at >= tiles[t].lanes; at += tiles[t].lanes) tiles[t].run(gram, s, count, x + at, y + at);
}

#endif
