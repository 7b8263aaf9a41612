/* The page: all parts there, nothing from outside, no text that breaks out of its element, the same bytes each time. */
#include "test_support.h"

#include <math.h>

#include "app/report/report.h"
#include "test_allocator.h"

#define TEXT_SIZE 6
static const unsigned char text[TEXT_SIZE + 1] = "a<b>\xff\n";
static float change[TEXT_SIZE] = {0.0f, 0.25f, 0.5f, 1.0f, 0.75f, 0.125f};

static hni_run_row rows[] = {
    {10, 0.5, 1.0, 0.004, 3.5, 0.0, 1.0, 0.0},
    {20, 1.0, 3725.0, 0.004, 2.5, 2.625, 1.0, 0.0},
};
static const hni_run_fact facts[] = {{"command", "hypernet train 'a&b'"}};
static const hni_run_sample samples[] = {{"<primed>", text, TEXT_SIZE, "<prime> "}};

static hni_run make_run(const char *name, const char *folder)
{
    rows[0].valid_bpc = (double)NAN;
    return (hni_run){.name = name,
                     .folder = folder,
                     .cell = "lstm",
                     .parameters = 4911874,
                     .characters_per_second = 52100.4,
                     .rows = rows,
                     .row_count = 2,
                     .recipe = "task: <text>\n",
                     .facts = facts,
                     .fact_count = 1};
}

/* The page as one string, written to a fresh folder and read back. */
static char *write_page(hn_context *context, const hni_report *report)
{
    char *folder = test_folder_create();
    char *path = test_path_join(folder, "report.html");
    size_t size = 0;
    assert_int_equal(hni_report_write(context, path, report), HN_OK);
    char *page = (char *)test_file_read(path, &size);
    assert_int_equal(strlen(page), size);
    free(path);
    test_folder_remove(folder);
    return page;
}

static int make_context(void **state)
{
    hn_context *context = NULL;
    hn_status status = hn_context_create(NULL, &context);
    *state = context;
    return status != HN_OK;
}

static int end_context(void **state)
{
    bool held = hn_context_memory(*state) != 0;
    hn_context_destroy(*state);
    return held;
}

static void assert_holds(const char *page, const char *piece)
{
    if (strstr(page, piece) == NULL) fail_msg("the page does not hold '%s'", piece);
}

static void test_a_full_page(void **state)
{
    hni_run_heat heat = {.title = "layer <0>",
                         .heat = {.bytes = text, .count = TEXT_SIZE, .change = {change, change, change, change}}};
    hni_run runs[] = {make_run("LSTM <1>", "one"), make_run("twin", "two"), make_run("twin", "three")};
    runs[0].samples = samples;
    runs[0].sample_count = 1;
    runs[2].sample_note = "no <checkpoint>";
    runs[1].heats = &heat;
    runs[1].heat_count = 1;
    hni_report report = {.title = "A & B", .introduction = "<intro>", .runs = runs, .run_count = 3};
    char *page = write_page(*state, &report), *again = write_page(*state, &report);
    assert_string_equal(page, again);

    static const char *const pieces[] = {
        "<title>A &amp; B</title>",
        "&lt;intro&gt;",
        "LSTM &lt;1&gt;",
        "twin (two)",
        "twin (three)",
        "<td role=\"cell\">2.625",
        "4,911,874",
        "52,100",
        "1 h 2 min",
        "Learning curves over steps",
        "Learning curves over time",
        "layer &lt;0&gt;",
        "&lt;primed&gt;",
        "<blockquote><span class=\"note\">&lt;prime&gt; </span>a&lt;b&gt;·\n</blockquote>",
        "<h3>twin (three)</h3>\n<p class=\"note\">no &lt;checkpoint&gt;</p>",
        "hypernet train &#39;a&amp;b&#39;",
        "task: &lt;text&gt;",
        "prefers-color-scheme:dark",
        "<td>2.6250</td>",
    };
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++)
        assert_holds(page, pieces[i]);
    free(page);
    free(again);
}

