/* Parallel-for and the number of cores. The division of a range depends on the thread count and the range alone, never on how
 * many threads the runtime really gives. Serial where the compiler has no OpenMP. */
#include "core/parallel.h"

#if defined(__linux__)
#include <sched.h>
#endif
#if defined(__unix__) || defined(__APPLE__)
#include <unistd.h>
#endif

void hni_parallel_for(int threads, int64_t count, int64_t grain, hni_parallel_body body, void *user)
{
    if (count <= 0) return;
    const int64_t most = count / (grain > 0 ? grain : 1);
    const int parts = most < 1 || threads <= 1 ? 1 : most < threads ? (int)most : threads;
    if (parts == 1) {
        body(user, 0, count, 0);
        return;
    }
#ifdef _OPENMP
#pragma omp parallel for schedule(static, 1) num_threads(parts)
#endif
    for (int part = 0; part < parts; part++) {
        int64_t begin, end;
        hni_parallel_part(count, parts, part, &begin, &end);
        body(user, begin, end, part);
    }
}

int hni_parallel_cores(void)
{
#if defined(__linux__) && defined(CPU_COUNT_S)
    cpu_set_t sets[16]; /* the kernel refuses a mask with fewer bits than it has processors: 16,384 of them */
    CPU_ZERO_S(sizeof sets, sets);
    if (sched_getaffinity(0, sizeof sets, sets) == 0) {
        const int cores = CPU_COUNT_S(sizeof sets, sets);
        if (cores > 0) return cores;
    }
#endif
#if defined(_SC_NPROCESSORS_ONLN)
    const long online = sysconf(_SC_NPROCESSORS_ONLN);
    if (online > 0 && online < 1 << 20) return (int)online;
#endif
    return 1;
}
