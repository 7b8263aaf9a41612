/* See ansi.h. */
#include "app/plot/ansi.h"

#include <math.h>
#include <string.h>

static const char *const shades[5] = {" ", "░", "▒", "▓", "█"};

hni_ansi hni_ansi_choose(const char *no_color, const char *colorterm, const char *term)
{
    if (no_color != NULL && no_color[0] != '\0') return HNI_ANSI_SHADES;
    if (colorterm != NULL && (strcmp(colorterm, "truecolor") == 0 || strcmp(colorterm, "24bit") == 0))
        return HNI_ANSI_TRUE;
    if (term == NULL || term[0] == '\0' || strcmp(term, "dumb") == 0) return HNI_ANSI_SHADES;
    return HNI_ANSI_256;
}

static int distance(hni_colour a, hni_colour b)
{
    const int red = a.red - b.red, green = a.green - b.green, blue = a.blue - b.blue;
    return red * red + green * green + blue * blue;
}

/* The nearest of the fixed colours of a terminal: a 6 x 6 x 6 cube from 16 on, 24 greys from 232 on. */
static int index_of(hni_colour colour)
{
    static const uint8_t levels[6] = {0, 95, 135, 175, 215, 255};
    const int parts[3] = {colour.red, colour.green, colour.blue};
    int places[3];
    for (int i = 0; i < 3; i++)
        places[i] = parts[i] < 48 ? 0 : parts[i] < 115 ? 1 : (parts[i] - 35) / 40;
    const hni_colour cube = {levels[places[0]], levels[places[1]], levels[places[2]]};
    const int mean = (parts[0] + parts[1] + parts[2]) / 3;
    const int step = mean < 3 ? 0 : mean > 238 ? 23 : (mean - 3) / 10;
    const uint8_t level = (uint8_t)(8 + 10 * step);
    if (distance(colour, (hni_colour){level, level, level}) < distance(colour, cube)) return 232 + step;
    return 16 + 36 * places[0] + 6 * places[1] + places[2];
}

/* `layer` is 38 for characters, 48 for the ground. */
static void add_colour(hni_text *out, hni_colour colour, hni_ansi ansi, int layer)
{
    if (ansi == HNI_ANSI_TRUE) {
        hni_text_add(out, "\033[%d;2;%d;%d;%dm", layer, colour.red, colour.green, colour.blue);
    } else {
        hni_text_add(out, "\033[%d;5;%dm", layer, index_of(colour));
    }
}

void hni_ansi_ground(hni_text *out, hni_colour colour, hni_ansi ansi) { add_colour(out, colour, ansi, 48); }

void hni_ansi_ink(hni_text *out, hni_colour colour, hni_ansi ansi) { add_colour(out, colour, ansi, 38); }

const char *hni_ansi_shade(double share)
{
    return isnan(share) ? "?" : shades[(int)(fmin(fmax(share, 0.0), 1.0) * 4.0 + 0.5)];
}
