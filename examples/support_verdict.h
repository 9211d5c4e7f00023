/* support_verdict.h - a run judged: which of its curves is the loss, the verdict on it, what moved with it; in words
 * and JSON. */
#ifndef SUPPORT_VERDICT_H
#define SUPPORT_VERDICT_H

#include <jansson.h>

#include <softneck/co_occurrence.h>
#include <softneck/saturation.h>

#include "support_run.h"

enum { VERDICT_MOST_SIGNS = 8, VERDICT_MOST_SENTENCES = 12, VERDICT_SENTENCE = 512 };

/* What the values of the judged curve are. */
enum { VERDICT_NATS, VERDICT_PERPLEXITY, VERDICT_SCORE };

typedef struct verdict_request {
    const char *column; /* NULL: the loss, by its usual names */
    int32_t kind;       /* VERDICT_*; -1: by the name */
    neck_saturation_options assess; /* struct_size set; higher_is_better is set from the kind */
} verdict_request;

/* A curve of the head's spectrum or of the states, beside the loss. */
typedef struct verdict_sign {
    const char *name; /* borrowed from the run */
    neck_co_occurrence found;
} verdict_sign;

typedef struct verdict {
    curve judged;      /* a copy; of perplexities their logarithm; no points where a folder has checkpoints and no loss */
    int32_t kind;
    const char *unit;  /* "nats" or "score" */
    neck_saturation found;
    verdict_sign signs[VERDICT_MOST_SIGNS];
    int64_t sign_count;
} verdict;

/* verdict_reach - 1, or 0 and one line in error. verdict_free releases the copy.
 * verdict_json  - one object; json_decref it. */
int verdict_reach(const run *from, neck_context *context, const verdict_request *request, verdict *out,
                  measure_error *error);
void verdict_free(verdict *self);
json_t *verdict_json(const verdict *self, const run *from);

/* verdict_choose   - the curve of that name, or by its usual names (val_loss, "my-run - train/loss" ...); NULL and one
 *                    line in error.
 * verdict_has_loss - is there one of such a name?
 * verdict_kind_of  - by its name. */
const curve *verdict_choose(const run *from, const char *column, measure_error *error);
int verdict_has_loss(const run *from);
int32_t verdict_kind_of(const char *name);

/* verdict_reason - why it is unclear, or what else there is to say; NULL for nothing. */
const char *verdict_reason(const verdict *self);

/* In words. verdict_headline: for a heading. The others fill sentences and return how many: what was found in the
 * curve, what turned with it, what to do and what none of this tells. */
typedef char verdict_sentence[VERDICT_SENTENCE];
void verdict_headline(const verdict *self, verdict_sentence out);
int verdict_findings(const verdict *self, const run *from, verdict_sentence out[VERDICT_MOST_SENTENCES]);
int verdict_co_occurred(const verdict *self, verdict_sentence out[VERDICT_MOST_SENTENCES]);
int verdict_advice(const verdict *self, const run *from, verdict_sentence out[VERDICT_MOST_SENTENCES]);

/* verdict_step - a step as people write it: 12,500. */
const char *verdict_step(char buffer[32], int64_t step);

#endif
