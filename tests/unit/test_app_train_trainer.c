/* The trainer on a task of its own: least squares, with carried state, dropout, and figures and faults on demand. The registry of
 * tasks is replaced by one that knows only this task, so nothing of the trainer can depend on any other. */
#include "test_support.h"

#include <math.h>

#include "app/train/trainer.h"
#include "hypernet/io.h"
#include "test_allocator.h"
#include "toy_task.h"

/* ---- runs ---- */

static const char recipe_text[] =
    "task: toy\nmodel:\n  keep: 0.75\ntrain:\n  steps: 11\n  rate: 0.1\n  schedule: linear\n"
    "  warmup_steps: 3\n  average_decay: 0.5\n  validate_every: 4\n  log_every: 3\n";

typedef struct fixture {
    hn_context *context;
    char *folder, *recipe;
    test_allocator memory;
    int64_t stop_at;                    /* keep_going says no from this step on; 0: never */
    int64_t step, rows, samples, bests; /* what the events told */
} fixture;

static int open_fixture(void **state)
{
    fixture *made = calloc(1, sizeof *made);
    hn_context_options options;
    assert_non_null(made);
    hn_context_options_default(&options);
    options.threads = 1;
    options.allocator = test_allocator_hook(&made->memory);
    assert_int_equal(hn_context_create(&options, &made->context), HN_OK);
    made->folder = test_folder_create();
    made->recipe = test_path_join(made->folder, "toy.yaml");
    test_file_write(made->recipe, recipe_text, strlen(recipe_text));
    script = (struct toy_script){.bad_loss_at = -1, .bad_gradient_at = -1, .checksum = "abc"};
    *state = made;
    return 0;
}

static int close_fixture(void **state)
{
    fixture *made = *state;
    assert_int_equal(hn_context_memory(made->context), 0);
    hn_context_destroy(made->context);
    assert_int_equal(made->memory.blocks, 0);
    test_folder_remove(made->folder);
    free(made->recipe);
    free(made);
    return 0;
}

static bool keep_going(void *user)
{
    const fixture *made = user;
    return made->stop_at == 0 || made->step < made->stop_at;
}

static void on_step(void *user, int64_t step, double bits)
{
    ((fixture *)user)->step = step;
    assert_true(isfinite(bits));
}

static void on_row(void *user, const hni_train_row *row)
{
    assert_int_equal(row->step, ((fixture *)user)->step);
    ((fixture *)user)->rows++;
}

static void on_validated(void *user, const hni_metric *metric, bool is_best)
{
    assert_int_equal(metric->count, 1);
    ((fixture *)user)->bests += is_best;
}

static bool on_sample(void *user, const char *bytes, size_t size)
{
    if (bytes == NULL) {
        assert_int_equal(size, 0);
        ((fixture *)user)->samples++;
    }
    return true;
}

static hni_train_options options_of(fixture *made, const char *folder)
{
    static const hni_data_places places;
    return (hni_train_options){.folder = folder,
                               .places = &places,
                               .command = "hypernet train toy",
                               .events = {made, keep_going, on_step, on_row, on_validated, on_sample}};
}

static hn_status go(hni_trainer *trainer, hn_status status, hni_train_end *out_end)
{
    if (status == HN_OK) status = hni_trainer_run(trainer, out_end);
    hni_trainer_close(trainer);
    return status;
}

/* A fresh run in `name`, with changes to the recipe, up to update `stop` (0: to the end). */
static hn_status train(fixture *made, const char *name, const char *const *sets, size_t count, int64_t stop,
                       hni_train_end *out_end)
{
    char *folder = test_path_join(made->folder, name);
    hni_train_options options = options_of(made, folder);
    hni_plan *plan = NULL;
    hni_trainer *trainer = NULL;
    options.max_steps = stop;
    made->step = 0;
    hn_status status = hni_plan_read(made->context, made->recipe, sets, count, &plan);
    if (status == HN_OK) status = hni_trainer_start(plan, &options, &trainer);
    status = go(trainer, status, out_end);
    free(folder);
    return status;
}

