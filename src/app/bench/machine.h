/* What the machine can do: its name, its rate of multiplies in float and bfloat16, its memory rate; and the memory of this process. */
#ifndef HNI_APP_BENCH_MACHINE_H
#define HNI_APP_BENCH_MACHINE_H

#include "hypernet/core.h"
#include "kernels/probe.h"

typedef struct hni_bench_machine {
    char processor[96];     /* "" where the system does not tell */
    double f32, bf16;       /* operations a second of one large product, the median; NaN: not measured */
    hni_probe_bf16 support; /* of bfloat16 */
    double memory;          /* bytes a second of out = x + y over arrays far larger than a cache */
    int64_t memory_bytes;   /* of each array */
} hni_bench_machine;

/* `quick`: small products and arrays, for tests. */
HN_MUST_USE hn_status hni_bench_machine_measure(hn_context *context, size_t repeats, bool quick,
                                                hni_bench_machine *out_machine);

/* The most memory that this process ever held, in bytes, since the last reset that the system allowed; 0: not known. */
int64_t hni_bench_process_peak(void);
void hni_bench_process_peak_reset(void);

#endif
