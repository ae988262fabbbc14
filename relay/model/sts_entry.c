/* Rows of the MTA-STS cache: a value that owns the policy text. */
#include "config.h"

#include "relay/model/sts_entry.h"

#include <stdlib.h>
#include <string.h>

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
