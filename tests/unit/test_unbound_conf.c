/* unbound.conf and the root anchor as text. */
#include "config.h"

#include "tests/unit/t.h"

#include "relay/dns/unbound_conf.h"

#define MANY 3000

/* Does text have this line, after its indent? */
static bool
has_line(struct str text, const char *want)
{
	struct str line;

	while (str_cut(&text, '\n', &line))
		if (str_eq(str_trim(line), str_of(want)))
			return true;
	return false;
}

static void
conf_has(const char *name, const struct opt_resolver *r, unsigned shards,
    const char *line, bool want)
{
	char text[160] = "";
	struct buf b;

	buf_init(&b, UNBOUND_CONF_MAX);
	t_err(name, unbound_conf_write(&b, r, 5354, shards, text), 0);
	t_cstr(name, text, "");
	if (has_line(buf_str(&b), line) != want)
		fail_msg("%s: \"%s\" %s in:\n%s", name, line,
		    want ? "is missing" : "stands", b.p);
	buf_clear(&b);
}

static void
test_plain(void **state)
{
	static const char *const lines[] = {
	    "server:",
	    "interface: 127.0.0.1@5354",
	    "access-control: 0.0.0.0/0 refuse",
	    "access-control: ::0/0 refuse",
	    "access-control: 127.0.0.0/8 allow",
	    "chroot: \"\"",
	    "username: \"\"",
	    "directory: \"\"",
	    "pidfile: \"\"",
	    "logfile: \"\"",
	    "use-syslog: no",
	    "do-daemonize: no",
	    "num-threads: 1",
	    "so-rcvbuf: 4m",
	    "so-reuseport: yes",
	    "num-queries-per-thread: 1024",
	    "incoming-num-tcp: 16",
	    "module-config: \"validator iterator\"",
	    "auto-trust-anchor-file: \"root.key\"",
	    "serve-expired: no",
	    "val-permissive-mode: no",
	    "aggressive-nsec: yes",
	    "control-enable: no",
	};
	static const char *const not_lines[] = {
	    "forward-zone:",
	    "root-hints: \"root.hints\"",
	    "do-not-query-localhost: no",
	};
	const struct opt_resolver r = {.managed = true};
	size_t i;

	(void)state;
	for (i = 0; i < T_COUNT(lines); i++)
		conf_has("plain", &r, 1, lines[i], true);
	for (i = 0; i < T_COUNT(not_lines); i++)
		conf_has("plain", &r, 1, not_lines[i], false);
	conf_has("16 shards", &r, 16, "num-queries-per-thread: 4096", true);
	conf_has("16 shards", &r, 16, "incoming-num-tcp: 32", true);
}

static void
test_options(void **state)
{
	char hints[] = "/etc/h\"ints", fwd4[] = "192.0.2.1@5300";
	char fwd6[] = "2001:db8::1", zone1[] = "Corp.Test.", zone2[] = "b.lab";
	char *forwards[] = {fwd4, fwd6};
	struct opt_zone zones[] = {
	    {.name = zone1,
		.forward = forwards,
		.n_forward = 1,
		.insecure = true},
	    {.name = zone2},
	};
	const struct opt_resolver r = {
	    .managed = true,
	    .root_hints = hints,
	    .query_localhost = true,
	    .forward = forwards,
	    .n_forward = 2,
	    .zones = zones,
	    .n_zones = 2,
	};
	static const char *const lines[] = {
	    "root-hints: \"root.hints\"", /* a copy: see unbound_files */
	    "do-not-query-localhost: no",
	    "local-zone: \"corp.test.\" transparent",
	    "domain-insecure: \"corp.test.\"",
	    "local-zone: \"b.lab.\" transparent",
	    "name: \"corp.test.\"",
	    "name: \".\"",
	    "forward-addr: 192.0.2.1@5300",
	    "forward-addr: 2001:db8::1",
	};
	size_t i;

	(void)state;
	for (i = 0; i < T_COUNT(lines); i++)
		conf_has("options", &r, 1, lines[i], true);
	conf_has("secure zone", &r, 1, "domain-insecure: \"b.lab.\"", false);
	conf_has("no forwarder", &r, 1, "name: \"b.lab.\"", false);
}

