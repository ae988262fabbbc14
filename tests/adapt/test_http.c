/*
 * HTTPS GET against real TLS servers on loopback (https_server.py): what
 * counts as a certificate, what counts as an answer, limits, cancel.
 */
#include "config.h"

#include "tests/unit/t.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "relay/base/codec.h"
#include "relay/model/tls_result.h"
#include "relay/net/http.h"
#include "relay/net/loop.h"
#include "relay/tls/tls_ctx.h"

#define HOST "mta-sts.a.example"

struct port {
	char name[20];
	uint16_t port;
};

/* Started once for all tests. */
struct server {
	pid_t pid;
	int in;
	char folder[40];
	struct port ports[40];
	size_t n;
};

static void
read_ports(struct server *s, int fd)
{
	FILE *f = fdopen(fd, "r");
	char line[80];

	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		struct str text = str_trim(str_of(line)), name;
		struct port *p = &s->ports[s->n];
		uint64_t v;

		assert_true(str_cut(&text, ' ', &name));
		assert_int_equal(codec_u64(text, 65535, &v), 0);
		snprintf(p->name, sizeof(p->name), "%.*s", STR_FMT(name));
		p->port = (uint16_t)v;
		if (strcmp(p->name, "ready") == 0)
			break;
		assert_true(++s->n < T_COUNT(s->ports));
	}
	fclose(f);
	t_bool("server is ready", s->n > 0, true);
}

static int
start(void **state)
{
	struct server *s = calloc(1, sizeof(*s));
	const char *src = getenv("WAXSEAL_SRCDIR");
	char script[500];
	int in[2], out[2];

	assert_non_null(s);
	snprintf(script, sizeof(script), "%s/tests/adapt/https_server.py",
	    src ? src : ".");
	snprintf(s->folder, sizeof(s->folder), "/tmp/waxseal-http-XXXXXX");
	assert_non_null(mkdtemp(s->folder));
	assert_int_equal(pipe(in), 0);
	assert_int_equal(pipe(out), 0);
	s->pid = fork();
	assert_true(s->pid >= 0);
	if (s->pid == 0) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		close(in[1]);
		close(out[0]);
		execlp("python3", "python3", script, s->folder, (char *)NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	s->in = in[1];
	read_ports(s, out[0]);
	*state = s;
	return 0;
}

static int
stop(void **state)
{
	struct server *s = *state;
	pid_t pid;

	close(s->in);
	waitpid(s->pid, NULL, 0);
	pid = fork();
	if (pid == 0) {
		execlp("rm", "rm", "-rf", s->folder, (char *)NULL);
		_exit(127);
	}
	waitpid(pid, NULL, 0);
	free(s);
	return 0;
}

struct world {
	struct server *server;
	struct loop *loop;
	struct tls_ctx *ctx;
	struct http *http;
	int calls;
	int err, status, tls;
	char type[40], body[2000], text[160];
	size_t body_n;
	struct http_get *other;
};

static void
world_init(struct world *w, struct server *s)
{
	char ca[80], text[160];
	struct tls_ctx_opts o = {
	    .ca_file = ca, .min = TLS_V1_2, .opportunistic_min = TLS_V1_0};

	memset(w, 0, sizeof(*w));
	w->server = s;
	snprintf(ca, sizeof(ca), "%s/ca.pem", s->folder);
	t_err("loop", loop_new(&w->loop), 0);
	t_err("ctx", tls_ctx_new(&o, &w->ctx, text), 0);
	t_err("http", http_new(w->loop, w->ctx, &w->http), 0);
}

static void
world_clear(struct world *w)
{
	http_free(w->http);
	loop_free(w->loop);
	tls_ctx_free(w->ctx);
}

static uint16_t
port_of(const struct server *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++) {
		if (strcmp(s->ports[i].name, name) == 0)
			return s->ports[i].port;
	}
	fail_msg("no server %s", name);
	return 0;
}

static void
on_response(void *arg, const struct http_response *res)
{
	struct world *w = arg;

	w->calls++;
	w->err = res->err;
	w->status = res->status;
	w->tls = res->tls_failure;
	w->body_n = res->body.n;
	snprintf(w->type, sizeof(w->type), "%.*s", STR_FMT(res->type));
	snprintf(w->body, sizeof(w->body), "%.*s", STR_FMT(res->body));
	snprintf(w->text, sizeof(w->text), "%s", res->text);
	http_get_cancel(w->other);
	w->other = NULL;
}

