/* Listen sections: sockets, and who may relay. */
#include "relay/config/conf_listen.h"

#include "tests/unit/conf_make.h"

static const struct {
	struct make m;
	const char *host;
	unsigned port, mode;
	const char *path;
	size_t nets;
	const char *want;
} cases[] = {
    {{"listen", "127.0.0.1:25", {{NULL, NULL}}}, "127.0.0.1", 25, 0, NULL, 2,
	""},
    {{"listen", "[::]:25",
	 {{"networks", "10.0.0.0/8"}, {"networks", "192.0.2.1"},
	     {"role", "smarthost"}, {"handoff", "queue"}}},
	"::", 25, 0, NULL, 2, ""},
    {{"listen", "unix:/run/x", {{NULL, NULL}}}, "", 0, 0660, "/run/x", 0, ""},
    {{"listen", "unix:/run/x", {{"mode", "0600"}}}, "", 0, 0600, "/run/x", 0,
	""},
    {{"listen", "unix:/run/x", {{"mode", "777"}}}, "", 0, 0777, "/run/x", 0,
	""},
    {{"listen", "unix:/run/x", {{"mode", "0070"}}}, "", 0, 0660, "/run/x", 0,
	"f:2: listen.mode: \"0070\" is not what a socket may have; use 0600 to "
	"0777\n"},
    {{"listen", "unix:/run/x", {{"mode", "01777"}}}, "", 0, 0660, "/run/x", 0,
	"f:2: listen.mode: \"01777\" is not what a socket may have; use 0600 "
	"to 0777\n"},
    {{"listen", "unix:/run/x", {{"mode", "x"}}}, "", 0, 0660, "/run/x", 0,
	"f:2: listen.mode: \"x\" is not what a socket may have; use 0600 to "
	"0777\n"},
    {{"listen", "unix:/run/x", {{"mode", "0660x"}}}, "", 0, 0660, "/run/x", 0,
	"f:2: listen.mode: \"0660x\" is not what a socket may have; use 0600 "
	"to 0777\n"},
    {{"listen", "unix:", {{NULL, NULL}}}, "", 0, 0660, "", 0,
	"f:1: listen: \"unix:\" is not a socket; write unix:/PATH, at most 107 "
	"bytes\n"},
    /* None of the networks that are refused gets in. */
    {{"listen", "127.0.0.1:25",
	 {{"networks", "0.0.0.0/0"}, {"networks", "x"},
	     {"networks", "::ffff:1.2.3.4"}, {"networks", "10.0.0.1/8"},
	     {"networks", "10.0.0.0/8"}}},
	"127.0.0.1", 25, 0, NULL, 1,
	"f:2: listen.networks: 0.0.0.0/0 lets everybody relay (an open relay); "
	"name the networks of your own clients\n"
	"f:3: listen.networks: \"x\" is not a network; write ADDRESS/BITS or "
	"ADDRESS\n"
	"f:4: listen.networks: ::ffff:1.2.3.4 matches nobody; write it as an "
	"IPv4 network\n"
	"f:5: listen.networks: 10.0.0.1/8 has bits behind its prefix; write "
	"10.0.0.0/8 or one address\n"},
};

static void
test_listen(void **state)
{
	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		const char *name = cases[i].m.title;
		struct options o = {.n_listens = 0};
		struct buf errors;
		struct conf_tree t;

		make_tree(&t, &cases[i].m, &errors);
		conf_listens_make(&t, &o);
		t_int(name, (int64_t)o.n_listens, 1);
		t_cstr(name, o.listens[0].text, name);
		t_cstr(name, o.listens[0].where, "f:1");
		t_cstr(name, o.listens[0].host, cases[i].host);
		t_int(name, o.listens[0].port, cases[i].port);
		t_cstr(name, o.listens[0].unix_path, cases[i].path);
		t_int(name, o.listens[0].mode, cases[i].mode);
		t_int(
		    name, (int64_t)o.listens[0].n_nets, (int64_t)cases[i].nets);
		t_int(name, o.listens[0].role, LISTEN_SMARTHOST);
		conf_listens_free(&o);
		make_end(name, &t, &errors, cases[i].want);
	}
}

static void
test_none(void **state)
{
	static const struct make m = {"", NULL, {{NULL, NULL}}};
	struct options o = {.n_listens = 0};
	struct buf errors;
	struct conf_tree t;

	(void)state;
	make_tree(&t, &m, &errors);
	conf_listens_make(&t, &o);
	t_int("one", (int64_t)o.n_listens, 1);
	t_cstr("host", o.listens[0].host, "127.0.0.1");
	t_int("port", o.listens[0].port, 2525);
	t_int("nets", (int64_t)o.listens[0].n_nets, 2);
	conf_listens_free(&o);
	make_end("none", &t, &errors, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_listen),
	    cmocka_unit_test(test_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
