/* The two threads of the store. Private to relay/queue/store*.c. */
#ifndef RELAY_QUEUE_STORE_THREAD_H
#define RELAY_QUEUE_STORE_THREAD_H

#include "relay/queue/store_job.h"

/* Most jobs of one commit. */
#define STORE_BATCH 64
/* Milliseconds that a job that forces no commit waits for another one. */
#define STORE_LAZY_MS 50

struct store_threads;

/*
 * Takes over both connections (moved), starts the threads. o is copied, its
 * state_dir borrowed until store_threads_stop. ERR_IO.
 */
NODISCARD int store_threads_start(const struct store_opts *o,
    struct db *take_writer, struct db *take_reader, struct store_threads **out);
/* Carries out what was posted, commits, ends, closes; NULL is fine. */
void store_threads_stop(struct store_threads *t);
/* Any thread: a job on its way. Always taken. */
void store_threads_post(struct store_threads *t, struct job *j);
/* Any thread: returns when all jobs that this thread posted before have been
 * carried out and posted back. Forces a commit. ERR_IO. */
NODISCARD int store_threads_flush(struct store_threads *t);
/* The error that writing, reading or the spool is in, 0: none. *file: where,
 * below state_dir, a literal. Any thread. */
int store_threads_state(const struct store_threads *t, const char **file);
/* One line for err of a file of the store in state_dir. */
void store_state_text(
    const char *state_dir, const char *file, int err, char text[256]);

#endif
