/* The page's parts about networks: weights, embeddings, and what classifiers took for what. */
#include "report_pages.h"

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
    for (int i = 0; i < 3; i++) {
        runs[i].weights = &weights[i];
        runs[i].weight_count = 1;
    }
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
    run.weights = &weight;
    run.weight_count = 1;
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

static void test_each_failing_allocation_is_reported(void **state)
{
    (void)state;
    hni_run run = make_run("net", "one");
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
    run.weights = &weight;
    run.weight_count = 1;
    run.embeddings = &scatter;
    run.strip = &strip;
    run.confusion = &confusion;
    run.mistakes = &album;
    assert_failing_allocations_of_a_page_are_reported(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_CONTEXT(test_networks_and_answers),
        WITH_CONTEXT(test_answers_that_no_picture_shows),
        WITH_CONTEXT(test_large_pictures_stand_once),
        cmocka_unit_test(test_each_failing_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
