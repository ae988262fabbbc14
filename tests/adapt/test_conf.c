/* The configuration file: what a right one comes to. */
#include "config.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "relay/base/buf.h"
#include "relay/config/conf.h"
#include "relay/config/conf_check.h"
#include "tests/unit/t.h"

#define NAME "hostname = \"relay.example.net\"\n"
#define MAX 65536

static int
set_up(void **state)
{
	(void)state;
	/* Whether unbound is installed is not what is tested. */
	return setenv("WAXSEAL_UNBOUND", "/bin/sh", 1);
}

/* Parses and checks; a message fails the test. */
static struct options *
good(const char *name, const char *text, const char *want_warnings)
{
	struct options *o = NULL;
	struct buf errors, warnings;

	buf_init(&errors, MAX);
	buf_init(&warnings, MAX);
	if (conf_parse("f.conf", text, &o, &errors))
		t_is(name, buf_str(&errors), "");
	t_err(name, conf_check(o, 1800000000, &errors, &warnings), 0);
	t_is(name, buf_str(&errors), "");
	if (want_warnings)
		t_is(name, buf_str(&warnings), want_warnings);
	buf_clear(&errors);
	buf_clear(&warnings);
	return o;
}

static void
test_minimal(void **state)
{
	struct options *o = good("minimal", NAME, "");
	struct options *again = good("minimal", NAME, "");

	(void)state;
	t_cstr("hostname", o->hostname, "relay.example.net");
	t_cstr("state_dir", o->state_dir, "/var/lib/waxseal");
	t_cstr("user", o->user, "waxseal");
	t_cstr("resolver.user", o->resolver.user, "waxseal-dns");
	t_cstr("resolver.unbound", o->resolver.unbound, "/bin/sh");
	t_bool("managed", o->resolver.managed, true);
	t_bool("some workers", o->workers > 0, true);
	t_int("the same workers", again->workers, o->workers);
	t_int("listens", (int64_t)o->n_listens, 1);
	t_cstr("listen", o->listens[0].text, "127.0.0.1:2525");
	t_int("networks", (int64_t)o->listens[0].n_nets, 2);
	conf_free(o);
	conf_free(again);
}

static void
test_defaults(void **state)
{
	struct options *o = good("embedded", conf_defaults(), NULL);

	(void)state;
	t_bool("a name", strchr(o->hostname, '.') != NULL, true);
	t_cstr("state_dir", o->state_dir, "./var");
	t_cstr("user", o->user, "65533");
	t_cstr("resolver.user", o->resolver.user, "65532");
	t_int("listens", (int64_t)o->n_listens, 1);
	t_cstr("host", o->listens[0].host, "127.0.0.1");
	t_int("port", o->listens[0].port, 2525);
	conf_free(o);
	conf_free(NULL);
}

static const char full[] =
    "hostname = \"${WAXSEAL_TEST_NAME:-relay.example.net}\" # name\n"
    "state_dir = ${WAXSEAL_TEST_DIR:-/x}\n"
    "workers = 3 /* three */\n"
    "user = mail\n"
    "listen \"127.0.0.1:2525\" {\n"
    "	role = smarthost\n"
    "	networks = {\n"
    "		\"10.0.0.0/8\", # office\n"
    "		\"2001:db8::/32\"\n"
    "	}\n"
    "}\n"
    "listen \"[::1]:25\" { handoff = queue }\n"
    "listen \"unix:/run/w.sock\" { mode = 0666 }\n"
    "resolver {\n"
    "	mode = external\n"
    "	address = {\"127.0.0.1\", \"192.0.2.1:5353\", \"[::1]:53\"}\n"
    "	trust = yes\n"
    "}\n"
    "dane { mode = off insecure_mx = no }\n"
    "sts { mode = off allow_private = yes }\n"
    "tls { min = 1.3 opportunistic_min = 1.2 ca_file = /etc/passwd }\n"
    "deliver { port = 2025 allow_private = yes max_connections = 7\n"
    "	max_per_destination = 3 max_recipients = 2 }\n"
    "timeouts { connect = 1s greeting = 2 ehlo = 3s starttls = 4s\n"
    "	mail = 5s rcpt = 6s data = 7s block = 8s final = 9s quit = 10s\n"
    "	session = 11m }\n"
    "queue { lifetime = 1h retry = {1s, 1m} commit_delay = 3ms\n"
    "	max_message_size = 1M memory = 2M max_in_memory = 100\n"
    "	min_free = 0 }\n"
    "limits { max_sessions = 1 max_recipients = 100 max_errors = 2\n"
    "	max_hops = 10 }\n"
    "site \"A.example.\" { require = dane nexthop = \"[2001:DB8::1]:26\" }\n"
    "site \".b.example\" { require = audit continuity = log\n"
    "	reason = \"moving\" author = \"me\" expires = \"2030-01-02\" }\n"
    "control { socket = \"/run/c.sock\" }\n"
    "log { format = json level = debug }\n";

