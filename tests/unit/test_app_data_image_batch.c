/* Which images an update has and how each is seen: shuffles are one to one and even, batches are pure functions of seed and step that
 * shards share, views do what the settings say and no more. */
#include <math.h>

#include "app/data/image_batch.h"
#include "test_support.h"

/* ---- shuffles ---- */

static void a_shuffle_is_one_to_one(void **state)
{
    static const int64_t sizes[] = {1, 2, 3, 4, 5, 7, 8, 9, 100, 255, 256, 257, 1000, 4097};
    static uint8_t seen[4097];
    (void)state;
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        for (uint32_t epoch = 0; epoch < 3; epoch++) {
            memset(seen, 0, sizeof seen);
            for (int64_t i = 0; i < sizes[s]; i++) {
                const int64_t place = hni_shuffled_place(11, "a test", epoch, sizes[s], i);
                assert_in_range(place, 0, sizes[s] - 1);
                assert_int_equal(seen[place]++, 0);
            }
        }
    }
}

/* Every image stands at every place about as often, and pairs of neighbours come apart: chi-square over many epochs. */
static void a_shuffle_is_even(void **state)
{
    enum { N = 10, EPOCHS = 9000 };
    static int places[N][N], pairs[N][N];
    double chi_places = 0, chi_pairs = 0;
    (void)state;
    memset(places, 0, sizeof places);
    memset(pairs, 0, sizeof pairs);
    for (uint32_t epoch = 0; epoch < EPOCHS; epoch++) {
        int64_t order[N];
        for (int64_t i = 0; i < N; i++) {
            order[i] = hni_shuffled_place(5, "a test", epoch, N, i);
            places[i][order[i]]++;
        }
        pairs[order[0]][order[1]]++;
    }
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < N; j++) {
            chi_places += pow(places[i][j] - EPOCHS / 10.0, 2) / (EPOCHS / 10.0);
            if (i != j) chi_pairs += pow(pairs[i][j] - EPOCHS / 90.0, 2) / (EPOCHS / 90.0);
        }
    }
    /* 81 and 89 degrees of freedom: five deviations. */
    assert_in_range((int)chi_places, 25, 81 + 64);
    assert_in_range((int)chi_pairs, 25, 89 + 67);
}

static void shuffles_differ(void **state)
{
    enum { N = 5000 };
    int same_epoch = 0, same_seed = 0, same_name = 0;
    (void)state;
    for (int64_t i = 0; i < N; i++) {
        const int64_t place = hni_shuffled_place(1, "a", 0, N, i);
        same_epoch += place == hni_shuffled_place(1, "a", 1, N, i);
        same_seed += place == hni_shuffled_place(2, "a", 0, N, i);
        same_name += place == hni_shuffled_place(1, "b", 0, N, i);
        assert_int_equal(place, hni_shuffled_place(1, "a", 0, N, i));
    }
    assert_in_range(same_epoch, 0, 8); /* one is expected */
    assert_in_range(same_seed, 0, 8);
    assert_in_range(same_name, 0, 8);
}

/* ---- batches ---- */

enum { TRAINING = 103, BATCH = 10 };

/* Training images 2, 4, 6, .. 206 of 5 x 7. */
typedef struct set {
    int32_t rows[TRAINING];
    hni_images images;
} set;

static void make_set(set *s)
{
    memset(s, 0, sizeof *s);
    for (int i = 0; i < TRAINING; i++)
        s->rows[i] = 2 * i + 2;
    s->images.channels = 1;
    s->images.height = 5;
    s->images.width = 7;
    s->images.part[HNI_IMAGES_TRAIN] = (hni_images_part){s->rows, TRAINING};
}

