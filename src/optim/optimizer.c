/* Adam (Kingma & Ba 2015), AdamW, SGD and RMSprop with clipping and an average of the weights, as passes over the flat blocks of the
 * store; their equations are in hypernet/optim.h and at the slots of kernels/table.h. For update t of Adam, g the clipped gradient:
 *
 *     m = beta1 m + (1 - beta1) g            v = beta2 v + (1 - beta2) g^2
 *     value -= rate * (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon)
 *
 * The arithmetic is the kernels'; what changes from update to update goes through the store's step block. Options are options.c's. */
#include <math.h>

#include "core/alloc.h"
#include "optim/options.h"
#include "params/store.h"

struct hn_optimizer {
    hn_store *store;
    hn_optimizer_options options;
    int64_t steps;
    int block_count;
    const char *names[HNI_OPTIMIZER_MOST_BLOCKS];
    void *blocks[HNI_OPTIMIZER_MOST_BLOCKS]; /* the average is the last one; NULL past block_count */
    void *buffer_average;                    /* of the store's buffers; NULL without buffers or average */
    bool swapped;                            /* the store holds the averages, and the blocks the values */
};

static void *average_block(const hn_optimizer *optimizer) { return optimizer->blocks[optimizer->block_count - 1]; }

/* ---- creation -------------------------------------------------------------------------------------------------- */

static hn_status start_average(hn_store *store, const hni_section *section, void *block)
{
    const double unused[2] = {0, 0};
    if (section->reals == 0) return HN_OK;
    const hni_view values = hni_view_of(section->values, store->kernels->dtype, HN_SHAPE1(section->reals));
    hni_view average = hni_view_of(block, store->kernels->dtype, HN_SHAPE1(section->reals));
    return store->kernels->map(&store->exec, HNI_MAP_COPY, unused, &values, &average, false);
}

static hn_status start_averages(hn_optimizer *optimizer)
{
    hn_store *store = optimizer->store;
    const hni_section *buffers = &store->buffers;
    hn_status status;
    HNI_TRY(start_average(store, &store->parameters, average_block(optimizer)));
    if (buffers->reals == 0) goto cleanup;
    HNI_TRY(hni_section_block(store, buffers, "optimiser state", &optimizer->buffer_average));
    HNI_TRY(start_average(store, buffers, optimizer->buffer_average));
cleanup:
    return status;
}

hn_status hn_optimizer_create(hn_store *store, const hn_optimizer_options *options, hn_optimizer **out_optimizer)
{
    hn_optimizer_options chosen;
    hn_optimizer *optimizer = NULL;
    void *pointer = NULL;
    hn_status status = HN_OK;

    *out_optimizer = NULL;
    hn_optimizer_options_default(&chosen);
    if (options != NULL) chosen = *options;
    HNI_TRY(hni_store_want_numbers(store, "hn_optimizer_create"));
    HNI_TRY(hni_optimizer_options_check(store->context, &chosen));
    HNI_TRY(hni_alloc(store->context, "optimiser", sizeof(hn_optimizer), &pointer));
    optimizer = pointer;
    optimizer->store = store;
    optimizer->options = chosen;
    optimizer->block_count = hni_optimizer_blocks(&chosen, optimizer->names);
    for (int block = 0; block < optimizer->block_count; block++)
        HNI_TRY(hni_section_block(store, &store->parameters, "optimiser state", &optimizer->blocks[block]));
    if (chosen.average_decay > 0) HNI_TRY(start_averages(optimizer));
cleanup:
    if (status != HN_OK) {
        hn_optimizer_destroy(optimizer);
        return status;
    }
    *out_optimizer = optimizer;
    return HN_OK;
}

void hn_optimizer_destroy(hn_optimizer *optimizer)
{
    if (optimizer == NULL) return;
    hn_store *store = optimizer->store;
    for (int block = 0; block < HNI_OPTIMIZER_MOST_BLOCKS; block++)
        if (optimizer->blocks[block] != NULL) store->kernels->release(store->context, optimizer->blocks[block]);
    if (optimizer->buffer_average != NULL) store->kernels->release(store->context, optimizer->buffer_average);
    hni_free(store->context, optimizer);
}

/* ---- one update ------------------------------------------------------------------------------------------------ */

/* Looked for only once the norm is known to be bad: a second pass over all gradients is no part of a good step. */
static hn_status find_bad_parameter(hn_store *store, const char **out_name, int64_t *out_bad)
{
    *out_name = NULL;
    *out_bad = 0;
    for (int64_t i = 0; i < store->parameters.names.count && *out_bad == 0; i++) {
        const hni_view gradient = hni_section_part(store, &store->parameters, store->gradients, i);
        const hn_status status = store->kernels->count_nonfinite(&store->exec, store->parameters.tensors[i].elements,
                                                                 gradient.data, out_bad);
        if (status != HN_OK) return status;
        if (*out_bad > 0) *out_name = store->parameters.tensors[i].name;
    }
    return HN_OK;
}

