/*
 * A small text task for tests: a file of English-like bytes in a fresh folder, a tiny layer-norm HyperLSTM on the generic
 * backend, everything opened, sealed and bound.
 */
#ifndef TEST_TASK_H
#define TEST_TASK_H

#include "app/tasks/task.h"
#include "app/data/text.h"
#include "test_support.h"

typedef struct test_task {
    hn_context *context;
    char *folder;
    const hni_task *task;
    hni_text_settings data; /* change these two between test_task_prepare and test_task_open */
    hn_language_model model;
    hni_data_places places;
    hni_task_work *work;
    hn_store *store;
    hn_graph *graph;
    hn_weights *weights;
    hn_backend backend; /* generic unless it is changed like the settings */
    hn_dtype dtype;     /* F32, as well */
} test_task;

/* Context, folder, text of `size` bytes, settings. */
void test_task_prepare(test_task *t, size_t size);
/* Opens data and model, declares, seals and binds on generic F32. */
void test_task_open(test_task *t, uint64_t seed);
void test_task_close(test_task *t);
/* Fails the test with the context's message unless status is HN_OK. */
void test_task_ok(const test_task *t, hn_status status);

#endif
