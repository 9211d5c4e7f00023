/* format/head_name.c - which tensor of a checkpoint is the LM head.
 *
 * A head is known by the end of its name, whatever wrappers ("model.", "module.", "_orig_mod.") put before it; the
 * fewer wrappers, the better. Names inside numbered layers are no heads. Copies that training keeps (optimizer state,
 * moving averages) count only where nothing else is found. Two equally good names for different data are left to the
 * caller. A matrix that is alone in its file is taken whatever its name; it keeps the orientation it is stored in, also
 * when it has fewer rows than columns and so is hidden_size x tokens: its spectrum is the same. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "format/checkpoint_object.h"

/* In order of preference; GPT-2, Llama, Mistral, Qwen, Gemma, BLOOM, OPT call it lm_head, Pythia embed_out, llama2.c
 * and GGUF output, ChatGLM and Megatron output_layer, minGPT and RWKV head. */
static const char *const untied_names[] = {
    "lm_head.weight", "embed_out.weight", "output.weight", "output_layer.weight", "lm_head.linear.weight",
    "unembed.weight", "head.weight", NULL,
};

static const char *const embedding_names[] = {
    "wte.weight",              "embed_in.weight",              "embed_tokens.weight", "word_embeddings.weight",
    "tok_emb.weight",          "tok_embeddings.weight",        "token_emb.weight",    "token_embedding.weight",
    "token_embeddings.weight", "token_embedding_table.weight", "token_embd.weight",   "shared.weight",
    "embedding.weight",        "emb.weight",                   NULL,
};

static const char *const copy_words[] = {"ema",    "optimizer", "optimizers", "optim",    "shadow",
                                         "teacher", "target",   "swa",        "averaged", NULL};

/* The best tensor under one list of names so far. */
typedef struct choice {
    int64_t index; /* -1: none */
    int copy, depth, place;
    int64_t rival; /* as good, but other data; or -1 */
} choice;

static int is_word(const char *word, size_t length)
{
    for (int k = 0; copy_words[k]; k++)
        if (strlen(copy_words[k]) == length && memcmp(copy_words[k], word, length) == 0) return 1;
    return 0;
}

/* Reads the prefix (length bytes, each component with its dot). Returns 0 when it leads into a numbered layer. */
static int read_prefix(const char *prefix, size_t length, choice *c)
{
    size_t word = 0;
    int digits_only = 1;
    for (size_t i = 0; i < length; i++) {
        const char at = prefix[i];
        if (at == '.' || at == '_') {
            if (is_word(prefix + word, i - word)) c->copy = 1;
            word = i + 1;
        }
        if (at == '.') {
            if (digits_only) return 0;
            c->depth++;
            digits_only = 1;
        } else if (at < '0' || at > '9') {
            digits_only = 0;
        }
    }
    return 1;
}

/* Is the name "name" or "prefix.name" for one of the names? */
static int match_name(const char *name, const char *const *names, choice *c)
{
    const size_t length = strlen(name);
    for (int place = 0; names[place]; place++) {
        const size_t n = strlen(names[place]);
        if (length < n || strcmp(name + length - n, names[place]) != 0) continue;
        if (length > n && name[length - n - 1] != '.') continue;
        c->place = place;
        return read_prefix(name, length - n, c);
    }
    return 0;
}

/* Negative when a is better. */
static int compare(const choice *a, const choice *b)
{
    if (a->copy != b->copy) return a->copy - b->copy;
    if (a->depth != b->depth) return a->depth - b->depth;
    return a->place - b->place;
}

static int same_place(const neck__tensor *a, const neck__tensor *b)
{
    return a->data == b->data && a->dtype == b->dtype && memcmp(a->shape, b->shape, sizeof a->shape) == 0 &&
           memcmp(a->stride, b->stride, sizeof a->stride) == 0;
}

static int same_bytes(const neck__tensor *a, const neck__tensor *b)
{
    return a->dtype == b->dtype && memcmp(a->shape, b->shape, sizeof a->shape) == 0 && neck__tensor_is_packed(a) &&
           neck__tensor_is_packed(b) && memcmp(a->data, b->data, (size_t)a->nbytes) == 0;
}

