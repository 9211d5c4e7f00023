/* What the tests of archives, checkpoints and series share: the fixtures' values, folders to fill, folders to empty. */
#ifndef TEST_ARCHIVE_SUPPORT_H
#define TEST_ARCHIVE_SUPPORT_H

#include <sys/stat.h>

#include "format_support.h"

/* Element k of every numeric fixture, in C order. */
static inline double fixture_value(int64_t k) { return (double)(k * 37 % 101 - 50); }

static inline double f16_value(uint16_t bits)
{
    int exponent = bits >> 10 & 31;
    double value = exponent ? (1024 + (bits & 1023)) / 1024.0 : (bits & 1023) / 1024.0;
    for (int k = exponent ? exponent : 1; k > 15; k--) value *= 2;
    for (int k = exponent ? exponent : 1; k < 15; k++) value /= 2;
    return bits >> 15 ? -value : value;
}

/* Element (i, j) of a view as a double. */
static inline double view_value(const neck_matrix *m, int64_t i, int64_t j)
{
    const char *at = (const char *)m->data + (i * m->row_stride + j) * neck_dtype_size(m->dtype);
    union {
        float f32;
        double f64;
        uint16_t bits[2];
    } u = {.f64 = 0};
    memcpy(&u, at, (size_t)neck_dtype_size(m->dtype));
    switch (m->dtype) {
    case NECK_F32: return u.f32;
    case NECK_F64: return u.f64;
    case NECK_F16: return f16_value(u.bits[0]);
    default: /* bf16: the upper half of an f32 */
        u.bits[1] = u.bits[0];
        u.bits[0] = 0;
        return u.f32;
    }
}

/* A checkpoint that must open. */
static inline neck_checkpoint *open_good(const char *path)
{
    neck_checkpoint *checkpoint = NULL;
    ck_assert_msg(neck_checkpoint_open(NULL, path, NULL, &checkpoint) == NECK_OK, "%s", neck_last_error());
    return checkpoint;
}

static inline neck_checkpoint *open_corpus(const char *format, const char *name)
{
    char inner[PATH_CAPACITY], path[PATH_CAPACITY];
    snprintf(inner, sizeof inner, "tests/corpus/%s/%s", format, name);
    source_path(path, inner);
    return open_good(path);
}

/* The index of a tensor that must be there; the same as a view. */
static inline int64_t index_of(const neck_checkpoint *checkpoint, const char *name)
{
    int64_t index = -1;
    ck_assert_msg(neck_checkpoint_find(checkpoint, name, &index) == NECK_OK, "%s", neck_last_error());
    return index;
}

static inline neck_matrix matrix_of(neck_checkpoint *checkpoint, const char *name)
{
    neck_matrix matrix = {0};
    neck_status status = neck_checkpoint_matrix(NULL, checkpoint, index_of(checkpoint, name), &matrix);
    ck_assert_msg(status == NECK_OK, "%s", neck_last_error());
    return matrix;
}

/* A rows x cols view whose element (i, j) is fixture_value(first + i * row_step + j * col_step). */
static inline void assert_view(const neck_matrix *m, int64_t rows, int64_t cols, int64_t first, int64_t row_step,
                               int64_t col_step)
{
    ck_assert_int_eq(m->rows, rows);
    ck_assert_int_eq(m->cols, cols);
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < cols; j++)
            ck_assert_double_eq(view_value(m, i, j), fixture_value(first + i * row_step + j * col_step));
}

/* ---- files and folders to fill ---- */

static inline void write_file(const char *folder, const char *name, const void *data, size_t size)
{
    char path[PATH_CAPACITY];
    scratch_file(path, folder, name);
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(data, 1, size, file), size);
    ck_assert_int_eq(fclose(file), 0);
}

static inline void write_text(const char *folder, const char *name, const char *text)
{
    write_file(folder, name, text, strlen(text));
}

static inline void make_folder(char path[PATH_CAPACITY], const char *parent, const char *name)
{
    scratch_file(path, parent, name);
    ck_assert_int_eq(mkdir(path, 0777), 0);
}

/* A float32 tensor of a file to write; entry k is seed + k. */
typedef struct made_tensor {
    const char *name;
    int64_t rows, cols;
    float seed;
} made_tensor;

static inline void write_tensors(const char *folder, const char *name, const made_tensor *made, int64_t count)
{
    enum { MOST = 16, ENTRIES = 64 };
    static float values[MOST][ENTRIES];
    neck_tensor tensors[MOST];
    char path[PATH_CAPACITY];
    ck_assert_int_le(count, MOST);
    for (int64_t i = 0; i < count; i++) {
        ck_assert_int_le(made[i].rows * made[i].cols, ENTRIES);
        for (int k = 0; k < ENTRIES; k++) values[i][k] = made[i].seed + (float)k;
        tensors[i] = (neck_tensor){sizeof(neck_tensor), made[i].name, NECK_F32, 2, {made[i].rows, made[i].cols},
                                   made[i].rows * made[i].cols * 4, values[i]};
    }
    scratch_file(path, folder, name);
    neck_status status = neck_safetensors_write(NULL, path, tensors, count, NULL, NULL, 0);
    ck_assert_msg(status == NECK_OK, "%s", neck_last_error());
}

/* Removes a folder and all in it. */
static inline void tree_remove(const char *path)
{
    DIR *folder = opendir(path);
    ck_assert_ptr_nonnull(folder);
    for (struct dirent *entry; (entry = readdir(folder));) {
        char inner[PATH_CAPACITY];
        struct stat info;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        scratch_file(inner, path, entry->d_name);
        if (lstat(inner, &info) == 0 && S_ISDIR(info.st_mode))
            tree_remove(inner);
        else
            unlink(inner);
    }
    closedir(folder);
    ck_assert_int_eq(rmdir(path), 0);
}

/* Every allocation of an operation fails once: then it says so, and nothing stays allocated. run opens and destroys;
 * returns its status. */
static inline void assert_survives_failing_memory(neck_status (*run)(neck_context *context))
{
    failing state = {.before_failure = -1};
    neck_context_options options = {.struct_size = sizeof options, .threads = 1, .alloc = failing_alloc,
                                    .release = failing_release, .alloc_user = &state};
    neck_context *context = NULL;
    ck_assert_int_eq(neck_context_create(&options, &context), NECK_OK);
    const int64_t live = state.live;
    for (int64_t k = 0;; k++) {
        state.before_failure = k;
        state.failed = 0;
        neck_status status = run(context);
        ck_assert_int_eq(state.live, live);
        ck_assert_int_eq(status, state.failed ? NECK_E_NOMEM : NECK_OK);
        if (!state.failed) break;
        ck_assert_int_lt(k, 100000);
    }
    state.before_failure = -1;
    neck_context_destroy(context);
    ck_assert_int_eq(state.live, 0);
}

#endif
