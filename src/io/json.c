/* See json.h. */
#include "io/json.h"

hn_status hni_json_no_memory(hn_context *context, const char *where)
{
    return hni_error(context, HN_ERROR_MEMORY, "%s: out of memory while handling JSON: close other programs", where);
}

hn_status hni_json_parse(hn_context *context, const char *where, const char *text, size_t size, json_t **out_json)
{
    json_error_t error = {.line = -1};
    *out_json = json_loadb(text, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (*out_json != NULL) return HN_OK;
    if (error.text[0] == 0) return hni_json_no_memory(context, where); /* jansson has no words for it */
    char words[160];
    return hni_error(context, HN_ERROR_FORMAT, "%s: line %d, column %d: %s (is the file damaged?)", where, error.line,
                     error.column, hni_printable(error.text, words, sizeof words));
}

static int add_piece(const char *piece, size_t size, void *text)
{
    hni_text_add_bytes(text, piece, size);
    return ((hni_text *)text)->status == HN_OK ? 0 : -1;
}

hn_status hni_json_print(hni_text *text, const json_t *json)
{
    int failed = json_dump_callback(json, add_piece, text, JSON_COMPACT | JSON_ENCODE_ANY);
    if (text->status == HN_OK && failed != 0) text->status = hni_json_no_memory(text->context, "JSON");
    return text->status;
}

hn_status hni_json_print_string(hni_text *text, const char *what, const char *string)
{
    size_t place;
    if (text->status != HN_OK) return text->status;
    if (!hni_is_utf8(string, &place)) {
        text->status = hni_error(text->context, HN_ERROR_ARGUMENT,
                                 "%s: byte %zu is not UTF-8, which JSON wants: rename it", what, place);
        return text->status;
    }
    json_t *json = json_string(string);
    if (json == NULL) return text->status = hni_json_no_memory(text->context, what);
    hn_status status = hni_json_print(text, json);
    json_decref(json);
    return status;
}

json_t *hni_json_bytes(hn_context *context, const char *bytes, size_t size)
{
    hni_text shown = {.context = context};
    for (size_t i = 0; i < size;) {
        const size_t whole = hni_utf8_length(bytes + i, size - i);
        if (whole > 0) {
            hni_text_add_bytes(&shown, bytes + i, whole);
        } else {
            hni_text_add(&shown, "\xEF\xBF\xBD");
        }
        i += whole > 0 ? whole : 1;
    }
    json_t *json = shown.status == HN_OK ? json_stringn(shown.data != NULL ? shown.data : "", shown.size) : NULL;
    hni_text_free(&shown);
    return json;
}

const char *hni_json_kind(const json_t *json)
{
    switch (json_typeof(json)) {
    case JSON_OBJECT: return "an object";
    case JSON_ARRAY: return "a list";
    case JSON_STRING: return "a text";
    case JSON_INTEGER: return "a whole number";
    case JSON_REAL: return "a number with a point or an exponent";
    case JSON_TRUE:
    case JSON_FALSE: return "true or false";
    case JSON_NULL: return "null";
    default: return "of an unknown kind";
    }
}
