/* model/train_attention_template.h - causal attention, forward and backward, in tiles. A strip of queries meets one
 * block of keys after another; scores are made with keys down and queries across, which is how the tiles want the right
 * factor of the products that follow, so that scores are never packed. Backward, they are made again from the kept
 * normalizers (Dao et al. 2022). */

/* Keys of a block. */
enum { KEYS = 256 };

/* The largest padded head. */
enum { WIDEST_HEAD = NECK__HEAD_MAX + LARGEST_STRIP };

/* One strip of queries of one head. */
typedef struct queries {
    const run *r;
    int64_t layer, sequence, head, kv_head;
    int64_t first, count;         /* queries */
    int64_t start, end;           /* keys that any of them sees */
    int64_t window;               /* keys that each sees; 0: all before it */
    REAL scale;
    uint64_t drop_key;
    const REAL *q, *keys, *values; /* rows of the first query; of key 0 */
    int64_t stride;                /* of rows of the three */
} queries;

/* Where the heads of queries, keys and values are in a row of qkv. */
static void head_columns(const run *r, int64_t head, int64_t kv_head, int64_t *q, int64_t *k, int64_t *v)
{
    const neck__config *c = r->config;
    int64_t size = c->head_size;
    if (c->layout->names[NECK__QKV] && c->layout->fused == NECK__FUSED_BY_HEAD) {
        *q = 3 * size * head, *k = *q + size, *v = *k + size;
        return;
    }
    *q = size * head, *k = r->queries + size * kv_head, *v = r->queries + r->keys + size * kv_head;
}

static queries queries_of(const run *r, const kept *k, int64_t layer, int64_t sequence, int64_t head, int64_t strip)
{
    const neck__config *c = r->config;
    int64_t column, key_column, value_column, first = strip * r->strip, end = first + r->strip;
    queries s = {.r = r, .layer = layer, .sequence = sequence, .head = head, .kv_head = head / (c->heads / c->kv_heads),
                 .first = first, .end = end < r->length ? end : r->length, .stride = r->qkv,
                 .window = c->sliding[layer] ? c->window : 0};
    s.count = s.end - first;
    if (s.window && first + 1 > s.window) s.start = first + 1 - s.window;
    s.scale = (REAL)(c->attention_scale / (c->divide_by_layer ? (double)(layer + 1) : 1.0));
    s.drop_key = drops(r, &r->model->attention_dropout) ? site_key(r, DROP_ATTENTION, layer) : 0;
    head_columns(r, head, s.kv_head, &column, &key_column, &value_column);
    const REAL *rows = k->qkv + sequence * r->length * r->qkv;
    s.q = rows + first * r->qkv + column;
    s.keys = rows + key_column;
    s.values = rows + value_column;
    return s;
}

/* Rows of a head as columns of a strip, times scale. */
static void pack_columns(const queries *s, const REAL *rows, int64_t stride, REAL scale, REAL *to)
{
    int64_t size = s->r->config->head_size;
    OF(neck__pack)(size, s->count, rows, 1, stride, to, size * s->r->strip);
    if (scale != 1)
        for (int64_t i = 0; i < size * s->r->strip; i++) to[i] *= scale;
}

/* The other way: columns of a strip to rows, each times its factor (NULL: 1). */
static void unpack_columns(const queries *s, const REAL *from, const REAL *factor, REAL *rows, int64_t stride)
{
    int64_t size = s->r->config->head_size, strip = s->r->strip;
    for (int64_t i = 0; i < s->count; i++)
        for (int64_t k = 0; k < size; k++) rows[i * stride + k] = from[k * strip + i] * (factor ? factor[i] : 1);
}

/* Scores of queries for keys [key, key + rows), the cap not yet applied. */
static void score(const queries *s, const REAL *packed_queries, int64_t key, int64_t rows, REAL *scores)
{
    int64_t strip = s->r->strip, size = s->r->config->head_size;
    OF(neck__tiles)(rows, strip, size, s->keys + key * s->stride, s->stride, 1, packed_queries, size * strip, scores,
                    strip, 0);
}