static hn_status refuse_gradients(hn_optimizer *optimizer, hn_step_report *report)
{
    hn_store *store = optimizer->store;
    int64_t bad;
    const long long update = (long long)optimizer->steps + 1;
    const hn_status status = find_bad_parameter(store, &report->bad_parameter, &bad);
    if (status != HN_OK) return status;
    const hni_blame blame = {.op = "hn_optimizer_step", .argument = report->bad_parameter};
    if (report->bad_parameter == NULL)
        return hni_error_at(
            store->context, HN_ERROR_NONFINITE, &blame,
            "the gradient's norm is too large to be computed at update %lld; nothing was changed: use a lower rate",
            update);
    return hni_error_at(
        store->context, HN_ERROR_NONFINITE, &blame,
        "the gradient of \"%s\" is not finite (%lld of its numbers) at update %lld; nothing was changed: use a lower "
        "rate or clip_norm",
        report->bad_parameter, (long long)bad, update);
}

static hn_status check_step(const hn_optimizer *optimizer, double rate)
{
    hn_context *context = optimizer->store->context;
    const hni_blame blame = {.op = "hn_optimizer_step", .argument = "rate"};
    if (optimizer->swapped)
        return hni_error_at(
            context, HN_ERROR_STATE, &blame,
            "the store holds the weight average: call hn_optimizer_swap_average again before an update");
    if (!(rate >= 0 && isfinite(rate)))
        return hni_error_at(context, HN_ERROR_ARGUMENT, &blame, "the rate is %g: it must be at least 0 and finite",
                            rate);
    return HN_OK;
}

/* The pass of the optimiser proper; its state is in the first blocks, those that it has. */
static hn_status update_values(hn_optimizer *optimizer)
{
    hn_store *store = optimizer->store;
    const hni_kernels *kernels = store->kernels;
    const hn_optimizer_options *options = &optimizer->options;
    void **blocks = optimizer->blocks, *gradients = store->gradients;
    const hni_adam adam = {options->beta1, options->beta2, options->epsilon, options->weight_decay,
                           options->kind == HN_OPTIMIZER_ADAMW};
    const hni_sgd sgd = {options->momentum, options->weight_decay, options->nesterov};
    const hni_rmsprop rmsprop = {options->rms_decay, options->epsilon, options->momentum, options->weight_decay};
    const bool has_moment = options->momentum > 0;
    switch (options->kind) {
    case HN_OPTIMIZER_ADAM:
    case HN_OPTIMIZER_ADAMW:
        return kernels->adam(&store->exec, &adam, store->parameters.reals, store->parameters.values, gradients,
                             blocks[0], blocks[1]);
    case HN_OPTIMIZER_SGD:
        return kernels->sgd(&store->exec, &sgd, store->parameters.reals, store->parameters.values, gradients,
                            has_moment ? blocks[0] : NULL);
    case HN_OPTIMIZER_RMSPROP:
        return kernels->rmsprop(&store->exec, &rmsprop, store->parameters.reals, store->parameters.values, gradients,
                                blocks[0], has_moment ? blocks[1] : NULL);
    }
    return HN_OK;
}

/* Every pass is started before the step block is read: with a gradient that is not finite they change nothing. */
static hn_status update_blocks(hn_optimizer *optimizer)
{
    hn_store *store = optimizer->store;
    const hni_kernels *kernels = store->kernels;
    const hn_optimizer_options *options = &optimizer->options;
    hn_status status = HN_OK;

    HNI_TRY(kernels->gradient_norm(&store->exec, store->parameters.reals, store->gradients, options->clip_norm,
                                   options->clip_value));
    HNI_TRY(update_values(optimizer));
    if (options->average_decay > 0) {
        const hni_section *parameters = &store->parameters, *buffers = &store->buffers;
        HNI_TRY(kernels->average(&store->exec, options->average_decay, parameters->reals, parameters->values,
                                 average_block(optimizer)));
        if (optimizer->buffer_average != NULL)
            HNI_TRY(kernels->average(&store->exec, options->average_decay, buffers->reals, buffers->values,
                                     optimizer->buffer_average));
    }
cleanup:
    return status;
}

hn_status hn_optimizer_step(hn_optimizer *optimizer, double rate, hn_step_report *out_report)
{
    hni_step_block *step = &optimizer->store->step;
    hn_step_report report = {.clip_factor = 1};
    hn_status status = HN_OK;

    HNI_TRY(check_step(optimizer, rate));
    const double update = (double)(optimizer->steps + 1);
    step->rate = rate;
    step->correction_mean = 1 - pow(optimizer->options.beta1, update);
    step->correction_variance = 1 - pow(optimizer->options.beta2, update);
    HNI_TRY(update_blocks(optimizer));
    report.gradient_norm = step->gradient_norm;
    if (!step->finite) {
        status = refuse_gradients(optimizer, &report);
        goto cleanup;
    }
    report.clip_factor = step->clip_factor;
    report.clipped = step->clip_factor < 1 || step->clamped != 0;
    optimizer->steps++;
cleanup:
    hni_arena_reset(&optimizer->store->scratch);
    if (out_report != NULL) *out_report = report;
    return status;
}

