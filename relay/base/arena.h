/* Memory with one lifetime: everything goes when the arena goes. */
#ifndef RELAY_BASE_ARENA_H
#define RELAY_BASE_ARENA_H

#include <stddef.h>

#include "relay/base/str.h"

struct arena_block;
struct arena {
	struct arena_block *head;
};

void arena_init(struct arena *a);
void arena_clear(struct arena *a);
/* Zeroed, aligned for any type. Aborts when memory is out. */
void *arena_alloc(struct arena *a, size_t n);
/* NUL-terminated copies. */
char *arena_strdup(struct arena *a, struct str s);
struct str arena_str(struct arena *a, struct str s);

#endif
