/* Sampling: UTF-8 kept whole, draws that repeat, the prime, and the weight change, each against a computation by hand. */
#include <math.h>

#include "app/tasks/utf8_writer.h"
#include "core/rng.h"
#include "test_task.h"

/* ---- UTF-8 ---- */

typedef struct pieces {
    char bytes[256];
    size_t size;
    size_t sizes[256];
    int count, most; /* says no after `most`, 0: never */
} pieces;

static bool take_piece(void *user, const char *bytes, size_t size)
{
    pieces *all = user;
    memcpy(all->bytes + all->size, bytes, size);
    all->size += size;
    all->sizes[all->count++] = size;
    return all->most == 0 || all->count < all->most;
}

static pieces write_all(const char *bytes, size_t size)
{
    pieces all = {.size = 0};
    hni_utf8_writer writer = {.write = take_piece, .user = &all};
    for (size_t i = 0; i < size; i++)
        hni_utf8_writer_put(&writer, (uint8_t)bytes[i]);
    hni_utf8_writer_end(&writer);
    assert_int_equal(writer.count, 0);
    assert_int_equal(all.size, size);
    assert_memory_equal(all.bytes, bytes, size); /* nothing lost, nothing changed */
    return all;
}

static void whole_sequences_stay_whole(void **state)
{
    static const char text[] = "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80z"; /* 1, 2, 3, 4 and 1 bytes */
    static const size_t sizes[] = {1, 2, 3, 4, 1};
    (void)state;
    const pieces all = write_all(text, sizeof text - 1);
    assert_int_equal(all.count, 5);
    for (int i = 0; i < 5; i++)
        assert_int_equal(all.sizes[i], sizes[i]);
}

/* Cut off at every byte: whole sequences before the cut, single bytes after it. */
static void a_text_may_end_at_any_byte(void **state)
{
    static const char text[] = "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80";
    static const size_t ends[] = {1, 3, 6, 10};
    (void)state;
    for (size_t cut = 0; cut < sizeof text; cut++) {
        const pieces all = write_all(text, cut);
        int whole = 0;
        while (whole < 4 && ends[whole] <= cut)
            whole++;
        const size_t rest = cut - (whole > 0 ? ends[whole - 1] : 0);
        assert_int_equal(all.count, whole + (int)rest);
    }
}

static void broken_sequences_come_byte_by_byte(void **state)
{
    static const struct {
        const char *bytes;
        int count;
    } cases[] = {
        {"\x80", 1},     /* a continuation alone */
        {"\xC0\xAF", 2}, /* overlong */
        {"\xC3"
         "a",
         2}, /* promised two, an 'a' came */
        {"\xE2\x82"
         "a",
         3},                     /* promised three */
        {"\xE0\x80\x80", 3},     /* overlong */
        {"\xED\xA0\x80", 3},     /* a surrogate */
        {"\xF4\x90\x80\x80", 4}, /* above U+10FFFF */
        {"\xFF\xFE", 2},
        {"\xE2\xC3\xA9", 2}, /* broken, then a whole one */
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(write_all(cases[i].bytes, strlen(cases[i].bytes)).count, cases[i].count);
    }
}

static void a_reader_can_say_no(void **state)
{
    pieces all = {.most = 2};
    hni_utf8_writer writer = {.write = take_piece, .user = &all};
    (void)state;
    for (int i = 0; i < 5; i++)
        hni_utf8_writer_put(&writer, 'a');
    assert_true(writer.stopped);
    assert_int_equal(all.count, 2);
}

/* ---- sampling ---- */

typedef struct sample {
    char text[512];
    size_t size;
    uint8_t heated[512];
    float change[512][4];
    int heats;
} sample;

static bool keep_text(void *user, const char *bytes, size_t size)
{
    sample *s = user;
    memcpy(s->text + s->size, bytes, size);
    s->size += size;
    return true;
}

static void keep_heat(void *user, uint8_t byte, const float change[4])
{
    sample *s = user;
    s->heated[s->heats] = byte;
    memcpy(s->change[s->heats++], change, 4 * sizeof change[0]);
}

static sample take_sample(const test_task *t, const char *prime, double temperature, uint64_t seed, bool heat)
{
    sample s = {.size = 0};
    const hni_sample_options options = {
        .prime = prime,
        .length = 100,
        .temperature = temperature,
        .seed = seed,
        .write = keep_text,
        .heat = heat ? keep_heat : NULL,
        .user = &s,
    };
    test_task_ok(t, t->task->sample(t->work, &options));
    assert_int_equal(s.size, 100);
    return s;
}

