/* tests/test_memory.c - the one door to memory. */
#include <check.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "softneck.h"

START_TEST(products_of_sizes_are_checked)
{
    static const struct {
        int64_t a, b, product;
        int fits;
    } cases[] = {
        {0, 0, 0, 1},
        {3, 4, 12, 1},
        {0, INT64_MAX, 0, 1},
        {1, INT64_MAX, INT64_MAX, 1},
        {INT64_C(1) << 31, INT64_C(1) << 31, INT64_C(1) << 62, 1},
        {INT64_C(1) << 32, INT64_C(1) << 31, 0, 0},
        {2, INT64_MAX, 0, 0},
        {-1, 4, 0, 0},
        {4, -1, 0, 0},
        {-1, -1, 0, 0},
        {INT64_MIN, INT64_MIN, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t out = 77;
        ck_assert_int_eq(neck__mul(cases[i].a, cases[i].b, &out), cases[i].fits);
        ck_assert_int_eq(out, cases[i].fits ? cases[i].product : 77);
    }
}
END_TEST

START_TEST(sums_of_sizes_are_checked)
{
    int64_t out = 77;
    ck_assert(!neck__add(INT64_MAX, 1, &out));
    ck_assert(!neck__add(-1, 1, &out));
    ck_assert(!neck__add(1, -1, &out));
    ck_assert_int_eq(out, 77);
    ck_assert(neck__add(INT64_MAX - 1, 1, &out));
    ck_assert_int_eq(out, INT64_MAX);
}
END_TEST

START_TEST(memory_is_aligned_and_large_enough)
{
    neck__allocator allocator = neck__allocator_of(NULL);
    for (int64_t size = 0; size < 300; size++) {
        unsigned char *memory = neck__alloc(&allocator, size, 1, "bytes");
        ck_assert_ptr_nonnull(memory);
        ck_assert_uint_eq((uintptr_t)memory % 64, 0);
        memset(memory, 0xff, (size_t)size);
        neck__release(&allocator, memory);
        unsigned char *zeroed = neck__calloc(&allocator, 1, size, "bytes");
        for (int64_t i = 0; i < size; i++) ck_assert_int_eq(zeroed[i], 0);
        neck__release(&allocator, zeroed);
    }
    neck__release(&allocator, NULL);
}
END_TEST

/* Around the sizes from which the system is asked for huge pages. */
START_TEST(large_memory_is_whole)
{
    neck__allocator allocator = neck__allocator_of(NULL);
    for (int64_t unit = INT64_C(1) << 21, size = unit; size <= 4 * unit; size += unit)
        for (int64_t more = -65; more <= 65; more += 65) {
            unsigned char *memory = neck__calloc(&allocator, size + more, 1, "bytes");
            ck_assert_ptr_nonnull(memory);
            ck_assert_uint_eq((uintptr_t)memory % 64, 0);
            for (int64_t i = 0; i < size + more; i += 4095) ck_assert_int_eq(memory[i], 0);
            memset(memory, 0xff, (size_t)(size + more));
            neck__release(&allocator, memory);
        }
}
END_TEST

START_TEST(a_room_stays_until_more_is_needed)
{
    neck__room room = {.allocator = neck__allocator_of(NULL)};
    unsigned char *first = neck__room_take(&room, 1000, "a room");
    ck_assert_ptr_nonnull(first);
    memset(first, 0xff, 1000);
    ck_assert_ptr_eq(neck__room_take(&room, 10, "a room"), first);
    ck_assert_ptr_eq(neck__room_take(&room, 1000, "a room"), first);
    ck_assert_int_eq(first[999], 0xff);
    unsigned char *larger = neck__room_take(&room, 100000, "a room");
    memset(larger, 0xff, 100000);
    ck_assert_ptr_null(neck__room_take(&room, INT64_C(1) << 60, "half of everything"));
    ck_assert_ptr_nonnull(strstr(neck_last_error(), "half of everything"));
    ck_assert_ptr_null(room.memory);
    ck_assert_ptr_nonnull(neck__room_take(&room, 10, "a room"));
    neck__room_release(&room);
    neck__room_release(&room);
}
END_TEST

START_TEST(impossible_sizes_are_refused)
{
    static const int64_t sizes[][2] = {{INT64_MAX, 1}, {INT64_MAX, 8}, {INT64_C(1) << 62, 2}, {-1, 8}, {8, -1}};
    neck__allocator allocator = neck__allocator_of(NULL);
    ck_assert_ptr_null(neck__alloc(&allocator, sizes[_i][0], sizes[_i][1], "a giant"));
    ck_assert_ptr_nonnull(strstr(neck_last_error(), "a giant"));
    ck_assert_ptr_null(neck__calloc(&allocator, sizes[_i][0], sizes[_i][1], "a giant"));
}
END_TEST

START_TEST(more_than_there_is_is_refused)
{
    neck__allocator allocator = neck__allocator_of(NULL);
    ck_assert_ptr_null(neck__alloc(&allocator, INT64_C(1) << 60, 1, "half of everything"));
    ck_assert_ptr_nonnull(strstr(neck_last_error(), "half of everything"));
}
END_TEST

START_TEST(strings_are_copied)
{
    neck__allocator allocator = neck__allocator_of(NULL);
    for (const char *text = "some text"; *text; text++) {
        char *copy = neck__strdup(&allocator, text);
        ck_assert_str_eq(copy, text);
        ck_assert_ptr_ne(copy, text);
        neck__release(&allocator, copy);
    }
}
END_TEST

/* A caller's allocator that notes what it was asked for. */
struct ledger {
    int64_t live, calls;
    size_t alignment, size;
    int refuse;
};

static void *ledger_alloc(void *user, size_t alignment, size_t size)
{
    struct ledger *ledger = user;
    ledger->calls++;
    ledger->alignment = alignment;
    ledger->size = size;
    if (ledger->refuse) return NULL;
    ledger->live++;
    return aligned_alloc(alignment, size);
}

static void ledger_release(void *user, void *memory)
{
    ((struct ledger *)user)->live--;
    free(memory);
}

START_TEST(a_context_uses_its_allocator)
{
    struct ledger ledger = {0};
    neck_context_options options = {sizeof options, .alloc = ledger_alloc, .release = ledger_release,
                                    .alloc_user = &ledger};
    neck_context *context;
    ck_assert_int_eq(neck_context_create(&options, &context), NECK_OK);
    ck_assert_int_gt(ledger.live, 0);
    int64_t before = ledger.calls;
    neck__allocator allocator = neck__allocator_of(context);
    void *memory = neck__alloc(&allocator, 100, 8, "numbers");
    ck_assert_int_eq(ledger.calls, before + 1);
    ck_assert_uint_eq(ledger.alignment, 64);
    ck_assert_uint_ge(ledger.size, 800);
    neck__release(&allocator, memory);
    neck__release(&allocator, NULL);
    neck_context_destroy(context);
    ck_assert_int_eq(ledger.live, 0);
}
END_TEST

START_TEST(an_allocator_may_refuse)
{
    struct ledger ledger = {.refuse = 1};
    neck_context_options options = {sizeof options, .alloc = ledger_alloc, .release = ledger_release,
                                    .alloc_user = &ledger};
    neck_context *context = (neck_context *)&ledger;
    ck_assert_int_eq(neck_context_create(&options, &context), NECK_E_NOMEM);
    ck_assert_ptr_eq(context, &ledger);
    ck_assert_int_eq(ledger.live, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("memory");
    TCase *tests = tcase_create("memory");
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, products_of_sizes_are_checked);
    tcase_add_test(tests, sums_of_sizes_are_checked);
    tcase_add_test(tests, memory_is_aligned_and_large_enough);
    tcase_add_test(tests, large_memory_is_whole);
    tcase_add_test(tests, a_room_stays_until_more_is_needed);
    tcase_add_loop_test(tests, impossible_sizes_are_refused, 0, 5);
    tcase_add_test(tests, more_than_there_is_is_refused);
    tcase_add_test(tests, strings_are_copied);
    tcase_add_test(tests, a_context_uses_its_allocator);
    tcase_add_test(tests, an_allocator_may_refuse);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
