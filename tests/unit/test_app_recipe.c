/* Recipes: what a file says lands in the structs; what is wrong with it is said with its place; what is printed reads back. */
#include <float.h>
#include <math.h>

#include "core/alloc.h"
#include "app/recipe/recipe.h"
#include "test_support.h"

typedef struct data_settings {
    char path[64];
    bool is_lower;
} data_settings;

typedef struct model_settings {
    int cell;
    int64_t units;
    int layers;
    double keep;
} model_settings;

typedef struct train_settings {
    double rate;
    int64_t steps;
    int schedule;
} train_settings;

static const char *const cell_words[] = {"lstm", "hyperlstm", NULL};
static const char *const schedule_words[] = {"off", "linear", "cosine", NULL};

static const hni_setting data_rows[] = {
    HNI_SETTING_TEXT("path", data_settings, path, "kjv/kjv.txt", "file"),
    HNI_SETTING_BOOL("lower", data_settings, is_lower, false, "lower case"),
};
static const hni_setting model_rows[] = {
    HNI_SETTING_CHOICE("cell", model_settings, cell, cell_words, "lstm", "kind"),
    HNI_SETTING_INTEGER("units", model_settings, units, 1, 9e15, 256, "units"),
    HNI_SETTING_INT("layers", model_settings, layers, -5, 16, 1, "layers"),
    HNI_SETTING_NUMBER("keep", model_settings, keep, -DBL_MAX, DBL_MAX, 0.9, "kept"),
};
static const hni_setting train_rows[] = {
    HNI_SETTING_NUMBER("rate", train_settings, rate, 0, 10, 1e-3, "rate"),
    HNI_SETTING_INTEGER("steps", train_settings, steps, 1, 1e9, 1000, "steps"),
    HNI_SETTING_CHOICE("schedule", train_settings, schedule, schedule_words, "off", "schedule"),
};
static const hni_settings data_table = HNI_SETTINGS("data", data_rows);
static const hni_settings model_table = HNI_SETTINGS("model", model_rows);
static const hni_settings train_table = HNI_SETTINGS("train", train_rows);

/* A recipe with structs of its own. */
typedef struct fixture {
    data_settings data;
    model_settings model;
    train_settings train;
    hni_recipe_section sections[3];
    hni_recipe recipe;
} fixture;

static hn_context *context;

static void prepare(fixture *f)
{
    memset(f, 0, sizeof *f);
    f->sections[0] = (hni_recipe_section){&data_table, &f->data};
    f->sections[1] = (hni_recipe_section){&model_table, &f->model};
    f->sections[2] = (hni_recipe_section){&train_table, &f->train};
    f->recipe = (hni_recipe){"text", f->sections, 3};
    hni_recipe_default(&f->recipe);
}

static int set_up(void **state)
{
    (void)state;
    return hn_context_create(NULL, &context) != HN_OK;
}

static int tear_down(void **state)
{
    (void)state;
    int64_t held = hn_context_memory(context);
    hn_context_destroy(context);
    return held != 0;
}

static void read_ok(fixture *f, const char *text)
{
    if (hni_recipe_read_text(context, "r.yaml", text, strlen(text), &f->recipe) != HN_OK) {
        fail_msg("%s", hn_context_error(context)->text);
    }
}

static void assert_refused_bytes(const char *text, size_t size, const char *message)
{
    fixture f;
    prepare(&f);
    if (hni_recipe_read_text(context, "r.yaml", text, size, &f.recipe) == HN_OK) fail_msg("accepted:\n%s", text);
    const char *said = hn_context_error(context)->text;
    if (strstr(said, message) == NULL) fail_msg("'%s' lacks '%s'", said, message);
    hn_context_clear(context);
}

static void reads_values_and_keeps_defaults(void **state)
{
    (void)state;
    fixture f;
    prepare(&f);
    read_ok(&f,
            "# a comment\ntask: text\n\ndata:\n  path: \"a b.txt\"\n  lower: true\nmodel: {cell: hyperlstm, units: 7,\n"
            "  layers: -2}\ntrain:\n  rate: 1e-8\n  schedule: \"off\"\n");
    assert_string_equal(f.data.path, "a b.txt");
    assert_true(f.data.is_lower);
    assert_int_equal(f.model.cell, 1);
    assert_int_equal(f.model.units, 7);
    assert_int_equal(f.model.layers, -2);
    assert_close(f.model.keep, 0.9, 0, 0);
    assert_close(f.train.rate, 1e-8, 0, 0);
    assert_int_equal(f.train.steps, 1000);
    assert_int_equal(f.train.schedule, 0);
}

