/* Names and input counts of the element-wise functions. What they compute is written in table.h, and done in each backend. */
#include "kernels/table.h"

#include <assert.h>

typedef struct map_row {
    const char *name;
    int inputs;
} map_row;

static const map_row map_rows[] = {
    [HNI_MAP_COPY] = {"copy", 1},
    [HNI_MAP_SCALE] = {"scale", 1},
    [HNI_MAP_ADD] = {"add", 2},
    [HNI_MAP_SUB] = {"sub", 2},
    [HNI_MAP_MUL] = {"mul", 2},
    [HNI_MAP_DIV] = {"div", 2},
    [HNI_MAP_MUL_ADD] = {"mul_add", 3},
    [HNI_MAP_SIGMOID] = {"sigmoid", 1},
    [HNI_MAP_TANH] = {"tanh", 1},
    [HNI_MAP_RELU] = {"relu", 1},
    [HNI_MAP_SIGMOID_VJP] = {"sigmoid_vjp", 2},
    [HNI_MAP_TANH_VJP] = {"tanh_vjp", 2},
    [HNI_MAP_RELU_VJP] = {"relu_vjp", 2},
    [HNI_MAP_DIV_VJP] = {"div_vjp", 3},
};

static_assert(sizeof map_rows / sizeof map_rows[0] == HNI_MAP_COUNT, "every map needs a name and an input count");

int hni_map_inputs(hni_map map)
{
    assert(map >= 0 && map < HNI_MAP_COUNT);
    return map_rows[map].inputs;
}

const char *hni_map_name(hni_map map)
{
    assert(map >= 0 && map < HNI_MAP_COUNT);
    return map_rows[map].name;
}
