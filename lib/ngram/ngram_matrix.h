/* ngram/ngram_matrix.h - what a neck_ngram_matrix is inside the library: [sqrt(D); R], columns and rows in the order of
 * their parts. */
#ifndef NECK_NGRAM_NGRAM_MATRIX_H
#define NECK_NGRAM_NGRAM_MATRIX_H

#include "linalg/sparse.h"
#include "ngram/ngram_layout.h"

/* Columns are in their new places, here and in everything below. */
struct neck_ngram_matrix {
    neck__allocator allocator;
    int64_t contexts;
    double frobenius_squared;
    double roundings; /* behind each squared weight */
    neck__ngram_layout layout;
    double *diagonal;   /* D: squared weights of one-hot rows, cols */
    int64_t hot;        /* columns where D is not zero ... */
    int32_t *hot_columns; /* ... which, in increasing order ... */
    double *hot_roots;  /* ... and sqrt(D) there */
    neck__sparse rows;  /* R; of each row its entries in increasing order */
    neck__sparse turned; /* R^T */
    void *entries[6];   /* the memory behind both */
    neck_operator *whole, *part; /* part is NULL when nothing is coupled */
};

/* Columns [first, last) of D that are not zero: their places in hot_columns. */
void neck__ngram_hot_range(const neck_ngram_matrix *matrix, int64_t first, int64_t last, int64_t *from, int64_t *to);

/* The operators of all columns (tokens in their old places) and of the largest part; they borrow the matrix. */
neck_status neck__ngram_operator_whole(neck_context *context, const neck_ngram_matrix *matrix, neck_operator **out);
neck_status neck__ngram_operator_part(neck_context *context, const neck_ngram_matrix *matrix, neck_operator **out);

#endif