static void reads_what_editors_make(void **state)
{
    (void)state;
    fixture f;
    prepare(&f);
    read_ok(&f, "\xef\xbb\xbftask: text\r\nmodel:\r\n  units: 5\r\n");
    assert_int_equal(f.model.units, 5);
    read_ok(&f, "---\ntask: text\ntrain:\nmodel:\n  units: 6\n...\n");
    assert_int_equal(f.model.units, 6);
    read_ok(&f, "task: text\ndata: {}\n");
    read_ok(&f, "task: text\ndata:\n  path: '\xc3\xa9t\xc3\xa9'\n");
    assert_string_equal(f.data.path, "\xc3\xa9t\xc3\xa9");
}

static void refuses_with_the_place(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"task: text\nmodel:\n  hiden: 3\n",
         "r.yaml:3:3: unknown key 'model.hiden', known are: cell, units, layers, keep"},
        {"task: text\nmodel:\n  unit: 3\n", "r.yaml:3:3: unknown key 'model.unit', did you mean 'units'?"},
        {"task: text\nmodel:\n  rate: 3\n", "r.yaml:3:3: unknown key 'model.rate', did you mean 'train.rate'?"},
        {"task: text\nmodle:\n  units: 3\n", "r.yaml:2:1: unknown section 'modle', did you mean 'model'?"},
        {"task: text\nunits: 3\n", "r.yaml:2:1: 'units' is no section, it is a key of 'model': write 'model.units'"},
        {"task: text\nsomething: 3\n", "unknown section 'something', a recipe has task, data, model, train"},
        {"task: text\nmodel:\n  units: 3\n  units: 4\n", "r.yaml:4:3: 'model.units' stands here a second time"},
        {"task: text\nmodel:\n  units: 3\nmodel:\n  layers: 4\n", "r.yaml:4:1: this section stands here a second time"},
        {"task: text\ntask: text\n", "r.yaml:2:7: 'task' stands here a second time"},
        {"task: images\n", "r.yaml:1:7: the task is 'images', 'text' is wanted"},
        {"task:\n", "'task' must be one word"},
        {"task: [text]\n", "r.yaml:1:7: 'task' must be one word"},
        {"model:\n  units: 3\n", "the key 'task' is missing"},
        {"task: text\nmodel:\n  units: 1e3\n", "r.yaml:3:10: model.units: needs a whole number"},
        {"task: text\nmodel:\n  units: -1\n", "r.yaml:3:10: model.units: needs a whole number from 1"},
        {"task: text\nmodel:\n  units: \"3\"\n", "r.yaml:3:10: model.units is a text in quotes"},
        {"task: text\nmodel:\n  units:\n", "r.yaml:3:9: model.units has no value"},
        {"task: text\nmodel:\n  units: ~\n", "r.yaml:3:10: model.units has no value"},
        {"task: text\ndata:\n  path: null\n", "write \"\" for an empty text"},
        {"task: text\nmodel:\n  units: [3]\n", "r.yaml:3:10: model.units takes one value"},
        {"task: text\nmodel:\n  units: {a: 3}\n", "r.yaml:3:10: model.units takes one value"},
        {"task: text\nmodel:\n  cell: lstn\n", "did you mean 'lstm'?"},
        {"task: text\ndata:\n  lower: yes\n", "r.yaml:3:10: data.lower: needs true or false"},
        {"task: text\ndata:\n  path: \"a\\0b\"\n", "r.yaml:3:9: data.path holds a zero byte"},
        {"task: text\nmodel: 3\n", "r.yaml:2:8: section 'model' must hold lines"},
        {"task: text\nmodel:\n  - units\n", "section 'model' must hold lines"},
        {"task: text\n? [a]\n: 3\n", "r.yaml:2:3: a key must be a plain word"},
        {"- task\n", "r.yaml:1:1: a recipe is made of sections"},
        {"text\n", "r.yaml:1:1: a recipe is made of sections"},
        {"", "the recipe holds nothing"},
        {"# only a comment\n", "the recipe holds nothing"},
        {"task: text\n---\ntask: text\n", "a second document begins here"},
        {"task: text\nmodel: &a\n  units: 3\n", "r.yaml:2:8: an anchor"},
        {"task: text\nmodel:\n  units: *a\n", "r.yaml:3:10: an alias"},
        {"task: text\nmodel:\n  units: !!int 3\n", "r.yaml:3:10: a tag"},
        {"task: !x text\n", "a tag"},
        {"task: text\nmodel:\n  units: 3\n bad\n", "r.yaml:4:2: not YAML here"},
        {"task: text\nmodel:\n\tunits: 3\n", "r.yaml:3:1: not YAML here"},
        {"task: text\nmodel: {units: 3\n", "not YAML here"},
        {"task: text\ndata:\n  path: \"open\n", "not YAML here"},
        {"task: text\ndata:\n  path: a\xff\n", "r.yaml:3:10: "},
        {"task: \xc3\xa9\xc3\xa9 \x01\n", "r.yaml:1:10: "},
        {"\xff\xfet\0a\0", "r.yaml:1:1: "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_refused_bytes(cases[i].text, strlen(cases[i].text), cases[i].message);
    }
    assert_refused_bytes("task: te\0xt\n", 12, "r.yaml:1:9: ");
}