static void an_epoch_has_each_image_once(void **state)
{
    set s;
    int times[2 * TRAINING + 2] = {0}, left_out[2] = {0, 0};
    (void)state;
    make_set(&s);
    assert_int_equal(hni_image_batches(&s.images, BATCH), 10);
    for (int64_t epoch = 0; epoch < 2; epoch++) {
        for (int64_t step = 10 * epoch; step < 10 * epoch + 10; step++) {
            int64_t rows[BATCH], part[BATCH];
            const hni_image_batch all = {.batch = BATCH, .seed = 3, .step = step, .first = 0, .count = BATCH};
            hni_image_batch_rows(&s.images, &all, rows);
            for (int i = 0; i < BATCH; i++) {
                assert_int_equal(rows[i] % 2, 0);
                assert_in_range(rows[i], 2, 2 * TRAINING);
                assert_int_equal(times[rows[i]]++, epoch);
            }
            for (int64_t first = 0; first < BATCH; first += 4) { /* shards see their share of the same */
                hni_image_batch shard = all;
                shard.first = first;
                shard.count = first + 4 <= BATCH ? 4 : BATCH - first;
                hni_image_batch_rows(&s.images, &shard, part);
                assert_memory_equal(part, rows + first, (size_t)shard.count * sizeof rows[0]);
            }
        }
        for (int i = 1; i <= TRAINING; i++) {
            if (times[2 * i] == epoch) {
                left_out[epoch]++;
                times[2 * i]++;
            }
        }
        assert_int_equal(left_out[epoch], 3); /* fills no batch */
    }
}

/* ---- views ---- */

static hni_images_settings plain_settings(void)
{
    hni_images_settings settings;
    hni_settings_default(hni_images_settings_table(), &settings);
    return settings;
}

enum { VIEWS = 4000 };

static void draw(const set *s, const hni_images_settings *settings, int64_t step, hn_image_view *out)
{
    static int64_t rows[VIEWS];
    const hni_image_batch batch = {.batch = VIEWS, .seed = 9, .step = step, .first = 0, .count = VIEWS};
    for (int i = 0; i < VIEWS; i++)
        rows[i] = 1000 + i;
    hni_image_batch_views(&s->images, settings, &batch, rows, out);
}

static void without_settings_an_image_is_as_it_is(void **state)
{
    static hn_image_view views[VIEWS];
    const hni_images_settings settings = plain_settings();
    const hn_image_view plain = hni_image_view_plain(1000);
    set s;
    (void)state;
    make_set(&s);
    draw(&s, &settings, 0, views);
    for (int i = 0; i < VIEWS; i++) {
        assert_int_equal(views[i].index, 1000 + i);
        for (int m = 0; m < 6; m++)
            assert_true(views[i].matrix[m] == plain.matrix[m]);
    }
}

/* Each shift of -2 .. 2 in both directions and each way round comes up as often as it should. */
static void crops_and_mirrors(void **state)
{
    static hn_image_view views[VIEWS];
    hni_images_settings settings = plain_settings();
    int counts[2][5][5] = {{{0}}};
    set s;
    (void)state;
    make_set(&s);
    settings.pad = 2;
    settings.flip = true;
    draw(&s, &settings, 0, views);
    for (int i = 0; i < VIEWS; i++) {
        const double *m = views[i].matrix;
        const bool mirror = m[0] == -1;
        const int x = (int)(m[2] - (mirror ? 6 : 0)) + 2, y = (int)m[5] + 2;
        assert_true((mirror || m[0] == 1) && m[1] == 0 && m[3] == 0 && m[4] == 1);
        assert_true(m[2] == floor(m[2]) && m[5] == floor(m[5]));
        assert_in_range(x, 0, 4);
        assert_in_range(y, 0, 4);
        counts[mirror][x][y]++;
    }
    for (int i = 0; i < 50; i++)
        assert_in_range(counts[i / 25][i / 5 % 5][i % 5], 80 - 45, 80 + 45); /* five deviations */
}

