/* See principal.h. All in double: the covariance of the points or their inner products, whichever is smaller, its eigenvectors by
 * Jacobi's rotations, coordinates on two. */
#include "app/report/principal.h"

#include <math.h>

#include "core/alloc.h"

#define MOST_SWEEPS 60

/* ---- eigenvectors ---- */

static double off_diagonal(const double *matrix, size_t n)
{
    double sum = 0;
    for (size_t row = 0; row < n; row++)
        for (size_t column = row + 1; column < n; column++)
            sum += matrix[row * n + column] * matrix[row * n + column];
    return sum;
}

/* The rotation of axes p and q that makes element (p,q) zero: cosine and sine. */
static void angle(const double *matrix, size_t n, size_t p, size_t q, double *out_cosine, double *out_sine)
{
    const double twice = (matrix[q * n + q] - matrix[p * n + p]) / (2 * matrix[p * n + q]);
    const double tangent = (twice >= 0 ? 1 : -1) / (fabs(twice) + sqrt(twice * twice + 1));
    *out_cosine = 1 / sqrt(tangent * tangent + 1);
    *out_sine = tangent * *out_cosine;
}

/* Columns p and q (stride n), or rows p and q (stride 1), turned by the angle. */
static void turn(double *p, double *q, size_t n, size_t stride, const double turning[2])
{
    for (size_t i = 0; i < n; i++) {
        const double a = p[i * stride], b = q[i * stride];
        p[i * stride] = turning[0] * a - turning[1] * b;
        q[i * stride] = turning[1] * a + turning[0] * b;
    }
}

void hni_eigen_symmetric(double *matrix, size_t n, double *out_vectors)
{
    double size = off_diagonal(matrix, n);
    for (size_t i = 0; i < n * n; i++)
        out_vectors[i] = i % (n + 1) == 0 ? 1 : 0;
    for (size_t i = 0; i < n; i++)
        size += matrix[i * n + i] * matrix[i * n + i];
    for (int sweep = 0; sweep < MOST_SWEEPS && off_diagonal(matrix, n) > 1e-28 * size; sweep++) {
        for (size_t p = 0; p < n; p++) {
            for (size_t q = p + 1; q < n; q++) {
                double turning[2];
                if (matrix[p * n + q] == 0) continue;
                angle(matrix, n, p, q, &turning[0], &turning[1]);
                turn(matrix + p, matrix + q, n, n, turning);
                turn(matrix + p * n, matrix + q * n, n, 1, turning);
                turn(out_vectors + p, out_vectors + q, n, n, turning);
            }
        }
    }
}

/* ---- two components ---- */

static void find_mean(const hni_cloud *cloud, double *out_mean)
{
    for (size_t k = 0; k < cloud->width; k++) {
        double sum = 0;
        for (size_t i = 0; i < cloud->count; i++)
            sum += (double)cloud->points[i * cloud->width + k];
        out_mean[k] = sum / (double)cloud->count;
    }
}

static double moved(const hni_cloud *cloud, const double *mean, size_t i, size_t k)
{
    return (double)cloud->points[i * cloud->width + k] - mean[k];
}

static void find_covariance(const hni_cloud *cloud, const double *mean, double *out_matrix)
{
    const size_t n = cloud->width;
    for (size_t i = 0; i < n * n; i++)
        out_matrix[i] = 0;
    for (size_t i = 0; i < cloud->count; i++) {
        for (size_t row = 0; row < n; row++) {
            const double value = moved(cloud, mean, i, row);
            for (size_t column = row; column < n; column++)
                out_matrix[row * n + column] += value * moved(cloud, mean, i, column);
        }
    }
    for (size_t row = 0; row < n; row++)
        for (size_t column = row; column < n; column++)
            out_matrix[column * n + row] = out_matrix[row * n + column] /= (double)cloud->count;
}

/* Inner products of the points about their mean: the same eigenvalues but for zeros, and fewer numbers where points are wide. */
static void find_gram(const hni_cloud *cloud, const double *mean, double *out_matrix)
{
    const size_t n = cloud->count;
    for (size_t row = 0; row < n; row++) {
        for (size_t column = row; column < n; column++) {
            double sum = 0;
            for (size_t k = 0; k < cloud->width; k++)
                sum += moved(cloud, mean, row, k) * moved(cloud, mean, column, k);
            out_matrix[column * n + row] = out_matrix[row * n + column] = sum / (double)n;
        }
    }
}

