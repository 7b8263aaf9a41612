/* A text that grows: what a module writes before it goes to a file. And untrusted names made fit for a one-line message.
 * Not a string library: only what headers, recipes and reports need.
 *
 *     hni_text text = {.context = context};
 *     hni_text_add(&text, "%s: %d\n", name, count);      // may be called after a failure: does nothing
 *     HNI_TRY(text.status);
 *     ...
 *     cleanup: hni_text_free(&text);
 */
#ifndef HNI_IO_TEXT_H
#define HNI_IO_TEXT_H

#include "core/context.h"

typedef struct hni_text {
    hn_context *context;
    char *data;      /* ends in 0 once something was added; allocated by the context */
    size_t size;     /* without the 0 */
    size_t capacity; /* bytes allocated */
    hn_status status;
} hni_text;

void hni_text_add(hni_text *text, const char *format, ...) HN_PRINTF(2, 3);
void hni_text_add_bytes(hni_text *text, const void *bytes, size_t size);
void hni_text_free(hni_text *text);
/* The text itself, which then belongs to the caller (hni_free), or the first failure. Empty text gives "". */
HN_MUST_USE hn_status hni_text_take(hni_text *text, char **out_text);

/* `name` for a message: control characters and bytes that are no UTF-8 become '?', a long name is cut and ends in "...".
 * `size` >= 4. Returns buffer. */
char *hni_printable(const char *name, char *buffer, size_t size);

/* Number of bytes of the UTF-8 character at `bytes` (1 to 4), or 0 if there is none within `size` bytes. Strict: no overlong
 * forms, no surrogates, nothing above U+10FFFF. */
size_t hni_utf8_length(const void *bytes, size_t size);
/* Code point of the UTF-8 character of `length` bytes, which hni_utf8_length has found. */
uint32_t hni_utf8_code(const void *bytes, size_t length);
/* Writes the code point, below 0x110000, as UTF-8; returns the bytes written, 1 to 4. */
size_t hni_utf8_write(uint32_t code, uint8_t *out_bytes);
/* Whether the whole text is UTF-8; if not, *out_place is the first byte that is not, counted from 1. */
bool hni_is_utf8(const char *text, size_t *out_place);

#endif
