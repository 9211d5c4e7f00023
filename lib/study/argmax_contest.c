/* study/argmax_contest.c - who takes part: equal rows found by sorting their hashes. */
#include "study/argmax_contest.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/parallel.h"
#include "linalg/view.h"

enum { PIECE = 512 };

typedef struct key {
    uint64_t hash;
    int64_t token;
} key;

typedef struct hashing {
    const neck_matrix *view;
    key *keys;
    double *squares; /* of a token's row, rounded up */
} hashing;

static uint64_t mixed(uint64_t hash, double number)
{
    uint64_t bits;
    number += 0.0; /* -0 equals 0 */
    memcpy(&bits, &number, sizeof bits);
    hash = (hash ^ bits) * 0x9e3779b97f4a7c15u;
    return hash ^ (hash >> 29);
}

static void hash_row(void *data, int64_t row)
{
    const hashing *job = data;
    int64_t cols = job->view->cols;
    double piece[PIECE], squares = 0;
    uint64_t hash = 0;
    for (int64_t col = 0; col < cols; col += PIECE) {
        int64_t count = cols - col < PIECE ? cols - col : PIECE;
        neck__view_read(job->view, row, col, count, piece);
        for (int64_t k = 0; k < count; k++) {
            hash = mixed(hash, piece[k]);
            squares += piece[k] * piece[k];
        }
    }
    job->keys[row] = (key){hash, row};
    job->squares[row] = squares * (1 + (double)(cols + 4) * DBL_EPSILON) + DBL_MIN;
}

static int by_hash(const void *a, const void *b)
{
    const key *x = a, *y = b;
    if (x->hash != y->hash) return x->hash < y->hash ? -1 : 1;
    return (x->token > y->token) - (x->token < y->token);
}

static int rows_equal(const neck_matrix *view, int64_t a, int64_t b)
{
    double x[PIECE], y[PIECE];
    for (int64_t col = 0; col < view->cols; col += PIECE) {
        int64_t count = view->cols - col < PIECE ? view->cols - col : PIECE;
        neck__view_read(view, a, col, count, x);
        neck__view_read(view, b, col, count, y);
        for (int64_t k = 0; k < count; k++)
            if (x[k] != y[k]) return 0;
    }
    return 1;
}

/* first[t]: the first token with t's row and, when with_bias, its bias. keys are sorted, so that equals are neighbours;
 * of those with one hash each is compared with the first ones before it. */
static void group(const neck__contest *contest, const key *keys, int with_bias, int64_t *first)
{
    const double *bias = with_bias ? contest->bias : NULL;
    for (int64_t begin = 0, end; begin < contest->view.rows; begin = end) {
        for (end = begin; end < contest->view.rows && keys[end].hash == keys[begin].hash; end++) {
            int64_t token = keys[end].token;
            first[token] = token;
            for (int64_t i = begin; i < end && first[token] == token; i++) {
                int64_t other = keys[i].token;
                if (first[other] == other && (!bias || bias[other] == bias[token]) &&
                    rows_equal(&contest->view, token, other))
                    first[token] = other;
            }
        }
    }
}

static double bias_of(const neck__contest *contest, int64_t token)
{
    return contest->bias ? contest->bias[token] : 0;
}

double neck__contest_difference(const neck__contest *contest, int64_t a, int64_t b, double *out)
{
    int64_t cols = contest->view.cols, first = contest->token[a], second = contest->token[b];
    double piece[PIECE];
    neck__view_read(&contest->view, first, 0, cols, out);
    for (int64_t col = 0; col < cols; col += PIECE) {
        int64_t count = cols - col < PIECE ? cols - col : PIECE;
        neck__view_read(&contest->view, second, col, count, piece);
        for (int64_t k = 0; k < count; k++) out[col + k] -= piece[k];
    }
    return (bias_of(contest, first) - bias_of(contest, second)) / contest->bias_unit;
}

/* Pairs of row and bias: how many there are of each, and a chain through them. Going down, each comes in right behind
 * the first. */
static void link_pairs(neck__contest *made)
{
    for (int64_t t = made->view.rows - 1; t >= 0; t--) {
        int64_t first = made->pair_first[t];
        made->pair_size[first]++;
        if (t == first) continue;
        made->pair_next[t] = made->pair_next[first];
        made->pair_next[first] = t;
    }
}

