/* model/train_pass_template.h - whole passes: from tokens to the last hidden states, from their gradient to every
 * parameter's. */
#include <stdatomic.h>

/* What stands outside blocks. */
typedef struct ends {
    const run *r;
    linear project_in, project_out;
    norm final_norm;
    const REAL *embedding, *positions;
    REAL *embedding_gradient, *positions_gradient;
    REAL *d_embedded;     /* R x embedding: of the embedding's rows */
    const REAL *d_states; /* of the last states */
    atomic_int faulty;
} ends;

static linear projection(const run *r, enum neck__module module, int64_t inputs, int64_t outputs)
{
    linear l = {.inputs = inputs, .outputs = outputs, .packed = r->packed_weights};
    find_linear(r, places_of(r, -1)[module], &l);
    return l;
}

static void find_ends(const run *r, ends *e)
{
    const neck__config *c = r->config;
    const neck__place *places = places_of(r, -1);
    e->r = r;
    e->project_in = projection(r, NECK__PROJECT_IN, c->embedding, c->hidden);
    e->project_out = projection(r, NECK__PROJECT_OUT, c->hidden, c->embedding);
    e->final_norm.bias_partial = c->hidden;
    find_norm(r, places[NECK__FINAL_NORM], &e->final_norm);
    e->embedding = data_of(r, places[NECK__EMBEDDING].weight);
    e->positions = data_of(r, places[NECK__POSITIONS].weight);
    e->embedding_gradient = gradient_of(r, places[NECK__EMBEDDING].weight);
    e->positions_gradient = gradient_of(r, places[NECK__POSITIONS].weight);
    atomic_init(&e->faulty, 0);
}

static int64_t position_of(const run *r, int64_t row)
{
    return row % r->length + r->config->position_offset;
}

/* ---- forward ---------------------------------------------------------------------------------------------------- */

static void embed_task(void *data, int64_t index)
{
    const ends *e = data;
    const run *r = e->r;
    const neck__config *c = r->config;
    int64_t first = index * TASK_ROWS, rows = rows_of(r, first), width = c->embedding;
    REAL *rows_out = r->embedded ? r->embedded : r->states, scale = (REAL)c->embedding_scale;
    for (int64_t row = first; row < first + rows; row++)
        for (int64_t i = 0; i < width; i++)
            rows_out[row * width + i] = e->embedding[r->tokens[row] * width + i] * scale;
    if (r->embedded)
        apply_linear(&e->project_in, rows, r->embedded + first * width, r->states + first * c->hidden, c->hidden);
    for (int64_t row = first; e->positions && row < first + rows; row++)
        LOOPS->add(c->hidden, e->positions + position_of(r, row) * c->hidden, r->states + row * c->hidden);
    drop_rows(r, DROP_EMBEDDING, 0, first, rows, r->states);
}

/* Input of the head, or of the projection before it. */
static const REAL *before_projection(const run *r)
{
    return r->last_input ? r->last_input : state_of(r, r->config->layers);
}

static const REAL *last_states(const run *r)
{
    return r->last ? r->last : before_projection(r);
}

static void finish_task(void *data, int64_t index)
{
    ends *e = data;
    const run *r = e->r;
    const neck__config *c = r->config;
    int64_t first = index * TASK_ROWS, rows = rows_of(r, first), width = c->embedding;
    if (r->last_input)
        apply_norm(r, &e->final_norm, &r->final_norm, first, rows, state_of(r, c->layers), r->last_input);
    if (r->last)
        apply_linear(&e->project_out, rows, before_projection(r) + first * c->hidden, r->last + first * width, width);
    double sum, squares;
    LOOPS->moments(rows * width, last_states(r) + first * width, 0, &sum, &squares);
    if (!isfinite(squares)) atomic_store_explicit(&e->faulty, 1, memory_order_relaxed);
}

static void begin(neck_context *context, const neck_trainable *model, run *r)
{
    /* The room was counted when it was reserved: this cannot fail. */
    (void)lay_out(model, model->batch, model->length, model->memory, r);
    r->context = context;
}

neck_status OF(neck__train_forward)(neck_context *context, const neck_trainable *model)
{
    run r;
    ends e = {0};
    begin(context, model, &r);
    find_ends(&r, &e);
    pack_weights(&r, &e.project_in, 1, 0);
    neck__parallel(context, r.blocks, embed_task, &e);
    for (int64_t layer = 0; layer < r.config->layers; layer++) block_forward(&r, layer);
    pack_weights(&r, &e.project_out, 1, 0);
    neck__parallel(context, r.blocks, finish_task, &e);
    return atomic_load(&e.faulty) ? neck__fail(NECK_E_NONFINITE, "a last hidden state is NaN or infinite") : NECK_OK;
}

const REAL *OF(neck__train_states)(const neck_trainable *model, int64_t layer)
{
    run r;
    begin(NULL, model, &r);
    return layer < r.config->layers ? state_of(&r, layer) : last_states(&r);
}

/* ---- backward --------------------------------------------------------------------------------------------------- */

