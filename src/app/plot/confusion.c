/* See confusion.h. */
#include "app/plot/confusion.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "app/plot/frame.h"

#define NAME_MOST 12
#define LINE_HEIGHT 18.0
#define CELL_WIDEST 66.0
#define CELL_HIGHEST 36.0
#define NAMES_FROM 5.5 /* height of a row from which on names are written: an SVG can be made larger */
#define BAR 40.0       /* of a class's accuracy */
#define FAINTEST 0.15  /* of a scale: one example shall not look like none */
#define BRIGHT 0.62    /* of a scale: from here on words in the cell have the paper's colour */
#define STEPS 16       /* of the bars that explain the colours */

typedef struct confusion_drawing {
    const hni_confusion *confusion;
    hni_canvas *canvas;
    double edge, width;
    bool narrow, named, upward; /* upward: the columns' names are turned */
    double font;                /* of names and accuracies */
    double head, right;         /* room over the cells, and behind them */
    hni_box cells;
    double cell_width, cell_height, gap;
    double total, correct;
    double worst; /* the largest share of a class that was taken for another */
} confusion_drawing;

/* ---- numbers ---- */

uint64_t hni_confusion_count(const hni_confusion *confusion, size_t class)
{
    uint64_t count = 0;
    for (size_t said = 0; said < confusion->classes; said++)
        count += confusion->counts[class * confusion->classes + said];
    return count;
}

double hni_confusion_share_right(const hni_confusion *confusion, size_t class)
{
    const uint64_t count = hni_confusion_count(confusion, class);
    const uint64_t right = confusion->counts[class * confusion->classes + class];
    return count > 0 ? (double)right / (double)count : (double)NAN;
}

static double count_at(const confusion_drawing *drawing, size_t row, size_t column)
{
    return (double)drawing->confusion->counts[row * drawing->confusion->classes + column];
}

static double count_of_row(const confusion_drawing *drawing, size_t row)
{
    return (double)hni_confusion_count(drawing->confusion, row);
}

static void add_up(confusion_drawing *drawing)
{
    const size_t classes = drawing->confusion->classes;
    for (size_t row = 0; row < classes; row++) {
        const double sum = count_of_row(drawing, row);
        drawing->total += sum;
        drawing->correct += count_at(drawing, row, row);
        for (size_t column = 0; column < classes; column++) {
            if (column != row && sum > 0) drawing->worst = fmax(drawing->worst, count_at(drawing, row, column) / sum);
        }
    }
}

/* Place on the diverging scale: blue for what was right, orange for errors. */
static double shade(double share, bool right) { return (right ? -1.0 : 1.0) * (FAINTEST + (1.0 - FAINTEST) * share); }

/* "98.4 %", "0.42 %"; only all is 100 % */
static void percent_text(double share, char *out_text, size_t size)
{
    const double percent = share < 1.0 ? fmin(100.0 * share, 99.9) : 100.0;
    (void)snprintf(out_text, size, percent >= 100 ? "%.0f %%" : percent >= 1 ? "%.1f %%" : "%.2f %%", percent);
}

static void name_of(const confusion_drawing *drawing, size_t index, char *out_text, size_t size)
{
    const char *const *names = drawing->confusion->names;
    if (names == NULL) {
        (void)snprintf(out_text, size, "%zu", index);
    } else {
        hni_short_name(names[index], NAME_MOST, out_text, size);
    }
}

/* ---- layout ---- */

static double widest_name(const confusion_drawing *drawing, double font)
{
    double widest = 0;
    for (size_t i = 0; i < drawing->confusion->classes; i++) {
        char name[80];
        name_of(drawing, i, name, sizeof name);
        widest = fmax(widest, hni_text_width(name, font));
    }
    return 1.08 * widest; /* of some names the guess is too small */
}

