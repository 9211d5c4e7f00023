/* format/pickle_instructions.c - what each instruction of a pickle does to the machine. */
#include <inttypes.h>

#include "core/error.h"
#include "format/pickle_machine.h"
#include "format/tensors.h"

static void push(neck__machine *m, neck__ref ref) { m->stack[m->depth++] = ref; }

static neck_status push_value(neck__machine *m, neck__value value)
{
    neck__ref ref;
    NECK_TRY(neck__pickle_add(m->pickle, value, &ref));
    push(m, ref);
    return NECK_OK;
}

/* Values above the innermost mark are all an instruction may take. */
static int64_t available(const neck__machine *m)
{
    return m->depth - (m->mark_count ? m->marks[m->mark_count - 1] : 0);
}

static neck_status need(const neck__machine *m, int64_t count)
{
    if (available(m) < count)
        return neck__fail(NECK_E_FORMAT, "the stack holds %" PRId64 " values where %" PRId64 " are needed",
                          available(m), count);
    return NECK_OK;
}

static neck__ref pop(neck__machine *m) { return m->stack[--m->depth]; }
static neck__ref top(const neck__machine *m) { return m->stack[m->depth - 1]; }

/* Takes everything above the innermost mark off the stack, and the mark. The values stay readable at *items until the
 * next push. */
static neck_status pop_marked(neck__machine *m, const neck__ref **items, int64_t *count)
{
    if (m->mark_count == 0) return neck__fail(NECK_E_FORMAT, "there is no mark on the stack");
    *count = available(m);
    m->depth = m->marks[--m->mark_count];
    *items = m->stack + m->depth;
    return NECK_OK;
}

static int32_t kind_of(const neck__machine *m, neck__ref ref) { return neck__pickle_value(m->pickle, ref)->kind; }

/* ---- instructions ------------------------------------------------------------------------------------------------ */

static neck_status run_proto(neck__machine *m, const neck__argument *a)
{
    if (m->at != 2) return neck__fail(NECK_E_FORMAT, "the protocol is not named first");
    if (a->number < 2 || a->number > 5)
        return neck__fail(NECK_E_UNSUPPORTED, "protocol %" PRId64 " is not supported: 2 to 5 are", a->number);
    return NECK_OK;
}

static neck_status run_frame(neck__machine *m, const neck__argument *a)
{
    if (a->number < 0 || a->number > m->size - m->at)
        return neck__fail(NECK_E_FORMAT, "a frame is longer than the pickle");
    return NECK_OK;
}

static neck_status run_stop(neck__machine *m, const neck__argument *a)
{
    (void)a;
    if (m->depth != 1 || m->mark_count != 0)
        return neck__fail(NECK_E_FORMAT, "%" PRId64 " values are left on the stack instead of one", m->depth);
    if (m->at != m->size)
        return neck__fail(NECK_E_FORMAT, "%" PRId64 " bytes follow the last instruction", m->size - m->at);
    m->pickle->root = top(m);
    m->stopped = 1;
    return NECK_OK;
}

static neck_status run_mark(neck__machine *m, const neck__argument *a)
{
    (void)a;
    m->marks[m->mark_count++] = m->depth;
    return NECK_OK;
}

static neck_status run_none(neck__machine *m, const neck__argument *a)
{
    (void)a;
    return push_value(m, (neck__value){.kind = NECK__PICKLE_NONE});
}

static neck_status run_false(neck__machine *m, const neck__argument *a)
{
    (void)a;
    return push_value(m, (neck__value){.kind = NECK__PICKLE_BOOL});
}

static neck_status run_true(neck__machine *m, const neck__argument *a)
{
    (void)a;
    return push_value(m, (neck__value){.kind = NECK__PICKLE_BOOL, .as.integer = 1});
}

static neck_status run_int(neck__machine *m, const neck__argument *a)
{
    return push_value(m, (neck__value){.kind = NECK__PICKLE_INT, .as.integer = a->number});
}

