/* evaluate/likelihood.c - how likely a continuation is after a prefix. */
#include "softneck/evaluate.h"

#include <string.h>

#include "core/error.h"
#include "evaluate/text.h"

/* All tokens, of which the first `given` are the prefix. */
typedef struct pair {
    neck__ids all;
    int64_t given;
} pair;

static neck_status encode_bare(neck_context *context, const neck_tokenizer *tokenizer, const char *text, int64_t nbytes,
                               pair *out)
{
    if (neck__opening_token(tokenizer) < 0)
        return neck__fail(NECK_E_ARGUMENT, "the prefix is empty and the tokenizer has no token to open a text with");
    out->given = 1;
    return neck__encode_document(context, tokenizer, text, nbytes, &out->all);
}

/* The prefix alone tells how many tokens of the whole are its own. */
static neck_status encode_pair(neck_context *context, const neck_tokenizer *tokenizer, const char *text, int64_t nbytes,
                               int64_t prefix_bytes, pair *out)
{
    neck__ids prefix;
    neck__allocator allocator = neck__allocator_of(context);
    NECK_TRY(neck__encode(context, tokenizer, text, prefix_bytes, &prefix));
    out->given = prefix.count;
    neck__release(&allocator, prefix.ids);
    return neck__encode(context, tokenizer, text, nbytes, &out->all);
}

static void score_greedy(const int32_t *targets, const int32_t *best, const double *nll, int64_t count,
                         neck_likelihood *out)
{
    out->greedy = 1;
    for (int64_t i = 0; i < count; i++) {
        if (targets[i] == NECK_NO_TARGET) continue;
        out->log_likelihood -= nll[i];
        out->greedy &= best[i] == targets[i];
        out->tokens++;
    }
}

/* The last `context_length` inputs whose predictions end with the last token. */
static neck_status run(neck_context *context, neck_model *model, const pair *encoded, neck_likelihood *out)
{
    int64_t most = neck_model_context_length(model), inputs = encoded->all.count - 1;
    int64_t cut = inputs > most ? inputs - most : 0;
    const int32_t *ids = encoded->all.ids + cut;
    inputs -= cut;
    neck__allocator allocator = neck__allocator_of(context);
    double *nll = neck__alloc(&allocator, inputs, sizeof *nll + 2 * sizeof(int32_t), "a continuation");
    if (!nll) return NECK_E_NOMEM;
    int32_t *targets = (int32_t *)(nll + inputs), *best = targets + inputs;
    for (int64_t i = 0; i < inputs; i++) targets[i] = cut + i + 1 < encoded->given ? NECK_NO_TARGET : ids[i + 1];
    neck_loss loss = {.struct_size = sizeof loss};
    neck_forward_options options = {.struct_size = sizeof options, .targets = targets, .nll = nll, .best = best};
    neck_status status = neck_model_loss(context, model, ids, 1, inputs, &options, &loss);
    if (status == NECK_OK) score_greedy(targets, best, nll, inputs, out);
    neck__release(&allocator, nll);
    return status;
}

static neck_status check_pair(const neck_model *model, const pair *encoded)
{
    int64_t tokens = encoded->all.count - encoded->given, most = neck_model_context_length(model);
    if (tokens < 1) return neck__fail(NECK_E_ARGUMENT, "the continuation has no tokens of its own");
    if (encoded->given < 1) return neck__fail(NECK_E_ARGUMENT, "the prefix has no tokens");
    if (tokens > most)
        return neck__fail(NECK_E_ARGUMENT, "the continuation has %lld tokens, the model sees %lld", (long long)tokens,
                          (long long)most);
    return NECK_OK;
}

neck_status neck_continuation_likelihood(neck_context *context, neck_model *model, const neck_tokenizer *tokenizer,
                                         const char *prefix, int64_t prefix_bytes, const char *continuation,
                                         int64_t continuation_bytes, neck_likelihood *out)
{
    if (!model || !tokenizer || !out || out->struct_size < sizeof out->struct_size)
        return neck__fail(NECK_E_ARGUMENT, "model, tokenizer or out is NULL, or out's struct_size is not set");
    int64_t nbytes;
    if (!neck__add(prefix_bytes, continuation_bytes, &nbytes) || (!prefix && prefix_bytes > 0) ||
        (!continuation && continuation_bytes > 0))
        return neck__fail(NECK_E_ARGUMENT, "prefix or continuation is NULL, or its size negative");
    neck__allocator allocator = neck__allocator_of(context);
    char *text = neck__alloc(&allocator, nbytes, 1, "a text");
    if (!text) return NECK_E_NOMEM;
    if (prefix_bytes > 0) memcpy(text, prefix, (size_t)prefix_bytes);
    if (continuation_bytes > 0) memcpy(text + prefix_bytes, continuation, (size_t)continuation_bytes);
    int64_t kept = neck__trimmed(text, prefix_bytes);
    pair encoded = {.given = 0};
    neck_likelihood made = {.struct_size = out->struct_size};
    neck_status status = kept > 0 ? encode_pair(context, tokenizer, text, nbytes, kept, &encoded)
                                  : encode_bare(context, tokenizer, text, nbytes, &encoded);
    if (status == NECK_OK) status = check_pair(model, &encoded);
    if (status == NECK_OK) status = run(context, model, &encoded, &made);
    if (status == NECK_OK) memcpy(out, &made, made.struct_size < sizeof made ? made.struct_size : sizeof made);
    neck__release(&allocator, encoded.all.ids);
    neck__release(&allocator, text);
    return status;
}
