/* All public headers of libhypernet. Each also compiles alone, as C17 and as C++. */
#ifndef HYPERNET_HYPERNET_H
#define HYPERNET_HYPERNET_H

#include "hypernet/core.h"
#include "hypernet/tensor.h"
#include "hypernet/io.h"
#include "hypernet/graph.h"
#include "hypernet/params.h"
#include "hypernet/optim.h"
#include "hypernet/hyper.h"
#include "hypernet/nn.h"
#include "hypernet/image.h"

#endif
