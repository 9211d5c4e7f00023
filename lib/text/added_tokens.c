/* text/added_tokens.c - finding many short strings: two bytes decide whether to look closer. */
#include "text/added_tokens.h"

#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "text/characters.h"

neck_status neck__added_tokens_add(neck__added_tokens *added, const neck__added_token *token, const void *content)
{
    if (token->length == 0) return NECK_OK;
    if (added->count == added->capacity) {
        neck__added_token *grown = neck__grown(&added->pool.allocator, added->tokens, added->count, added->count + 1,
                                               sizeof *grown, &added->capacity, "added tokens");
        if (!grown) return NECK_E_NOMEM;
        added->tokens = grown;
    }
    neck__added_token *copy = &added->tokens[added->count];
    *copy = *token;
    copy->at = added->pool.size;
    copy->first = *(const unsigned char *)content;
    NECK_TRY(neck__buffer_append(&added->pool, content, token->length));
    added->count++;
    return NECK_OK;
}

void neck__added_tokens_clear(neck__added_tokens *added)
{
    neck__release(&added->pool.allocator, added->tokens);
    neck__buffer_clear(&added->pool);
}

static int by_first_byte(const void *a, const void *b)
{
    const neck__added_token *x = a, *y = b;
    if (x->first != y->first) return x->first < y->first ? -1 : 1;
    return (x->length < y->length) - (x->length > y->length);
}

static void set_bit(unsigned char *bits, unsigned index)
{
    bits[index / 8] |= (unsigned char)(1u << index % 8);
}

static int has_bit(const unsigned char *bits, unsigned index)
{
    return bits[index / 8] >> index % 8 & 1;
}

void neck__added_tokens_finish(neck__added_tokens *added)
{
    if (added->count > 0) qsort(added->tokens, (size_t)added->count, sizeof *added->tokens, by_first_byte);
    memset(added->first, 0, sizeof added->first);
    for (int64_t i = 0; i < added->count; i++) {
        const unsigned char *content = added->pool.data + added->tokens[i].at;
        added->first[content[0] + 1]++;
        if (added->tokens[i].length == 1)
            set_bit(added->lonely, content[0]);
        else
            set_bit(added->pairs, content[0] << 8 | content[1]);
    }
    for (int byte = 0; byte < 256; byte++) added->first[byte + 1] += added->first[byte];
}

/* The longest token at text, NULL when there is none. */
static const neck__added_token *token_at(const neck__added_tokens *added, const unsigned char *text, int64_t size)
{
    int possible =
        has_bit(added->lonely, text[0]) || (size > 1 && has_bit(added->pairs, (unsigned)text[0] << 8 | text[1]));
    if (!possible) return NULL;
    for (int64_t i = added->first[text[0]]; i < added->first[text[0] + 1]; i++) {
        const neck__added_token *token = &added->tokens[i];
        if (token->length <= size && memcmp(added->pool.data + token->at, text, (size_t)token->length) == 0)
            return token;
    }
    return NULL;
}

neck_status neck__added_tokens_split(const neck__added_tokens *added, const unsigned char *text, int64_t size,
                                     neck__between_fn between, neck__token_fn token, void *user)
{
    int64_t done = 0;
    for (int64_t at = 0; added->count > 0 && at < size;) {
        const neck__added_token *found = token_at(added, text + at, size - at);
        if (!found) {
            at++;
            continue;
        }
        int64_t begin = at, end = at + found->length;
        at = end; /* white space taken behind a token may still begin another */
        if (found->strip_left) begin -= neck__space_behind(text, begin);
        if (found->strip_right) end += neck__space_before(text + end, size - end);
        if (begin > done) NECK_TRY(between(user, text, done, begin));
        token(user, found->id);
        done = end;
    }
    return done < size ? between(user, text, done, size) : NECK_OK;
}
