/* Text coloured by surprise: every character stands on a ground that is the stronger the more bits a model needed to predict it.
 * The colours are those of the weight-change picture; the scale is fixed, so that two models can be compared. Knows nothing of
 * models. */
#ifndef HNI_APP_PLOT_SURPRISE_H
#define HNI_APP_PLOT_SURPRISE_H

#include "app/plot/heat.h"

/* Where the scale ends: what a byte takes without any model. */
#define HNI_SURPRISE_BITS 8.0

typedef struct hni_surprise {
    const unsigned char *bytes; /* the text, any bytes */
    size_t count;
    const float *bits; /* [count]; a symbol of several bytes has 0 behind its first; NaN: not predicted */
} hni_surprise;

/* Bits of a character: the sum over its bytes that were predicted, NaN if none was. */
double hni_surprise_value(const hni_surprise *surprise, size_t start, size_t size);

/* For a terminal; where colour is not wanted, a line of shade characters under each line of text. */
HN_MUST_USE hn_status hni_surprise_ansi(hn_context *context, const hni_surprise *surprise, int columns, hni_ansi ansi,
                                        hni_text *out_text);
/* A whole page that needs nothing beside it, light or dark as the reader's system is; the bits of a character show under the
 * pointer. */
HN_MUST_USE hn_status hni_surprise_page(const hni_surprise *surprise, const char *title, const char *figure,
                                        hni_text *out_html);

#endif
