/* Names and sizes of element types; shapes by value. Not for strides: see view.c. */
#include "hypernet/tensor.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/size.h"

const char *hn_dtype_name(hn_dtype dtype)
{
    switch (dtype) {
    case HN_DTYPE_F32: return "F32";
    case HN_DTYPE_F64: return "F64";
    case HN_DTYPE_I32: return "I32";
    case HN_DTYPE_U8: return "U8";
    case HN_DTYPE_F16: return "F16";
    case HN_DTYPE_BF16: return "BF16";
    case HN_DTYPE_I8: return "I8";
    }
    return "?";
}

size_t hn_dtype_size(hn_dtype dtype)
{
    switch (dtype) {
    case HN_DTYPE_F32:
    case HN_DTYPE_I32: return 4;
    case HN_DTYPE_F64: return 8;
    case HN_DTYPE_F16:
    case HN_DTYPE_BF16: return 2;
    case HN_DTYPE_U8:
    case HN_DTYPE_I8: return 1;
    }
    return 0;
}

static bool is_rank(int rank) { return rank >= 0 && rank <= HN_MAX_RANK; }

hn_shape hn_shape_of(int rank, ...)
{
    hn_shape shape = {.rank = is_rank(rank) ? rank : -1};
    va_list sizes;
    va_start(sizes, rank);
    for (int i = 0; i < shape.rank; i++)
        shape.size[i] = va_arg(sizes, int64_t);
    va_end(sizes);
    return shape;
}

int64_t hn_shape_elements(hn_shape shape)
{
    if (!is_rank(shape.rank)) return -1;
    int64_t elements = 1;
    for (int i = 0; i < shape.rank; i++)
        if (shape.size[i] < 1 || !hni_i64_mul(elements, shape.size[i], &elements)) return -1;
    return elements;
}

bool hn_shape_equal(hn_shape a, hn_shape b)
{
    if (a.rank != b.rank || !is_rank(a.rank)) return false;
    for (int i = 0; i < a.rank; i++)
        if (a.size[i] != b.size[i]) return false;
    return true;
}

char *hn_shape_print(hn_shape shape, char *buffer, size_t size)
{
    char text[HN_MAX_RANK * 21 + 3] = "[no shape]";
    if (is_rank(shape.rank)) {
        size_t used = 0;
        text[used++] = '[';
        for (int i = 0; i < shape.rank; i++)
            used += (size_t)snprintf(text + used, sizeof text - used, i > 0 ? ",%" PRId64 : "%" PRId64, shape.size[i]);
        text[used++] = ']';
        text[used] = '\0';
    }
    if (size > 0) (void)snprintf(buffer, size, "%s", text);
    return buffer;
}
