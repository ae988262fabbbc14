/* The control socket: questions, answers, and clients that misbehave. */
#include "config.h"

#include "relay/ctl/ctl_server.h"

#include "relay/ctl/ctl_show.h"
#include "tests/adapt/ctl_world.h"

#define STATUS "{\"cmd\":\"status\"}\n"
#define LIST "{\"cmd\":\"queue-list\"}\n"
#define STATS "{\"cmd\":\"queue-stats\"}\n"

static int
setup(void **state)
{
	struct ctl_world *cw = xcalloc(1, sizeof(*cw));

	ctl_world_open(cw, 1000);
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

static struct ctl_answer
ask(struct ctl_world *cw, int fd, const char *question, struct buf *b)
{
	struct ctl_answer a;

	ctl_world_send(fd, question);
	ctl_world_read(cw, fd, b);
	t_err(question, ctl_answer_parse(buf_str(b), &a), 0);
	return a;
}

static void
test_questions(void **state)
{
	struct ctl_world *cw = *state;
	struct ctl_answer a;
	struct buf b, text;
	int fd;

	buf_init(&b, CTL_ANSWER_MAX);
	buf_init(&text, CTL_ANSWER_MAX);
	t_err("put", put(cw->w, 5, "example.com", 3, 100), 0);
	fd = ctl_world_connect(cw);
	a = ask(cw, fd, STATUS, &b);
	t_bool("status", a.ok, true);
	t_int("no problems", (int64_t)a.problems, 0);
	t_bool("counted", strstr(b.p, "\"recipients_sent_total\":7,") != NULL,
	    true);
	t_bool("queue", strstr(b.p, "\"recipients\":3,") != NULL, true);
	a = ask(cw, fd, LIST, &b);
	t_int("rows", (int64_t)a.rows, 3);
	t_err("list", ctl_list_text(buf_str(&b), &text), 0);
	t_bool("a recipient", strstr(text.p, "<r2@example.com>") != NULL, true);
	a = ask(cw, fd, "{\"cmd\":\"queue-list\",\"limit\":2}\n", &b);
	t_int("limit", (int64_t)a.rows, 2);
	a = ask(cw, fd,
	    "{\"cmd\":\"queue-list\",\"message\":\"0000000000006\"}\n", &b);
	t_int("no such message", (int64_t)a.rows, 0);
	a = ask(cw, fd, STATS, &b);
	t_bool("stats", strstr(b.p, "\"messages\":1,") != NULL, true);
	cw->resolver = DNS_STATE_DEAD;
	a = ask(cw, fd, STATUS, &b);
	t_int("one problem", (int64_t)a.problems, 1);
	close(fd);
	buf_clear(&b);
	buf_clear(&text);
}

/* A held message is shown as such, and released once. */
static void
test_release(void **state)
{
	static const char question[] =
	    "{\"cmd\":\"queue-release\",\"message\":\"0000000000005\"}\n";
	struct ctl_world *cw = *state;
	struct work_entry hold = {.msg = 5, .crashes = 2, .flags = WORK_HOLD};
	struct ctl_answer a;
	struct buf b;
	int fd;

	buf_init(&b, CTL_ANSWER_MAX);
	t_err("put", put(cw->w, 5, "example.com", 2, 100), 0);
	fd = ctl_world_connect(cw);
	a = ask(cw, fd, question, &b);
	t_int("not held", (int64_t)a.recipients, 0);
	t_int("nothing to page", cw->released, 0);
	close(fd);
	cw->w->o.work = &hold;
	cw->w->o.n_work = 1;
	ctl_world_restart(cw);
	fd = ctl_world_connect(cw);
	a = ask(cw, fd, STATUS, &b);
	t_int("a problem", (int64_t)a.problems, 1);
	a = ask(cw, fd, LIST, &b);
	t_bool("held", strstr(b.p, "\"state\":\"held\"") != NULL, true);
	a = ask(cw, fd, question, &b);
	t_int("released", (int64_t)a.recipients, 2);
	t_int("shards are told", cw->released, 1);
	a = ask(cw, fd, LIST, &b);
	t_bool("queued", strstr(b.p, "\"state\":\"held\"") == NULL, true);
	a = ask(cw, fd, question, &b);
	t_int("once", (int64_t)a.recipients, 0);
	close(fd);
	buf_clear(&b);
}

/* Pages end where the rows end, none is shown twice. */
static void
test_pages(void **state)
{
	struct ctl_world *cw = *state;
	char question[128];
	struct ctl_answer a = {.last = 0};
	size_t n = 0, pages = 0;
	struct buf b;
	int fd;

	buf_init(&b, CTL_ANSWER_MAX);
	t_err("put", put(cw->w, 5, "example.com", 250, 100), 0);
	fd = ctl_world_connect(cw);
	do {
		snprintf(question, sizeof(question),
		    "{\"cmd\":\"queue-list\",\"after\":%llu}\n",
		    (unsigned long long)a.last);
		a = ask(cw, fd, question, &b);
		n += a.rows;
		pages++;
	} while (a.rows > 0);
	t_int("rows", (int64_t)n, 250);
	t_int("pages", (int64_t)pages, 4);
	close(fd);
	buf_clear(&b);
}

/* Several questions in one packet, and a client that is done with sending. */
static void
test_pipeline(void **state)
{
	struct ctl_world *cw = *state;
	struct ctl_answer a;
	struct buf b;
	int fd = ctl_world_connect(cw);

	buf_init(&b, CTL_ANSWER_MAX);
	ctl_world_send(fd, STATUS STATS "{\"cmd\":\"x\"}\r\n" LIST "{\"cm");
	shutdown(fd, SHUT_WR);
	for (int i = 0; i < 4; i++) {
		ctl_world_read(cw, fd, &b);
		t_err("answer", ctl_answer_parse(buf_str(&b), &a), 0);
		t_bool("unknown", a.ok, i != 2);
	}
	t_cstr("no error", a.error, "");
	ctl_world_read(cw, fd, &b);
	t_is("the end", buf_str(&b), "");
	close(fd);
	buf_clear(&b);
}

static void
test_bad(void **state)
{
	static const struct {
		const char *question, *error;
	} cases[] = {
	    {"{\"cmd\":\"stop\"}\n", "unknown command"},
	    {"status\n", "not a question of this protocol"},
	    {"\n", "not a question of this protocol"},
	    {"GET / HTTP/1.1\r\n", "not a question of this protocol"},
	    {"{\"cmd\":\"queue-list\",\"limit\":1000}\n",
		"not a question of this protocol"},
	};
	struct ctl_world *cw = *state;
	struct buf b;
	int fd = ctl_world_connect(cw);

	buf_init(&b, CTL_ANSWER_MAX);
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct ctl_answer a = ask(cw, fd, cases[i].question, &b);

		t_bool(cases[i].question, a.ok, false);
		t_cstr(cases[i].question, a.error, cases[i].error);
	}
	/* None of them ends the connection. */
	t_bool("still there", ask(cw, fd, STATUS, &b).ok, true);
	close(fd);
	buf_clear(&b);
}

