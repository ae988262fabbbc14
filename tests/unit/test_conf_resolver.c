/* The resolver section: whom the relay believes. */
#include "relay/config/conf_resolver.h"

#include "tests/unit/conf_make.h"

#define EXTERNAL \
	{ \
		"mode", "external" \
	}
#define TRUST "; use mode = managed, or set trust = yes if you know better\n"

static const struct {
	const char *name;
	struct make m;
	size_t addrs;
	const char *want;
} externals[] = {
    {"loopback", {"resolver", NULL, {EXTERNAL, {"address", "127.0.0.1"}}}, 1,
	""},
    {"loopback 6", {"resolver", NULL, {EXTERNAL, {"address", "[::1]:1023"}}}, 1,
	""},
    {"other loopback",
	{"resolver", NULL, {EXTERNAL, {"address", "127.0.0.12:53"}}}, 1, ""},
    {"systemd's number elsewhere",
	{"resolver", NULL, {EXTERNAL, {"address", "127.0.1.53"}}}, 1, ""},
    {"container", {"resolver", NULL, {EXTERNAL, {"address", "127.0.0.11"}}}, 0,
	"f:3: resolver.address: 127.0.0.11 is the resolver of a container "
	"engine, which does not validate" TRUST},
    {"systemd", {"resolver", NULL, {EXTERNAL, {"address", "127.0.0.54"}}}, 0,
	"f:3: resolver.address: 127.0.0.54 is systemd-resolved, whose DNSSEC "
	"state can't be relied on" TRUST},
    {"port", {"resolver", NULL, {EXTERNAL, {"address", "127.0.0.1:1024"}}}, 0,
	"f:3: resolver.address: 127.0.0.1:1024 has a port that any user of "
	"this machine may take" TRUST},
    {"far", {"resolver", NULL, {EXTERNAL, {"address", "2001:db8::1"}}}, 0,
	"f:3: resolver.address: 2001:db8::1 is not on this machine: anybody on "
	"the way can forge its answers" TRUST},
    {"one is good",
	{"resolver", NULL,
	    {EXTERNAL, {"address", "::1"}, {"address", "192.0.2.1"}}},
	1,
	"f:4: resolver.address: 192.0.2.1 is not on this machine: anybody on "
	"the way can forge its answers" TRUST},
    {"trusted",
	{"resolver", NULL,
	    {EXTERNAL, {"trust", "yes"}, {"address", "192.0.2.1:5353"},
		{"address", "127.0.0.53"}}},
	2, ""},
    {"none", {"resolver", NULL, {EXTERNAL}}, 0,
	"f:1: resolver.address: is missing; mode = external needs the address "
	"of a validating resolver\n"},
};

static void
test_external(void **state)
{
	(void)state;
	for (size_t i = 0; i < T_COUNT(externals); i++) {
		struct opt_resolver r = {.managed = true};
		struct buf errors;
		struct conf_tree t;

		make_tree(&t, &externals[i].m, &errors);
		conf_resolver_make(&t, &r);
		t_bool(externals[i].name, r.managed, false);
		t_int(externals[i].name, (int64_t)r.n_addrs,
		    (int64_t)externals[i].addrs);
		conf_resolver_free(&r);
		make_end(externals[i].name, &t, &errors, externals[i].want);
	}
}

static const struct {
	const char *in, *want;
} forwards[] = {
    {"192.0.2.1", "192.0.2.1"},
    {"192.0.2.1@53", "192.0.2.1"},
    {"192.0.2.1@5353", "192.0.2.1@5353"},
    {"192.0.2.1:5353", "192.0.2.1@5353"},
    {"2001:DB8::1", "2001:db8::1"},
    {"2001:db8::1@54", "2001:db8::1@54"},
    {"[2001:db8::1]:54", "2001:db8::1@54"},
    {"192.0.2.1@", NULL},
    {"192.0.2.1@x", NULL},
    {"@53", NULL},
    {"dns.example", NULL},
    {"192.0.2.1@53#name", NULL},
    {"192.0.2.1 53", NULL},
};

static void
test_forward(void **state)
{
	(void)state;
	for (size_t i = 0; i < T_COUNT(forwards); i++) {
		const struct make m = {
		    "resolver", NULL, {{"forward", forwards[i].in}}};
		struct opt_resolver r = {.managed = false};
		struct buf errors;
		struct conf_tree t;

		make_tree(&t, &m, &errors);
		conf_resolver_make(&t, &r);
		t_bool(forwards[i].in, r.managed, true);
		t_cstr(forwards[i].in, r.n_forward ? r.forward[0] : NULL,
		    forwards[i].want);
		t_int(forwards[i].in, t.n_errors, forwards[i].want ? 0 : 1);
		conf_resolver_free(&r);
		conf_tree_clear(&t);
		buf_clear(&errors);
	}
}

static void
test_zones(void **state)
{
	static const struct make sections[] = {
	    {"resolver", NULL, {{"query_localhost", "yes"}}},
	    {"resolver.zone", "Corp.Example.",
		{{"forward", "10.0.0.1"}, {"forward", "10.0.0.2@54"},
		    {"insecure", "yes"}}},
	    {"resolver.zone", "b_c", {{"forward", "::1"}}},
	    {"resolver.zone", "empty", {{NULL, NULL}}},
	    {"resolver.zone", "a..b", {{"forward", "::1"}}},
	    {"resolver.zone", "corp.example", {{"forward", "::1"}}},
	};
	struct opt_resolver r = {.managed = false};
	struct buf errors;
	struct conf_tree t;

	(void)state;
	buf_init(&errors, 4096);
	conf_tree_init(&t, "f", &errors);
	for (size_t i = 0; i < T_COUNT(sections); i++)
		make_add(&t, &sections[i]);
	conf_resolver_make(&t, &r);
	t_int("zones", (int64_t)r.n_zones, 4);
	t_cstr("name", r.zones[0].name, "corp.example");
	t_int("forwards", (int64_t)r.zones[0].n_forward, 2);
	t_cstr("forward", r.zones[0].forward[1], "10.0.0.2@54");
	t_bool("insecure", r.zones[0].insecure, true);
	t_cstr("name", r.zones[1].name, "b_c");
	t_bool("secure", r.zones[1].insecure, false);
	conf_resolver_free(&r);
	make_end("zones", &t, &errors,
	    "f:1: resolver.zone.forward: is missing; say which servers answer "
	    "for \"empty\"\n"
	    "f:1: resolver.zone: \"a..b\" is not a domain; write the name of a "
	    "zone\n"
	    "f:1: resolver.zone: \"corp.example\" is there twice; put both "
	    "into one\n");
}

static void
test_defaults(void **state)
{
	static const struct make m = {"", NULL, {{NULL, NULL}}};
	struct opt_resolver r = {.managed = false};
	struct buf errors;
	struct conf_tree t;

	(void)state;
	make_tree(&t, &m, &errors);
	conf_resolver_make(&t, &r);
	t_bool("managed", r.managed, true);
	t_cstr("user", r.user, "waxseal-dns");
	t_bool("localhost", r.query_localhost, false);
	t_bool("trust", r.trust, false);
	conf_resolver_free(&r);
	make_end("defaults", &t, &errors, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_external),
	    cmocka_unit_test(test_forward),
	    cmocka_unit_test(test_zones),
	    cmocka_unit_test(test_defaults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
