/* The runs of a sweep as processes of this program: `hypernet train ...` for one that is new, `--resume` for one that was stopped. A
 * run that crashes, or whose numbers explode, takes nothing with it. What a run says stands in NAME.log; its result comes through a
 * pipe. Each is a process group of its own, so Ctrl-C reaches the sweep alone, which asks the runs to save, once. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include "app/train/facts.h"
#include "app/train/plan.h"
#include "core/alloc.h"
#include "format.h"
#include "io/file_errors.h"
#include "io/files.h"
#include "io/json.h"
#include "stop.h"
#include "sweep.h"

#define MOST_WORDS (2 * (HNI_SWEEP_MOST_SETS + HNI_SWEEP_MOST_AXES) + 16)
#define POLL_NANOSECONDS 20000000
#define SHOW_SECONDS 10.0
#define NO_PROGRAM 127

/* ---- a process ---- */

typedef struct process {
    const char *words[MOST_WORDS]; /* ends in NULL */
    size_t count;
    int log, output; /* stderr and stdout of the process */
} process;

static void add_word(process *start, const char *word) { start->words[start->count++] = word; }

/* The child: becomes the program. */
_Noreturn static void become(const process *start, pid_t parent, const sigset_t *mask)
{
    const int nothing = open("/dev/null", O_RDONLY);
    setpgid(0, 0);
#ifdef __linux__
    prctl(PR_SET_PDEATHSIG, SIGTERM); /* a sweep that is killed leaves no runs behind: they save and end */
#endif
    if (getppid() != parent || nothing < 0 || dup2(nothing, 0) < 0 || dup2(start->output, 1) < 0 ||
        dup2(start->log, 2) < 0) {
        _exit(NO_PROGRAM);
    }
    sigprocmask(SIG_SETMASK, mask, NULL);
    hni_stop_release();
    execv("/proc/self/exe", (char *const *)(const void *)start->words);
    _exit(NO_PROGRAM);
}

/* Signals wait while the child is made. */
static pid_t make_process(const process *start)
{
    sigset_t all, before;
    const pid_t parent = getpid();
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, &before);
    const pid_t child = fork();
    if (child == 0) become(start, parent, &before);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return child;
}

static hn_status open_output(hni_sweep *sweep, const hni_sweep_run *run, process *start, int *out_reader)
{
    hn_context *context = sweep->cli->context;
    int ends[2];
    char *path = NULL;
    hn_status status;
    HNI_TRY(hni_sweep_path(sweep, run->name, ".log", &path));
    start->log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (start->log < 0) HNI_TRY(hni_file_error(context, path, "cannot write the log of this run", errno));
    if (pipe2(ends, O_CLOEXEC) != 0) HNI_TRY(hni_file_error(context, path, "cannot make a pipe for this run", errno));
    *out_reader = ends[0];
    start->output = ends[1];
cleanup:
    hni_free(context, path);
    return status;
}

/* ---- beginning a run ---- */

/* "recipe.yaml", "last.safetensors.812-0.partial": a file that a run has before its first checkpoint, or a part of any (io/files.h)? */
static bool is_of_run(const char *name)
{
    static const char *const files[] = {HNI_RUN_RECIPE, HNI_RUN_LOG, HNI_RUN_FACTS, HNI_RUN_LAST, HNI_RUN_BEST};
    enum { BEFORE_CHECKPOINT = 3 };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        const size_t length = strlen(files[i]);
        if (strncmp(name, files[i], length) != 0) continue;
        const char *rest = name + length, *tail = strrchr(rest, '.');
        if (rest[0] == 0 ? i < BEFORE_CHECKPOINT : rest[0] == '.' && strcmp(tail, ".partial") == 0) return true;
    }
    return false;
}

/* What a start that was cut off before its first checkpoint has left: nothing that was trained. */
static void clear_folder(const char *path)
{
    DIR *folder = opendir(path);
    if (folder == NULL) return;
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;)
        if (is_of_run(entry->d_name)) (void)unlinkat(dirfd(folder), entry->d_name, 0);
    closedir(folder);
}