/* The text's symbols, made a second time. */
static hn_vocabulary *vocabulary_of(const test_task *t)
{
    const hni_text_source source = {.places = &t->places};
    hni_text_data *text = NULL;
    test_task_ok(t, hni_text_open(t->context, &t->data, &source, &text));
    hn_vocabulary *vocabulary = text->own;
    text->own = NULL;
    hni_text_close(text);
    return vocabulary;
}

static int32_t row_of(const hn_vocabulary *vocabulary, char byte)
{
    size_t used;
    return (int32_t)hn_vocabulary_find(vocabulary, &byte, 1, &used);
}

static void the_same_seed_gives_the_same_text(void **state)
{
    test_task t;
    (void)state;
    test_task_prepare(&t, 500);
    test_task_open(&t, 4);
    const sample first = take_sample(&t, "the ", 1, 7, false), again = take_sample(&t, "the ", 1, 7, false);
    assert_memory_equal(first.text, again.text, 100);
    const sample other = take_sample(&t, "the ", 1, 8, false);
    assert_memory_not_equal(first.text, other.text, 100);
    const sample primed = take_sample(&t, "stone", 1, 7, true);
    assert_memory_not_equal(first.text, primed.text, 100);
    test_task_close(&t);
}

/* Each symbol by the inverse of the cumulated softmax(logits / T), with the Philox numbers of the site "sample". */
static void draws_follow_the_softmax(void **state)
{
    static const double temperatures[] = {0.5, 1, 3};
    test_task t;
    (void)state;
    test_task_prepare(&t, 500);
    test_task_open(&t, 4);
    hn_vocabulary *vocabulary = vocabulary_of(&t);
    assert_true(hn_vocabulary_count(vocabulary) < 30); /* rows 21 and on stand for nothing and must never be drawn */
    for (size_t i = 0; i < sizeof temperatures / sizeof temperatures[0]; i++) {
        const sample s = take_sample(&t, "w", temperatures[i], 7, false);
        const hni_rng_key key = {.seed = 7, .site = hni_rng_site("sample")};
        hn_stream *stream = NULL;
        float logits[30];
        int32_t symbol = row_of(vocabulary, 'w');
        test_task_ok(&t, hn_stream_create(t.store, &t.model, 1, &stream));
        for (uint64_t k = 0; k < 100; k++) {
            double sum = 0, left;
            int row = 0;
            test_task_ok(&t, hn_stream_step(stream, &symbol, logits));
            for (int r = 0; r < hn_vocabulary_count(vocabulary); r++)
                sum += exp((double)logits[r] / temperatures[i]);
            left = hni_rng_uniform(&key, k) * sum - exp((double)logits[0] / temperatures[i]);
            while (left >= 0)
                left -= exp((double)logits[++row] / temperatures[i]);
            assert_int_equal(row_of(vocabulary, s.text[k]), row);
            symbol = row;
        }
        hn_stream_destroy(stream);
    }
    hni_vocabulary_destroy(vocabulary);
    test_task_close(&t);
}

static void temperature_zero_takes_the_most_probable(void **state)
{
    test_task t;
    (void)state;
    test_task_prepare(&t, 500);
    test_task_open(&t, 4);
    hn_vocabulary *vocabulary = vocabulary_of(&t);
    const sample s = take_sample(&t, "", 0, 1, false), other = take_sample(&t, NULL, 0, 2, false);
    hn_stream *stream = NULL;
    float logits[30];
    int32_t symbol = row_of(vocabulary, '\n'); /* without a prime a line has just ended */
    test_task_ok(&t, hn_stream_create(t.store, &t.model, 1, &stream));
    for (int k = 0; k < 100; k++) {
        test_task_ok(&t, hn_stream_step(stream, &symbol, logits));
        symbol = 0;
        for (int r = 1; r < hn_vocabulary_count(vocabulary); r++)
            if (logits[r] > logits[symbol]) symbol = r;
        assert_int_equal(row_of(vocabulary, s.text[k]), symbol);
    }
    assert_memory_equal(s.text, other.text, 100);
    hn_stream_destroy(stream);
    hni_vocabulary_destroy(vocabulary);
    test_task_close(&t);
}

