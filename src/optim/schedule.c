/* Learning rate as a pure function of the update's number, and, for a plateau, of how often it was lessened: a run that is stopped
 * and resumed sees the same rates. How far a linear or cosine decay has come is (step - warmup) / (steps - warmup): 0 at the first
 * update after the warm-up, 1 at `steps`, which is one past the last update of a whole run, so that no update is wasted on a final
 * rate of 0. One cycle follows PyTorch, whose last update has the final rate. */
#include <math.h>

#include "hypernet/optim.h"

#define PI 3.14159265358979323846

static double progress(const hn_schedule *schedule, int64_t step)
{
    if (step >= schedule->steps) return 1;
    return (double)(step - schedule->warmup_steps) / (double)(schedule->steps - schedule->warmup_steps);
}

/* From `start` to `end` by half a cosine; share 0 to 1. */
static double anneal(double start, double end, double share) { return end + (start - end) / 2 * (1 + cos(PI * share)); }

/* The rise ends at update `top` = share * steps - 1, which need not be whole, the fall at steps - 1. */
static double one_cycle(const hn_schedule *schedule, int64_t step)
{
    const double first = schedule->rate / schedule->one_cycle_start_divisor;
    const double final = first / schedule->one_cycle_final_divisor;
    const double top = schedule->one_cycle_warmup * (double)schedule->steps - 1, last = (double)schedule->steps - 1;
    const double place = (double)step;
    if (place >= last) return final;
    if (place > top) return anneal(schedule->rate, final, (place - top) / (last - top));
    return top > 0 ? anneal(first, schedule->rate, place / top) : schedule->rate;
}

static double stepped(const hn_schedule *schedule, int64_t step)
{
    double rate = schedule->rate;
    for (int i = 0; i < schedule->milestone_count && step >= schedule->milestones[i]; i++)
        rate = i < schedule->milestone_rate_count ? schedule->milestone_rates[i] : rate * schedule->milestone_factor;
    return rate;
}

/* The rate of a kind without its warm-up. */
static double after_warmup(const hn_schedule *schedule, int64_t step)
{
    double rest = 1; /* share of the way that is left */
    switch (schedule->kind) {
    case HN_SCHEDULE_CONSTANT:
    case HN_SCHEDULE_PLATEAU: return schedule->rate;
    case HN_SCHEDULE_LINEAR: rest = 1 - progress(schedule, step); break;
    case HN_SCHEDULE_COSINE: rest = step >= schedule->steps ? 0 : (1 + cos(PI * progress(schedule, step))) / 2; break;
    case HN_SCHEDULE_STEPS: return stepped(schedule, step);
    case HN_SCHEDULE_ONE_CYCLE: return one_cycle(schedule, step);
    }
    return schedule->final_rate + rest * (schedule->rate - schedule->final_rate);
}

double hn_schedule_rate(const hn_schedule *schedule, int64_t step)
{
    if (step < 0) step = 0;
    if (step < schedule->warmup_steps && schedule->kind != HN_SCHEDULE_ONE_CYCLE)
        return schedule->rate * (double)(step + 1) / (double)schedule->warmup_steps;
    return after_warmup(schedule, step);
}

/* The peak after so many drops: not below the minimum, and never above what it was. */
static double lessened_rate(const hn_schedule *schedule, int64_t drops)
{
    const double least = fmin(schedule->plateau_minimum, schedule->rate);
    return fmax(schedule->rate * pow(schedule->plateau_factor, (double)drops), least);
}

double hn_schedule_rate_after(const hn_schedule *schedule, const hn_plateau *plateau, int64_t step)
{
    hn_schedule lessened = *schedule;
    if (schedule->kind == HN_SCHEDULE_PLATEAU && plateau->drops > 0) {
        lessened.rate = lessened_rate(schedule, plateau->drops);
    }
    return hn_schedule_rate(&lessened, step);
}

bool hn_schedule_validated(const hn_schedule *schedule, hn_plateau *plateau, double figure)
{
    if (schedule->kind != HN_SCHEDULE_PLATEAU) return false;
    const bool better =
        plateau->has_best ? figure < plateau->best * (1 - schedule->plateau_threshold) : isfinite(figure);
    if (better) {
        plateau->has_best = true;
        plateau->best = figure;
        plateau->misses = 0;
        return false;
    }
    if (++plateau->misses <= schedule->plateau_patience) return false;
    plateau->misses = 0;
    plateau->drops++;
    return lessened_rate(schedule, plateau->drops) < lessened_rate(schedule, plateau->drops - 1);
}