/* Opened from a disk without a network the page is whole: it asks for nothing and runs nothing. */
static void test_nothing_comes_from_outside(void **state)
{
    static const char *const pieces[] = {"<script", "<link", "src=", "url(", "@import", "href="};
    hni_run run = make_run("LSTM", "one");
    hni_report report = {.runs = &run, .run_count = 1};
    char *page = write_page(*state, &report);
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++)
        assert_null(strstr(page, pieces[i]));
    free(page);
}

static void test_parts_without_content_are_left_out(void **state)
{
    hni_run run = {.name = "", .folder = "", .cell = "", .recipe = "", .characters_per_second = (double)NAN};
    hni_report report = {.runs = &run, .run_count = 1};
    char *page = write_page(*state, &report);
    assert_holds(page, "no values yet");
    assert_null(strstr(page, "What the models write"));
    assert_null(strstr(page, "Weights that change"));
    assert_null(strstr(page, "over time"));
    assert_null(strstr(page, "nan"));
    free(page);
}

static void test_a_page_for_one_heat_picture(void **state)
{
    hni_run_heat heat = {.title = "layer 0",
                         .heat = {.bytes = text, .count = TEXT_SIZE, .change = {change, change, change, change}}};
    hni_text page = {.context = *state};
    assert_int_equal(hni_report_heat_page(*state, "<title>", &heat, &page), HN_OK);
    assert_holds(page.data, "<h1>&lt;title&gt;</h1>");
    assert_holds(page.data, "<title>b: i 0.5, g 0.5, f 0.5, o 0.5</title>");
    assert_holds(page.data, "</html>");
    hni_text_free(&page);
}

static void test_refusals(void **state)
{
    hni_run run = make_run("LSTM", "one");
    assert_int_equal(hni_report_write(*state, "x.html", &(hni_report){.run_count = 0}), HN_ERROR_ARGUMENT);
    hn_context_clear(*state);
    assert_int_equal(hni_report_write(*state, "no/such/folder/x.html", &(hni_report){.runs = &run, .run_count = 1}),
                     HN_ERROR_IO);
    assert_holds(hn_context_error(*state)->text, "no/such/folder");
}

static void test_each_failing_allocation_is_reported(void **state)
{
    (void)state;
    hni_run_heat heat = {.title = NULL,
                         .heat = {.bytes = text, .count = TEXT_SIZE, .change = {change, change, change, change}}};
    hni_run run = make_run("LSTM", "one");
    run.heats = &heat;
    run.heat_count = 1;
    char *folder = test_folder_create();
    char *path = test_path_join(folder, "report.html");
    for (long n = 1;; n++) {
        test_allocator memory = {.fail_at = n};
        hn_context_options options;
        hn_context *context = NULL;
        hn_context_options_default(&options);
        options.allocator = test_allocator_hook(&memory);
        if (hn_context_create(&options, &context) == HN_OK) {
            hn_status status = hni_report_write(context, path, &(hni_report){.runs = &run, .run_count = 1});
            assert_int_equal(status, memory.has_failed ? HN_ERROR_MEMORY : HN_OK);
        }
        hn_context_destroy(context);
        assert_int_equal(memory.blocks, 0);
        if (!memory.has_failed) break;
    }
    free(path);
    test_folder_remove(folder);
}

#define WITH_CONTEXT(test) cmocka_unit_test_setup_teardown(test, make_context, end_context)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_CONTEXT(test_a_full_page),
        WITH_CONTEXT(test_nothing_comes_from_outside),
        WITH_CONTEXT(test_parts_without_content_are_left_out),
        WITH_CONTEXT(test_a_page_for_one_heat_picture),
        WITH_CONTEXT(test_refusals),
        cmocka_unit_test(test_each_failing_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
