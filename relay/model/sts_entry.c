/* Rows of the MTA-STS cache: a value that owns the policy text. */
#include "config.h"

#include "relay/model/sts_entry.h"

#include <stdlib.h>
#include <string.h>

#define DUE_FIRST_S (20 * 3600)
#define DUE_SPREAD_S (4 * 3600)
#define DUE_MIN_S 3600

int64_t
sts_entry_due(const struct sts_entry *e)
{
	uint32_t hash = 2166136261u; /* FNV-1a: evenly spread, nothing more */
	int64_t half = (e->expires - e->fetched) / 2;
	int64_t age;

	for (const char *p = e->domain; *p; p++)
		hash = (hash ^ (uint8_t)*p) * 16777619u;
	age = DUE_FIRST_S + hash % DUE_SPREAD_S;
	if (half < age)
		age = half;
	return e->fetched + (age < DUE_MIN_S ? DUE_MIN_S : age);
}

void
sts_entry_clear(struct sts_entry *e)
{
	free(e->body);
	memset(e, 0, sizeof(*e));
}

void
sts_entry_copy(struct sts_entry *to, const struct sts_entry *from)
{
	char *body = from->body ? xstrndup(from->body, from->body_len) : NULL;

	*to = *from;
	to->body = body;
}
