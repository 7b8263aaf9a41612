/* See weights.h: one weight by name. */
#include "app/report/weights.h"

#include <string.h>

#include "app/report/weights_names.h"
#include "core/alloc.h"

hn_status hni_weights_want(hn_context *context, const hni_task *task)
{
    if (task->weights != NULL) return HN_OK;
    return hni_error(context, HN_ERROR_ARGUMENT,
                     "a model of task '%s' cannot be shown so: its weights change while it runs", task->name);
}

bool hni_weight_is(const char *weight, const char *name)
{
    const size_t length = strlen(name);
    if (strncmp(weight, name, length) != 0) return false;
    const char *rest = weight + length;
    return rest[0] == 0 || (rest[0] == '.' && strchr(rest + 1, '.') == NULL);
}

typedef struct search {
    const char *name; /* NULL: those that stand for the network */
    hni_gathered_weight *out;
    size_t most, found;
    hni_text names; /* of all that have a picture, as a list for a message */
    hn_status status;
} search;

static void keep(search *of, const hni_task_weight *weight)
{
    hni_gathered_weight *out = &of->out[of->found];
    const size_t elements = (size_t)hn_shape_elements(weight->shape);
    void *values = NULL;
    of->found++;
    of->status = hni_alloc_array(out->context, "weights", elements, sizeof(float), &values);
    if (of->status != HN_OK) return;
    memcpy(values, weight->values, elements * sizeof(float));
    out->values = values;
    hni_text_add(&out->name, "%s", weight->name);
    of->status = out->name.status;
    out->shape = weight->shape;
    out->generated = weight->generated;
    out->above = weight->above;
    out->filters = weight->filters;
    out->row_word = weight->row_word;
    out->column_word = weight->column_word;
}

static void look(void *user, const hni_task_weight *weight)
{
    search *of = user;
    if (of->status != HN_OK || of->found == of->most || weight->filters.rows == 0) return;
    hni_text_add(&of->names, "%s%s", of->names.size > 0 ? ", " : "", weight->name);
    if (of->name != NULL ? hni_weight_is(weight->name, of->name) : weight->shown) keep(of, weight);
}

static hn_status find(search *of, const hni_task *task, hni_task_work *work)
{
    hn_status status;
    for (size_t i = 0; i < of->most; i++)
        of->out[i] = (hni_gathered_weight){.context = of->names.context, .name = {.context = of->names.context}};
    HNI_TRY(hni_weights_want(of->names.context, task));
    HNI_TRY(task->weights(work, look, of));
    HNI_TRY(of->status);
    status = of->names.status;
cleanup:
    return status;
}

hn_status hni_gather_shown_weights(hn_context *context, const hni_task *task, hni_task_work *work, size_t most,
                                   hni_gathered_weight *out_weights, size_t *out_count)
{
    search of = {.out = out_weights, .most = most, .names = {.context = context}};
    const hn_status status = find(&of, task, work);
    *out_count = of.found;
    hni_text_free(&of.names);
    return status;
}

hn_status hni_gather_weight(hn_context *context, const hni_task *task, hni_task_work *work, const char *name,
                            hni_gathered_weight *out_weight)
{
    search of = {.name = name, .out = out_weight, .most = 1, .names = {.context = context}};
    hn_status status;
    HNI_TRY(find(&of, task, work));
    if (of.found == 0) {
        status = hni_error(
            context, HN_ERROR_ARGUMENT, "the model has no weight '%.100s' that can be drawn: name one of %.400s%s",
            name != NULL ? name : "", of.names.size > 0 ? of.names.data : "none", of.names.size > 400 ? "..." : "");
    }
cleanup:
    hni_text_free(&of.names);
    return status;
}

bool hni_gathered_weights_match(const hni_gathered_weight *one, const hni_gathered_weight *other)
{
    return one->values != NULL && other->values != NULL && strcmp(one->name.data, other->name.data) == 0 &&
           hn_shape_equal(one->shape, other->shape);
}

void hni_gathered_weight_free(hni_gathered_weight *weight)
{
    if (weight->context == NULL) return;
    hni_text_free(&weight->name);
    hni_free(weight->context, weight->values);
    *weight = (hni_gathered_weight){.context = NULL};
}
