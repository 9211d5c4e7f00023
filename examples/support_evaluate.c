/* support_evaluate.c - model and documents in, loss and measures of layers out. */
#include "support_evaluate.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "support_ranks.h"
#include "support_share.h"
#include "support_text.h"

const layer_column layer_columns[LAYER_MEASURES] = {
    [LAYER_ANISOTROPY] = {"anisotropy", "1"},
    [LAYER_CENTERED_ANISOTROPY] = {"centered_anisotropy", "1"},
    [LAYER_EFFECTIVE_RANK] = {"effective_rank", "dimensions"},
    [LAYER_SINGULAR_ENTROPY] = {"singular_entropy", "nats"},
    [LAYER_ISOSCORE] = {"isoscore", "1"},
    [LAYER_TOP_COMPONENT_SHARE] = {"top_component_share", "1"},
};

int32_t evaluate_report(void *user, const neck_progress *told)
{
    evaluate_progress *track = user;
    if (track->finishing) return 0;
    if (strcmp(told->task, "evaluate") != 0) return interrupt_seen();
    neck_progress all = *told;
    all.done += track->before;
    all.total = track->total;
    return progress_report(track->shown, &all);
}

/* ---- tokens ----------------------------------------------------------------------------------------------------- */

/* A GGUF file brings its tokenizer along; any other model in a file of its own may have one beside it. */
static char *default_tokenizer(const char *path)
{
    struct stat found;
    const char *end = strrchr(path, '.');
    char *place = text_copy(path);
    if (stat(path, &found) != 0 || !S_ISREG(found.st_mode) || (end && strcmp(end, ".gguf") == 0)) return place;
    char *slash = strrchr(place, '/');
    if (slash) slash[slash == place] = '\0';
    else snprintf(place, strlen(place) + 1, ".");
    return place;
}

neck_tokenizer *evaluate_tokenizer(neck_context *context, const char *given, const char *path, measure_error *error)
{
    neck_tokenizer *tokenizer;
    char *place = given ? text_copy(given) : default_tokenizer(path);
    neck_status status = neck_tokenizer_open(context, place, NULL, &tokenizer);
    if (status != NECK_OK) measure_fail(error, status, place);
    free(place);
    if (status == NECK_OK) return tokenizer;
    size_t used = strlen(error->text);
    if (status == NECK_E_NOT_FOUND && !given)
        snprintf(error->text + used, sizeof error->text - used, "; --tokenizer names one");
    return NULL;
}

typedef struct encoded {
    int32_t *ids;
    int64_t count;
    int64_t bytes;
    int64_t words;
} encoded;

static neck_status encode(neck_context *context, const neck_tokenizer *tokenizer, const document *from, encoded *out)
{
    int64_t capacity = from->size + 8;
    neck_status status = NECK_E_OVERFLOW;
    *out = (encoded){.bytes = from->size};
    while (status == NECK_E_OVERFLOW) {
        free(out->ids);
        out->ids = text_alloc((size_t)capacity * sizeof *out->ids);
        status = neck_document_encode(context, tokenizer, from->text, from->size, out->ids, capacity, &out->count);
        capacity = out->count;
    }
    if (status != NECK_OK) return status;
    int32_t *kept = realloc(out->ids, (size_t)(out->count ? out->count : 1) * sizeof *kept);
    if (kept) out->ids = kept;
    return neck_text_words(from->text, from->size, &out->words);
}

/* Keeps the first tokens, and counts the bytes and words they stand for. */
static neck_status cut(const neck_tokenizer *tokenizer, encoded *made, int64_t count)
{
    neck_decode_options plain = {.struct_size = sizeof plain, .skip_special_tokens = 1};
    neck_status status = NECK_E_OVERFLOW;
    char *text = NULL;
    made->count = count;
    for (int64_t capacity = made->bytes + 16; status == NECK_E_OVERFLOW; capacity = made->bytes) {
        free(text);
        text = text_alloc((size_t)capacity);
        status = neck_tokenizer_decode(tokenizer, made->ids, count, &plain, text, capacity, &made->bytes);
    }
    if (status == NECK_OK) status = neck_text_words(text, made->bytes, &made->words);
    free(text);
    return status;
}