static hn_status resume(fixture *made, const char *name, int64_t stop, hni_train_end *out_end)
{
    char *folder = test_path_join(made->folder, name);
    hni_train_options options = options_of(made, folder);
    hni_trainer *trainer = NULL;
    options.max_steps = stop;
    hn_status status = hni_trainer_resume(made->context, &options, &trainer);
    status = go(trainer, status, out_end);
    free(folder);
    return status;
}

#define assert_ok(made, call)                                                         \
    do {                                                                              \
        if ((call) != HN_OK) fail_msg("%s", hn_context_error((made)->context)->text); \
    } while (0)

static unsigned char *read_file(const fixture *made, const char *run, const char *name, size_t *out_size)
{
    char *folder = test_path_join(made->folder, run), *path = test_path_join(folder, name);
    unsigned char *bytes = test_file_read(path, out_size);
    free(folder);
    free(path);
    return bytes;
}

static void assert_same_runs(const fixture *made, const char *run, const char *other)
{
    static const char *const names[] = {HNI_RUN_RECIPE, HNI_RUN_LOG, HNI_RUN_LAST, HNI_RUN_BEST};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        size_t size, other_size;
        unsigned char *bytes = read_file(made, run, names[i], &size),
                      *others = read_file(made, other, names[i], &other_size);
        if (size != other_size || memcmp(bytes, others, size) != 0)
            fail_msg("%s and %s: %s differs", run, other, names[i]);
        free(bytes);
        free(others);
    }
}

/* ---- tests ---- */

static void test_a_whole_run(void **state)
{
    fixture *made = *state;
    hni_train_end end;
    size_t size;
    assert_ok(made, train(made, "whole", NULL, 0, 0, &end));
    assert_int_equal(end, HNI_TRAIN_END_DONE);
    assert_int_equal(made->step, 11);
    assert_int_equal(script.validations, 3); /* after 4, 8, 11 */
    assert_int_equal(made->samples, 3);
    assert_int_equal(made->rows, 6); /* 3 4 6 8 9 11 */
    char *log = (char *)read_file(made, "whole", HNI_RUN_LOG, &size);
    double epoch, rate, loss;
    const char *row = strstr(log, "\n3,");
    assert_non_null(row);
    assert_int_equal(sscanf(row, "\n3,%lf,%lf,%lf,,", &epoch, &rate, &loss), 3);
    assert_true(epoch == 1);
    assert_close(rate, 0.1, 1e-12, 0); /* the end of the warm-up */
    assert_true(loss > 0);
    assert_non_null(strstr(log, "\n11,"));
    free(log);
}

/* Bytes of a run that was stopped at every possible update. */
static void test_stopped_anywhere(void **state)
{
    fixture *made = *state;
    hni_train_end end;
    assert_ok(made, train(made, "whole", NULL, 0, 0, &end));
    for (int64_t stop = 1; stop <= 10; stop++) {
        char name[32];
        snprintf(name, sizeof name, "stop-%d", (int)stop);
        script.validations = 0;
        assert_ok(made, train(made, name, NULL, 0, stop, &end));
        assert_int_equal(end, HNI_TRAIN_END_STOPPED);
        assert_int_equal(made->step, stop);
        assert_ok(made, resume(made, name, 0, &end));
        assert_int_equal(end, HNI_TRAIN_END_DONE);
        assert_same_runs(made, "whole", name);
    }
}

