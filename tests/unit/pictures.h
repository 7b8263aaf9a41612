/* What tests of drawings share: a context that must have given back all memory, pictures in every form, and what is true of every
 * SVG. A header of static functions, for the test programs test_app_plot_*.c and those of pages. */
#ifndef PICTURES_H
#define PICTURES_H

#include "test_support.h"

#include <math.h>

#include "test_allocator.h"

#include "app/plot/canvas.h"

#define NOT_A_NUMBER ((double)NAN)
#define HOSTILE "A <&> \"B\"\xff\n"
#define HOSTILE_SHOWN "A &lt;&amp;&gt; &quot;B&quot;·\n"

static inline int make_context(void **state)
{
    hn_context *context = NULL;
    hn_status status = hn_context_create(NULL, &context);
    *state = context;
    return status != HN_OK;
}

/* Every test gives back all memory. */
static inline int end_context(void **state)
{
    bool held = hn_context_memory(*state) != 0;
    hn_context_destroy(*state);
    return held;
}

#define WITH_CONTEXT(test) cmocka_unit_test_setup_teardown(test, make_context, end_context)

typedef hn_status draw_function(hn_context *context, const void *data, const hni_canvas_options *options,
                                hni_text *out);

static inline hni_text draw(hn_context *context, draw_function *function, const void *data, hni_picture_format format,
                            double width)
{
    hni_text picture = {.context = context};
    hni_canvas_options options = {.format = format, .width = width, .height = 360, .title = "<title>", .scale = 0.5};
    assert_int_equal(function(context, data, &options, &picture), HN_OK);
    return picture;
}

static inline size_t count_of(const char *text, const char *word)
{
    size_t count = 0;
    for (const char *at = strstr(text, word); at != NULL; at = strstr(at + 1, word))
        count++;
    return count;
}

static inline void assert_holds(const char *text, const char *piece)
{
    if (strstr(text, piece) == NULL) fail_msg("'%s' is not there", piece);
}

/* "f12" or "l12" is a colour that the style sheet knows. */
static inline void assert_has_rule(const char *svg, const char *name)
{
    char rule[32];
    const int digits = (int)strspn(name + 1, "0123456789");
    if (digits == 0) return; /* the class of all lines */
    (void)snprintf(rule, sizeof rule, ".%.*s{%s:#", digits + 1, name, name[0] == 'f' ? "fill" : "stroke");
    assert_holds(svg, rule);
}

/* Elements are closed, nothing hangs over, and no number is one that SVG does not know. */
static inline void assert_sound(const hni_text *svg)
{
    static const char *const pairs[][2] = {
        {"<svg", "</svg>"}, {"<text", "</text>"}, {"<title", "</title>"}, {"<style", "</style>"}};
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        assert_int_equal(count_of(svg->data, pairs[i][0]), count_of(svg->data, pairs[i][1]));
    assert_null(strstr(svg->data, "nan"));
    assert_null(strstr(svg->data, "inf"));
    assert_null(strchr(svg->data, '\xff'));
    assert_int_equal(strlen(svg->data), svg->size);
    assert_int_equal(strcmp(svg->data + svg->size - 7, "</svg>\n"), 0);
    assert_int_equal(count_of(svg->data, "<g>") + count_of(svg->data, "<g "), count_of(svg->data, "</g>"));
    for (const char *at = strstr(svg->data, "class=\""); at != NULL; at = strstr(at + 1, "class=\"")) {
        for (const char *name = at + 7; *name != '\"'; name++)
            if (*name == 'f' || *name == 'l') assert_has_rule(svg->data, name);
    }
}

/* In all three formats, wide and narrow, twice with the same bytes; the wide SVG is handed back. */
static inline hni_text draw_everywhere(hn_context *context, draw_function *function, const void *data)
{
    static const char *const begins[] = {"<?xml", "\x89PNG", "%PDF"};
    static const double widths[] = {864, 328};
    for (int format = HNI_PICTURE_SVG; format <= HNI_PICTURE_PDF; format++) {
        for (int i = 0; i < 2; i++) {
            hni_text first = draw(context, function, data, (hni_picture_format)format, widths[i]);
            hni_text second = draw(context, function, data, (hni_picture_format)format, widths[i]);
            assert_memory_equal(first.data, begins[format], 4);
            assert_int_equal(first.size, second.size);
            assert_memory_equal(first.data, second.data, first.size);
            if (format == HNI_PICTURE_SVG) assert_sound(&first);
            hni_text_free(&first);
            hni_text_free(&second);
        }
    }
    return draw(context, function, data, HNI_PICTURE_SVG, 864);
}

/* Every allocation of `work` fails in turn: the failure is its status, and nothing stays. */
typedef hn_status failing_work(hn_context *context, const void *user);

static inline void assert_failures_are_reported(failing_work *work, const void *user)
{
    for (long n = 1;; n++) {
        test_allocator memory = {.fail_at = n};
        hn_context_options options;
        hn_context *context = NULL;
        hn_context_options_default(&options);
        options.allocator = test_allocator_hook(&memory);
        if (hn_context_create(&options, &context) == HN_OK) {
            const hn_status status = work(context, user);
            assert_int_equal(status, memory.has_failed ? HN_ERROR_MEMORY : HN_OK);
        }
        hn_context_destroy(context);
        assert_int_equal(memory.blocks, 0);
        if (!memory.has_failed) break;
    }
}

/* Draws all that a test program is about, in one format. */
typedef hn_status draw_all_function(hn_context *context, hni_picture_format format);
typedef struct all_drawings {
    draw_all_function *draw_all;
    hni_picture_format format;
} all_drawings;

static inline hn_status draw_all_of(hn_context *context, const void *user)
{
    const all_drawings *all = user;
    return all->draw_all(context, all->format);
}

static inline void assert_failing_allocations_are_reported(draw_all_function *draw_all)
{
    for (int format = HNI_PICTURE_SVG; format <= HNI_PICTURE_PDF; format++)
        assert_failures_are_reported(draw_all_of, &(all_drawings){draw_all, (hni_picture_format)format});
}

#endif
