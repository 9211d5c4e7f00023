/* support_layer_report.c - tables and JSON lines of evaluated models. */
#include "support_layer_report.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "support_json.h"
#include "support_table.h"
#include "support_text.h"

/* ---- tables ----------------------------------------------------------------------------------------------------- */

/* Losses are sums of thousands of f32 results: five digits of them are certain. */
static void print_loss(const neck_text_loss *loss)
{
    char numbers[6][32];
    printf("  loss %s +- %s nats per token, perplexity %s, top-1 accuracy %s\n", text_number(numbers[0], loss->loss, 0),
           text_number(numbers[1], loss->standard_error, 0), text_number(numbers[2], loss->perplexity, 0),
           text_number(numbers[3], loss->accuracy, 0));
    printf("  %s bits per byte, word perplexity %s\n\n", text_number(numbers[4], loss->bits_per_byte, 0),
           text_number(numbers[5], loss->word_perplexity, 0));
}

static void print_heading(const evaluated *model, int32_t variant)
{
    const neck_text_loss *loss = &model->loss;
    text_print(stdout, model->path);
    printf(": %s, %" PRId64 " blocks of width %" PRId64 ", %" PRId64 " parameters\n", model->family, model->blocks,
           model->hidden_size, model->parameters);
    printf("  %" PRId64 " tokens predicted", loss->tokens);
    if (model->wanted > loss->tokens) printf(" of %" PRId64 " (interrupted)", model->wanted);
    printf(" in %" PRId64 " document%s, context %" PRId64 ", stride %" PRId64 "; spectra of %s states\n",
           loss->documents, loss->documents == 1 ? "" : "s", loss->context_length, loss->stride,
           neck_variant_name(variant));
}

void layer_report_table(const evaluated *model, int32_t variant, int first)
{
    table_column columns[2 + LAYER_MEASURES + 1] = {{"layer", NULL}, {"depth", NULL}};
    char number[32];
    for (int i = 0; i < LAYER_MEASURES; i++)
        columns[2 + i] = (table_column){layer_columns[i].name, layer_columns[i].unit};
    columns[2 + LAYER_MEASURES] = (table_column){"state", NULL};
    if (!first) putchar('\n');
    print_heading(model, variant);
    print_loss(&model->loss);
    table_print_head(columns, sizeof columns / sizeof *columns);
    for (int64_t i = 0; i < model->layer_count; i++) {
        const evaluated_layer *layer = &model->layers[i];
        snprintf(number, sizeof number, "%" PRId64, i);
        table_print_cell(&columns[0], number);
        snprintf(number, sizeof number, "%.3f", layer->depth);
        table_print_cell(&columns[1], number);
        for (int j = 0; j < LAYER_MEASURES; j++) {
            neck_measure measure = layer->measures[j];
            double sampling = j == LAYER_CENTERED_ANISOTROPY ? layer->centered_standard_error : 0;
            table_print_cell(&columns[2 + j], text_number(number, measure.value, measure.error + sampling));
        }
        printf("  %s\n", i == 0 ? "embedding" : i + 1 < model->layer_count ? "after block" : "after final norm");
    }
    fflush(stdout);
}

/* ---- JSON ------------------------------------------------------------------------------------------------------- */

static void put_loss(json_t *object, const neck_text_loss *loss)
{
    const struct {
        const char *name;
        double value;
    } numbers[] = {{"bytes", loss->bytes},
                   {"words", loss->words},
                   {"loss", loss->loss},
                   {"standard_error", loss->standard_error},
                   {"perplexity", loss->perplexity},
                   {"bits_per_byte", loss->bits_per_byte},
                   {"byte_perplexity", loss->byte_perplexity},
                   {"word_perplexity", loss->word_perplexity},
                   {"accuracy", loss->accuracy}};
    json_put_integer(object, "context_length", loss->context_length);
    json_put_integer(object, "stride", loss->stride);
    json_put_integer(object, "documents", loss->documents);
    json_put_integer(object, "tokens", loss->tokens);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        json_put_number(object, numbers[i].name, numbers[i].value);
}

static json_t *layer_object(const evaluated_layer *layer, int64_t index)
{
    json_t *object = json_object();
    json_t *errors = json_object();
    json_put_integer(object, "layer", index);
    json_put_number(object, "depth", layer->depth);
    json_put_integer(object, "rows", layer->rows);
    json_put_integer(object, "cols", layer->cols);
    for (int i = 0; i < LAYER_MEASURES; i++) {
        json_put_number(object, layer_columns[i].name, layer->measures[i].value);
        json_put_number(errors, layer_columns[i].name, layer->measures[i].error);
    }
    json_put_number(object, "centered_anisotropy_standard_error", layer->centered_standard_error);
    json_put(object, "errors", errors);
    return object;
}

void layer_report_json(const evaluated *model, int32_t variant)
{
    json_t *object = json_object();
    json_t *layers = json_array();
    json_put_text(object, "path", model->path);
    json_put_text(object, "family", model->family);
    json_put(object, "step", model->step < 0 ? json_null() : json_integer(model->step));
    json_put_integer(object, "blocks", model->blocks);
    json_put_integer(object, "hidden_size", model->hidden_size);
    json_put_integer(object, "parameters", model->parameters);
    json_put(object, "interrupted", json_boolean(model->wanted > model->loss.tokens));
    put_loss(object, &model->loss);
    json_put_text(object, "variant", neck_variant_name(variant));
    for (int64_t i = 0; i < model->layer_count; i++) json_array_append_new(layers, layer_object(&model->layers[i], i));
    json_put(object, "layers", layers);
    json_print_line(object);
}