/* Of a run that has lost its last checkpoint, but not its best one, nothing is thrown away. */
static void give_up(hni_sweep_run *run, const char *folder)
{
    run->state = HNI_SWEEP_FAILED;
    snprintf(run->message, sizeof run->message,
             "%.300s: holds %s but no %s, so it cannot go on: to train it again, move the folder away", folder,
             HNI_RUN_BEST, HNI_RUN_LAST);
}

/* Starts the process, or marks the run as failed. */
static hn_status begin(hni_sweep *sweep, size_t index)
{
    hni_sweep_run *run = &sweep->runs[index];
    process start = {.log = -1, .output = -1};
    char threads[16], *folder = NULL;
    int reader = -1;
    hn_status status;
    HNI_TRY(hni_sweep_path(sweep, run->name, "", &folder));
    add_word(&start, "hypernet");
    add_word(&start, "train");
    if (hni_sweep_has(sweep, run, HNI_RUN_LAST)) {
        add_word(&start, "--resume");
        add_word(&start, folder);
    } else if (hni_sweep_has(sweep, run, HNI_RUN_BEST)) {
        give_up(run, folder);
        goto cleanup;
    } else {
        clear_folder(folder);
        add_word(&start, sweep->recipe);
        add_word(&start, "-o");
        add_word(&start, folder);
        for (size_t i = 0; i < sweep->set_count + sweep->axis_count; i++) {
            add_word(&start, "--set");
            add_word(&start,
                     i < sweep->set_count ? sweep->sets[i] : hni_sweep_assignment(sweep, index, i - sweep->set_count));
        }
    }
    if (sweep->cli->data != NULL) {
        add_word(&start, "--data");
        add_word(&start, sweep->cli->data);
    }
    snprintf(threads, sizeof threads, "%d", sweep->threads);
    add_word(&start, "--threads");
    add_word(&start, threads);
    add_word(&start, "--json");
    HNI_TRY(open_output(sweep, run, &start, &reader));
    run->process = make_process(&start);
    if (run->process < 0) HNI_TRY(hni_file_error(sweep->cli->context, folder, "cannot make a process", errno));
    run->state = HNI_SWEEP_RUNNING;
    run->message[0] = 0;
    run->shown = hni_seconds_now();
    run->output = reader;
    reader = -1;
cleanup:
    if (start.log >= 0) close(start.log);
    if (start.output >= 0) close(start.output);
    if (reader >= 0) close(reader);
    hni_free(sweep->cli->context, folder);
    return status;
}

/* ---- what a run has said ---- */

/* The last line of NAME.log that begins with `beginning`, without it; "" if there is none. */
static void last_line(const hni_sweep *sweep, const hni_sweep_run *run, const char *beginning, char *out_line,
                      size_t size)
{
    char bytes[4096 + 1], *path = NULL;
    out_line[0] = 0;
    if (hni_sweep_path(sweep, run->name, ".log", &path) != HN_OK) return;
    const int log = open(path, O_RDONLY | O_CLOEXEC);
    hni_free(sweep->cli->context, path);
    if (log < 0) return;
    const off_t end = lseek(log, 0, SEEK_END);
    const off_t start = end > 4096 ? end - 4096 : 0;
    const ssize_t count = pread(log, bytes, 4096, start);
    close(log);
    bytes[count > 0 ? count : 0] = 0;
    for (char *line = bytes, *next = NULL; line != NULL; line = next) {
        next = strchr(line, '\n');
        if (next != NULL) *next++ = 0;
        if (strncmp(line, beginning, strlen(beginning)) == 0) snprintf(out_line, size, "%s", line + strlen(beginning));
    }
}

/* Forgets the error of a call that may fail; but one of the sweep itself, from `before` that call, is kept for its message. */
static void forget(const hni_sweep *sweep, hn_status before)
{
    if (before == HN_OK) hn_context_clear(sweep->cli->context);
}

