/* tests/test_model.c - models of every family against transformers, stories260K against an independent evaluator. */
#include <check.h>
#include <math.h>

#include "format_support.h"

static const char *const cases[] = {
    "gpt2", "gpt2_variant", "gpt2_bf16", "neox", "neox_sequential", "neox_f16", "opt", "opt_projected", "opt_unbiased",
    "llama", "llama_biased", "llama3", "mistral", "mistral_f16", "qwen2", "gemma", "gemma2",
    /* as GGUF; the expected values are those of the folder of that name */
    "gpt2.gguf", "neox.gguf", "llama.gguf", "gemma.gguf", "gemma2_gguf.gguf", "qwen2_gguf.gguf",
};
enum { CASES = sizeof cases / sizeof *cases };

static neck_checkpoint *open_checkpoint(const char *name)
{
    char path[PATH_CAPACITY];
    neck_checkpoint *checkpoint = NULL;
    source_path(path, name);
    ck_assert_msg(neck_checkpoint_open(NULL, path, NULL, &checkpoint) == NECK_OK, "%s", neck_last_error());
    return checkpoint;
}

static neck_tensor tensor_of(const neck_checkpoint *checkpoint, const char *name)
{
    int64_t index = 0;
    neck_tensor tensor = {.struct_size = sizeof tensor};
    ck_assert_msg(neck_checkpoint_find(checkpoint, name, &index) == NECK_OK, "%s", neck_last_error());
    ck_assert_int_eq(neck_checkpoint_tensor(checkpoint, index, &tensor), NECK_OK);
    return tensor;
}

static neck_model *open_model_with(const char *name, neck_context *context, int64_t memory_cap)
{
    char path[PATH_CAPACITY];
    neck_model *model = NULL;
    neck_model_options options = {.struct_size = sizeof options, .memory_cap = memory_cap};
    source_path(path, name);
    ck_assert_msg(neck_model_open(context, path, &options, &model) == NECK_OK, "%s", neck_last_error());
    return model;
}

/* A model with what transformers computes with it. */
typedef struct fixture {
    neck_model *model;
    neck_checkpoint *expected;
    const int32_t *ids;
    int64_t batch, length;
} fixture;

static fixture open_fixture(const char *name, neck_context *context, int64_t memory_cap)
{
    char inner[256];
    fixture f;
    snprintf(inner, sizeof inner, "tests/golden/models/%s", name);
    f.model = open_model_with(inner, context, memory_cap);
    snprintf(inner, sizeof inner, "tests/golden/models/%.*s/expected.safetensors", (int)strcspn(name, "."), name);
    f.expected = open_checkpoint(inner);
    neck_tensor ids = tensor_of(f.expected, "ids");
    ck_assert_int_eq(ids.ndim, 2);
    f.ids = ids.data;
    f.batch = ids.shape[0];
    f.length = ids.shape[1];
    return f;
}

static void close_fixture(fixture *f)
{
    neck_model_destroy(f->model);
    neck_checkpoint_destroy(f->expected);
}

/* |got - expected| <= 1e-4 of the largest, whatever the scale of a layer. */
static void assert_close(const float *got, const float *expected, int64_t count, const char *what)
{
    double most = 0, worst = 0;
    for (int64_t i = 0; i < count; i++) {
        most = fmax(most, fabs((double)expected[i]));
        worst = fmax(worst, fabs((double)got[i] - (double)expected[i]));
        ck_assert_msg(isfinite(got[i]), "%s: element %lld is %g", what, (long long)i, (double)got[i]);
    }
    if (getenv("SOFTNECK_TEST_VERBOSE")) printf("%s: worst %.1e of %.3g\n", what, worst, most);
    ck_assert_msg(worst <= 1e-4 * most, "%s: off by %g of %g", what, worst, most);
}

typedef struct seen {
    const fixture *f;
    const char *name;
    int64_t next_layer, next_row;
} seen;

