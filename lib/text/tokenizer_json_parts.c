/* text/tokenizer_json_parts.c - the parts of tokenizer.json: a table of types each, and one function a type. */
#include <string.h>

#include "core/error.h"
#include "format/json.h"
#include "text/tokenizer_object.h"

typedef neck_status (*part_fn)(neck_tokenizer *tokenizer, const json_t *value);

typedef struct part_type {
    const char *name;
    part_fn read;
} part_type;

/* A kind of part: its types, and the member in which a Sequence lists others. */
typedef struct part_kind {
    const char *noun, *list;
    const part_type *types;
    size_t count;
} part_kind;

#define KIND(noun, list, types) {noun, list, types, sizeof types / sizeof *types}

static neck_status read_part(neck_tokenizer *tokenizer, const json_t *value, const part_kind *kind)
{
    if (!value || json_is_null(value)) return NECK_OK;
    const char *type = neck__json_type(value);
    if (strcmp(type, "Sequence") == 0) {
        const json_t *list = json_object_get(value, kind->list);
        if (!json_is_array(list))
            return neck__fail(NECK_E_FORMAT, "a Sequence in the tokenizer has no '%s'", kind->list);
        for (size_t i = 0; i < json_array_size(list); i++)
            NECK_TRY(read_part(tokenizer, json_array_get(list, i), kind));
        return NECK_OK;
    }
    for (size_t i = 0; i < kind->count; i++)
        if (strcmp(type, kind->types[i].name) == 0) return kind->types[i].read(tokenizer, value);
    return neck__fail(NECK_E_UNSUPPORTED, "the tokenizer's %s '%s' is not supported", kind->noun, type);
}

static neck_status read_nothing(neck_tokenizer *tokenizer, const json_t *value)
{
    (void)tokenizer, (void)value;
    return NECK_OK;
}

/* A member that is true unless it says false. */
static int is_on(const json_t *value, const char *key)
{
    return !json_is_false(json_object_get(value, key));
}

/* ---- normalizers ---- */

static neck_status read_prepend(neck_tokenizer *tokenizer, const json_t *value)
{
    neck_status status = NECK_OK;
    const char *text = neck__json_text(value, "prepend", &status);
    return status == NECK_OK ? neck__normalizer_add(&tokenizer->normalizer, NECK__NORMALIZE_PREPEND, 0, "", text)
                             : status;
}

static neck_status read_replace(neck_tokenizer *tokenizer, const json_t *value)
{
    neck_status status = NECK_OK;
    const json_t *pattern = json_object_get(value, "pattern");
    if (json_object_get(pattern, "Regex"))
        return neck__fail(NECK_E_UNSUPPORTED, "the tokenizer's normalizer replaces by a regular expression");
    const char *from = neck__json_text(pattern, "String", &status), *to = neck__json_text(value, "content", &status);
    return status == NECK_OK ? neck__normalizer_add(&tokenizer->normalizer, NECK__NORMALIZE_REPLACE, 0, from, to)
                             : status;
}

static neck_status read_unicode_form(neck_tokenizer *tokenizer, const json_t *value)
{
    static const char *const names[] = {
        [NECK__NFC] = "NFC", [NECK__NFD] = "NFD", [NECK__NFKC] = "NFKC", [NECK__NFKD] = "NFKD"};
    int32_t form = 0;
    while (strcmp(names[form], neck__json_type(value)) != 0) form++;
    return neck__normalizer_add(&tokenizer->normalizer, NECK__NORMALIZE_UNICODE, form, "", "");
}

neck_status neck__json_normalizer(neck_tokenizer *tokenizer, const json_t *value)
{
    static const part_type types[] = {{"Prepend", read_prepend},   {"Replace", read_replace},
                                      {"NFC", read_unicode_form},  {"NFD", read_unicode_form},
                                      {"NFKC", read_unicode_form}, {"NFKD", read_unicode_form}};
    static const part_kind kind = KIND("normalizer", "normalizers", types);
    return read_part(tokenizer, value, &kind);
}

/* ---- pre-tokenizers ---- */

/* Behind ByteLevel the text is in the alphabet for bytes, which no other stage here expects. */
static neck_status check_still_text(const neck_tokenizer *tokenizer, const json_t *value)
{
    if (!tokenizer->bpe.byte_level) return NECK_OK;
    return neck__fail(NECK_E_UNSUPPORTED, "the tokenizer's pre-tokenizer '%s' stands behind ByteLevel",
                      neck__json_type(value));
}

static neck_status read_byte_level(neck_tokenizer *tokenizer, const json_t *value)
{
    neck__pretokenizer *pretokenizer = &tokenizer->pretokenizer;
    NECK_TRY(check_still_text(tokenizer, value));
    tokenizer->bpe.byte_level = 1;
    if (is_on(value, "add_prefix_space")) NECK_TRY(neck__pretokenizer_edit(pretokenizer, " ", 0, NECK__PREFIX_ALWAYS));
    if (!is_on(value, "use_regex")) return NECK_OK;
    return neck__pretokenizer_split(pretokenizer, neck__pattern_gpt2, (int64_t)strlen(neck__pattern_gpt2), 0,
                                    NECK__SPLIT_ISOLATED, 0);
}

