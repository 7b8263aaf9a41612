/* What SVG and HTML add to a growing text (io/text.h): numbers, and any bytes made readable and safe. */
#ifndef HNI_APP_PLOT_MARKUP_H
#define HNI_APP_PLOT_MARKUP_H

#include "io/text.h"

/* The text as it is. */
void hni_markup_text(hni_text *markup, const char *text);
/* A coordinate: at most two decimals, no trailing zeros, a dot whatever the locale; not finite becomes 0. */
void hni_markup_number(hni_text *markup, double number);
/* A count with a comma every three digits. */
void hni_markup_count(hni_text *markup, int64_t count);
/* Any bytes as valid, printable UTF-8: newline and tab stay, all else that cannot be shown becomes "·". */
void hni_markup_clean(hni_text *markup, const void *bytes, size_t size);
/* The same, safe as text or as a quoted attribute in XML and HTML. */
void hni_markup_escaped(hni_text *markup, const void *bytes, size_t size);
void hni_markup_escaped_text(hni_text *markup, const char *text);

#endif
