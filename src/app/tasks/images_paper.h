/* What the paper says of image classification (4.1, 4.2, A.1): test errors in percent on MNIST and CIFAR-10, its own and those it cites. */
#ifndef HNI_APP_TASKS_IMAGES_PAPER_H
#define HNI_APP_TASKS_IMAGES_PAPER_H

#include "app/tasks/paper.h"

/* The table of "mnist" or "cifar10", which is the last part of a data path; NULL for others. */
const hni_paper_table *hni_images_paper_table(const char *path);
/* The paper's own row of a model of so many numbers on the data at `path`, and the table; NULL if there is none. */
const hni_paper_row *hni_images_paper_find(int64_t parameters, const char *path, const hni_paper_table **out_table);

#endif