/* Documents until enough tokens are to be predicted: how many, and how many tokens that is. */
static neck_status encode_all(neck_context *context, const neck_tokenizer *tokenizer, const corpus *text, int64_t most,
                              encoded *out, int64_t *count, int64_t *wanted)
{
    *count = *wanted = 0;
    while (*count < text->count && (most == 0 || *wanted < most)) {
        encoded *made = &out[*count];
        neck_status status = encode(context, tokenizer, &text->documents[*count], made);
        ++*count;
        if (status == NECK_OK && most && made->count - 1 > most - *wanted)
            status = cut(tokenizer, made, most - *wanted + 1);
        if (status != NECK_OK) return status;
        if (made->count > 1) *wanted += made->count - 1;
    }
    return NECK_OK;
}

/* ---- layers ----------------------------------------------------------------------------------------------------- */

static const neck_measure undefined = {NAN, NAN};

static neck_measure metric_of(const neck_spectrum *spectrum, const char *name)
{
    int64_t index;
    neck_measure found;
    if (!spectrum || neck_metric_find(name, &index) != NECK_OK) return undefined;
    return neck_metric_evaluate(index, spectrum, &found) == NECK_OK ? found : undefined;
}

/* evaluation: NULL when the sample it has taken is not that of these rows. */
static void measure_layer(neck_context *context, const neck_gram *gram, const neck_evaluation *evaluation,
                          int64_t layer, int32_t variant, evaluated_layer *out)
{
    neck_measure *measures = out->measures;
    neck_spectrum_options options = {.struct_size = sizeof options, .variant = variant};
    neck_spectrum *spectrum;
    out->rows = neck_gram_count(gram);
    out->cols = neck_gram_cols(gram);
    for (int i = 0; i < LAYER_MEASURES; i++) measures[i] = undefined;
    (void)neck_anisotropy(gram, &measures[LAYER_ANISOTROPY]);
    (void)neck_isoscore(context, gram, &measures[LAYER_ISOSCORE]);
    if (evaluation)
        (void)neck_evaluation_centered_anisotropy(context, evaluation, layer, &measures[LAYER_CENTERED_ANISOTROPY],
                                                  &out->centered_standard_error);
    if (neck_gram_spectrum(context, gram, &options, &spectrum) != NECK_OK) return;
    static const int of_spectrum[] = {LAYER_EFFECTIVE_RANK, LAYER_SINGULAR_ENTROPY, LAYER_TOP_COMPONENT_SHARE};
    for (size_t i = 0; i < sizeof of_spectrum / sizeof *of_spectrum; i++)
        measures[of_spectrum[i]] = metric_of(spectrum, layer_columns[of_spectrum[i]].name);
    neck_spectrum_destroy(spectrum);
}

/* The rows of a layer that all ranks have run until they were interrupted, on the rank whose layer it is. */
static neck_status measure_rows_so_far(neck_context *context, const neck_evaluation *evaluation, int64_t layer,
                                       int32_t variant, evaluated_layer *out)
{
    const neck_gram *own = neck_evaluation_gram(evaluation, layer);
    const neck_gram_options options = {.struct_size = sizeof options, .shift = neck_gram_shift(own)};
    double *numbers = text_alloc((size_t)neck_gram_size(own) * sizeof *numbers);
    neck_gram *all = NULL;
    neck_status status = neck_gram_get(own, numbers);
    if (status == NECK_OK) status = share_sum(numbers, neck_gram_size(own));
    if (status != NECK_OK) return status; /* late messages may still write there */
    status = neck_gram_create(context, neck_gram_cols(own), &options, &all);
    if (status == NECK_OK) status = neck_gram_set(all, numbers);
    if (status == NECK_OK && layer % ranks_size() == ranks_rank())
        measure_layer(context, all, NULL, layer, variant, out);
    neck_gram_destroy(all);
    free(numbers);
    return ranks_agree(status);
}

/* Each rank measures some, and all get all. so_far: several ranks were interrupted, and have not become one. */
static neck_status measure_layers(neck_context *context, const neck_evaluation *evaluation, int32_t variant, int so_far,
                                  evaluated *out)
{
    out->layer_count = neck_evaluation_layers(evaluation);
    if (out->layer_count == 0) return NECK_OK;
    out->layers = text_alloc((size_t)out->layer_count * sizeof *out->layers);
    neck_status status = NECK_OK;
    for (int64_t i = 0; i < out->layer_count && status == NECK_OK; i++) {
        evaluated_layer *layer = &out->layers[i];
        *layer = (evaluated_layer){.depth = (double)i / (double)(out->layer_count - 1)};
        if (so_far) status = measure_rows_so_far(context, evaluation, i, variant, layer);
        else if (i % ranks_size() == ranks_rank())
            measure_layer(context, neck_evaluation_gram(evaluation, i), evaluation, i, variant, layer);
    }
    for (int64_t i = 0; i < out->layer_count && status == NECK_OK; i++)
        status = share_copy(&out->layers[i], sizeof *out->layers, (int32_t)(i % ranks_size()));
    return status;
}

