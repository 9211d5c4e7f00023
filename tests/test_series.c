/* tests/test_series.c - which checkpoints a path stands for, and in which order. */
#include "archive_support.h"

#include "format/step_number.h"

static char folder[PATH_CAPACITY];

static void setup(void) { scratch_make(folder); }
static void teardown(void) { tree_remove(folder); }

/* ---- steps in names ---- */

static const struct {
    const char *path;
    int64_t step;
} steps[] = {
    {"step_2000.pt", 2000},
    {"runs/checkpoint-1000", 1000},
    {"runs/checkpoint-1000/", 1000},
    {"step143000", 143000},
    {"iter_000123", 123},
    {"iter_000123.safetensors", 123},
    {"global_step40", 40},
    {"epoch=3-step=1000.ckpt", 1000},
    {"step=1000-epoch=3.ckpt", 1000},
    {"epoch_7.pt", 7},
    {"000123.pt", 123},
    {"model-1000.safetensors", 1000},
    {"ckpt.5.pt", 5},
    {"Step-12_loss-0.25.pt", 12},
    {"hybridstories_step02000_2048x32.npy", 2000},
    {"stage1-step1000-tokens4B", 1000},
    {"step0.pt", 0},
    {"step_999999999999999999.pt", 999999999999999999},
    {"step_9999999999999999999.pt", -1},
    {"best.pt", -1},
    {"round_1_final.pt", -1},
    {"stories260K.bin", -1},
    {"pythia-70m", -1},
    {"gpt2", -1},
    {"v0.1", -1},
    {"pytorch_model-00001-of-00002.bin", -1},
    {"model-00002-of-00002.safetensors", -1},
    {"step_500/model.safetensors", -1},
    {"2048x32.npy", -1},
    {"", -1},
    {"/", -1},
    {".pt", -1},
};

START_TEST(steps_are_read_from_names)
{
    ck_assert_msg(neck__step_number(steps[_i].path) == steps[_i].step, "%s: %lld", steps[_i].path,
                  (long long)neck__step_number(steps[_i].path));
}
END_TEST

/* ---- series ---- */

static neck_series *open_series(const char *path)
{
    neck_series *series = NULL;
    ck_assert_msg(neck_series_open(NULL, path, &series) == NECK_OK, "%s", neck_last_error());
    return series;
}

/* The entries are these names in the folder, in this order. */
static void assert_entries(const neck_series *series, const char *const *names, int64_t count)
{
    ck_assert_int_eq(neck_series_count(series), count);
    for (int64_t i = 0; i < count; i++) {
        char path[PATH_CAPACITY];
        scratch_file(path, folder, names[i]);
        ck_assert_str_eq(neck_series_path(series, i), path);
        ck_assert_int_eq(neck_series_step(series, i), neck__step_number(names[i]));
    }
}

static void write_model(const char *parent, const char *name)
{
    write_tensors(parent, name, &(made_tensor){"lm_head.weight", 4, 2, 0}, 1);
}

START_TEST(files_come_in_order_of_step)
{
    static const char *const expected[] = {"step_900.safetensors", "step_2000.safetensors", "step_10000.safetensors",
                                           "best.safetensors", "last"};
    for (int i = 0; i < 5; i++) write_model(folder, expected[i]);
    write_text(folder, "README.md", "# not a checkpoint");
    write_text(folder, "config.yaml", "model: x");
    write_text(folder, "tokenizer.json", "{\"model\": {\"vocab\": {}}}");
    write_text(folder, "training_args.bin", "neither");
    write_text(folder, "empty", "");
    write_text(folder, ".step_1.pt", "hidden");
    neck_series *series = open_series(folder);
    assert_entries(series, expected, 5);
    neck_series_destroy(series);
}
END_TEST

