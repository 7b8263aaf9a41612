/* Ctrl-C and its like, for commands that save what they have before they end. */
#ifndef HNI_CLI_STOP_H
#define HNI_CLI_STOP_H

#include <stdbool.h>

/* From now on SIGINT, SIGTERM and SIGHUP only ask for a stop. A second SIGINT ends the program at once; the others may come from several
 * sides (a terminal that closes, a batch system that ends all processes, a sweep), so they never do. What the caller had ignored (nohup)
 * stays ignored. Call it before any other thread is made. */
void hni_stop_catch(void);
bool hni_stop_asked(void);
/* In a child that is about to become another program: what was caught is no longer, it ends the process again. */
void hni_stop_release(void);

#endif