/* Places of the two largest on the diagonal; n where there is but one dimension. */
static void find_largest(const double *matrix, size_t n, size_t out_places[2])
{
    out_places[0] = 0;
    out_places[1] = n;
    for (size_t i = 1; i < n; i++) {
        const double value = matrix[i * n + i];
        if (value > matrix[out_places[0] * (n + 1)]) {
            out_places[1] = out_places[0];
            out_places[0] = i;
        } else if (out_places[1] == n || value > matrix[out_places[1] * (n + 1)]) {
            out_places[1] = i;
        }
    }
}

/* The cloud, and the eigenvectors of its covariance or, of a cloud wider than it has points, of its inner products. */
typedef struct components {
    const hni_cloud *cloud;
    const double *mean;
    double *matrix, *vectors; /* [size,size] */
    size_t size;
    bool of_points; /* inner products: size is the count of points, else their width */
} components;

/* Coefficient k of a direction, which is not yet of length 1 if it comes from the points. */
static double coefficient(const components *of, size_t place, size_t k)
{
    double sum = 0;
    if (!of->of_points) return of->vectors[k * of->size + place];
    for (size_t i = 0; i < of->size; i++)
        sum += of->vectors[i * of->size + place] * moved(of->cloud, of->mean, i, k);
    return sum;
}

/* Of inner products an eigenvector is, but for its length, the coordinates themselves: their mean square is the eigenvalue. */
static double coordinate(const components *of, size_t place, size_t i)
{
    double sum = 0;
    if (of->of_points) {
        const double variance = of->matrix[place * (of->size + 1)];
        return variance > 0 ? of->vectors[i * of->size + place] * sqrt(variance * (double)of->size) : 0;
    }
    for (size_t k = 0; k < of->size; k++)
        sum += moved(of->cloud, of->mean, i, k) * of->vectors[k * of->size + place];
    return sum;
}

/* Coordinates on eigenvector `place`, its sign chosen by its largest coefficient. */
static void project(const components *of, size_t place, double *out_first)
{
    double largest = 0;
    for (size_t k = 0; k < of->cloud->width; k++) {
        const double value = coefficient(of, place, k);
        if (fabs(value) > fabs(largest)) largest = value;
    }
    for (size_t i = 0; i < of->cloud->count; i++) {
        const double value = coordinate(of, place, i);
        out_first[2 * i] = largest < 0 ? -value : value;
    }
}

hn_status hni_principal_two(hn_context *context, const hni_cloud *cloud, double *out_xy, double out_share[2])
{
    const bool of_points = cloud->count < cloud->width;
    const size_t n = of_points ? cloud->count : cloud->width;
    void *matrices = NULL, *mean = NULL;
    double trace = 0;
    size_t places[2];
    hn_status status;
    if (n == 0 || n > HNI_PRINCIPAL_MOST) {
        return hni_error(context, HN_ERROR_ARGUMENT,
                         "principal components: %zu points of %zu numbers: there must be some, and at most %d of one "
                         "of the two",
                         cloud->count, cloud->width, HNI_PRINCIPAL_MOST);
    }
    HNI_TRY(hni_alloc_array(context, "principal components", 2 * n * n, sizeof(double), &matrices));
    HNI_TRY(hni_alloc_array(context, "principal components", cloud->width, sizeof(double), &mean));
    const components of = {cloud, mean, matrices, (double *)matrices + n * n, n, of_points};
    find_mean(cloud, mean);
    if (of_points) {
        find_gram(cloud, mean, of.matrix);
    } else {
        find_covariance(cloud, mean, of.matrix);
    }
    for (size_t i = 0; i < n; i++)
        trace += of.matrix[i * n + i];
    hni_eigen_symmetric(of.matrix, n, of.vectors);
    find_largest(of.matrix, n, places);
    for (size_t part = 0; part < 2; part++) {
        out_share[part] = trace > 0 ? (places[part] < n ? of.matrix[places[part] * (n + 1)] / trace : 0) : (double)NAN;
        for (size_t i = 0; i < cloud->count; i++)
            out_xy[2 * i + part] = 0;
        if (places[part] < n) project(&of, places[part], out_xy + part);
    }
cleanup:
    hni_free(context, matrices);
    hni_free(context, mean);
    return status;
}
