/* support_evaluate.h - one model evaluated over text: its loss, and the geometry of every layer. */
#ifndef SUPPORT_EVALUATE_H
#define SUPPORT_EVALUATE_H

#include "support_corpus.h"
#include "support_measure.h"
#include "support_progress.h"

/* What to do with each model. */
typedef struct evaluate_request {
    const char *tokenizer; /* NULL: the one beside the model */
    int64_t max_tokens;    /* predicted of each model, 0: all */
    int32_t variant;       /* of the spectra of layers: NECK_VARIANT_* */
    const char *dump;      /* file for the last states and their targets, NULL: none */
    neck_evaluation_options evaluation;
} evaluate_request;

/* What is measured of a layer besides its position: columns of a table, members of a JSON object. */
enum { LAYER_ANISOTROPY, LAYER_CENTERED_ANISOTROPY, LAYER_EFFECTIVE_RANK, LAYER_SINGULAR_ENTROPY, LAYER_ISOSCORE,
       LAYER_TOP_COMPONENT_SHARE, LAYER_MEASURES };

typedef struct layer_column {
    const char *name;
    const char *unit;
} layer_column;

extern const layer_column layer_columns[LAYER_MEASURES];

typedef struct evaluated_layer {
    double depth; /* 0 the embedding, 1 the last state */
    int64_t rows;
    int64_t cols;
    double centered_standard_error;          /* of the sampling; 0: none */
    neck_measure measures[LAYER_MEASURES]; /* NaN where one is undefined */
} evaluated_layer;

/* One model. */
typedef struct evaluated {
    char *path;
    char *family;
    int64_t step; /* -1: none */
    int64_t blocks;
    int64_t hidden_size;
    int64_t parameters;
    int64_t wanted; /* tokens to predict; more than loss.tokens when interrupted */
    neck_text_loss loss;
    evaluated_layer *layers; /* NULL when they were not watched */
    int64_t layer_count;
} evaluated;

/* What a context needs to show an evaluation's progress over all documents. */
typedef struct evaluate_progress {
    progress *shown;
    int64_t before; /* tokens of documents that are done */
    int64_t total;
    int finishing;  /* interrupted, and putting together what there is */
} evaluate_progress;

/* evaluate_report - a neck_progress_fn; user is an evaluate_progress. Cancels after Ctrl-C.
 * evaluate_tokenizer - the tokenizer at `given`, or beside the model at `path`. NULL and error when there is none.
 * evaluate_model - the model at path over all documents. 1 and out (free it with evaluated_free), also after Ctrl-C
 * when something was predicted by then; else 0 and error. track belongs to the context. Ranks share the text's
 * batches out and call it together. */
int32_t evaluate_report(void *user, const neck_progress *told);
neck_tokenizer *evaluate_tokenizer(neck_context *context, const char *given, const char *path, measure_error *error);
int evaluate_model(neck_context *context, evaluate_progress *track, const char *path, int64_t step, const corpus *text,
                   const evaluate_request *request, evaluated *out, measure_error *error);
void evaluated_free(evaluated *model);

#endif
