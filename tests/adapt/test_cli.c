/* The program waxseal: what it prints, and its exit status. */
#include "config.h"

#include <sys/wait.h>

#include "tests/adapt/ctl_world.h"

struct run {
	int status;
	char *out, *err;
};

/* What may stand in the arguments of a case. */
#define CONF "%c" /* configuration whose daemon answers */
#define DEAD "%d" /* one whose daemon does not run */
#define BROKEN "%b"

static const char *
program(void)
{
	static char path[4096];
	const char *build = getenv("WAXSEAL_BUILD");

	snprintf(path, sizeof(path), "%s/waxseal", build ? build : ".");
	return path;
}

static void
write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	t_bool(path, fd >= 0, true);
	t_int(path, write(fd, text, strlen(text)), (int64_t)strlen(text));
	close(fd);
}

static char *
read_file(const char *path)
{
	struct buf b;
	char chunk[4096];
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	buf_init(&b, 16u << 20);
	buf_add_cstr(&b, "");
	t_bool(path, fd >= 0, true);
	while ((n = read(fd, chunk, sizeof(chunk))) > 0)
		buf_add(&b, chunk, (size_t)n);
	close(fd);
	return b.p ? buf_take(&b) : xstrdup("");
}

static void
path_in(const struct ctl_world *cw, const char *name, char out[256])
{
	snprintf(out, 256, "%.160s/%s", cw->w->dir, name);
}

static void
write_confs(const struct ctl_world *cw)
{
	char path[256], text[512];

	path_in(cw, "alive.conf", path);
	snprintf(text, sizeof(text),
	    "sts { ca_file = /no/such/file }\ncontrol { socket = \"%s\" }\n",
	    cw->path);
	write_file(path, text);
	path_in(cw, "dead.conf", path);
	write_file(path, "state_dir = \"/no/such/dir\"\n");
	path_in(cw, "broken.conf", path);
	write_file(path, "\nworkers = many\nfoo = 1\n");
}

/* In the child: descriptors to files, arguments filled in, exec. */
static void
run_child(const struct ctl_world *cw, const char *const *args)
{
	static const char *const names[][2] = {
	    {CONF, "alive.conf"}, {DEAD, "dead.conf"}, {BROKEN, "broken.conf"}};
	char path[256], *argv[10] = {xstrdup(program())};

	path_in(cw, "in", path);
	if (dup2(open(path, O_RDONLY | O_CREAT, 0600), 0) < 0)
		_exit(99);
	for (int i = 0; i < 2; i++) {
		path_in(cw, i ? "err" : "out", path);
		if (dup2(open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600),
			i + 1) < 0)
			_exit(99);
	}
	for (size_t i = 0; i < 8 && args[i]; i++) {
		argv[i + 1] = xstrdup(args[i]);
		for (size_t k = 0; k < T_COUNT(names); k++) {
			if (strcmp(args[i], names[k][0]) != 0)
				continue;
			path_in(cw, names[k][1], path);
			argv[i + 1] = xstrdup(path);
		}
	}
	execv(argv[0], argv);
	_exit(99);
}

static struct run
run(struct ctl_world *cw, const char *const *args)
{
	char path[256];
	struct run r;
	int status;
	pid_t pid = fork();

	if (pid == 0)
		run_child(cw, args);
	t_bool("fork", pid > 0, true);
	while (waitpid(pid, &status, WNOHANG) == 0)
		ctl_world_turn(cw);
	t_bool("exited", WIFEXITED(status), true);
	r.status = WEXITSTATUS(status);
	path_in(cw, "out", path);
	r.out = read_file(path);
	path_in(cw, "err", path);
	r.err = read_file(path);
	return r;
}

static int
setup(void **state)
{
	struct ctl_world *cw;

	if (access(program(), X_OK))
		fail_msg("no program %s: set WAXSEAL_BUILD", program());
	cw = xcalloc(1, sizeof(*cw));
	ctl_world_open(cw, 100);
	write_confs(cw);
	*state = cw;
	return 0;
}

static int
teardown(void **state)
{
	ctl_world_close(*state);
	free(*state);
	return 0;
}

struct tcase {
	const char *args[8];
	int status;
	const char *out, *err; /* begin so; NULL: empty */
};

