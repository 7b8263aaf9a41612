/* See test_isa.h. */
#include "test_isa.h"

#include "kernels/table.h"
#include "test_support.h"

void test_choose_isa(hn_context *context)
{
    const char *wanted = getenv("HN_ISA");
    if (wanted != NULL && wanted[0] == '\0') wanted = NULL;
    assert_int_equal(hni_kernels_choose_isa(context, wanted), HN_OK);
    if (wanted != NULL) assert_string_equal(hni_kernels_isa(), wanted);
}
