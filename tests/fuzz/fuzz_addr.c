/*
 * Mailboxes and paths. What is accepted is canonical: printable, within its
 * limits, and read again it is the same, bare and as a path.
 */
#include "config.h"

#include "relay/smtp/addr.h"

#include "tests/fuzz/fuzz.h"

static void
check_canonical(const char *addr, const char *domain)
{
	char again[ADDR_MAX] = "", hop[DOMAIN_MAX] = "", path[ADDR_MAX + 2];
	struct str s = str_of(addr), part = addr_domain(addr);
	size_t used = 0;

	FUZZ_CHECK(s.n > 0 && s.n <= 254);
	FUZZ_CHECK(fuzz_is_printable(s, ""));
	FUZZ_CHECK(addr_parse_mailbox(s, again, hop) == 0);
	FUZZ_CHECK(strcmp(again, addr) == 0 && strcmp(hop, domain) == 0);
	(void)snprintf(path, sizeof(path), "<%s>", addr);
	FUZZ_CHECK(
	    addr_parse_path(str_of(path), false, again, hop, &used) == 0);
	FUZZ_CHECK(used == strlen(path));
	FUZZ_CHECK(strcmp(again, addr) == 0 && strcmp(hop, domain) == 0);
	if (domain[0] == '\0') {
		FUZZ_CHECK(str_eq_ci(s, STR("postmaster")) ||
		    str_eq_ci(s, STR("\"postmaster\"")));
		return;
	}
	if (domain[0] == '[') {
		FUZZ_CHECK(domain_is_ip(str_of(domain)));
		FUZZ_CHECK(part.n >= strlen(domain));
		return;
	}
	FUZZ_CHECK(str_eq(part, str_of(domain)));
	FUZZ_CHECK(domain_canon_host(part, hop) == 0);
	FUZZ_CHECK(strcmp(hop, domain) == 0);
}

static void
check_path(struct str s, bool null_ok)
{
	char addr[ADDR_MAX] = "same", domain[DOMAIN_MAX] = "same";
	char *exact = fuzz_exact(s);
	size_t used = 0, n;
	int err = addr_parse_path(
	    str_n(exact, s.n), null_ok, addr, domain, &used);

	free(exact);
	FUZZ_CHECK(err == 0 || err == ERR_SYNTAX || err == ERR_TOOBIG);
	if (err) {
		FUZZ_CHECK(used == 0 && strcmp(addr, "same") == 0 &&
		    strcmp(domain, "same") == 0);
		return;
	}
	FUZZ_CHECK(used >= 2 && used <= s.n);
	FUZZ_CHECK(s.p[0] == '<' && s.p[used - 1] == '>');
	/* The path alone says the same. */
	FUZZ_CHECK(
	    addr_parse_path(str_n(s.p, used), null_ok, addr, NULL, &n) == 0);
	FUZZ_CHECK(n == used);
	if (addr[0] == '\0') {
		FUZZ_CHECK(null_ok && used == 2 && domain[0] == '\0');
		return;
	}
	check_canonical(addr, domain);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str s = str_n((const char *)data, size);
	char addr[ADDR_MAX] = "same", domain[DOMAIN_MAX] = "same";
	int err = addr_parse_mailbox(s, addr, domain);

	if (err)
		FUZZ_CHECK(strcmp(addr, "same") == 0);
	else
		check_canonical(addr, domain);
	check_path(s, false);
	check_path(s, true);
	return 0;
}