static void
check(struct ctl_world *cw, const struct tcase *c)
{
	struct run r = run(cw, c->args);
	char name[128] = "waxseal";
	size_t n;

	for (size_t i = 0; i < 8 && c->args[i]; i++) {
		n = strlen(name);
		snprintf(name + n, sizeof(name) - n, " %s", c->args[i]);
	}
	t_int(name, r.status, c->status);
	n = c->out ? strlen(c->out) : strlen(r.out) + 1;
	t_str(name, str_n(r.out, strnlen(r.out, n)),
	    str_of(c->out ? c->out : ""));
	n = c->err ? strlen(c->err) : strlen(r.err) + 1;
	t_str(name, str_n(r.err, strnlen(r.err, n)),
	    str_of(c->err ? c->err : ""));
	free(r.out);
	free(r.err);
}

static const struct tcase without[] = {
    {{NULL}, 2, NULL, "waxseal: no command\nTry \"waxseal help\"."},
    {{"stop"}, 2, NULL, "waxseal: unknown command\nTry \"waxseal help\"."},
    {{"queue"}, 2, NULL, "waxseal: queue what? list, stats or release\nTry "},
    {{"queue", "drop"}, 2, NULL,
	"waxseal: queue what? list, stats or release\n"},
    {{"status", "x"}, 2, NULL, "waxseal: status takes no arguments\n"},
    {{"queue", "stats", "x"}, 2, NULL,
	"waxseal: queue stats takes no arguments\n"},
    {{"queue", "list", "x"}, 2, NULL,
	"waxseal: an ID has 13 letters and digits\n"},
    {{"queue", "list", "x", "y"}, 2, NULL,
	"waxseal: queue list takes one ID at most\n"},
    {{"queue", "release"}, 2, NULL,
	"waxseal: queue release takes one ID of 13 letters and digits\n"},
    {{"queue", "release", "12"}, 2, NULL,
	"waxseal: queue release takes one ID of 13 letters and digits\n"},
    {{"explain", "--message", "12"}, 2, NULL,
	"waxseal: explain --message takes one ID of 13 "},
    {{"explain", "--message"}, 2, NULL, "waxseal: option"},
    {{"policy"}, 2, NULL, "waxseal: policy what? list, show, refresh, "},
    {{"policy", "list", "x"}, 2, NULL,
	"waxseal: policy list takes no arguments\n"},
    {{"policy", "show"}, 2, NULL, "waxseal: policy show takes a DOMAIN, "},
    {{"policy", "show", "192.0.2.1"}, 2, NULL,
	"waxseal: DOMAIN is not the name of a mail domain\n"},
    {{"policy", "forget", "a.example"}, 2, NULL,
	"waxseal: the relay would no longer know that a.example has a "},
    {{"policy", "refresh", "-c", DEAD, "a.example"}, 3, NULL,
	"waxseal: waxseald does not run: "},
    {{"explain"}, 2, NULL, "waxseal: explain takes one domain or address\n"},
    {{"explain", "a.example", "b.example"}, 2, NULL,
	"waxseal: explain takes one domain or address\n"},
    {{"explain", "a..example"}, 2, NULL,
	"waxseal: that is neither a domain nor an address\n"},
    {{"explain", "a@"}, 2, NULL,
	"waxseal: that is neither a domain nor an address\n"},
    {{"explain", "[1.2.3]"}, 2, NULL,
	"waxseal: that is neither a domain nor an address\n"},
    {{"explain", "[1.2.3.4]:25"}, 2, NULL,
	"waxseal: that is neither a domain nor an address\n"},
    {{"explain", "a.example", "--port", "0"}, 2, NULL,
	"waxseal: a port is a number from 1 to 65535\n"},
    {{"explain", "--port", "65536", "a.example"}, 2, NULL,
	"waxseal: a port is a number from 1 to 65535\n"},
    {{"explain", "a.example", "--resolver", "localhost"}, 2, NULL,
	"waxseal: a resolver is ADDRESS or ADDRESS:PORT, IPv6 in brackets\n"},
    {{"help"}, 0, "usage: waxseal [-c FILE] [--json] COMMAND\n", NULL},
    {{"--help"}, 0, "usage: waxseal [-c FILE] [--json] COMMAND\n", NULL},
    {{"version"}, 0, "waxseal " PACKAGE_VERSION "\n", NULL},
    {{"-V"}, 0, "waxseal " PACKAGE_VERSION "\n", NULL},
    {{"version", "--json"}, 0, "{\"version\":\"" PACKAGE_VERSION "\"}\n", NULL},
    {{"-c", DEAD, "status"}, 3, NULL,
	"waxseal: waxseald does not run: nobody answers at "
	"/no/such/dir/control.sock; is this the right -c FILE?\n"},
    {{"-c", DEAD, "queue", "list", "--json"}, 3,
	"{\"ok\":false,\"error\":\"waxseald does not run: nobody answers at "
	"/no/such/dir/control.sock; is this the right -c FILE?\"}\n",
	"waxseal: waxseald does not run"},
    {{"-c", "/no/such/file", "status"}, 2, NULL,
	"waxseal: /no/such/file: No such file or directory\n"},
    {{"-c", "/", "status"}, 2, NULL, "waxseal: /: Is a directory\n"},
};