static void
check_full_top(const struct options *o)
{
	const struct opt_listen *l = o->listens;

	t_cstr("state_dir", o->state_dir, "/x");
	t_int("workers", o->workers, 3);
	t_int("listens", (int64_t)o->n_listens, 3);
	t_cstr("where", l[0].where, "f.conf:5");
	t_int("nets", (int64_t)l[0].n_nets, 2);
	t_int("bits", l[0].nets[1].bits, 32);
	t_cstr("host 2", l[1].host, "::1");
	t_int("port 2", l[1].port, 25);
	t_cstr("where 2", l[1].where, "f.conf:12");
	t_cstr("unix", l[2].unix_path, "/run/w.sock");
	t_int("mode", l[2].mode, 0666);
	t_int("nets of unix", (int64_t)l[2].n_nets, 0);
	t_bool("external", o->resolver.managed, false);
	t_bool("trust", o->resolver.trust, true);
	t_int("addresses", (int64_t)o->resolver.n_addrs, 3);
	t_int("port", o->resolver.addrs[0].port, 53);
	t_int("port 2", o->resolver.addrs[1].port, 5353);
	t_int("family 3", o->resolver.addrs[2].addr.family, 6);
	t_cstr("control", o->control_socket, "/run/c.sock");
	t_int("format", o->log.format, LOG_JSON);
	t_int("level", o->log.level, LOG_DEBUG);
}

static void
check_full_rest(const struct options *o)
{
	t_bool("dane", o->dane.on, false);
	t_bool("insecure_mx", o->dane.insecure_mx, false);
	t_bool("sts", o->sts.on, false);
	t_bool("sts.allow_private", o->sts.allow_private, true);
	t_int("min", o->tls.min, TLS_V1_3);
	t_int("opportunistic", o->tls.opportunistic_min, TLS_V1_2);
	t_cstr("ca_file", o->tls.ca_file, "/etc/passwd");
	t_int("port", o->deliver.port, 2025);
	t_int("connections", o->deliver.max_connections, 7);
	t_int("per destination", o->deliver.max_per_destination, 3);
	t_int("recipients", o->deliver.max_recipients, 2);
	t_int("greeting", o->timeouts.greeting, 2000);
	t_int("final", o->timeouts.final, 9000);
	t_int("session", o->timeouts.session, 660000);
	t_int("lifetime", o->queue.lifetime_s, 3600);
	t_int("retry", (int64_t)o->queue.n_retry, 2);
	t_int("retry 2", o->queue.retry_s[1], 60);
	t_int("commit_delay", o->queue.commit_delay, 3);
	t_int("size", (int64_t)o->queue.max_message_size, 1048576);
	t_int("min_free", (int64_t)o->queue.min_free, 0);
	t_int("sessions", o->smtp.max_sessions, 1);
	t_int("errors", o->smtp.max_errors, 2);
	t_int("sites", (int64_t)o->n_sites, 2);
	t_cstr("domain", o->sites[0].domain, "a.example");
	t_cstr("nexthop", o->sites[0].nexthop, "[2001:db8::1]:26");
	t_int("require", o->sites[0].require, SITE_DANE);
	t_cstr("domain 2", o->sites[1].domain, ".b.example");
	t_int("require 2", o->sites[1].require, SITE_AUDIT);
	t_int("continuity 2", (int)o->sites[1].continuity, CONTINUITY_LOG);
	t_cstr("reason 2", o->sites[1].reason, "moving");
	t_int("expires 2", o->sites[1].expires_s, 1893542400);
}

static void
test_full(void **state)
{
	struct options *o = good("full", full,
	    "dane.mode: off: TLSA records are not looked at\n"
	    "sts.mode: off: MTA-STS is not looked at\n");

	(void)state;
	check_full_top(o);
	check_full_rest(o);
	conf_free(o);
}

