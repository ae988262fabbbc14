/*
 * Which addresses no MX host and no policy host may have.
 *
 * An IPv6 address that embeds an IPv4 address (RFC 4291 2.5.5, RFC 6052,
 * RFC 3056) is as special as the one inside: it would lead there.
 */
#include "config.h"

#include "relay/base/ipclass.h"

#include <stddef.h>
#include <string.h>

struct prefix {
	uint8_t ip[16];
	unsigned bits;
};

/* RFC 6890 and the IANA special-purpose registry: not global unicast. The
 * documentation blocks are left out: they lead nowhere. */
static const struct prefix special4[] = {
    {{0}, 8}, {{10}, 8}, {{100, 64}, 10}, {{127}, 8}, {{169, 254}, 16},
    {{172, 16}, 12}, {{192, 0, 0}, 24}, {{192, 168}, 16}, {{198, 18}, 15},
    {{224}, 4}, {{240}, 4}, /* with 255.255.255.255 */
};

static const struct prefix special6[] = {
    {{0}, 96}, /* ::, ::1, and ::a.b.c.d, which nobody may use */
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96},
    /* NAT64 of local use, RFC 8215: where the IPv4 address stands in it is the
     * network's own business, so all of it is out. */
    {{0x00, 0x64, 0xff, 0x9b, 0, 1}, 48},
    {{0xfc}, 7},
    {{0xfe, 0x80}, 10},
    {{0xfe, 0xc0}, 10},
    {{0xff}, 8},
};

/* Prefix of an IPv6 address, and where the IPv4 address stands in it. */
static const struct {
	struct prefix prefix;
	unsigned at;
} embeds[] = {
    {{{0x00, 0x64, 0xff, 0x9b}, 96}, 12}, /* RFC 6052 2.1 */
    {{{0x20, 0x02}, 16}, 2}, /* RFC 3056 2 */
};

static bool
has_prefix(const uint8_t *ip, const struct prefix *p)
{
	unsigned whole = p->bits / 8;
	unsigned rest = p->bits % 8;

	if (memcmp(ip, p->ip, whole) != 0)
		return false;
	if (rest == 0)
		return true;
	return ((ip[whole] ^ p->ip[whole]) >> (8 - rest)) == 0;
}

static bool
special_v4(const uint8_t *ip)
{
	for (size_t i = 0; i < sizeof(special4) / sizeof(special4[0]); i++)
		if (has_prefix(ip, &special4[i]))
			return true;
	return false;
}

bool
ipclass_is_special(unsigned family, const uint8_t *ip)
{
	if (family == 4)
		return special_v4(ip);
	if (family != 6)
		return true;
	for (size_t i = 0; i < sizeof(special6) / sizeof(special6[0]); i++)
		if (has_prefix(ip, &special6[i]))
			return true;
	for (size_t i = 0; i < sizeof(embeds) / sizeof(embeds[0]); i++) {
		if (has_prefix(ip, &embeds[i].prefix) &&
		    special_v4(ip + embeds[i].at))
			return true;
	}
	return false;
}
