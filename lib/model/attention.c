/* model/attention.c - causal attention in blocks: a block of queries meets one block of keys after another and
 * keeps a running maximum and sum, so that no row of scores is ever whole (Milakov & Gimelshein 2018; Dao et al.
 * 2022). Products are made by the packed single-precision tiles. */
#include <math.h>
#include <string.h>

#include "core/parallel.h"
#include "model/layers.h"

/* Queries of a block (a multiple of every tile's rows) and, about, its keys. */
enum { QUERIES = 32, KEYS = 192 };

/* Room for the last strip's padding. */
enum { WIDEST = NECK__HEAD_MAX + NECK__LARGEST_STRIP_F32 };

typedef struct job {
    const neck__attention *a;
    const neck__kernels *kernels;
    int64_t size, strip;
    int64_t key_strips, value_strips; /* of one sequence's head */
    int64_t query_blocks;
    int64_t keys_room, values_room;   /* floats of one sequence's head */
} job;

static job job_of(const neck__attention *a, const neck__config *config, int64_t length)
{
    job j = {.a = a, .kernels = neck__kernels_get(), .size = config->head_size};
    j.strip = j.kernels->strip_f32;
    j.key_strips = (length + j.strip - 1) / j.strip;
    j.value_strips = (j.size + j.strip - 1) / j.strip;
    j.query_blocks = (length + QUERIES - 1) / QUERIES;
    /* Each head's keys and values start at a multiple of 64 bytes. */
    j.keys_room = (j.key_strips * j.strip * j.size + 15) / 16 * 16;
    j.values_room = (j.value_strips * j.strip * length + 15) / 16 * 16;
    return j;
}

int64_t neck__attention_room(const neck__config *config, int64_t batch, int64_t length)
{
    const job j = job_of(NULL, config, length);
    return batch * config->kv_heads * (j.keys_room + j.values_room);
}

static float *packed_keys(const job *j, int64_t sequence, int64_t kv_head)
{
    return j->a->packed + (sequence * j->a->config->kv_heads + kv_head) * (j->keys_room + j->values_room);
}

static const float *head_at(const neck__heads *heads, int64_t row, int64_t head)
{
    return heads->data + row * heads->row_stride + head * heads->head_stride;
}

static void pack_key(const job *j, const float *key, float *to)
{
    for (int64_t k = 0; k < j->size; k++) to[k * j->strip] = key[k];
}

static void pack_value(const job *j, const float *value, int64_t position, float *to)
{
    for (int64_t s = 0; s < j->value_strips; s++) {
        int64_t first = s * j->strip, count = j->size - first < j->strip ? j->size - first : j->strip;
        memcpy(to + (s * j->a->length + position) * j->strip, value + first, (size_t)count * sizeof *to);
    }
}

/* Keys of one sequence's head, rotated, as strips of columns; values as strips of rows. What pads them is zero. */
static void pack_task(void *data, int64_t index)
{
    const job *j = data;
    const neck__attention *a = j->a;
    int64_t sequence = index / a->config->kv_heads, head = index % a->config->kv_heads;
    float *keys = packed_keys(j, sequence, head), *values = keys + j->keys_room, key[NECK__HEAD_MAX];
    memset(keys, 0, (size_t)(j->keys_room + j->values_room) * sizeof *keys);
    for (int64_t position = 0; position < a->length; position++) {
        int64_t row = sequence * a->length + position;
        memcpy(key, head_at(&a->keys, row, head), (size_t)j->size * sizeof *key);
        if (a->rotation->size) neck__rotate(a->rotation, position, key);
        pack_key(j, key, keys + position / j->strip * j->strip * j->size + position % j->strip);
        pack_value(j, head_at(&a->values, row, head), position, values);
    }
}

/* One block of queries on its way over the keys. */
typedef struct block {
    const job *j;
    int64_t first, count;        /* queries */
    const float *keys, *values;  /* packed */
    int64_t window;              /* keys a query sees; 0: all before it */
    float queries[QUERIES * NECK__HEAD_MAX];
    float scores[QUERIES * (KEYS + NECK__LARGEST_STRIP_F32)];
    float sums[QUERIES * WIDEST]; /* of probability * value, not yet divided */
    float most[QUERIES];
    double total[QUERIES];
} block;

static void take_queries(block *b, int64_t sequence, int64_t head)
{
    const neck__attention *a = b->j->a;
    float scale = (float)(a->config->attention_scale / (a->config->divide_by_layer ? (double)(a->layer + 1) : 1.0));
    memset(b->queries, 0, sizeof b->queries);
    for (int64_t i = 0; i < b->count; i++) {
        float *query = b->queries + i * b->j->size;
        memcpy(query, head_at(&a->queries, sequence * a->length + b->first + i, head),
               (size_t)b->j->size * sizeof *query);
        if (a->rotation->size) neck__rotate(a->rotation, b->first + i, query);
        for (int64_t k = 0; k < b->j->size; k++) query[k] *= scale;
    }
}

