/* Colours on a terminal: what it can show, and the sequences that ask for it. */
#ifndef HNI_APP_PLOT_ANSI_H
#define HNI_APP_PLOT_ANSI_H

#include "app/plot/colour.h"

typedef enum hni_ansi { HNI_ANSI_SHADES, HNI_ANSI_256, HNI_ANSI_TRUE } hni_ansi;
/* What a terminal can show, from the values of NO_COLOR, COLORTERM and TERM; NULL: not set. */
hni_ansi hni_ansi_choose(const char *no_color, const char *colorterm, const char *term);

/* From here on the terminal writes on this ground, or in this colour (not for HNI_ANSI_SHADES). */
void hni_ansi_ground(hni_text *out, hni_colour colour, hni_ansi ansi);
void hni_ansi_ink(hni_text *out, hni_colour colour, hni_ansi ansi);
/* The shade character of a place on a scale from 0 to 1; "?" for NaN. */
const char *hni_ansi_shade(double share);

#endif
