/* See covariance.h. Welford's update, whose differences stay small however far from 0 the mean is: z begins as 1 plus very little. */
#include "app/tasks/covariance.h"

#include "core/size.h"

bool hni_covariance_room(int64_t size, size_t *out_count)
{
    size_t square;
    return hni_size_mul((size_t)size, (size_t)size, &square) && hni_size_add(square, (size_t)size, out_count);
}

void hni_covariance_start(hni_covariance *covariance, int64_t size, double *memory)
{
    *covariance = (hni_covariance){.size = size, .mean = memory, .sum = memory + size};
}

void hni_covariance_add(hni_covariance *covariance, const float *z)
{
    const int64_t size = covariance->size;
    const double count = (double)covariance->count, share = count / (count + 1);
    double *mean = covariance->mean;
    for (int64_t i = 0; i < size; i++) {
        const double moved = ((double)z[i] - mean[i]) * share;
        double *row = covariance->sum + i * size;
        for (int64_t j = 0; j <= i; j++)
            row[j] += moved * ((double)z[j] - mean[j]);
    }
    for (int64_t i = 0; i < size; i++)
        mean[i] += ((double)z[i] - mean[i]) / (count + 1);
    covariance->count++;
}

double hni_covariance_rank(const hni_covariance *covariance)
{
    double trace = 0, squares = 0;
    for (int64_t i = 0; i < covariance->size; i++) {
        const double *row = covariance->sum + i * covariance->size;
        for (int64_t j = 0; j < i; j++)
            squares += 2 * row[j] * row[j];
        trace += row[i];
        squares += row[i] * row[i];
    }
    return trace == 0 ? 0 : trace * trace / squares;
}