static void nesting_is_no_bomb(void **state)
{
    (void)state;
    size_t size = 1 << 20;
    char *text = malloc(size), task[HNI_RECIPE_TASK_SIZE];
    assert_non_null(text);
    memset(text, '[', size);
    memcpy(text, "a: ", 3);
    assert_int_equal(hni_recipe_peek_task_text(context, "r.yaml", text, size, task), HN_ERROR_FORMAT);
    hn_context_clear(context);
    for (size_t i = 3; i < size; i++)
        text[i] = i % 2 == 1 ? '[' : '\n';
    assert_int_equal(hni_recipe_peek_task_text(context, "r.yaml", text, size, task), HN_ERROR_FORMAT);
    assert_non_null(strstr(hn_context_error(context)->text, "nested too deeply"));
    hn_context_clear(context);
    assert_refused_bytes(text, size, "unknown section");
    free(text);
}

static void peek_reads_the_task_alone(void **state)
{
    (void)state;
    char task[HNI_RECIPE_TASK_SIZE];
    static const char text[] = "any:\n  - {a: [1, 2]}\nother: 3\ntask: strokes\nmore: {b: c}\n";
    assert_int_equal(hni_recipe_peek_task_text(context, "r.yaml", text, sizeof text - 1, task), HN_OK);
    assert_string_equal(task, "strokes");
    assert_int_equal(hni_recipe_peek_task_text(context, "r.yaml", "a: b\n", 5, task), HN_ERROR_FORMAT);
    assert_non_null(strstr(hn_context_error(context)->text, "the key 'task' is missing"));
    hn_context_clear(context);
}

static void set_takes_one_value(void **state)
{
    (void)state;
    fixture f;
    static const struct {
        const char *assignment, *message;
    } cases[] = {
        {"train.rat=0.01", "--set train.rat=0.01: unknown key 'train.rat', did you mean 'rate'?"},
        {"train.rate=x", "--set train.rate=x: train.rate: needs a number"},
        {"tran.rate=1", "unknown section 'tran', did you mean 'train'?"},
        {"rate=1", "'rate' is no section, it is a key of 'train': write 'train.rate'"},
        {"train=1", "'train' is a section: write it as train.KEY=VALUE"},
        {"train.rate", "has no '=': write it as SECTION.KEY=VALUE"},
        {"", "has no '='"},
        {"=1", "unknown section ''"},
        {"train.=1", "unknown key 'train.'"},
        {"task=text", "the task cannot be set"},
        {"data.path=\xff", "byte 1 of the value is not UTF-8"},
        {"model.units=", "needs a whole number"},
    };
    prepare(&f);
    assert_int_equal(hni_recipe_set(context, "train.rate=0.25", &f.recipe), HN_OK);
    assert_close(f.train.rate, 0.25, 0, 0);
    assert_int_equal(hni_recipe_set(context, "data.path=a=b \"c\"", &f.recipe), HN_OK);
    assert_string_equal(f.data.path, "a=b \"c\"");
    assert_int_equal(hni_recipe_set(context, "data.path=", &f.recipe), HN_OK);
    assert_string_equal(f.data.path, "");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_not_equal(hni_recipe_set(context, cases[i].assignment, &f.recipe), HN_OK);
        const char *said = hn_context_error(context)->text;
        if (strstr(said, cases[i].message) == NULL) fail_msg("'%s' lacks '%s'", said, cases[i].message);
        hn_context_clear(context);
    }
}