static void
test_too_long(void **state)
{
	static const struct {
		const char *name;
		size_t n;
		bool end, closed;
	} cases[] = {
	    {"longest", CTL_LINE_MAX, true, false},
	    {"longer", CTL_LINE_MAX + 1, true, true},
	    {"endless", CTL_LINE_MAX + 1, false, true},
	    {"flood", 400000, false, true},
	};
	struct ctl_world *cw = *state;

	for (size_t i = 0; i < T_COUNT(cases); i++) {
		char *text = xcalloc(cases[i].n + 2, 1);
		int fd = ctl_world_connect(cw);
		size_t sent = 0;
		struct ctl_answer a;
		struct buf b;

		buf_init(&b, CTL_ANSWER_MAX);
		memset(text, ' ', cases[i].n);
		if (cases[i].end)
			text[cases[i].n] = '\n';
		while (text[sent]) {
			ssize_t n = send(fd, text + sent, strlen(text + sent),
			    MSG_NOSIGNAL | MSG_DONTWAIT);

			if (n < 0 && errno != EAGAIN)
				break;
			sent += n > 0 ? (size_t)n : 0;
			ctl_world_turn(cw);
		}
		ctl_world_read(cw, fd, &b);
		t_err(cases[i].name, ctl_answer_parse(buf_str(&b), &a), 0);
		t_bool(cases[i].name,
		    strcmp(a.error, "the question is too long") == 0 ||
			strcmp(a.error, "too many questions at once") == 0,
		    cases[i].closed);
		if (cases[i].closed) {
			ctl_world_read(cw, fd, &b);
			t_is(cases[i].name, buf_str(&b), "");
		}
		close(fd);
		buf_clear(&b);
		free(text);
	}
}

/* 16 at a time; who comes later waits until one has gone. */
static void
test_many(void **state)
{
	struct ctl_world *cw = *state;
	int fds[17];
	struct buf b;
	char c;

	buf_init(&b, CTL_ANSWER_MAX);
	for (int i = 0; i < 17; i++) {
		fds[i] = ctl_world_connect(cw);
		if (i < 16)
			t_bool("served", ask(cw, fds[i], STATUS, &b).ok, true);
	}
	ctl_world_send(fds[16], STATUS);
	for (int i = 0; i < 20; i++)
		ctl_world_turn(cw);
	t_int("waits", recv(fds[16], &c, 1, MSG_DONTWAIT), -1);
	close(fds[3]);
	ctl_world_read(cw, fds[16], &b);
	t_bool("served", b.n > 0, true);
	for (int i = 0; i < 17; i++) {
		if (i != 3)
			close(fds[i]);
	}
	buf_clear(&b);
}