/* The same with every optimizer, and with the schedules that the runs above do not have. */
static void test_stopped_with_each_optimizer(void **state)
{
    static const char *const cases[][4] = {
        {"train.optimizer=adamw", "train.weight_decay=0.1", "train.clip_value=0.01", "train.rate=0.05"},
        {"train.optimizer=sgd", "train.momentum=0.9", "train.nesterov=true", "train.schedule=plateau"},
        {"train.optimizer=sgd", "train.weight_decay=0.1", "train.schedule=steps", "train.milestones=4, 7"},
        {"train.optimizer=rmsprop", "train.rms_decay=0.9", "train.schedule=one_cycle", "train.warmup_steps=0"},
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
    static const char *const sets[] = {"train.schedule=plateau", "train.plateau_patience=0", "train.plateau_minimum=0.0005",
                                       "train.validate_every=1", "train.warmup_steps=0"};
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

static void test_the_caller_stops_it(void **state)
{
    fixture *made = *state;
    hni_train_end end;
    assert_ok(made, train(made, "whole", NULL, 0, 0, &end));
    made->stop_at = 5;
    assert_ok(made, train(made, "asked", NULL, 0, 0, &end));
    assert_int_equal(end, HNI_TRAIN_END_STOPPED);
    assert_int_equal(made->step, 5);
    made->stop_at = 0;
    assert_ok(made, resume(made, "asked", 0, &end));
    assert_same_runs(made, "whole", "asked");
}

/* The first number of the weight in a checkpoint, under a prefix. */
static double first_of(const fixture *made, const char *run, const char *file, const char *name)
{
    char *folder = test_path_join(made->folder, run), *path = test_path_join(folder, file);
    hn_safetensors *opened = NULL;
    assert_ok(made, hn_safetensors_open(made->context, path, &opened));
    const hn_file_tensor *tensor = hn_safetensors_find(opened, name);
    assert_non_null(tensor);
    const double first = (double)((const float *)tensor->data)[0];
    hn_safetensors_close(opened);
    free(folder);
    free(path);
    return first;
}

/* The average is what is validated and kept as best; the weights themselves go on as if there were none. */
static void test_average(void **state)
{
    static const char *const none[] = {"train.average_decay=0.0"};
    static const double figures[] = {3, 2, 1, 3, 2, 1};
    fixture *made = *state;
    hni_train_end end;
    script.figures = figures;
    assert_ok(made, train(made, "average", NULL, 0, 0, &end));
    assert_ok(made, train(made, "plain", none, 1, 0, &end));
    const double average = first_of(made, "average", HNI_RUN_LAST, "average.weight");
    const double weight = first_of(made, "average", HNI_RUN_LAST, "weight");
    assert_true(fabs(average - weight) > 1e-4);
    assert_true(script.seen[2] == average && script.seen[5] == weight);
    assert_true(first_of(made, "average", HNI_RUN_BEST, "weight") == average);
    assert_true(first_of(made, "plain", HNI_RUN_LAST, "weight") == weight);
    assert_true(first_of(made, "plain", HNI_RUN_BEST, "weight") == weight);
}

/* The row of a log after update `step`. */
static char *row_of(const char *log, int step)
{
    char start[16];
    snprintf(start, sizeof start, "\n%d,", step);
    const char *found = strstr(log, start);
    assert_non_null(found);
    found++;
    const size_t length = strcspn(found, "\n");
    char *line = calloc(1, length + 1);
    assert_non_null(line);
    memcpy(line, found, length);
    return line;
}

/* Figures of the task are the last columns, with a value where there was a validation; a stopped run goes on with them. */
static void test_figures(void **state)
{
    fixture *made = *state;
    hni_train_end end;
    size_t size;
    script.figure_count = 2;
    assert_ok(made, train(made, "whole", NULL, 0, 0, &end));
    char *log = (char *)read_file(made, "whole", HNI_RUN_LOG, &size), *row = row_of(log, 11), *without = row_of(log, 3);
    assert_memory_equal(log, "step,epoch,rate,train_bpc,valid_bpc,gradient_norm,clip_rate,first,second\n", 73);
    assert_string_equal(without + strlen(without) - 2, ",,");
    const char *second = strrchr(row, ',');
    assert_close(strtod(second + 1, NULL), toy_figures[1].value, 0, 0);
    free(without);
    free(row);
    free(log);
    script.validations = 0;
    assert_ok(made, train(made, "cut", NULL, 0, 5, &end));
    assert_ok(made, resume(made, "cut", 0, &end));
    assert_same_runs(made, "whole", "cut");
}

/* A log without them, as older versions have begun, goes on without them; other columns are refused. */
static void test_other_columns(void **state)
{
    fixture *made = *state;
    hni_train_end end;
    assert_ok(made, train(made, "whole", NULL, 0, 0, &end));
    script.validations = 0;
    assert_ok(made, train(made, "old", NULL, 0, 5, &end));
    script.figure_count = 2;
    assert_ok(made, resume(made, "old", 0, &end));
    assert_same_runs(made, "whole", "old");
    script.validations = 0;
    assert_ok(made, train(made, "figures", NULL, 0, 5, &end));
    script.figure_count = 1;
    assert_int_equal(resume(made, "figures", 0, &end), HN_ERROR_FORMAT);
    assert_non_null(strstr(hn_context_error(made->context)->text, "log.csv:1: these are not the columns"));
    hn_context_clear(made->context);
}

static void test_best_and_patience(void **state)
{
    static const char *const sets[] = {"train.validate_every=1", "train.patience=3"};
    static const double figures[] = {5, 4, 4, 4.5, 3, 3.5, 3.25, 3};
    fixture *made = *state;
    hni_train_end end;
    script.figures = figures;
    assert_ok(made, train(made, "patient", sets, 2, 0, &end));
    assert_int_equal(end, HNI_TRAIN_END_DONE);
    assert_int_equal(made->step, 8); /* best at 5, then three without a new one: an equal figure is none */
    assert_int_equal(made->bests, 3);
    assert_ok(made, resume(made, "patient", 0, &end));
    assert_int_equal(end, HNI_TRAIN_END_DONE);
    assert_int_equal(script.validations, 8); /* it does not go on */
}

static void expect_refusal(fixture *made, const char *run, const char *name)
{
    hni_train_end end;
    size_t size, after;
    assert_ok(made, train(made, run, NULL, 0, 4, &end));
    unsigned char *before = read_file(made, run, HNI_RUN_LAST, &size);
    script.bad_loss_at = script.bad_loss_at < 0 ? -1 : 6;
    script.bad_gradient_at = script.bad_gradient_at < 0 ? -1 : 6;
    assert_int_equal(resume(made, run, 0, &end), HN_ERROR_NONFINITE);
    const char *text = hn_context_error(made->context)->text;
    if (strstr(text, "update 7: ") == NULL || strstr(text, name) == NULL)
        fail_msg("'%s' does not name update 7 and %s", text, name);
    hn_context_clear(made->context);
    unsigned char *now = read_file(made, run, HNI_RUN_LAST, &after);
    assert_int_equal(size, after);
    assert_memory_equal(before, now, size);
    free(before);
    free(now);
}

static void test_bad_loss(void **state)
{
    script.bad_loss_at = 1000;
    expect_refusal(*state, "bad-loss", "the loss");
}

static void test_bad_gradient(void **state)
{
    script.bad_gradient_at = 1000;
    expect_refusal(*state, "bad-gradient", "the gradient of 'weight'");
}

static void test_bad_validation(void **state)
{
    static const double figures[] = {2, (double)NAN};
    fixture *made = *state;
    hni_train_end end;
    script.figures = figures;
    assert_int_equal(train(made, "bad", NULL, 0, 0, &end), HN_ERROR_NONFINITE);
    assert_non_null(strstr(hn_context_error(made->context)->text, "validation after update 8"));
    hn_context_clear(made->context);
}

static void test_other_data(void **state)
{
    fixture *made = *state;
    hni_train_end end;
    assert_ok(made, train(made, "run", NULL, 0, 4, &end));
    strcpy(script.checksum, "xyz");
    assert_int_equal(resume(made, "run", 0, &end), HN_ERROR_STATE);
    assert_non_null(strstr(hn_context_error(made->context)->text, "data have changed"));
    hn_context_clear(made->context);
}

static void test_too_large(void **state)
{
    static const char *const sets[] = {"model.width=4294967296"};
    fixture *made = *state;
    hni_train_end end;
    assert_int_equal(train(made, "large", sets, 1, 0, &end), HN_ERROR_MEMORY);
    assert_non_null(strstr(hn_context_error(made->context)->text, "needs "));
    assert_non_null(strstr(hn_context_error(made->context)->text, " free"));
    hn_context_clear(made->context);
}

static void test_forecast_bytes(void **state)
{
    (void)state;
    assert_int_equal(hni_forecast_bytes(100, 1000, 0), 1000 + 4 * 100 * 3);
    assert_int_equal(hni_forecast_bytes(100, 1000, 2), 1000 + 4 * 100 * 7);
    assert_int_equal(hni_forecast_bytes(100, 1000, 3), 1000 + 4 * 100 * 9);
    assert_int_equal(hni_forecast_bytes(INT64_MAX / 2, INT64_MAX / 2, 3), INT64_MAX);
}

static void test_no_length(void **state)
{
    static const char *const sets[] = {"train.steps=0"};
    fixture *made = *state;
    hni_train_end end;
    assert_int_equal(train(made, "endless", sets, 1, 0, &end), HN_ERROR_ARGUMENT);
    assert_non_null(strstr(hn_context_error(made->context)->text, "train.steps and train.epochs"));
    hn_context_clear(made->context);
}

static void test_epochs(void **state)
{
    static const char *const sets[] = {"train.steps=0", "train.epochs=2", "train.validate_every=0"};
    fixture *made = *state;
    hni_train_end end;
    assert_ok(made, train(made, "epochs", sets, 3, 0, &end));
    assert_int_equal(made->step, 2 * WINDOWS);
    assert_int_equal(script.validations, 2);
}

/* Whatever request for memory is refused: an error, or it was not needed and the run is whole; and nothing is left behind
 * (close_fixture counts too). */
static void test_refused_memory(void **state)
{
    fixture *made = *state;
    hni_train_end whole_end;
    assert_ok(made, train(made, "whole", NULL, 0, 4, &whole_end));
    for (long n = 1;; n++) {
        char name[32];
        hni_train_end end;
        snprintf(name, sizeof name, "memory-%ld", n);
        script.validations = 0;
        made->memory.has_failed = false;
        made->memory.fail_at = made->memory.requests + n;
        const hn_status status = train(made, name, NULL, 0, 4, &end);
        const bool has_failed = made->memory.has_failed;
        made->memory.fail_at = 0;
        if (!has_failed) {
            assert_int_equal(status, HN_OK);
            break;
        }
        if (status == HN_OK) {
            assert_same_runs(made, "whole", name);
        } else if (status != HN_ERROR_MEMORY) {
            fail_msg("request %ld refused, yet the status is %s", n, hn_status_name(status));
        }
        hn_context_clear(made->context);
        assert_int_equal(hn_context_memory(made->context), 0);
    }
}

int main(void)
{
#define RUN(test) cmocka_unit_test_setup_teardown(test, open_fixture, close_fixture)
    const struct CMUnitTest tests[] = {
        RUN(test_stopped_with_each_optimizer),
        RUN(test_plateau_in_the_log),
        RUN(test_a_whole_run),   RUN(test_stopped_anywhere),  RUN(test_the_caller_stops_it),
        RUN(test_average),       RUN(test_best_and_patience), RUN(test_bad_loss),
        RUN(test_bad_gradient),  RUN(test_bad_validation),    RUN(test_other_data),
        RUN(test_too_large),     RUN(test_forecast_bytes),    RUN(test_no_length),
        RUN(test_epochs),        RUN(test_refused_memory),    RUN(test_figures),
        RUN(test_other_columns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
