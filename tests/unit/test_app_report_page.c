/* The page: all parts there, nothing from outside, no text that breaks out of its element, the same bytes each time. */
#include "test_support.h"

#include <math.h>

#include "app/report/page.h"
#include "test_allocator.h"

#define TEXT_SIZE 6
static const unsigned char text[TEXT_SIZE + 1] = "a<b>\xff\n";
static float change[TEXT_SIZE] = {0.0f, 0.25f, 0.5f, 1.0f, 0.75f, 0.125f};

static hni_run_row rows[] = {
    {10, 0.5, 1.0, 0.004, 3.5, 0.0, 1.0, 0.0, 0},
    {20, 1.0, 3725.0, 0.004, 2.5, 2.625, 1.0, 0.0, 0},
};
static const hni_run_fact facts[] = {{"command", "hypernet train 'a&b'"}};
static const hni_run_sample samples[] = {{"<primed>", text, TEXT_SIZE, "<prime> "}};

static hni_run make_run(const char *name, const char *folder)
{
    rows[0].valid = (double)NAN;
    return (hni_run){.name = name,
                     .folder = folder,
                     .cell = "lstm",
                     .parameters = 4911874,
                     .speed = 52100.4,
                     .rows = rows,
                     .row_count = 2,
                     .recipe = "task: <text>\n",
                     .facts = facts,
                     .fact_count = 1,
                     .test = (double)NAN,
                     .measure = &hni_task_find("text")->measure};
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

static size_t count_of(const char *page, const char *word)
{
    size_t count = 0;
    for (const char *at = strstr(page, word); at != NULL; at = strstr(at + 1, word))
        count++;
    return count;
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
                                 .metric_said = "% wrong",
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

/* ---- networks and their answers ---- */

#define FILTERS                                          \
    {                                                    \
        .rows = 2, .columns = 8, .height = 4, .width = 4 \
    }

static hni_gathered_weight make_weight(hn_context *context, bool generated, const char *name)
{
    static float values[256] = {0.5f, 0.25f, 0.125f, 1.0f};
    hni_gathered_weight weight = {.context = context,
                                  .name = {.context = context},
                                  .shape = HN_SHAPE4(8, 2, 4, 4),
                                  .generated = generated,
                                  .filters = FILTERS,
                                  .row_word = "in <put>",
                                  .values = values};
    if (generated) weight.filters.tile_rows = weight.filters.tile_columns = 1;
    hni_text_add(&weight.name, "%s", name);
    return weight;
}

static void test_networks_and_answers(void **state)
{
    static const float kernel[256] = {1, 2, 3};
    static const float *const kernels[2] = {kernel, kernel};
    static const char *const labels[2] = {"from <a>", "to"}, *const groups[1] = {"group <0>"},
                             *const names[2] = {"cat<", "dog"};
    static const hni_scatter_point points[2] = {{.x = 0, .y = 1}, {.x = 1, .y = 0}};
    static const hni_scatter scatter = {.points = points, .count = 2, .groups = groups, .group_count = 1};
    static const hni_strip strip = {.kernels = kernels, .labels = labels, .count = 2, .filters = FILTERS};
    static const uint64_t counts[2][4] = {{3, 1, 0, 0}, {1, 1, 0, 2}};
    static const uint8_t pixels[4] = {0, 80, 160, 255};
    static const hni_album_item item = {.image = {pixels, 1, 2, 2}, .words = "cat<, said dog"};
    const hni_confusion confusions[2] = {{2, counts[0], names}, {2, counts[1], names}};
    const hni_album album = {.items = &item, .count = 1};
    hni_gathered_weight weights[3] = {make_weight(*state, false, "conv<2>"), make_weight(*state, true, "conv<2>"),
                                      make_weight(*state, false, "another")};
    hni_run runs[] = {make_run("plain", "one"), make_run("hyper", "two"), make_run("third", "three"),
                      make_run("lost", "4")};
    for (int i = 0; i < 3; i++)
        runs[i].weight = &weights[i];
    runs[1].embeddings = &scatter;
    runs[1].strip = &strip;
    runs[0].confusion = &confusions[0];
    runs[1].confusion = &confusions[1];
    runs[1].mistakes = &album;
    runs[3].network_note = "no <checkpoint>";
    char *page = write_page(*state, &(hni_report){.runs = runs, .run_count = 4});
    static const char *const pieces[] = {
        "<figcaption>conv&lt;2&gt;, [8,2,4,4]. Borders part the tiles",
        "<figcaption>another, [8,2,4,4]</figcaption>",
        "hyper, generated</text>",
        "in &lt;put&gt;",
        "<h3>lost</h3>\n<p class=\"note\">no &lt;checkpoint&gt;</p>",
        "group &lt;0&gt;",
        "from &lt;a&gt;",
        "<tr><th scope=\"row\">cat&lt;</th><td>75.000</td><td>50.000</td></tr>",
        "<tr><th scope=\"row\">dog</th><td>–</td><td>100.000</td></tr>",
        "cat&lt;, said dog",
    };
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++)
        assert_holds(page, pieces[i]);
    assert_int_equal(count_of(page, "<figcaption>conv&lt;2&gt;"), 1); /* both in one picture */
    assert_int_equal(count_of(page, "How many images of each class"), 2);
    assert_int_equal(count_of(page, "found least probable"), 1);
    free(page);
    page = write_page(*state, &(hni_report){.runs = runs + 2, .run_count = 1});
    assert_null(strstr(page, "What weights are made from"));
    assert_null(strstr(page, "taken for what"));
    free(page);
    for (int i = 0; i < 3; i++)
        hni_text_free(&weights[i].name);
}

/* What a picture has no room for is said, and the rest of the page stands. */
static void test_answers_that_no_picture_shows(void **state)
{
    enum { CLASSES = HNI_CONFUSION_MOST + 1 };
    static uint64_t counts[CLASSES * CLASSES];
    static const char *names[CLASSES];
    static const uint8_t pixels[8];
    static const hni_album_item item = {.image = {pixels, 2, 2, 2}, .words = "two channels"};
    const hni_confusion confusion = {CLASSES, counts, names};
    const hni_album album = {.items = &item, .count = 1};
    hni_run run = make_run("many", "one");
    for (size_t i = 0; i < CLASSES; i++)
        names[i] = "class";
    counts[0] = 1;
    run.confusion = &confusion;
    run.mistakes = &album;
    char *page = write_page(*state, &(hni_report){.runs = &run, .run_count = 1});
    assert_holds(page, "A confusion matrix has room for 256 classes, the model knows 257.");
    assert_holds(page, "The worst mistakes are not drawn");
    assert_int_equal(count_of(page, "<tr><th scope=\"row\">class</th>"), CLASSES);
    assert_null(strstr(page, "two channels"));
    free(page);
}

/* A picture of many bytes stands once, and can be scrolled. */
static void test_large_pictures_stand_once(void **state)
{
    enum { SIDE = 64, WEIGHTS = SIDE * SIDE * 25 };
    static float values[WEIGHTS];
    hni_run run = make_run("plain", "one");
    hni_gathered_weight weight = make_weight(*state, false, "conv2");
    for (int i = 0; i < WEIGHTS; i++)
        values[i] = (float)(i * 7919 % 1000);
    run.weight = &weight;
    for (int large = 0; large < 2; large++) {
        if (large) weight.filters = (hni_filters){.rows = SIDE, .columns = SIDE, .height = 5, .width = 5};
        weight.values = values;
        char *page = write_page(*state, &(hni_report){.runs = &run, .run_count = 1});
        assert_int_equal(count_of(page, ">plain</text>") > 0, 1);
        assert_int_equal(count_of(page, "<div class=\"once\" tabindex=\"0\" role=\"region\" aria-label=\"Kernels\">"),
                         large);
        if (large) assert_true(strlen(page) > HNI_PAGE_LARGE && strlen(page) < (size_t)(1 << 20));
        free(page);
    }
    hni_text_free(&weight.name);
}

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
    char name[] = "conv2";
    float filters[256] = {1, 2, 3};
    const float *const kernels[1] = {filters};
    const uint64_t counts[1] = {3};
    const char *const names[1] = {"cat"};
    const uint8_t pixels[4] = {0, 80, 160, 255};
    const hni_album_item item = {.image = {pixels, 1, 2, 2}, .words = "cat"};
    const hni_gathered_weight weight = {
        .name = {.data = name}, .shape = HN_SHAPE4(8, 2, 4, 4), .filters = FILTERS, .values = filters};
    const hni_scatter scatter = {.count = 0};
    const hni_strip strip = {.kernels = kernels, .count = 1, .filters = FILTERS};
    const hni_confusion confusion = {1, counts, names};
    const hni_album album = {.items = &item, .count = 1};
    run.weight = &weight;
    run.embeddings = &scatter;
    run.strip = &strip;
    run.confusion = &confusion;
    run.mistakes = &album;
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
        WITH_CONTEXT(test_phi_paths_and_ranks),
        WITH_CONTEXT(test_another_measure),
        WITH_CONTEXT(test_networks_and_answers),
        WITH_CONTEXT(test_answers_that_no_picture_shows),
        WITH_CONTEXT(test_large_pictures_stand_once),
        WITH_CONTEXT(test_rows_of_the_paper),
        WITH_CONTEXT(test_when_runs_reach_a_figure),
        WITH_CONTEXT(test_refusals),
        cmocka_unit_test(test_each_failing_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
