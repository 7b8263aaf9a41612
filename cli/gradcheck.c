/* hypernet gradcheck: the backward pass of every op on this machine against central differences, in double. */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "graph/gradcheck.h"
#include "ops/op.h"

typedef struct gradcheck_options {
    hni_cli *cli;
    const char *op; /* NULL: all */
} gradcheck_options;

static error_t parse(int key, char *argument, struct argp_state *state)
{
    gradcheck_options *options = state->input;
    switch (key) {
    case ARGP_KEY_INIT: state->child_inputs[0] = options->cli; return 0;
    case ARGP_KEY_ARG:
        if (options->op != NULL) argp_error(state, "one op at a time: '%s' is a second one", argument);
        options->op = argument;
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp parser = {
    NULL,
    parse,
    "[OP]",
    "Holds the gradients of every op, or of one, against central differences in double precision.\v"
    "Example:\n  hypernet gradcheck layer_norm",
    hni_cli_common,
    NULL,
    NULL};

typedef struct op_sum {
    int cases, failed;
    double worst;
} op_sum;

static const char *op_name(hni_op op) { return op == HNI_OP_COUNT ? "compositions" : hni_op_find(op)->name; }

static bool is_wanted(const gradcheck_options *options, hni_op op)
{
    return options->op == NULL || strcmp(options->op, op_name(op)) == 0;
}

static hn_status run_all(const gradcheck_options *options, hn_graph *graph, op_sum sums[HNI_OP_COUNT + 1])
{
    const hni_gradcheck_case *test;
    hn_status status = HN_OK;
    for (int64_t i = 0; status == HN_OK && (test = hni_gradcheck_at(i)) != NULL; i++) {
        hni_gradcheck_report report;
        op_sum *sum = &sums[test->op];
        if (!is_wanted(options, test->op)) continue;
        status = hni_gradcheck_run(graph, test, &report);
        if (status != HN_OK) break;
        sum->cases++;
        if (!(report.worst <= sum->worst)) sum->worst = report.worst;
        if (report.passed) continue;
        sum->failed++;
        fprintf(stderr, "%s: %s: %s\n", op_name(test->op), test->name, report.failure);
    }
    return status;
}

/* The exit code: 1 if a case failed. */
static int print_sums(const gradcheck_options *options, const op_sum sums[HNI_OP_COUNT + 1])
{
    json_t *list = options->cli->json ? json_array() : NULL;
    int cases = 0, failed = 0;
    for (int op = 0; op <= HNI_OP_COUNT; op++) {
        if (sums[op].cases == 0) continue;
        cases += sums[op].cases;
        failed += sums[op].failed;
        if (list != NULL) {
            json_array_append_new(list, json_pack("{s:s,s:i,s:i,s:f}", "op", op_name((hni_op)op), "cases",
                                                  sums[op].cases, "failed", sums[op].failed, "worst", sums[op].worst));
        } else {
            printf("%-24s %3d cases  %s  (worst: %.2g of what is allowed)\n", op_name((hni_op)op), sums[op].cases,
                   sums[op].failed == 0 ? "ok" : "WRONG", sums[op].worst);
        }
    }
    if (list == NULL) printf("%d cases, %d wrong\n", cases, failed);
    if (list != NULL && hni_cli_print_json(options->cli, list) != 0) return 1;
    return failed == 0 ? 0 : 1;
}

static bool op_exists(const char *name)
{
    for (int op = 0; op <= HNI_OP_COUNT; op++)
        if (strcmp(op_name((hni_op)op), name) == 0) return true;
    return false;
}

static int refuse_op(const gradcheck_options *options)
{
    const char *words[HNI_OP_COUNT + 2] = {NULL};
    for (int op = 0; op <= HNI_OP_COUNT; op++)
        words[op] = op_name((hni_op)op);
    const char *nearest = hni_nearest_word(words, options->op);
    if (nearest != NULL)
        return hni_cli_usage(options->cli, "there is no op '%.60s', did you mean '%s'?", options->op, nearest);
    return hni_cli_usage(options->cli, "there is no op '%.60s': without one, all are checked and named", options->op);
}

int hni_command_gradcheck(hni_cli *cli, int argc, char **argv)
{
    gradcheck_options options = {.cli = cli};
    const hn_graph_options graph_options = {HN_BACKEND_GENERIC, HN_DTYPE_F64};
    op_sum sums[HNI_OP_COUNT + 1] = {{0, 0, 0}};
    hn_graph *graph = NULL;
    int code = hni_cli_start(cli, &parser, argc, argv, &options);
    if (code != 0) return code;
    if (options.op != NULL && !op_exists(options.op)) return refuse_op(&options);
    hn_status status = hn_graph_create(cli->context, &graph_options, &graph);
    if (status == HN_OK) status = run_all(&options, graph, sums);
    code = status == HN_OK ? print_sums(&options, sums) : hni_cli_fail(cli);
    hn_graph_destroy(graph);
    return code;
}
