/* tests/test_json.c - bounds on JSON before it is parsed. */
#include "format_support.h"

#include "format/json.h"

static neck_status parse(const char *text, int32_t depth, int64_t values)
{
    json_t *value = NULL;
    neck_status status = neck__json_parse(text, (int64_t)strlen(text), depth, values, &value);
    if (status != NECK_OK) ck_assert_ptr_null(value);
    json_decref(value);
    return status;
}

START_TEST(depth_is_bounded)
{
    ck_assert_int_eq(parse("{\"a\":[1,{}]}", 3, 100), NECK_OK);
    assert_fails(parse("{\"a\":[1,{}]}", 2, 100), NECK_E_FORMAT, "deeper than 2 levels at byte 8", "objects");
    ck_assert_int_eq(parse("[[],[],[]]", 2, 100), NECK_OK); /* siblings are not deeper */
    assert_fails(parse("[[],[],[[", 2, 100), NECK_E_FORMAT, "deeper than 2 levels at byte 8", "unclosed");
}
END_TEST

START_TEST(structure_in_strings_does_not_count)
{
    ck_assert_int_eq(parse("[\"[[[[{{{{,,,,::::\"]", 1, 1), NECK_OK);
    ck_assert_int_eq(parse("[\"\\\"[[[[{{{{,,,,::::\"]", 1, 1), NECK_OK);
    ck_assert_int_eq(parse("[\"\\\\\"]", 1, 1), NECK_OK);
    assert_fails(parse("[\"\\\\\",[", 1, 9), NECK_E_FORMAT, "deeper", "after an escaped backslash");
}
END_TEST

START_TEST(values_are_counted)
{
    ck_assert_int_eq(parse("[1,2,3]", 1, 3), NECK_OK);
    assert_fails(parse("[1,2,3]", 1, 2), NECK_E_FORMAT, "more than 2 values", "list");
    ck_assert_int_eq(parse("{\"a\":1,\"b\":2}", 1, 4), NECK_OK);
    assert_fails(parse("{\"a\":1,\"b\":2}", 1, 3), NECK_E_FORMAT, "more than 3 values", "object");
}
END_TEST

START_TEST(the_parser_names_the_fault)
{
    assert_fails(parse("", 1, 1), NECK_E_FORMAT, "invalid JSON at byte 0", "empty");
    assert_fails(parse("]]]][[[[", 1, 9), NECK_E_FORMAT, "invalid JSON", "closing first");
    assert_fails(parse("{\"a\":1,\"a\":1}", 1, 9), NECK_E_FORMAT, "duplicate object key", "twice");
    assert_fails(parse("[\"a\\", 1, 9), NECK_E_FORMAT, "invalid escape", "cut in an escape");
}
END_TEST

START_TEST(sizes_are_whole_and_not_negative)
{
    json_t *list = NULL;
    static const char text[] = "[0,9223372036854775807,-1,1.0,1e3,\"1\",true,null]";
    static const int64_t expected[] = {0, INT64_MAX, -1, -1, -1, -1, -1, -1};
    ck_assert_int_eq(neck__json_parse(text, sizeof text - 1, 1, 20, &list), NECK_OK);
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        ck_assert_int_eq(neck__json_size(json_array_get(list, i)), expected[i]);
    ck_assert_int_eq(neck__json_size(NULL), -1);
    json_decref(list);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("json");
    tcase_add_test(tcase, depth_is_bounded);
    tcase_add_test(tcase, structure_in_strings_does_not_count);
    tcase_add_test(tcase, values_are_counted);
    tcase_add_test(tcase, the_parser_names_the_fault);
    tcase_add_test(tcase, sizes_are_whole_and_not_negative);
    return run_suite("json", tcase);
}
