/* support_verdict_words.c - a verdict in plain words. What turned together "co-occurs"; no sentence says "because". */
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support_verdict.h"

const char *verdict_step(char buffer[32], int64_t step)
{
    char digits[24];
    size_t count = (size_t)snprintf(digits, sizeof digits, "%" PRId64, step), used = 0;
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && (count - i) % 3 == 0 && digits[i - 1] != '-') buffer[used++] = ',';
        buffer[used++] = digits[i];
    }
    buffer[used] = '\0';
    return buffer;
}

/* Sentences one after the other. */
typedef struct words {
    verdict_sentence *out;
    int count;
} words;

static void say(words *into, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(words *into, const char *format, ...)
{
    va_list arguments;
    if (into->count == VERDICT_MOST_SENTENCES) return;
    va_start(arguments, format);
    vsnprintf(into->out[into->count++], VERDICT_SENTENCE, format, arguments);
    va_end(arguments);
}

void verdict_headline(const verdict *self, verdict_sentence out)
{
    char step[32];
    const neck_saturation *found = &self->found;
    switch (found->verdict) {
    case NECK_VERDICT_SATURATED:
        snprintf(out, VERDICT_SENTENCE, "Saturated, since step %s", verdict_step(step, found->onset_step));
        break;
    case NECK_VERDICT_DIVERGED:
        snprintf(out, VERDICT_SENTENCE, "Diverged, since step %s", verdict_step(step, found->onset_step));
        break;
    case NECK_VERDICT_IMPROVING: snprintf(out, VERDICT_SENTENCE, "Still improving"); break;
    case NECK_VERDICT_PLATEAU: snprintf(out, VERDICT_SENTENCE, "On a plateau: no better, no worse"); break;
    default: snprintf(out, VERDICT_SENTENCE, "Unclear"); break;
    }
}

/* ---- what was found --------------------------------------------------------------------------------------------- */

static void say_turn(words *into, const verdict *self)
{
    const neck_saturation *found = &self->found;
    char best[32], onset[32], low[32], high[32];
    int score = self->kind == VERDICT_SCORE;
    say(into, "%s was at its best, %.4g, around step %s and turned for the worse at about step %s (95 %% interval: %s to %s).",
        self->judged.name, found->minimum_level, verdict_step(best, found->minimum_step),
        verdict_step(onset, found->onset_step), verdict_step(low, found->onset_low),
        verdict_step(high, found->onset_high));
    if (isnan(found->excess_nats)) return;
    if (score)
        say(into, "At the end it is %.3g below its best (%.3g to %.3g).", found->excess_nats, found->excess_low,
            found->excess_high);
    else
        say(into, "At the end it is %.3g nats above its best (%.3g to %.3g): a perplexity %.1f %% higher.",
            found->excess_nats, found->excess_low, found->excess_high, 100 * expm1(found->excess_nats));
}

static void say_gain(words *into, const verdict *self)
{
    const neck_saturation *found = &self->found;
    if (isnan(found->gain)) return;
    say(into, "Its last levels are %.3g %s %s than the best of its first half (95 %% interval of the gain: %.3g to %.3g).",
        fabs(found->gain), self->unit, found->gain >= 0 ? "better" : "worse", found->gain_low, found->gain_high);
}

static void say_left_out(words *into, const neck_saturation *found)
{
    if (found->not_finite > 0) say(into, "%" PRId64 " values that are not finite were left out.", found->not_finite);
    if (found->repeated > 0)
        say(into, "%" PRId64 " steps came more than once, as after a restart: the later entry counts.",
            found->repeated);
}

/* How far apart the finite values are. */
static double range_of(const curve *of)
{
    double low = INFINITY, high = -INFINITY;
    for (int64_t i = 0; i < of->count; i++) {
        if (!isfinite(of->values[i])) continue;
        low = fmin(low, of->values[i]);
        high = fmax(high, of->values[i]);
    }
    return high > low ? high - low : NAN;
}

/* Losses of another unit are judged as if they were in nats. */
static void say_unit(words *into, const verdict *self)
{
    if (self->kind != VERDICT_NATS) return;
    if (self->found.minimum_level > 20)
        say(into, "Values of %.3g and more are hardly nats: if it is a perplexity, say --perplexity; else give --minimum-excess and "
                  "--divergence in its unit.", self->found.minimum_level);
    else if (range_of(&self->judged) < 0.1)
        say(into, "All of it lies within %.2g: if its unit is not the nat, give --minimum-excess and --divergence in it.",
            range_of(&self->judged));
}

int verdict_findings(const verdict *self, const run *from, verdict_sentence out[VERDICT_MOST_SENTENCES])
{
    words into = {out, 0};
    char first[32], last[32];
    const neck_saturation *found = &self->found;
    if (self->judged.count == 0) {
        say(&into, "No loss was logged or measured: %" PRId64 " checkpoints show their heads, not whether the model got worse. "
                   "--text FILE measures their loss on it.", from->head_count);
        return into.count;
    }
    if (verdict_reason(self)) say(&into, "Note: %s.", verdict_reason(self));
    if (found->onset_step >= 0) say_turn(&into, self);
    else say_gain(&into, self);
    if (!isnan(found->p_value))
        say(&into, "A curve that never turned, with noise like this one's, looks as if it had with probability %.2g.",
            found->p_value);
    say(&into, "Judged: %s, %" PRId64 " points, steps %s to %s%s.", self->judged.name, found->points,
        verdict_step(first, found->first_step), verdict_step(last, found->last_step),
        self->kind == VERDICT_PERPLEXITY ? ", as the logarithm of a perplexity" : "");
    say_unit(&into, self);
    say_left_out(&into, found);
    return into.count;
}

/* ---- what turned with it ---------------------------------------------------------------------------------------- */

static void say_lag(words *into, const verdict *self, const verdict_sign *sign)
{
    const neck_co_occurrence *found = &sign->found;
    char onset[32], lag[32], low[32], high[32];
    int certain = found->lag_low > 0 || found->lag_high < 0;
    say(into, "The turn of %s co-occurs with a rise of %s, which began at step %s, %s steps %s (95 %% interval of the lag: %s to %s%s).",
        self->judged.name, sign->name, verdict_step(onset, found->second_onset),
        verdict_step(lag, llabs((long long)found->lag)), found->lag >= 0 ? "later" : "earlier",
        verdict_step(low, llround(found->lag_low)), verdict_step(high, llround(found->lag_high)),
        certain ? "" : "; which came first is not certain");
}

static void say_correlation(words *into, const verdict *self, const verdict_sign *sign)
{
    const neck_co_occurrence *found = &sign->found;
    if (isnan(found->correlation)) return;
    say(into, "Rank correlation of %s with %s: %.2f (%.2f to %.2f); of their changes: %.2f (%.2f to %.2f).",
        self->judged.name, sign->name, found->correlation, found->correlation_low, found->correlation_high,
        found->change_correlation, found->change_low, found->change_high);
}

static int is_early(const verdict *self, const verdict_sign *sign)
{
    return (double)sign->found.second_onset < 0.1 * (double)self->found.last_step;
}

int verdict_co_occurred(const verdict *self, verdict_sentence out[VERDICT_MOST_SENTENCES])
{
    words into = {out, 0};
    for (int64_t i = 0; i < self->sign_count; i++) {
        const verdict_sign *sign = &self->signs[i];
        char onset[32];
        if (!isnan(sign->found.lag))
            say_lag(&into, self, sign);
        else if (sign->found.second_onset >= 0)
            say(&into, "%s rose from step %s on; %s %s.%s", sign->name, verdict_step(onset, sign->found.second_onset),
                self->judged.name, self->judged.count ? "has not turned" : "is not known",
                is_early(self, sign) ? " So early it is no sign: a head starts random and flat, and rises from there." : "");
        else
            say(&into, "%s shows no lasting rise.", sign->name);
        say_correlation(&into, self, sign);
    }
    return into.count;
}

/* ---- advice ----------------------------------------------------------------------------------------------------- */

static const run_head *nearest_head(const run *from, int64_t step)
{
    const run_head *best = NULL;
    for (int64_t i = 0; i < from->head_count; i++)
        if (!best || llabs(from->heads[i].step - step) < llabs(best->step - step)) best = &from->heads[i];
    return best;
}

static void say_checkpoint(words *into, const verdict *self, const run *from)
{
    char step[32], kept[32];
    const run_head *head = nearest_head(from, self->found.minimum_step);
    verdict_step(step, self->found.minimum_step);
    if (head)
        say(into, "Keep the checkpoint of step %s: it is the nearest to the best level, at step %s.",
            verdict_step(kept, head->step), step);
    else say(into, "Keep the checkpoint nearest to step %s.", step);
}

/* With the curve itself, that is. */
static int any_sign_turned(const verdict *self)
{
    for (int64_t i = 0; i < self->sign_count; i++)
        if (!isnan(self->signs[i].found.lag)) return 1;
    return 0;
}

static int is_training_loss(const char *name)
{
    return strstr(name, "loss") && !strstr(name, "val") && !strstr(name, "test") && strncmp(name, "text.", 5) != 0;
}

int verdict_advice(const verdict *self, const run *from, verdict_sentence out[VERDICT_MOST_SENTENCES])
{
    words into = {out, 0};
    switch (self->found.verdict) {
    case NECK_VERDICT_SATURATED:
        say_checkpoint(&into, self, from);
        say(&into, "More steps of the same recipe are not likely to repay: a learning-rate cool-down from the best checkpoint, a "
                   "larger hidden size, or another batch size or weight decay are what to try.");
        break;
    case NECK_VERDICT_DIVERGED:
        if (self->found.minimum_step >= 0) say_checkpoint(&into, self, from);
        say(&into, "This is a broken run rather than saturation: go back before the onset with a lower learning rate or tighter "
                   "gradient clipping, and look for bad data at that step.");
        break;
    case NECK_VERDICT_IMPROVING: say(&into, "It still pays to go on: the latest checkpoints are the best ones."); break;
    case NECK_VERDICT_PLATEAU:
        say(&into, "Checkpoints of the second half are equally good; a cool-down of the learning rate tells whether there is more in it.");
        break;
    default:
        say(&into, self->judged.count ? "Go on, or log more often, and judge again." : "Judge again with a loss.");
        break;
    }
    if (any_sign_turned(self))
        say(&into, "The head's spectrum or the states changed too. That co-occurs with saturation in small models; it does not show "
                   "that the head's rank causes it: models of low effective rank have been trained that do not saturate "
                   "(arXiv 2602.20433).");
    say(&into, "One run shows what happened in it, not what another seed would do.");
    if (is_training_loss(self->judged.name) && self->judged.count > 0)
        say(&into, "If %s is a training loss, it moves with the data's order too: a loss on held-out text tells more.",
            self->judged.name);
    return into.count;
}
