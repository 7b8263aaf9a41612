/* Every reading of the paper that a text model takes is said by `info`: with its key and value where it can be chosen, and no reading
 * of another kind of cell. */
#include "nn/settings.h"
#include "test_task.h"

typedef struct said {
    char text[16384]; /* "key|value\n" for each line */
    size_t size;
} said;

static void keep(void *user, const char *key, const char *value)
{
    said *all = user;
    all->size += (size_t)snprintf(all->text + all->size, sizeof all->text - all->size, "%s|%s\n", key, value);
    assert_true(all->size < sizeof all->text);
}

/* What is said of a model of the settings in `t`, which need no data. */
static said say(test_task *t)
{
    said all = {.size = 0};
    const hni_task_open open = {.context = t->context, .data = &t->data, .model = &t->model};
    test_task_ok(t, t->task->open(&open, &t->work));
    test_task_ok(t, t->task->describe(t->work, true, keep, &all));
    t->task->close(t->work);
    t->work = NULL;
    return all;
}

static void set_up(test_task *t, hn_cell_kind kind, bool layer_norm)
{
    test_task_prepare(t, 500);
    t->model.cell.kind = kind;
    t->model.cell.layer_norm = layer_norm;
}

static const hn_cell_kind kinds[] = {HN_CELL_LSTM, HN_CELL_HYPERLSTM, HN_CELL_RNN, HN_CELL_HYPERRNN,
                                     HN_CELL_HYPERRNN_FULL};
#define KINDS (sizeof kinds / sizeof kinds[0])

/* Sizes, which are among the layers; all other keys of a model are readings. */
static bool is_size(const char *key)
{
    static const char *const sizes[] = {"cell", "layer_norm", "layers", "units", "hyper_units", "embedding_size"};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        if (strcmp(sizes[i], key) == 0) return true;
    return false;
}

static bool is_said_of_some_cell(const char *key)
{
    char wanted[96];
    bool found = false;
    snprintf(wanted, sizeof wanted, "|model.%s = ", key);
    for (size_t i = 0; i < KINDS; i++) {
        test_task t;
        set_up(&t, kinds[i], kinds[i] == HN_CELL_LSTM || kinds[i] == HN_CELL_HYPERLSTM);
        t.model.layers = 2;
        const said all = say(&t);
        found = found || strstr(all.text, wanted) != NULL;
        test_task_close(&t);
    }
    return found;
}

static void every_key_is_said(void **state)
{
    const hni_settings *settings = hni_language_settings();
    (void)state;
    for (size_t i = 0; i < settings->count; i++) {
        const char *key = settings->rows[i].name;
        if (!is_size(key) && !is_said_of_some_cell(key))
            fail_msg("model.%s is no reading that info says: give it a row in src/app/tasks/text_readings.c", key);
    }
}

static void values_are_those_of_the_model(void **state)
{
    test_task t;
    (void)state;
    set_up(&t, HN_CELL_HYPERLSTM, true);
    t.model.cell.hyper_output = HN_HYPER_OUTPUT_PREVIOUS;
    t.model.cell.scale_start = HN_SCALE_START_ONE;
    t.model.cell.input_init = HN_INPUT_INIT_UNIFORM;
    t.model.cell.forget_bias = 0.5;
    t.model.keep_input = 0.75;
    t.model.cell.zoneout_cell = 0.25;
    t.model.cell.zoneout_hidden = 0.125;
    t.model.cell.hyper_layer_norm = HN_HYPER_LAYER_NORM_ALWAYS;
    t.model.cell.layer_norm_epsilon = 0.0625;
    t.model.cell.observed_phi = HN_OBSERVED_PHI_RAW;
    t.data.vocabulary_size = 77;
    const said all = say(&t);
    static const char *const wanted[] = {
        "model.hyper_output = previous",
        "model.scale_start = one",
        "model.input_init = uniform",
        "model.forget_bias = 0.5",
        "model.keep_input = 0.75",
        "data.vocabulary_size = 77",
        "model.zoneout_cell = 0.25",
        "model.zoneout_hidden = 0.125",
        "model.observed_phi = raw",
        "model.layer_norm_epsilon = 0.0625",
        "model.hyper_layer_norm = always",
        "reading: bits per character|",
        "reading: dropout, scale|inverted",
        "reading: tracks|B of floor",
        "reading: softmax layer|begins with orthogonal",
        "reading: equal elements|",
        "reading: loss|mean over all",
    };
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        if (strstr(all.text, wanted[i]) == NULL) fail_msg("'%s' is not in:\n%s", wanted[i], all.text);
    test_task_close(&t);
}

/* No name comes twice, which would hide one of them from a reader of JSON. */
static void assert_names_differ(const said *all)
{
    for (const char *line = all->text; line[0] != 0; line = strchr(line, '\n') + 1) {
        char name[96];
        snprintf(name, sizeof name, "\n%.*s|", (int)strcspn(line, "|"), line);
        if (strstr(line, name) != NULL) fail_msg("'%s' stands there twice in:\n%s", name + 1, all->text);
    }
}

