/* See album.h. */
#include "app/plot/album.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "app/plot/frame.h"
#include "app/plot/utf8.h"
#include "core/alloc.h"

#define SIDE 72.0 /* most that an image takes */
#define CELL 92.0
#define GAP 12.0
#define NAME 24.0
#define FONT 11.0 /* of the words */
#define LINE_HEIGHT 14.0
#define LINES_MOST 3
#define LINE_BYTES 160

typedef struct album_drawing {
    const hni_album *album;
    hni_canvas *canvas;
    double edge, head, cell; /* cell: width of an image with its words */
    size_t columns;
} album_drawing;

/* ---- words ---- */

typedef struct album_words {
    char lines[LINES_MOST][LINE_BYTES];
    size_t count;
} album_words;

/* Bytes of the longest start of the text that fits: up to a space, or cut where a word is too long. */
static size_t fitting(const char *text, double width)
{
    const size_t size = strlen(text);
    size_t at = 0, after_word = 0;
    double columns = 0;
    while (at < size) {
        const hni_glyph glyph = hni_glyph_at((const unsigned char *)text, size, at);
        columns += glyph.columns;
        if (columns * FONT * 0.57 > width || at + glyph.size >= LINE_BYTES - 8)
            return after_word > 0 ? after_word : at > 0 ? at : glyph.size;
        at += glyph.size;
        if (at < size && text[at] == ' ') after_word = at;
    }
    return size;
}

static album_words wrap(const char *text, double width)
{
    album_words words = {.count = 0};
    while (text != NULL && *text != '\0' && words.count < LINES_MOST) {
        const size_t size = fitting(text, width);
        char *line = words.lines[words.count++];
        (void)snprintf(line, LINE_BYTES, "%.*s", (int)size, text);
        text += size;
        text += strspn(text, " ");
        if (*text != '\0' && words.count == LINES_MOST) (void)snprintf(line + size, LINE_BYTES - size, "…");
    }
    return words;
}

/* ---- images ---- */

/* Side of a pixel: whole half units where the image is not too large for that. */
static double pixel_side(const hni_bitmap *image)
{
    const double longest = (double)(image->height > image->width ? image->height : image->width);
    return longest <= 2.0 * SIDE ? 0.5 * floor(2.0 * SIDE / longest) : SIDE / longest;
}

static hn_status draw_image(hn_context *context, const album_drawing *drawing, const hni_bitmap *image, hni_point at)
{
    const size_t longest = image->height > image->width ? image->height : image->width;
    const double side = pixel_side(image), width = (double)image->width * side, height = (double)image->height * side;
    hni_palette palette;
    int *starts = NULL;
    uint8_t *places = NULL;
    hn_status status = HN_OK;
    HNI_TRY(hni_alloc_array(context, "album", longest, sizeof *starts, (void **)&starts));
    HNI_TRY(hni_alloc_array(context, "album", image->height * image->width, 1, (void **)&places));
    HNI_TRY(hni_palette_of(context, image, &palette, places));
    for (size_t i = 0; i < longest; i++)
        starts[i] = (int)i;
    hni_canvas_rectangle(drawing->canvas, (hni_box){at.x - 1.0, at.y - 1.0, width + 2.0, height + 2.0}, HNI_INK_GRID);
    hni_canvas_mosaic(drawing->canvas, &(hni_mosaic){.at = at,
                                                     .unit = side,
                                                     .left = starts,
                                                     .top = starts,
                                                     .columns = image->width,
                                                     .rows = image->height,
                                                     .cell = 1,
                                                     .paints = places,
                                                     .colours = palette.colours});

cleanup:
    hni_free(context, starts);
    hni_free(context, places);
    return status;
}

/* ---- the whole ---- */

static size_t end_of_row(const album_drawing *drawing, size_t first)
{
    const size_t end = first + drawing->columns;
    return end < drawing->album->count ? end : drawing->album->count;
}

/* Height of the images, and of all with their words. */
static double image_height(const album_drawing *drawing, size_t first)
{
    double most = 0;
    for (size_t i = first; i < end_of_row(drawing, first); i++) {
        const hni_bitmap *image = &drawing->album->items[i].image;
        most = fmax(most, (double)image->height * pixel_side(image));
    }
    return most;
}

