/* The page: all parts there, nothing from outside, no text that breaks out of its element, the same bytes each time. */
#include "report_pages.h"

#define TEXT_SIZE 6
static const unsigned char text[TEXT_SIZE + 1] = "a<b>\xff\n";
static float change[TEXT_SIZE] = {0.0f, 0.25f, 0.5f, 1.0f, 0.75f, 0.125f};
static const hni_run_sample samples[] = {{"<primed>", text, TEXT_SIZE, "<prime> "}};

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
    hni_run run = {.name = "",
                   .folder = "",
                   .cell = "",
                   .recipe = "",
                   .speed = (double)NAN,
                   .test = (double)NAN,
                   .measure = &hni_task_find("text")->measure};
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

/* ---- what goes on inside, and beside the paper ----------------------------------------------------------------------------- */

static void test_phi_paths_and_ranks(void **state)
{
    static const hni_path_point points[] = {{0, 0, "a", 1}, {1, 2, "<", 1}};
    static const double none[] = {(double)NAN, (double)NAN}, values[] = {(double)NAN, 1.5}, more[] = {1.0, 2.5};
    const hni_path path = {.name = "z_h of <layer> 0", .points = points, .count = 2, .share = {0.5, 0.25}};
    const hni_run_rank ranks[] = {
        {0, 'h', "i", values}, {0, 'x', "i", none}, {0, 'h', "<g>", more}, {2, 'b', "", more}};
    hni_run runs[] = {make_run("LSTM <1>", "one"), make_run("Hyper", "two")};
    runs[0].phi.bins[0] = runs[0].phi.total = 4;
    runs[1].paths = &path;
    runs[1].path_count = 1;
    runs[1].ranks = ranks;
    runs[1].rank_count = 4;
    runs[1].embedding_size = 3;
    char *page = write_page(*state, &(hni_report){.runs = runs, .run_count = 2});
    assert_holds(page, "100.0 % saturated");
    assert_holds(page, ">no values</text>"); /* the second run keeps its place */
    assert_holds(page, "|φ(c)| &gt; 0.95");
    assert_holds(page, "z_h of &lt;layer&gt; 0");
    assert_holds(page, "first component, 50 % of variance");
    assert_holds(page, "Layer 0");
    assert_holds(page, "Layer 2");
    assert_null(strstr(page, "Layer 1"));
    assert_holds(page, "z_h, i: 1.500 after 20 steps");
    assert_holds(page, "z_h, &lt;g&gt;: 2.500 after 20 steps");
    assert_holds(page, "z_b: 2.500 after 20 steps");
    assert_holds(page, "E = 3");
    assert_null(strstr(page, ">z_x</text>")); /* no values */
    free(page);

    runs[1].phi.bins[3] = runs[1].phi.total = 1;
    runs[1].phi_quantity = "φ(LN(c))";
    page = write_page(*state, &(hni_report){.runs = runs, .run_count = 2});
    assert_holds(page, "|φ| &gt; 0.95"); /* not the same in both */
    free(page);
    page = write_page(*state, &(hni_report){.runs = runs + 1, .run_count = 1});
    assert_holds(page, "|φ(LN(c))| &gt; 0.95");
    free(page);
}

/* Another task's figures: its own words, one line a run, and never beside a text's. */
static void test_another_measure(void **state)
{
    const hni_measure measure = {.loss_key = "loss",
                                 .loss_name = "nats",
                                 .metric_key = "error",
                                 .metric_name = "error, %",
                                 .metric_unit = "% wrong",
                                 .metric_short = "%",
                                 .metric_words = "How many of a hundred.",
                                 .nats = 1,
                                 .decimals = 2,
                                 .passes = "the training images",
                                 .symbols = "images",
                                 .symbols_short = "img."};
    hni_run runs[] = {make_run("net", "one"), make_run("text", "two")};
    runs[0].measure = &measure;
    char *page = write_page(*state, &(hni_report){.runs = runs, .run_count = 1});
    assert_holds(page, "<p>How many of a hundred.</p>");
    assert_holds(page, "Images<br>a second");
    assert_holds(page, "2.62<span class=\"unit\"> %</span>");
    assert_holds(page, "Error, % over training steps: validation.");
    assert_holds(page, "Training, nats");
    assert_null(strstr(page, "character"));
    assert_int_equal(count_of(page, "thin: training"), 1); /* of the loss alone, where it is wide */
    assert_holds(page, "Loss, nats, over training steps");
    assert_holds(page, ">2.63 %</th>");
    free(page);
    const hni_report mixed = {.runs = runs, .run_count = 2};
    assert_int_equal(hni_report_write(*state, "never.html", &mixed), HN_ERROR_ARGUMENT);
    assert_non_null(strstr(hn_context_error(*state)->text, "one is measured in error, %, two in bits per character"));
    hn_context_clear(*state);
}

/* ---- the rest of the page ---- */

