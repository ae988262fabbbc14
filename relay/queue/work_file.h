/*
 * Small files in state_dir that outlive a crash of the relay: work.N has the
 * messages that shard N works on, suspects those that were in work at a crash.
 * Nothing is synced: they need not outlive the machine. A file has one owner
 * and is used on one thread.
 */
#ifndef RELAY_QUEUE_WORK_FILE_H
#define RELAY_QUEUE_WORK_FILE_H

#include <stddef.h>

#include "relay/base/err.h"
#include "relay/model/work_entry.h"

#define WORK_FILE_SUSPECTS "suspects"
#define WORK_FILE_NAME_MAX 24

struct work_file;

/* "work.N". */
void work_file_name(unsigned shard, char out[WORK_FILE_NAME_MAX]);

/*
 * All entries of all these files in state_dir, as the last run left them, in
 * any order; those of work.N have WORK_RUNNING. *out is from malloc. A file
 * that is missing, damaged or can't be read has no entries.
 */
void work_file_read_all(const char *dir, struct work_entry **out, size_t *n);

/*
 * Makes dir/name anew, with n entries and room for places in all; whoever dies
 * meanwhile leaves the old one, an error leaves none. text: one line. ERR_FULL,
 * ERR_PERM, ERR_IO.
 */
NODISCARD int work_file_new(const char *dir, const char *name,
    const struct work_entry *v, size_t n, size_t places, struct work_file **out,
    char text[256]);
/* The file stays. NULL is fine, here and below: then nothing is noted. */
void work_file_close(struct work_file *w);
/* Removes files work.N with N >= shards, of a run that had more. */
void work_file_sweep(const char *dir, unsigned shards);

/* Notes e in a free place and gives it; without one nothing is noted. A place
 * is 0 to places - 1, or places for none. What can't be written is not noted:
 * mail goes on without. */
size_t work_file_add(struct work_file *w, const struct work_entry *e);
/* Replaces the entry of a place; NULL: empties it. Place of entry i of
 * work_file_new is i. */
void work_file_set(
    struct work_file *w, size_t place, const struct work_entry *e);

#endif