static double lay_out_cells(confusion_drawing *drawing)
{
    const double classes = (double)drawing->confusion->classes;
    const double names = drawing->named ? widest_name(drawing, drawing->font) + 8.0 : 0.0;
    drawing->right = 8.0 + BAR + (drawing->named ? 4.0 + hni_text_width("100 %0", drawing->font) : 0.0);
    drawing->cells.x = drawing->edge + names;
    drawing->cell_width =
        fmin((drawing->width - drawing->edge - drawing->right - drawing->cells.x) / classes, CELL_WIDEST);
    drawing->cell_height = fmin(drawing->cell_width, CELL_HIGHEST);
    return drawing->cell_height;
}

static void lay_out(confusion_drawing *drawing)
{
    const double classes = (double)drawing->confusion->classes;
    drawing->named = true;
    drawing->font = HNI_FRAME_FONT;
    for (int i = 0; i < 2; i++) /* names of a smaller font leave more room for cells */
        drawing->font = fmin(HNI_FRAME_FONT, 0.95 * lay_out_cells(drawing));
    drawing->named = lay_out_cells(drawing) >= NAMES_FROM;
    (void)lay_out_cells(drawing);
    const double widest = widest_name(drawing, drawing->font);
    drawing->upward = widest > drawing->cell_width - 2.0;
    drawing->head = (drawing->narrow ? 4.0 : 2.0) * LINE_HEIGHT + 10.0;
    drawing->cells.y = drawing->head + (drawing->named ? (drawing->upward ? widest : drawing->font) + 6.0 : 0.0);
    drawing->cells.width = classes * drawing->cell_width;
    drawing->cells.height = classes * drawing->cell_height;
    drawing->gap = drawing->cell_height >= 12.0 ? 1.0 : 0.0;
}

/* ---- words around the cells ---- */

/* "wrong: [colours] up to 4.1 % of a class" */
static double draw_scale(const confusion_drawing *drawing, hni_point at, bool right)
{
    const hni_text_style style = {.ink = HNI_INK_MUTED, .size = HNI_FRAME_FONT};
    const double from = at.x, bar = 80.0;
    const char *word = right ? "right" : "wrong";
    char text[64], percent[32];
    hni_canvas_text(drawing->canvas, at, word, &style);
    at.x += hni_text_width(word, HNI_FRAME_FONT) + 9.0;
    for (int i = 0; i < STEPS; i++) { /* each reaches under the next one, so that no viewer shows a seam */
        const hni_box box = {at.x + i * bar / STEPS, at.y - 9.0, bar / STEPS + (i + 1 < STEPS ? 1.0 : 0.0), 9.0};
        hni_canvas_rectangle(drawing->canvas, box, hni_ink_diverging(shade(i / (STEPS - 1.0), right)));
    }
    at.x += bar + 6.0;
    percent_text(right ? 1.0 : drawing->worst, percent, sizeof percent);
    (void)snprintf(text, sizeof text, "up to %s of a class", percent);
    hni_canvas_text(drawing->canvas, at, text, &style);
    return at.x + hni_text_width(text, HNI_FRAME_FONT) - from;
}

static void draw_head(const confusion_drawing *drawing)
{
    const hni_text_style bold = {.ink = HNI_INK_TEXT, .size = HNI_FRAME_FONT, .bold = true};
    const hni_text_style style = {.ink = HNI_INK_MUTED, .size = HNI_FRAME_FONT};
    hni_point at = {drawing->edge, 14.0};
    char text[96];
    (void)snprintf(text, sizeof text, "%.0f example%s, %.2f %% right", drawing->total, drawing->total == 1 ? "" : "s",
                   drawing->correct < drawing->total ? fmin(100.0 * drawing->correct / drawing->total, 99.99) : 100.0);
    hni_canvas_text(drawing->canvas, at, text, &bold);
    if (drawing->narrow) {
        at.y += LINE_HEIGHT;
    } else {
        at.x += 1.1 * hni_text_width(text, HNI_FRAME_FONT) + 16.0;
    }
    hni_canvas_text(drawing->canvas, at, "a row for what they are, a column for what was said", &style);
    at = (hni_point){drawing->edge, at.y + LINE_HEIGHT};
    const double taken = draw_scale(drawing, at, true);
    if (drawing->narrow) {
        at.y += LINE_HEIGHT;
    } else {
        at.x += taken + 24.0;
    }
    if (drawing->worst > 0) (void)draw_scale(drawing, at, false);
}

