/* Data files: gz and xz come out whole or not at all, wherever they are cut or changed; folders in the order of their paths. */
#include <lzma.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "app/data/unpack.h"
#include "core/alloc.h"
#include "test_support.h"

static hn_context *context;

static int set_up(void **state)
{
    (void)state;
    return hn_context_create(NULL, &context) != HN_OK;
}

static int tear_down(void **state)
{
    (void)state;
    int64_t held = hn_context_memory(context);
    hn_context_destroy(context);
    return held != 0;
}

/* The error just made holds these words; clears it. */
static void assert_said(const char *words)
{
    const char *text = hn_context_error(context)->text;
    if (strstr(text, words) == NULL) fail_msg("'%s' lacks '%s'", text, words);
    hn_context_clear(context);
}

static hni_file_bytes pack_gz(const void *data, size_t size)
{
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)data, .avail_in = (uInt)size};
    assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY), Z_OK);
    size_t room = deflateBound(&stream, (uLong)size);
    hni_file_bytes packed = {malloc(room), 0};
    assert_non_null(packed.data);
    stream.next_out = packed.data;
    stream.avail_out = (uInt)room;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    packed.size = room - stream.avail_out;
    assert_int_equal(deflateEnd(&stream), Z_OK);
    return packed;
}

static hni_file_bytes pack_xz(const void *data, size_t size)
{
    size_t room = lzma_stream_buffer_bound(size);
    hni_file_bytes packed = {malloc(room), 0};
    assert_non_null(packed.data);
    assert_int_equal(lzma_easy_buffer_encode(1, LZMA_CHECK_CRC64, NULL, data, size, packed.data, &packed.size, room),
                     LZMA_OK);
    return packed;
}

static hni_file_bytes joined(hni_file_bytes a, hni_file_bytes b)
{
    hni_file_bytes both = {malloc(a.size + b.size), a.size + b.size};
    assert_non_null(both.data);
    memcpy(both.data, a.data, a.size);
    memcpy(both.data + a.size, b.data, b.size);
    free(a.data);
    free(b.data);
    return both;
}

static void assert_unpacks_to(hni_file_bytes packed, const void *expected, size_t size)
{
    hni_file_bytes out;
    if (hni_unpack_bytes(context, "a", &packed, 0, &out) != HN_OK) fail_msg("%s", hn_context_error(context)->text);
    assert_int_equal(out.size, size);
    assert_memory_equal(out.data, expected, size);
    assert_int_equal(out.data[size], 0);
    hni_free(context, out.data);
    free(packed.data);
}

static void assert_refused(hni_file_bytes packed, size_t limit, const char *words)
{
    hni_file_bytes out;
    if (hni_unpack_bytes(context, "a", &packed, limit, &out) == HN_OK) fail_msg("accepted, expected '%s'", words);
    assert_null(out.data);
    assert_said(words);
    free(packed.data);
}

static hni_file_bytes bytes_of(const char *text, size_t size)
{
    hni_file_bytes bytes = {malloc(size > 0 ? size : 1), size};
    assert_non_null(bytes.data);
    memcpy(bytes.data, text, size);
    return bytes;
}

/* Large enough for the output to grow several times. */
#define LARGE ((size_t)700000)
static unsigned char *large_text(void)
{
    unsigned char *text = malloc(LARGE);
    assert_non_null(text);
    for (size_t i = 0; i < LARGE; i++)
        text[i] = (unsigned char)('a' + (i * i / 7 + i / 1000) % 26);
    return text;
}

static void packed_files_come_out_whole(void **state)
{
    (void)state;
    unsigned char *text = large_text();
    assert_unpacks_to(pack_gz(text, LARGE), text, LARGE);
    assert_unpacks_to(pack_xz(text, LARGE), text, LARGE);
    assert_unpacks_to(joined(pack_gz("ab", 2), pack_gz("cd", 2)), "abcd", 4);
    assert_unpacks_to(joined(pack_xz("ab", 2), pack_xz("cd", 2)), "abcd", 4);
    assert_unpacks_to(joined(pack_gz("ab", 2), bytes_of("\0\0\0", 3)), "ab", 2);
    assert_unpacks_to(bytes_of("plain\0text", 10), "plain\0text", 10);
    assert_unpacks_to(bytes_of("\x1f", 1), "\x1f", 1);
    free(text);
}

static void what_follows_must_be_packed_too(void **state)
{
    (void)state;
    assert_refused(joined(pack_gz("ab", 2), bytes_of("junk", 4)), 0, "4 bytes that are not gzip follow");
    assert_refused(joined(pack_xz("ab", 2), bytes_of("junkjunk", 8)), 0, "xz data");
    assert_refused(pack_gz("", 0), 0, "nothing is packed in it");
    assert_refused(pack_xz("", 0), 0, "nothing is packed in it");
    assert_refused(bytes_of("", 0), 0, "empty");
    assert_refused(bytes_of("\x1f\x8b", 2), 0, "ends too early");
    assert_refused(bytes_of("\x1f\x8b no gzip at all", 17), 0, "damaged gzip data");
}

