/* Next hops of site rules: read, written and read again they are the same. */
#include "config.h"

#include "relay/policy/nexthop.h"

#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str s = str_n((const char *)data, size);
	struct nexthop n, again;
	char text[DOMAIN_MAX + 8];

	if (nexthop_parse(s, 25, &n)) {
		/* The port that is to be taken does not decide. */
		FUZZ_CHECK(nexthop_parse(s, 26, &again) == ERR_SYNTAX);
		return 0;
	}
	FUZZ_CHECK(n.port != 0 && n.host[0] != '\0');
	FUZZ_CHECK(n.literal == (n.host[0] == '['));
	FUZZ_CHECK(n.literal == domain_is_ip(str_of(n.host)));
	FUZZ_CHECK(!n.literal || n.addr.family == 4 || n.addr.family == 6);
	(void)snprintf(text, sizeof(text), "%s:%u", n.host, n.port);
	FUZZ_CHECK(nexthop_parse(str_of(text), 1, &again) == 0);
	FUZZ_CHECK(again.port == n.port && again.literal == n.literal);
	FUZZ_CHECK(strcmp(again.host, n.host) == 0);
	FUZZ_CHECK(memcmp(&again.addr, &n.addr, sizeof(n.addr)) == 0);
	FUZZ_CHECK(nexthop_parse(str_of(n.host), 7, &again) == 0);
	FUZZ_CHECK(again.port == 7);
	return 0;
}