/* A reading stands there for the models that it concerns, and for no other. */
static void readings_are_of_the_cell(void **state)
{
    static const struct {
        const char *name;
        bool of[KINDS]; /* with layer norm where the cell can have it */
    } cases[] = {
        {"reading: hyper output|", {false, true, false, true, true}},
        {"reading: scaling vectors|model.scale_start", {false, true, false, false, false}},
        {"reading: scaling vectors|begin at 1", {false, false, false, true, false}},
        {"reading: matrices|", {false, false, false, false, true}},
        {"reading: phi|model.activation", {false, false, true, true, true}},
        {"reading: forget bias|", {true, true, false, false, false}},
        {"reading: layer norm of c|", {true, true, false, false, false}},
        {"reading: recurrent dropout, hyper cell|", {false, true, false, false, false}},
        {"reading: zoneout of c|", {true, true, false, false, false}},
        {"reading: embeddings|model.embedding_init = paper", {false, true, false, true, true}},
        {"reading: equal elements|", {false, true, false, true, false}},
        {"reading: histograms of phi|model.observed_phi = normalised", {true, true, false, false, false}},
        {"reading: start of W_x|", {true, true, true, true, true}},
        {"reading: dropout between layers|", {false, false, false, false, false}},
        {"reading: Penn Treebank characters|", {false, false, false, false, false}},
        {"reading: start of W_h|orthogonal", {true, true, true, true, true}},
        {"reading: input dropout|model.keep_input", {true, true, true, true, true}},
        {"hyper cell", {false, true, false, true, true}},
        {"both cells", {false, true, false, false, false}},
    };
    (void)state;
    for (size_t k = 0; k < KINDS; k++) {
        test_task t;
        set_up(&t, kinds[k], kinds[k] == HN_CELL_LSTM || kinds[k] == HN_CELL_HYPERLSTM);
        const said all = say(&t);
        assert_names_differ(&all);
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
            if ((strstr(all.text, cases[i].name) != NULL) != cases[i].of[k])
                fail_msg("cell %zu, '%s' is wrong in:\n%s", k, cases[i].name, all.text);
        }
        test_task_close(&t);
    }
}

static void conditions_of_the_model_and_the_data(void **state)
{
    test_task t;
    (void)state;
    set_up(&t, HN_CELL_HYPERLSTM, false);
    t.model.cell.embedding_init = HN_EMBEDDING_INIT_JITTER;
    t.model.cell.hyper_layer_norm = HN_HYPER_LAYER_NORM_ALWAYS;
    const said jittered = say(&t);
    assert_null(strstr(jittered.text, "reading: equal elements"));
    assert_null(strstr(jittered.text, "reading: layer norm of c"));
    assert_non_null(strstr(jittered.text, "reading: embeddings|model.embedding_init = jitter"));
    assert_non_null(strstr(jittered.text, "reading: layer norm, epsilon|model.layer_norm_epsilon = 0.001"));
    test_task_close(&t);
    set_up(&t, HN_CELL_LSTM, false);
    t.model.layers = 2;
    t.data.kind = HNI_TEXT_KIND_PENN_TREEBANK;
    const said all = say(&t);
    assert_null(strstr(all.text, "reading: layer norm"));
    assert_null(strstr(all.text, "reading: histograms of phi"));
    assert_non_null(strstr(all.text, "reading: dropout between layers|model.keep_between = 1.0"));
    assert_non_null(strstr(all.text, "reading: Penn Treebank characters|Mikolov"));
    test_task_close(&t);
}

/* Noise at the start takes away what the paper's start means; layer norm in the hyper cell alone has an epsilon. */
static void conditions_of_readings(void **state)
{
    test_task t;
    (void)state;
    set_up(&t, HN_CELL_HYPERLSTM, false);
    t.model.cell.embedding_init = HN_EMBEDDING_INIT_JITTER;
    const said noisy = say(&t);
    assert_non_null(strstr(noisy.text, "model.embedding_init = jitter"));
    assert_null(strstr(noisy.text, "reading: equal elements|"));
    assert_null(strstr(noisy.text, "reading: layer norm, epsilon|"));
    t.model.cell.hyper_layer_norm = HN_HYPER_LAYER_NORM_ALWAYS;
    const said all = say(&t);
    assert_non_null(strstr(all.text, "reading: layer norm, epsilon|model.layer_norm_epsilon = 0.001"));
    test_task_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_is_said),        cmocka_unit_test(values_are_those_of_the_model),
        cmocka_unit_test(readings_are_of_the_cell), cmocka_unit_test(conditions_of_the_model_and_the_data),
        cmocka_unit_test(conditions_of_readings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
