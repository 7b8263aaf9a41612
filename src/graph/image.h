/* What the builders of image ops share. Callers see images as [B,C,H,W]; in memory and in ops they are [B,H,W,C], contiguous. */
#ifndef HNI_GRAPH_IMAGE_H
#define HNI_GRAPH_IMAGE_H

#include "graph/graph.h"

/* x [B,C,H,W] as an op takes it, [B,H,W,C]: a view where it lies so, else a copy. What has not four dimensions or is not float comes back
 * as it is, for the shape rule to refuse. */
hn_tensor hni_image_enter(hn_graph *graph, hn_tensor x);
/* The way back: y [B,H,W,C] as a view [B,C,H,W]. */
hn_tensor hni_image_leave(hn_graph *graph, hn_tensor y);

#endif
