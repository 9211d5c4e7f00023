/* softneck/evaluate.h - a model over text: loss, perplexity, and the geometry of every layer. */
#ifndef SOFTNECK_EVALUATE_H
#define SOFTNECK_EVALUATE_H

#include "gram.h"
#include "metrics.h"
#include "model.h"
#include "tokenizer.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- text as a model reads it --------------------------------------------------------------------------------- */

/* neck_text_words - words as LM Evaluation Harness counts them for word perplexity, Python's
 * len(re.split(r"\s+", text)): one more than there are runs of white space, so an empty piece at either end counts.
 * White space is Unicode's (Python's str.isspace); bytes that are not UTF-8 are none. Errors: NECK_E_ARGUMENT. */
NECK_API neck_status neck_text_words(const char *text, int64_t nbytes, int64_t *out);

/* neck_document_encode - text as token ids after the token that opens a document, so that every token of the text is
 * predicted: the tokenizer's bos, else its eos, else nothing (then the first token is context only). No other special
 * tokens are added; an opening token that the text brings along is not doubled. ids, capacity, *count and errors: as
 * neck_tokenizer_encode (with capacity 0 *count may be one more than needed). */
NECK_API neck_status neck_document_encode(neck_context *context, const neck_tokenizer *tokenizer, const char *text,
                                          int64_t nbytes, int32_t *ids, int64_t capacity, int64_t *count);

/* ---- documents in, loss and geometry out ---------------------------------------------------------------------- */

/* A running evaluation: documents are pushed one after another, each cut into windows, and nothing of them is kept.
 * Memory: one batch of activations and, where layers are watched, a gram and a sample of states for each, whatever the
 * length of the text.
 *
 * Windows. The model sees at most context_length tokens at once. The first window of a document predicts its tokens
 * 1 .. context_length (token 0 is context only); each later one starts stride tokens after its predecessor and predicts
 * the stride tokens after those predicted before. So every token but the first of a document is predicted exactly
 * once, from at least context_length - stride + 1 tokens once there are that many. These are the windows of the
 * perplexity guide of the transformers package with max_length = context_length + 1 (there the last token of a window
 * is only predicted) and the same stride. With stride = context_length and reach_back they are the rolling windows of
 * LM Evaluation Harness, whose last window starts earlier, to be full.
 *
 * Layers. A layer's rows are its states at the positions whose prediction counts: one row a predicted token. Layers are
 * numbered as neck_model_forward tells them: 0 the embedding, i after block i, the last one after the final norm.
 *
 * Thread rule: one call at a time on one evaluation. The model is borrowed and must outlive it. */
typedef struct neck_evaluation neck_evaluation;

typedef struct neck_evaluation_options {
    size_t struct_size;
    int64_t context_length; /* 0: the model's own, at most 2048 */
    int64_t stride;         /* 1 .. context_length; 0: context_length */
    int64_t batch_tokens;   /* windows of a document run together, up to so many tokens, but one at least; 0: 4096 */
    int64_t sample_rows;    /* states kept of each layer for its centred anisotropy, at least 2; 0: 1024 */
    int32_t watch_layers;   /* non-zero: the layers too, not the loss alone */
    int32_t reach_back;     /* non-zero: see above */
    neck_states_file *dump; /* gets the last layer's rows and the tokens they predict; borrowed, to be finished by the
                               caller; NULL: none */
} neck_evaluation_options;

/* neck_evaluation_create - an evaluation of nothing yet.
 * Errors: NECK_E_ARGUMENT (bad options), NECK_E_OVERFLOW, NECK_E_NOMEM. */
NECK_API neck_status neck_evaluation_create(neck_context *context, neck_model *model,
                                            const neck_evaluation_options *options, neck_evaluation **out);
NECK_API void neck_evaluation_destroy(neck_evaluation *evaluation);

/* neck_evaluation_push_tokens - runs the model over a document of count ids that stands for nbytes bytes and words
 * words of text (0 when that is not known or does not matter).
 * neck_evaluation_push_text - the same for text: neck_document_encode, neck_text_words.
 * Progress is told in "tokens" of the task "evaluate", besides what the model tells. After a failure or cancellation
 * the batches done by then count, bytes and words in proportion to the tokens predicted; layers whose states were
 * delivered before a cancelled batch was whole hold those rows too.
 * Errors: those of neck_model_loss, neck_gram_push and the tokenizer. */
NECK_API neck_status neck_evaluation_push_tokens(neck_context *context, neck_evaluation *evaluation,
                                                 const int32_t *tokens, int64_t count, int64_t nbytes, int64_t words);
NECK_API neck_status neck_evaluation_push_text(neck_context *context, neck_evaluation *evaluation,
                                               const neck_tokenizer *tokenizer, const char *text, int64_t nbytes);

/* ---- one evaluation from many ---------------------------------------------------------------------------------- */