/* How a domain is sent to is asked of its shard; the answer is passed on. */
static void
test_explain(void **state)
{
	static const char question[] =
	    "{\"cmd\":\"explain\",\"domain\":\"A.example\",\"port\":2525}\n";
	struct ctl_world *cw = *state;
	struct ctl_answer a;
	struct buf b;
	int fd;

	buf_init(&b, CTL_ANSWER_MAX);
	fd = ctl_world_connect(cw);
	a = ask(cw, fd, question, &b);
	t_cstr("no time", a.error, "the relay is busy; ask again later");
	cw->explain = "{\"ok\":true,\"verdict\":\"sent\"}\n";
	a = ask(cw, fd, question, &b);
	t_bool("answered", a.ok, true);
	t_is("as it came", buf_str(&b), "{\"ok\":true,\"verdict\":\"sent\"}");
	t_cstr("domain", cw->domain, "a.example");
	t_int("port", cw->port, 2525);
	cw->explain_err = ERR_CLOSED;
	a = ask(cw, fd, question, &b);
	t_cstr("the shard ended", a.error, err_str(ERR_CLOSED));
	/* A client that has gone when the answer comes. */
	ctl_world_send(fd, question);
	while (!cw->done)
		loop_run_once(cw->w->loop);
	close(fd);
	for (int i = 0; i < 10; i++)
		loop_run_once(cw->w->loop);
	ctl_world_explain_done(cw);
	t_int("asked", cw->explained, 4);
	/* And a server that has. */
	fd = ctl_world_connect(cw);
	ctl_world_send(fd, question);
	while (!cw->done)
		loop_run_once(cw->w->loop);
	ctl_server_close(cw->server);
	cw->server = NULL;
	for (int i = 0; i < 10; i++)
		loop_run_once(cw->w->loop);
	ctl_world_explain_done(cw);
	close(fd);
	buf_clear(&b);
}

/* A client that leaves before its answer. */
static void
test_gone(void **state)
{
	struct ctl_world *cw = *state;
	struct buf b;
	int fd;

	buf_init(&b, CTL_ANSWER_MAX);
	for (int i = 0; i < 20; i++) {
		fd = ctl_world_connect(cw);
		ctl_world_send(fd, LIST);
		for (int k = 0; k < i % 4; k++)
			loop_run_once(cw->w->loop);
		close(fd);
	}
	fd = ctl_world_connect(cw);
	t_bool("the next", ask(cw, fd, STATUS, &b).ok, true);
	close(fd);
	buf_clear(&b);
}

/* Closing while questions are with the store: status is not asked again. */
static void
test_close(void **state)
{
	struct ctl_world *cw = *state;
	unsigned asked;
	struct buf b;
	int fds[4];

	buf_init(&b, CTL_ANSWER_MAX);
	for (int i = 0; i < 4; i++) {
		fds[i] = ctl_world_connect(cw);
		t_bool("served", ask(cw, fds[i], STATUS, &b).ok, true);
		ctl_world_send(fds[i], STATUS);
	}
	loop_run_once(cw->w->loop);
	asked = cw->asked;
	ctl_server_close(cw->server);
	cw->server = NULL;
	for (int i = 0; i < 50; i++)
		ctl_world_turn(cw);
	t_int("not asked", cw->asked, asked);
	for (int i = 0; i < 4; i++)
		close(fds[i]);
	ctl_server_close(NULL);
	buf_clear(&b);
}

/* A store that takes no more jobs: the state is told all the same. */
static void
test_busy(void **state)
{
	struct ctl_world cw;
	struct ctl_answer a;
	struct buf b;
	int fd;

	(void)state;
	ctl_world_open(&cw, 0);
	buf_init(&b, CTL_ANSWER_MAX);
	fd = ctl_world_connect(&cw);
	a = ask(&cw, fd, STATUS, &b);
	t_bool("status", a.ok, true);
	t_int("a problem", (int64_t)a.problems, 1);
	t_bool("no queue", strstr(b.p, "\"queue\":null") != NULL, true);
	a = ask(&cw, fd, STATS, &b);
	t_cstr("stats", a.error, "the queue is busy; ask again later");
	a = ask(&cw, fd, LIST, &b);
	t_cstr("list", a.error, "the queue is busy; ask again later");
	close(fd);
	buf_clear(&b);
	ctl_world_close(&cw);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_questions, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_release, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_pages, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_pipeline, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_bad, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_too_long, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_many, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_explain, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_gone, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_close, setup, teardown),
	    cmocka_unit_test(test_busy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