/* A little-endian two's complement number of any length; more than 8 bytes are kept as data nobody reads. */
static neck_status run_long(neck__machine *m, const neck__argument *a)
{
    if (a->length > 8) return push_value(m, (neck__value){.kind = NECK__PICKLE_OPAQUE});
    uint64_t number = 0;
    for (int64_t k = 0; k < a->length; k++) number |= (uint64_t)(unsigned char)a->bytes[k] << (8 * k);
    if (a->length > 0 && a->length < 8 && (unsigned char)a->bytes[a->length - 1] & 0x80)
        number |= UINT64_MAX << (8 * a->length);
    return push_value(m, (neck__value){.kind = NECK__PICKLE_INT, .as.integer = (int64_t)number});
}

static neck_status run_text(neck__machine *m, const neck__argument *a)
{
    return push_value(m, (neck__value){.kind = NECK__PICKLE_TEXT, .as.text = {a->bytes, a->length}});
}

static neck_status run_opaque(neck__machine *m, const neck__argument *a)
{
    (void)a;
    return push_value(m, (neck__value){.kind = NECK__PICKLE_OPAQUE});
}

static neck_status run_empty_tuple(neck__machine *m, const neck__argument *a)
{
    (void)a;
    return push_value(m, (neck__value){.kind = NECK__PICKLE_TUPLE});
}

static neck_status run_empty_list(neck__machine *m, const neck__argument *a)
{
    (void)a;
    return push_value(m, (neck__value){.kind = NECK__PICKLE_LIST});
}

static neck_status run_empty_dict(neck__machine *m, const neck__argument *a)
{
    (void)a;
    return push_value(m, (neck__value){.kind = NECK__PICKLE_DICT});
}

/* Items already off the stack become a tuple on it. */
static neck_status push_tuple(neck__machine *m, const neck__ref *items, int64_t count)
{
    neck__ref tuple;
    NECK_TRY(neck__pickle_add(m->pickle, (neck__value){.kind = NECK__PICKLE_TUPLE}, &tuple));
    NECK_TRY(neck__pickle_append(m->pickle, tuple, items, count));
    push(m, tuple);
    return NECK_OK;
}

static neck_status run_tuple(neck__machine *m, const neck__argument *a)
{
    (void)a;
    const neck__ref *items = NULL;
    int64_t count = 0;
    NECK_TRY(pop_marked(m, &items, &count));
    return push_tuple(m, items, count);
}

static neck_status short_tuple(neck__machine *m, int64_t count)
{
    NECK_TRY(need(m, count));
    m->depth -= count;
    return push_tuple(m, m->stack + m->depth, count);
}

static neck_status run_tuple1(neck__machine *m, const neck__argument *a) { (void)a; return short_tuple(m, 1); }
static neck_status run_tuple2(neck__machine *m, const neck__argument *a) { (void)a; return short_tuple(m, 2); }
static neck_status run_tuple3(neck__machine *m, const neck__argument *a) { (void)a; return short_tuple(m, 3); }

/* Puts items, already off the stack, into the container on top of it. */
static neck_status put_items(neck__machine *m, int32_t kind, const char *noun, const neck__ref *items, int64_t count)
{
    NECK_TRY(need(m, 1));
    if (kind_of(m, top(m)) != kind)
        return neck__fail(NECK_E_FORMAT, "items are put into something that is no %s", noun);
    if (kind == NECK__PICKLE_OPAQUE) return NECK_OK; /* a set: nobody asks what is in it */
    if (kind == NECK__PICKLE_DICT) {
        if (count % 2) return neck__fail(NECK_E_FORMAT, "a dict's key has no value");
        for (int64_t k = 0; k < count; k += 2) {
            int32_t key = kind_of(m, items[k]);
            if (key == NECK__PICKLE_LIST || key == NECK__PICKLE_DICT)
                return neck__fail(NECK_E_FORMAT, "a list or dict is used as the key of a dict");
        }
    }
    return neck__pickle_append(m->pickle, top(m), items, count);
}

static neck_status put_marked(neck__machine *m, int32_t kind, const char *noun)
{
    const neck__ref *items = NULL;
    int64_t count = 0;
    NECK_TRY(pop_marked(m, &items, &count));
    return put_items(m, kind, noun, items, count);
}

static neck_status run_append(neck__machine *m, const neck__argument *a)
{
    (void)a;
    NECK_TRY(need(m, 2));
    m->depth -= 1;
    return put_items(m, NECK__PICKLE_LIST, "list", m->stack + m->depth, 1);
}

static neck_status run_setitem(neck__machine *m, const neck__argument *a)
{
    (void)a;
    NECK_TRY(need(m, 3));
    m->depth -= 2;
    return put_items(m, NECK__PICKLE_DICT, "dict", m->stack + m->depth, 2);
}

