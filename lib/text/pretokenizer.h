/* text/pretokenizer.h - splitting text into the pieces whose tokens do not depend on each other. */
#ifndef NECK_TEXT_PRETOKENIZER_H
#define NECK_TEXT_PRETOKENIZER_H

#include "text/pattern.h"

/* What becomes of the matches of a splitting pattern. */
enum {
    NECK__SPLIT_ISOLATED,
    NECK__SPLIT_REMOVED,
    NECK__SPLIT_WITH_PREVIOUS,
    NECK__SPLIT_WITH_NEXT,
    NECK__SPLIT_CONTIGUOUS
};

/* When a prefix is put before a piece that does not begin with it. */
enum { NECK__PREFIX_NEVER, NECK__PREFIX_FIRST /* only at the start of the text */, NECK__PREFIX_ALWAYS };

typedef struct neck__stage {
    neck__pattern *pattern; /* splits; NULL: edits instead */
    int32_t behaviour, invert;
    int32_t prefix;         /* edits: NECK__PREFIX_* */
    int32_t replace_spaces; /* edits: every space becomes marker */
    char marker[8];         /* UTF-8 */
} neck__stage;

enum { NECK__STAGES = 8 };

typedef struct neck__pretokenizer {
    neck__allocator allocator;
    neck__stage stages[NECK__STAGES];
    int32_t count;
} neck__pretokenizer;

/* Appends a stage that splits at an expression or plain string; that edits.
 * Errors: those of neck__pattern_compile; NECK_E_UNSUPPORTED (too many stages, a long marker). */
neck_status neck__pretokenizer_split(neck__pretokenizer *pretokenizer, const char *pattern, int64_t length,
                                     int32_t literal, int32_t behaviour, int32_t invert);
neck_status neck__pretokenizer_edit(neck__pretokenizer *pretokenizer, const char *marker, int32_t replace_spaces,
                                    int32_t prefix);
void neck__pretokenizer_clear(neck__pretokenizer *pretokenizer);

/* Expressions that belong to formats which name them. */
extern const char neck__pattern_gpt2[], neck__pattern_llama3[], neck__pattern_qwen2[], neck__pattern_number[];

/* What is known about a piece on its way. */
enum {
    NECK__PIECE_FIRST = 1,    /* it begins the text */
    NECK__PIECE_CONTINUES = 2 /* it goes on from text before it: nothing is put in between */
};

typedef neck_status (*neck__piece_fn)(void *user, const unsigned char *bytes, int64_t size);

/* The working memory of one call. */
typedef struct neck__splitting {
    const neck__pretokenizer *pretokenizer;
    neck__match *match;
    neck__buffer edited[NECK__STAGES];
    neck__piece_fn piece;
    void *user;
} neck__splitting;

neck_status neck__splitting_begin(neck__splitting *splitting, const neck__pretokenizer *pretokenizer,
                                  const neck__allocator *allocator, neck__piece_fn piece, void *user);
void neck__splitting_end(neck__splitting *splitting);

/* Calls piece for every piece of well-formed text, in order. */
neck_status neck__pretokenize(neck__splitting *splitting, const unsigned char *text, int64_t size, int32_t flags);

#endif