static void finish_back_task(void *data, int64_t index)
{
    const ends *e = data;
    const run *r = e->r;
    const neck__config *c = r->config;
    int64_t first = index * TASK_ROWS, rows = rows_of(r, first), hidden = c->hidden, width = c->embedding;
    REAL *partial = partial_of(r, index);
    memset(partial, 0, (size_t)r->partial_width * sizeof *partial);
    const REAL *d = e->d_states;
    if (r->last) {
        const REAL *d_out = d + first * width;
        apply_transposed(&e->project_out, rows, d_out, width, r->d_input + first * hidden, 0);
        pack_operand(r, QUERY, &e->project_out, first, rows, before_projection(r) + first * hidden, d_out, width);
        d = r->d_input;
    }
    if (r->last_input)
        norm_back(r, &e->final_norm, &r->final_norm, first, rows, state_of(r, c->layers), d, partial, 0, r->d_state);
    else
        copy_rows(r, first, rows, d, r->d_state);
}

static void finish_back(ends *e)
{
    const run *r = e->r;
    products all = {.r = r};
    summing sums = {.r = r};
    pack_weights(r, &e->project_out, 1, 1);
    neck__parallel(r->context, r->blocks, finish_back_task, e);
    add_product(&all, QUERY, &e->project_out, before_projection(r), e->d_states, r->config->embedding);
    run_products(&all);
    add_sum(&sums, e->final_norm.gain_gradient, 0, r->config->hidden);
    add_sum(&sums, e->final_norm.bias_gradient, r->config->hidden, r->config->hidden);
    run_sums(&sums);
}

static void embed_back_task(void *data, int64_t index)
{
    const ends *e = data;
    const run *r = e->r;
    int64_t first = index * TASK_ROWS, rows = rows_of(r, first), hidden = r->config->hidden;
    drop_rows(r, DROP_EMBEDDING, 0, first, rows, r->d_state);
    if (r->embedded)
        pack_operand(r, QUERY, &e->project_in, first, rows, r->embedded + first * r->config->embedding,
                     r->d_state + first * hidden, hidden);
}

/* The input's gradient takes the input's place, which nobody needs any more. */
static void project_in_back_task(void *data, int64_t index)
{
    const ends *e = data;
    const run *r = e->r;
    int64_t first = index * TASK_ROWS, hidden = r->config->hidden;
    apply_transposed(&e->project_in, rows_of(r, first), r->d_state + first * hidden, hidden,
                     r->embedded + first * r->config->embedding, 0);
}

/* Columns of a table that one task adds to: tokens repeat, so rows would meet. */
enum { TABLE_COLUMNS = 64 };

static void scatter_embedding_task(void *data, int64_t index)
{
    const ends *e = data;
    const run *r = e->r;
    int64_t width = r->config->embedding, first = index * TABLE_COLUMNS;
    int64_t end = first + TABLE_COLUMNS < width ? first + TABLE_COLUMNS : width;
    REAL scale = (REAL)r->config->embedding_scale;
    for (int64_t row = 0; row < r->rows; row++) {
        REAL *to = e->embedding_gradient + r->tokens[row] * width;
        for (int64_t i = first; i < end; i++) to[i] += e->d_embedded[row * width + i] * scale;
    }
}

static void scatter_positions_task(void *data, int64_t index)
{
    const ends *e = data;
    const run *r = e->r;
    int64_t width = r->config->hidden, first = index * TABLE_COLUMNS;
    int64_t count = width - first < TABLE_COLUMNS ? width - first : TABLE_COLUMNS;
    for (int64_t row = 0; row < r->rows; row++)
        LOOPS->add(count, r->d_state + row * width + first,
                   e->positions_gradient + position_of(r, row) * width + first);
}

static void embed_back(ends *e)
{
    const run *r = e->r;
    products all = {.r = r};
    neck__parallel(r->context, r->blocks, embed_back_task, e);
    e->d_embedded = r->d_state;
    if (r->embedded) {
        add_product(&all, QUERY, &e->project_in, r->embedded, r->d_state, r->config->hidden);
        run_products(&all);
        pack_weights(r, &e->project_in, 1, 1);
        neck__parallel(r->context, r->blocks, project_in_back_task, e);
        e->d_embedded = r->embedded;
    }
    neck__parallel(r->context, (r->config->embedding + TABLE_COLUMNS - 1) / TABLE_COLUMNS, scatter_embedding_task, e);
    if (e->positions_gradient)
        neck__parallel(r->context, (r->config->hidden + TABLE_COLUMNS - 1) / TABLE_COLUMNS, scatter_positions_task, e);
}

void OF(neck__train_backward)(neck_context *context, const neck_trainable *model, const REAL *d_states)
{
    run r;
    ends e = {.d_states = d_states};
    begin(context, model, &r);
    find_ends(&r, &e);
    finish_back(&e);
    for (int64_t layer = r.config->layers - 1; layer >= 0; layer--) block_backward(&r, layer);
    embed_back(&e);
}