static void draw_names(const confusion_drawing *drawing)
{
    hni_text_style of_row = {.ink = HNI_INK_TEXT, .size = drawing->font, .anchor = HNI_ANCHOR_END};
    hni_text_style of_column = {.ink = HNI_INK_TEXT, .size = drawing->font, .anchor = HNI_ANCHOR_MIDDLE};
    if (drawing->upward) of_column = (hni_text_style){.ink = HNI_INK_TEXT, .size = drawing->font, .upward = true};
    for (size_t i = 0; i < drawing->confusion->classes; i++) {
        char name[80];
        name_of(drawing, i, name, sizeof name);
        const double x = drawing->cells.x + ((double)i + 0.5) * drawing->cell_width;
        const double y = drawing->cells.y + ((double)i + 0.5) * drawing->cell_height;
        const double middle = 0.35 * drawing->font; /* from the base line to the middle of a letter */
        hni_canvas_text(drawing->canvas, (hni_point){drawing->cells.x - 6.0, y + middle}, name, &of_row);
        hni_canvas_text(drawing->canvas, (hni_point){drawing->upward ? x + middle : x, drawing->cells.y - 5.0}, name,
                        &of_column);
    }
}

/* What share of a class was right, behind its row. */
static void draw_accuracy(const confusion_drawing *drawing, size_t row)
{
    const hni_text_style style = {.ink = HNI_INK_MUTED, .size = drawing->font};
    const double share = hni_confusion_share_right(drawing->confusion, row);
    const double middle = drawing->cells.y + ((double)row + 0.5) * drawing->cell_height;
    const double thick = fmin(8.0, 0.75 * drawing->cell_height), x = drawing->cells.x + drawing->cells.width + 8.0;
    char text[32] = "–";
    hni_canvas_rectangle(drawing->canvas, (hni_box){x, middle - thick / 2.0, BAR, thick}, HNI_INK_EMPTY);
    if (share > 0) {
        hni_canvas_rectangle(drawing->canvas, (hni_box){x, middle - thick / 2.0, BAR * share, thick},
                             hni_ink_series(0));
    }
    if (!isnan(share)) percent_text(share, text, sizeof text);
    if (drawing->named) {
        hni_canvas_text(drawing->canvas, (hni_point){x + BAR + 4.0, middle + 0.35 * drawing->font}, text, &style);
    }
}

/* ---- cells ---- */

static void describe(const confusion_drawing *drawing, size_t row, size_t column, char *out_text, size_t size)
{
    char is[80], said[80], percent[32];
    const double sum = count_of_row(drawing, row);
    name_of(drawing, row, is, sizeof is);
    name_of(drawing, column, said, sizeof said);
    percent_text(count_at(drawing, row, column) / sum, percent, sizeof percent);
    (void)snprintf(out_text, size, "%s, said %s: %.0f of %.0f (%s)", is, said, count_at(drawing, row, column), sum,
                   percent);
}

/* The count, and below it the share where there is room for both. */
static void write_in_cell(const confusion_drawing *drawing, const hni_box *box, size_t row, size_t column)
{
    const double share = count_at(drawing, row, column) / count_of_row(drawing, row);
    const double scaled = row == column || drawing->worst <= 0 ? share : share / drawing->worst;
    const bool both = drawing->cell_width >= 44.0 && drawing->cell_height >= 32.0;
    hni_text_style style = {.ink = FAINTEST + (1.0 - FAINTEST) * scaled > BRIGHT ? HNI_INK_PAPER : HNI_INK_TEXT,
                            .size = 11.0,
                            .anchor = HNI_ANCHOR_MIDDLE};
    char text[32];
    (void)snprintf(text, sizeof text, "%" PRIu64,
                   drawing->confusion->counts[row * drawing->confusion->classes + column]);
    while (style.size > 7.0 && hni_text_width(text, style.size) > box->width - 1.0)
        style.size -= 0.5;
    if (hni_text_width(text, style.size) > box->width || style.size > box->height) return;
    const hni_point middle = {box->x + box->width / 2.0, box->y + box->height / 2.0};
    hni_canvas_text(drawing->canvas, (hni_point){middle.x, middle.y + (both ? -2.0 : 0.36 * style.size)}, text, &style);
    if (!both) return;
    percent_text(share, text, sizeof text);
    style.size = 9.0;
    hni_canvas_text(drawing->canvas, (hni_point){middle.x, middle.y + 11.0}, text, &style);
}

