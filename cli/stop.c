/* See stop.h. */
#include "stop.h"

#include <signal.h>
#include <stddef.h>
#include <stdlib.h>

static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
#define NUMBER_COUNT (sizeof numbers / sizeof numbers[0])

static volatile sig_atomic_t asked, interrupted;

static void on_signal(int number)
{
    if (number == SIGINT && interrupted != 0) _Exit(130); /* Ctrl-C twice: now */
    if (number == SIGINT) interrupted = 1;
    asked = 1;
}

static bool is_ignored(int number)
{
    struct sigaction now;
    return sigaction(number, NULL, &now) == 0 && now.sa_handler == SIG_IGN;
}

void hni_stop_catch(void)
{
    for (size_t i = 0; i < NUMBER_COUNT; i++) {
        struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
        sigemptyset(&action.sa_mask);
        if (!is_ignored(numbers[i])) sigaction(numbers[i], &action, NULL);
    }
}

bool hni_stop_asked(void) { return asked != 0; }

void hni_stop_release(void)
{
    for (size_t i = 0; i < NUMBER_COUNT; i++) {
        struct sigaction action = {.sa_handler = SIG_DFL};
        sigemptyset(&action.sa_mask);
        if (!is_ignored(numbers[i])) sigaction(numbers[i], &action, NULL);
    }
}