static struct http_get *
get(struct world *w, const char *const *servers, size_t n, const char *path,
    int64_t timeout, bool allow_private)
{
	struct http_opts o = {.timeout_ms = timeout,
	    .max_body = 65536,
	    .allow_private = allow_private};
	struct sockaddr_any addrs[4];

	for (size_t i = 0; i < n; i++)
		addrs[i] = (struct sockaddr_any){.family = 4,
		    .ip = {127, 0, 0, 1},
		    .port = port_of(w->server, servers[i])};
	return http_get_start(
	    w->http, HOST, path, addrs, n, &o, on_response, w);
}

static void
fetch(struct world *w, const char *server, const char *path)
{
	w->calls = 0;
	get(w, &server, 1, path, 20000, true);
	t_int("never at once", w->calls, 0);
	loop_run(w->loop);
	t_int("exactly once", w->calls, 1);
}

static void
test_certificates(void **state)
{
	static const struct {
		const char *name, *server;
		int err, tls;
	} cases[] = {
	    {"STS-16", "good", 0, TLS_OK},
	    {"STS-16 CN only", "cn-only", ERR_TLS, TLS_HOST_MISMATCH},
	    {"STS-16 CN beside an address", "cn-and-ip", ERR_TLS,
		TLS_HOST_MISMATCH},
	    {"STS-16 CN beside another name", "cn-and-other", ERR_TLS,
		TLS_HOST_MISMATCH},
	    {"STS-16 wrong host", "wrong", ERR_TLS, TLS_HOST_MISMATCH},
	    {"STS-16 domain alone", "parent", ERR_TLS, TLS_HOST_MISMATCH},
	    {"STS-16 expired", "expired", ERR_TLS, TLS_EXPIRED},
	    {"STS-16 not yet valid", "future", ERR_TLS, TLS_EXPIRED},
	    {"STS-16 unknown root", "untrusted", ERR_TLS, TLS_NOT_TRUSTED},
	    {"STS-17 whole label", "wild", 0, TLS_OK},
	    {"STS-17 part of a label", "partial", ERR_TLS, TLS_HOST_MISMATCH},
	    {"STS-17 two labels", "two-levels", ERR_TLS, TLS_HOST_MISMATCH},
	    {"STS-17 not the first label", "inner-star", ERR_TLS,
		TLS_HOST_MISMATCH},
	    {"STS-17 nothing but a star", "star-alone", ERR_TLS,
		TLS_HOST_MISMATCH},
	    {"STS-37 TLS 1.1", "old-tls", ERR_TLS, TLS_HANDSHAKE},
	    {"STS-37 TLS 1.2", "tls-1.2", 0, TLS_OK},
	};
	struct world w;

	world_init(&w, *state);
	/* Twice: what one request leaves behind must not help the next. */
	for (size_t i = 0; i < 2 * T_COUNT(cases); i++) {
		const char *name = cases[i % T_COUNT(cases)].name;

		fetch(&w, cases[i % T_COUNT(cases)].server, "/ok");
		t_err(name, w.err, cases[i % T_COUNT(cases)].err);
		t_cstr(name, tls_failure_str((enum tls_failure)w.tls),
		    tls_failure_str(
			(enum tls_failure)cases[i % T_COUNT(cases)].tls));
		t_cstr(name, w.body, w.err ? "" : "hello");
		t_bool(name, w.text[0] != '\0', w.err != 0);
	}
	world_clear(&w);
}

