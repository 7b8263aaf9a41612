/* The cpu table beside the generic double table, at the instruction level that HN_ISA names: all cases once with two threads,
 * once with three, so that partial sums meet parts of unlike size. */
#include "kernel_cases.h"
#include "test_isa.h"

enum { LEFT_OUT = 77 };

static void choose_level(void)
{
    hn_context *context;
    assert_int_equal(hn_context_create(NULL, &context), HN_OK);
    test_choose_isa(context);
    hn_context_destroy(context);
}

int main(void)
{
    const hni_kernels *cpu = hni_kernels_cpu(HN_DTYPE_F32);
    if (cpu == NULL) {
        print_message("this build has no cpu backend\n");
        return LEFT_OUT;
    }
    choose_level();
    const int failures =
        kernel_cases_run("cpu float, two threads", cpu, 2) + kernel_cases_run("cpu float, three", cpu, 3);
    return failures != 0;
}
