/* Reading a run directory: good files, old and new columns, and every kind of damage, each with a message that says where. */
#include "test_support.h"

#include <math.h>
#include <sys/stat.h>

#include "app/report/report.h"
#include "test_allocator.h"

static const char good_log[] = "step,epoch,rate,train_bpc,valid_bpc,gradient_norm,clip_rate\n"
                               "10,0.5,0.004,3.5,,1.25,1\n"
                               "20,1,0.004,2.5,2.625,0.5,0.25\n"
                               "30,1.5,0.002,2.25,2.75,0.5,0\n";
static const char good_facts[] =
    "{\"format\":1,\"version\":\"0.1.0\",\"name\":\"text-small\",\"label\":\"LN-HyperLSTM\","
    "\"cell\":\"hyperlstm\",\"seed\":7,\"command\":\"hypernet train x\","
    "\"host\":{\"cpu\":\"C <1>\",\"cores\":2},\"rows\":[[10,1.5],[30,4.5]],"
    "\"characters_per_second\":1234.5,\"parameters\":{\"total\":4922642,\"by_part\":"
    "{\"softmax\":50050}},\"sessions\":[{},{}],\"later\":[1]}";
static const char good_recipe[] = "task: text\n";

typedef struct fixture {
    hn_context *context;
    char *folder;
    char logged[512]; /* the last line of the log */
} fixture;

static void keep_line(void *user, hn_log_level level, const char *text)
{
    (void)level;
    (void)snprintf(((fixture *)user)->logged, sizeof((fixture *)user)->logged, "%s", text);
}

static void write_part(const fixture *made, const char *name, const char *text)
{
    char *path = test_path_join(made->folder, name);
    test_file_write(path, text, strlen(text));
    free(path);
}

static void remove_part(const fixture *made, const char *name)
{
    char *path = test_path_join(made->folder, name);
    assert_int_equal(remove(path), 0);
    free(path);
}

static int set_up(void **state)
{
    fixture *made = calloc(1, sizeof *made);
    hn_context_options options;
    hn_context_options_default(&options);
    options.log = keep_line;
    options.log_user = made;
    if (made == NULL || hn_context_create(&options, &made->context) != HN_OK) return 1;
    made->folder = test_folder_create();
    write_part(made, "log.csv", good_log);
    write_part(made, "run.json", good_facts);
    write_part(made, "recipe.yaml", good_recipe);
    *state = made;
    return 0;
}

static int tear_down(void **state)
{
    fixture *made = *state;
    bool held = hn_context_memory(made->context) != 0;
    test_folder_remove(made->folder);
    hn_context_destroy(made->context);
    free(made);
    return held;
}

static const char *fact_of(const hni_run *run, const char *key)
{
    for (size_t i = 0; i < run->fact_count; i++) {
        if (strcmp(run->facts[i].key, key) == 0) return run->facts[i].value;
    }
    return NULL;
}

static void test_good_run(void **state)
{
    fixture *made = *state;
    hni_run run;
    assert_int_equal(hni_run_load(made->context, made->folder, &run), HN_OK);
    assert_string_equal(run.name, "LN-HyperLSTM");
    assert_string_equal(run.cell, "hyperlstm");
    assert_string_equal(run.recipe, good_recipe);
    assert_int_equal(run.parameters, 4922642);
    assert_close(run.speed, 1234.5, 0.0, 0.0);
    assert_int_equal(run.row_count, 3);
    assert_int_equal(run.rows[1].step, 20);
    assert_close(run.rows[1].valid, 2.625, 0.0, 0.0);
    assert_close(run.rows[1].clip_rate, 0.25, 0.0, 0.0);
    assert_close(run.rows[2].rate, 0.002, 1e-15, 0.0);
    assert_true(isnan(run.rows[0].valid));
    assert_close(run.rows[0].seconds, 1.5, 0.0, 0.0);
    assert_true(isnan(run.rows[1].seconds)); /* step 20 has no pair */
    assert_close(run.rows[2].seconds, 4.5, 0.0, 0.0);
    assert_ptr_equal(hni_run_best(&run), &run.rows[1]);
    assert_string_equal(fact_of(&run, "seed"), "7");
    assert_string_equal(fact_of(&run, "host.cpu"), "C <1>");
    assert_string_equal(fact_of(&run, "host.cores"), "2");
    assert_string_equal(fact_of(&run, "parameters.softmax"), "50050");
    assert_string_equal(fact_of(&run, "sessions"), "2");
    assert_null(fact_of(&run, "later"));
    hni_run_free(&run);
}