static void
test_without(void **state)
{
	for (size_t i = 0; i < T_COUNT(without); i++)
		check(*state, &without[i]);
}

/* All that is wrong with the file, a line each. */
static void
test_broken(void **state)
{
	static const struct tcase c = {{"-c", BROKEN, "status"}, 2, NULL, "/"};
	struct ctl_world *cw = *state;
	struct run r = run(cw, c.args);

	check(cw, &c);
	t_bool("key", strstr(r.err, "broken.conf:3: foo: unknown key") != NULL,
	    true);
	t_int("one line", (int64_t)str_find(str_of(r.err), '\n'),
	    (int64_t)strlen(r.err) - 1);
	free(r.out);
	free(r.err);
}

static const struct tcase with_empty[] = {
    {{"-c", CONF, "status"}, 0, "waxseald   1.2.3, up 0s, 1 workers\n", NULL},
    {{"status", "--json", "-c", CONF}, 0, "{\"ok\":true,\"version\":\"1.2.3\",",
	NULL},
    {{"-c", CONF, "queue", "list"}, 0, "the queue is empty\n", NULL},
    {{"-c", CONF, "--json", "queue", "list"}, 0, "{\"ok\":true,\"rows\":[]}\n",
	NULL},
    {{"-c", CONF, "queue", "list", "0000000000099"}, 1,
	"no such message in the queue\n", NULL},
    {{"-c", CONF, "queue", "release", "0000000000099"}, 1,
	"no such message is held\n", NULL},
    {{"-c", CONF, "--json", "queue", "release", "0000000000099"}, 1,
	"{\"ok\":true,\"recipients\":0}\n", NULL},
    {{"-c", CONF, "policy", "list"}, 0, "no policy is cached\n", NULL},
    {{"-c", CONF, "policy", "list", "--json"}, 0, "{\"ok\":true,\"rows\":[]}\n",
	NULL},
    {{"-c", CONF, "policy", "export"}, 0, NULL, "waxseal: 0 policies\n"},
    {{"-c", CONF, "policy", "show", "a.example"}, 1,
	"a.example: no policy is cached\n", NULL},
    {{"-c", CONF, "explain", "--message", "0000000000099"}, 1,
	"nothing is known of that message", NULL},
    {{"-c", CONF, "--json", "explain", "--message", "0000000000099"}, 1,
	"{\"ok\":true,\"message\":\"0000000000099\",\"delivered\":[],"
	"\"waiting\":[]}\n",
	NULL},
    {{"-c", CONF, "queue", "stats"}, 0, "queue      0 messages", NULL},
    {{"queue", "--json", "stats", "-c", CONF}, 0,
	"{\"ok\":true,\"queue\":{\"messages\":0,", NULL},
};

static void
test_with(void **state)
{
	static const struct tcase dead = {
	    {"-c", CONF, "status"}, 1, "waxseald   1.2.3", NULL};
	struct ctl_world *cw = *state;

	for (size_t i = 0; i < T_COUNT(with_empty); i++)
		check(cw, &with_empty[i]);
	cw->resolver = DNS_STATE_DEAD;
	check(cw, &dead);
}

/* No unbound is needed to ask another resolver, nor any configuration: this one
 * does not answer, so it is not known. */
static void
test_explain_without(void **state)
{
	static const struct tcase c = {
	    {"explain", "a.example", "--resolver", "127.0.0.1:1"}, 3,
	    "UNKNOWN     Mail for a.example: it could not be found out:", NULL};

	(void)setenv("WAXSEAL_UNBOUND", "/no/such/unbound", 1);
	check(*state, &c);
	(void)unsetenv("WAXSEAL_UNBOUND");
}

