/* tests/test_tensors.c - lists of tensors, and the text check behind their names. */
#include "format_support.h"

#include "format/utf8.h"

static const unsigned char bytes[64];

static neck_status add(neck__tensors *list, const char *name, int32_t dtype, int32_t ndim, const int64_t *shape,
                       int64_t nbytes)
{
    return neck__tensors_add(list, name, strlen(name), dtype, ndim, shape, bytes, nbytes, NULL);
}

START_TEST(layout_is_row_major)
{
    neck__tensors list = empty_list();
    neck__tensor *added = NULL;
    const int64_t shape[] = {2, 0, 3};
    ck_assert_int_eq(neck__tensors_add(&list, "name and more", 4, NECK_F32, 3, shape, bytes, 0, &added), NECK_OK);
    ck_assert_str_eq(added->name, "name");
    ck_assert_int_eq(added->stride[2], 1);
    ck_assert_int_eq(added->stride[1], 3);
    ck_assert_int_eq(added->stride[0], 3);
    ck_assert_ptr_eq(added->data, bytes);
    ck_assert_int_eq(add(&list, "scalar", NECK_F64, 0, NULL, 8), NECK_OK);
    ck_assert_int_eq(list.count, 2);
    neck__tensors_clear(&list);
    ck_assert_int_eq(list.count, 0);
    ck_assert_ptr_null(list.tensors);
}
END_TEST

START_TEST(faults_are_named_and_add_nothing)
{
    neck__tensors list = empty_list();
    const int64_t square[] = {2, 2}, negative[] = {2, -2}, huge[] = {INT64_MAX / 4, 5}, just[] = {INT64_MAX / 8, 8};
    char long_name[NECK__NAME_MAX + 2];
    memset(long_name, 'x', sizeof long_name);
    long_name[sizeof long_name - 1] = '\0';
    assert_fails(add(&list, "", NECK_F32, 2, square, 16), NECK_E_FORMAT, "empty name", "empty");
    assert_fails(add(&list, long_name, NECK_F32, 2, square, 16), NECK_E_FORMAT, "4097 bytes", "long");
    assert_fails(add(&list, "\xc0\xaf", NECK_F32, 2, square, 16), NECK_E_FORMAT, "UTF-8", "overlong");
    assert_fails(neck__tensors_add(&list, "a\0b", 3, NECK_F32, 2, square, bytes, 16, NULL), NECK_E_FORMAT, "NUL",
                 "NUL");
    assert_fails(add(&list, "t", NECK_F32, 2, square, 15), NECK_E_FORMAT, "[2, 2] of F32 needs 16 bytes", "short");
    assert_fails(add(&list, "t", NECK_F32, 2, negative, 16), NECK_E_FORMAT, "negative", "negative");
    assert_fails(add(&list, "t", NECK_U8, 2, huge, 16), NECK_E_FORMAT, "overflows", "elements");
    assert_fails(add(&list, "t", NECK_U16, 2, just, 16), NECK_E_FORMAT, "overflows", "bytes");
    assert_fails(add(&list, "t", 0, 2, square, 16), NECK_E_UNSUPPORTED, "dtype number 0", "dtype");
    assert_fails(add(&list, "t", NECK_F32, 9, square, 16), NECK_E_UNSUPPORTED, "9 dimensions", "dimensions");
    assert_fails(add(&list, "t", NECK_F32, -1, square, 16), NECK_E_UNSUPPORTED, "-1 dimensions", "dimensions");
    ck_assert_int_eq(list.count, 0);
    neck__tensors_clear(&list);
}
END_TEST

START_TEST(names_must_differ)
{
    neck__tensors list = empty_list();
    char name[16];
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "t%d", i * 7919 % 1000);
        ck_assert_int_eq(add(&list, name, NECK_U8, 0, NULL, 1), NECK_OK);
    }
    ck_assert_int_eq(neck__tensors_check_unique(&list), NECK_OK);
    ck_assert_int_eq(add(&list, "t500", NECK_U8, 0, NULL, 1), NECK_OK);
    assert_fails(neck__tensors_check_unique(&list), NECK_E_FORMAT, "two tensors have the name 't500'", "twice");
    ck_assert_str_eq(list.tensors[0].name, "t0"); /* order is kept */
    neck__tensors_clear(&list);
}
END_TEST

/* Everything a list owns goes with it, also when taking it over fails. */
START_TEST(ownership_survives_a_lack_of_memory)
{
    failing state = {0};
    int64_t allowed = 0;
    do {
        state = (failing){.before_failure = allowed++};
        neck__tensors list = {.allocator = failing_allocator(&state)};
        for (int i = 0; i < 20; i++) {
            neck__mapping *mapping;
            void *buffer = neck__alloc(&list.allocator, 10, 1, "a buffer");
            if (buffer) neck__tensors_own_buffer(&list, buffer);
            if (neck__mapping_over(&list.allocator, bytes, 10, &mapping) == NECK_OK)
                neck__tensors_own_mapping(&list, mapping);
            add(&list, "t", NECK_U8, 0, NULL, 1);
        }
        if (!state.failed) {
            ck_assert_int_eq(list.count, 20);
            ck_assert_int_eq(list.mapping_count, 20);
            ck_assert_int_eq(list.buffer_count, 20);
        }
        neck__tensors_clear(&list);
        ck_assert_int_eq(state.live, 0);
    } while (state.failed);
}
END_TEST

/* From the tables of well-formed and ill-formed sequences in the Unicode standard, chapter 3.9. */
static const struct {
    const char *text;
    int valid;
} sequences[] = {
    {"", 1},
    {"plain", 1},
    {"\x7f", 1},
    {"\xc2\x80", 1},
    {"\xdf\xbf", 1},
    {"\xe0\xa0\x80", 1},
    {"\xed\x9f\xbf", 1},
    {"\xee\x80\x80", 1},
    {"\xf0\x90\x80\x80", 1},
    {"\xf4\x8f\xbf\xbf", 1},
    {"a\xc3\xa9z", 1},
    {"\x80", 0},             /* continuation alone */
    {"\xc0\x80", 0},         /* overlong NUL */
    {"\xc1\xbf", 0},         /* overlong */
    {"\xe0\x9f\xbf", 0},     /* overlong */
    {"\xf0\x8f\xbf\xbf", 0}, /* overlong */
    {"\xed\xa0\x80", 0},     /* surrogate */
    {"\xed\xbf\xbf", 0},     /* surrogate */
    {"\xf4\x90\x80\x80", 0}, /* above U+10FFFF */
    {"\xf5\x80\x80\x80", 0},
    {"\xff", 0},
    {"a\xc3", 0},        /* cut */
    {"\xe2\x82", 0},     /* cut */
    {"\xf0\x9f\x98", 0}, /* cut */
    {"\xc3z", 0},
    {"\xe2\x82z", 0},
};

START_TEST(text_is_told_from_bytes)
{
    for (size_t i = 0; i < sizeof sequences / sizeof *sequences; i++)
        ck_assert_msg(neck__utf8_valid(sequences[i].text, strlen(sequences[i].text)) == sequences[i].valid,
                      "sequence %zu", i);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("tensors");
    tcase_add_test(tcase, layout_is_row_major);
    tcase_add_test(tcase, faults_are_named_and_add_nothing);
    tcase_add_test(tcase, names_must_differ);
    tcase_add_test(tcase, ownership_survives_a_lack_of_memory);
    tcase_add_test(tcase, text_is_told_from_bytes);
    return run_suite("tensors", tcase);
}