static neck_status read_split(neck_tokenizer *tokenizer, const json_t *value)
{
    static const char *const behaviours[] = {[NECK__SPLIT_ISOLATED] = "Isolated",
                                             [NECK__SPLIT_REMOVED] = "Removed",
                                             [NECK__SPLIT_WITH_PREVIOUS] = "MergedWithPrevious",
                                             [NECK__SPLIT_WITH_NEXT] = "MergedWithNext",
                                             [NECK__SPLIT_CONTIGUOUS] = "Contiguous"};
    neck_status status = NECK_OK;
    NECK_TRY(check_still_text(tokenizer, value));
    const json_t *pattern = json_object_get(value, "pattern");
    const int32_t literal = json_object_get(pattern, "String") != NULL;
    const char *text = neck__json_text(pattern, literal ? "String" : "Regex", &status);
    const char *behaviour = neck__json_text(value, "behavior", &status);
    NECK_TRY(status);
    for (int32_t i = 0; i <= NECK__SPLIT_CONTIGUOUS; i++)
        if (strcmp(behaviour, behaviours[i]) == 0)
            return neck__pretokenizer_split(&tokenizer->pretokenizer, text, (int64_t)strlen(text), literal, i,
                                            json_is_true(json_object_get(value, "invert")));
    return neck__fail(NECK_E_UNSUPPORTED, "the tokenizer's Split has the behavior '%s'", behaviour);
}

static neck_status read_digits(neck_tokenizer *tokenizer, const json_t *value)
{
    NECK_TRY(check_still_text(tokenizer, value));
    const int each = json_is_true(json_object_get(value, "individual_digits"));
    return neck__pretokenizer_split(&tokenizer->pretokenizer, neck__pattern_number,
                                    (int64_t)strlen(neck__pattern_number), 0,
                                    each ? NECK__SPLIT_ISOLATED : NECK__SPLIT_CONTIGUOUS, 0);
}

/* "prepend_scheme", or "add_prefix_space" of older files. */
static neck_status read_scheme(const json_t *value, int32_t *prefix)
{
    static const char *const schemes[] = {
        [NECK__PREFIX_NEVER] = "never", [NECK__PREFIX_FIRST] = "first", [NECK__PREFIX_ALWAYS] = "always"};
    const char *scheme = json_string_value(json_object_get(value, "prepend_scheme"));
    if (!scheme) scheme = is_on(value, "add_prefix_space") ? "always" : "never";
    for (int32_t i = 0; i <= NECK__PREFIX_ALWAYS; i++) {
        if (strcmp(scheme, schemes[i]) != 0) continue;
        *prefix = i;
        return NECK_OK;
    }
    return neck__fail(NECK_E_UNSUPPORTED, "the tokenizer's Metaspace has the prepend_scheme '%s'", scheme);
}

static neck_status read_metaspace(neck_tokenizer *tokenizer, const json_t *value)
{
    neck_status status = NECK_OK;
    int32_t prefix;
    NECK_TRY(check_still_text(tokenizer, value));
    const char *marker = neck__json_text(value, "replacement", &status);
    NECK_TRY(status);
    NECK_TRY(read_scheme(value, &prefix));
    if (!*marker) return neck__fail(NECK_E_FORMAT, "the tokenizer's Metaspace has an empty replacement");
    NECK_TRY(neck__pretokenizer_edit(&tokenizer->pretokenizer, marker, 1, prefix));
    if (!is_on(value, "split")) return NECK_OK;
    return neck__pretokenizer_split(&tokenizer->pretokenizer, marker, (int64_t)strlen(marker), 1, NECK__SPLIT_WITH_NEXT,
                                    0);
}

neck_status neck__json_pretokenizer(neck_tokenizer *tokenizer, const json_t *value)
{
    static const part_type types[] = {
        {"ByteLevel", read_byte_level}, {"Split", read_split}, {"Digits", read_digits}, {"Metaspace", read_metaspace}};
    static const part_kind kind = KIND("pre-tokenizer", "pretokenizers", types);
    return read_part(tokenizer, value, &kind);
}

/* ---- post-processors: the tokens around a text ---- */

static neck_status add_to_frame(neck_tokenizer *tokenizer, neck__frame *frame, const json_t *number)
{
    const int64_t id = neck__json_size(number);
    if (!neck__vocabulary_token(&tokenizer->bpe.vocabulary, id))
        return neck__fail(NECK_E_FORMAT, "the tokenizer's post-processor adds a token that does not exist");
    return neck__frame_add(tokenizer, frame, (int32_t)id);
}

