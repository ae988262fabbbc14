/* Numbers, hex and base64 as text. */
#ifndef RELAY_BASE_CODEC_H
#define RELAY_BASE_CODEC_H

#include <stddef.h>
#include <stdint.h>

#include "relay/base/buf.h"
#include "relay/base/err.h"
#include "relay/base/str.h"

/* Decimal digits only, the whole of s. ERR_SYNTAX, ERR_RANGE (> max). */
NODISCARD int codec_u64(struct str s, uint64_t max, uint64_t *out);
/* Optional '-', else as codec_u64, within min..max. */
NODISCARD int codec_i64(struct str s, int64_t min, int64_t max, int64_t *out);
/* "10ms" "30s" "5m" "1h" "5d" "2w"; a bare number is seconds. Out: ms. */
NODISCARD int codec_duration_ms(struct str s, int64_t *out);
/* "512" "64k" "50M" "2G" (powers of 1024). Out: bytes. */
NODISCARD int codec_size(struct str s, uint64_t *out);
/* Lower-case hex of n bytes appended to b. */
void codec_hex(struct buf *b, const void *p, size_t n);
/* Hex (either case, even length) to bytes appended to b. ERR_SYNTAX. */
NODISCARD int codec_unhex(struct str s, struct buf *b);
/* RFC 4648 with padding. */
void codec_base64(struct buf *b, const void *p, size_t n);
NODISCARD int codec_unbase64(struct str s, struct buf *b);

#endif
