/* text/pattern.h - the only door to PCRE2: regular expressions as Hugging Face tokenizers (Oniguruma) read them. */
#ifndef NECK_TEXT_PATTERN_H
#define NECK_TEXT_PATTERN_H

#include "text/growing.h"

typedef struct neck__pattern neck__pattern;

/* Compiles an expression, or (literal) a plain string. Constructs on which Oniguruma and PCRE2 differ, and patterns
 * that match nothing at all, are refused. Errors: NECK_E_UNSUPPORTED, NECK_E_NOMEM. */
neck_status neck__pattern_compile(const neck__allocator *allocator, const char *text, int64_t length, int32_t literal,
                                  neck__pattern **out);
void neck__pattern_destroy(neck__pattern *pattern);

/* Working memory for finding: one a thread, good for all patterns of one allocator. */
typedef struct neck__match neck__match;
neck_status neck__match_create(const neck__pattern *pattern, neck__match **out);
void neck__match_destroy(neck__match *match);

/* The first match at or behind from in well-formed text; *begin is size when there is none.
 * Errors: NECK_E_UNSUPPORTED (more steps than any reasonable pattern takes), NECK_E_NOMEM. */
neck_status neck__pattern_find(const neck__pattern *pattern, neck__match *match, const unsigned char *text,
                               int64_t size, int64_t from, int64_t *begin, int64_t *end);

/* Oniguruma's syntax into PCRE2's. Errors: NECK_E_UNSUPPORTED naming what is not known, NECK_E_NOMEM. */
neck_status neck__pattern_translate(const char *text, int64_t length, neck__buffer *out);

#endif
