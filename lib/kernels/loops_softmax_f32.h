/* kernels/loops_softmax_f32.h - a softmax down the columns of a block of logits, one row a token of the vocabulary, one
 * column a context: lanes never meet, so nothing is summed across a vector. Compiled once for each instruction set, as
 * loops_f32.h is, after which it is included. */
#ifndef NECK_KERNELS_LOOPS_SOFTMAX_F32_H
#define NECK_KERNELS_LOOPS_SOFTMAX_F32_H

/* Rows whose exponentials are summed in single precision before they join a double. */
enum { FEW_ROWS = 32 };

TARGET static void column_max_f32(int64_t rows, int64_t cols, const float *x, int64_t ldx, float *most)
{
    for (int64_t c = 0; c < cols; c += WIDE) {
        float m[WIDE];
        EACH_LANE m[i] = most[c + i];
        for (int64_t row = 0; row < rows; row++) {
            const float *line = x + row * ldx + c;
            EACH_LANE m[i] = line[i] > m[i] ? line[i] : m[i];
        }
        EACH_LANE most[c + i] = m[i];
    }
}

TARGET static void column_exp_sum_f32(int64_t rows, int64_t cols, const float *x, int64_t ldx, const float *shift,
                                      double *sum, double *squares)
{
    for (int64_t c = 0; c < cols; c += WIDE)
        for (int64_t first = 0; first < rows; first += FEW_ROWS) {
            int64_t last = first + FEW_ROWS < rows ? first + FEW_ROWS : rows;
            float part[WIDE] = {0}, part_squares[WIDE] = {0};
            for (int64_t row = first; row < last; row++) {
                float y[WIDE];
                EACH_LANE y[i] = x[row * ldx + c + i] - shift[c + i];
                exp_lanes(y);
                EACH_LANE part[i] += y[i];
                if (squares) EACH_LANE part_squares[i] += y[i] * y[i];
            }
            EACH_LANE sum[c + i] += (double)part[i];
            if (squares) EACH_LANE squares[c + i] += (double)part_squares[i];
        }
}

TARGET static void column_gradient_f32(int64_t rows, int64_t cols, float *x, int64_t ldx, const float *shift,
                                       const float *scale, const float *offset)
{
    for (int64_t row = 0; row < rows; row++)
        for (int64_t c = 0; c < cols; c += WIDE) {
            float y[WIDE];
            EACH_LANE y[i] = x[row * ldx + c + i] - shift[c + i];
            exp_lanes(y);
            EACH_LANE x[row * ldx + c + i] = y[i] * scale[c + i] - offset[c + i];
        }
}

TARGET static void sum_below_f32(int64_t count, int64_t levels, const float *x, float level, float *sums,
                                 int64_t stride)
{
    for (int64_t c = 0; c < count; c += WIDE) {
        float y[WIDE], limit = level;
        EACH_LANE y[i] = x[c + i] < 0 ? -x[c + i] : x[c + i];
        for (int64_t l = 0; l < levels; l++, limit *= 4) {
            float *sum = sums + l * stride + c;
            EACH_LANE sum[i] += y[i] < limit ? y[i] : 0.0f;
        }
    }
}

TARGET static int64_t select_f32(int64_t count, const float *x, const float *limit, int32_t *index)
{
    int64_t found = 0;
    for (int64_t c = 0; c < count; c += WIDE) {
        float over[WIDE], most = -1;
        EACH_LANE over[i] = (x[c + i] < 0 ? -x[c + i] : x[c + i]) - limit[c + i];
        EACH_LANE most = over[i] > most ? over[i] : most;
        if (most < 0) continue;
        EACH_LANE if (over[i] >= 0) index[found++] = (int32_t)(c + i);
    }
    return found;
}

TARGET static double add_below_f32(int64_t count, const float *x, const float *limit, const float *weight, float scale,
                                   float *sums)
{
    float sum[WIDE] = {0};
    double total = 0;
    for (int64_t c = 0; c < count; c += WIDE) {
        float y[WIDE];
        EACH_LANE y[i] = x[c + i] < 0 ? -x[c + i] : x[c + i];
        EACH_LANE y[i] = y[i] < limit[c + i] ? y[i] : 0.0f;
        EACH_LANE sums[c + i] += y[i] * scale;
        EACH_LANE sum[i] += y[i] * weight[c + i];
    }
    EACH_LANE total += (double)sum[i];
    return total;
}

/* Four rows at a time, so that y is read and written less often. */
TARGET static void add_rows_f32(int64_t count, int64_t rows, const float *alpha, const float *x, int64_t ldx,
                                const int32_t *index, float *y)
{
    for (int64_t n = 0; n < rows; n += 4) {
        const float *a[4];
        float s[4];
        for (int m = 0; m < 4; m++) {
            int64_t at = n + m < rows ? n + m : n;
            a[m] = x + index[at] * ldx;
            s[m] = n + m < rows ? alpha[at] : 0;
        }
        int64_t k = 0;
        for (; k + WIDE <= count; k += WIDE)
            EACH_LANE y[k + i] += (s[0] * a[0][k + i] + s[1] * a[1][k + i]) + (s[2] * a[2][k + i] + s[3] * a[3][k + i]);
        for (; k < count; k++) y[k] += (s[0] * a[0][k] + s[1] * a[1][k]) + (s[2] * a[2][k] + s[3] * a[3][k]);
    }
}

#define NECK__LOOPS_SOFTMAX_F32                                                                    \
    .column_max_f32 = column_max_f32, .column_exp_sum_f32 = column_exp_sum_f32,                    \
    .column_gradient_f32 = column_gradient_f32, .sum_below_f32 = sum_below_f32, .select_f32 = select_f32, \
    .add_below_f32 = add_below_f32, .add_rows_f32 = add_rows_f32

#endif