static void
test_answers(void **state)
{
	static const struct {
		const char *path;
		int err, status;
		const char *type, *body;
	} cases[] = {
	    {"/ok", 0, 200, "text/plain", "hello"},
	    {"/empty", 0, 200, "text/plain", ""},
	    {"/chunked", 0, 200, "text/plain", "hello"},
	    {"/type", 0, 200, "text/plain", "hi"},
	    {"/no-type", 0, 200, "", "hi"},
	    {"/redirect", 0, 302, "text/plain", ""}, /* STS-19 */
	    {"/301", 0, 301, "text/plain", "hello"},
	    {"/307", 0, 307, "text/plain", "hello"},
	    {"/refresh", 0, 200, "text/plain", "hello"},
	    {"/204", 0, 204, "", ""}, /* STS-18: who asked compares with 200 */
	    {"/401", 0, 401, "text/plain", "hello"},
	    {"/404", 0, 404, "text/plain", "hello"},
	    {"/500", 0, 500, "text/plain", "hello"},
	    {"/early", 0, 200, "text/plain", "hello"}, /* HTTP-03 */
	    {"/early-only", ERR_IO, 103, "", ""},
	    {"/early-flood", ERR_TOOBIG, 103, "", ""},
	    {"/same-lengths", 0, 200, "text/plain", "hello"}, /* HTTP-01 */
	    {"/two-lengths", ERR_IO, 200, "text/plain", ""},
	    {"/length-list", ERR_IO, 200, "text/plain", ""},
	    {"/length-sign", ERR_IO, 200, "text/plain", ""},
	    {"/length-minus", ERR_IO, 200, "text/plain", ""},
	    {"/length-and-chunks", ERR_IO, 200, "text/plain", ""},
	    {"/until-close", 0, 200, "text/plain", "hello"},
	    {"/gzip", 0, 200, "text/plain", "not gzip"}, /* HTTP-02 */
	    {"/cookie", 0, 200, "text/plain", "hello"},
	    {"/big", ERR_TOOBIG, 200, "text/plain", ""}, /* STS-22 */
	    {"/big-chunks", ERR_TOOBIG, 200, "text/plain", ""},
	    {"/headers", ERR_TOOBIG, 200, "", ""}, /* HTTP-04 */
	    {"/short", ERR_IO, 200, "text/plain", ""},
	    {"/cut-chunks", ERR_IO, 200, "text/plain", ""},
	    {"/nonsense", ERR_IO, 0, "", ""},
	};
	struct world w;

	world_init(&w, *state);
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		fetch(&w, "good", cases[i].path);
		t_err(cases[i].path, w.err, cases[i].err);
		t_int(cases[i].path, w.status, cases[i].status);
		t_cstr(cases[i].path, w.type, cases[i].type);
		t_cstr(cases[i].path, w.body, cases[i].body);
	}
	fetch(&w, "good", "/full");
	t_err("STS-22 exactly 64 KB", w.err, 0);
	t_int("STS-22 exactly 64 KB", (int64_t)w.body_n, 65536);
	world_clear(&w);
}

/* STS-20: nothing is kept, and nothing is asked about what was kept. */
static void
test_no_cache(void **state)
{
	struct world w;
	char first[sizeof(w.body)];

	world_init(&w, *state);
	fetch(&w, "good", "/count");
	snprintf(first, sizeof(first), "%s", w.body);
	fetch(&w, "good", "/count");
	t_bool("STS-20 asked again", strcmp(first, w.body) != 0, true);
	world_clear(&w);
}

static void
test_sni(void **state)
{
	struct world w;

	world_init(&w, *state);
	fetch(&w, "good", "/sni");
	t_cstr("STS-36", w.body, HOST);
	world_clear(&w);
}

/* Passwords and certificates that others might use. */
static void
make_home(const struct server *s)
{
	char path[80];
	FILE *f;

	snprintf(path, sizeof(path), "%s/.netrc", s->folder);
	f = fopen(path, "w");
	assert_non_null(f);
	fprintf(f, "default login u password p\n");
	fclose(f);
	snprintf(path, sizeof(path), "%s/.curlrc", s->folder);
	f = fopen(path, "w");
	assert_non_null(f);
	fprintf(f, "insecure\nuser = u:p\n");
	fclose(f);
}

/* HTTP-01, HTTP-02: the environment has no say in what is sent, where to, and
 * whom to trust. */
