/* The generic float table beside the generic double table, which is the truth of all backends: the loops are the same, so this
 * shows that float is good enough everywhere, and that the cases themselves hold. */
#include "kernel_cases.h"

int main(void) { return kernel_cases_run("generic float", hni_kernels_generic(HN_DTYPE_F32), 2); }