/* Gives the keys that a query does not see a value. Only near the two edges of what is seen are there any. */
static void mask(const queries *s, int64_t key, int64_t rows, REAL value, REAL *scores)
{
    int64_t strip = s->r->strip;
    for (int64_t i = 0; i < rows; i++) {
        int64_t from = key + i - s->first, to = s->window ? from + s->window : strip;
        for (int64_t j = 0; j < from && j < strip; j++) scores[i * strip + j] = value;
        for (int64_t j = to < 0 ? 0 : to; j < strip; j++) scores[i * strip + j] = value;
    }
}

/* Every probability has a number of its own, so that the backward pass drops the same ones. */
static void drop_probabilities(const queries *s, int64_t key, int64_t rows, REAL *p)
{
    const run *r = s->r;
    if (!s->drop_key) return;
    int64_t strips = (r->length + r->strip - 1) / r->strip;
    int64_t base = ((s->sequence * r->config->heads + s->head) * strips + s->first / r->strip) * r->length;
    for (int64_t i = 0; i < rows; i++)
        drop_row(&r->model->attention_dropout, s->drop_key, base + key + i, r->strip, p + i * r->strip);
}

/* ---- forward ---------------------------------------------------------------------------------------------------- */

/* Far below every score, yet finite: differences of two of them are zero. */
#define UNSEEN ((REAL)-1e30)

typedef struct attending {
    const run *r;
    const kept *k;
    int64_t layer, strips;
    const REAL *d_mixed; /* backward only */
} attending;

typedef struct softening {
    _Alignas(64) REAL packed[NECK__HEAD_MAX * LARGEST_STRIP];
    _Alignas(64) REAL scores[KEYS * LARGEST_STRIP];
    _Alignas(64) REAL mixed[NECK__HEAD_MAX * LARGEST_STRIP]; /* head_size x queries, not yet divided */
    REAL most[LARGEST_STRIP], factor[LARGEST_STRIP];
    double total[LARGEST_STRIP];
} softening;

/* What came before is brought to the new maximum. */
static void raise_maximum(softening *w, int64_t size, int64_t strip, int64_t rows)
{
    REAL before[LARGEST_STRIP];
    memcpy(before, w->most, (size_t)strip * sizeof *before);
    LOOPS->column_max(rows, strip, w->scores, w->most);
    for (int64_t j = 0; j < strip; j++) {
        w->factor[j] = (REAL)exp((double)(before[j] - w->most[j]));
        w->total[j] *= (double)w->factor[j];
    }
    LOOPS->column_scale(size, strip, w->factor, w->mixed);
}

static void attend_block(const queries *s, softening *w, int64_t key, int64_t rows)
{
    const run *r = s->r;
    int64_t size = r->config->head_size, strip = r->strip;
    score(s, w->packed, key, rows, w->scores);
    if (r->config->attention_cap > 0) LOOPS->soft_cap(rows * strip, (REAL)r->config->attention_cap, w->scores);
    mask(s, key, rows, UNSEEN, w->scores);
    raise_maximum(w, size, strip, rows);
    LOOPS->column_exp(rows, strip, w->most, w->scores);
    mask(s, key, rows, 0, w->scores);
    LOOPS->column_sum(rows, strip, w->scores, w->total);
    drop_probabilities(s, key, rows, w->scores);
    OF(neck__tiles)(size, strip, rows, s->values + key * s->stride, 1, s->stride, w->scores, rows * strip, w->mixed,
                    strip, 1);
}

static void attend_task(void *data, int64_t index)
{
    const attending *a = data;
    const run *r = a->r;
    int64_t heads = r->config->heads, strip = r->strip, size = r->config->head_size;
    /* The longest strips first: they end last otherwise, with the other threads idle. */
    int64_t which = a->strips - 1 - index / (r->batch * heads), head = index % heads,
        sequence = index / heads % r->batch;
    queries s = queries_of(r, a->k, a->layer, sequence, head, which);
    softening w;
    pack_columns(&s, s.q, s.stride, s.scale, w.packed);
    memset(w.mixed, 0, (size_t)(size * strip) * sizeof *w.mixed);
    for (int64_t j = 0; j < strip; j++) w.most[j] = UNSEEN, w.total[j] = 0;
    for (int64_t key = s.start; key < s.end; key += KEYS)
        attend_block(&s, &w, key, s.end - key < KEYS ? s.end - key : KEYS);
    int64_t row = sequence * r->length + s.first;
    for (int64_t j = 0; j < s.count; j++) {
        w.factor[j] = (REAL)(1 / w.total[j]);
        a->k->normalizers[(row + j) * heads + head] = w.most[j] + (REAL)log(w.total[j]);
    }
    unpack_columns(&s, w.mixed, w.factor, a->k->mixed + row * r->queries + head * size, r->queries);
}