/* The daemon's answer decides the exit status. */
static void
test_explain(void **state)
{
	static const struct {
		const char *answer;
		const char *word;
		int status;
	} cases[] = {
	    {"sent", "bob@A.example", 0},
	    {"held", "a.example", 1},
	    {"bounced", "a.example", 1},
	    {"unknown", "a.example", 3},
	};
	struct ctl_world *cw = *state;
	char answer[128], want[128];

	for (size_t i = 0; i < T_COUNT(cases); i++) {
		const struct tcase c = {{"-c", CONF, "explain", cases[i].word,
					    "--port", "26", "--json"},
		    cases[i].status, want, NULL};

		snprintf(answer, sizeof(answer),
		    "{\"ok\":true,\"verdict\":\"%s\"}\n", cases[i].answer);
		memcpy(want, answer, sizeof(want));
		cw->explain = answer;
		check(cw, &c);
		t_cstr("domain", cw->domain, "a.example");
		t_int("port", cw->port, 26);
	}
}

static size_t
count(const char *text, const char *part)
{
	size_t n = 0;

	for (const char *p = text; (p = strstr(p, part)); p++)
		n++;
	return n;
}

/* More rows than an answer holds: all are shown, as one JSON value. */
static void
test_rows(void **state)
{
	static const char *const text[] = {"-c", CONF, "queue", "list", NULL};
	static const char *const json[] = {
	    "-c", CONF, "queue", "list", "--json", NULL};
	static const char *const one[] = {
	    "-c", CONF, "queue", "list", "0000000000006", NULL};
	struct ctl_world *cw = *state;
	struct run r;

	t_err("put", put(cw->w, 5, "example.com", 250, 100), 0);
	t_err("put", put(cw->w, 6, "example.org", 1, 100), 0);
	r = run(cw, text);
	t_int("status", r.status, 0);
	t_int("rows", (int64_t)count(r.out, "<s@example.org>\n"), 251);
	free(r.out);
	free(r.err);
	r = run(cw, json);
	t_int("status", r.status, 0);
	t_int("rows", (int64_t)count(r.out, "{\"id\":"), 251);
	t_int("commas", (int64_t)count(r.out, "},{\"id\":"), 250);
	t_int("one value", (int64_t)count(r.out, "\"ok\""), 1);
	t_bool("its end", strstr(r.out, "}]}\n") != NULL, true);
	free(r.out);
	free(r.err);
	r = run(cw, one);
	t_int("status", r.status, 0);
	t_int("rows", (int64_t)count(r.out, "<r0@example.org>"), 1);
	t_int("no others", (int64_t)count(r.out, "example.com"), 0);
	free(r.out);
	free(r.err);
}

/* Some recipients were taken, one waits: all are told of, once. */
static void
test_receipt(void **state)
{
	static const char *const text[] = {
	    "-c", CONF, "explain", "--message", "0000000000005", NULL};
	static const char *const json[] = {"-c", CONF, "explain", "--json",
	    "--message", "0000000000005", NULL};
	struct ctl_world *cw = *state;
	struct world *w = cw->w;
	struct receipt_proof p = {.at = 1800000001, .mx = "mx.example.com"};
	struct store_result v[120];
	struct store_finish f = {.results = v, .n = 120, .proof = &p};
	struct run r;

	t_err("put", put(w, 5, "example.com", 121, 100), 0);
	for (size_t i = 0; i < 120; i++)
		v[i] = (struct store_result){.rcpt = w->rcpts[i]->id,
		    .msg = 5,
		    .fate = STORE_DONE,
		    .receipt = true,
		    .reply = "250 ok"};
	t_err("finish", finish(w, &f), 0);
	r = run(cw, text);
	t_int(r.err, r.status, 0);
	t_bool("its head",
	    strncmp(r.out, "message 0000000000005 from <s@example.org>, ", 44),
	    0);
	t_int("taken", (int64_t)count(r.out, "> delivered 2027-"), 120);
	t_int("waits", (int64_t)count(r.out, "> queued, 0 tries"), 1);
	t_int("head", (int64_t)count(r.out, "\nstill waiting:\n"), 1);
	free(r.out);
	free(r.err);
	r = run(cw, json);
	t_int(r.err, r.status, 0);
	t_int("taken", (int64_t)count(r.out, "\"delivered\":\"2027-"), 120);
	t_int("waits", (int64_t)count(r.out, "\"state\":\"queued\""), 1);
	free(r.out);
	free(r.err);
}

