/* text/pattern.c - compiling and finding, by PCRE2 with its just-in-time compiler where there is one. */
#include "text/pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "core/error.h"

#define LENGTH_MAX 16384 /* of an expression; the longest in use has about 600 bytes */

/* Steps one search may take: a run of white space of n bytes costs the usual patterns about 2n. */
#define STEPS_ALWAYS 1000000
#define STEPS_PER_BYTE 16

struct neck__pattern {
    neck__allocator allocator; /* first: PCRE2 allocates with a pointer to it */
    pcre2_general_context *general;
    pcre2_code *code;
};

struct neck__match {
    pcre2_match_data *data;
    pcre2_match_context *limits;
    neck__allocator allocator;
};

static void *pcre_alloc(size_t size, void *user)
{
    return neck__alloc(user, (int64_t)size, 1, "a regular expression");
}

static void pcre_release(void *memory, void *user)
{
    neck__release(user, memory);
}

void neck__pattern_destroy(neck__pattern *pattern)
{
    if (!pattern) return;
    pcre2_code_free(pattern->code);
    pcre2_general_context_free(pattern->general);
    neck__allocator allocator = pattern->allocator;
    neck__release(&allocator, pattern);
}

static neck_status compile(neck__pattern *pattern, const void *text, int64_t length, int32_t literal)
{
    int error = 0;
    size_t offset = 0;
    pcre2_compile_context *context = pcre2_compile_context_create(pattern->general);
    if (!context) return neck__fail_nomem("a regular expression", length);
    pcre2_set_max_pattern_length(context, LENGTH_MAX);
    pattern->code = pcre2_compile(text, (size_t)length, PCRE2_UTF | (literal ? PCRE2_LITERAL : PCRE2_NEVER_BACKSLASH_C),
                                  &error, &offset, context);
    pcre2_compile_context_free(context);
    if (!pattern->code && error == PCRE2_ERROR_HEAP_FAILED) return neck__fail_nomem("a regular expression", length);
    if (!pattern->code) {
        char reason[128] = "";
        pcre2_get_error_message(error, (PCRE2_UCHAR *)reason, sizeof reason);
        return neck__fail(NECK_E_UNSUPPORTED, "a pattern of the tokenizer: %s", reason);
    }
    uint32_t may_be_empty = 0;
    pcre2_pattern_info(pattern->code, PCRE2_INFO_MATCHEMPTY, &may_be_empty);
    if (may_be_empty) return neck__fail(NECK_E_UNSUPPORTED, "a pattern of the tokenizer matches the empty text");
    pcre2_jit_compile(pattern->code, PCRE2_JIT_COMPLETE); /* where it fails, matching is slower but the same */
    return NECK_OK;
}

static neck_status translate_and_compile(neck__pattern *pattern, const char *text, int64_t length)
{
    neck__buffer translated = {.allocator = pattern->allocator};
    neck_status status = neck__pattern_translate(text, length, &translated);
    if (status == NECK_OK) status = compile(pattern, translated.data, translated.size, 0);
    neck__buffer_clear(&translated);
    return status;
}

neck_status neck__pattern_compile(const neck__allocator *allocator, const char *text, int64_t length, int32_t literal,
                                  neck__pattern **out)
{
    if (length == 0) return neck__fail(NECK_E_UNSUPPORTED, "a pattern of the tokenizer is empty");
    if (length > LENGTH_MAX)
        return neck__fail(NECK_E_UNSUPPORTED, "a pattern of the tokenizer has more than %d bytes", LENGTH_MAX);
    neck__pattern *pattern = neck__calloc(allocator, 1, sizeof *pattern, "a regular expression");
    if (!pattern) return NECK_E_NOMEM;
    pattern->allocator = *allocator;
    pattern->general = pcre2_general_context_create(pcre_alloc, pcre_release, &pattern->allocator);
    neck_status status = NECK_E_NOMEM;
    if (pattern->general)
        status = literal ? compile(pattern, text, length, 1) : translate_and_compile(pattern, text, length);
    if (status != NECK_OK) {
        neck__pattern_destroy(pattern);
        return status;
    }
    *out = pattern;
    return NECK_OK;
}

neck_status neck__match_create(const neck__pattern *pattern, neck__match **out)
{
    neck__match *match = neck__calloc(&pattern->allocator, 1, sizeof *match, "matching");
    if (!match) return NECK_E_NOMEM;
    match->allocator = pattern->allocator;
    match->data = pcre2_match_data_create(1, pattern->general);
    match->limits = pcre2_match_context_create(pattern->general);
    if (!match->data || !match->limits) {
        neck__match_destroy(match);
        return NECK_E_NOMEM;
    }
    *out = match;
    return NECK_OK;
}

void neck__match_destroy(neck__match *match)
{
    if (!match) return;
    pcre2_match_data_free(match->data);
    pcre2_match_context_free(match->limits);
    neck__allocator allocator = match->allocator;
    neck__release(&allocator, match);
}

static neck_status find_failed(int rc)
{
    if (rc == PCRE2_ERROR_NOMEMORY) return neck__fail_nomem("matching", 0);
    return neck__fail(NECK_E_UNSUPPORTED, "a pattern of the tokenizer does not finish on this text");
}

/* The just-in-time code has a small stack; the interpreter takes memory as it needs. */
static int find(const neck__pattern *pattern, neck__match *match, const unsigned char *text, int64_t size, int64_t from)
{
    uint64_t steps = STEPS_ALWAYS + STEPS_PER_BYTE * (uint64_t)size;
    pcre2_set_match_limit(match->limits, steps < UINT32_MAX ? (uint32_t)steps : UINT32_MAX);
    int rc = pcre2_match(pattern->code, text, (size_t)size, (size_t)from, PCRE2_NO_UTF_CHECK, match->data,
                         match->limits);
    if (rc != PCRE2_ERROR_JIT_STACKLIMIT) return rc;
    return pcre2_match(pattern->code, text, (size_t)size, (size_t)from, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, match->data,
                       match->limits);
}

neck_status neck__pattern_find(const neck__pattern *pattern, neck__match *match, const unsigned char *text,
                               int64_t size, int64_t from, int64_t *begin, int64_t *end)
{
    int rc = find(pattern, match, text, size, from);
    if (rc == PCRE2_ERROR_NOMATCH) {
        *begin = *end = size;
        return NECK_OK;
    }
    if (rc < 0) return find_failed(rc);
    const size_t *span = pcre2_get_ovector_pointer(match->data);
    *begin = (int64_t)span[0];
    *end = (int64_t)span[1];
    return NECK_OK;
}