/* Rows of a tile that hold no query are computed too and never read. */
static void score(block *b, int64_t first_key, int64_t strips)
{
    const neck__kernels *kernels = b->j->kernels;
    int64_t width = b->j->strip, size = b->j->size, stride = strips * width;
    for (int64_t s = 0; s < strips; s++)
        for (int64_t row = 0; row < b->count; row += kernels->group_f32)
            kernels->tile_f32(size, b->queries + row * size, size, 1, b->keys + (first_key + s * width) * size,
                              b->scores + row * stride + s * width, stride, 0);
}

/* Scores of one query become probabilities times exp(most): outside first..last they are zero. */
static void soften(block *b, int64_t i, int64_t first_key, int64_t width, int64_t stride)
{
    const neck__kernels *kernels = b->j->kernels;
    float *scores = b->scores + i * stride;
    int64_t last = b->first + i + 1 - first_key, first = b->window ? last - b->window : 0;
    if (last > width) last = width;
    if (first < 0) first = 0;
    if (first >= last) {
        memset(scores, 0, (size_t)width * sizeof *scores);
        return;
    }
    double cap = b->j->a->config->attention_cap;
    if (cap > 0) kernels->soft_cap_f32(last - first, (float)cap, scores + first);
    float most = kernels->max_f32(last - first, scores + first);
    if (most > b->most[i]) {
        float shrink = expf(b->most[i] - most);
        float *sums = b->sums + i * WIDEST;
        for (int64_t k = 0; k < b->j->size; k++) sums[k] *= shrink;
        b->total[i] *= (double)shrink;
        b->most[i] = most;
    }
    memset(scores, 0, (size_t)first * sizeof *scores);
    memset(scores + last, 0, (size_t)(width - last) * sizeof *scores);
    b->total[i] += kernels->exp_sum_f32(last - first, b->most[i], scores + first);
}

static void add_values(block *b, int64_t first_key, int64_t depth, int64_t stride)
{
    const neck__kernels *kernels = b->j->kernels;
    for (int64_t s = 0; s < b->j->value_strips; s++)
        for (int64_t row = 0; row < b->count; row += kernels->group_f32)
            kernels->tile_f32(depth, b->scores + row * stride, stride, 1,
                              b->values + (s * b->j->a->length + first_key) * b->j->strip,
                              b->sums + row * WIDEST + s * b->j->strip, WIDEST, 1);
}

static void give_result(const block *b, int64_t sequence, int64_t head)
{
    const neck__attention *a = b->j->a;
    int64_t width = a->config->heads * b->j->size;
    for (int64_t i = 0; i < b->count; i++) {
        float *out = a->out + (sequence * a->length + b->first + i) * width + head * b->j->size;
        float scale = (float)(1 / b->total[i]);
        for (int64_t k = 0; k < b->j->size; k++) out[k] = b->sums[i * WIDEST + k] * scale;
    }
}

static void attend_task(void *data, int64_t index)
{
    const job *j = data;
    const neck__attention *a = j->a;
    const neck__config *config = a->config;
    int64_t head = index / j->query_blocks % config->heads, sequence = index / j->query_blocks / config->heads;
    block b;
    b.j = j;
    /* The longest blocks first: they end last otherwise, with the other threads idle. */
    b.first = (j->query_blocks - 1 - index % j->query_blocks) * QUERIES;
    b.count = a->length - b.first < QUERIES ? a->length - b.first : QUERIES;
    b.keys = packed_keys(j, sequence, head / (config->heads / config->kv_heads));
    b.values = b.keys + j->keys_room;
    b.window = config->sliding[a->layer] ? config->window : 0;
    memset(b.sums, 0, sizeof b.sums);
    for (int i = 0; i < QUERIES; i++) b.most[i] = -INFINITY, b.total[i] = 0;
    take_queries(&b, sequence, head);
    int64_t step = KEYS / j->strip * j->strip, end = b.first + b.count;
    int64_t start = b.window && b.first >= b.window ? (b.first + 1 - b.window) / j->strip * j->strip : 0;
    for (int64_t key = start; key < end; key += step) {
        int64_t depth = end - key < step ? end - key : step, strips = (depth + j->strip - 1) / j->strip;
        score(&b, key, strips);
        for (int64_t i = 0; i < b.count; i++) soften(&b, i, key, depth, strips * j->strip);
        add_values(&b, key, depth, strips * j->strip);
    }
    give_result(&b, sequence, head);
}

void neck__attend(neck_context *context, const neck__attention *attention)
{
    const neck__config *config = attention->config;
    const job j = job_of(attention, config, attention->length);
    neck__parallel(context, attention->batch * config->kv_heads, pack_task, (void *)&j);
    neck__parallel(context, attention->batch * config->heads * j.query_blocks, attend_task, (void *)&j);
}
