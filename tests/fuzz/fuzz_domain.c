/*
 * Domain names, U-labels and patterns. The input is a pattern and a name,
 * divided by LF. A canonical name is its own canonical form; a pattern matches
 * what RFC 8461 4.1 says, by another way of saying it.
 */
#include "config.h"

#include "relay/base/domain.h"

#include "tests/fuzz/fuzz.h"

static bool
is_ascii(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if ((unsigned char)s.p[i] >= 0x80)
			return false;
	}
	return true;
}

static void
check_canonical(struct str s, const char *name, bool host)
{
	char again[DOMAIN_MAX];
	struct str n = str_of(name), rest = n, label;

	FUZZ_CHECK(n.n > 0 && n.n < DOMAIN_MAX);
	while (str_cut(&rest, '.', &label)) {
		FUZZ_CHECK(label.n >= 1 && label.n <= 63);
		for (size_t i = 0; i < label.n; i++)
			FUZZ_CHECK(str_lower(label.p[i]) == label.p[i] &&
			    (str_is_alnum(label.p[i]) || label.p[i] == '-' ||
				(label.p[i] == '_' && !host)));
	}
	FUZZ_CHECK(
	    (host ? domain_canon_host(n, again) : domain_canon(n, again)) == 0);
	FUZZ_CHECK(strcmp(name, again) == 0);
	FUZZ_CHECK(!is_ascii(s) || domain_eq(s, n));
	FUZZ_CHECK(domain_parent(n).n < n.n);
	FUZZ_CHECK(!host || !domain_is_ip(n));
}

static void
check_name(struct str s)
{
	char name[DOMAIN_MAX] = "same", host[DOMAIN_MAX] = "same";
	char *exact = fuzz_exact(s);
	int err = domain_canon(str_n(exact, s.n), name);
	int host_err = domain_canon_host(str_n(exact, s.n), host);

	free(exact);
	FUZZ_CHECK(err == 0 || err == ERR_SYNTAX || err == ERR_TOOBIG);
	FUZZ_CHECK(
	    host_err == 0 || host_err == ERR_SYNTAX || host_err == ERR_TOOBIG);
	FUZZ_CHECK(err == 0 || strcmp(name, "same") == 0);
	/* Every host is a name, and the same one. */
	FUZZ_CHECK(host_err != 0 || (err == 0 && strcmp(name, host) == 0));
	if (!err)
		check_canonical(s, name, false);
	if (!host_err)
		check_canonical(s, host, true);
}

/* Canonical names: the labels of both, the first one free behind "*.". */
static bool
should_match(struct str pattern, struct str host)
{
	if (!str_starts(pattern, STR("*.")))
		return str_eq(pattern, host);
	host = str_skip(host, str_find(host, '.'));
	return str_eq(str_skip(pattern, 1), host);
}

static void
check_match(struct str pattern, struct str s)
{
	char host[DOMAIN_MAX], base[DOMAIN_MAX], full[DOMAIN_MAX + 2];
	bool wild = str_starts(pattern, STR("*."));

	if (domain_canon_host(s, host) ||
	    domain_canon_host(wild ? str_skip(pattern, 2) : pattern, base)) {
		/* Whatever it comes to, it must be the same twice. */
		FUZZ_CHECK(
		    domain_match(pattern, s) == domain_match(pattern, s));
		return;
	}
	(void)snprintf(full, sizeof(full), "%s%s", wild ? "*." : "", base);
	FUZZ_CHECK(domain_match(str_of(full), str_of(host)) ==
	    should_match(str_of(full), str_of(host)));
	FUZZ_CHECK(!domain_match(STR("*"), str_of(host)));
	FUZZ_CHECK(domain_match(str_of(host), str_of(host)));
	(void)snprintf(full, sizeof(full), "*%s", base);
	FUZZ_CHECK(!domain_match(str_of(full), str_of(host)));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = {data, size};
	struct str pattern = fuzz_take_until(&in, '\n');
	struct str name = fuzz_rest(&in);

	check_name(pattern);
	check_name(name);
	check_match(pattern, name);
	FUZZ_CHECK(domain_eq(pattern, name) == domain_eq(name, pattern));
	return 0;
}
