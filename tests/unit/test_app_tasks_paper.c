/* Tables 3 and 4 of the paper against the models as they are built: the count of each of the fourteen, and where a row is found. The same
 * of its eight models of images, with the errors that it prints of them and of others'. */
#include <math.h>

#include "app/tasks/images_paper.h"
#include "app/tasks/text_paper.h"
#include "hypernet/image.h"
#include "test_support.h"

/* "4.92 M" of 4922642. */
static void assert_digits(const hni_paper_row *row)
{
    char digits[32];
    snprintf(digits, sizeof digits, "%.2f M", (double)row->parameters / 1e6);
    if ((strcmp(digits, row->printed) == 0) != (row->note[0] == 0)) {
        fail_msg("%s: %s is printed, built is %s, yet the note is '%s'", row->name, row->printed, digits, row->note);
    }
}

static int64_t built(hn_context *context, const hn_language_model *model)
{
    hn_store *store = NULL;
    if (hn_store_create(context, &store) != HN_OK || hn_language_model_declare(store, model) != HN_OK)
        fail_msg("%s", hn_context_error(context)->text);
    const int64_t elements = hn_store_elements(store);
    hn_store_destroy(store);
    return elements;
}

typedef struct wanted {
    const char *data, *name;
    int64_t vocabulary_size;
    hn_cell_kind cell;
    bool layer_norm;
    int layers;
    int64_t units, hyper_units, embedding_size, parameters; /* section 7 of the working specification */
} wanted;

static const wanted models[] = {
    {"penn_treebank", "LSTM 1000", 50, HN_CELL_LSTM, false, 1, 1000, 1, 1, 4254050},
    {"penn_treebank", "LSTM 1250", 50, HN_CELL_LSTM, false, 1, 1250, 1, 1, 6567550},
    {"penn_treebank", "2-layer LSTM 1000", 50, HN_CELL_LSTM, false, 2, 1000, 1, 1, 12258050},
    {"penn_treebank", "layer-norm LSTM 1000", 50, HN_CELL_LSTM, true, 1, 1000, 1, 1, 4260050},
    {"penn_treebank", "HyperLSTM 1000", 50, HN_CELL_HYPERLSTM, false, 1, 1000, 128, 4, 4911874},
    {"penn_treebank", "layer-norm HyperLSTM 1000", 50, HN_CELL_HYPERLSTM, true, 1, 1000, 128, 4, 4922642},
    {"penn_treebank", "layer-norm HyperLSTM 1000, large embedding", 50, HN_CELL_HYPERLSTM, true, 1, 1000, 128, 16,
     5085170},
    {"penn_treebank", "2-layer layer-norm HyperLSTM 1000", 50, HN_CELL_HYPERLSTM, true, 2, 1000, 128, 16, 14406690},
    {"enwik8", "LSTM 1800", 205, HN_CELL_LSTM, false, 1, 1800, 1, 1, 14812405},
    {"enwik8", "LSTM 2000", 205, HN_CELL_LSTM, false, 1, 2000, 1, 1, 18058205},
    {"enwik8", "layer-norm LSTM 1800", 205, HN_CELL_LSTM, true, 1, 1800, 1, 1, 14823205},
    {"enwik8", "HyperLSTM 1800", 205, HN_CELL_HYPERLSTM, false, 1, 1800, 256, 64, 18708213},
    {"enwik8", "layer-norm HyperLSTM 1800", 205, HN_CELL_HYPERLSTM, true, 1, 1800, 256, 64, 18727749},
    {"enwik8", "layer-norm HyperLSTM 2048", 205, HN_CELL_HYPERLSTM, true, 1, 2048, 512, 64, 26539725},
};

static hn_language_model model_of(const wanted *w)
{
    hn_language_model model;
    hn_language_model_default(&model);
    hn_cell_default(w->cell, &model.cell);
    model.vocabulary_size = w->vocabulary_size;
    model.layers = w->layers;
    model.cell.layer_norm = w->layer_norm;
    model.cell.units = w->units;
    model.cell.hyper_units = w->hyper_units;
    model.cell.embedding_size = w->embedding_size;
    return model;
}

