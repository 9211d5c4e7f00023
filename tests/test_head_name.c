/* tests/test_head_name.c - finding the LM head among names that model families really use. */
#include "archive_support.h"

static char folder[PATH_CAPACITY], path[PATH_CAPACITY];

static void setup(void)
{
    scratch_make(folder);
    scratch_file(path, folder, "model.safetensors");
}

static void teardown(void) { tree_remove(folder); }

enum { NONE_FOUND = -1, UNTIED = 0, TIED = 1 };

/* Tensors by name; those whose name begins with '=' hold the same bytes as the one before. */
static const struct {
    const char *family, *head; /* NULL: none, and then the message's fragment */
    int tied;
    const char *config; /* NULL: no config.json */
    const char *names[6];
    const char *fragment;
} cases[] = {
    {"GPT-2", "wte.weight", TIED, NULL, {"h.0.attn.c_attn.weight", "wpe.weight", "wte.weight"}, NULL},
    {"GPT-2 with wrapper", "transformer.wte.weight", TIED, "{}", {"transformer.wpe.weight", "transformer.wte.weight"},
     NULL},
    {"Pythia", "embed_out.weight", UNTIED, "{\"tie_word_embeddings\": false}",
     {"gpt_neox.embed_in.weight", "gpt_neox.layers.0.attention.dense.weight", "embed_out.weight"}, NULL},
    {"Llama", "lm_head.weight", UNTIED, "{\"tie_word_embeddings\": false}",
     {"lm_head.weight", "model.embed_tokens.weight", "model.layers.0.self_attn.q_proj.weight"}, NULL},
    {"Qwen, Gemma: tied", "model.embed_tokens.weight", TIED, "{\"tie_word_embeddings\": true}",
     {"model.embed_tokens.weight", "model.layers.0.mlp.up_proj.weight"}, NULL},
    {"multimodal", "language_model.model.embed_tokens.weight", TIED, "{\"text_config\":{\"tie_word_embeddings\":true}}",
     {"vision_tower.patch.weight", "language_model.model.embed_tokens.weight"}, NULL},
    {"OPT", "model.decoder.embed_tokens.weight", TIED, NULL,
     {"model.decoder.embed_positions.weight", "model.decoder.embed_tokens.weight"}, NULL},
    {"BLOOM", "word_embeddings.weight", TIED, NULL, {"word_embeddings.weight", "h.0.mlp.dense_h_to_4h.weight"}, NULL},
    {"llama2.c untied", "output.weight", UNTIED, NULL,
     {"tok_embeddings.weight", "layers.0.attention.wq.weight", "output.weight"}, NULL},
    {"numbered output layers are none", "tok_embeddings.weight", TIED, NULL,
     {"layers.0.attention.output.weight", "layers.1.attention.output.weight", "tok_embeddings.weight"}, NULL},
    {"head tied by bytes and config", "model.embed_tokens.weight", TIED, "{\"tie_word_embeddings\": true}",
     {"model.embed_tokens.weight", "=lm_head.weight", "x.weight"}, NULL},
    {"equal bytes alone do not tie", "lm_head.weight", UNTIED, NULL,
     {"model.embed_tokens.weight", "=lm_head.weight", "x.weight"}, NULL},
    {"config ties, bytes differ", "lm_head.weight", UNTIED, "{\"tie_word_embeddings\": true}",
     {"model.embed_tokens.weight", "lm_head.weight"}, NULL},
    {"averages and optimizer are copies", "model.tok_emb.weight", TIED, NULL,
     {"ema.tok_emb.weight", "optimizer.tok_emb.weight", "model.tok_emb.weight", "model_ema.tok_emb.weight"}, NULL},
    {"a copy's head is not the model's", "model.tok_emb.weight", TIED, NULL,
     {"model.tok_emb.weight", "ema.lm_head.weight", "ema.tok_emb.weight"}, NULL},
    {"a copy is better than nothing", "ema.tok_emb.weight", TIED, NULL, {"ema.tok_emb.weight", "x.weight"}, NULL},
    {"schema is not ema", "schema.wte.weight", TIED, NULL, {"schema.wte.weight", "x.weight"}, NULL},
    {"fewer wrappers win", "lm_head.weight", UNTIED, NULL, {"draft.lm_head.weight", "lm_head.weight"}, NULL},
    {"a lone matrix", "whatever", UNTIED, NULL, {"whatever"}, NULL},
    {"part of a word is no name", NULL, NONE_FOUND, NULL, {"my_lm_head.weight", "x.weight"},
     "no tensor has the name of an LM head; name one of its matrices: my_lm_head.weight (4 x 2), x.weight (4 x 2)"},
    {"two equally good", NULL, NONE_FOUND, NULL, {"encoder.embed_tokens.weight", "decoder.embed_tokens.weight"},
     "two tensors could be the LM head: 'encoder.embed_tokens.weight' and 'decoder.embed_tokens.weight'"},
    {"two equally good, of one content", "encoder.embed_tokens.weight", TIED, NULL,
     {"encoder.embed_tokens.weight", "=decoder.embed_tokens.weight"}, NULL},
    {"said to be untied, but headless", NULL, NONE_FOUND, "{\"tie_word_embeddings\": false}",
     {"embed_tokens.weight", "x.weight"}, "config.json says that head and embedding differ"},
};

