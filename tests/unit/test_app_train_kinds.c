/* Runs with every optimizer and schedule, in the task of toy_task.h: exact resume, and what the log says. */
#include "toy_runs.h"

/* Bytes of runs that were stopped and went on. */
static void test_stopped_with_each_optimizer(void **state)
{
    static const char *const cases[][4] = {
        {"train.optimizer=adamw", "train.weight_decay=0.1", "train.clip_value=0.01", "train.rate=0.05"},
        {"train.optimizer=sgd", "train.momentum=0.9", "train.nesterov=true", "train.schedule=plateau"},
        {"train.optimizer=sgd", "train.weight_decay=0.1", "train.schedule=steps", "train.milestones=4, 7"},
        {"train.optimizer=rmsprop", "train.rms_decay=0.9", "train.schedule=one_cycle", "train.rate=0.05"},
        {"train.optimizer=rmsprop", "train.momentum=0.5", "train.schedule=plateau", "train.plateau_patience=0"},
    };
    static const double figures[] = {5, 4, 4, 4, 4, 3, 5, 5, 5, 5, 5, 5};
    fixture *made = *state;
    hni_train_end end;
    script.figures = figures;
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        const char *sets[5] = {cases[k][0], cases[k][1], cases[k][2], cases[k][3], "train.validate_every=1"};
        char whole[32], name[32];
        snprintf(whole, sizeof whole, "whole-%d", (int)k);
        script.validations = 0;
        assert_ok(made, train(made, whole, sets, 5, 0, &end));
        for (int64_t stop = 3; stop <= 8; stop += 5) {
            snprintf(name, sizeof name, "stop-%d-%d", (int)k, (int)stop);
            script.validations = 0;
            assert_ok(made, train(made, name, sets, 5, stop, &end));
            assert_ok(made, resume(made, name, 0, &end));
            assert_same_runs(made, whole, name);
        }
    }
}

/* Rates in the log of a plateau: each validation without a new best takes a tenth, from the next update on. */
static void test_plateau_in_the_log(void **state)
{
    static const char *const sets[] = {"train.schedule=plateau", "train.plateau_patience=0",
                                       "train.plateau_minimum=0.0005", "train.validate_every=1",
                                       "train.warmup_steps=0"};
    static const double figures[] = {5, 4, 4, 3, 3.5, 3.5, 2, 2, 2, 2, 2};
    static const double wanted[] = {0.1, 0.1, 0.1, 0.01, 0.01, 0.001, 0.0005, 0.0005, 0.0005, 0.0005, 0.0005};
    fixture *made = *state;
    hni_train_end end;
    size_t size;
    script.figures = figures;
    assert_ok(made, train(made, "plateau", sets, 5, 0, &end));
    char *log = (char *)read_file(made, "plateau", HNI_RUN_LOG, &size), *row = log;
    for (int step = 1; step <= 11; step++) {
        int found;
        double epoch, rate;
        row = strchr(row, '\n') + 1;
        assert_int_equal(sscanf(row, "%d,%lf,%lf", &found, &epoch, &rate), 3);
        assert_int_equal(found, step);
        assert_close(rate, wanted[step - 1], 1e-12, 0);
    }
    free(log);
}

/* Numbers of a run's log, the first columns of each row. */
static int read_log(const fixture *made, const char *run, double (*out_rows)[4])
{
    size_t size;
    char *log = (char *)read_file(made, run, HNI_RUN_LOG, &size), *row = log;
    int count = 0;
    while ((row = strchr(row, '\n')) != NULL && row[1] != 0 && count < 20) {
        double *found = out_rows[count++];
        row++;
        assert_int_equal(sscanf(row, "%lf,%lf,%lf,%lf", &found[0], &found[1], &found[2], &found[3]), 4);
    }
    free(log);
    return count;
}

/* It rises by itself: the warm-up of a recipe that is given this schedule changes nothing. */
static void test_one_cycle_has_its_own_rise(void **state)
{
    static const char *const counts[] = {"train.warmup_steps=0", "train.warmup_steps=5"};
    fixture *made = *state;
    hni_train_end end;
    double rows[2][20][4];
    for (int k = 0; k < 2; k++) {
        const char *const sets[] = {"train.schedule=one_cycle", "train.log_every=1", counts[k]};
        script.validations = 0;
        assert_ok(made, train(made, k == 0 ? "none" : "five", sets, 3, 0, &end));
        assert_int_equal(read_log(made, k == 0 ? "none" : "five", rows[k]), 11);
    }
    for (int i = 0; i < 11; i++)
        assert_true(rows[1][i][2] == rows[0][i][2]);
    assert_close(rows[0][0][2], 0.1 / 25, 1e-12, 0);
}