static void test_little_is_enough(void **state)
{
    fixture *made = *state;
    hni_run run;
    write_part(made, "log.csv", "valid_bpc,new_column,step\r\n2.5,what,5\r\n");
    write_part(made, "run.json", "{\"format\":1}");
    assert_int_equal(hni_run_load(made->context, made->folder, &run), HN_OK);
    assert_string_equal(run.name, run.folder);
    assert_non_null(strstr(made->folder, run.folder));
    assert_int_equal(run.row_count, 1);
    assert_close(run.rows[0].valid, 2.5, 0.0, 0.0);
    assert_true(isnan(run.rows[0].train) && isnan(run.rows[0].seconds) && isnan(run.speed));
    assert_int_equal(run.fact_count, 0);
    hni_run_free(&run);

    write_part(made, "log.csv", "step\n");
    assert_int_equal(hni_run_load(made->context, made->folder, &run), HN_OK);
    assert_int_equal(run.row_count, 0);
    assert_null(hni_run_best(&run));
    hni_run_free(&run);
}

static void test_a_torn_last_line_is_left_out_and_said(void **state)
{
    fixture *made = *state;
    hni_run run;
    write_part(made, "log.csv", "step,train_bpc\n1,5\n2,4\n3,3.");
    assert_int_equal(hni_run_load(made->context, made->folder, &run), HN_OK);
    assert_int_equal(run.row_count, 2);
    assert_non_null(strstr(made->logged, "log.csv:4: the last line is incomplete"));
    hni_run_free(&run);
}

static void assert_refused(fixture *made, const char *expected)
{
    hni_run run;
    hn_context_clear(made->context);
    assert_int_not_equal(hni_run_load(made->context, made->folder, &run), HN_OK);
    const char *text = hn_context_error(made->context)->text;
    if (strstr(text, expected) == NULL) fail_msg("'%s' does not hold '%s'", text, expected);
}

static void test_damaged_log(void **state)
{
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"", "log.csv: the file is empty"},
        {"step,train_bpc", "log.csv:1: no line with the names"},
        {"a,b\n1,2\n", "log.csv:1: no column 'step'"},
        {"step,rate,rate\n", "log.csv:1: column 'rate' is named twice"},
        {"step,rate\n1\n", "log.csv:2: 1 values where line 1 names 2"},
        {"step,rate\n1,2,3\n", "log.csv:2: 3 values"},
        {"step,rate\n1,2\n\n", "log.csv:3: step is ''"},
        {"step,rate\n1.5,2\n", "log.csv:2: step is '1.5', not a whole number"},
        {"step,rate\n-1,2\n", "log.csv:2: step is '-1'"},
        {"step,rate\n1e300,2\n", "log.csv:2: step is '1e300'"},
        {"step,rate\n1,nan\n", "log.csv:2: rate is 'nan', not a number"},
        {"step,rate\n1,0x10\n", "log.csv:2: rate is '0x10'"},
        {"step,rate\n1,1e999\n", "log.csv:2: rate is '1e999'"},
        {"step,rate\n1, 2\n", "log.csv:2: rate is ' 2'"},
        {"step,rate\n1,\xff\x01\n", "log.csv:2: rate is '?\?'"},
        {"step,rank.0.h.i\n1,\n2,x\n", "log.csv:3: rank.0.h.i is 'x', not a number"},
        {"step,rank.0.h\n1,nan\n", "log.csv:2: rank.0.h is 'nan', not a number"},
        {"step,rank.0.h.i,rank.0.h.i\n", "log.csv:1: column 'rank.0.h.i' is named twice"},
        {"step,rank.0.h.i,rank.0.h\n1,2\n", "log.csv:2: 2 values where line 1 names 3"},
        {"step,rate\n5,1\n5,1\n", "log.csv:3: step 5 does not come after step 5"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        write_part(*state, "log.csv", cases[i].text);
        assert_refused(*state, cases[i].expected);
    }
    char *path = test_path_join(((fixture *)*state)->folder, "log.csv");
    test_file_write(path, "step\n1\0\n", 8);
    free(path);
    assert_refused(*state, "log.csv: byte 7 is 0");
}