static void test_rows_of_the_paper(void **state)
{
    static const hni_paper_row printed[] = {
        {"LSTM <1000>", "table 3", 1.347, 1.312, 4254050, "4.25 M", ""},
        {"ME n-gram", "cited in table 3", (double)NAN, 1.37, 0, "", ""},
    };
    static const hni_paper_table table = {"penn_treebank", "Penn & Treebank", printed, 2, 1, " How long is not said."};
    hni_run runs[] = {make_run("ours", "one"), make_run("of another text", "two")};
    runs[0].paper = &table;
    runs[0].test = 2.75;
    char *page = write_page(*state, &(hni_report){.runs = runs, .run_count = 2});
    assert_holds(page, "Beside the paper: Penn &amp; Treebank");
    assert_holds(page, "in bits per character. How long is not said.</p>");
    assert_holds(page, "LSTM &lt;1000&gt;</th><td>1.347</td><td>1.312</td><td>4.25 M</td>");
    assert_holds(page, "ME n-gram</th><td>–</td><td>1.370</td><td>–</td>");
    assert_holds(page, "ours</th><td>2.625</td><td>2.750</td><td>4.91 M</td>");
    assert_null(strstr(page, "of another text</th><td>2.625</td><td>–</td>"));
    assert_holds(page, "2.750<span class=\"unit\"> on test</span>");
    free(page);
    page = write_page(*state, &(hni_report){.runs = runs + 1, .run_count = 1});
    assert_null(strstr(page, "Beside the paper"));
    assert_null(strstr(page, "on test"));
    free(page);
}

/* Two runs on one table of the paper share it; the figures that both reach, and who is there first. */
static void test_when_runs_reach_a_figure(void **state)
{
    static hni_run_row slow[] = {
        {100, 1, 60, 0.1, 4, 4.0, 1, 0, 0}, {200, 2, 120, 0.1, 3, 3.0, 1, 0, 0}, {300, 3, 180, 0.1, 2, 2.5, 1, 0, 0}};
    static hni_run_row fast[] = {{100, 1, 90, 0.1, 3, 3.0, 1, 0, 0}, {200, 2, 180, 0.1, 2, 2.21, 1, 0, 0}};
    hni_run runs[] = {make_run("slow", "one"), make_run("fast", "two")};
    runs[0].rows = slow;
    runs[0].row_count = 3;
    runs[1].rows = fast;
    runs[1].row_count = 2;
    char *page = write_page(*state, &(hni_report){.runs = runs, .run_count = 2});
    assert_holds(page, ">2.75 bits per character</th>"); /* half way from the better start to what both reach */
    assert_holds(page, ">2.50 bits per character</th>");
    assert_holds(page, ">2.21 bits per character</th>");
    assert_holds(page, "slow</th><td>300</td><td>3.00</td><td>3 min 0 s</td>");
    assert_holds(page, "fast</th><td>200</td><td>2.00</td><td>3 min 0 s</td>");
    assert_holds(page, "slow</th><td colspan=\"3\" class=\"note\">not reached</td>");
    assert_int_equal(count_of(page, "class=\"best\""), 4 + 1); /* the first at each figure, and the lowest of all */
    assert_holds(page, "Dashed: 2.50, which every run reaches.");
    assert_holds(page, "Learning curves over epochs");
    free(page);
    fast[0] = slow[0], fast[1] = slow[1];
    slow[2].valid = (double)NAN; /* now both are alike: nobody is first */
    page = write_page(*state, &(hni_report){.runs = runs, .run_count = 2});
    assert_int_equal(count_of(page, "class=\"best\""), 0 + 1);
    free(page);
    slow[0].valid = slow[1].valid = slow[2].valid = (double)NAN;
    page = write_page(*state, &(hni_report){.runs = runs, .run_count = 1});
    assert_null(strstr(page, "first reaches a figure"));
    assert_null(strstr(page, "Dashed"));
    assert_null(strstr(page, "nan"));
    free(page);
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
    const double values[] = {1.0, 2.0};
    const hni_run_rank rank = {0, 'h', "i", values};
    const hni_path_point point = {0, 0, "a", 1};
    const hni_path way = {.name = "z_h", .points = &point, .count = 1};
    run.ranks = &rank;
    run.rank_count = 1;
    run.paths = &way;
    run.path_count = 1;
    run.phi.bins[0] = run.phi.total = 1;
    assert_failing_allocations_of_a_page_are_reported(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_CONTEXT(test_a_full_page),
        WITH_CONTEXT(test_nothing_comes_from_outside),
        WITH_CONTEXT(test_parts_without_content_are_left_out),
        WITH_CONTEXT(test_a_page_for_one_heat_picture),
        WITH_CONTEXT(test_phi_paths_and_ranks),
        WITH_CONTEXT(test_another_measure),
        WITH_CONTEXT(test_rows_of_the_paper),
        WITH_CONTEXT(test_when_runs_reach_a_figure),
        WITH_CONTEXT(test_refusals),
        cmocka_unit_test(test_each_failing_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