static void write_case(int i)
{
    made_tensor made[6];
    int64_t count = 0;
    for (; count < 6 && cases[i].names[count]; count++) {
        const char *name = cases[i].names[count];
        const int same = name[0] == '=';
        made[count] = (made_tensor){name + same, 4, 2, same ? made[count - 1].seed : 100.0f * (float)count};
    }
    write_tensors(folder, "model.safetensors", made, count);
    if (cases[i].config) write_text(folder, "config.json", cases[i].config);
}

START_TEST(heads_are_found_by_family)
{
    write_case(_i);
    neck_checkpoint *checkpoint = open_good(folder);
    int64_t index = -7;
    int32_t tied = -7;
    neck_status status = neck_checkpoint_head(checkpoint, &index, &tied);
    if (cases[_i].head) {
        ck_assert_msg(status == NECK_OK, "%s: %s", cases[_i].family, neck_last_error());
        neck_tensor tensor = {.struct_size = sizeof tensor};
        ck_assert_int_eq(neck_checkpoint_tensor(checkpoint, index, &tensor), NECK_OK);
        ck_assert_str_eq(tensor.name, cases[_i].head);
        ck_assert_int_eq(tied, cases[_i].tied);
        ck_assert_int_eq(neck_checkpoint_head(checkpoint, &index, NULL), NECK_OK);
    } else {
        assert_fails(status, NECK_E_NOT_FOUND, cases[_i].fragment, cases[_i].family);
        ck_assert_int_eq(index, -7);
        ck_assert_int_eq(tied, -7);
    }
    neck_checkpoint_destroy(checkpoint);
}
END_TEST

/* Vectors, integers and stacks of matrices are no heads, whatever they are called. */
START_TEST(only_floating_matrices_are_heads)
{
    static const float values[8] = {0};
    const neck_tensor tensors[] = {
        {sizeof(neck_tensor), "lm_head.weight", NECK_I32, 2, {4, 2}, 32, values},
        {sizeof(neck_tensor), "output.weight", NECK_F32, 1, {8}, 32, values},
        {sizeof(neck_tensor), "embed_out.weight", NECK_F32, 3, {2, 2, 2}, 32, values},
        {sizeof(neck_tensor), "wte.weight", NECK_F16, 2, {4, 2}, 16, values},
    };
    ck_assert_int_eq(neck_safetensors_write(NULL, path, tensors, 4, NULL, NULL, 0), NECK_OK);
    neck_checkpoint *checkpoint = open_good(path);
    int64_t index = -1;
    ck_assert_int_eq(neck_checkpoint_head(checkpoint, &index, NULL), NECK_OK);
    ck_assert_int_eq(index, index_of(checkpoint, "wte.weight"));
    neck_checkpoint_destroy(checkpoint);
}
END_TEST

START_TEST(many_matrices_are_not_all_listed)
{
    made_tensor made[12];
    char names[12][80];
    for (int i = 0; i < 12; i++) {
        snprintf(names[i], sizeof names[i], "%02d_%060d", i, i);
        made[i] = (made_tensor){names[i], 2, 2, (float)i};
    }
    write_tensors(folder, "model.safetensors", made, 12);
    neck_checkpoint *checkpoint = open_good(path);
    int64_t index = -1;
    assert_fails(neck_checkpoint_head(checkpoint, &index, NULL), NECK_E_NOT_FOUND, ", and 4 more", "many");
    neck_checkpoint_destroy(checkpoint);
}
END_TEST

START_TEST(wrong_arguments_are_refused)
{
    int64_t index;
    ck_assert_int_eq(neck_checkpoint_head(NULL, &index, NULL), NECK_E_ARGUMENT);
    write_tensors(folder, "model.safetensors", &(made_tensor){"a", 2, 2, 0}, 1);
    neck_checkpoint *checkpoint = open_good(path);
    ck_assert_int_eq(neck_checkpoint_head(checkpoint, NULL, NULL), NECK_E_ARGUMENT);
    neck_checkpoint_destroy(checkpoint);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("head_name");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, heads_are_found_by_family, 0, sizeof cases / sizeof *cases);
    tcase_add_test(tcase, only_floating_matrices_are_heads);
    tcase_add_test(tcase, many_matrices_are_not_all_listed);
    tcase_add_test(tcase, wrong_arguments_are_refused);
    return run_suite("head_name", tcase);
}
