/* JSON, by jansson: parsed strictly, printed on one line. Only files of src/io, the program and tests include this; a module
 * that needs its settings as JSON includes io/settings_json.h, which knows nothing of jansson. */
#ifndef HNI_IO_JSON_H
#define HNI_IO_JSON_H

#include <jansson.h>

#include "core/context.h"
#include "io/text.h"

/* Duplicate keys, text after the end and everything else that is not JSON are errors "WHERE: line L, column C: ...".
 * json_decref the result. */
HN_MUST_USE hn_status hni_json_parse(hn_context *context, const char *where, const char *text, size_t size,
                                     json_t **out_json);
/* Adds the value on one line, keys in the order in which they were set. */
HN_MUST_USE hn_status hni_json_print(hni_text *text, const json_t *json);
/* Adds a quoted string; not UTF-8 is an error that names `what`. */
HN_MUST_USE hn_status hni_json_print_string(hni_text *text, const char *what, const char *string);
/* Any bytes as a text, each that is no UTF-8 as U+FFFD: a file's name may be anything. NULL is out of memory. */
json_t *hni_json_bytes(hn_context *context, const char *bytes, size_t size);
/* What kind of value this is, in words: "a number with a point". */
const char *hni_json_kind(const json_t *json);
/* jansson gave NULL where only memory can be the reason. */
HN_MUST_USE hn_status hni_json_no_memory(hn_context *context, const char *where);

#endif
