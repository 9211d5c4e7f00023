/* ngram/key_sort_template.h - radix sort for keys of WORDS words, most significant digit first. A digit is some bits
 * from the highest one in which the keys of a range differ: what they have in common, and in the text of frequent
 * tokens that is most, costs nothing. Keys that share their highest word are sorted without it. Define WORDS and
 * NAME(x) before including it, and NARROW(x), the names for one word less, when there is more than one. */

typedef struct NAME(key) {
    uint64_t word[WORDS];
} NAME(key);

static inline int NAME(less)(const NAME(key) *a, const NAME(key) *b)
{
    for (int i = WORDS - 1; i > 0; i--)
        if (a->word[i] != b->word[i]) return a->word[i] < b->word[i];
    return a->word[0] < b->word[0];
}

static void NAME(insert)(NAME(key) *keys, int64_t count)
{
    for (int64_t i = 1; i < count; i++) {
        const NAME(key) moved = keys[i];
        int64_t at = i;
        for (; at > 0 && NAME(less)(&moved, &keys[at - 1]); at--) keys[at] = keys[at - 1];
        keys[at] = moved;
    }
}

/* Sets in differ the bits that are not the same in all keys as in the first. */
static void NAME(compare)(const NAME(key) *first, const NAME(key) *keys, int64_t count, uint64_t *differ)
{
    for (int64_t i = 0; i < count; i++)
        for (int k = 0; k < WORDS; k++) differ[k] |= keys[i].word[k] ^ first->word[k];
}

/* A digit may begin in one word and end in the next; where that is the same one, what it adds is above the mask. */
static inline int64_t NAME(digit)(const NAME(key) *key, digit_place place)
{
#if WORDS > 1
    const uint64_t upper = key->word[place.word + 1 < WORDS ? place.word + 1 : place.word];
    return (int64_t)((key->word[place.word] >> place.shift | upper << 1 << (63 - place.shift)) & place.mask);
#else
    return (int64_t)(key->word[0] >> place.shift & place.mask);
#endif
}

static void NAME(histogram)(const NAME(key) *keys, int64_t count, digit_place place, int64_t *counts)
{
    for (int64_t i = 0; i < count; i++) counts[NAME(digit)(&keys[i], place)]++;
}

static void NAME(scatter)(const NAME(key) *keys, int64_t count, digit_place place, NAME(key) *to, int64_t *next)
{
    for (int64_t i = 0; i < count; i++) to[next[NAME(digit)(&keys[i], place)]++] = keys[i];
}

static void NAME(sort)(NAME(key) *from, NAME(key) *to, int64_t count, int stay);

#if WORDS > 1
/* The same for keys that differ in lower words only. They are written out again from the last, so that they may
 * overtake those they are made of. */
static void NAME(sort_narrow)(NAME(key) *from, NAME(key) *to, int64_t count, int stay)
{
    const uint64_t top = from->word[WORDS - 1];
    NARROW(key) *narrow = (NARROW(key) *)to;
    NAME(key) *result = stay ? from : to;
    for (int64_t i = 0; i < count; i++)
        for (int k = 0; k < WORDS - 1; k++) narrow[i].word[k] = from[i].word[k];
    NARROW(sort)(narrow, (NARROW(key) *)from, count, 1);
    for (int64_t i = count - 1; i >= 0; i--) {
        const NARROW(key) low = narrow[i];
        for (int k = 0; k < WORDS - 1; k++) result[i].word[k] = low.word[k];
        result[i].word[WORDS - 1] = top;
    }
}
#endif

/* By the highest digit, then the keys of each of its values. */
static void NAME(sort_digits)(NAME(key) *from, NAME(key) *to, int64_t count, int stay, digit_place place)
{
    int64_t next[DIGITS], begin = 0;
    const int64_t digits = (int64_t)place.mask + 1;
    memset(next, 0, (size_t)digits * sizeof *next);
    NAME(histogram)(from, count, place, next);
    to_starts(next, digits);
    NAME(scatter)(from, count, place, to, next);
    for (int64_t d = 0; d < digits; begin = next[d], d++)
        if (next[d] > begin) NAME(sort)(to + begin, from + begin, next[d] - begin, !stay);
}

/* Sorts the keys at from; they end up at to or, with stay, where they were. The other place is scratch. */
static void NAME(sort)(NAME(key) *from, NAME(key) *to, int64_t count, int stay)
{
    uint64_t differ[WORDS] = {0};
    digit_place place;
    if (count <= INSERT_UP_TO) NAME(insert)(from, count);
    else NAME(compare)(from, from, count, differ);
    if (!find_digit(differ, WORDS, bits_for(count), &place)) { /* sorted, or all the same */
        if (!stay) memcpy(to, from, (size_t)count * sizeof *from);
        return;
    }
#if WORDS > 1
    if (differ[WORDS - 1] == 0) {
        NAME(sort_narrow)(from, to, count, stay);
        return;
    }
#endif
    NAME(sort_digits)(from, to, count, stay, place);
}

/* ---- as tasks of a job ---- */

static void NAME(compare_task)(void *data, int64_t block)
{
    sort_job *job = data;
    const NAME(key) *keys = job->from;
    const int64_t begin = block_begin(job, block);
    NAME(compare)(keys, keys + begin, block_begin(job, block + 1) - begin, job->differ[block]);
}

static void NAME(histogram_task)(void *data, int64_t block)
{
    sort_job *job = data;
    const int64_t begin = block_begin(job, block);
    memset(job->counts[block], 0, sizeof job->counts[block]);
    NAME(histogram)((const NAME(key) *)job->from + begin, block_begin(job, block + 1) - begin, job->place,
                    job->counts[block]);
}

static void NAME(scatter_task)(void *data, int64_t block)
{
    sort_job *job = data;
    const int64_t begin = block_begin(job, block);
    NAME(scatter)((const NAME(key) *)job->from + begin, block_begin(job, block + 1) - begin, job->place, job->to,
                  job->counts[block]);
}

/* A bucket of the range just scattered to job->to. */
static void NAME(bucket_task)(void *data, int64_t digit)
{
    const sort_job *job = data;
    const int64_t begin = job->starts[digit], count = job->starts[digit + 1] - begin;
    if (count > 0 && count <= job->large)
        NAME(sort)((NAME(key) *)job->to + begin, (NAME(key) *)job->from + begin, count, !job->stay);
}

static void NAME(sort_alone)(uint64_t *keys, uint64_t *spare, int64_t count)
{
    NAME(sort)((NAME(key) *)keys, (NAME(key) *)spare, count, 1);
}

static const sort_tasks NAME(tasks) = {WORDS, NAME(sort_alone), NAME(compare_task), NAME(histogram_task),
                                       NAME(scatter_task), NAME(bucket_task)};

#undef NAME
#undef NARROW
#undef WORDS
