/* See axis.h. */
#include "app/plot/axis.h"

#include <math.h>
#include <stdio.h>

static void add_tick(hni_axis *axis, double value)
{
    double slack = 1e-9 * (axis->high - axis->low);
    if (axis->tick_count < HNI_TICKS_MOST && value >= axis->low - slack && value <= axis->high + slack) {
        axis->ticks[axis->tick_count++] = value;
    }
}

static void mend_range(hni_axis *axis)
{
    if (!isfinite(axis->low) || !isfinite(axis->high))
        axis->low = axis->logarithmic ? 1.0 : 0.0, axis->high = axis->low + 1.0;
    if (axis->logarithmic) {
        if (!(axis->low > 0)) axis->low = 1.0;
        if (!(axis->high > axis->low * 1.000001)) axis->high = axis->low * 10.0;
    } else if (!(axis->high - axis->low > 1e-9 * fmax(fabs(axis->low), 1e-3))) {
        double middle = axis->low, half = fmax(fabs(middle) * 0.1, 0.05);
        axis->low = middle - half;
        axis->high = middle + half;
    }
}

static void make_linear(hni_axis *axis, int wanted)
{
    double rough = (axis->high - axis->low) / (wanted > 1 ? wanted : 1);
    double power = pow(10.0, floor(log10(rough)));
    double share = rough / power;
    double step = (share < 1.5 ? 1.0 : share < 3.5 ? 2.0 : share < 7.5 ? 5.0 : 10.0) * power;
    axis->decimals = step < 1.0 ? (int)ceil(-log10(step) - 1e-9) : 0;
    for (double index = ceil(axis->low / step - 1e-9); index * step <= axis->high + 1e-9 * step; index += 1.0) {
        add_tick(axis, index * step);
        if (axis->tick_count == HNI_TICKS_MOST) break;
    }
}

static void make_logarithmic(hni_axis *axis, int wanted)
{
    static const double parts[] = {1.0, 2.0, 5.0};
    double first = floor(log10(axis->low)), last = ceil(log10(axis->high));
    size_t dense = 3.0 * (last - first) <= wanted + 2 ? 3 : 1;
    double stride = fmax(1.0, ceil((last - first) / (wanted > 1 ? wanted : 1)));
    for (double power = first; power <= last; power += stride) {
        for (size_t i = 0; i < dense; i++)
            add_tick(axis, parts[i] * pow(10.0, power));
    }
}

void hni_axis_make(hni_axis *axis, double low, double high, int wanted, bool logarithmic)
{
    *axis = (hni_axis){.low = low, .high = high, .logarithmic = logarithmic};
    mend_range(axis);
    if (logarithmic) {
        make_logarithmic(axis, wanted);
    } else {
        make_linear(axis, wanted);
    }
}

double hni_axis_share(const hni_axis *axis, double value)
{
    if (axis->logarithmic) return (log(value) - log(axis->low)) / (log(axis->high) - log(axis->low));
    return (value - axis->low) / (axis->high - axis->low);
}

void hni_axis_label(const hni_axis *axis, double value, char *out_text, size_t size)
{
    double amount = fabs(value);
    if (amount < 1e-12 * (axis->high - axis->low)) {
        (void)snprintf(out_text, size, "0");
    } else if (amount >= 1e6) {
        (void)snprintf(out_text, size, "%.6gM", value / 1e6);
    } else if (amount >= 1e4) {
        (void)snprintf(out_text, size, "%.6gk", value / 1e3);
    } else if (amount >= 1e3) {
        (void)snprintf(out_text, size, "%s%d,%03d", value < 0 ? "-" : "", (int)(amount + 0.5) / 1000,
                       (int)(amount + 0.5) % 1000);
    } else if (axis->logarithmic) {
        (void)snprintf(out_text, size, "%.3g", value);
    } else if (axis->decimals > 3) {
        (void)snprintf(out_text, size, "%.4ge-%d", value * pow(10.0, axis->decimals), axis->decimals);
    } else {
        (void)snprintf(out_text, size, "%.*f", axis->decimals, value);
    }
}