/* The middle goes to the middle, lengths by 1 / factor, angles stay right. */
static void turns_and_scales(void **state)
{
    static hn_image_view views[VIEWS];
    const double degree = acos(-1.0) / 180;
    hni_images_settings settings = plain_settings();
    double least_angle = 1, most_angle = -1, least_factor = 9, most_factor = 0, mean = 0;
    set s;
    (void)state;
    make_set(&s);
    settings.rotate = 15;
    settings.scale = 0.2;
    draw(&s, &settings, 7, views);
    for (int i = 0; i < VIEWS; i++) {
        const double *m = views[i].matrix, factor = 1 / hypot(m[0], m[3]), angle = atan2(m[1], m[0]);
        assert_close(m[0] * 3 + m[1] * 2 + m[2], 3, 0, 1e-12);
        assert_close(m[3] * 3 + m[4] * 2 + m[5], 2, 0, 1e-12);
        assert_close(m[4], m[0], 0, 1e-15);
        assert_close(m[3], -m[1], 0, 1e-15);
        least_angle = fmin(least_angle, angle);
        most_angle = fmax(most_angle, angle);
        least_factor = fmin(least_factor, factor);
        most_factor = fmax(most_factor, factor);
        mean += angle / VIEWS;
    }
    assert_close(most_angle, 15 * degree, 0, 0.1 * degree);
    assert_close(least_angle, -15 * degree, 0, 0.1 * degree);
    assert_true(most_angle <= 15 * degree && least_angle >= -15 * degree);
    assert_close(mean, 0, 0, 5 * 15 * degree / sqrt(3.0 * VIEWS));
    assert_close(most_factor, 1.2, 0, 1e-3);
    assert_close(least_factor, 0.8, 0, 1e-3);
}

/* A shift alone is by whole pixels: 0.3 of 7 is 2, of 5 is 1. With everything on, shift and crop still move the middle. */
static void shifts(void **state)
{
    static hn_image_view views[VIEWS];
    hni_images_settings settings = plain_settings();
    int seen[5][3] = {{0}};
    set s;
    (void)state;
    make_set(&s);
    settings.shift = 0.3;
    draw(&s, &settings, 1, views);
    for (int i = 0; i < VIEWS; i++) {
        const double *m = views[i].matrix;
        assert_true(m[0] == 1 && m[1] == 0 && m[3] == 0 && m[4] == 1);
        assert_in_range((int)m[2] + 2, 0, 4);
        assert_in_range((int)m[5] + 1, 0, 2);
        seen[(int)m[2] + 2][(int)m[5] + 1]++;
    }
    for (int i = 0; i < 15; i++)
        assert_in_range(seen[i / 3][i % 3], 266 - 85, 267 + 85);
    settings.rotate = 90;
    settings.scale = 0.5;
    settings.flip = true;
    settings.pad = 3;
    draw(&s, &settings, 1, views);
    for (int i = 0; i < VIEWS; i++) {
        const double *m = views[i].matrix;
        bool found = false;
        for (int x = -2; x <= 2; x++) { /* some shift brings the middle to a whole crop of the middle */
            for (int y = -1; y <= 1; y++) {
                const double to_x = m[0] * (3 + x) + m[1] * (2 + y) + m[2] - 3,
                             to_y = m[3] * (3 + x) + m[4] * (2 + y) + m[5] - 2;
                found = found || (fabs(to_x - round(to_x)) < 1e-9 && fabs(to_y - round(to_y)) < 1e-9 &&
                                  fabs(to_x) < 3.5 && fabs(to_y) < 3.5);
            }
        }
        assert_true(found);
    }
}

/* A view depends on seed, step and place in the batch, and not on how many are asked for at once. */
static void views_are_drawn_by_place(void **state)
{
    static hn_image_view views[VIEWS], others[VIEWS];
    static const int64_t rows[3] = {1100, 1101, 1102};
    hni_images_settings settings = plain_settings();
    hn_image_view part[3];
    int same = 0;
    set s;
    (void)state;
    make_set(&s);
    settings.rotate = 10;
    draw(&s, &settings, 4, views);
    draw(&s, &settings, 5, others);
    const hni_image_batch shard = {.batch = VIEWS, .seed = 9, .step = 4, .first = 100, .count = 3};
    hni_image_batch_views(&s.images, &settings, &shard, rows, part);
    assert_memory_equal(part, views + 100, sizeof part);
    for (int i = 0; i < VIEWS; i++)
        same += views[i].matrix[1] == others[i].matrix[1];
    assert_in_range(same, 0, 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_shuffle_is_one_to_one),
        cmocka_unit_test(a_shuffle_is_even),
        cmocka_unit_test(shuffles_differ),
        cmocka_unit_test(an_epoch_has_each_image_once),
        cmocka_unit_test(without_settings_an_image_is_as_it_is),
        cmocka_unit_test(crops_and_mirrors),
        cmocka_unit_test(turns_and_scales),
        cmocka_unit_test(shifts),
        cmocka_unit_test(views_are_drawn_by_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