static void limit_is_kept(void **state)
{
    (void)state;
    unsigned char *text = large_text();
    hni_file_bytes packed = pack_gz(text, LARGE), out;
    assert_int_equal(hni_unpack_bytes(context, "a", &packed, LARGE, &out), HN_OK);
    hni_free(context, out.data);
    assert_refused(packed, LARGE - 1, "more than the 699999 bytes");
    packed = pack_xz(text, LARGE);
    assert_int_equal(hni_unpack_bytes(context, "a", &packed, LARGE, &out), HN_OK);
    hni_free(context, out.data);
    assert_refused(packed, LARGE - 1, "more than the 699999 bytes");
    assert_refused(bytes_of("abc", 3), 2, "more than the 2 bytes");
    free(text);
}

/* Cut and changed at every byte: an error, or (header fields without a meaning for the text) the same text. */
static void damage_everywhere(hni_file_bytes packed, const char *text, size_t size)
{
    hni_file_bytes out;
    size_t unnoticed = 0;
    for (size_t cut = 6; cut < packed.size; cut++) {
        hni_file_bytes part = bytes_of((const char *)packed.data, cut);
        if (hni_unpack_bytes(context, "a", &part, 0, &out) == HN_OK)
            fail_msg("cut at %zu of %zu: accepted", cut, packed.size);
        assert_said("a: ");
        free(part.data);
    }
    for (size_t at = 6; at < packed.size; at++) { /* past the bytes that say how it is packed */
        for (int bit = 0; bit < 8; bit++) {
            packed.data[at] ^= (unsigned char)(1 << bit);
            if (hni_unpack_bytes(context, "a", &packed, 0, &out) == HN_OK) {
                assert_int_equal(out.size, size);
                assert_memory_equal(out.data, text, size);
                hni_free(context, out.data);
                unnoticed++;
            } else {
                assert_said("a: ");
            }
            packed.data[at] ^= (unsigned char)(1 << bit);
        }
    }
    assert_true(unnoticed <= 39); /* gzip: date, flags, system, and what fills the last byte of the deflate data */
    free(packed.data);
}

static void damage_is_never_silent(void **state)
{
    (void)state;
    static const char text[] = "In the beginning God created the heaven and the earth. And the earth was without form";
    damage_everywhere(pack_gz(text, sizeof text), text, sizeof text);
    damage_everywhere(pack_xz(text, sizeof text), text, sizeof text);
}

static void write_text(const char *folder, const char *name, const char *text)
{
    char *path = test_path_join(folder, name);
    test_file_write(path, text, strlen(text));
    free(path);
}

static void folders_are_read_in_order(void **state)
{
    (void)state;
    char *folder = test_folder_create(), *deeper = test_path_join(folder, "b"),
         *hidden = test_path_join(folder, ".git");
    char *link = test_path_join(folder, "loop"), *packed_path = test_path_join(folder, "c.gz");
    hni_file_bytes out, packed = pack_gz("three", 5);
    assert_int_equal(mkdir(deeper, 0700), 0);
    assert_int_equal(mkdir(hidden, 0700), 0);
    assert_int_equal(hni_unpack_path(context, folder, 0, &out), HN_ERROR_IO);
    assert_said("no file with anything in it");
    write_text(folder, "b.txt", "zero\n"); /* '.' comes before '/' */
    write_text(deeper, "x", "two");
    write_text(deeper, "a", "one\n");
    write_text(deeper, ".z", "hidden");
    write_text(hidden, "config", "hidden");
    write_text(folder, "empty", "");
    assert_int_equal(symlink(folder, link), 0);
    test_file_write(packed_path, packed.data, packed.size);
    assert_int_equal(hni_unpack_path(context, folder, 0, &out), HN_OK);
    assert_string_equal((char *)out.data, "zero\none\ntwo\nthree");
    assert_int_equal(out.size, 18);
    hni_free(context, out.data);
    assert_int_equal(hni_unpack_path(context, packed_path, 0, &out), HN_OK);
    assert_string_equal((char *)out.data, "three");
    hni_free(context, out.data);
    assert_int_equal(hni_unpack_path(context, folder, 17, &out), HN_ERROR_FORMAT);
    assert_said("more than the 17 bytes");
    packed.data[packed.size - 6] ^= 1; /* the checksum */
    test_file_write(packed_path, packed.data, packed.size);
    assert_int_equal(hni_unpack_path(context, folder, 0, &out), HN_ERROR_FORMAT);
    assert_said("c.gz: damaged gzip data after 5 unpacked bytes: incorrect data check");
    assert_null(out.data);
    assert_int_equal(hni_unpack_path(context, "no/such/file", 0, &out), HN_ERROR_IO);
    assert_said("no/such/file: cannot open");
    assert_int_equal(hni_unpack_path(context, "", 0, &out), HN_ERROR_IO);
    hn_context_clear(context);
    free(packed.data);
    free(deeper);
    free(hidden);
    free(link);
    free(packed_path);
    test_folder_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packed_files_come_out_whole),
        cmocka_unit_test(what_follows_must_be_packed_too),
        cmocka_unit_test(limit_is_kept),
        cmocka_unit_test(damage_is_never_silent),
        cmocka_unit_test(folders_are_read_in_order),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down) != 0;
}