static double row_height(const album_drawing *drawing, size_t first)
{
    size_t lines = 0;
    for (size_t i = first; i < end_of_row(drawing, first); i++) {
        const album_words words = wrap(drawing->album->items[i].words, drawing->cell);
        lines = words.count > lines ? words.count : lines;
    }
    return image_height(drawing, first) + (double)lines * LINE_HEIGHT + GAP;
}

static hn_status draw_item(hn_context *context, const album_drawing *drawing, size_t index, double y)
{
    const hni_album_item *item = &drawing->album->items[index];
    const hni_text_style style = {.ink = HNI_INK_TEXT, .size = FONT};
    const size_t column = index % drawing->columns;
    const double x = drawing->edge + 1.0 + (double)column * (drawing->cell + GAP);
    const double below = y + image_height(drawing, index - column);
    const album_words words = wrap(item->words, drawing->cell);
    const char *hover = item->hover != NULL ? item->hover : item->words;
    if (hover != NULL) hni_canvas_hover(drawing->canvas, hover);
    const double own = (double)item->image.height * pixel_side(&item->image);
    const hn_status status = draw_image(context, drawing, &item->image, (hni_point){x, below - own});
    for (size_t line = 0; line < words.count; line++) {
        hni_canvas_text(drawing->canvas, (hni_point){x, below + 13.0 + (double)line * LINE_HEIGHT}, words.lines[line],
                        &style);
    }
    if (hover != NULL) hni_canvas_hover_end(drawing->canvas);
    return status;
}

static hn_status draw_all(hn_context *context, const album_drawing *drawing)
{
    const hni_album *album = drawing->album;
    hn_status status = HN_OK;
    if (album->name != NULL) {
        const hni_text_style bold = {.ink = HNI_INK_TEXT, .size = HNI_FRAME_FONT, .bold = true};
        char name[400];
        hni_short_name(album->name, (size_t)(drawing->cell * (double)drawing->columns / (HNI_FRAME_FONT * 0.68)), name,
                       sizeof name);
        hni_canvas_text(drawing->canvas, (hni_point){drawing->edge, 14.0}, name, &bold);
    }
    if (album->count == 0) {
        const hni_text_style style = {.ink = HNI_INK_MUTED, .size = HNI_FRAME_FONT};
        hni_canvas_text(drawing->canvas, (hni_point){drawing->edge, drawing->head + 14.0}, "no images", &style);
    }
    double y = drawing->head;
    for (size_t first = 0; first < album->count; first += drawing->columns) {
        for (size_t i = first; i < end_of_row(drawing, first); i++)
            HNI_TRY(draw_item(context, drawing, i, y));
        y += row_height(drawing, first);
    }

cleanup:
    return status;
}

hn_status hni_album_picture(hn_context *context, const hni_album *album, const hni_canvas_options *options,
                            hni_text *out_bytes)
{
    album_drawing drawing = {.album = album, .edge = options->inlined ? 0.0 : 10.0};
    hni_canvas_options sized = *options;
    hn_status status = HN_OK;
    if (!(options->width >= 240)) {
        return hni_error(context, HN_ERROR_ARGUMENT, "album: a picture %.0f wide is too small: give at least 240",
                         options->width);
    }
    for (size_t i = 0; i < album->count; i++)
        HNI_TRY(hni_bitmap_check(context, "album", &album->items[i].image));
    const double room = fmin(options->width, 1e6) - 2.0 * drawing.edge - 2.0;
    drawing.head = (album->name != NULL ? NAME : 4.0) + 1.0;
    drawing.columns = (size_t)fmax(1.0, floor((room + GAP) / (CELL + GAP)));
    drawing.cell = (room + GAP) / (double)drawing.columns - GAP;
    sized.height = drawing.head + (album->count == 0 ? 24.0 : 0.0) + drawing.edge;
    for (size_t first = 0; first < album->count; first += drawing.columns)
        sized.height += row_height(&drawing, first);
    sized.height = ceil(sized.height);
    HNI_TRY(hni_canvas_create(context, &sized, &drawing.canvas));
    HNI_TRY(draw_all(context, &drawing));
    HNI_TRY(hni_canvas_finish(drawing.canvas, out_bytes));

cleanup:
    hni_canvas_destroy(drawing.canvas);
    return status;
}