/* Samples one by one, in parts of two sizes, and all at once are the same run but for rounding; and stop and go on exactly. */
static void test_parts_of_a_batch(void **state)
{
    static const char *const sets[] = {"train.micro_batches=1", "train.log_every=1"};
    static const char *const counts[] = {"train.micro_batches=4", "train.micro_batches=6"};
    fixture *made = *state;
    hni_train_end end;
    double whole[20][4], parted[20][4];
    assert_ok(made, train(made, "whole", sets, 2, 0, &end));
    assert_int_equal(read_log(made, "whole", whole), 11);
    for (int k = 0; k < 2; k++) {
        const char *const parted_sets[] = {counts[k], "train.log_every=1"};
        const char *name = k == 0 ? "four" : "six", *stopped = k == 0 ? "four-stopped" : "six-stopped";
        script.validations = 0;
        assert_ok(made, train(made, name, parted_sets, 2, 0, &end));
        assert_int_equal(read_log(made, name, parted), 11);
        for (int i = 0; i < 11; i++)
            assert_close(parted[i][3], whole[i][3], 1e-5, 0);
        script.validations = 0;
        assert_ok(made, train(made, stopped, parted_sets, 2, 5, &end));
        assert_ok(made, resume(made, stopped, 0, &end));
        assert_same_runs(made, name, stopped);
    }
}

static void test_too_many_parts(void **state)
{
    static const char *const sets[] = {"train.micro_batches=7"};
    fixture *made = *state;
    hni_train_end end;
    assert_int_equal(train(made, "many", sets, 1, 0, &end), HN_ERROR_ARGUMENT);
    assert_non_null(strstr(hn_context_error(made->context)->text, "train.micro_batches is 7, but a batch has 6 rows"));
    hn_context_clear(made->context);
}

/* A context that may take `limit` bytes: a run of that many parts, or of as many as fit (0). Returns what was forecast. */
static hni_train_forecast forecast_within(const fixture *made, int64_t limit, const char *parts, hn_status *out_status)
{
    const char *sets[] = {parts, "model.width=200000", "train.steps=2"};
    hn_context_options options;
    fixture other = {.folder = made->folder, .recipe = made->recipe};
    hni_train_forecast forecast = {.bytes = 0};
    hni_plan *plan = NULL;
    hni_trainer *trainer = NULL;
    hni_train_end end;
    char name[64];
    static int runs;
    script.validations = 0;
    snprintf(name, sizeof name, "limited-%d", runs++);
    hn_context_options_default(&options);
    options.threads = 1;
    options.memory_limit = limit;
    assert_int_equal(hn_context_create(&options, &other.context), HN_OK);
    char *folder = test_path_join(made->folder, name);
    const hni_train_options train_options = options_of(&other, folder);
    assert_ok(&other, hni_plan_read(other.context, other.recipe, sets, 3, &plan));
    *out_status = hni_trainer_start(plan, &train_options, &trainer);
    if (*out_status == HN_OK) {
        forecast = *hni_trainer_forecast(trainer);
        assert_int_equal(hni_trainer_plan(trainer)->train.micro_batches, forecast.micro_batches);
        *out_status = hni_trainer_run(trainer, &end);
    }
    if (*out_status != HN_OK) print_message("%s\n", hn_context_error(other.context)->text);
    hni_trainer_close(trainer);
    hn_context_destroy(other.context);
    if (*out_status == HN_OK) {
        size_t size;
        char line[64];
        unsigned char *recipe = read_file(made, name, HNI_RUN_RECIPE, &size);
        snprintf(line, sizeof line, "  micro_batches: %d\n", (int)forecast.micro_batches);
        assert_non_null(strstr((char *)recipe, line)); /* the number, not 0 */
        free(recipe);
    }
    free(folder);
    return forecast;
}

/* As few parts as fit are chosen, the run then keeps within what it may take; what does not fit in any number is refused. */
static void test_parts_are_chosen(void **state)
{
    const fixture *made = *state;
    hn_status status;
    const hni_train_forecast one = forecast_within(made, 0, "train.micro_batches=1", &status);
    assert_int_equal(status, HN_OK);
    const hni_train_forecast two = forecast_within(made, 0, "train.micro_batches=2", &status);
    const hni_train_forecast three = forecast_within(made, 0, "train.micro_batches=3", &status);
    const hni_train_forecast six = forecast_within(made, 0, "train.micro_batches=6", &status);
    assert_true(six.bytes < three.bytes && three.bytes < two.bytes && two.bytes < one.bytes);
    assert_false(one.chosen);
    const hni_train_forecast free_choice = forecast_within(made, 0, "train.micro_batches=0", &status);
    assert_int_equal(status, HN_OK);
    assert_true(free_choice.chosen && free_choice.micro_batches == 1 && free_choice.bytes == one.bytes);
    const hni_train_forecast chosen =
        forecast_within(made, two.bytes + (one.bytes - two.bytes) / 2, "train.micro_batches=0", &status);
    assert_int_equal(status, HN_OK);
    assert_true(chosen.chosen && chosen.micro_batches == 3 && chosen.rows == 2);
    (void)forecast_within(made, two.bytes, "train.micro_batches=2", &status);
    assert_int_equal(status, HN_ERROR_MEMORY);
    (void)forecast_within(made, six.bytes / 2, "train.micro_batches=0", &status);
    assert_int_equal(status, HN_ERROR_MEMORY);
}

int main(void)
{
#define RUN(test) cmocka_unit_test_setup_teardown(test, open_fixture, close_fixture)
    const struct CMUnitTest tests[] = {
        RUN(test_stopped_with_each_optimizer),
        RUN(test_plateau_in_the_log),
        RUN(test_one_cycle_has_its_own_rise),
        RUN(test_parts_of_a_batch),
        RUN(test_too_many_parts),
        RUN(test_parts_are_chosen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
