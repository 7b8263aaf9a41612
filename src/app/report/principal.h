/* Principal components: the two directions in which a cloud of points is widest, and where each point lies on them. Knows nothing of
 * models. */
#ifndef HNI_APP_REPORT_PRINCIPAL_H
#define HNI_APP_REPORT_PRINCIPAL_H

#include "core/context.h"

#define HNI_PRINCIPAL_MOST \
    2048 /* points, or numbers of a point: one of the two may be larger, both would take too long */

typedef struct hni_cloud {
    const float *points; /* [count,width] */
    size_t count, width;
} hni_cloud;

/* out_xy [count,2]; out_share[i] is the share of the variance that component i carries, NaN where nothing varies. A component points to
 * where its largest coefficient is positive, so that the same cloud gives the same picture. */
HN_MUST_USE hn_status hni_principal_two(hn_context *context, const hni_cloud *cloud, double *out_xy,
                                        double out_share[2]);

/* Eigenvalues of a symmetric matrix [n,n], which is turned into a diagonal one, and eigenvectors as columns of out_vectors [n,n].
 * Jacobi's cyclic rotations. */
void hni_eigen_symmetric(double *matrix, size_t n, double *out_vectors);

#endif