/* Every layer comes once, in order, and equals its golden. */
static int32_t compare_states(void *user, const neck_states *states)
{
    seen *s = user;
    char what[128];
    snprintf(what, sizeof what, "states_%lld", (long long)states->layer);
    neck_tensor expected = tensor_of(s->f->expected, what);
    ck_assert_int_eq(states->struct_size, sizeof *states);
    ck_assert_int_eq(states->layer, s->next_layer);
    ck_assert_int_eq(states->count, neck_model_layers(s->f->model) + 1);
    ck_assert_int_eq(states->first_row, s->next_row);
    ck_assert_int_eq(states->matrix.cols, expected.shape[2]);
    ck_assert_int_eq(states->matrix.dtype, NECK_F32);
    snprintf(what, sizeof what, "%s, layer %lld", s->name, (long long)states->layer);
    assert_close(states->matrix.data, (const float *)expected.data + states->first_row * states->matrix.cols,
                 states->matrix.rows * states->matrix.cols, what);
    s->next_row += states->matrix.rows;
    if (s->next_row == s->f->batch * s->f->length) {
        s->next_row = 0;
        s->next_layer++;
    }
    return 0;
}

static float *logits_of(const fixture *f, neck_context *context)
{
    float *logits = malloc((size_t)(f->batch * f->length * neck_model_vocabulary(f->model)) * sizeof *logits);
    ck_assert_msg(neck_model_logits(context, f->model, f->ids, f->batch, f->length, NULL, logits) == NECK_OK, "%s",
                  neck_last_error());
    return logits;
}

START_TEST(states_and_logits_are_those_of_transformers)
{
    fixture f = open_fixture(cases[_i], NULL, 0);
    seen s = {&f, cases[_i], 0, 0};
    neck_forward_options options = {.struct_size = sizeof options, .states = compare_states, .states_user = &s};
    ck_assert_msg(neck_model_forward(NULL, f.model, f.ids, f.batch, f.length, &options) == NECK_OK, "%s",
                  neck_last_error());
    ck_assert_int_eq(s.next_layer, neck_model_layers(f.model) + 1);
    neck_tensor expected = tensor_of(f.expected, "logits");
    ck_assert_int_eq(expected.shape[2], neck_model_vocabulary(f.model));
    float *logits = logits_of(&f, NULL);
    for (int64_t i = 0; i < f.batch * f.length * neck_model_vocabulary(f.model); i++)
        ck_assert_double_eq_tol((double)logits[i], (double)((const float *)expected.data)[i], 1e-4);
    free(logits);
    close_fixture(&f);
}
END_TEST

/* Cross-entropy from golden logits, in double. */
static double expected_nll(const float *logits, int64_t vocabulary, int32_t target, int32_t *best)
{
    double sum = 0;
    *best = 0;
    for (int64_t i = 0; i < vocabulary; i++) {
        sum += exp((double)logits[i]);
        if (logits[i] > logits[*best]) *best = (int32_t)i;
    }
    return log(sum) - (double)logits[target];
}

START_TEST(loss_is_that_of_the_logits)
{
    fixture f = open_fixture(cases[_i], NULL, 0);
    int64_t rows = f.batch * f.length, vocabulary = neck_model_vocabulary(f.model), scored = 0, correct = 0;
    const float *logits = tensor_of(f.expected, "logits").data;
    double *nll = malloc((size_t)rows * sizeof *nll), sum = 0;
    int32_t *best = malloc((size_t)rows * sizeof *best);
    neck_forward_options options = {.struct_size = sizeof options, .nll = nll, .best = best};
    neck_loss loss = {.struct_size = sizeof loss};
    ck_assert_msg(neck_model_loss(NULL, f.model, f.ids, f.batch, f.length, &options, &loss) == NECK_OK, "%s",
                  neck_last_error());
    for (int64_t row = 0; row < rows; row++) {
        if (row % f.length == f.length - 1) {
            ck_assert_double_eq(nll[row], 0);
            ck_assert_int_eq(best[row], NECK_NO_TARGET);
            continue;
        }
        int32_t expected_best;
        double expected = expected_nll(logits + row * vocabulary, vocabulary, f.ids[row + 1], &expected_best);
        ck_assert_double_eq_tol(nll[row], expected, 1e-4);
        ck_assert_int_eq(best[row], expected_best);
        sum += expected;
        scored++;
        correct += expected_best == f.ids[row + 1];
    }
    ck_assert_int_eq(loss.tokens, scored);
    ck_assert_int_eq(loss.correct, correct);
    ck_assert_double_eq_tol(loss.nll_sum, sum, 1e-4 * (double)scored);
    ck_assert_double_eq_tol(loss.loss, sum / (double)scored, 1e-4);
    free(nll);
    free(best);
    close_fixture(&f);
}
END_TEST

