/* See stop.h. No handler ever runs: the signals are blocked in every thread but for one that waits for them. oneDNN's multiplies put
 * their stack into a small block of the heap for a while, and the frame of a handler would be written over what lies before it. */
#include "stop.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>

static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
#define NUMBER_COUNT (sizeof numbers / sizeof numbers[0])

static sigset_t caught;
static atomic_bool asked;

static void *wait_for_signals(void *nothing)
{
    bool interrupted = false;
    int number;
    (void)nothing;
    while (sigwait(&caught, &number) == 0) {
        if (number == SIGINT && interrupted) _Exit(130); /* Ctrl-C twice: now */
        interrupted = interrupted || number == SIGINT;
        asked = true;
    }
    return NULL;
}

static bool is_ignored(int number)
{
    struct sigaction now;
    return sigaction(number, NULL, &now) == 0 && now.sa_handler == SIG_IGN;
}

void hni_stop_catch(void)
{
    pthread_t thread;
    sigset_t all, before;
    sigemptyset(&caught);
    for (size_t i = 0; i < NUMBER_COUNT; i++)
        if (!is_ignored(numbers[i])) sigaddset(&caught, numbers[i]);
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    const bool waits = pthread_create(&thread, NULL, wait_for_signals, NULL) == 0;
    if (waits) pthread_detach(thread);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (waits) pthread_sigmask(SIG_BLOCK, &caught, NULL); /* threads that are made from now on block them too */
}

bool hni_stop_asked(void) { return asked; }

void hni_stop_release(void) { pthread_sigmask(SIG_UNBLOCK, &caught, NULL); }
