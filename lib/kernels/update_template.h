/* kernels/update_template.h - the loops of optimizers in one precision, as kernels.h describes them: whoever includes
 * this defines REAL, OF(name) (the name with its precision) and TARGET, and brings
 * OF(roots)(x), the square roots of WIDE numbers in place. Products and sums round one by one, so that every
 * instruction set gives the same bits. */

#define LANES TARGET static inline __attribute__((always_inline))
#define NUMBER(name) name = (REAL)u->name

/* With both of the root's bias corrections on the other side of the division: rate and epsilon hold them. */
LANES void OF(adamw_lanes)(const neck__update *u, REAL *p, const REAL *g, REAL *m, REAL *v)
{
    const REAL NUMBER(keep), NUMBER(rate), NUMBER(blend), NUMBER(beta), NUMBER(square), NUMBER(epsilon);
    REAL a[WIDE], b[WIDE], root[WIDE];
    EACH_LANE a[i] = m[i] + blend * (g[i] - m[i]);
    EACH_LANE b[i] = beta * v[i] + square * (g[i] * g[i]);
    EACH_LANE root[i] = b[i];
    OF(roots)(root);
    EACH_LANE root[i] = rate * a[i] / (root[i] + epsilon);
    EACH_LANE m[i] = a[i];
    EACH_LANE v[i] = b[i];
    EACH_LANE p[i] = keep * p[i] - root[i];
}

LANES void OF(sgd_lanes)(const neck__update *u, REAL *p, const REAL *g, REAL *unused, REAL *unused_too)
{
    const REAL NUMBER(rate), NUMBER(decay);
    (void)unused, (void)unused_too;
    EACH_LANE p[i] = p[i] - rate * (g[i] + decay * p[i]);
}

LANES void OF(momentum_lanes)(const neck__update *u, REAL *p, const REAL *g, REAL *m, REAL *unused)
{
    const REAL NUMBER(rate), NUMBER(decay), NUMBER(beta), NUMBER(ahead), NUMBER(along);
    REAL a[WIDE], b[WIDE];
    (void)unused;
    EACH_LANE a[i] = g[i] + decay * p[i];
    EACH_LANE b[i] = beta * m[i] + a[i];
    EACH_LANE m[i] = b[i];
    EACH_LANE p[i] = p[i] - rate * (along * a[i] + ahead * b[i]);
}

LANES void OF(lookahead_lanes)(const neck__update *u, REAL *unused, const REAL *g, REAL *m, REAL *x)
{
    const REAL NUMBER(beta), NUMBER(blend);
    REAL a[WIDE];
    (void)unused;
    EACH_LANE a[i] = m[i] + blend * (g[i] - m[i]);
    EACH_LANE x[i] = g[i] + beta * (a[i] - g[i]);
}

LANES void OF(muon_lanes)(const neck__update *u, REAL *p, const REAL *g, REAL *m, REAL *x)
{
    const REAL NUMBER(keep), NUMBER(rate), NUMBER(blend);
    EACH_LANE m[i] = m[i] + blend * (g[i] - m[i]);
    EACH_LANE p[i] = keep * p[i] - rate * x[i];
}

LANES void OF(combine_lanes)(const neck__update *u, REAL *p, const REAL *g, REAL *unused, REAL *unused_too)
{
    const REAL NUMBER(keep), NUMBER(rate);
    (void)unused, (void)unused_too;
    EACH_LANE p[i] = keep * p[i] + rate * g[i];
}

LANES void OF(scale_lanes)(const neck__update *u, REAL *p, const REAL *unused, REAL *unused_too, REAL *nor_this)
{
    const REAL NUMBER(keep);
    (void)unused, (void)unused_too, (void)nor_this;
    EACH_LANE p[i] = keep * p[i];
}

/* Lanes over any count; the last go through a whole set. Arrays a loop has no use for are the first one again; data[1]
 * is only read. */
#define NECK__UPDATE_LOOP(name, arrays)                                                                          \
    TARGET static void OF(name)(int64_t count, const neck__update *u, void *const *data)                         \
    {                                                                                                            \
        REAL *x[4], last[4][WIDE] = {{0}};                                                                       \
        for (int n = 0; n < 4; n++) x[n] = data[n < (arrays) ? n : 0];                                           \
        int64_t k = 0, rest = count % WIDE;                                                                      \
        for (; k + WIDE <= count; k += WIDE) OF(name##_lanes)(u, x[0] + k, x[1] + k, x[2] + k, x[3] + k);        \
        if (rest == 0) return;                                                                                   \
        for (int n = 0; n < (arrays); n++) memcpy(last[n], x[n] + k, (size_t)rest * sizeof(REAL));               \
        OF(name##_lanes)(u, last[0], last[1], last[2], last[3]);                                                 \
        for (int n = 0; n < (arrays); n++)                                                                       \
            if (n != 1) memcpy(x[n] + k, last[n], (size_t)rest * sizeof(REAL));                                  \
    }
NECK__UPDATE_LOOP(adamw, 4)
NECK__UPDATE_LOOP(sgd, 2)
NECK__UPDATE_LOOP(momentum, 3)
NECK__UPDATE_LOOP(lookahead, 4)
NECK__UPDATE_LOOP(muon, 4)
NECK__UPDATE_LOOP(combine, 2)
NECK__UPDATE_LOOP(scale, 1)
#undef NECK__UPDATE_LOOP
#undef NUMBER
#undef LANES

/* Nothing times a finite number is nothing: the sum is 0 or NaN. Twice x leaves room for the rounding of moments. */
TARGET static int OF(squares_finite)(int64_t count, const void *data)
{
    const REAL *x = data;
    REAL sum[WIDE] = {0}, total = 0;
    int64_t k = 0;
    for (; k + 4 * WIDE <= count; k += 4 * WIDE)
        EACH_LANE {
            REAL a = 2 * x[k + i], b = 2 * x[k + WIDE + i], c = 2 * x[k + 2 * WIDE + i], d = 2 * x[k + 3 * WIDE + i];
            sum[i] += (0 * (a * a) + 0 * (b * b)) + (0 * (c * c) + 0 * (d * d));
        }
    for (; k < count; k++) total += 0 * (4 * (x[k] * x[k]));
    EACH_LANE total += sum[i];
    return total == 0;
}

#undef REAL
#undef OF
