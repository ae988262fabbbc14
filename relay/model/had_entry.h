/* What a destination was seen to have, as remembered: the downgrade watch and
 * DANE-58. */
#ifndef RELAY_MODEL_HAD_ENTRY_H
#define RELAY_MODEL_HAD_ENTRY_H

#include <stdint.h>

#include "relay/base/domain.h"

/* What it may have; as bits. */
#define HAD_DANE 1u /* secure TLSA records by an MX set that is no forgery */
#define HAD_STS 2u /* an MTA-STS policy in mode enforce, in force */

struct had_entry {
	char domain[DOMAIN_MAX]; /* destination, canonical */
	/* Whose records these are: the domain itself, or the next hop that a
	 * site rule named. "": not known, from an older version. */
	char via[DOMAIN_MAX];
	/* Seconds since 1970. */
	int64_t dane, sts; /* since when it has each of them, 0: never had */
	int64_t seen; /* when either was seen last, or a day before */
	int64_t gone; /* when it was found to have neither, 0: it has */
};

#endif