/* More policies than an answer holds. */
static void
test_policies(void **state)
{
	static const char *const text[] = {"-c", CONF, "policy", "list", NULL};
	static const char *const json[] = {
	    "-c", CONF, "policy", "list", "--json", NULL};
	static const char *const lines[] = {
	    "-c", CONF, "policy", "export", NULL};
	char body[] = "version: STSv1\nmode: testing\nmx: a.b\nmax_age: 9\n";
	struct ctl_world *cw = *state;
	struct sts_entry e = {
	    .id = "x", .fetched = 100, .body_len = sizeof(body) - 1};
	struct run r;

	e.body = body;
	for (unsigned i = 0; i < 130; i++) {
		snprintf(e.domain, sizeof(e.domain), "d%u.example", i);
		/* One that is no policy is told of and left out. */
		e.body_len = i == 7 ? 3 : sizeof(body) - 1;
		world_started(
		    cw->w, store_sts_put(cw->w->s, &e, on_done, cw->w));
		t_err("put", world_wait(cw->w), 0);
	}
	r = run(cw, text);
	t_int("status", r.status, 3);
	t_int("rows", (int64_t)count(r.out, "testing  expired   "), 129);
	t_bool("the bad one",
	    strstr(r.err, "waxseal: an entry of d7.example: ") != NULL, true);
	free(r.out);
	free(r.err);
	r = run(cw, json);
	t_int("rows", (int64_t)count(r.out, "{\"domain\":"), 129);
	t_int("one value", (int64_t)count(r.out, "\"ok\""), 1);
	t_bool("its end", strstr(r.out, "}]}\n") != NULL, true);
	free(r.out);
	free(r.err);
	r = run(cw, lines);
	t_int("status", r.status, 3);
	t_int("lines", (int64_t)count(r.out, "}\n"), 129);
	t_bool("counted",
	    strstr(r.err, "129 policies, and 1 that can't be read\n") != NULL,
	    true);
	free(r.out);
	free(r.err);
}

#define LINE(domain, fetched, max_age) \
	"{\"domain\":\"" domain "\",\"id\":\"x\",\"fetched\":" fetched \
	",\"body\":\"version: STSv1\\nmode: testing\\nmx: a.b\\n" \
	"max_age: " max_age "\\n\"}\n"

/* All of an input or nothing of it. The policies that are taken were fetched
 * in 2026 and last for a year. */
static void
test_import(void **state)
{
	static const struct {
		const char *name, *in;
		int status;
		const char *out, *err;
		size_t then; /* policies that are there */
	} cases[] = {
	    {"nothing", "", 0,
		"{\"ok\":true,\"taken\":0,\"older\":0,\"expired\":0}\n", "", 0},
	    {"a bad line behind a good one",
		LINE("a.example", "%d", "31536000") "\nx\n", 1,
		"{\"ok\":false,\"error\":\"lines are wrong; nothing was "
		"imported\"}\n",
		"waxseal: line 3: it is not a JSON object\n"
		"waxseal: nothing was imported\n",
		0},
	    {"one taken, one expired",
		LINE("a.example", "%d", "31536000") LINE("b.example", "1", "9"),
		0, "{\"ok\":true,\"taken\":1,\"older\":0,\"expired\":1}\n", "",
		1},
	    {"again, without an end of line",
		LINE("a.example", "%d", "31536000") " ", 0,
		"{\"ok\":true,\"taken\":0,\"older\":1,\"expired\":0}\n", "", 1},
	};
	static const char *const args[] = {
	    "-c", CONF, "policy", "import", "--json", NULL};
	static const char *const list[] = {
	    "-c", CONF, "policy", "export", NULL};
	struct ctl_world *cw = *state;
	struct clock clock = clock_system();
	int now = (int)clock_real_s(&clock);

	for (size_t i = 0; i < T_COUNT(cases); i++) {
		const char *at = strstr(cases[i].in, "%d");
		char path[256], text[1024];
		struct run r;

		snprintf(text, sizeof(text), "%.*s%d%s",
		    at ? (int)(at - cases[i].in) : 0, cases[i].in, now - 100,
		    at ? at + 2 : "");
		path_in(cw, "in", path);
		write_file(path, at ? text : "");
		r = run(cw, args);
		t_int(cases[i].name, r.status, cases[i].status);
		t_cstr(cases[i].name, r.out, cases[i].out);
		t_cstr(cases[i].name, r.err, cases[i].err);
		free(r.out);
		free(r.err);
		r = run(cw, list);
		t_int(cases[i].name, (int64_t)count(r.out, "\n"),
		    (int64_t)cases[i].then);
		free(r.out);
		free(r.err);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_without, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_broken, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_with, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		test_explain_without, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_explain, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_rows, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_receipt, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_policies, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_import, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