static void test_damaged_facts(void **state)
{
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"{\"format\":1", "run.json: line 1, column"},
        {"[]", "run.json: must hold one object, not a list"},
        {"{}", "run.json: no key 'format'"},
        {"{\"format\":\"1\"}", "run.json: 'format' must be a whole number, not a text"},
        {"{\"format\":2}", "run.json: format 2, this version reads up to 1"},
        {"{\"format\":1,\"label\":3}", "'label' must be a text, not a whole number"},
        {"{\"format\":1,\"host\":3}", "'host' must be an object"},
        {"{\"format\":1,\"sessions\":3}", "'sessions' must be a list"},
        {"{\"format\":1,\"parameters\":3}", "'parameters' must be an object"},
        {"{\"format\":1,\"parameters\":{\"total\":-3}}", "'parameters.total' must be"},
        {"{\"format\":1,\"parameters\":{\"by_part\":3}}", "'parameters.by_part' must be"},
        {"{\"format\":1,\"characters_per_second\":\"x\"}", "'characters_per_second' must be a number"},
        {"{\"format\":1,\"rows\":3}", "'rows' must be a list"},
        {"{\"format\":1,\"rows\":[[1,2],3]}", "entry 2 of 'rows' is no pair"},
        {"{\"format\":1,\"rows\":[[1,-2]]}", "entry 1 of 'rows' is no pair"},
        {"{\"format\":1,\"rows\":[[1.5,2]]}", "entry 1 of 'rows' is no pair"},
        {"{\"format\":1,\"rows\":[[2,1],[1,2]]}", "entry 2 of 'rows': step 1 does not come after step 2"},
        {"{\"format\":1,\"format\":1}", "run.json: line 1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        write_part(*state, "run.json", cases[i].text);
        assert_refused(*state, cases[i].expected);
    }
}

/* ---- effective ranks and recipes ------------------------------------------------------------------------------------------ */

static void test_ranks_are_read_by_name(void **state)
{
    fixture *made = *state;
    hni_run run;
    write_part(made, "log.csv",
               "step,rank.0.h.i,valid_bpc,rank.12.b,rank.x.h,rank.1.,rank.,rank.2.h.,rank.0.x.gate\n"
               "10,,3,,what,ever,is,here,\n"
               "20,1.5,2,2.25,,,,,4\n");
    assert_int_equal(hni_run_load(made->context, made->folder, &run), HN_OK);
    assert_int_equal(run.rank_count, 3);
    assert_int_equal(run.ranks[0].layer, 0);
    assert_int_equal(run.ranks[0].embedding, 'h');
    assert_string_equal(run.ranks[0].gate, "i");
    assert_true(isnan(run.ranks[0].values[0]));
    assert_close(run.ranks[0].values[1], 1.5, 0.0, 0.0);
    assert_int_equal(run.ranks[1].layer, 12);
    assert_int_equal(run.ranks[1].embedding, 'b');
    assert_string_equal(run.ranks[1].gate, "");
    assert_close(run.ranks[1].values[1], 2.25, 0.0, 0.0);
    assert_string_equal(run.ranks[2].gate, "gate");
    assert_close(run.ranks[2].values[1], 4, 0.0, 0.0);
    assert_close(run.rows[1].valid, 2, 0.0, 0.0);
    hni_run_free(&run);
}

/* More rows than are taken at once: each value stays at its row. */
static void test_many_rows_of_ranks(void **state)
{
    enum { ROWS = 1000 };
    fixture *made = *state;
    hni_run run;
    hni_text log = {.context = made->context};
    hni_text_add(&log, "step,rank.0.h.i,rank.0.h.g\n");
    for (int i = 0; i < ROWS; i++)
        hni_text_add(&log, i % 3 == 0 ? "%d,%d,\n" : "%d,%d,1\n", i, 2 * i);
    write_part(made, "log.csv", log.data);
    hni_text_free(&log);
    assert_int_equal(hni_run_load(made->context, made->folder, &run), HN_OK);
    assert_int_equal(run.row_count, ROWS);
    for (int i = 0; i < ROWS; i++) {
        assert_close(run.ranks[0].values[i], 2.0 * i, 0.0, 0.0);
        assert_int_equal(isnan(run.ranks[1].values[i]), i % 3 == 0);
    }
    hni_run_free(&run);
}

static void test_old_runs_have_no_ranks(void **state)
{
    fixture *made = *state;
    hni_run run;
    assert_int_equal(hni_run_load(made->context, made->folder, &run), HN_OK);
    assert_int_equal(run.rank_count, 0);
    assert_true(isnan(run.test));
    hni_run_free(&run);
}

