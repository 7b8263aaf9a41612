/* Row passes of LSTM and HyperLSTM sequences for one level of the instruction set. */
#include "kernels/cpu/cpu.h"
#include "kernels/cpu/simd_math.h"

#include <math.h>

extern const hni_cpu_randoms HNI_CPU_NAME(hni_cpu_randoms);
extern const hni_recurrence_rows HNI_CPU_NAME(hni_cpu_recurrences);

typedef float real;

#define ROWS_PRAGMA(text) _Pragma(#text)
#define ROWS_EXPORT HNI_CPU_NAME(hni_cpu_recurrences)
#define ROWS_LOOP ROWS_PRAGMA(omp simd)
#define ROWS_SUM(...) ROWS_PRAGMA(omp simd reduction(+ : __VA_ARGS__))
#define ROWS_SIGMOID hni_simd_sigmoid
#define ROWS_TANH hni_simd_tanh
#define ROWS_SQRT sqrtf
#define ROWS_WORDS HNI_CPU_NAME(hni_cpu_randoms).words
#include "kernels/recurrence_rows.inc"
