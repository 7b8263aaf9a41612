/* The level of the instruction set: chosen once a process, at the first call, for our own loops and as a cap for oneDNN.
 * The one piece of state that the library keeps outside a context. */
#include "kernels/cpu/cpu.h"

#include <dnnl.h>
#include <stdatomic.h>
#include <string.h>

typedef struct level {
    const char *name;
    bool (*supported)(void);
    dnnl_cpu_isa_t cap; /* dnnl_cpu_isa_all: none */
    hni_cpu_simd simd;
} level;

#define LEVEL(isa, supported_, cap_)                                  \
    {                                                                 \
        .name = #isa, .supported = supported_, .cap = cap_, .simd = { \
            .maps = &hni_cpu_maps_##isa,                              \
            .gemms = &hni_cpu_gemms_##isa,                            \
            .norms = &hni_cpu_norms_##isa,                            \
            .batch_norms = &hni_cpu_batch_norms_##isa,                \
            .randoms = &hni_cpu_randoms_##isa,                        \
            .softmaxes = &hni_cpu_softmaxes_##isa,                    \
            .optimisers = &hni_cpu_optimisers_##isa,                  \
            .recurrences = &hni_cpu_recurrences_##isa,                \
            .packeds = &hni_cpu_packeds_##isa,                        \
            .narrows = &hni_cpu_narrows_##isa,                        \
            .images = &hni_cpu_images_##isa,                          \
            .pools = &hni_cpu_pools_##isa,                            \
            .winograds = &hni_cpu_winograds_##isa                     \
        }                                                             \
    }
#define DECLARE(isa)                                            \
    extern const hni_cpu_maps hni_cpu_maps_##isa;               \
    extern const hni_cpu_gemms hni_cpu_gemms_##isa;             \
    extern const hni_cpu_norms hni_cpu_norms_##isa;             \
    extern const hni_cpu_batch_norms hni_cpu_batch_norms_##isa; \
    extern const hni_cpu_randoms hni_cpu_randoms_##isa;         \
    extern const hni_cpu_softmaxes hni_cpu_softmaxes_##isa;     \
    extern const hni_cpu_optimisers hni_cpu_optimisers_##isa;   \
    extern const hni_recurrence_rows hni_cpu_recurrences_##isa; \
    extern const hni_cpu_narrows hni_cpu_narrows_##isa;         \
    extern const hni_cpu_packeds hni_cpu_packeds_##isa;         \
    extern const hni_cpu_images hni_cpu_images_##isa;           \
    extern const hni_cpu_pools hni_cpu_pools_##isa;             \
    extern const hni_cpu_winograds hni_cpu_winograds_##isa

#if defined(__x86_64__)
DECLARE(v2);
DECLARE(v3);
DECLARE(v4);

static bool has_v2(void)
{
    return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt") && __builtin_cpu_supports("ssse3");
}

static bool has_v3(void)
{
    return has_v2() && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
           __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
}

static bool has_v4(void)
{
    return has_v3() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl");
}

static const level levels[] = {LEVEL(v4, has_v4, dnnl_cpu_isa_all), LEVEL(v3, has_v3, dnnl_cpu_isa_avx2),
                               LEVEL(v2, has_v2, dnnl_cpu_isa_sse41)};
#else
DECLARE(base);

static bool has_base(void) { return true; }

static const level levels[] = {LEVEL(base, has_base, dnnl_cpu_isa_all)};
#endif

enum { LEVELS = sizeof levels / sizeof levels[0] };

static _Atomic(const level *) hni_isa_chosen;

/* The best level, or the one of that name; NULL if this machine has none such. */
static const level *find(const char *wanted)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
#endif
    for (int i = 0; i < LEVELS; i++)
        if ((wanted == NULL || strcmp(wanted, levels[i].name) == 0) && levels[i].supported()) return &levels[i];
    return NULL;
}

/* Takes `found` unless another call was first; returns what stands. */
static const level *settle(const level *found)
{
    const level *expected = NULL;
    if (!atomic_compare_exchange_strong(&hni_isa_chosen, &expected, found)) return expected;
    /* oneDNN refuses the cap once it has run: then somebody else in this process uses it, and it keeps its own choice. */
    if (found->cap != dnnl_cpu_isa_all) (void)dnnl_set_max_cpu_isa(found->cap);
    return found;
}

static const level *current(void)
{
    const level *now = atomic_load_explicit(&hni_isa_chosen, memory_order_acquire);
    if (now != NULL) return now;
    return settle(find(NULL) != NULL ? find(NULL) : &levels[LEVELS - 1]);
}

hn_status hni_kernels_choose_isa(hn_context *context, const char *wanted)
{
    if (wanted == NULL) {
        (void)current();
        return HN_OK;
    }
    bool known = false;
    for (int i = 0; i < LEVELS; i++)
        known = known || strcmp(wanted, levels[i].name) == 0;
    const level *found = find(wanted);
    if (!known || found == NULL) {
        const level *best = find(NULL);
        return hni_error(context, known ? HN_ERROR_UNSUPPORTED : HN_ERROR_ARGUMENT,
                         "instruction level '%s' %s; the best here is %s, and unset chooses it", wanted,
                         known ? "is more than this machine has" : "is unknown on this kind of machine",
                         best != NULL ? best->name : levels[LEVELS - 1].name);
    }
    const level *now = settle(found);
    if (now == found) return HN_OK;
    return hni_error(
        context, HN_ERROR_STATE,
        "instruction level '%s' was asked for, but this process already computes with %s: choose it before the "
        "first graph",
        wanted, now->name);
}

const char *hni_kernels_isa(void) { return current()->name; }

const hni_cpu_simd *hni_cpu_simd_get(void) { return &current()->simd; }
