/* Colours by role. A drawing names a role ("grid", "third series", "seven tenths of the heat scale"); what it looks like in a
 * light or dark surrounding stands here alone. The series colours keep apart for the common kinds of colour blindness and have
 * a contrast of 3 or more to the paper; the heat scale's brightness only falls (light) or only rises (dark). Grey goes from black
 * to white in both; the diverging scale from blue over a middle near the paper to orange. */
#ifndef HNI_APP_PLOT_COLOUR_H
#define HNI_APP_PLOT_COLOUR_H

#include "app/plot/markup.h"

#define HNI_SERIES_INKS 6
#define HNI_HEAT_INKS 32
#define HNI_GREY_INKS 32
#define HNI_DIVERGING_INKS 33 /* odd: the middle has a colour of its own */

typedef enum hni_ink {
    HNI_INK_PAPER, /* behind everything */
    HNI_INK_TEXT,
    HNI_INK_MUTED, /* labels of axes, notes */
    HNI_INK_GRID,
    HNI_INK_AXIS,
    HNI_INK_EMPTY, /* a heat cell without a value */
    HNI_INK_PANEL, /* behind a quotation */
    HNI_INK_SERIES,
    HNI_INK_HEAT = HNI_INK_SERIES + HNI_SERIES_INKS,
    HNI_INK_GREY = HNI_INK_HEAT + HNI_HEAT_INKS,
    HNI_INK_DIVERGING = HNI_INK_GREY + HNI_GREY_INKS,
    HNI_INK_COUNT = HNI_INK_DIVERGING + HNI_DIVERGING_INKS
} hni_ink;

typedef struct hni_colour {
    uint8_t red, green, blue;
} hni_colour;

hni_colour hni_ink_colour(hni_ink ink, bool dark);
/* Series are numbered from 0; after HNI_SERIES_INKS the colours come again (drawings dash those lines). */
hni_ink hni_ink_series(size_t index);
/* share in 0 .. 1 (diverging: -1 .. 1), outside it the nearer end; NaN gives HNI_INK_EMPTY. */
hni_ink hni_ink_heat(double share);
hni_ink hni_ink_grey(double share);
hni_ink hni_ink_diverging(double share);

/* CSS rules for the classes that the SVG writer uses: .fN fills and .lN draws lines in ink N, .m and .s are fonts. Light, then
 * dark inside a media query; `theme` below restricts them to one. The rules hold no variables, so that viewers which know
 * none show the colours too. */
typedef enum hni_theme { HNI_THEME_AUTO, HNI_THEME_LIGHT, HNI_THEME_DARK } hni_theme;
/* For which inks: rules that a picture has no use for are left out of it. */
typedef struct hni_inks {
    bool fills[HNI_INK_COUNT], lines[HNI_INK_COUNT];
} hni_inks;
/* `inks` NULL: all. */
void hni_ink_css(hni_text *css, hni_theme theme, const hni_inks *inks);

#endif
