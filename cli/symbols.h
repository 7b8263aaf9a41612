/* What each symbol of a text took, collected while a model reads it, and the forms in which `eval --per-symbol` shows it. */
#ifndef HNI_CLI_SYMBOLS_H
#define HNI_CLI_SYMBOLS_H

#include <jansson.h>

#include "io/text.h"

typedef enum hni_symbols_form {
    HNI_SYMBOLS_NONE = 0,
    HNI_SYMBOLS_CSV,
    HNI_SYMBOLS_ANSI,
    HNI_SYMBOLS_HTML,
    HNI_SYMBOLS_TABLE, /* a row a kind of symbol */
    HNI_SYMBOLS_FORMS
} hni_symbols_form;
/* "csv", ..; "" for none. NULL-terminated. */
extern const char *const hni_symbols_words[HNI_SYMBOLS_FORMS + 1];

typedef struct hni_symbols hni_symbols;
HN_MUST_USE hn_status hni_symbols_create(hn_context *context, hni_symbols **out_symbols);
/* NULL is allowed. */
void hni_symbols_destroy(hni_symbols *symbols);
/* As hni_evaluate_options.symbol, with the symbols as user. A failure shows in hni_symbols_print. */
void hni_symbols_take(void *user, int64_t row, const char *bytes, size_t size, double bits);

/* The same from a dynamic evaluation of the same text, once all were taken: one more column of the CSV. */
void hni_symbols_take_dynamic(void *user, int64_t row, const char *bytes, size_t size, double bits);

/* title and figure: of the page. Appends to the text. */
HN_MUST_USE hn_status hni_symbols_print(const hni_symbols *symbols, hni_symbols_form form, const char *title,
                                        const char *figure, hni_text *out_text);
/* The table as JSON. */
json_t *hni_symbols_json(const hni_symbols *symbols);

#endif
