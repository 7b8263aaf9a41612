/* Learning rate as a pure function of the update's number: a run that is stopped and resumed sees the same rates.
 * How far the decay has come is (step - warmup) / (steps - warmup): 0 at the first update after the warm-up, 1 at `steps`,
 * which is one past the last update of a whole run, so that no update is wasted on a final rate of 0. */
#include <math.h>

#include "hypernet/optim.h"

#define PI 3.14159265358979323846

static double progress(const hn_schedule *schedule, int64_t step)
{
    if (step >= schedule->steps) return 1;
    return (double)(step - schedule->warmup_steps) / (double)(schedule->steps - schedule->warmup_steps);
}

double hn_schedule_rate(const hn_schedule *schedule, int64_t step)
{
    if (step < 0) step = 0;
    if (step < schedule->warmup_steps) return schedule->rate * (double)(step + 1) / (double)schedule->warmup_steps;

    double rest = 1; /* share of the way that is left */
    switch (schedule->kind) {
    case HN_SCHEDULE_CONSTANT: return schedule->rate;
    case HN_SCHEDULE_LINEAR: rest = 1 - progress(schedule, step); break;
    case HN_SCHEDULE_COSINE: rest = step >= schedule->steps ? 0 : (1 + cos(PI * progress(schedule, step))) / 2; break;
    }
    return schedule->final_rate + rest * (schedule->rate - schedule->final_rate);
}