static void every_model_has_its_row_and_count(void **state)
{
    hn_context *context;
    (void)state;
    assert_int_equal(hn_context_create(NULL, &context), HN_OK);
    for (size_t i = 0; i < sizeof models / sizeof models[0]; i++) {
        const hn_language_model model = model_of(&models[i]);
        const hni_paper_table *table;
        const hni_paper_row *row = hni_text_paper_find(&model, &table);
        assert_non_null(row);
        assert_string_equal(row->name, models[i].name);
        assert_string_equal(table->data, models[i].data);
        assert_int_equal(row->parameters, models[i].parameters);
        assert_int_equal(built(context, &model), models[i].parameters);
        assert_digits(row);
    }
    assert_int_equal(hn_context_memory(context), 0);
    hn_context_destroy(context);
}

static void another_size_has_no_row(void **state)
{
    const hni_paper_table *table;
    hn_language_model model = model_of(&models[5]);
    (void)state;
    model.cell.embedding_size = 5;
    assert_null(hni_text_paper_find(&model, &table));
    assert_null(table);
    model = model_of(&models[0]);
    model.vocabulary_size = 49;
    assert_null(hni_text_paper_find(&model, NULL));
    model = model_of(&models[0]);
    model.cell.hyper_units = 77; /* says nothing of an LSTM */
    assert_non_null(hni_text_paper_find(&model, NULL));
}

static void tables_are_whole(void **state)
{
    static const struct {
        const char *data;
        size_t own, count;
        double best;
    } cases[] = {{"penn_treebank", 8, 13, 1.219}, {"enwik8", 6, 16, 1.340}};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        const hni_paper_table *table = hni_text_paper_table(cases[i].data);
        double best = (double)INFINITY;
        assert_non_null(table);
        assert_int_equal(table->own, cases[i].own);
        assert_int_equal(table->count, cases[i].count);
        for (size_t k = 0; k < table->count; k++) {
            const hni_paper_row *row = &table->rows[k];
            assert_int_equal(k<table->own, row->parameters> 0);
            assert_int_equal(k < table->own, strncmp(row->source, "table", 5) == 0);
            assert_true(row->test > 1 && row->test < 2);
            best = fmin(best, row->test);
        }
        assert_true(best == cases[i].best);
    }
    assert_null(hni_text_paper_table("kjv"));
}

