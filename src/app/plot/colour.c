/* See colour.h. */
#include "app/plot/colour.h"

#include <math.h>

static const hni_colour roles[2][HNI_INK_HEAT] = {
    {
        {0xff, 0xff, 0xff},
        {0x1b, 0x20, 0x27},
        {0x5c, 0x65, 0x70},
        {0xe6, 0xe8, 0xec},
        {0x9a, 0xa3, 0xae},
        {0xee, 0xef, 0xf1},
        {0x38, 0x6f, 0xb5},
        {0xac, 0x3c, 0x2d},
        {0x33, 0x9a, 0x86},
        {0x6f, 0x10, 0x90},
        {0xba, 0x87, 0x06},
        {0x26, 0x31, 0x3f},
    },
    {
        {0x15, 0x18, 0x1d},
        {0xe8, 0xea, 0xed},
        {0xa3, 0xab, 0xb6},
        {0x2a, 0x2f, 0x37},
        {0x5d, 0x66, 0x72},
        {0x22, 0x26, 0x2d},
        {0x56, 0x8a, 0xfe},
        {0xe0, 0x52, 0x3f},
        {0x5d, 0xf0, 0xa4},
        {0xa8, 0x67, 0xb8},
        {0xe1, 0xa4, 0x07},
        {0xa9, 0xb8, 0xc9},
    },
};

/* The heat scale at 0, 1/5 .. 1; between them the colours are mixed. */
#define STOPS 6
static const hni_colour heat[2][STOPS] = {
    {{0xfb, 0xf3, 0xe4},
     {0xfb, 0xcf, 0x95},
     {0xf0, 0x89, 0x5a},
     {0xc4, 0x42, 0x5e},
     {0x76, 0x21, 0x70},
     {0x2c, 0x10, 0x4d}},
    {{0x1d, 0x1a, 0x2e},
     {0x4b, 0x1f, 0x6c},
     {0x9c, 0x2f, 0x72},
     {0xe2, 0x5b, 0x5d},
     {0xfb, 0xa5, 0x65},
     {0xfd, 0xf1, 0xc3}},
};

static uint8_t mix(uint8_t from, uint8_t to, int part, int whole)
{
    return (uint8_t)((from * (whole - part) + to * part + whole / 2) / whole);
}

hni_colour hni_ink_colour(hni_ink ink, bool dark)
{
    int theme = dark ? 1 : 0;
    if (ink < HNI_INK_HEAT) return roles[theme][ink];
    int whole = HNI_HEAT_INKS - 1;
    int place = ((int)ink - HNI_INK_HEAT) * (STOPS - 1);
    int stop = place / whole < STOPS - 1 ? place / whole : STOPS - 2;
    int part = place - stop * whole;
    hni_colour from = heat[theme][stop], to = heat[theme][stop + 1];
    return (hni_colour){mix(from.red, to.red, part, whole), mix(from.green, to.green, part, whole),
                        mix(from.blue, to.blue, part, whole)};
}

hni_ink hni_ink_series(size_t index) { return (hni_ink)(HNI_INK_SERIES + (int)(index % HNI_SERIES_INKS)); }

hni_ink hni_ink_heat(double share)
{
    if (isnan(share)) return HNI_INK_EMPTY;
    double bounded = fmin(fmax(share, 0.0), 1.0);
    return (hni_ink)(HNI_INK_HEAT + (int)(bounded * (HNI_HEAT_INKS - 1) + 0.5));
}

static void write_rules(hni_text *css, bool dark)
{
    for (int ink = 0; ink < HNI_INK_COUNT; ink++) {
        hni_colour colour = hni_ink_colour((hni_ink)ink, dark);
        hni_text_add(css, ".f%d{fill:#%02x%02x%02x}", ink, colour.red, colour.green, colour.blue);
        if (ink < HNI_INK_HEAT)
            hni_text_add(css, ".l%d{stroke:#%02x%02x%02x}", ink, colour.red, colour.green, colour.blue);
        if (ink % 8 == 7) hni_markup_text(css, "\n");
    }
    hni_markup_text(css, "\n");
}

void hni_ink_css(hni_text *css, hni_theme theme)
{
    hni_markup_text(css, ".m{font-family:ui-monospace,\"DejaVu Sans Mono\",Menlo,Consolas,monospace;white-space:pre;"
                         "direction:ltr;unicode-bidi:bidi-override}\n"
                         ".s{font-family:system-ui,\"Segoe UI\",Roboto,\"DejaVu Sans\",sans-serif}\n"
                         ".l{fill:none;stroke-linejoin:round;stroke-linecap:round}\n");
    write_rules(css, theme == HNI_THEME_DARK);
    if (theme != HNI_THEME_AUTO) return;
    hni_markup_text(css, "@media (prefers-color-scheme:dark){\n");
    write_rules(css, true);
    hni_markup_text(css, "}\n");
}