START_TEST(folders_of_models_are_entries)
{
    static const char *const expected[] = {"step1", "step9", "step10", "step11"};
    char inner[PATH_CAPACITY];
    make_folder(inner, folder, "step10");
    write_model(inner, "model.safetensors");
    write_text(inner, "optimizer.pt", "ignored beside a model");
    make_folder(inner, folder, "step9");
    write_text(inner, "model.safetensors.index.json", "{}");
    make_folder(inner, folder, "step1");
    write_text(inner, "pytorch_model.bin", "damaged, but a model by its name");
    make_folder(inner, folder, "step11");
    write_model(inner, "the_only_one");
    write_text(inner, "notes.txt", "");
    make_folder(inner, folder, "logs");
    write_text(inner, "loss.csv", "1,2");
    make_folder(inner, folder, "step12_several");
    write_model(inner, "a");
    write_model(inner, "b");
    make_folder(inner, folder, "empty");
    neck_series *series = open_series(folder);
    assert_entries(series, expected, 4);
    neck_series_destroy(series);
}
END_TEST

START_TEST(damaged_checkpoints_are_not_passed_over)
{
    static const char *const expected[] = {"step_1.pt", "step_2.npy"};
    write_text(folder, "step_1.pt", "");
    write_text(folder, "step_2.npy", "no array");
    neck_series *series = open_series(folder);
    assert_entries(series, expected, 2);
    neck_checkpoint *checkpoint = NULL;
    assert_fails(neck_checkpoint_open(NULL, neck_series_path(series, 1), NULL, &checkpoint), NECK_E_FORMAT,
                 "step_2.npy", "damaged");
    neck_series_destroy(series);
}
END_TEST

START_TEST(one_file_or_model_is_a_series_of_one)
{
    char path[PATH_CAPACITY];
    write_model(folder, "model.safetensors");
    write_model(folder, "step_7.safetensors");
    scratch_file(path, folder, "step_7.safetensors");
    neck_series *series = open_series(path);
    ck_assert_int_eq(neck_series_count(series), 1);
    ck_assert_str_eq(neck_series_path(series, 0), path);
    ck_assert_int_eq(neck_series_step(series, 0), 7);
    neck_series_destroy(series);
    series = open_series(folder); /* a model folder: its other files belong to it */
    ck_assert_int_eq(neck_series_count(series), 1);
    ck_assert_str_eq(neck_series_path(series, 0), folder);
    ck_assert_ptr_null(neck_series_path(series, 1));
    ck_assert_ptr_null(neck_series_path(series, -1));
    ck_assert_int_eq(neck_series_step(series, 1), -1);
    neck_series_destroy(series);
}
END_TEST

START_TEST(a_slash_at_the_end_changes_nothing)
{
    static const char *const expected[] = {"step_3.safetensors"};
    char path[PATH_CAPACITY];
    write_model(folder, expected[0]);
    scratch_file(path, folder, "/");
    neck_series *series = open_series(path);
    assert_entries(series, expected, 1);
    neck_series_destroy(series);
}
END_TEST

/* A repository in the cache of Hugging Face's hub: each ref holds the name of a snapshot, whose files are links. */
static void write_revision(const char *ref, const char *commit, int with_files)
{
    char path[PATH_CAPACITY], inner[PATH_CAPACITY];
    scratch_file(path, folder, "refs");
    write_text(path, ref, commit);
    scratch_file(path, folder, "snapshots");
    if (!with_files) return;
    make_folder(inner, path, commit);
    scratch_file(path, inner, "model.safetensors");
    ck_assert_int_eq(symlink("../../blobs/e3b0c442", path), 0);
}

static void make_repository(void)
{
    char path[PATH_CAPACITY];
    make_folder(path, folder, "refs");
    make_folder(path, folder, "snapshots");
    make_folder(path, folder, "blobs");
    write_model(path, "e3b0c442");
    write_revision("step9", "aaa", 1);
    write_revision("step10", "bbb", 1);
}