/* ---- a model ---------------------------------------------------------------------------------------------------- */

/* This rank's batches, of those of all documents in a row. States are written by rank 0, which then runs all. */
static void share_batches(const neck_evaluation *evaluation, const encoded *documents, int64_t count, int dumped,
                          int64_t *first, int64_t *batches, int64_t *all)
{
    *all = 0;
    for (int64_t i = 0; i < count; i++) *all += neck_evaluation_batches(evaluation, documents[i].count);
    share_of(*all, first, batches);
    if (!dumped) return;
    *first = 0;
    *batches = ranks_rank() == 0 ? *all : 0;
}

/* What lies in both [first, first + count) and the next `length` places from begin on. */
static int64_t overlap(int64_t *first, int64_t count, int64_t begin, int64_t length)
{
    int64_t end = *first + count < begin + length ? *first + count : begin + length;
    if (*first < begin) *first = begin;
    return end > *first ? end - *first : 0;
}

static int64_t tokens_so_far(const neck_evaluation *evaluation)
{
    neck_text_loss loss = {.struct_size = sizeof loss};
    return neck_evaluation_loss(evaluation, &loss) == NECK_OK ? loss.tokens : 0;
}

static neck_status push_all(neck_context *context, evaluate_progress *track, neck_evaluation *evaluation,
                            const encoded *documents, int64_t count, int dumped)
{
    int64_t first, batches, all, begin = 0;
    neck_status status = NECK_OK;
    share_batches(evaluation, documents, count, dumped, &first, &batches, &all);
    track->before = 0;
    if (all > 0) track->total = (int64_t)((double)track->total * (double)batches / (double)all);
    for (int64_t i = 0; i < count && status == NECK_OK; i++) {
        const encoded *next = &documents[i];
        int64_t length = neck_evaluation_batches(evaluation, next->count), from = first;
        int64_t own = overlap(&from, batches, begin, length);
        status = neck_evaluation_push_part(context, evaluation, next->ids, next->count, next->bytes, next->words,
                                           own > 0 ? from - begin : 0, own);
        begin += length;
        if (status == NECK_OK && own > 0) track->before = tokens_so_far(evaluation);
    }
    return status;
}

static void describe(const neck_model *model, const char *path, int64_t step, evaluated *out)
{
    *out = (evaluated){.path = text_copy(path),
                       .family = text_copy(neck_model_family(model)),
                       .step = step,
                       .blocks = neck_model_layers(model),
                       .hidden_size = neck_model_hidden_size(model),
                       .parameters = neck_model_parameters(model),
                       .loss = {.struct_size = sizeof out->loss}};
}

static neck_status evaluate(neck_context *context, evaluate_progress *track, neck_model *model,
                            const encoded *documents, int64_t count, const evaluate_request *request,
                            neck_evaluation **out)
{
    neck_evaluation_options options = request->evaluation;
    int dumped = request->dump != NULL;
    neck_status status = NECK_OK;
    if (dumped && ranks_rank() == 0)
        status = neck_states_file_create(context, request->dump, neck_model_head_size(model), NECK_F32, &options.dump);
    if (status == NECK_OK) status = neck_evaluation_create(context, model, &options, out);
    if (status == NECK_OK) status = push_all(context, track, *out, documents, count, dumped);
    if (status == NECK_OK && options.dump) status = neck_states_file_finish(options.dump);
    neck_states_file_destroy(options.dump);
    return status;
}