/* A managed resolver with all that it may have. */
static void
test_managed(void **state)
{
	struct options *o = good("managed",
	    NAME "resolver { mode = managed unbound = /bin/true user = u\n"
		 "trust_anchor = /etc/passwd root_hints = /etc/passwd\n"
		 "forward = {192.0.2.1, \"192.0.2.1@54\", \"[::1]:55\","
		 " \"::1@56\"}\nquery_localhost = yes\n"
		 "zone \"Corp.example.\" { forward = {10.0.0.1}"
		 " insecure = yes } }\n",
	    "");
	const struct opt_resolver *r = &o->resolver;

	(void)state;
	t_cstr("unbound", r->unbound, "/bin/true");
	t_cstr("user", r->user, "u");
	t_cstr("anchor", r->trust_anchor, "/etc/passwd");
	t_int("forwards", (int64_t)r->n_forward, 4);
	t_cstr("forward 1", r->forward[0], "192.0.2.1");
	t_cstr("forward 2", r->forward[1], "192.0.2.1@54");
	t_cstr("forward 3", r->forward[2], "::1@55");
	t_cstr("forward 4", r->forward[3], "::1@56");
	t_bool("query_localhost", r->query_localhost, true);
	t_int("zones", (int64_t)r->n_zones, 1);
	t_cstr("zone", r->zones[0].name, "corp.example");
	t_cstr("zone forward", r->zones[0].forward[0], "10.0.0.1");
	t_bool("insecure", r->zones[0].insecure, true);
	conf_free(o);
}

/* The relay looks at the files that it reads itself, at no others. */
static void
test_relay(void **state)
{
	struct options *o = NULL;
	struct buf errors;

	(void)state;
	buf_init(&errors, MAX);
	t_err("of unbound",
	    conf_parse_relay("f.conf",
		NAME "resolver { unbound = /no/u trust_anchor = /no/a\n"
		     "root_hints = /no/h }\n",
		&o, &errors),
	    0);
	t_cstr("unbound", o->resolver.unbound, "/no/u");
	conf_free(o);
	o = NULL;
	t_err("of its own",
	    conf_parse_relay(
		"f.conf", NAME "tls { ca_file = /no/ca }\n", &o, &errors),
	    ERR_CONFIG);
	t_is("of its own", buf_str(&errors),
	    "f.conf:2: tls.ca_file: can't read /no/ca: No such file or "
	    "directory; correct the path or its permissions\n");
	buf_clear(&errors);
}

/* A file that may not be read, for somebody who is not root. */
static void
test_unreadable(void **state)
{
	char path[] = "/tmp/test_conf.XXXXXX", text[256], want[256];
	int fd = mkstemp(path);
	struct options *o = NULL;
	struct buf errors;

	(void)state;
	t_bool("file", fd >= 0, true);
	t_int("mode", fchmod(fd, 0), 0);
	close(fd);
	if (geteuid() == 0)
		t_int("other user", seteuid(65534), 0);
	snprintf(
	    text, sizeof(text), NAME "tls {\n ca_file = \"%s\"\n}\n", path);
	snprintf(want, sizeof(want),
	    "f.conf:3: tls.ca_file: can't read %s: Permission denied; correct "
	    "the path or its permissions\n",
	    path);
	buf_init(&errors, MAX);
	t_err(path, conf_parse("f.conf", text, &o, &errors), ERR_CONFIG);
	t_is(path, buf_str(&errors), want);
	buf_clear(&errors);
	if (getuid() == 0)
		t_int("root again", seteuid(0), 0);
	unlink(path);
}

static char *
read_file(const char *path)
{
	struct buf b;
	char chunk[4096];
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	buf_init(&b, 1 << 20);
	t_bool(path, fd >= 0, true);
	while ((n = read(fd, chunk, sizeof(chunk))) > 0)
		buf_add(&b, chunk, (size_t)n);
	close(fd);
	return buf_take(&b);
}

/* "#key" at the start of a line is an example; "# text" is a comment. */
static void
uncomment(char *text)
{
	for (char *p = text; p && *p; p = strchr(p, '\n')) {
		if (*p == '\n')
			p++;
		while (*p == '\t')
			p++;
		if (*p == '#' && (str_is_alpha(p[1]) || p[1] == '}'))
			*p = ' ';
	}
}

/* Examples that name files which are nowhere are no examples for a test. */
static void
drop_files(char *text)
{
	static const char *const keys[] = {
	    "#ca_file", "#trust_anchor", "#root_hints"};

	for (size_t i = 0; i < T_COUNT(keys); i++) {
		for (char *p = text; (p = strstr(p, keys[i]));)
			p[1] = ' ';
	}
}