START_TEST(revisions_of_a_hub_are_entries)
{
    static const char *const snapshots[] = {"snapshots/aaa", "snapshots/bbb", "snapshots/ccc"};
    static const int64_t expected[] = {9, 10, 143000};
    char path[PATH_CAPACITY];
    make_repository();
    write_revision("main", "ccc", 1);
    scratch_file(path, folder, "refs");
    write_text(path, "step143000", "ccc\n"); /* the same files as main */
    write_revision("step20", "never_downloaded", 0);
    write_revision("step30", "../snapshots/aaa", 0);
    neck_series *series = open_series(folder);
    ck_assert_int_eq(neck_series_count(series), 3);
    for (int64_t i = 0; i < 3; i++) {
        scratch_file(path, folder, snapshots[i]);
        ck_assert_str_eq(neck_series_path(series, i), path);
        ck_assert_int_eq(neck_series_step(series, i), expected[i]);
    }
    neck_series_destroy(series);
}
END_TEST

START_TEST(sample_checkpoints_are_ten_steps)
{
    char path[PATH_CAPACITY];
    source_path(path, "examples/data/hybridstories");
    neck_series *series = open_series(path);
    ck_assert_int_eq(neck_series_count(series), 10);
    for (int64_t i = 0; i < 10; i++) ck_assert_int_eq(neck_series_step(series, i), 2000 * (i + 1));
    neck_series_destroy(series);
}
END_TEST

START_TEST(a_run_folder_is_its_checkpoints)
{
    static const char *const expected[] = {"checkpoints/step-5.safetensors", "checkpoints/step-10.safetensors"};
    char inner[PATH_CAPACITY];
    write_text(folder, "run.json", "{}");
    make_folder(inner, folder, "checkpoints");
    for (int i = 0; i < 2; i++) write_model(inner, strchr(expected[i], '/') + 1);
    neck_series *series = open_series(folder);
    assert_entries(series, expected, 2);
    neck_series_destroy(series);
}
END_TEST

START_TEST(nothing_to_open_is_said)
{
    neck_series *series = NULL;
    char path[PATH_CAPACITY];
    assert_fails(neck_series_open(NULL, folder, &series), NECK_E_NOT_FOUND, "nothing in folder", "empty folder");
    scratch_file(path, folder, "absent");
    assert_fails(neck_series_open(NULL, path, &series), NECK_E_IO, "absent': No such file", "absent");
    ck_assert_int_eq(neck_series_open(NULL, NULL, &series), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_series_open(NULL, "", &series), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_series_open(NULL, folder, NULL), NECK_E_ARGUMENT);
    ck_assert_ptr_null(series);
    neck_series_destroy(NULL);
}
END_TEST

static neck_status open_folder(neck_context *context)
{
    neck_series *series = NULL;
    neck_status status = neck_series_open(context, folder, &series);
    if (status == NECK_OK) ck_assert_int_eq(neck_series_count(series), 2);
    neck_series_destroy(series);
    return status;
}

START_TEST(failing_memory_is_survived)
{
    char inner[PATH_CAPACITY];
    write_model(folder, "step_1.safetensors");
    make_folder(inner, folder, "step_2");
    write_model(inner, "any");
    assert_survives_failing_memory(open_folder);
}
END_TEST

START_TEST(failing_memory_is_survived_in_a_hub)
{
    make_repository();
    assert_survives_failing_memory(open_folder);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("series");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, steps_are_read_from_names, 0, sizeof steps / sizeof *steps);
    tcase_add_test(tcase, files_come_in_order_of_step);
    tcase_add_test(tcase, folders_of_models_are_entries);
    tcase_add_test(tcase, damaged_checkpoints_are_not_passed_over);
    tcase_add_test(tcase, one_file_or_model_is_a_series_of_one);
    tcase_add_test(tcase, a_slash_at_the_end_changes_nothing);
    tcase_add_test(tcase, revisions_of_a_hub_are_entries);
    tcase_add_test(tcase, sample_checkpoints_are_ten_steps);
    tcase_add_test(tcase, a_run_folder_is_its_checkpoints);
    tcase_add_test(tcase, nothing_to_open_is_said);
    tcase_add_test(tcase, failing_memory_is_survived);
    tcase_add_test(tcase, failing_memory_is_survived_in_a_hub);
    return run_suite("series", tcase);
}