/* The same text and the same model everywhere: of that, where it begins is enough of each tensor. */
static neck_status compare_inputs(const neck_model *model, const encoded *documents, int64_t count)
{
    enum { BEGINNING = 4096 };
    uint64_t text = share_mark(0, &count, sizeof count), weights = 0;
    const neck_checkpoint *file = neck_model_checkpoint(model);
    for (int64_t i = 0; i < count; i++)
        text = share_mark(text, documents[i].ids, (size_t)documents[i].count * sizeof *documents[i].ids);
    for (int64_t i = 0; i < neck_checkpoint_tensor_count(file) && ranks_size() > 1; i++) {
        neck_tensor tensor = {.struct_size = sizeof tensor};
        if (neck_checkpoint_tensor(file, i, &tensor) != NECK_OK || !tensor.data) continue;
        weights = share_mark(weights, tensor.data, tensor.nbytes < BEGINNING ? (size_t)tensor.nbytes : BEGINNING);
    }
    neck_status status = share_alike("the text's tokens", text);
    return status == NECK_OK ? share_alike("the model's weights", weights) : status;
}

/* What several ranks have run until one of them was interrupted; rows of layers are added up as they are measured. */
static neck_status add_up_losses(neck_evaluation *evaluation)
{
    double numbers[64];
    int64_t size = neck_evaluation_size(evaluation, 0);
    if (size > (int64_t)(sizeof numbers / sizeof *numbers))
        return neck_error_set(NECK_E_STATE, "an evaluation of other numbers");
    neck_status status = neck_evaluation_get(evaluation, 0, numbers);
    if (status == NECK_OK) status = share_sum(numbers, size);
    return status == NECK_OK ? neck_evaluation_set(evaluation, 0, numbers) : status;
}

/* Interrupted, it tells of what was done by then. */
static int run(neck_context *context, evaluate_progress *track, neck_model *model, const neck_tokenizer *tokenizer,
               const corpus *text, const evaluate_request *request, evaluated *out, measure_error *error)
{
    neck_evaluation *evaluation = NULL;
    int64_t count;
    encoded *documents = text_alloc((size_t)(text->count ? text->count : 1) * sizeof *documents);
    neck_status status =
        encode_all(context, tokenizer, text, request->max_tokens, documents, &count, &track->total);
    out->wanted = track->total;
    status = ranks_agree(status);
    if (status == NECK_OK) status = compare_inputs(model, documents, count);
    if (status == NECK_OK) {
        status = evaluate(context, track, model, documents, count, request, &evaluation);
        track->finishing = ranks_any(status == NECK_E_CANCELLED && evaluation);
        status = ranks_agree(status == NECK_E_CANCELLED && evaluation ? NECK_OK : status);
    }
    int so_far = track->finishing && ranks_size() > 1;
    if (status == NECK_OK) status = so_far ? add_up_losses(evaluation) : share_evaluation(evaluation);
    if (status == NECK_OK) {
        status = neck_evaluation_loss(evaluation, &out->loss);
        if (status == NECK_OK) status = measure_layers(context, evaluation, request->variant, so_far, out);
        if (status != NECK_OK && track->finishing) status = NECK_E_CANCELLED;
    }
    if (status != NECK_OK) measure_fail(error, status, out->path);
    neck_evaluation_destroy(evaluation);
    for (int64_t i = 0; i < count; i++) free(documents[i].ids);
    free(documents);
    return status == NECK_OK;
}

static int open_both(neck_context *context, const char *path, const evaluate_request *request, neck_model **model,
                     neck_tokenizer **tokenizer, measure_error *error)
{
    neck_status status = neck_model_open(context, path, NULL, model);
    if (status != NECK_OK) return measure_fail(error, status, path);
    *tokenizer = evaluate_tokenizer(context, request->tokenizer, path, error);
    if (*tokenizer) measure_compare_tokens(neck_tokenizer_vocab_size(*tokenizer), neck_model_vocabulary(*model));
    return *tokenizer != NULL;
}

int evaluate_model(neck_context *context, evaluate_progress *track, const char *path, int64_t step, const corpus *text,
                   const evaluate_request *request, evaluated *out, measure_error *error)
{
    neck_model *model = NULL;
    neck_tokenizer *tokenizer = NULL;
    evaluated made;
    int done = measure_agree(open_both(context, path, request, &model, &tokenizer, error), error);
    if (done) {
        describe(model, path, step, &made);
        done = run(context, track, model, tokenizer, text, request, &made, error);
        if (done) *out = made;
        else evaluated_free(&made);
    }
    neck_model_destroy(model);
    neck_tokenizer_destroy(tokenizer);
    return done;
}

void evaluated_free(evaluated *model)
{
    free(model->path);
    free(model->family);
    free(model->layers);
}