static void printed_recipe_is_as_expected(void **state)
{
    (void)state;
    fixture f;
    char *text;
    prepare(&f);
    f.train.rate = 1e-8;
    (void)strcpy(f.data.path, "my \"text\"\n.txt");
    assert_int_equal(hni_recipe_print(context, &f.recipe, &text), HN_OK);
    assert_string_equal(
        text, "task: text\ndata:\n  path: \"my \\\"text\\\"\\x0A.txt\"\n  lower: false\nmodel:\n  cell: lstm\n"
              "  units: 256\n  layers: 1\n  keep: 0.9\ntrain:\n  rate: 1.0e-08\n  steps: 1000\n"
              "  schedule: \"off\"\n");
    hni_free(context, text);
    (void)strcpy(f.data.path, "\xff");
    assert_int_equal(hni_recipe_print(context, &f.recipe, &text), HN_ERROR_ARGUMENT);
    assert_null(text);
    hn_context_clear(context);
    (void)strcpy(f.data.path, "");
    f.model.keep = nan("");
    assert_int_equal(hni_recipe_print(context, &f.recipe, &text), HN_ERROR_ARGUMENT);
    hn_context_clear(context);
}

/* ---- property: what is printed reads back ------------------------------------------------------------------------- */

static uint64_t random_state = 0x9e3779b97f4a7c15u;