static void
test_environment(void **state)
{
	static const char *const proxies[] = {"http_proxy", "https_proxy",
	    "HTTPS_PROXY", "all_proxy", "ALL_PROXY"};
	static const char *const files[] = {
	    "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"};
	const struct server *s = *state;
	struct world w;
	char ca[80];

	snprintf(ca, sizeof(ca), "%s/ca2.pem", s->folder);
	make_home(s);
	setenv("HOME", s->folder, 1);
	setenv("CURL_HOME", s->folder, 1);
	setenv("NETRC", s->folder, 1);
	for (size_t i = 0; i < T_COUNT(proxies); i++)
		setenv(proxies[i], "http://127.0.0.1:1/", 1);
	for (size_t i = 0; i < T_COUNT(files); i++)
		setenv(files[i], ca, 1);
	world_init(&w, *state);
	fetch(&w, "good", "/cookie");
	fetch(&w, "good", "/401");
	t_int("no password", w.status, 401);
	fetch(&w, "good", "/request");
	t_err("no proxy", w.err, 0);
	t_cstr("request", w.body,
	    "GET /request HTTP/1.1\r\nHost: " HOST "\r\n"
	    "User-Agent: waxseal\r\nAccept: text/plain\r\n\r\n");
	fetch(&w, "untrusted", "/ok");
	t_err("no roots but ours", w.err, ERR_TLS);
	world_clear(&w);
	for (size_t i = 0; i < T_COUNT(proxies); i++)
		unsetenv(proxies[i]);
	for (size_t i = 0; i < T_COUNT(files); i++)
		unsetenv(files[i]);
}

static void
test_time(void **state)
{
	static const struct {
		const char *server, *path;
	} cases[] = {{"good", "/hang"}, {"good", "/drip"}, {"silent", "/ok"}};
	struct world w;

	world_init(&w, *state);
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		w.calls = 0;
		get(&w, &cases[i].server, 1, cases[i].path, 300, true);
		loop_run(w.loop);
		t_int(cases[i].path, w.calls, 1);
		t_err(cases[i].path, w.err, ERR_TIMEOUT);
	}
	world_clear(&w);
}

static void
test_addresses(void **state)
{
	struct world w;

	world_init(&w, *state);
	fetch(&w, "closed", "/ok");
	t_err("refused", w.err, ERR_UNREACH);
	w.calls = 0;
	get(&w, (const char *[]){"closed", "closed", "good"}, 3, "/ok", 20000,
	    true);
	loop_run(w.loop);
	t_int("the next address", w.calls, 1);
	t_err("the next address", w.err, 0);
	/* A certificate that fails is an answer: no other address is tried. */
	get(&w, (const char *[]){"expired", "good"}, 2, "/ok", 20000, true);
	loop_run(w.loop);
	t_err("no way round a certificate", w.err, ERR_TLS);
	get(&w, (const char *[]){"good"}, 1, "/ok", 20000, false);
	loop_run(w.loop);
	t_err("STS-42", w.err, ERR_PERM);
	world_clear(&w);
}

static void
test_many(void **state)
{
	const char *good = "good";
	struct world w;

	world_init(&w, *state);
	for (int i = 0; i < 20; i++)
		get(&w, &good, 1, "/chunked", 20000, true);
	/* Canceled by whichever is the first to end. */
	w.other = get(&w, &good, 1, "/hang", 20000, true);
	loop_run(w.loop);
	t_int("answers", w.calls, 20);
	t_err("last one", w.err, 0);
	world_clear(&w);
}

static void
test_cancel(void **state)
{
	const char *good = "good";
	struct world w;

	/* After each round there may be another thing to drop. */
	for (int rounds = 0; rounds < 12; rounds++) {
		struct http_get *g;

		world_init(&w, *state);
		g = get(&w, &good, 1, "/hang", 20000, true);
		for (int i = 0; i < rounds; i++)
			loop_run_once(w.loop);
		http_get_cancel(g);
		http_get_cancel(NULL);
		loop_run(w.loop);
		t_int("no call", w.calls, 0);
		world_clear(&w);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_certificates),
	    cmocka_unit_test(test_answers),
	    cmocka_unit_test(test_no_cache),
	    cmocka_unit_test(test_sni),
	    cmocka_unit_test(test_environment),
	    cmocka_unit_test(test_time),
	    cmocka_unit_test(test_addresses),
	    cmocka_unit_test(test_many),
	    cmocka_unit_test(test_cancel),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