static void attend(const run *r, const kept *k, int64_t layer)
{
    attending a = {r, k, layer, (r->length + r->strip - 1) / r->strip, NULL};
    neck__parallel(r->context, r->batch * r->config->heads * a.strips, attend_task, &a);
}

/* ---- backward --------------------------------------------------------------------------------------------------- */

typedef struct unsoftening {
    _Alignas(64) REAL queries_down[NECK__HEAD_MAX * LARGEST_STRIP]; /* packed: head_size x queries, scaled */
    _Alignas(64) REAL d_mixed_down[NECK__HEAD_MAX * LARGEST_STRIP];
    _Alignas(64) REAL queries_across[LARGEST_STRIP * WIDEST_HEAD];  /* packed: queries x head_size */
    _Alignas(64) REAL d_mixed_across[LARGEST_STRIP * WIDEST_HEAD];
    _Alignas(64) REAL p[KEYS * LARGEST_STRIP], d_p[KEYS * LARGEST_STRIP], capped[KEYS * LARGEST_STRIP];
    _Alignas(64) REAL d_queries[NECK__HEAD_MAX * LARGEST_STRIP];    /* head_size x queries */
    REAL normalizer[LARGEST_STRIP], mean[LARGEST_STRIP];            /* of a query; sum of p d_p */
} unsoftening;

/* A strip's queries and what is known of them. */
static void take_strip(const queries *s, const attending *a, unsoftening *w)
{
    const run *r = s->r;
    int64_t size = r->config->head_size, strip = r->strip, row = s->sequence * r->length + s->first;
    const REAL *mixed = a->k->mixed + row * r->queries + s->head * size;
    const REAL *d_mixed = a->d_mixed + row * r->queries + s->head * size;
    pack_columns(s, s->q, s->stride, s->scale, w->queries_down);
    pack_columns(s, d_mixed, r->queries, 1, w->d_mixed_down);
    OF(neck__pack)(s->count, size, s->q, s->stride, 1, w->queries_across, strip * strip);
    OF(neck__pack)(s->count, size, d_mixed, r->queries, 1, w->d_mixed_across, strip * strip);
    memset(w->d_queries, 0, (size_t)(size * strip) * sizeof *w->d_queries);
    for (int64_t j = 0; j < strip; j++) {
        double sum = 0;
        for (int64_t k = 0; k < size && j < s->count; k++)
            sum += (double)mixed[j * r->queries + k] * (double)d_mixed[j * r->queries + k];
        w->mean[j] = (REAL)sum;
        w->normalizer[j] = j < s->count ? a->k->normalizers[(row + j) * r->config->heads + s->head] : 0;
    }
}

static void unattend_block(const queries *s, unsoftening *w, int64_t key, int64_t rows, REAL *d_keys, REAL *d_values)
{
    const run *r = s->r;
    int64_t size = r->config->head_size, strip = r->strip;
    REAL cap = (REAL)r->config->attention_cap;
    score(s, w->queries_down, key, rows, w->p);
    if (cap > 0) {
        LOOPS->soft_cap(rows * strip, cap, w->p);
        memcpy(w->capped, w->p, (size_t)(rows * strip) * sizeof *w->p);
    }
    LOOPS->column_exp(rows, strip, w->normalizer, w->p);
    mask(s, key, rows, 0, w->p);
    OF(neck__tiles)(rows, strip, size, s->values + key * s->stride, s->stride, 1, w->d_mixed_down, size * strip, w->d_p,
                    strip, 0);
    drop_probabilities(s, key, rows, w->d_p);
    LOOPS->softmax_gradient(rows, strip, w->p, w->mean, s->scale, w->d_p);
    if (cap > 0) LOOPS->cap_gradient(rows * strip, w->capped, cap, w->d_p);
    drop_probabilities(s, key, rows, w->p);
    OF(neck__tiles)(size, strip, rows, s->keys + key * s->stride, 1, s->stride, w->d_p, rows * strip, w->d_queries,
                    strip, 1);
    OF(neck__tiles)(rows, size, s->count, w->d_p, strip, 1, w->queries_across, strip * strip, d_keys + key * r->qkv,
                    r->qkv, 1);
    OF(neck__tiles)(rows, size, s->count, w->p, strip, 1, w->d_mixed_across, strip * strip, d_values + key * r->qkv,
                    r->qkv, 1);
}