static void data_sets_are_known_by_their_settings(void **state)
{
    static const struct {
        hni_text_kind kind;
        const char *path, *data;
    } cases[] = {
        {HNI_TEXT_KIND_PENN_TREEBANK, "anywhere", "penn_treebank"},
        {HNI_TEXT_KIND_BYTES, "enwik8", "enwik8"},
        {HNI_TEXT_KIND_BYTES, "/data/enwik8.first4000000", "enwik8"},
        {HNI_TEXT_KIND_BYTES, "kjv", NULL},
        {HNI_TEXT_KIND_CHARACTERS, "enwik8", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        hni_text_settings settings = {.kind = cases[i].kind};
        snprintf(settings.path, sizeof settings.path, "%s", cases[i].path);
        const char *data = hni_text_paper_data(&settings);
        if (cases[i].data == NULL) {
            assert_null(data);
        } else {
            assert_string_equal(data, cases[i].data);
        }
    }
}

/* ---- images ---- */

typedef struct image_row {
    const char *data, *name, *source;
    double test;         /* the error as printed */
    const char *printed; /* of the count */
    int64_t parameters;
    hn_image_network network; /* of the paper's own; widen 0: the row is cited */
    hn_image_weights weights;
    int widen;
} image_row;

#define CONV HN_IMAGE_NETWORK_CONV
#define MLP HN_IMAGE_NETWORK_MLP
#define RESNET HN_IMAGE_NETWORK_WIDE_RESNET
#define STORED HN_IMAGE_WEIGHTS_STORED
#define HYPER HN_IMAGE_WEIGHTS_HYPER
#define COORDINATES HN_IMAGE_WEIGHTS_COORDINATES

static const image_row image_rows[] = {
    {"mnist", "convolutional network", "4.1", 0.72, "12,544 in the second kernel", 21210, CONV, STORED, 1},
    {"mnist", "convolutional network, second kernel generated", "4.1", 0.76, "4,244 make the second kernel", 12910,
     CONV, HYPER, 1},
    {"mnist", "fully connected network, 256 units", "A.1", 1.5, "", 203530, MLP, STORED, 1},
    {"mnist", "fully connected network, weights from coordinates", "A.1", 6.5, "801 make the matrix", 3627, MLP,
     COORDINATES, 1},
    {"cifar10", "Wide ResNet 40-1", "4.2", 6.73, "0.563 M", 562762, RESNET, STORED, 1},
    {"cifar10", "hypernetwork, Wide ResNet 40-1", "4.2", 8.02, "0.097 M", 96602, RESNET, HYPER, 1},
    {"cifar10", "Wide ResNet 40-2", "4.2", 5.66, "2.236 M", 2235530, RESNET, STORED, 2},
    {"cifar10", "hypernetwork, Wide ResNet 40-2", "4.2", 7.23, "0.148 M", 147610, RESNET, HYPER, 2},
    {.data = "cifar10", .name = "Network in Network", .source = "cited in 4.2", .test = 8.81, .printed = ""},
    {.data = "cifar10", .name = "FitNet", .source = "cited in 4.2", .test = 8.39, .printed = ""},
    {.data = "cifar10", .name = "Deeply Supervised Nets", .source = "cited in 4.2", .test = 8.22, .printed = ""},
    {.data = "cifar10", .name = "Highway Networks", .source = "cited in 4.2", .test = 7.72, .printed = ""},
    {.data = "cifar10", .name = "ELU", .source = "cited in 4.2", .test = 6.55, .printed = ""},
    {.data = "cifar10", .name = "ResNet-110", .source = "cited in 4.2", .test = 6.43, .printed = "1.7 M"},
    {.data = "cifar10", .name = "stochastic depth", .source = "cited in 4.2", .test = 5.23, .printed = "1.7 M"},
    {.data = "cifar10",
     .name = "Wide ResNet 40-1, its authors'",
     .source = "cited in 4.2",
     .test = 6.85,
     .printed = "0.6 M"},
    {.data = "cifar10",
     .name = "Wide ResNet 40-2, its authors'",
     .source = "cited in 4.2",
     .test = 5.33,
     .printed = "2.2 M"},
    {.data = "cifar10", .name = "Wide ResNet 28-10", .source = "cited in 4.2", .test = 4.17, .printed = "36.5 M"},
    {.data = "cifar10", .name = "ResNet of ResNet", .source = "cited in 4.2", .test = 3.77, .printed = "13.3 M"},
    {.data = "cifar10", .name = "DenseNet", .source = "cited in 4.2", .test = 3.74, .printed = "27.2 M"},
};
#define IMAGE_ROWS (sizeof image_rows / sizeof image_rows[0])

/* Every row of both tables, in their order, and no other. */
static void image_tables_are_the_papers(void **state)
{
    const hni_paper_table *table = NULL;
    size_t place = 0, own = 0;
    (void)state;
    for (size_t i = 0; i < IMAGE_ROWS; i++) {
        const image_row *right = &image_rows[i];
        if (table != hni_images_paper_table(right->data)) place = own = 0;
        table = hni_images_paper_table(right->data);
        assert_non_null(table);
        assert_true(place < table->count);
        const hni_paper_row *row = &table->rows[place++];
        assert_string_equal(row->name, right->name);
        assert_string_equal(row->source, right->source);
        assert_string_equal(row->printed, right->printed);
        assert_int_equal(row->parameters, right->parameters);
        assert_true(row->test == right->test && isnan(row->valid));
        own += right->widen > 0;
        if (i + 1 < IMAGE_ROWS && strcmp(image_rows[i + 1].data, right->data) == 0) continue;
        assert_int_equal(table->count, place);
        assert_int_equal(table->own, own);
    }
}

static hn_image_model image_model_of(const image_row *row)
{
    const bool mnist = strcmp(row->data, "mnist") == 0;
    hn_image_model model;
    hn_image_model_default(&model);
    model.network = row->network;
    model.weights = row->weights;
    model.widen = row->widen;
    model.channels = mnist ? 1 : 3;
    model.height = model.width = mnist ? 28 : 32;
    model.classes = 10;
    model.embedding_size = mnist ? 4 : 64;
    return model;
}

/* The count of the table is of the model that is built; what the paper prints is that count rounded, or a part of it. */
static void every_image_model_has_its_row_and_count(void **state)
{
    hn_context *context;
    (void)state;
    assert_int_equal(hn_context_create(NULL, &context), HN_OK);
    for (size_t i = 0; i < IMAGE_ROWS && image_rows[i].widen > 0; i++) {
        const image_row *right = &image_rows[i];
        const hn_image_model model = image_model_of(right);
        const hni_paper_table *table;
        hn_store *store = NULL;
        char digits[32];
        assert_int_equal(hn_store_create(context, &store), HN_OK);
        assert_int_equal(hn_image_model_declare(store, &model), HN_OK);
        assert_int_equal(hn_store_elements(store), right->parameters);
        const hni_paper_row *row = hni_images_paper_find(hn_store_elements(store), right->data, &table);
        assert_non_null(row);
        assert_string_equal(row->name, right->name);
        assert_ptr_equal(table, hni_images_paper_table(right->data));
        snprintf(digits, sizeof digits, "%.3f M", (double)row->parameters / 1e6);
        assert_int_equal(strcmp(digits, row->printed) == 0, strcmp(right->data, "cifar10") == 0);
        hn_store_destroy(store);
    }
    assert_int_equal(hn_context_memory(context), 0);
    hn_context_destroy(context);
}

/* The counts that the paper prints of MNIST are of the generated matrix, and of what makes it. */
static void parts_of_mnist_are_the_papers(void **state)
{
    static const struct {
        int row;
        int64_t generated, makes;
    } cases[] = {{1, 12544, 4244}, {3, 784 * 256, 801}};
    hn_context *context;
    (void)state;
    assert_int_equal(hn_context_create(NULL, &context), HN_OK);
    for (size_t i = 0; i < 2; i++) {
        const hn_image_model model = image_model_of(&image_rows[cases[i].row]);
        hn_image_counts counts;
        hn_store *store = NULL;
        assert_int_equal(hn_store_create(context, &store), HN_OK);
        assert_int_equal(hn_image_model_declare(store, &model), HN_OK);
        hn_image_model_counts(&model, store, &counts);
        assert_int_equal(counts.generated, cases[i].generated);
        assert_int_equal(counts.generator + counts.embeddings, cases[i].makes);
        assert_int_equal(counts.network + cases[i].makes, image_rows[cases[i].row].parameters);
        hn_store_destroy(store);
    }
    hn_context_destroy(context);
}

static void image_tables_are_known_by_the_last_part_of_a_path(void **state)
{
    const hni_paper_table *table = hni_images_paper_table("mnist");
    (void)state;
    assert_string_equal(table->title, "MNIST");
    assert_string_equal(hni_images_paper_table("cifar10")->title, "CIFAR-10");
    assert_ptr_equal(hni_images_paper_table("/data/mnist"), table);
    assert_null(hni_images_paper_table("/usr/share/datasets/fashion-mnist"));
    assert_null(hni_images_paper_table("mnist/train"));
    assert_null(hni_images_paper_find(21211, "mnist", &table));
    assert_null(table);
    assert_null(hni_images_paper_find(21210, "cifar10", &table));
    assert_null(hni_images_paper_find(21210, "fashion-mnist", &table));
    assert_null(hni_images_paper_find(0, "cifar10", &table)); /* what is cited is found by no count */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_model_has_its_row_and_count),
        cmocka_unit_test(another_size_has_no_row),
        cmocka_unit_test(tables_are_whole),
        cmocka_unit_test(data_sets_are_known_by_their_settings),
        cmocka_unit_test(image_tables_are_the_papers),
        cmocka_unit_test(every_image_model_has_its_row_and_count),
        cmocka_unit_test(parts_of_mnist_are_the_papers),
        cmocka_unit_test(image_tables_are_known_by_the_last_part_of_a_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