/* A document is run in batches: up to batch_tokens of windows of equal length. Evaluations of the same model, with
 * the same options and contexts of the same seed, may share them out: all get every document in the same order, each
 * runs a part of its batches, and what they found adds up to what one that runs all of them finds (up to the order
 * of sums; the sample is the same row for row).
 *
 * neck_evaluation_batches - how many a document of count tokens has; 0 when there is nothing to predict.
 * neck_evaluation_push_part - as neck_evaluation_push_tokens, but runs only batches [first, first + batches); none
 *   is fine. The document is counted where its first batch is run, bytes and words in proportion to the tokens
 *   predicted.
 *   Errors: NECK_E_ARGUMENT (no such batches), and those of neck_evaluation_push_tokens.
 *
 * An evaluation as numbers that add up, part by part: part 0 is the loss, part 1 + i layer i with its gram and
 * sample.
 * neck_evaluation_parts - 1, or 1 + layers.
 * neck_evaluation_size  - how many numbers a part has; 0 when there is no such part.
 * neck_evaluation_get   - writes them to numbers.
 * neck_evaluation_set   - the part becomes what numbers say, which are sums of evaluations that shared documents
 *   out.
 *   Errors: NECK_E_ARGUMENT (no such part), NECK_E_NONFINITE, NECK_E_OVERFLOW (a count), NECK_E_STATE (more or fewer
 *   rows of a layer than this evaluation has run or left to others); the evaluation is then as before. */
NECK_API int64_t neck_evaluation_batches(const neck_evaluation *evaluation, int64_t count);
NECK_API neck_status neck_evaluation_push_part(neck_context *context, neck_evaluation *evaluation,
                                               const int32_t *tokens, int64_t count, int64_t nbytes, int64_t words,
                                               int64_t first, int64_t batches);
NECK_API int64_t neck_evaluation_parts(const neck_evaluation *evaluation);
NECK_API int64_t neck_evaluation_size(const neck_evaluation *evaluation, int64_t part);
NECK_API neck_status neck_evaluation_get(const neck_evaluation *evaluation, int64_t part, double *numbers);
NECK_API neck_status neck_evaluation_set(neck_evaluation *evaluation, int64_t part, const double *numbers);

/* ---- results --------------------------------------------------------------------------------------------------- */

/* What was predicted, and how well. Set struct_size before the call; only fields within it are written. Perplexities
 * are those of LM Evaluation Harness: exp of the summed nll over the number of units; NaN where that number is 0. */
typedef struct neck_text_loss {
    size_t struct_size;
    int64_t context_length; /* of the windows */
    int64_t stride;
    int64_t documents;      /* pushed, whole or in part */
    int64_t tokens;         /* predicted */
    int64_t correct;        /* of them, those that were the model's first choice */
    double bytes;           /* of the text; whole numbers but after a cancellation */
    double words;
    double nll_sum;         /* nats */
    double loss;            /* nll_sum / tokens */
    double standard_error;  /* of loss, as if tokens were independent; NaN for fewer than two */
    double perplexity;      /* exp(loss) */
    double bits_per_byte;   /* nll_sum / ln 2 / bytes */
    double byte_perplexity; /* exp(nll_sum / bytes) */
    double word_perplexity; /* exp(nll_sum / words) */
    double accuracy;        /* correct / tokens */
} neck_text_loss;

/* neck_evaluation_loss - so far. Errors: NECK_E_ARGUMENT, NECK_E_STATE when nothing was predicted. */
NECK_API neck_status neck_evaluation_loss(const neck_evaluation *evaluation, neck_text_loss *out);

/* neck_evaluation_layers - how many states there are, blocks + 1; 0 unless watch_layers.
 * neck_evaluation_gram   - the second moments of a layer's rows, for neck_gram_spectrum, neck_anisotropy, neck_isoscore
 * ...; borrowed, grows with every push; NULL when out of range. */
NECK_API int64_t neck_evaluation_layers(const neck_evaluation *evaluation);
NECK_API const neck_gram *neck_evaluation_gram(const neck_evaluation *evaluation, int64_t layer);

/* neck_evaluation_centered_anisotropy - the anisotropy of a layer's rows minus their mean. Cosines after centring need
 * the mean before the first row; instead of a second run over the text they are taken of a random sample of sample_rows
 * rows (the same positions in every layer, chosen by the context's seed), centred on the mean of all rows. Exact, with
 * a standard error of 0, while there are no more rows than that; otherwise *standard_error (may be NULL) is the
 * sampling's. Errors: NECK_E_ARGUMENT, NECK_E_STATE (fewer than two rows), NECK_E_NOMEM. */
NECK_API neck_status neck_evaluation_centered_anisotropy(neck_context *context, const neck_evaluation *evaluation,
                                                         int64_t layer, neck_measure *out, double *standard_error);

/* ---- how likely a continuation is ----------------------------------------------------------------------------- */

/* Set struct_size before the call; only fields within it are written. */
typedef struct neck_likelihood {
    size_t struct_size;
    double log_likelihood; /* ln p(continuation | prefix), nats */
    int64_t tokens;        /* of the continuation */
    int64_t greedy;        /* 1 when each of them is the most probable one after those before it */
} neck_likelihood;

/* neck_continuation_likelihood - the conventions of LM Evaluation Harness: white space at the end of prefix moves to
 * the continuation; both are encoded together, with the special tokens the tokenizer adds, and the continuation is what
 * follows as many tokens as prefix alone has. An empty prefix is the opening token of neck_document_encode. Where the
 * model's context is too short, the beginning is cut off.
 * Errors: NECK_E_ARGUMENT (the continuation has no tokens, or more than fit; an empty prefix without opening token),
 * those of neck_tokenizer_encode and neck_model_loss. */
NECK_API neck_status neck_continuation_likelihood(neck_context *context, neck_model *model,
                                                  const neck_tokenizer *tokenizer, const char *prefix,
                                                  int64_t prefix_bytes, const char *continuation,
                                                  int64_t continuation_bytes, neck_likelihood *out);

#ifdef __cplusplus
}
#endif
#endif
