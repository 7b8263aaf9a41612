/* Tables 3 and 4 of the paper against the models as they are built: the count of each of the fourteen, and where a row is found. */
#include <math.h>

#include "app/tasks/text_paper.h"
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_model_has_its_row_and_count),
        cmocka_unit_test(another_size_has_no_row),
        cmocka_unit_test(tables_are_whole),
        cmocka_unit_test(data_sets_are_known_by_their_settings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
