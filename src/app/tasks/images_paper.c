/* The figures of sections 4.1, 4.2 and A.1 as printed, with the count of each model as it is built here. */
#include "app/tasks/images_paper.h"

#include <math.h>
#include <string.h>

#define NONE ((double)NAN)

static const hni_paper_row mnist[] = {
    {"convolutional network", "4.1", NONE, 0.72, 21210, "12,544 in the second kernel", "all learnable numbers here"},
    {"convolutional network, second kernel generated", "4.1", NONE, 0.76, 12910, "4,244 make the second kernel",
     "all learnable numbers here, those 4,244 among them"},
    {"fully connected network, 256 units", "A.1", NONE, 1.5, 203530, "", ""},
    {"fully connected network, weights from coordinates", "A.1", NONE, 6.5, 3627, "801 make the matrix",
     "all learnable numbers here, those 801 among them"},
};

static const hni_paper_row cifar10[] = {
    {"Wide ResNet 40-1", "4.2", NONE, 6.73, 562762, "0.563 M", ""},
    {"hypernetwork, Wide ResNet 40-1", "4.2", NONE, 8.02, 96602, "0.097 M", ""},
    {"Wide ResNet 40-2", "4.2", NONE, 5.66, 2235530, "2.236 M", ""},
    {"hypernetwork, Wide ResNet 40-2", "4.2", NONE, 7.23, 147610, "0.148 M", ""},
    {"Network in Network", "cited in 4.2", NONE, 8.81, 0, "", ""},
    {"FitNet", "cited in 4.2", NONE, 8.39, 0, "", ""},
    {"Deeply Supervised Nets", "cited in 4.2", NONE, 8.22, 0, "", ""},
    {"Highway Networks", "cited in 4.2", NONE, 7.72, 0, "", ""},
    {"ELU", "cited in 4.2", NONE, 6.55, 0, "", ""},
    {"ResNet-110", "cited in 4.2", NONE, 6.43, 0, "1.7 M", ""},
    {"stochastic depth", "cited in 4.2", NONE, 5.23, 0, "1.7 M", ""},
    {"Wide ResNet 40-1, its authors'", "cited in 4.2", NONE, 6.85, 0, "0.6 M", ""},
    {"Wide ResNet 40-2, its authors'", "cited in 4.2", NONE, 5.33, 0, "2.2 M", ""},
    {"Wide ResNet 28-10", "cited in 4.2", NONE, 4.17, 0, "36.5 M", ""},
    {"ResNet of ResNet", "cited in 4.2", NONE, 3.77, 0, "13.3 M", ""},
    {"DenseNet", "cited in 4.2", NONE, 3.74, 0, "27.2 M", ""},
};

static const hni_paper_table tables[] = {
    {"mnist", "MNIST", mnist, 4, 4,
     " It trained with Adam at 0.001 in batches of 1000 and stopped by 5,000 images held back; how long is not said."},
    {"cifar10", "CIFAR-10", cifar10, sizeof cifar10 / sizeof cifar10[0], 4,
     " It trained its ordinary networks for 140,000 updates of 128 images and its hypernetworks for 672,000; how long "
     "these were "
     "stands above."},
};
#define TABLES (sizeof tables / sizeof tables[0])

const hni_paper_table *hni_images_paper_table(const char *path)
{
    const char *slash = strrchr(path, '/');
    for (size_t i = 0; i < TABLES; i++)
        if (strcmp(tables[i].data, slash != NULL ? slash + 1 : path) == 0) return &tables[i];
    return NULL;
}

/* The counts of the eight models differ, so a count is enough to know one by. */
const hni_paper_row *hni_images_paper_find(int64_t parameters, const char *path, const hni_paper_table **out_table)
{
    *out_table = hni_images_paper_table(path);
    for (size_t i = 0; *out_table != NULL && i < (*out_table)->own; i++)
        if ((*out_table)->rows[i].parameters == parameters) return &(*out_table)->rows[i];
    *out_table = NULL;
    return NULL;
}
