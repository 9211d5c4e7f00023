/* kernels/loops_softmax_f32.h - a softmax down the columns of a block of logits, one row a token of the vocabulary, one column a
 * context: lanes never meet, so nothing is summed across a vector. Compiled once for each instruction set, as
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

TARGET static void column_exp_sum_f32(int64_t rows, int64_t cols, const float *x, int64_t ldx, const float *shift, double *sum,
                                      double *squares)
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

TARGET static void column_gradient_f32(int64_t rows, int64_t cols, float *x, int64_t ldx, const float *shift, const float *scale,
                                       const float *offset)
{
    for (int64_t row = 0; row < rows; row++)
        for (int64_t c = 0; c < cols; c += WIDE) {
            float y[WIDE];
            EACH_LANE y[i] = x[row * ldx + c + i] - shift[c + i];
            exp_lanes(y);
            EACH_LANE x[row * ldx + c + i] = y[i] * scale[c + i] - offset[c + i];
        }
}

TARGET static void weigh_f32(int64_t count, const float *x, const float *a, const float *b, float *most, double *sum)
{
    float m[WIDE] = {0}, s[WIDE] = {0};
    for (int64_t c = 0; c < count; c += WIDE) {
        float y[WIDE], z[WIDE];
        EACH_LANE y[i] = x[c + i] < 0 ? -x[c + i] : x[c + i];
        EACH_LANE z[i] = y[i] * a[c + i];
        EACH_LANE m[i] = z[i] > m[i] ? z[i] : m[i];
        EACH_LANE s[i] += y[i] * b[c + i];
    }
    *most = 0;
    *sum = 0;
    EACH_LANE *most = m[i] > *most ? m[i] : *most;
    EACH_LANE *sum += (double)s[i];
}

TARGET static void add_magnitude_f32(int64_t count, const float *x, const float *a, float *y)
{
    for (int64_t c = 0; c < count; c += WIDE) EACH_LANE y[c + i] += (x[c + i] < 0 ? -x[c + i] : x[c + i]) * a[c + i];
}

#define NECK__LOOPS_SOFTMAX_F32                                                                                  \
    .column_max_f32 = column_max_f32, .column_exp_sum_f32 = column_exp_sum_f32,                                  \
    .column_gradient_f32 = column_gradient_f32, .weigh_f32 = weigh_f32, .add_magnitude_f32 = add_magnitude_f32

#endif