/* Seconds of all sessions, from run.json; 0 if it does not say. */
static double seconds_of(const hni_sweep *sweep, const hni_sweep_run *run)
{
    hn_context *context = sweep->cli->context;
    const hn_status before = hn_context_error(context)->status;
    hni_file_bytes bytes = {NULL, 0};
    json_t *root = NULL, *session;
    char *path = NULL;
    double seconds = 0;
    size_t i;
    hn_status status;
    HNI_TRY(hni_sweep_path(sweep, run->name, "/" HNI_RUN_FACTS, &path));
    HNI_TRY(hni_file_read(context, path, 0, &bytes));
    HNI_TRY(hni_json_parse(context, path, (const char *)bytes.data, bytes.size, &root));
    json_array_foreach(json_object_get(root, "sessions"), i, session) seconds +=
        json_number_value(json_object_get(session, "seconds"));
cleanup:
    if (status != HN_OK) forget(sweep, before); /* only a time is missing */
    json_decref(root);
    hni_free(context, bytes.data);
    hni_free(context, path);
    return seconds;
}

/* ---- the end of a run ---- */

/* What the run has printed, one object; NULL if it is none. */
static json_t *read_result(const hni_sweep *sweep, hni_sweep_run *run)
{
    hn_context *context = sweep->cli->context;
    const hn_status before = hn_context_error(context)->status;
    char bytes[4096];
    size_t size = 0;
    ssize_t count;
    json_t *result = NULL;
    while (size < sizeof bytes && (count = read(run->output, bytes + size, sizeof bytes - size)) != 0) {
        if (count < 0 && errno != EINTR) break;
        if (count > 0) size += (size_t)count;
    }
    if (hni_json_parse(context, run->name, bytes, size, &result) != HN_OK) forget(sweep, before);
    return result;
}

static void take_result(hni_sweep_run *run, const json_t *result)
{
    const json_t *best = json_object_get(result, "best_valid");
    const bool is_done = json_is_true(json_object_get(result, "finished"));
    run->state = is_done ? HNI_SWEEP_FINISHED : HNI_SWEEP_STOPPED;
    run->step = (int64_t)json_integer_value(json_object_get(result, "step"));
    run->steps = (int64_t)json_integer_value(json_object_get(result, "steps"));
    run->parameters = (int64_t)json_integer_value(json_object_get(result, "parameters"));
    run->has_best = json_is_number(best);
    run->best = json_number_value(best);
    run->best_step = (int64_t)json_integer_value(json_object_get(result, "best_step"));
}

static void explain(const hni_sweep *sweep, hni_sweep_run *run, int code)
{
    last_line(sweep, run, "hypernet train: ", run->message, sizeof run->message);
    if (WIFSIGNALED(code)) {
        snprintf(run->message, sizeof run->message, "ended by signal %d (%s)", WTERMSIG(code),
                 strsignal(WTERMSIG(code)));
    } else if (WEXITSTATUS(code) == NO_PROGRAM) {
        snprintf(run->message, sizeof run->message, "the process could not become 'hypernet train'");
    } else if (run->message[0] == 0) {
        snprintf(run->message, sizeof run->message, "ended with %d and without a message", WEXITSTATUS(code));
    }
}

static void say_end(const hni_sweep *sweep, size_t index)
{
    const hni_sweep_run *run = &sweep->runs[index];
    char time[32];
    fprintf(stderr, "[%zu/%zu] %s: ", index + 1, sweep->run_count, run->name);
    if (run->state == HNI_SWEEP_FAILED) {
        fprintf(stderr, "failed: %s\n", run->message);
    } else if (run->state == HNI_SWEEP_STOPPED) {
        fprintf(stderr, "stopped after update %lld of %lld\n", (long long)run->step, (long long)run->steps);
    } else if (run->state == HNI_SWEEP_WAITING) {
        fputs("stopped before its first update\n", stderr);
    } else {
        fprintf(stderr, "validation %.4f after update %lld (%s)\n", run->best, (long long)run->best_step,
                hni_duration_print(run->seconds, time, sizeof time));
    }
}

