/* Every request for memory of store, weights and optimiser is refused once: a clear error, nothing lost, no crash. */
#include "hypernet/optim.h"
#include "test_allocator.h"
#include "test_store.h"

typedef struct session {
    hn_graph *dry, *graph;
    hn_store *store;
    hn_weights *declarer, *weights;
    hn_optimizer *optimizer;
} session;

static hn_status declare(session *s)
{
    char name[32];
    for (int i = 0; i < 40; i++) {
        (void)snprintf(name, sizeof(name), "layers.%d.weight", i);
        (void)hn_weights_get(s->declarer, name, HN_SHAPE2(5, 3), hn_init_orthogonal(1, 1));
    }
    for (int i = 0; i < 40; i++) {
        static const double rows[2] = {0, 1};
        (void)snprintf(name, sizeof(name), "layers.%d.statistics", i);
        (void)hn_weights_buffer(s->declarer, name, HN_SHAPE2(2, 3), hn_init_by_row(hn_init_constant(1), rows));
    }
    return hn_graph_status(s->dry);
}

static hn_status use(session *s)
{
    const hn_tensor made = hn_tensor_from(s->graph, HN_DTYPE_F32, HN_SHAPE2(5, 3), NULL, false);
    const hn_status status = hn_weights_put(s->weights, "layers.0.weight", made);
    if (status != HN_OK) return status;
    (void)hn_weights_get(s->weights, "layers.0.weight", HN_SHAPE2(5, 3), hn_init_zeros());
    (void)hn_weights_get(s->weights, "layers.1.weight", HN_SHAPE2(5, 3), hn_init_zeros());
    (void)hn_weights_site(s->weights, "dropout layers.0");
    const hn_tensor buffer = hn_weights_buffer(s->weights, "layers.3.statistics", HN_SHAPE2(2, 3), hn_init_zeros());
    const hn_status updated =
        hn_weights_buffer_update(s->weights, "layers.7.statistics", hn_scale(s->graph, buffer, 2, 0));
    if (updated != HN_OK) return updated;
    return hn_graph_status(s->graph);
}

static hn_status whole_session(hn_context *context, session *s)
{
    hn_graph_options dry, generic;
    hn_optimizer_options options;
    hn_graph_options_default(&dry);
    generic = dry;
    dry.backend = HN_BACKEND_DRY;
    generic.backend = HN_BACKEND_GENERIC;
    hn_optimizer_options_default(&options);
    options.average_decay = 0.5;
    hn_status status = hn_graph_create(context, &dry, &s->dry);
    if (status == HN_OK) status = hn_graph_create(context, &generic, &s->graph);
    if (status == HN_OK) status = hn_store_create(context, &s->store);
    if (status == HN_OK) status = hn_weights_create(s->dry, s->store, &s->declarer);
    if (status == HN_OK) status = hn_weights_create(s->graph, s->store, &s->weights);
    if (status == HN_OK) status = declare(s);
    if (status == HN_OK) status = hn_store_seal(s->store, s->graph, 1);
    if (status == HN_OK) status = hn_optimizer_create(s->store, &options, &s->optimizer);
    if (status == HN_OK) status = use(s);
    if (status == HN_OK) status = hn_optimizer_step(s->optimizer, 0.1, NULL);
    if (status == HN_OK) status = hn_weights_commit(s->weights);
    return status;
}

static void every_request_may_fail(void **state)
{
    long failures = 0;
    (void)state;
    for (long n = 1;; n++) {
        test_allocator memory = {.fail_at = n};
        hn_context_options options;
        hn_context *context;
        session s = {0};
        hn_context_options_default(&options);
        options.threads = 1;
        options.allocator = test_allocator_hook(&memory);
        if (hn_context_create(&options, &context) == HN_OK) {
            const hn_status status = whole_session(context, &s);
            assert_int_equal(status, memory.has_failed ? HN_ERROR_MEMORY : HN_OK);
            assert_int_equal(hn_context_error(context)->status, status);
            hn_optimizer_destroy(s.optimizer);
            hn_weights_destroy(s.weights);
            hn_weights_destroy(s.declarer);
            hn_store_destroy(s.store);
            hn_graph_destroy(s.graph);
            hn_graph_destroy(s.dry);
            hn_context_destroy(context);
        }
        assert_int_equal(memory.blocks, 0);
        if (!memory.has_failed) break;
        failures++;
    }
    assert_true(failures > 60);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_request_may_fail)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