static void test_the_recipe_names_data_and_size(void **state)
{
    fixture *made = *state;
    hni_run run;
    write_part(made, "recipe.yaml", "task: text\ndata: {kind: penn_treebank}\nmodel: {embedding_size: 16}\n");
    assert_int_equal(hni_run_load(made->context, made->folder, &run), HN_OK);
    assert_non_null(run.paper);
    assert_string_equal(run.paper->title, "Penn Treebank");
    assert_int_equal(run.embedding_size, 16);
    hni_run_free(&run);

    write_part(made, "recipe.yaml", "task: text\ndata: {kind: bytes, path: kjv}\n");
    assert_int_equal(hni_run_load(made->context, made->folder, &run), HN_OK);
    assert_null(run.paper);
    assert_int_equal(made->logged[0], '\0');
    hni_run_free(&run);

    /* of a later version, say: shown as it is */
    write_part(made, "recipe.yaml", "task: text\nmodel: {cell: marvel}\n");
    assert_int_equal(hni_run_load(made->context, made->folder, &run), HN_OK);
    assert_null(run.paper);
    assert_non_null(strstr(run.recipe, "marvel"));
    assert_non_null(strstr(made->logged, "recipe.yaml:2:"));
    assert_non_null(strstr(made->logged, "shown as text"));
    hni_run_free(&run);
}

static void test_missing_parts(void **state)
{
    static const char *const parts[] = {"recipe.yaml", "run.json", "log.csv"};
    fixture *made = *state;
    hni_run run;
    for (size_t i = 0; i < 3; i++) {
        char expected[64];
        remove_part(made, parts[i]);
        (void)snprintf(expected, sizeof expected, "there is no %s", parts[i]);
        assert_refused(made, expected);
    }
    char *path = test_path_join(made->folder, "log.csv");
    assert_int_equal(mkdir(path, 0700), 0);
    assert_refused(made, "log.csv: this is a folder");
    free(path);
    hn_context_clear(made->context);
    assert_int_equal(hni_run_load(made->context, "no/such/run", &run), HN_ERROR_IO);
    assert_non_null(strstr(hn_context_error(made->context)->text, "no/such/run: no such run directory"));
}

static void test_a_run_before_its_first_row(void **state)
{
    fixture *made = *state;
    hni_run run;
    remove_part(made, "log.csv");
    assert_int_equal(hni_run_load(made->context, made->folder, &run), HN_OK);
    assert_int_equal(run.row_count, 0);
    assert_null(hni_run_best(&run));
    assert_non_null(strstr(made->logged, "there is no log.csv yet"));
    hni_run_free(&run);
}

/* Any damage to one byte, and any cut, is read or refused, never more. */
static void test_every_cut_and_flip_is_survived(void **state)
{
    fixture *made = *state;
    const struct {
        const char *name, *text;
    } parts[] = {{"log.csv", good_log}, {"run.json", good_facts}};
    for (int part = 0; part < 2; part++) {
        size_t size = strlen(parts[part].text);
        char *path = test_path_join(made->folder, parts[part].name);
        for (size_t i = 0; i < 2 * size; i++) {
            char bytes[1024];
            hni_run run;
            memcpy(bytes, parts[part].text, size);
            if (i < size) bytes[i] = (char)(bytes[i] ^ (1 << (i % 8)));
            test_file_write(path, bytes, i < size ? size : i - size);
            hn_context_clear(made->context);
            if (hni_run_load(made->context, made->folder, &run) == HN_OK) {
                hni_run_free(&run);
            } else {
                assert_true(strlen(hn_context_error(made->context)->text) > 20);
            }
        }
        test_file_write(path, parts[part].text, size);
        free(path);
    }
}

static void test_each_failing_allocation_is_reported(void **state)
{
    fixture *made = *state;
    for (long n = 1;; n++) {
        test_allocator memory = {.fail_at = n};
        hn_context_options options;
        hn_context *context = NULL;
        hni_run run;
        hn_context_options_default(&options);
        options.allocator = test_allocator_hook(&memory);
        if (hn_context_create(&options, &context) == HN_OK) {
            hn_status status = hni_run_load(context, made->folder, &run);
            assert_int_equal(status, memory.has_failed ? HN_ERROR_MEMORY : HN_OK);
            if (status == HN_OK) hni_run_free(&run);
        }
        hn_context_destroy(context);
        assert_int_equal(memory.blocks, 0);
        if (!memory.has_failed) break;
    }
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_good_run),
        IN_FOLDER(test_little_is_enough),
        IN_FOLDER(test_a_torn_last_line_is_left_out_and_said),
        IN_FOLDER(test_damaged_log),
        IN_FOLDER(test_damaged_facts),
        IN_FOLDER(test_ranks_are_read_by_name),
        IN_FOLDER(test_many_rows_of_ranks),
        IN_FOLDER(test_old_runs_have_no_ranks),
        IN_FOLDER(test_the_recipe_names_data_and_size),
        IN_FOLDER(test_missing_parts),
        IN_FOLDER(test_a_run_before_its_first_row),
        IN_FOLDER(test_every_cut_and_flip_is_survived),
        IN_FOLDER(test_each_failing_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
