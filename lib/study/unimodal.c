/* study/unimodal.c - pool adjacent violators, from both ends, for every split at once. */
#include "study/unimodal.h"

/* A stretch of values that the regression makes equal. */
typedef struct pool {
    double mean, weight;
    int64_t count;
} pool;

typedef struct pools {
    pool at[NECK__MOST_LEVELS];
    int64_t count;
    double squares;
} pools;

/* Adds a value to a falling regression; the stack then holds the regression of all values so far. */
static void push(pools *stack, double value, double weight)
{
    pool last = {value, weight, 1};
    while (stack->count > 0 && stack->at[stack->count - 1].mean < last.mean) {
        pool before = stack->at[--stack->count];
        double sum = before.weight + last.weight, apart = last.mean - before.mean;
        stack->squares += before.weight * last.weight / sum * apart * apart;
        last = (pool){before.mean + apart * last.weight / sum, sum, before.count + last.count};
    }
    stack->at[stack->count++] = last;
}

/* The first split values falling from the left, or the others from the right; squares_of[i]: of the first i. */
static void regress(int64_t count, const double *values, const double *weights, int from_right, pools *stack,
                    double *squares_of)
{
    stack->count = 0;
    stack->squares = 0;
    for (int64_t i = 0; i < count; i++) {
        if (squares_of) squares_of[i] = stack->squares;
        push(stack, from_right ? values[-i] : values[i], from_right ? weights[-i] : weights[i]);
    }
    if (squares_of) squares_of[count] = stack->squares;
}

static void spread(const pools *stack, int64_t direction, double *fit)
{
    for (int64_t p = 0; p < stack->count; p++)
        for (int64_t i = 0; i < stack->at[p].count; i++, fit += direction) *fit = stack->at[p].mean;
}

void neck__unimodal_fit(int64_t count, const double *values, const double *weights, neck__unimodal *out)
{
    double falling[NECK__MOST_LEVELS + 1], rising[NECK__MOST_LEVELS + 1];
    pools stack;
    regress(count, values, weights, 0, &stack, falling);
    regress(count, values + count - 1, weights + count - 1, 1, &stack, rising);
    int64_t best = count;
    for (int64_t split = count - 1; split >= 0; split--)
        if (falling[split] + rising[count - split] < falling[best] + rising[count - best]) best = split;
    out->split = best;
    out->lessened = falling[count] - falling[best] - rising[count - best];
    if (best > 0) {
        regress(best, values, weights, 0, &stack, NULL);
        spread(&stack, 1, out->fit);
    }
    if (best < count) {
        regress(count - best, values + count - 1, weights + count - 1, 1, &stack, NULL);
        spread(&stack, -1, out->fit + count - 1);
    }
}