static neck_status run_appends(neck__machine *m, const neck__argument *a)
{
    (void)a;
    return put_marked(m, NECK__PICKLE_LIST, "list");
}

static neck_status run_setitems(neck__machine *m, const neck__argument *a)
{
    (void)a;
    return put_marked(m, NECK__PICKLE_DICT, "dict");
}

static neck_status run_additems(neck__machine *m, const neck__argument *a)
{
    (void)a;
    return put_marked(m, NECK__PICKLE_OPAQUE, "set");
}

static neck_status memoize(neck__machine *m, int64_t index)
{
    NECK_TRY(need(m, 1));
    if (index >= m->size)
        return neck__fail(NECK_E_FORMAT, "memo number %" PRId64 " in a pickle of %" PRId64 " bytes", index, m->size);
    if (m->memo[index] < 0) m->memo_count++;
    m->memo[index] = top(m);
    return NECK_OK;
}

static neck_status run_put(neck__machine *m, const neck__argument *a) { return memoize(m, a->number); }
static neck_status run_memoize(neck__machine *m, const neck__argument *a) { (void)a; return memoize(m, m->memo_count); }

static neck_status run_get(neck__machine *m, const neck__argument *a)
{
    if (a->number >= m->size || m->memo[a->number] < 0)
        return neck__fail(NECK_E_FORMAT, "nothing is in the memo under number %" PRId64, a->number);
    push(m, (neck__ref)m->memo[a->number]);
    return NECK_OK;
}

static neck_status push_global(neck__machine *m, const char *module, int64_t module_length, const char *name,
                               int64_t name_length)
{
    int32_t tag = m->client->find_global(module, (size_t)module_length, name, (size_t)name_length);
    if (tag <= 0)
        return neck__fail(NECK_E_UNSUPPORTED, "refused: global '%.*s.%.*s' is not among those that tensors need; "
                          "of a saved module give the state_dict()",
                          NECK__SHOWN(module_length), module, NECK__SHOWN(name_length), name);
    return push_value(m, (neck__value){.kind = NECK__PICKLE_GLOBAL, .tag = tag});
}

static neck_status run_global(neck__machine *m, const neck__argument *a)
{
    return push_global(m, a->bytes, a->length, a->more, a->more_length);
}

static neck_status run_stack_global(neck__machine *m, const neck__argument *a)
{
    (void)a;
    NECK_TRY(need(m, 2));
    const neck__value *name = neck__pickle_value(m->pickle, pop(m)), *module = neck__pickle_value(m->pickle, pop(m));
    if (name->kind != NECK__PICKLE_TEXT || module->kind != NECK__PICKLE_TEXT)
        return neck__fail(NECK_E_FORMAT, "a global's name is not text");
    return push_global(m, module->as.text.bytes, module->as.text.length, name->as.text.bytes, name->as.text.length);
}

static neck_status run_reduce(neck__machine *m, const neck__argument *a)
{
    (void)a;
    NECK_TRY(need(m, 2));
    neck__ref args = pop(m), callee = pop(m), result;
    if (kind_of(m, callee) != NECK__PICKLE_GLOBAL || kind_of(m, args) != NECK__PICKLE_TUPLE)
        return neck__fail(NECK_E_FORMAT, "something that is no function is called, or not with a tuple");
    NECK_TRY(m->client->call(m->pickle, neck__pickle_value(m->pickle, callee)->tag, args, &result));
    push(m, result);
    return NECK_OK;
}

static neck_status run_persistent(neck__machine *m, const neck__argument *a)
{
    (void)a;
    NECK_TRY(need(m, 1));
    neck__ref result;
    NECK_TRY(m->client->load(m->pickle, pop(m), &result));
    push(m, result);
    return NECK_OK;
}

static neck_status run_build(neck__machine *m, const neck__argument *a)
{
    (void)a;
    NECK_TRY(need(m, 2));
    neck__ref state = pop(m);
    return m->client->build(m->pickle, top(m), state);
}

/* ---- the table --------------------------------------------------------------------------------------------------- */

#define ROW(code, name, argument, run) [code] = {name, NECK__##argument, run}

