/* Optimisers, clipping, learning-rate schedules, weight average.
 *
 *     hn_optimizer_step(optimizer, rate, &report);    // gradients are in the store; clips, updates, averages
 *     if (report.bad_parameter) ...                   // nothing was changed: a gradient is not finite
 */
#ifndef HYPERNET_OPTIM_H
#define HYPERNET_OPTIM_H

#include "hypernet/params.h"

#ifdef __cplusplus
extern "C" {
#endif

/* As in PyTorch, x a value, g its gradient after clipping, rate the learning rate. In all but AdamW a weight decay is an L2
 * penalty: g + weight_decay * x takes the place of g. It acts on every parameter, biases and gains too. */
typedef enum hn_optimizer_kind {
    HN_OPTIMIZER_ADAM = 0,
    HN_OPTIMIZER_ADAMW, /* Adam whose decay is decoupled: before the update x -= rate * weight_decay * x */
    HN_OPTIMIZER_SGD,   /* m = momentum * m + g; x -= rate * m, with Nesterov x -= rate * (g + momentum * m) */
    HN_OPTIMIZER_RMSPROP /* s = rms_decay * s + (1 - rms_decay) * g^2; m = momentum * m + g / (sqrt(s) + epsilon); x -= rate * m */
} hn_optimizer_kind;

typedef struct hn_optimizer_options {
    double beta1, beta2,
        epsilon;      /* Adam: 0.9, 0.999, 1e-8 (outside the root), with bias correction; epsilon: RMSprop too */
    double clip_norm; /* factor min(1, clip_norm / global norm); 0: no clipping */
    double
        average_decay; /* weight average: average += (1 - decay) * (value - average); 0: none. Buffers of the store have one too,
                           * of the same decay and of the values that they have at hn_optimizer_step */
    hn_optimizer_kind kind;
    double weight_decay; /* 0 */
    double momentum;     /* SGD and RMSprop, 0 for the others */
    bool nesterov;       /* SGD with momentum above 0 */
    double rms_decay;    /* RMSprop: 0.99 */
    double clip_value;   /* every number of the gradient to +-clip_value, before clip_norm sees it; 0: no clipping */
} hn_optimizer_options;

typedef struct hn_step_report {
    double gradient_norm; /* before clipping */
    double clip_factor;   /* of clip_norm alone: 1 if the norm was not clipped; see `clipped` */
    const char
        *bad_parameter; /* first parameter with a gradient that is not finite, or NULL (also when every number is finite
                                * and only the norm overflows, which F64 can do) */
    bool clipped;       /* by clip_norm or by clip_value */
} hn_step_report;

typedef struct hn_optimizer hn_optimizer;
HN_API void hn_optimizer_options_default(hn_optimizer_options *out_options);
/* The store must be sealed with numbers, and outlive the optimiser. The average starts as the values at this call, so load
 * parameters before it. options may be NULL. */
HN_API HN_MUST_USE hn_status hn_optimizer_create(hn_store *store, const hn_optimizer_options *options,
                                                 hn_optimizer **out_optimizer);
HN_API void hn_optimizer_destroy(hn_optimizer *optimizer);
/* One update with learning rate `rate` >= 0. A gradient that is not finite gives HN_ERROR_NONFINITE, names the parameter, and
 * changes nothing. Gradients stay as they are: hn_store_zero_gradients before the next backward. out_report may be NULL. */
HN_API HN_MUST_USE hn_status hn_optimizer_step(hn_optimizer *optimizer, double rate, hn_step_report *out_report);
HN_API int64_t hn_optimizer_steps(const hn_optimizer *optimizer);
/* Updates done so far (bias correction counts them); a negative number is taken as 0. */
HN_API void hn_optimizer_set_steps(hn_optimizer *optimizer, int64_t steps);
/* State blocks for checkpoints, one tensor a parameter each: "adam.mean" and "adam.variance" (AdamW too), "sgd.momentum",
 * "rms.square", "rms.momentum" (the momenta only with one), then "average". NULL past the end. */
HN_API const char *hn_optimizer_block_name(const hn_optimizer *optimizer, int block);
HN_API HN_MUST_USE hn_status hn_optimizer_block_read(const hn_optimizer *optimizer, int block, int64_t parameter,
                                                     hn_dtype dtype, void *out_data);
HN_API HN_MUST_USE hn_status hn_optimizer_block_write(hn_optimizer *optimizer, int block, int64_t parameter,
                                                      hn_dtype dtype, const void *data);
/* The average of the store's buffer `buffer`; HN_ERROR_STATE without an average. */
HN_API HN_MUST_USE hn_status hn_optimizer_buffer_read(const hn_optimizer *optimizer, int64_t buffer, hn_dtype dtype,
                                                      void *out_data);
HN_API HN_MUST_USE hn_status hn_optimizer_buffer_write(hn_optimizer *optimizer, int64_t buffer, hn_dtype dtype,
                                                       const void *data);
/* Exchanges the store's values, of parameters and buffers, with their averages (evaluation); a second call exchanges them back.
 * In between hn_optimizer_step is HN_ERROR_STATE and the block "average" holds the values. Without an average it does nothing. */
HN_API HN_MUST_USE hn_status hn_optimizer_swap_average(hn_optimizer *optimizer);

typedef enum hn_schedule_kind {
    HN_SCHEDULE_CONSTANT = 0,
    HN_SCHEDULE_LINEAR,
    HN_SCHEDULE_COSINE,
    HN_SCHEDULE_STEPS,     /* a factor at each milestone, as PyTorch's MultiStepLR, or a rate of its own */
    HN_SCHEDULE_ONE_CYCLE, /* up, then far down, both by half a cosine: PyTorch's OneCycleLR; has no other warm-up */
    HN_SCHEDULE_PLATEAU    /* a factor when validations no longer get better, as PyTorch's ReduceLROnPlateau */
} hn_schedule_kind;

#define HN_MAX_MILESTONES 32

typedef struct hn_schedule {
    hn_schedule_kind kind;
    double rate;          /* the peak */
    double final_rate;    /* at `steps` and after (linear, cosine); the last update, steps - 1, is just before it */
    int64_t warmup_steps; /* rate * (step + 1) / warmup_steps while step < warmup_steps; 0: none */
    int64_t steps;        /* length of the run in updates, warm-up included */
    int64_t milestones
        [HN_MAX_MILESTONES]; /* rising: from update milestones[i] on the rate is milestone_factor times what it was */
    int milestone_count;
    double milestone_factor;
    double one_cycle_warmup;                   /* share of the updates in which the rate rises to its peak, below 1 */
    double one_cycle_start_divisor;            /* the first rate is rate / this, above 0 */
    double one_cycle_final_divisor;            /* the last one is the first one / this, above 0 */
    double plateau_factor;                     /* of the rate, each time that more than .. */
    int64_t plateau_patience;                  /* .. so many validations in a row were not better, .. */
    double plateau_threshold;                  /* .. which takes a figure below best * (1 - threshold) */
    double plateau_minimum;                    /* the rate does not fall below it */
    double milestone_rates[HN_MAX_MILESTONES]; /* from update milestones[i] on, in place of the factor, .. */
    int milestone_rate_count;                  /* .. where this is milestone_count; 0: none */
} hn_schedule;

/* What a plateau schedule remembers; all zero at the start of a run. */
typedef struct hn_plateau {
    bool has_best;
    double best;
    int64_t misses; /* validations in a row that were not better */
    int64_t drops;  /* times the rate was lessened */
} hn_plateau;

/* Rate of update `step` (0-based; below 0 as 0). With p = (step - warmup_steps) / (steps - warmup_steps) after the warm-up:
 * linear final_rate + (1 - p) (rate - final_rate), cosine final_rate + (1 + cos(pi p)) / 2 (rate - final_rate). A plateau schedule
 * stays at its peak: see the next one. */
HN_API double hn_schedule_rate(const hn_schedule *schedule, int64_t step);
/* The same with the drops of a plateau schedule; other kinds do not look at `plateau`. */
HN_API double hn_schedule_rate_after(const hn_schedule *schedule, const hn_plateau *plateau, int64_t step);
/* Tells of a validation's figure, lower is better. True if the rate falls from the next update on. Other kinds: false. */
HN_API bool hn_schedule_validated(const hn_schedule *schedule, hn_plateau *plateau, double figure);

#ifdef __cplusplus
}
#endif
#endif