static void draw_cell(const confusion_drawing *drawing, size_t row, size_t column)
{
    const double sum = count_of_row(drawing, row), share = count_at(drawing, row, column) / sum;
    const hni_box box = {drawing->cells.x + (double)column * drawing->cell_width,
                         drawing->cells.y + (double)row * drawing->cell_height, drawing->cell_width - drawing->gap,
                         drawing->cell_height - drawing->gap};
    char text[256];
    if (!(count_at(drawing, row, column) > 0)) return;
    describe(drawing, row, column, text, sizeof text);
    hni_canvas_hover(drawing->canvas, text);
    hni_canvas_rectangle(drawing->canvas, box,
                         hni_ink_diverging(row == column ? shade(share, true) : shade(share / drawing->worst, false)));
    write_in_cell(drawing, &box, row, column);
    hni_canvas_hover_end(drawing->canvas);
}

/* A ground under all cells, so that those without an example are seen too. */
static void draw_ground(const confusion_drawing *drawing)
{
    const size_t classes = drawing->confusion->classes;
    if (drawing->gap == 0.0) {
        hni_canvas_rectangle(drawing->canvas, drawing->cells, HNI_INK_PANEL);
        return;
    }
    for (size_t row = 0; row < classes; row++) {
        for (size_t column = 0; column < classes; column++) {
            if (count_at(drawing, row, column) > 0) continue;
            hni_canvas_rectangle(drawing->canvas,
                                 (hni_box){drawing->cells.x + (double)column * drawing->cell_width,
                                           drawing->cells.y + (double)row * drawing->cell_height,
                                           drawing->cell_width - 1.0, drawing->cell_height - 1.0},
                                 HNI_INK_PANEL);
        }
    }
}

static void draw_all(const confusion_drawing *drawing)
{
    const size_t classes = drawing->confusion->classes;
    draw_head(drawing);
    if (drawing->named) draw_names(drawing);
    draw_ground(drawing);
    for (size_t row = 0; row < classes; row++) {
        for (size_t column = 0; column < classes; column++)
            draw_cell(drawing, row, column);
        draw_accuracy(drawing, row);
    }
}

hn_status hni_confusion_picture(hn_context *context, const hni_confusion *confusion, const hni_canvas_options *options,
                                hni_text *out_bytes)
{
    confusion_drawing drawing = {.confusion = confusion, .width = options->width};
    hni_canvas_options sized = *options;
    hn_status status = HN_OK;
    if (!(options->width >= 240) || confusion->classes > HNI_CONFUSION_MOST) {
        return hni_error(context, HN_ERROR_ARGUMENT,
                         "confusion: %zu classes in a picture %.0f wide: give at most %d classes and at least 240",
                         confusion->classes, options->width, HNI_CONFUSION_MOST);
    }
    drawing.narrow = options->width < 520;
    drawing.edge = options->inlined ? 0.0 : 10.0;
    add_up(&drawing);
    if (drawing.total > 0) {
        lay_out(&drawing);
        sized.height = ceil(drawing.cells.y + drawing.cells.height + drawing.edge);
    } else {
        sized.height = 60.0;
    }
    HNI_TRY(hni_canvas_create(context, &sized, &drawing.canvas));
    if (drawing.total > 0) {
        draw_all(&drawing);
    } else {
        const hni_text_style style = {.ink = HNI_INK_MUTED, .size = HNI_FRAME_FONT, .anchor = HNI_ANCHOR_MIDDLE};
        hni_canvas_text(drawing.canvas, (hni_point){sized.width / 2.0, 34.0}, "no examples yet", &style);
    }
    HNI_TRY(hni_canvas_finish(drawing.canvas, out_bytes));

cleanup:
    hni_canvas_destroy(drawing.canvas);
    return status;
}
