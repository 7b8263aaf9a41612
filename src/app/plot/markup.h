/* Text that grows while it is written: SVG, HTML, ANSI, and the bytes of PNG and PDF. The first failure (memory) is kept, all
 * calls after it do nothing, so that writing code stays flat; whoever uses the bytes asks `status` first. */
#ifndef HNI_APP_PLOT_MARKUP_H
#define HNI_APP_PLOT_MARKUP_H

#include "core/context.h"

typedef struct hni_markup {
    hn_context *context;
    char *bytes; /* a 0 byte stands behind them; NULL while nothing was written */
    size_t size, capacity;
    hn_status status;
} hni_markup;

void hni_markup_init(hni_markup *markup, hn_context *context);
void hni_markup_destroy(hni_markup *markup);

void hni_markup_bytes(hni_markup *markup, const void *bytes, size_t size);
void hni_markup_text(hni_markup *markup, const char *text);
void hni_markup_format(hni_markup *markup, const char *format, ...) HN_PRINTF(2, 3);
/* A coordinate: at most two decimals, no trailing zeros, a dot whatever the locale; not finite becomes 0. */
void hni_markup_number(hni_markup *markup, double number);
/* A count with a comma every three digits. */
void hni_markup_count(hni_markup *markup, int64_t count);
/* Any bytes as valid, printable UTF-8: newline and tab stay, all else that cannot be shown becomes "·". */
void hni_markup_clean(hni_markup *markup, const void *bytes, size_t size);
/* The same, safe as text or as a quoted attribute in XML and HTML. */
void hni_markup_escaped(hni_markup *markup, const void *bytes, size_t size);
void hni_markup_escaped_text(hni_markup *markup, const char *text);

#endif
