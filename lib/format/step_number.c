/* format/step_number.c - the training step in the name of a checkpoint. */
#include "format/step_number.h"

#include <string.h>
#include <strings.h>

/* A stretch of text: the last component of a path, without suffix. */
typedef struct stem {
    const char *text;
    int64_t length;
} stem;

int neck__has_checkpoint_suffix(const char *name, int64_t *stem_length)
{
    static const char *const suffixes[] = {".pt", ".pth", ".ckpt", ".bin", ".safetensors", ".npy", ".npz",
                                            ".gguf"};
    const size_t length = strlen(name);
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        const size_t n = strlen(suffixes[i]);
        if (length <= n || strcmp(name + length - n, suffixes[i]) != 0) continue;
        if (stem_length) *stem_length = (int64_t)(length - n);
        return 1;
    }
    return 0;
}

static int is_digit(char c) { return c >= '0' && c <= '9'; }
static int is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/* The character at i, or 0 outside. */
static char at(const stem *s, int64_t i) { return i >= 0 && i < s->length ? s->text[i] : '\0'; }

static stem find_stem(const char *path)
{
    int64_t end = (int64_t)strlen(path);
    while (end > 0 && path[end - 1] == '/') end--;
    int64_t begin = end;
    while (begin > 0 && path[begin - 1] != '/') begin--;
    stem s = {path + begin, end - begin};
    int64_t shorter;
    if (path[end] == '\0' && neck__has_checkpoint_suffix(s.text, &shorter)) s.length = shorter;
    return s;
}

/* How much the word before position i, across separators, says that a step follows. */
static int rank_word(const stem *s, int64_t i)
{
    static const struct {
        const char *ending;
        int rank;
    } words[] = {
        {"step", 3}, {"steps", 3}, {"iter", 3}, {"iters", 3}, {"iteration", 3}, {"update", 3}, {"updates", 3},
        {"checkpoint", 3}, {"ckpt", 3}, {"epoch", 2},
    };
    int64_t end = i;
    while (end > 0 && strchr("_-=. ", s->text[end - 1])) end--;
    int64_t begin = end;
    while (begin > 0 && is_letter(s->text[begin - 1])) begin--;
    for (size_t k = 0; k < sizeof words / sizeof *words; k++) {
        const int64_t n = (int64_t)strlen(words[k].ending);
        if (n <= end - begin && strncasecmp(s->text + end - n, words[k].ending, (size_t)n) == 0) return words[k].rank;
    }
    return 0;
}

/* A number within a decimal fraction, a size, a quantised type ("Q4_1") or a count of shards. */
static int is_other_number(const stem *s, int64_t begin, int64_t end)
{
    if (is_letter(at(s, end))) return 1;
    if (at(s, begin - 1) == '_' && is_digit(at(s, begin - 2)) && (at(s, begin - 3) | 32) == 'q') return 1;
    if (at(s, end) == '.' && is_digit(at(s, end + 1))) return 1;
    if (at(s, begin - 1) == '.' && is_digit(at(s, begin - 2))) return 1;
    if (end + 4 <= s->length && memcmp(s->text + end, "-of-", 4) == 0) return 1;
    return begin >= 4 && memcmp(s->text + begin - 4, "-of-", 4) == 0;
}

/* How good the number at [begin, end) is as a step; 0: it is none. */
static int rank_number(const stem *s, int64_t begin, int64_t end)
{
    if (end - begin > 18 || is_other_number(s, begin, end)) return 0; /* 18 digits always fit */
    const int rank = rank_word(s, begin);
    if (rank) return rank;
    return end == s->length && !is_letter(at(s, begin - 1));
}

int64_t neck__step_number(const char *path)
{
    const stem s = find_stem(path);
    int64_t step = -1;
    int best = 1;
    for (int64_t begin = 0, end; begin < s.length; begin = end) {
        end = begin + 1;
        if (!is_digit(s.text[begin])) continue;
        int64_t number = 0;
        while (is_digit(at(&s, end))) end++;
        const int rank = rank_number(&s, begin, end);
        if (rank < best) continue;
        for (int64_t i = begin; i < end; i++) number = 10 * number + (s.text[i] - '0');
        step = number;
        best = rank;
    }
    return step;
}
