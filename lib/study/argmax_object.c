/* study/argmax_object.c - verdicts, counted and looked up. */
#include "study/argmax_object.h"

#include <string.h>

#include "core/error.h"

neck_status neck__argmax_create(const neck__allocator *allocator, int64_t size, int64_t width, int keep_witnesses,
                                neck_argmax **out)
{
    int64_t numbers;
    if (!neck__mul(size, width, &numbers))
        return neck__fail(NECK_E_OVERFLOW, "a head of %lld rows is too large", (long long)size);
    neck_argmax *made = neck__calloc(allocator, 1, sizeof *made, "verdicts");
    if (!made) return NECK_E_NOMEM;
    made->allocator = *allocator;
    made->size = size;
    made->width = width;
    made->entries = neck__calloc(allocator, size, sizeof *made->entries, "verdicts");
    if (keep_witnesses && made->entries)
        made->witnesses = neck__calloc(allocator, numbers, sizeof(double), "witnesses");
    if (!made->entries || (keep_witnesses && !made->witnesses)) {
        neck_argmax_destroy(made);
        return NECK_E_NOMEM;
    }
    for (int64_t i = 0; i < size; i++) made->entries[i] = (neck__argmax_entry){.twin = -1, .probability_bound = 1};
    *out = made;
    return NECK_OK;
}

void neck_argmax_destroy(neck_argmax *argmax)
{
    if (!argmax) return;
    neck__allocator allocator = argmax->allocator;
    neck__release(&allocator, argmax->entries);
    neck__release(&allocator, argmax->tokens);
    neck__release(&allocator, argmax->shares);
    neck__release(&allocator, argmax->witnesses);
    neck__release(&allocator, argmax);
}

static void *moved(const neck__allocator *allocator, void *old, int64_t count, int64_t capacity, int64_t size)
{
    void *larger = neck__alloc(allocator, capacity, size, "means of rows");
    if (larger && count > 0) memcpy(larger, old, (size_t)(count * size));
    return larger;
}

neck_status neck__argmax_list(neck_argmax *argmax, int64_t count, int64_t **tokens, double **shares)
{
    int64_t needed = argmax->listed + count;
    if (needed > argmax->capacity) {
        int64_t capacity = needed + needed / 2;
        int64_t *more = moved(&argmax->allocator, argmax->tokens, argmax->listed, capacity, sizeof *more);
        double *most = more ? moved(&argmax->allocator, argmax->shares, argmax->listed, capacity, sizeof *most) : NULL;
        neck__release(&argmax->allocator, most ? (void *)argmax->tokens : (void *)more);
        if (!most) return NECK_E_NOMEM;
        neck__release(&argmax->allocator, argmax->shares);
        argmax->tokens = more;
        argmax->shares = most;
        argmax->capacity = capacity;
    }
    *tokens = argmax->tokens + argmax->listed;
    *shares = argmax->shares + argmax->listed;
    argmax->listed = needed;
    return NECK_OK;
}

int64_t neck_argmax_size(const neck_argmax *argmax)
{
    return argmax ? argmax->size : 0;
}

int64_t neck_argmax_count(const neck_argmax *argmax, int32_t verdict, int32_t proof)
{
    int64_t count = 0;
    for (int64_t i = 0; argmax && i < argmax->size; i++)
        count += argmax->entries[i].verdict == verdict && (proof < 0 || argmax->entries[i].proof == proof);
    return count;
}

static neck_status check_token(const neck_argmax *argmax, int64_t token)
{
    if (!argmax) return neck__fail(NECK_E_ARGUMENT, "argmax is NULL");
    if (token < 0 || token >= argmax->size)
        return neck__fail(NECK_E_ARGUMENT, "token %lld: the head has %lld", (long long)token, (long long)argmax->size);
    return NECK_OK;
}

neck_status neck_argmax_token(const neck_argmax *argmax, int64_t token, neck_argmax_verdict *out)
{
    NECK_TRY(check_token(argmax, token));
    if (!out || out->struct_size < sizeof out->struct_size)
        return neck__fail(NECK_E_ARGUMENT, "out is NULL or its struct_size is not set");
    const neck__argmax_entry *entry = &argmax->entries[token];
    neck_argmax_verdict all = {out->struct_size, entry->verdict, entry->proof, entry->twin, entry->margin,
                               entry->state_norm, entry->residual, entry->slack, entry->probability_bound};
    memcpy(out, &all, out->struct_size < sizeof all ? out->struct_size : sizeof all);
    return NECK_OK;
}

neck_status neck_argmax_mean(const neck_argmax *argmax, int64_t token, const int64_t **tokens, const double **shares,
                             int64_t *count)
{
    NECK_TRY(check_token(argmax, token));
    if (!tokens || !shares || !count) return neck__fail(NECK_E_ARGUMENT, "tokens, shares or count is NULL");
    const neck__argmax_entry *entry = &argmax->entries[token];
    *tokens = entry->count > 0 ? argmax->tokens + entry->first : NULL;
    *shares = entry->count > 0 ? argmax->shares + entry->first : NULL;
    *count = entry->count;
    return NECK_OK;
}

neck_status neck_argmax_witness(const neck_argmax *argmax, int64_t token, const double **state)
{
    NECK_TRY(check_token(argmax, token));
    if (!state) return neck__fail(NECK_E_ARGUMENT, "state is NULL");
    int32_t verdict = argmax->entries[token].verdict;
    if (!argmax->witnesses)
        return neck__fail(NECK_E_STATE, "witnesses were not kept (neck_argmax_options.keep_witnesses)");
    if (verdict != NECK_ARGMAX_ARGMAXABLE && verdict != NECK_ARGMAX_TIED)
        return neck__fail(NECK_E_STATE, "token %lld is %s: it has no witness", (long long)token,
                          neck_argmax_verdict_name(verdict));
    *state = argmax->witnesses + token * argmax->width;
    return NECK_OK;
}

const char *neck_argmax_verdict_name(int32_t verdict)
{
    static const char *const names[NECK_ARGMAX_VERDICTS] = {"undecided", "argmaxable", "tied", "unargmaxable"};
    return verdict >= 0 && verdict < NECK_ARGMAX_VERDICTS ? names[verdict] : "?";
}

const char *neck_argmax_proof_name(int32_t proof)
{
    static const char *const names[NECK_PROOFS] = {"none", "equal_row", "whitened", "centered", "own_row", "reflection",
                                                   "program"};
    return proof >= 0 && proof < NECK_PROOFS ? names[proof] : "?";
}