/* The process has ended with this status of waitpid. */
static hn_status finish(hni_sweep *sweep, size_t index, int code, bool was_asked)
{
    hni_sweep_run *run = &sweep->runs[index];
    json_t *result = read_result(sweep, run);
    close(run->output);
    if (WIFEXITED(code) && WEXITSTATUS(code) == 0 && result != NULL) {
        take_result(run, result);
        run->seconds = seconds_of(sweep, run);
    } else if (was_asked && WIFSIGNALED(code) && WTERMSIG(code) == SIGTERM) {
        run->state = HNI_SWEEP_WAITING; /* it could not yet save, and had nothing to */
    } else {
        run->state = HNI_SWEEP_FAILED;
        explain(sweep, run, code);
    }
    json_decref(result);
    say_end(sweep, index);
    return hni_sweep_save(sweep);
}

/* ---- all runs ---- */

static void show_progress(const hni_sweep *sweep, size_t index)
{
    hni_sweep_run *run = &sweep->runs[index];
    char line[256];
    const double now = hni_seconds_now();
    if (now - run->shown < SHOW_SECONDS) return;
    run->shown = now;
    last_line(sweep, run, "step ", line, sizeof line);
    if (line[0] != 0) fprintf(stderr, "[%zu/%zu] %s: step %s\n", index + 1, sweep->run_count, run->name, line);
}

/* Looks after the runs that are at work; returns how many they are. */
static hn_status look_after(hni_sweep *sweep, bool was_asked, int *out_running)
{
    hn_status status = HN_OK;
    *out_running = 0;
    for (size_t i = 0; i < sweep->run_count; i++) {
        hni_sweep_run *run = &sweep->runs[i];
        int code = 0;
        if (run->state != HNI_SWEEP_RUNNING) continue;
        const pid_t ended = waitpid(run->process, &code, WNOHANG);
        if (ended == run->process || (ended < 0 && errno != EINTR)) {
            const hn_status saved = finish(sweep, i, code, was_asked);
            if (status == HN_OK) status = saved;
        } else {
            show_progress(sweep, i);
            ++*out_running;
        }
    }
    return status;
}

static void ask_all(const hni_sweep *sweep)
{
    for (size_t i = 0; i < sweep->run_count; i++)
        if (sweep->runs[i].state == HNI_SWEEP_RUNNING) kill(sweep->runs[i].process, SIGTERM);
}

/* The next run that waits, from *next on; false if there is none. */
static bool find_waiting(const hni_sweep *sweep, size_t *next)
{
    while (*next < sweep->run_count && sweep->runs[*next].state != HNI_SWEEP_WAITING)
        ++*next;
    return *next < sweep->run_count;
}

static hn_status begin_next(hni_sweep *sweep, size_t index, int *running)
{
    const hni_sweep_run *run = &sweep->runs[index];
    hn_status status;
    HNI_TRY(begin(sweep, index));
    if (run->state == HNI_SWEEP_RUNNING) {
        fprintf(stderr, "[%zu/%zu] %s: begins\n", index + 1, sweep->run_count, run->name);
        ++*running;
    } else {
        say_end(sweep, index);
        HNI_TRY(hni_sweep_save(sweep));
    }
cleanup:
    return status;
}

hn_status hni_sweep_work(hni_sweep *sweep)
{
    const struct timespec pause = {.tv_nsec = POLL_NANOSECONDS};
    hn_status status = HN_OK;
    bool was_asked = false;
    int running = 0;
    size_t next = 0;
    signal(SIGCHLD, SIG_DFL); /* ignored, there would be no status to wait for */
    do {
        const bool must_stop = hni_stop_asked() || status != HN_OK;
        if (must_stop && !was_asked) {
            was_asked = true;
            ask_all(sweep);
        }
        while (!was_asked && status == HN_OK && running < sweep->jobs && find_waiting(sweep, &next))
            status = begin_next(sweep, next, &running);
        if (running > 0) nanosleep(&pause, NULL);
        const hn_status looked = look_after(sweep, was_asked, &running);
        if (status == HN_OK) status = looked;
    } while (running > 0 || (status == HN_OK && !hni_stop_asked() && find_waiting(sweep, &next)));
    return status;
}