/* [{"SpecialToken": {"id": NAME}}, {"Sequence": {"id": "A"}}, ...] and {NAME: {"ids": [...]}}. */
static neck_status read_template(neck_tokenizer *tokenizer, const json_t *value)
{
    const json_t *single = json_object_get(value, "single"), *specials = json_object_get(value, "special_tokens");
    int seen_text = 0;
    if (!json_is_array(single)) return neck__fail(NECK_E_FORMAT, "the tokenizer's TemplateProcessing has no 'single'");
    for (size_t i = 0; i < json_array_size(single); i++) {
        const json_t *special = json_object_get(json_array_get(single, i), "SpecialToken");
        if (!special) {
            if (seen_text++)
                return neck__fail(NECK_E_UNSUPPORTED, "the tokenizer's TemplateProcessing repeats the text");
            continue;
        }
        neck_status status = NECK_OK;
        const json_t *ids = json_object_get(json_object_get(specials, neck__json_text(special, "id", &status)), "ids");
        NECK_TRY(status);
        for (size_t k = 0; k < json_array_size(ids); k++)
            NECK_TRY(
                add_to_frame(tokenizer, seen_text ? &tokenizer->behind : &tokenizer->before, json_array_get(ids, k)));
    }
    return seen_text ? NECK_OK
                     : neck__fail(NECK_E_UNSUPPORTED, "the tokenizer's TemplateProcessing leaves the text out");
}

/* BERT's and RoBERTa's: "cls" and "sep" are [spelling, number]. */
static neck_status read_cls_sep(neck_tokenizer *tokenizer, const json_t *value)
{
    NECK_TRY(add_to_frame(tokenizer, &tokenizer->before, json_array_get(json_object_get(value, "cls"), 1)));
    return add_to_frame(tokenizer, &tokenizer->behind, json_array_get(json_object_get(value, "sep"), 1));
}

neck_status neck__json_postprocessor(neck_tokenizer *tokenizer, const json_t *value)
{
    static const part_type types[] = {{"ByteLevel", read_nothing},
                                      {"TemplateProcessing", read_template},
                                      {"BertProcessing", read_cls_sep},
                                      {"RobertaProcessing", read_cls_sep}};
    static const part_kind kind = KIND("post-processor", "processors", types);
    return read_part(tokenizer, value, &kind);
}

/* ---- decoders: only how spaces come back, bytes the vocabulary tells ---- */

static neck_status set_marker(neck_tokenizer *tokenizer, const char *marker)
{
    if (strlen(marker) >= sizeof tokenizer->marker)
        return neck__fail(NECK_E_UNSUPPORTED, "the tokenizer's decoder replaces '%s'", marker);
    strcpy(tokenizer->marker, marker);
    return NECK_OK;
}

static neck_status read_replace_decoder(neck_tokenizer *tokenizer, const json_t *value)
{
    neck_status status = NECK_OK;
    const char *from = neck__json_text(json_object_get(value, "pattern"), "String", &status);
    const char *to = neck__json_text(value, "content", &status);
    NECK_TRY(status);
    if (strcmp(to, " ") != 0)
        return neck__fail(NECK_E_UNSUPPORTED, "the tokenizer's decoder replaces '%s' by '%s'", from, to);
    return set_marker(tokenizer, from);
}

static neck_status read_strip_decoder(neck_tokenizer *tokenizer, const json_t *value)
{
    const json_t *content = json_object_get(value, "content");
    if (!json_is_string(content) || strcmp(json_string_value(content), " ") != 0 ||
        json_integer_value(json_object_get(value, "start")) != 1 ||
        json_integer_value(json_object_get(value, "stop")) != 0)
        return neck__fail(NECK_E_UNSUPPORTED, "the tokenizer's decoder strips something else than one leading space");
    tokenizer->drops_leading_space = 1;
    return NECK_OK;
}

static neck_status read_metaspace_decoder(neck_tokenizer *tokenizer, const json_t *value)
{
    neck_status status = NECK_OK;
    int32_t prefix;
    const char *marker = neck__json_text(value, "replacement", &status);
    NECK_TRY(status);
    NECK_TRY(read_scheme(value, &prefix));
    tokenizer->drops_leading_space = prefix != NECK__PREFIX_NEVER;
    return set_marker(tokenizer, marker);
}

neck_status neck__json_decoder(neck_tokenizer *tokenizer, const json_t *value)
{
    static const part_type types[] = {{"ByteLevel", read_nothing},          {"ByteFallback", read_nothing},
                                      {"Fuse", read_nothing},               {"Replace", read_replace_decoder},
                                      {"Strip", read_strip_decoder},        {"Metaspace", read_metaspace_decoder}};
    static const part_kind kind = KIND("decoder", "decoders", types);
    return read_part(tokenizer, value, &kind);
}