static choice choose(const neck__tensors *list, const char *const *names)
{
    choice best = {.index = -1, .rival = -1};
    for (int64_t i = 0; i < list->count; i++) {
        choice c = {.index = i, .rival = -1};
        if (!neck__tensor_is_matrix(&list->tensors[i]) || !match_name(list->tensors[i].name, names, &c)) continue;
        const int order = best.index < 0 ? -1 : compare(&c, &best);
        if (order < 0)
            best = c;
        else if (order == 0 && !same_place(&list->tensors[i], &list->tensors[best.index]) &&
                 !same_bytes(&list->tensors[i], &list->tensors[best.index]))
            best.rival = i;
    }
    return best;
}

/* The only matrix, or -1. */
static int64_t only_matrix(const neck__tensors *list)
{
    int64_t found = -1;
    for (int64_t i = 0; i < list->count; i++) {
        if (!neck__tensor_is_matrix(&list->tensors[i])) continue;
        if (found >= 0) return -1;
        found = i;
    }
    return found;
}

/* The first matrices are listed: heads and embeddings come first or last, and the caller knows the family. */
static neck_status fail_no_head(const neck__tensors *list, const char *why)
{
    enum { LISTED = 8 };
    char text[700];
    size_t used = 0;
    int64_t listed = 0, matrices = 0;
    for (int64_t i = 0; i < list->count; i++) {
        const neck__tensor *t = &list->tensors[i];
        if (!neck__tensor_is_matrix(t)) continue;
        matrices++;
        if (listed == LISTED || used >= sizeof text) continue;
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%.60s (%" PRId64 " x %" PRId64 ")",
                                 used ? ", " : "", t->name, t->shape[0], t->shape[1]);
        listed++;
    }
    if (matrices > listed && used < sizeof text)
        snprintf(text + used, sizeof text - used, ", and %" PRId64 " more", matrices - listed);
    if (matrices == 0)
        return neck__fail(NECK_E_NOT_FOUND, "%s, nor is there any matrix of floating-point numbers", why);
    return neck__fail(NECK_E_NOT_FOUND, "%s; name one of its matrices: %s", why, text);
}

static neck_status fail_ambiguous(const neck__tensors *list, const choice *c)
{
    return neck__fail(NECK_E_NOT_FOUND, "two tensors could be the LM head: '%.200s' and '%.200s'; name one of them",
                      list->tensors[c->index].name, list->tensors[c->rival].name);
}

/* Is the output matrix just the embedding under a second name? */
static int is_embedding(const neck_checkpoint *checkpoint, int64_t untied, int64_t embedding)
{
    const neck__tensor *a = &checkpoint->list.tensors[untied], *b = &checkpoint->list.tensors[embedding];
    return same_place(a, b) || (checkpoint->tied == NECK__TIED_YES && same_bytes(a, b));
}

neck_status neck_checkpoint_head(const neck_checkpoint *checkpoint, int64_t *index, int32_t *tied)
{
    if (!checkpoint || !index) return neck__fail(NECK_E_ARGUMENT, "checkpoint or index is NULL");
    const neck__tensors *list = &checkpoint->list;
    const choice untied = choose(list, untied_names), embedding = choose(list, embedding_names);
    int64_t found;
    int is_tied = 0;
    if (untied.index >= 0 && (embedding.index < 0 || untied.copy <= embedding.copy)) {
        if (untied.rival >= 0) return fail_ambiguous(list, &untied);
        is_tied = embedding.index >= 0 && is_embedding(checkpoint, untied.index, embedding.index);
        found = is_tied ? embedding.index : untied.index;
    } else if (embedding.index >= 0) {
        if (checkpoint->tied == NECK__TIED_NO)
            return fail_no_head(list, "config.json says that head and embedding differ, but no head is there");
        if (embedding.rival >= 0) return fail_ambiguous(list, &embedding);
        is_tied = 1;
        found = embedding.index;
    } else {
        found = only_matrix(list);
        if (found < 0) return fail_no_head(list, "no tensor has the name of an LM head");
    }
    *index = found;
    if (tied) *tied = is_tied;
    return NECK_OK;
}