const neck__instruction neck__instructions[256] = {
    ROW(0x80, "PROTO", UNSIGNED_1, run_proto),
    ROW(0x95, "FRAME", UNSIGNED_8, run_frame),
    ROW('.', "STOP", NO_ARGUMENT, run_stop),
    ROW('(', "MARK", NO_ARGUMENT, run_mark),
    ROW('N', "NONE", NO_ARGUMENT, run_none),
    ROW(0x88, "NEWTRUE", NO_ARGUMENT, run_true),
    ROW(0x89, "NEWFALSE", NO_ARGUMENT, run_false),
    ROW('K', "BININT1", UNSIGNED_1, run_int),
    ROW('M', "BININT2", UNSIGNED_2, run_int),
    ROW('J', "BININT", SIGNED_4, run_int),
    ROW(0x8a, "LONG1", BYTES_1, run_long),
    ROW('G', "BINFLOAT", UNSIGNED_8, run_opaque),
    ROW(0x8c, "SHORT_BINUNICODE", BYTES_1, run_text),
    ROW('X', "BINUNICODE", BYTES_4, run_text),
    ROW(0x8d, "BINUNICODE8", BYTES_8, run_text),
    ROW('U', "SHORT_BINSTRING", BYTES_1, run_text),
    ROW('C', "SHORT_BINBYTES", BYTES_1, run_opaque),
    ROW('B', "BINBYTES", BYTES_4, run_opaque),
    ROW(0x8e, "BINBYTES8", BYTES_8, run_opaque),
    ROW(0x96, "BYTEARRAY8", BYTES_8, run_opaque),
    ROW(')', "EMPTY_TUPLE", NO_ARGUMENT, run_empty_tuple),
    ROW(0x85, "TUPLE1", NO_ARGUMENT, run_tuple1),
    ROW(0x86, "TUPLE2", NO_ARGUMENT, run_tuple2),
    ROW(0x87, "TUPLE3", NO_ARGUMENT, run_tuple3),
    ROW('t', "TUPLE", NO_ARGUMENT, run_tuple),
    ROW(']', "EMPTY_LIST", NO_ARGUMENT, run_empty_list),
    ROW('a', "APPEND", NO_ARGUMENT, run_append),
    ROW('e', "APPENDS", NO_ARGUMENT, run_appends),
    ROW('}', "EMPTY_DICT", NO_ARGUMENT, run_empty_dict),
    ROW('s', "SETITEM", NO_ARGUMENT, run_setitem),
    ROW('u', "SETITEMS", NO_ARGUMENT, run_setitems),
    ROW(0x8f, "EMPTY_SET", NO_ARGUMENT, run_opaque),
    ROW(0x90, "ADDITEMS", NO_ARGUMENT, run_additems),
    ROW('q', "BINPUT", UNSIGNED_1, run_put),
    ROW('r', "LONG_BINPUT", UNSIGNED_4, run_put),
    ROW(0x94, "MEMOIZE", NO_ARGUMENT, run_memoize),
    ROW('h', "BINGET", UNSIGNED_1, run_get),
    ROW('j', "LONG_BINGET", UNSIGNED_4, run_get),
    ROW('c', "GLOBAL", TWO_LINES, run_global),
    ROW(0x93, "STACK_GLOBAL", NO_ARGUMENT, run_stack_global),
    ROW('R', "REDUCE", NO_ARGUMENT, run_reduce),
    ROW('Q', "BINPERSID", NO_ARGUMENT, run_persistent),
    ROW('b', "BUILD", NO_ARGUMENT, run_build),
    ROW('i', "INST", NO_ARGUMENT, NULL),
    ROW('o', "OBJ", NO_ARGUMENT, NULL),
    ROW(0x81, "NEWOBJ", NO_ARGUMENT, NULL),
    ROW(0x92, "NEWOBJ_EX", NO_ARGUMENT, NULL),
    ROW(0x82, "EXT1", NO_ARGUMENT, NULL),
    ROW(0x83, "EXT2", NO_ARGUMENT, NULL),
    ROW(0x84, "EXT4", NO_ARGUMENT, NULL),
    ROW('P', "PERSID", NO_ARGUMENT, NULL),
    ROW(0x97, "NEXT_BUFFER", NO_ARGUMENT, NULL),
    ROW(0x98, "READONLY_BUFFER", NO_ARGUMENT, NULL),
};
