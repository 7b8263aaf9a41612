/* See colour.h. */
#include "app/plot/colour.h"

#include <math.h>

/* Red, green and blue as 0xRRGGBB; light, then dark. */
static const uint32_t roles[2][HNI_INK_HEAT] = {
    {
        [HNI_INK_PAPER] = 0xffffff,
        [HNI_INK_TEXT] = 0x1b2027,
        [HNI_INK_MUTED] = 0x5c6570,
        [HNI_INK_GRID] = 0xe6e8ec,
        [HNI_INK_AXIS] = 0x9aa3ae,
        [HNI_INK_EMPTY] = 0xeeeff1,
        [HNI_INK_PANEL] = 0xf6f5f2,
        [HNI_INK_SERIES + 0] = 0x386fb5,
        [HNI_INK_SERIES + 1] = 0xac3c2d,
        [HNI_INK_SERIES + 2] = 0x339a86,
        [HNI_INK_SERIES + 3] = 0x6f1090,
        [HNI_INK_SERIES + 4] = 0xba8706,
        [HNI_INK_SERIES + 5] = 0x26313f,
    },
    {
        [HNI_INK_PAPER] = 0x15181d,
        [HNI_INK_TEXT] = 0xe8eaed,
        [HNI_INK_MUTED] = 0xa3abb6,
        [HNI_INK_GRID] = 0x2a2f37,
        [HNI_INK_AXIS] = 0x5d6672,
        [HNI_INK_EMPTY] = 0x22262d,
        [HNI_INK_PANEL] = 0x1d2128,
        [HNI_INK_SERIES + 0] = 0x568afe,
        [HNI_INK_SERIES + 1] = 0xe0523f,
        [HNI_INK_SERIES + 2] = 0x5df0a4,
        [HNI_INK_SERIES + 3] = 0xa867b8,
        [HNI_INK_SERIES + 4] = 0xe1a407,
        [HNI_INK_SERIES + 5] = 0xa9b8c9,
    },
};

/* The scales at equal distances from one end to the other; between them the colours are mixed. */
typedef struct colour_scale {
    hni_ink first;
    int inks, stops;
    uint32_t colours[2][6]; /* light, dark */
} colour_scale;

static const colour_scale scales[] = {
    {HNI_INK_HEAT,
     HNI_HEAT_INKS,
     6,
     {{0xfbf3e4, 0xfbcf95, 0xf0895a, 0xc4425e, 0x762170, 0x2c104d},
      {0x1d1a2e, 0x4b1f6c, 0x9c2f72, 0xe25b5d, 0xfba565, 0xfdf1c3}}},
    {HNI_INK_GREY, HNI_GREY_INKS, 2, {{0x000000, 0xffffff}, {0x000000, 0xffffff}}},
    {HNI_INK_DIVERGING,
     HNI_DIVERGING_INKS,
     5,
     {{0x12396e, 0x5b93cc, 0xf4f3f0, 0xe08a4f, 0x84280c}, {0xa9d1ff, 0x3b74bd, 0x23272e, 0xbd5a2b, 0xffcb9a}}},
};

static hni_colour unpack(uint32_t packed)
{
    return (hni_colour){(uint8_t)(packed >> 16), (uint8_t)(packed >> 8 & 0xff), (uint8_t)(packed & 0xff)};
}

static uint8_t mix(uint8_t from, uint8_t to, int part, int whole)
{
    return (uint8_t)((from * (whole - part) + to * part + whole / 2) / whole);
}

hni_colour hni_ink_colour(hni_ink ink, bool dark)
{
    int theme = dark ? 1 : 0;
    if (ink < HNI_INK_HEAT) return unpack(roles[theme][ink]);
    const colour_scale *scale = &scales[ink < HNI_INK_GREY ? 0 : ink < HNI_INK_DIVERGING ? 1 : 2];
    int whole = scale->inks - 1, parts = scale->stops - 1;
    int place = ((int)ink - (int)scale->first) * parts;
    int stop = place / whole < parts ? place / whole : parts - 1;
    int part = place - stop * whole;
    hni_colour from = unpack(scale->colours[theme][stop]), to = unpack(scale->colours[theme][stop + 1]);
    return (hni_colour){mix(from.red, to.red, part, whole), mix(from.green, to.green, part, whole),
                        mix(from.blue, to.blue, part, whole)};
}

hni_ink hni_ink_series(size_t index) { return (hni_ink)(HNI_INK_SERIES + (int)(index % HNI_SERIES_INKS)); }

static hni_ink ink_at(hni_ink first, int inks, double share)
{
    if (isnan(share)) return HNI_INK_EMPTY;
    return (hni_ink)((int)first + (int)(fmin(fmax(share, 0.0), 1.0) * (inks - 1) + 0.5));
}

hni_ink hni_ink_heat(double share) { return ink_at(HNI_INK_HEAT, HNI_HEAT_INKS, share); }

hni_ink hni_ink_grey(double share) { return ink_at(HNI_INK_GREY, HNI_GREY_INKS, share); }

hni_ink hni_ink_diverging(double share) { return ink_at(HNI_INK_DIVERGING, HNI_DIVERGING_INKS, 0.5 + 0.5 * share); }

static void write_rules(hni_text *css, bool dark, const hni_inks *inks)
{
    for (int ink = 0; ink < HNI_INK_COUNT; ink++) {
        hni_colour colour = hni_ink_colour((hni_ink)ink, dark);
        if (inks == NULL || inks->fills[ink])
            hni_text_add(css, ".f%d{fill:#%02x%02x%02x}", ink, colour.red, colour.green, colour.blue);
        if (inks == NULL || inks->lines[ink])
            hni_text_add(css, ".l%d{stroke:#%02x%02x%02x}", ink, colour.red, colour.green, colour.blue);
        if (ink % 8 == 7) hni_markup_text(css, "\n");
    }
    hni_markup_text(css, "\n");
}

void hni_ink_css(hni_text *css, hni_theme theme, const hni_inks *inks)
{
    hni_markup_text(css, ".m{font-family:ui-monospace,\"DejaVu Sans Mono\",Menlo,Consolas,monospace;white-space:pre;"
                         "direction:ltr;unicode-bidi:bidi-override}\n"
                         ".s{font-family:system-ui,\"Segoe UI\",Roboto,\"DejaVu Sans\",sans-serif}\n"
                         ".l{fill:none;stroke-linejoin:round;stroke-linecap:round}\n");
    write_rules(css, theme == HNI_THEME_DARK, inks);
    if (theme != HNI_THEME_AUTO) return;
    hni_markup_text(css, "@media (prefers-color-scheme:dark){\n");
    write_rules(css, true, inks);
    hni_markup_text(css, "}\n");
}