static void clear_columns(const run *r, REAL *head)
{
    for (int64_t i = 0; i < r->length; i++) memset(head + i * r->qkv, 0, (size_t)r->config->head_size * sizeof *head);
}

/* All heads that share a key head, so that sums over them are nobody else's. */
static void unattend_task(void *data, int64_t index)
{
    const attending *a = data;
    const run *r = a->r;
    const neck__config *c = r->config;
    int64_t kv_head = index % c->kv_heads, sequence = index / c->kv_heads, group = c->heads / c->kv_heads;
    int64_t q, k, v;
    REAL *rows = r->d_qkv + sequence * r->length * r->qkv;
    unsoftening w;
    head_columns(r, kv_head * group, kv_head, &q, &k, &v);
    clear_columns(r, rows + k);
    clear_columns(r, rows + v);
    for (int64_t head = kv_head * group; head < (kv_head + 1) * group; head++) {
        head_columns(r, head, kv_head, &q, &k, &v);
        for (int64_t strip = 0; strip < a->strips; strip++) {
            queries s = queries_of(r, a->k, a->layer, sequence, head, strip);
            take_strip(&s, a, &w);
            for (int64_t key = s.start; key < s.end; key += KEYS)
                unattend_block(&s, &w, key, s.end - key < KEYS ? s.end - key : KEYS, rows + k, rows + v);
            unpack_columns(&s, w.d_queries, NULL, rows + s.first * r->qkv + q, r->qkv);
        }
    }
}

/* From r->d_mixed to r->d_qkv, still rotated. */
static void unattend(const run *r, const kept *k, int64_t layer)
{
    attending a = {r, k, layer, (r->length + r->strip - 1) / r->strip, r->d_mixed};
    neck__parallel(r->context, r->batch * r->config->kv_heads, unattend_task, &a);
}

/* ---- rotation --------------------------------------------------------------------------------------------------- */

/* turn: 1 forward, -1 back. */
static void rotate_head(const run *r, int64_t position, REAL turn, REAL *head)
{
    const neck__rope *rope = &r->config->rope;
    int64_t pairs = rope->size / 2;
    int halves = rope->order == NECK__ROTATE_HALVES;
    int64_t apart = halves ? pairs : 1, step = halves ? 1 : 2;
    const REAL *cosines = r->cosines + position * pairs, *sines = r->sines + position * pairs;
    for (int64_t i = 0; i < pairs; i++) {
        REAL *first = head + i * step, *second = first + apart, a = *first, b = *second, s = turn * sines[i];
        *first = a * cosines[i] - b * s;
        *second = b * cosines[i] + a * s;
    }
}

/* Queries and keys of rows [first, first + rows) of an array like qkv. */
static void rotate_rows(const run *r, int64_t first, int64_t rows, REAL turn, REAL *qkv)
{
    const neck__config *c = r->config;
    int64_t group = c->heads / c->kv_heads, q, k, v;
    if (c->positions != NECK__ROTARY) return;
    for (int64_t row = first; row < first + rows; row++)
        for (int64_t head = 0; head < c->heads; head++) {
            head_columns(r, head, head / group, &q, &k, &v);
            rotate_head(r, row % r->length, turn, qkv + row * r->qkv + q);
            if (head % group == 0) rotate_head(r, row % r->length, turn, qkv + row * r->qkv + k);
        }
}