static uint64_t random_bits(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

/* Words that tempt YAML readers, or characters of all lengths, hidden ones included. */
static void random_text(char *text, size_t size)
{
    static const char *const words[] = {
        "",   "null", "~",  "true",  "No",  "1e3",  "0x1f", "1:2", "- a", "a: b", " a",        "a ",  "a #b",
        "#",  "!a",   "&a", "*a",    "%a",  "@a",   "`a",   "'a'", "\"",  "\\",   "{",         "[a]", "a,b",
        "=",  "<<",   "?",  "? a",   "---", "...",  "a\nb", "\n",  "a\r", "\t",   "./a",       "../", ".inf",
        ".5", "/a/b", "12", "1_000", "on",  "a\\n", "|",    ">",   "-",   "+1",   "2001-01-01"};
    static const char *const pieces[] = {"a",
                                         "Z",
                                         "0",
                                         " ",
                                         "\n",
                                         "\x01",
                                         "\x7f",
                                         "\xc2\x85",
                                         "\xc2\xa0",
                                         "\xc3\xa9",
                                         ":",
                                         "#",
                                         "\xe2\x80\xa8",
                                         "\xe2\x82\xac",
                                         "\xef\xbb\xbf",
                                         "\xef\xbf\xbe",
                                         "'",
                                         "\"",
                                         "\\",
                                         "\xf0\x9f\x98\x80",
                                         "\xc2\x80"};
    text[0] = 0;
    if (random_bits() % 2 == 0) {
        (void)snprintf(text, size, "%s", words[random_bits() % (sizeof words / sizeof words[0])]);
        return;
    }
    for (uint64_t left = random_bits() % 12; left > 0; left--) {
        (void)strcat(text, pieces[random_bits() % (sizeof pieces / sizeof pieces[0])]);
    }
}

static double random_double(void)
{
    double value;
    do {
        uint64_t bits = random_bits();
        memcpy(&value, &bits, sizeof value);
    } while (!isfinite(value));
    return value;
}

static void printed_recipe_reads_back(void **state)
{
    (void)state;
    for (int round = 0; round < 3000; round++) {
        fixture first, second;
        char *text, *again;
        prepare(&first);
        prepare(&second);
        memset(first.data.path, 0, sizeof first.data.path);
        random_text(first.data.path, sizeof first.data.path);
        first.data.is_lower = random_bits() % 2 == 0;
        first.model.cell = (int)(random_bits() % 2);
        first.model.units = 1 + (int64_t)(random_bits() % 9000000000000000u);
        first.model.layers = (int)(random_bits() % 22) - 5;
        first.model.keep = random_double();
        first.train.rate = (double)(random_bits() % 1000) / 997;
        first.train.schedule = (int)(random_bits() % 3);
        assert_int_equal(hni_recipe_print(context, &first.recipe, &text), HN_OK);
        read_ok(&second, text);
        assert_memory_equal(first.data.path, second.data.path, sizeof first.data.path);
        assert_int_equal(first.data.is_lower, second.data.is_lower);
        assert_memory_equal(&first.model.keep, &second.model.keep, sizeof(double));
        assert_memory_equal(&first.train.rate, &second.train.rate, sizeof(double));
        assert_int_equal(first.model.units, second.model.units);
        assert_int_equal(first.model.layers, second.model.layers);
        assert_int_equal(first.model.cell, second.model.cell);
        assert_int_equal(first.train.schedule, second.train.schedule);
        assert_int_equal(hni_recipe_print(context, &second.recipe, &again), HN_OK);
        assert_string_equal(text, again);
        hni_free(context, text);
        hni_free(context, again);
    }
}

/* ---- files -------------------------------------------------------------------------------------------------------- */

static void recipes_are_found_by_name(void **state)
{
    (void)state;
    char *folder = test_folder_create(), *other = test_folder_create(), *path;
    const char **names;
    const char *folders[] = {"does-not-exist", folder, other};
    char *first = test_path_join(folder, "text-small.yaml"), *second = test_path_join(other, "text-small.yaml");
    char *third = test_path_join(other, "ptb.yaml"), *stranger = test_path_join(other, "notes.txt");
    test_file_write(first, "task: text\nmodel:\n  units: 9\n", 29);
    test_file_write(second, "x", 1);
    test_file_write(third, "x", 1);
    test_file_write(stranger, "x", 1);
    assert_int_equal(hni_recipe_find(context, "text-small", folders, 3, &path), HN_OK);
    assert_string_equal(path, first);
    fixture f;
    char task[HNI_RECIPE_TASK_SIZE];
    prepare(&f);
    assert_int_equal(hni_recipe_peek_task(context, path, task), HN_OK);
    assert_string_equal(task, "text");
    assert_int_equal(hni_recipe_read(context, path, &f.recipe), HN_OK);
    assert_int_equal(f.model.units, 9);
    hni_free(context, path);
    assert_int_equal(hni_recipe_find(context, "my.yaml", folders, 3, &path), HN_OK);
    assert_string_equal(path, "my.yaml");
    hni_free(context, path);
    assert_int_equal(hni_recipe_find(context, "./mine", folders, 3, &path), HN_OK);
    assert_string_equal(path, "./mine");
    hni_free(context, path);
    assert_int_equal(hni_recipe_find(context, "text-smal", folders, 3, &path), HN_ERROR_ARGUMENT);
    assert_non_null(
        strstr(hn_context_error(context)->text, "no recipe is named 'text-smal', did you mean 'text-small'?"));
    hn_context_clear(context);
    assert_int_equal(hni_recipe_find(context, "", folders, 3, &path), HN_ERROR_ARGUMENT);
    assert_non_null(strstr(hn_context_error(context)->text, "'hypernet recipes' lists them"));
    hn_context_clear(context);
    assert_int_equal(hni_recipe_list(context, folders, 3, &names), HN_OK);
    assert_string_equal(names[0], "ptb");
    assert_string_equal(names[1], "text-small");
    assert_null(names[2]);
    hni_free(context, names);
    assert_int_equal(hni_recipe_read(context, "missing.yaml", &f.recipe), HN_ERROR_IO);
    assert_non_null(strstr(hn_context_error(context)->text, "missing.yaml: cannot open"));
    hn_context_clear(context);
    free(first);
    free(second);
    free(third);
    free(stranger);
    test_folder_remove(folder);
    test_folder_remove(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_values_and_keeps_defaults), cmocka_unit_test(reads_what_editors_make),
        cmocka_unit_test(refuses_with_the_place),          cmocka_unit_test(nesting_is_no_bomb),
        cmocka_unit_test(peek_reads_the_task_alone),       cmocka_unit_test(set_takes_one_value),
        cmocka_unit_test(printed_recipe_is_as_expected),   cmocka_unit_test(printed_recipe_reads_back),
        cmocka_unit_test(recipes_are_found_by_name),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down) != 0;
}