static void
test_bad(void **state)
{
	static const struct {
		const char *name, *zone, *forward, *text;
	} cases[] = {
	    {"zone with a quote", "a\"b", NULL,
		"zone \"a\"b\" is no domain name"},
	    {"zone with a line end", "a\nserver:", NULL,
		"zone \"a\nserver:\" is no domain name"},
	    {"forward is a name", "a.test", "ns.test",
		"forward: \"ns.test\" is not \"ip\" or \"ip@port\""},
	    {"forward with a line end", "a.test", "192.0.2.1\nx",
		"forward: \"192.0.2.1\nx\" is not \"ip\" or \"ip@port\""},
	};
	size_t i;

	(void)state;
	for (i = 0; i < T_COUNT(cases); i++) {
		char zone[64], forward[64], text[160] = "";
		char *forwards[] = {forward};
		struct opt_zone z = {.name = zone, .forward = forwards};
		const struct opt_resolver r = {.zones = &z, .n_zones = 1};
		struct buf b;

		(void)snprintf(zone, sizeof(zone), "%s", cases[i].zone);
		if (cases[i].forward) {
			(void)snprintf(
			    forward, sizeof(forward), "%s", cases[i].forward);
			z.n_forward = 1;
		}
		buf_init(&b, UNBOUND_CONF_MAX);
		t_err(cases[i].name, unbound_conf_write(&b, &r, 53, 1, text),
		    ERR_CONFIG);
		t_cstr(cases[i].name, text, cases[i].text);
		buf_clear(&b);
	}
}

static void
test_too_much(void **state)
{
	struct opt_zone *zones = test_calloc(MANY, sizeof(*zones));
	const struct opt_resolver r = {.zones = zones, .n_zones = MANY};
	char name[] = "zone.test", text[160] = "";
	struct buf b;
	size_t i;

	(void)state;
	for (i = 0; i < MANY; i++)
		zones[i].name = name;
	buf_init(&b, UNBOUND_CONF_MAX);
	t_err("too much", unbound_conf_write(&b, &r, 53, 1, text), ERR_CONFIG);
	t_cstr("too much", text, "too many zones and forwarders");
	buf_clear(&b);
	test_free(zones);
}

static void
test_forward(void **state)
{
	static const struct {
		const char *in;
		bool want;
	} cases[] = {
	    {"192.0.2.1", true},
	    {"::1", true},
	    {"192.0.2.1@53", true},
	    {"2001:db8::1@65535", true},
	    {"", false},
	    {"@53", false},
	    {"192.0.2.1@", false},
	    {"192.0.2.1@0", false},
	    {"192.0.2.1@65536", false},
	    {"192.0.2.1@53#name", false},
	    {"192.0.2.1 53", false},
	    {"192.0.2.1:53", false},
	};
	size_t i;

	(void)state;
	for (i = 0; i < T_COUNT(cases); i++)
		t_bool(cases[i].in,
		    unbound_conf_is_forward(str_of(cases[i].in)),
		    cases[i].want);
}

static void
test_anchor(void **state)
{
	struct str own = unbound_conf_builtin_anchor(), first, rest = own;

	(void)state;
	t_bool("covers itself", unbound_conf_anchor_covers(own), true);
	t_bool("nothing", unbound_conf_anchor_covers(STR("")), false);
	assert_true(str_cut(&rest, '\n', &first));
	t_bool("one key", unbound_conf_anchor_covers(first), false);
	t_bool("a record a line", str_starts(rest, STR(". IN DNSKEY 257 3 8 ")),
	    true);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_plain),
	    cmocka_unit_test(test_options),
	    cmocka_unit_test(test_bad),
	    cmocka_unit_test(test_too_much),
	    cmocka_unit_test(test_forward),
	    cmocka_unit_test(test_anchor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