/* Bits do not depend on threads, nor on whether weights stay in memory. */
START_TEST(threads_and_memory_change_nothing)
{
    neck_context_options alone = {.struct_size = sizeof alone, .threads = 1}, many = alone;
    many.threads = 3;
    neck_context *one = NULL, *three = NULL;
    ck_assert_int_eq(neck_context_create(&alone, &one), NECK_OK);
    ck_assert_int_eq(neck_context_create(&many, &three), NECK_OK);
    fixture f = open_fixture(cases[_i], one, 0), g = open_fixture(cases[_i], three, 1),
            h = open_fixture(cases[_i], one, 9000);
    size_t bytes = (size_t)(f.batch * f.length * neck_model_vocabulary(f.model)) * sizeof(float);
    float *a = logits_of(&f, one), *b = logits_of(&g, three), *c = logits_of(&h, one);
    ck_assert_mem_eq(a, b, bytes);
    ck_assert_mem_eq(a, c, bytes);
    free(a);
    free(b);
    free(c);
    close_fixture(&f);
    close_fixture(&g);
    close_fixture(&h);
    neck_context_destroy(one);
    neck_context_destroy(three);
}
END_TEST

typedef struct counted {
    int64_t rows[16];
} counted;

static int32_t count_rows(void *user, const neck_states *states)
{
    ((counted *)user)->rows[states->layer] += states->matrix.rows;
    return 0;
}

/* A sequence with padding behind it gives what it gives alone, whatever the padding is. */
START_TEST(padding_is_not_seen)
{
    enum { LENGTH = 19 };
    fixture f = open_fixture(cases[_i], NULL, 0);
    int32_t ids[2 * LENGTH], best[2 * LENGTH];
    int64_t lengths[2] = {LENGTH, 7};
    double nll[2 * LENGTH], alone[LENGTH];
    counted rows = {{0}};
    for (int i = 0; i < 2 * LENGTH; i++) ids[i] = i < LENGTH + 7 ? f.ids[i % LENGTH] : -5;
    neck_loss loss = {.struct_size = sizeof loss}, short_loss = loss;
    neck_forward_options options = {sizeof options, count_rows, &rows, lengths, NULL, nll, best};
    ck_assert_msg(neck_model_loss(NULL, f.model, ids, 2, LENGTH, &options, &loss) == NECK_OK, "%s", neck_last_error());
    neck_forward_options single = {.struct_size = sizeof single, .nll = alone};
    ck_assert_int_eq(neck_model_loss(NULL, f.model, ids + LENGTH, 1, 7, &single, &short_loss), NECK_OK);
    ck_assert_int_eq(loss.tokens, LENGTH - 1 + 6);
    ck_assert_int_eq(short_loss.tokens, 6);
    for (int i = 0; i < 7; i++) ck_assert_double_eq_tol(nll[LENGTH + i], alone[i], 1e-6);
    for (int i = 6; i < LENGTH; i++) ck_assert_int_eq(best[LENGTH + i], NECK_NO_TARGET);
    for (int64_t layer = 0; layer <= neck_model_layers(f.model); layer++)
        ck_assert_int_eq(rows.rows[layer], LENGTH + 7);
    close_fixture(&f);
}
END_TEST