/* The defaults that the reference writes are those of the code. */
static void
same_defaults(const struct options *a, const struct options *b)
{
	t_cstr("state_dir", a->state_dir, b->state_dir);
	t_cstr("user", a->user, b->user);
	t_int("workers", a->workers, b->workers);
	t_cstr("unbound", a->resolver.unbound, b->resolver.unbound);
	t_cstr("resolver.user", a->resolver.user, b->resolver.user);
	t_bool("localhost", a->resolver.query_localhost,
	    b->resolver.query_localhost);
	t_int("nets", (int64_t)a->listens[0].n_nets,
	    (int64_t)b->listens[0].n_nets);
	t_int("dane", memcmp(&a->dane, &b->dane, sizeof(a->dane)), 0);
	t_bool("sts", a->sts.on, b->sts.on);
	t_int("min", a->tls.min, b->tls.min);
	t_int("opportunistic", a->tls.opportunistic_min,
	    b->tls.opportunistic_min);
	t_int(
	    "deliver", memcmp(&a->deliver, &b->deliver, sizeof(a->deliver)), 0);
	t_int("timeouts",
	    memcmp(&a->timeouts, &b->timeouts, sizeof(a->timeouts)), 0);
	t_int("limits", memcmp(&a->smtp, &b->smtp, sizeof(a->smtp)), 0);
	t_int("lifetime", a->queue.lifetime_s, b->queue.lifetime_s);
	t_int("retries", (int64_t)a->queue.n_retry, (int64_t)b->queue.n_retry);
	t_int("retry",
	    memcmp(a->queue.retry_s, b->queue.retry_s,
		a->queue.n_retry * sizeof(*a->queue.retry_s)),
	    0);
	t_int("commit_delay", a->queue.commit_delay, b->queue.commit_delay);
	t_int("size", (int64_t)a->queue.max_message_size,
	    (int64_t)b->queue.max_message_size);
	t_int("memory", (int64_t)a->queue.memory, (int64_t)b->queue.memory);
	t_int("in memory", a->queue.max_in_memory, b->queue.max_in_memory);
	t_int(
	    "min_free", (int64_t)a->queue.min_free, (int64_t)b->queue.min_free);
	t_int("format", a->log.format, b->log.format);
	t_int("level", a->log.level, b->log.level);
}

static void
test_reference(void **state)
{
	const char *dir = getenv("WAXSEAL_SRCDIR");
	struct options *plain, *all;
	char path[4096], *text;

	(void)state;
	snprintf(path, sizeof(path), "%s/conf/waxseal.conf", dir ? dir : ".");
	text = read_file(path);
	plain = good("as it is", text, "");
	drop_files(text);
	uncomment(text);
	all = good("with all examples", text, "");
	same_defaults(all, plain);
	t_int("sites", (int64_t)all->n_sites, 1);
	t_int("zones", (int64_t)all->resolver.n_zones, 1);
	t_int("listens", (int64_t)all->n_listens, 2);
	conf_free(plain);
	conf_free(all);
	free(text);
}

static void
test_control_socket(void **state)
{
	static const struct {
		const char *name, *text, *want;
	} cases[] = {
	    {"of state_dir", "state_dir = /x\n", "/x/control.sock"},
	    {"set", NAME "control { socket = /y }\n", "/y"},
	    {"files do not matter",
		NAME "sts { ca_file = /no/file }\nstate_dir = \"/z\"\n",
		"/z/control.sock"},
	};
	struct buf errors;
	char *path = NULL;

	(void)state;
	buf_init(&errors, MAX);
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		t_err(cases[i].name,
		    conf_control_socket(
			"f.conf", cases[i].text, &path, &errors),
		    0);
		t_cstr(cases[i].name, path, cases[i].want);
		free(path);
		path = NULL;
	}
	t_err("bad", conf_control_socket("f.conf", "x = 1\n", &path, &errors),
	    ERR_CONFIG);
	t_is("bad", buf_str(&errors),
	    "f.conf:1: x: unknown key; see waxseal.conf(5)\n");
	buf_clear(&errors);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_minimal),
	    cmocka_unit_test(test_defaults),
	    cmocka_unit_test(test_full),
	    cmocka_unit_test(test_managed),
	    cmocka_unit_test(test_relay),
	    cmocka_unit_test(test_unreadable),
	    cmocka_unit_test(test_reference),
	    cmocka_unit_test(test_control_socket),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
