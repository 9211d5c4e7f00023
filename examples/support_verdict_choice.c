/* support_verdict_choice.c - which of a run's curves is the one to judge, and what it is of. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "support_verdict.h"

/* Losses that the run was not trained on come first; one asked for by --text before all. */
static const char *const usual[] = {"text.loss", "validation_loss", "val_loss", "valid_loss", "eval_loss", "test_loss",
                                    "loss", "train_loss", "training_loss", "lm_loss", "nll", "perplexity", "ppl",
                                    "Value"};

static int64_t finite_points(const curve *of)
{
    int64_t count = 0;
    for (int64_t i = 0; i < of->count; i++) count += isfinite(of->values[i]) != 0;
    return count;
}

static char plain(char letter)
{
    return strchr(" ./-", letter) ? '_' : (char)tolower((unsigned char)letter);
}

/* val/loss and "Val loss" are val_loss, and so is "happy-run-7 - val/loss", as Weights & Biases exports it. */
static int is_called(const char *name, const char *usual_name)
{
    const char *behind = strstr(name, " - ");
    if (behind) name = behind + 3;
    while (*name && *usual_name && plain(*name) == plain(*usual_name)) name++, usual_name++;
    return *name == '\0' && *usual_name == '\0';
}

/* The only one of that name. */
static const curve *curve_called(const curves *all, const char *name, int64_t least)
{
    const curve *found = NULL;
    for (int64_t i = 0; i < all->count; i++) {
        if (!is_called(all->list[i].name, name) || finite_points(&all->list[i]) < least) continue;
        if (found) return NULL;
        found = &all->list[i];
    }
    return found;
}

/* A validation loss taken twice is no curve where the training loss is one. */
static const curve *usual_curve(const curves *all, int64_t least)
{
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) {
        const curve *found = curves_find(all, usual[i]);
        if (!found || finite_points(found) < least) found = curve_called(all, usual[i], least);
        if (found) return found;
    }
    return NULL;
}

static int list_curves(const curves *all, const char *says, measure_error *error)
{
    int used = snprintf(error->text, sizeof error->text, "%s; there %s", says, all->count == 1 ? "is" : "are");
    for (int64_t i = 0; i < all->count && i < 24; i++)
        used += snprintf(error->text + used, sizeof error->text - (size_t)used, "%s %.60s", i ? "," : "",
                         all->list[i].name);
    if (all->count > 24) snprintf(error->text + used, sizeof error->text - (size_t)used, " ...");
    error->status = NECK_E_NOT_FOUND;
    return 0;
}

const curve *verdict_choose(const run *from, const char *column, measure_error *error)
{
    const curves *all = &from->curves;
    const curve *found = column ? curves_find(all, column) : usual_curve(all, 8);
    if (!found && !column) found = usual_curve(all, 1);
    if (!found && !column && all->count == 1) found = &all->list[0];
    if (found) return found;
    char says[256];
    if (all->count == 0) {
        error->status = NECK_E_ARGUMENT;
        snprintf(error->text, sizeof error->text, "there are no curves in it: no column of numbers beside the step (or --where fits no row)");
    } else if (column) {
        snprintf(says, sizeof says, "there is no curve '%.150s'", column);
        list_curves(all, says, error);
    } else {
        list_curves(all, "none is called loss, or several are: name the curve to judge by --column", error);
    }
    return NULL;
}

int verdict_has_loss(const run *from)
{
    return usual_curve(&from->curves, 1) != NULL;
}

int32_t verdict_kind_of(const char *name)
{
    if (strstr(name, "ppl") || strstr(name, "perplexity")) return VERDICT_PERPLEXITY;
    if (strstr(name, "acc") || strstr(name, "score") || strstr(name, "f1")) return VERDICT_SCORE;
    return VERDICT_NATS;
}
