/* Runs with every optimizer and schedule, in the task of toy_task.h: exact resume, and what the log says. */
#include "toy_runs.h"

/* Bytes of runs that were stopped and went on. */
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

int main(void)
{
#define RUN(test) cmocka_unit_test_setup_teardown(test, open_fixture, close_fixture)
    const struct CMUnitTest tests[] = {
        RUN(test_stopped_with_each_optimizer),
        RUN(test_plateau_in_the_log),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
