/* text/pretokenizer.c - a chain of stages; each hands its pieces to the next as it finds them. */
#include "text/pretokenizer.h"

#include <string.h>

#include "core/error.h"

const char neck__pattern_gpt2[] = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";
const char neck__pattern_llama3[] = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}|"
                                    " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
const char neck__pattern_qwen2[] = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}|"
                                   " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
/* Rust's char::is_numeric, of Unicode 17: two blocks more than \p{N}. */
const char neck__pattern_number[] = "[\\p{N}\\x{11DE0}-\\x{11DE9}\\x{16FF4}-\\x{16FF6}]";

/* The stage to come, NULL when there is no room. */
static neck__stage *next_stage(neck__pretokenizer *pretokenizer)
{
    if (pretokenizer->count < NECK__STAGES) return &pretokenizer->stages[pretokenizer->count];
    neck__fail(NECK_E_UNSUPPORTED, "more than %d pre-tokenizers", NECK__STAGES);
    return NULL;
}

neck_status neck__pretokenizer_split(neck__pretokenizer *pretokenizer, const char *pattern, int64_t length,
                                     int32_t literal, int32_t behaviour, int32_t invert)
{
    neck__stage *stage = next_stage(pretokenizer);
    if (!stage) return NECK_E_UNSUPPORTED;
    NECK_TRY(neck__pattern_compile(&pretokenizer->allocator, pattern, length, literal, &stage->pattern));
    stage->behaviour = behaviour;
    stage->invert = invert;
    pretokenizer->count++;
    return NECK_OK;
}

neck_status neck__pretokenizer_edit(neck__pretokenizer *pretokenizer, const char *marker, int32_t replace_spaces,
                                    int32_t prefix)
{
    neck__stage *stage = next_stage(pretokenizer);
    if (!stage) return NECK_E_UNSUPPORTED;
    if (strlen(marker) >= sizeof stage->marker)
        return neck__fail(NECK_E_UNSUPPORTED, "the marker of spaces is '%s'", marker);
    strcpy(stage->marker, marker);
    stage->replace_spaces = replace_spaces;
    stage->prefix = prefix;
    pretokenizer->count++;
    return NECK_OK;
}

void neck__pretokenizer_clear(neck__pretokenizer *pretokenizer)
{
    for (int32_t i = 0; i < pretokenizer->count; i++) neck__pattern_destroy(pretokenizer->stages[i].pattern);
    pretokenizer->count = 0;
}

neck_status neck__splitting_begin(neck__splitting *splitting, const neck__pretokenizer *pretokenizer,
                                  const neck__allocator *allocator, neck__piece_fn piece, void *user)
{
    memset(splitting, 0, sizeof *splitting);
    splitting->pretokenizer = pretokenizer;
    splitting->piece = piece;
    splitting->user = user;
    for (int32_t i = 0; i < NECK__STAGES; i++) splitting->edited[i].allocator = *allocator;
    for (int32_t i = 0; i < pretokenizer->count; i++)
        if (pretokenizer->stages[i].pattern)
            return neck__match_create(pretokenizer->stages[i].pattern, &splitting->match);
    return NECK_OK;
}

void neck__splitting_end(neck__splitting *splitting)
{
    neck__match_destroy(splitting->match);
    for (int32_t i = 0; i < NECK__STAGES; i++) neck__buffer_clear(&splitting->edited[i]);
}

static neck_status run_stage(neck__splitting *splitting, int32_t index, const unsigned char *text, int64_t size,
                             int32_t flags);

static neck_status edit(neck__splitting *splitting, int32_t index, const unsigned char *text, int64_t size,
                        int32_t flags)
{
    const neck__stage *stage = &splitting->pretokenizer->stages[index];
    neck__buffer *out = &splitting->edited[index];
    const int64_t length = (int64_t)strlen(stage->marker);
    const int marked = (stage->replace_spaces && text[0] == ' ') ||
                       (size >= length && memcmp(text, stage->marker, (size_t)length) == 0);
    const int wanted =
        stage->prefix == NECK__PREFIX_ALWAYS || (stage->prefix == NECK__PREFIX_FIRST && (flags & NECK__PIECE_FIRST));
    out->size = 0;
    if (wanted && !marked && !(flags & NECK__PIECE_CONTINUES))
        NECK_TRY(neck__buffer_append(out, stage->marker, length));
    const unsigned char *end = text + size;
    for (const unsigned char *space; stage->replace_spaces && (space = memchr(text, ' ', (size_t)(end - text)));
         text = space + 1) {
        NECK_TRY(neck__buffer_append(out, text, space - text));
        NECK_TRY(neck__buffer_append(out, stage->marker, length));
    }
    NECK_TRY(neck__buffer_append(out, text, end - text));
    return run_stage(splitting, index + 1, out->data, out->size, flags);
}

/* The piece being put together: [begin, end) of the text. */
typedef struct joint {
    neck__splitting *splitting;
    int32_t index, flags;
    const unsigned char *text;
    int64_t begin, end;
    int is_match; /* what was added last */
} joint;

static neck_status flush(joint *j)
{
    const int64_t begin = j->begin;
    j->begin = j->end;
    if (begin == j->end) return NECK_OK;
    return run_stage(j->splitting, j->index + 1, j->text + begin, j->end - begin, begin == 0 ? j->flags : 0);
}

/* Does a stretch belong to the same piece as the one before it? */
static int joins(int32_t behaviour, int before, int now)
{
    switch (behaviour) {
    case NECK__SPLIT_WITH_PREVIOUS: return now && !before;
    case NECK__SPLIT_WITH_NEXT: return before && !now;
    case NECK__SPLIT_CONTIGUOUS: return before == now;
    default: return 0;
    }
}

/* The stretch from j->end to end, a match of the pattern or what lies between two. */
static neck_status add_stretch(joint *j, int64_t end, int is_match)
{
    if (end == j->end) return NECK_OK;
    const neck__stage *stage = &j->splitting->pretokenizer->stages[j->index];
    if (stage->invert) is_match = !is_match;
    if (!joins(stage->behaviour, j->is_match, is_match)) NECK_TRY(flush(j));
    j->end = end;
    j->is_match = is_match;
    if (is_match && stage->behaviour == NECK__SPLIT_REMOVED) j->begin = end;
    return NECK_OK;
}

static neck_status split(neck__splitting *splitting, int32_t index, const unsigned char *text, int64_t size,
                         int32_t flags)
{
    const neck__pattern *pattern = splitting->pretokenizer->stages[index].pattern;
    joint j = {.splitting = splitting, .index = index, .flags = flags, .text = text};
    while (j.end < size) {
        int64_t begin, end;
        NECK_TRY(neck__pattern_find(pattern, splitting->match, text, size, j.end, &begin, &end));
        NECK_TRY(add_stretch(&j, begin, 0));
        NECK_TRY(add_stretch(&j, end, 1));
    }
    return flush(&j);
}

static neck_status run_stage(neck__splitting *splitting, int32_t index, const unsigned char *text, int64_t size,
                             int32_t flags)
{
    if (index == splitting->pretokenizer->count) return splitting->piece(splitting->user, text, size);
    if (splitting->pretokenizer->stages[index].pattern) return split(splitting, index, text, size, flags);
    return edit(splitting, index, text, size, flags);
}

neck_status neck__pretokenize(neck__splitting *splitting, const unsigned char *text, int64_t size, int32_t flags)
{
    return size > 0 ? run_stage(splitting, 0, text, size, flags) : NECK_OK;
}
