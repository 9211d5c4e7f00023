/* support_run.h - one training run as a tool sees it: its logs, and what is measured of its checkpoints. */
#ifndef SUPPORT_RUN_H
#define SUPPORT_RUN_H

#include "support_curves.h"
#include "support_evaluate.h"

enum { RUN_RANKS = 100 }; /* of a spectrum, as Fig. 4 of the paper shows it */

/* The head of one checkpoint. */
typedef struct run_head {
    char *path;
    int64_t step, rows, cols, ranks;
    double ratios[RUN_RANKS]; /* sigma_i over the first one */
    double *w_error;          /* of ranks 0 .. cols */
    double singular_entropy, effective_rank, top_component_share;
    double loss, loss_error, anisotropy; /* of the text; NaN without one */
} run_head;

typedef struct run {
    const char *path;
    int is_folder;
    curves curves;   /* the log's, then head.singular_entropy ..., text.loss, text.anisotropy */
    run_head *heads; /* in order of step */
    int64_t head_count;
    char log[512];   /* which log of a folder was read; "" for none */
    int failed;      /* some checkpoint could not be read */
} run;

/* What to do with it. */
typedef struct run_request {
    curve_request curve;
    const corpus *text; /* NULL: only spectra */
    evaluate_request evaluation;
} run_request;

/* Who does it. */
typedef struct run_worker {
    neck_context *context;
    evaluate_progress *track;
    void (*complain)(const char *text);
} run_worker;

/* run_read - reads path, or reads it again: logs anew, of checkpoints only those not yet measured. *measured: how many
 * those were. 1, or 0 and one line in error; error.status NECK_E_CANCELLED after Ctrl-C.
 * run_free - releases all. */
int run_read(run *self, const run_worker *worker, const char *path, const run_request *request, int64_t *measured,
             measure_error *error);
void run_free(run *self);

#endif