int64_t hn_optimizer_steps(const hn_optimizer *optimizer) { return optimizer->steps; }
void hn_optimizer_set_steps(hn_optimizer *optimizer, int64_t steps) { optimizer->steps = steps > 0 ? steps : 0; }

hn_status hn_optimizer_swap_average(hn_optimizer *optimizer)
{
    hn_store *store = optimizer->store;
    const hni_section *parameters = &store->parameters, *buffers = &store->buffers;
    hn_status status = HN_OK;
    if (optimizer->options.average_decay <= 0) return HN_OK;
    HNI_TRY(store->kernels->swap(&store->exec, parameters->reals, parameters->values, average_block(optimizer)));
    optimizer->swapped = !optimizer->swapped;
    if (optimizer->buffer_average != NULL)
        HNI_TRY(store->kernels->swap(&store->exec, buffers->reals, buffers->values, optimizer->buffer_average));
cleanup:
    return status;
}

/* ---- state for checkpoints ------------------------------------------------------------------------------------- */

const char *hn_optimizer_block_name(const hn_optimizer *optimizer, int block)
{
    return block >= 0 && block < optimizer->block_count ? optimizer->names[block] : NULL;
}

static hn_status check_block(const hn_optimizer *optimizer, const char *call, int block, int64_t parameter,
                             hn_dtype dtype)
{
    hn_context *context = optimizer->store->context;
    const bool bad_block = block < 0 || block >= optimizer->block_count;
    const hni_blame blame = {.op = call, .argument = bad_block ? "block" : "dtype"};
    if (bad_block)
        return hni_error_at(context, HN_ERROR_ARGUMENT, &blame, "there is no state block %d: this optimiser has %d",
                            block, optimizer->block_count);
    if (dtype != HN_DTYPE_F32 && dtype != HN_DTYPE_F64)
        return hni_error_at(context, HN_ERROR_TYPE, &blame, "state can be copied as F32 or F64, not as %s",
                            hn_dtype_name(dtype));
    return hni_section_want(optimizer->store, &optimizer->store->parameters, call, parameter);
}

hn_status hn_optimizer_block_read(const hn_optimizer *optimizer, int block, int64_t parameter, hn_dtype dtype,
                                  void *out_data)
{
    const hn_status status = check_block(optimizer, "hn_optimizer_block_read", block, parameter, dtype);
    if (status != HN_OK) return status;
    return hni_section_read(optimizer->store, &optimizer->store->parameters, optimizer->blocks[block], parameter, dtype,
                            out_data);
}

hn_status hn_optimizer_block_write(hn_optimizer *optimizer, int block, int64_t parameter, hn_dtype dtype,
                                   const void *data)
{
    const hn_status status = check_block(optimizer, "hn_optimizer_block_write", block, parameter, dtype);
    if (status != HN_OK) return status;
    return hni_section_write(optimizer->store, &optimizer->store->parameters, optimizer->blocks[block], parameter,
                             dtype, data);
}

static hn_status check_buffer(const hn_optimizer *optimizer, const char *call, int64_t buffer, hn_dtype dtype)
{
    hn_context *context = optimizer->store->context;
    const bool has_average = optimizer->options.average_decay > 0;
    const hni_blame blame = {.op = call, .argument = has_average ? "dtype" : "optimizer"};
    if (!has_average) return hni_error_at(context, HN_ERROR_STATE, &blame, "this optimiser keeps no average");
    if (dtype != HN_DTYPE_F32 && dtype != HN_DTYPE_F64)
        return hni_error_at(context, HN_ERROR_TYPE, &blame, "state can be copied as F32 or F64, not as %s",
                            hn_dtype_name(dtype));
    return hni_section_want(optimizer->store, &optimizer->store->buffers, call, buffer);
}

hn_status hn_optimizer_buffer_read(const hn_optimizer *optimizer, int64_t buffer, hn_dtype dtype, void *out_data)
{
    const hn_status status = check_buffer(optimizer, "hn_optimizer_buffer_read", buffer, dtype);
    if (status != HN_OK) return status;
    return hni_section_read(optimizer->store, &optimizer->store->buffers, optimizer->buffer_average, buffer, dtype,
                            out_data);
}

hn_status hn_optimizer_buffer_write(hn_optimizer *optimizer, int64_t buffer, hn_dtype dtype, const void *data)
{
    const hn_status status = check_buffer(optimizer, "hn_optimizer_buffer_write", buffer, dtype);
    if (status != HN_OK) return status;
    return hni_section_write(optimizer->store, &optimizer->store->buffers, optimizer->buffer_average, buffer, dtype,
                             data);
}
