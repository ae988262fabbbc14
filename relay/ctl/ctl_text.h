/* What JSON objects and texts for people are made of. Pure. */
#ifndef RELAY_CTL_CTL_TEXT_H
#define RELAY_CTL_CTL_TEXT_H

#include <stdint.h>

#include "relay/base/buf.h"
#include "relay/base/str.h"

#define CTL_TEXT_MAX 48 /* bytes that hold any of these with a NUL */

/* "3d 4h", "5m 2s", "0s". */
void ctl_text_duration(int64_t s, char out[CTL_TEXT_MAX]);
/* "1.2M" of bytes, "512". */
void ctl_text_size(uint64_t bytes, char out[CTL_TEXT_MAX]);
/* Appends s with control characters as \xNN: what a terminal may see. */
void ctl_text_add(struct buf *out, struct str s);
/* Appends s with bytes that are not UTF-8 as \xNN: what JSON may hold. */
void ctl_text_utf8(struct buf *out, struct str s);

#endif