/* Targets of one's own: only the positions that have one are scored. */
START_TEST(targets_choose_what_is_scored)
{
    fixture f = open_fixture("llama", NULL, 0);
    int64_t rows = f.batch * f.length;
    int32_t *targets = malloc((size_t)rows * sizeof *targets);
    double *nll = malloc((size_t)rows * sizeof *nll);
    for (int64_t i = 0; i < rows; i++) targets[i] = NECK_NO_TARGET;
    targets[3] = 5;
    targets[rows - 1] = 60;
    neck_forward_options options = {.struct_size = sizeof options, .targets = targets, .nll = nll};
    neck_loss loss = {.struct_size = sizeof loss};
    ck_assert_int_eq(neck_model_loss(NULL, f.model, f.ids, f.batch, f.length, &options, &loss), NECK_OK);
    int32_t best;
    const float *logits = tensor_of(f.expected, "logits").data;
    double first = expected_nll(logits + 3 * 61, 61, 5, &best),
           last = expected_nll(logits + (rows - 1) * 61, 61, 60, &best);
    ck_assert_int_eq(loss.tokens, 2);
    ck_assert_double_eq_tol(nll[3], first, 1e-4);
    ck_assert_double_eq_tol(nll[rows - 1], last, 1e-4);
    ck_assert_double_eq_tol(loss.loss, (first + last) / 2, 1e-4);
    ck_assert_double_eq(nll[4], 0);
    free(targets);
    free(nll);
    close_fixture(&f);
}
END_TEST

START_TEST(stories260K_is_as_probable_as_the_reference_says)
{
    neck_checkpoint *expected = open_checkpoint("tests/golden/models/stories260K.safetensors");
    neck_model *model = open_model_with("examples/data/stories260K/stories260K.bin", NULL, 0);
    char name[32];
    snprintf(name, sizeof name, "tokens_%d", _i);
    neck_tensor tokens = tensor_of(expected, name);
    snprintf(name, sizeof name, "targets_%d", _i);
    neck_tensor targets = tensor_of(expected, name);
    snprintf(name, sizeof name, "nll_%d", _i);
    const double *reference = tensor_of(expected, name).data;
    int64_t length = tokens.shape[0];
    double *nll = malloc((size_t)length * sizeof *nll);
    neck_forward_options options = {.struct_size = sizeof options, .targets = targets.data, .nll = nll};
    neck_loss loss = {.struct_size = sizeof loss};
    ck_assert_msg(neck_model_loss(NULL, model, tokens.data, 1, length, &options, &loss) == NECK_OK, "%s",
                  neck_last_error());
    ck_assert_int_eq(loss.tokens, length);
    for (int64_t i = 0; i < length; i++) ck_assert_double_eq_tol(nll[i], reference[i], 1e-4);
    free(nll);
    neck_model_destroy(model);
    neck_checkpoint_destroy(expected);
}
END_TEST

START_TEST(a_model_says_what_it_is)
{
    neck_model *model = open_model_with("examples/data/stories260K/stories260K.bin", NULL, 0);
    neck_matrix head;
    int32_t tied = 0;
    ck_assert_str_eq(neck_model_family(model), "llama2.c");
    ck_assert_int_eq(neck_model_layers(model), 5);
    ck_assert_int_eq(neck_model_hidden_size(model), 64);
    ck_assert_int_eq(neck_model_head_size(model), 64);
    ck_assert_int_eq(neck_model_vocabulary(model), 512);
    ck_assert_int_eq(neck_model_context_length(model), 512);
    /* embedding, final norm, and a block: two norms, q and o, k and v, three of the MLP */
    ck_assert_int_eq(neck_model_parameters(model),
                     512 * 64 + 64 + 5 * (2 * 64 + 2 * 64 * 64 + 2 * 32 * 64 + 3 * 172 * 64));
    ck_assert_int_eq(neck_model_head(model, &head, &tied), NECK_OK);
    ck_assert_int_eq(tied, 1);
    ck_assert_int_eq(head.rows, 512);
    ck_assert_int_eq(head.cols, 64);
    neck_model_destroy(model);
    neck_model_destroy(NULL);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("model");
    tcase_add_loop_test(tcase, states_and_logits_are_those_of_transformers, 0, CASES);
    tcase_add_loop_test(tcase, loss_is_that_of_the_logits, 0, CASES);
    tcase_add_loop_test(tcase, threads_and_memory_change_nothing, 0, CASES);
    tcase_add_loop_test(tcase, padding_is_not_seen, 0, CASES);
    tcase_add_test(tcase, targets_choose_what_is_scored);
    tcase_add_loop_test(tcase, stories260K_is_as_probable_as_the_reference_says, 0, 3);
    tcase_add_test(tcase, a_model_says_what_it_is);
    return run_suite("model", tcase);
}
