/* See frame.h. */
#include "app/plot/frame.h"

#include <math.h>
#include <stdio.h>

hni_point hni_frame_place(const hni_frame *frame, hni_point point)
{
    const hni_box *box = &frame->box;
    /* three frames away is far enough: SVG's numbers have an end */
    double x = fmin(fmax(hni_axis_share(&frame->x, point.x), -3.0), 3.0);
    double y = fmin(fmax(hni_axis_share(&frame->y, point.y), -3.0), 3.0);
    return (hni_point){box->x + x * box->width, box->y + (1.0 - y) * box->height};
}

static void draw_y(const hni_frame *frame, hni_canvas *canvas, bool numbers)
{
    const hni_box *box = &frame->box;
    hni_stroke grid = {.ink = HNI_INK_GRID, .width = 1.0};
    hni_text_style style = {.ink = HNI_INK_MUTED, .size = HNI_FRAME_FONT, .anchor = HNI_ANCHOR_END};
    char label[64];
    for (size_t i = 0; i < frame->y.tick_count; i++) {
        double y = box->y + (1.0 - hni_axis_share(&frame->y, frame->y.ticks[i])) * box->height;
        hni_canvas_line(canvas, (hni_point){box->x, y}, (hni_point){box->x + box->width, y}, &grid);
        if (!numbers) continue;
        hni_axis_label(&frame->y, frame->y.ticks[i], label, sizeof label);
        hni_canvas_text(canvas, (hni_point){box->x - 8.0, y + 4.0}, label, &style);
    }
}

void hni_frame_draw(const hni_frame *frame, hni_canvas *canvas, bool numbers_of_y)
{
    const hni_box *box = &frame->box;
    hni_stroke line = {.ink = HNI_INK_AXIS, .width = 1.0};
    hni_text_style style = {.ink = HNI_INK_MUTED, .size = HNI_FRAME_FONT, .anchor = HNI_ANCHOR_MIDDLE};
    double lower = box->y + box->height;
    char label[64];
    draw_y(frame, canvas, numbers_of_y);
    hni_canvas_line(canvas, (hni_point){box->x, lower}, (hni_point){box->x + box->width, lower}, &line);
    for (size_t i = 0; i < frame->x.tick_count; i++) {
        double x = box->x + hni_axis_share(&frame->x, frame->x.ticks[i]) * box->width;
        hni_canvas_line(canvas, (hni_point){x, lower}, (hni_point){x, lower + 4.0}, &line);
        hni_axis_label(&frame->x, frame->x.ticks[i], label, sizeof label);
        hni_canvas_text(canvas, (hni_point){x, lower + 18.0}, label, &style);
    }
}

#define PANEL_LEAST 150.0
#define PANEL_MOST 330.0
#define PANEL_GAP 28.0
#define PANEL_NUMBERS 34.0
#define PANEL_RIGHT 14.0 /* half of the last number under an axis */

hni_panels hni_panels_lay_out(size_t count, double picture_width, double edge)
{
    hni_panels panels = {.left = edge + PANEL_NUMBERS, .gap = PANEL_GAP};
    double room = picture_width - 2.0 * edge - PANEL_NUMBERS - PANEL_RIGHT;
    double most = floor((room + PANEL_GAP) / (PANEL_LEAST + PANEL_GAP));
    if (count == 0) count = 1;
    size_t columns = most < 1.0 ? 1 : most > (double)count ? count : (size_t)most;
    panels.rows = (count + columns - 1) / columns;
    panels.columns = (count + panels.rows - 1) / panels.rows;
    panels.width = fmin((room - (double)(panels.columns - 1) * PANEL_GAP) / (double)panels.columns, PANEL_MOST);
    return panels;
}

double hni_panels_x(const hni_panels *panels, size_t index)
{
    return panels->left + (double)(index % panels->columns) * (panels->width + panels->gap);
}

void hni_short_name(const char *name, size_t most, char *out_text, size_t size)
{
    size_t length = 0, characters = 0;
    while (name[length] != '\0' && length + 8 < size) {
        size_t next = length + 1;
        while (((unsigned char)name[next] & 0xc0) == 0x80)
            next++;
        if (++characters > most || next + 8 > size) break;
        length = next;
    }
    (void)snprintf(out_text, size, "%.*s%s", (int)length, name, name[length] != '\0' ? "…" : "");
}

double hni_series_dash(size_t index) { return index < HNI_SERIES_INKS ? 0.0 : 3.0 * (double)(index / HNI_SERIES_INKS); }