/* Frobenius norm of the change of diag(d_h) W_h for each gate, computed from the whole matrices. */
static void heat_is_the_change_of_the_matrix(void **state)
{
    test_task t;
    enum { N = 6 };
    float weights[4 * N * N], before[4 * N], logits[30];
    (void)state;
    test_task_prepare(&t, 500);
    test_task_open(&t, 4);
    /* At their start z_h do not depend on the state, so that nothing would change: give them something to depend on. */
    const int64_t z = hn_store_find(t.store, "layers.0.z_h.weight");
    float numbers[8 * 4];
    for (int i = 0; i < 32; i++)
        numbers[i] = (float)sin(i);
    test_task_ok(&t, hn_store_write(t.store, z, HN_DTYPE_F32, 32, numbers));
    test_task_ok(&t,
                 hn_store_read(t.store, hn_store_find(t.store, "layers.0.weight_h"), HN_DTYPE_F32, 4 * N * N, weights));
    hn_vocabulary *vocabulary = vocabulary_of(&t);
    const sample s = take_sample(&t, "the ", 1, 7, true);
    const char *prime = "the ";
    hn_stream *stream = NULL;
    double largest = 0;
    assert_int_equal(s.heats, 100);
    test_task_ok(&t, hn_stream_create(t.store, &t.model, 1, &stream));
    test_task_ok(&t, hn_stream_observe(stream, 0));
    for (int k = -4; k < 100; k++) {
        const uint8_t byte = k < 0 ? (uint8_t)prime[4 + k] : (uint8_t)s.text[k];
        const int32_t symbol = row_of(vocabulary, (char)byte);
        hn_stream_observation seen;
        test_task_ok(&t, hn_stream_step(stream, &symbol, logits));
        test_task_ok(&t, hn_stream_observation_read(stream, &seen));
        for (int gate = 0; gate < 4 && k >= 0; gate++) {
            double sum = 0;
            for (int i = gate * N; i < (gate + 1) * N; i++)
                for (int j = 0; j < N; j++) {
                    const double moved = ((double)seen.d_h[i] - (double)before[i]) * (double)weights[i * N + j];
                    sum += moved * moved;
                }
            assert_close((double)s.change[k][gate], sqrt(sum), 1e-4, 1e-9);
            largest = fmax(largest, sqrt(sum));
            assert_int_equal(s.heated[k], byte);
        }
        memcpy(before, seen.d_h, sizeof before);
    }
    assert_true(largest > 1e-3);
    hn_stream_destroy(stream);
    hni_vocabulary_destroy(vocabulary);
    test_task_close(&t);
}

static void assert_refused(const test_task *t, const hni_sample_options *options, const char *words)
{
    assert_int_not_equal(t->task->sample(t->work, options), HN_OK);
    if (strstr(hn_context_error(t->context)->text, words) == NULL) {
        fail_msg("'%s' is not in: %s", words, hn_context_error(t->context)->text);
    }
    hn_context_clear(t->context);
}

static void refuses_what_it_cannot_do(void **state)
{
    test_task t;
    sample s = {.size = 0};
    (void)state;
    test_task_prepare(&t, 500);
    test_task_open(&t, 4);
    hni_sample_options options = {.prime = "the\xE2", .length = 3, .temperature = 1, .write = keep_text, .user = &s};
    assert_refused(&t, &options, "byte 0xE2 at position 4");
    options.prime = "X";
    assert_refused(&t, &options, "'X' at position 1");
    options.prime = "the";
    options.temperature = -1;
    assert_refused(&t, &options, "temperature");
    options.temperature = 1;
    options.heat = keep_heat;
    options.heat_layer = 1;
    assert_refused(&t, &options, "layer 1 of 1");
    test_task_close(&t);
    test_task_prepare(&t, 500);
    t.model.cell.kind = HN_CELL_LSTM;
    test_task_open(&t, 4);
    options.heat_layer = 0;
    assert_refused(&t, &options, "do not change");
    test_task_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_sequences_stay_whole),
        cmocka_unit_test(a_text_may_end_at_any_byte),
        cmocka_unit_test(broken_sequences_come_byte_by_byte),
        cmocka_unit_test(a_reader_can_say_no),
        cmocka_unit_test(the_same_seed_gives_the_same_text),
        cmocka_unit_test(draws_follow_the_softmax),
        cmocka_unit_test(temperature_zero_takes_the_most_probable),
        cmocka_unit_test(heat_is_the_change_of_the_matrix),
        cmocka_unit_test(refuses_what_it_cannot_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