/* row_first: the first token with an equal row. Of each such group, the first with the largest bias takes part. */
static void choose(neck__contest *made, const int64_t *row_first, const double *squares, int64_t *best)
{
    int64_t rows = made->view.rows;
    for (int64_t t = 0; t < rows; t++) {
        int64_t first = row_first[t];
        if (first == t || bias_of(made, t) > bias_of(made, best[first])) best[first] = t;
    }
    for (int64_t t = 0; t < rows; t++)
        if (best[row_first[t]] == t) {
            made->token[made->count] = t;
            made->norm[made->count] = sqrt(squares[t]) * (1 + 2 * DBL_EPSILON);
            made->norm_max = fmax(made->norm_max, made->norm[made->count]);
            made->contender[t] = made->count++;
        }
    for (int64_t i = 0; i < made->count; i++) made->ahead[i] = INFINITY;
    for (int64_t t = 0; t < rows; t++) {
        int64_t winner = best[row_first[t]], i = made->contender[winner];
        double gap = (bias_of(made, winner) - bias_of(made, t)) * (1 - DBL_EPSILON);
        made->contender[t] = i;
        if (gap > 0 && gap < made->ahead[i]) made->ahead[i] = gap;
    }
}

/* A bias that is the same for all decides nothing. */
static neck_status scale_bias(neck_context *context, neck__contest *made)
{
    int64_t rows = made->view.rows;
    double mean = 0, square = 0;
    int same = 1;
    NECK_TRY(neck_matrix_column_mean(context, &made->view, NULL, made->mean));
    for (int64_t t = 0; made->bias && t < rows; t++) {
        mean += made->bias[t] / (double)rows;
        same &= made->bias[t] == made->bias[0];
    }
    if (same) made->bias = NULL;
    for (int64_t t = 0; made->bias && t < rows; t++)
        square += (made->bias[t] - mean) * (made->bias[t] - mean) / (double)rows;
    made->bias_unit = square > 0 && isfinite(square) ? sqrt(square) : 1;
    return NECK_OK;
}

static neck_status fill(neck_context *context, neck__contest *made, key *keys, double *squares, int64_t *row_first)
{
    int64_t rows = made->view.rows;
    neck__parallel(context, rows, hash_row, &(hashing){&made->view, keys, squares});
    for (int64_t t = 0; t < rows; t++)
        if (!isfinite(squares[t] * (double)made->view.cols))
            return neck__fail(NECK_E_OVERFLOW, "row %lld of weights is too large: its square is not a double",
                              (long long)t);
    made->fingerprint = mixed(made->fingerprint, (double)made->view.cols);
    for (int64_t t = 0; t < rows; t++)
        made->fingerprint = mixed(made->fingerprint ^ keys[t].hash, made->bias ? made->bias[t] : 0);
    NECK_TRY(scale_bias(context, made));
    qsort(keys, (size_t)rows, sizeof *keys, by_hash);
    group(made, keys, 1, made->pair_first);
    group(made, keys, 0, row_first);
    for (int64_t t = 0; t < rows; t++) made->pair_next[t] = -1;
    link_pairs(made);
    choose(made, row_first, squares, (int64_t *)keys);
    return NECK_OK;
}

neck_status neck__contest_create(neck_context *context, const neck_matrix *view, const double *bias, double tolerance,
                                 neck__contest *out)
{
    neck__contest made = {.allocator = neck__allocator_of(context), .view = *view, .bias = bias,
                          .fingerprint = mixed(0, tolerance)};
    int64_t rows = view->rows;
    made.token = neck__calloc(&made.allocator, rows, 5 * sizeof(int64_t), "a list of tokens");
    made.norm = neck__alloc(&made.allocator, 2 * rows + view->cols, sizeof(double), "norms of rows");
    key *keys = neck__alloc(&made.allocator, rows, sizeof *keys + sizeof(double) + sizeof(int64_t), "hashes of rows");
    neck_status status = made.token && made.norm && keys ? NECK_OK : NECK_E_NOMEM;
    if (status == NECK_OK) {
        made.contender = made.token + rows;
        made.pair_first = made.contender + rows;
        made.pair_next = made.pair_first + rows;
        made.pair_size = made.pair_next + rows;
        made.ahead = made.norm + rows;
        made.mean = made.ahead + rows;
        double *squares = (double *)(keys + rows);
        status = fill(context, &made, keys, squares, (int64_t *)(squares + rows));
    }
    neck__release(&made.allocator, keys);
    if (status == NECK_OK) *out = made;
    else neck__contest_destroy(&made);
    return status;
}

void neck__contest_destroy(neck__contest *contest)
{
    neck__release(&contest->allocator, contest->token);
    neck__release(&contest->allocator, contest->norm);
}
