/* The trainer on a task of its own: least squares, with carried state, dropout, and figures and faults on demand. The registry of
 * tasks is replaced by one that knows only this task, so nothing of the trainer can depend on any other. */
#include "test_support.h"

#include <math.h>

#include "test_store.h"
#include "toy_runs.h"

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
    expect_refusal(*state, "bad-loss", "the loss is infinite or not a number, and the first tensor that is: ");
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
    test_store made;
    (void)state;
    test_store_open(&made, 1);
    test_store_declare(&made, "weight", HN_SHAPE1(100), hn_init_zeros());
    assert_int_equal(hni_forecast_bytes(made.store, 1000, 0), 1000 + 4 * 100 * 3);
    assert_int_equal(hni_forecast_bytes(made.store, 1000, 2), 1000 + 4 * 100 * 7);
    (void)hn_weights_buffer(made.declarer, "statistics", HN_SHAPE1(10), hn_init_zeros());
    assert_int_equal(hni_forecast_bytes(made.store, 1000, 3), 1000 + 4 * (100 * 9 + 10 * 4));
    test_store_declare(&made, "large", HN_SHAPE1(INT64_MAX / 2), hn_init_zeros());
    assert_int_equal(hni_forecast_bytes(made.store, INT64_MAX / 2, 3), INT64_MAX);
    test_store_close(&made);
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
        RUN(test_a_whole_run),   RUN(test_stopped_anywhere),  RUN(test_the_caller_stops_it),
        RUN(test_average),       RUN(test_best_and_patience), RUN(test_bad_loss),
        RUN(test_bad_gradient),  RUN(test_bad_validation),    RUN(test_other_data),
        RUN(test_too_large),     RUN(test_forecast_bytes),    RUN(test_no_length),
        RUN(test_epochs),        RUN(test_refused_memory),    RUN(test_figures),
        RUN(test_other_columns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
