/* Mailboxes: order, credits, closing, and many threads at once. */
#include "config.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>

#include "relay/base/buf.h"
#include "relay/net/loop.h"
#include "relay/net/mailbox.h"
#include "relay/net/timer.h"
#include "tests/unit/t.h"

struct letter {
	struct mail_node node;
	int from, number;
};

static struct letter *
letter(int from, int number)
{
	struct letter *l = xcalloc(1, sizeof(*l));

	l->from = from;
	l->number = number;
	return l;
}

static void
drop(struct mail_node *node)
{
	free((struct letter *)(void *)node);
}

static struct letter *
letter_of(struct mail_node *node)
{
	return (struct letter *)(void *)node;
}

struct reader {
	struct loop *loop;
	struct mailbox *mb;
	struct buf trace;
	bool free_inside;
};

static void
on_mail(void *arg, struct mail_node *node)
{
	struct reader *r = arg;

	buf_addf(&r->trace, "%d", letter_of(node)->number);
	drop(node);
	if (r->free_inside)
		mailbox_free(r->mb, drop);
}

static void
test_on_loop(void **state)
{
	struct reader r = {0};
	struct letter *kept = letter(0, 9);

	(void)state;
	buf_init(&r.trace, 100);
	t_err("loop", loop_new(&r.loop), 0);
	t_err("new", mailbox_new(r.loop, 2, on_mail, &r, &r.mb), 0);
	t_err("1", mailbox_post(r.mb, &letter(0, 1)->node), 0);
	t_err("2", mailbox_post(r.mb, &letter(0, 2)->node), 0);
	t_err("no credit", mailbox_post(r.mb, &kept->node), ERR_FULL);
	t_err("3", mailbox_post_always(r.mb, &letter(0, 3)->node), 0);
	t_is("not inside the post", buf_str(&r.trace), "");
	while (r.trace.n < 3)
		loop_run_once(r.loop);
	t_is("in order", buf_str(&r.trace), "123");
	t_err("credits come by release", mailbox_post(r.mb, &kept->node),
	    ERR_FULL);
	mailbox_release(r.mb, 1);
	t_err("one", mailbox_post(r.mb, &letter(0, 4)->node), 0);
	t_err("and no more", mailbox_post(r.mb, &kept->node), ERR_FULL);
	mailbox_shut(r.mb);
	t_bool("shut", mailbox_is_shut(r.mb), true);
	t_err("shut", mailbox_post(r.mb, &kept->node), ERR_CLOSED);
	t_err("shut", mailbox_post_always(r.mb, &kept->node), ERR_CLOSED);
	while (r.trace.n < 4)
		loop_run_once(r.loop);
	t_is("what was in it came", buf_str(&r.trace), "1234");
	mailbox_free(r.mb, drop);
	mailbox_free(NULL, drop);
	loop_free(r.loop);
	free(kept);
	buf_clear(&r.trace);
}

static void
test_free_drops(void **state)
{
	struct reader r = {.free_inside = true};

	(void)state;
	buf_init(&r.trace, 100);
	t_err("loop", loop_new(&r.loop), 0);
	t_err("new", mailbox_new(r.loop, 9, on_mail, &r, &r.mb), 0);
	for (int i = 1; i <= 3; i++)
		t_err("post", mailbox_post(r.mb, &letter(0, i)->node), 0);
	loop_run(r.loop);
	t_is("the first freed it", buf_str(&r.trace), "1");
	loop_free(r.loop); /* and the sanitizer sees no letter left */
	buf_clear(&r.trace);
}

static void
test_blocking(void **state)
{
	struct mailbox *mb;
	struct mail_node *n;

	(void)state;
	t_err("new", mailbox_new_blocking(5, &mb), 0);
	assert_null(mailbox_wait(mb, 0));
	assert_null(mailbox_wait(mb, 1));
	t_bool("only timed out", mailbox_is_shut(mb), false);
	t_err("1", mailbox_post(mb, &letter(0, 1)->node), 0);
	t_err("2", mailbox_post(mb, &letter(0, 2)->node), 0);
	n = mailbox_wait(mb, -1);
	t_int("first", letter_of(n)->number, 1);
	t_int("second", letter_of(n->next)->number, 2);
	assert_null(n->next->next);
	drop(n->next);
	drop(n);
	t_err("3", mailbox_post(mb, &letter(0, 3)->node), 0);
	mailbox_shut(mb);
	n = mailbox_wait(mb, -1);
	t_int("after shut", letter_of(n)->number, 3);
	drop(n);
	assert_null(mailbox_wait(mb, -1));
	mailbox_free(mb, drop);
}

#define SENDERS 4
#define LETTERS 2000
#define CREDITS 16

/* Sends LETTERS letters, each when there is a credit for it. */
struct sender {
	struct mailbox *to;
	int id;
	struct net_thread *t;
};

static void
send_all(void *arg)
{
	struct sender *s = arg;

	for (int i = 0; i < LETTERS; i++) {
		struct letter *l = letter(s->id, i);

		while (mailbox_post(s->to, &l->node) == ERR_FULL)
			sched_yield();
	}
}

/* Counts what came, and that each sender's letters came in order. */
struct count {
	struct mailbox *mb;
	struct loop *loop;
	int next[SENDERS];
	int total;
};

static void
count_letter(struct count *c, struct mail_node *node)
{
	struct letter *l = letter_of(node);

	t_int("in order", l->number, c->next[l->from]);
	c->next[l->from]++;
	c->total++;
	drop(node);
	mailbox_release(c->mb, 1);
}

static void
count_on_loop(void *arg, struct mail_node *node)
{
	struct count *c = arg;

	count_letter(c, node);
	if (c->total == SENDERS * LETTERS)
		loop_stop(c->loop);
}

static void
start_senders(struct sender s[SENDERS], struct mailbox *mb)
{
	for (int i = 0; i < SENDERS; i++) {
		s[i].to = mb;
		s[i].id = i;
		t_err("thread",
		    net_thread_start(send_all, &s[i], "sender", &s[i].t), 0);
	}
}

static void
join_senders(struct sender s[SENDERS])
{
	for (int i = 0; i < SENDERS; i++)
		net_thread_join(s[i].t);
}

static void
test_many_to_loop(void **state)
{
	struct sender s[SENDERS];
	struct count c = {0};

	(void)state;
	t_err("loop", loop_new(&c.loop), 0);
	t_err("new", mailbox_new(c.loop, CREDITS, count_on_loop, &c, &c.mb), 0);
	start_senders(s, c.mb);
	loop_run(c.loop);
	t_int("all came", c.total, SENDERS * LETTERS);
	join_senders(s);
	mailbox_shut(c.mb);
	mailbox_free(c.mb, drop);
	loop_free(c.loop);
}

static void
test_many_to_blocking(void **state)
{
	struct sender s[SENDERS];
	struct count c = {0};

	(void)state;
	t_err("new", mailbox_new_blocking(CREDITS, &c.mb), 0);
	start_senders(s, c.mb);
	while (c.total < SENDERS * LETTERS) {
		struct mail_node *n = mailbox_wait(c.mb, -1);

		while (n) {
			struct mail_node *next = n->next;

			count_letter(&c, n);
			n = next;
		}
	}
	join_senders(s);
	mailbox_shut(c.mb);
	mailbox_free(c.mb, drop);
}

/* A job goes to a thread that blocks and its answer comes back to the loop:
 * the way of the store. */
struct echo {
	struct mailbox *jobs;
	struct mailbox *answers;
	struct loop *loop;
	int got;
	bool mask_ok;
};

static void
echo_main(void *arg)
{
	struct echo *e = arg;
	struct mail_node *n;
	sigset_t set;

	pthread_sigmask(SIG_BLOCK, NULL, &set);
	e->mask_ok = sigismember(&set, SIGTERM) && sigismember(&set, SIGHUP);
	while ((n = mailbox_wait(e->jobs, -1)) != NULL) {
		while (n) {
			struct mail_node *next = n->next;

			t_err("answer", mailbox_post_always(e->answers, n), 0);
			n = next;
		}
	}
}

static void
on_answer(void *arg, struct mail_node *node)
{
	struct echo *e = arg;

	t_int("in order", letter_of(node)->number, e->got++);
	mailbox_release(e->jobs, 1);
	if (e->got == LETTERS) {
		drop(node);
		loop_stop(e->loop);
		return;
	}
	letter_of(node)->number = e->got + CREDITS - 1;
	if (letter_of(node)->number < LETTERS)
		t_err("job", mailbox_post(e->jobs, node), 0);
	else
		drop(node);
}

static void
test_there_and_back(void **state)
{
	struct net_thread *t;
	struct echo e = {0};

	(void)state;
	t_err("loop", loop_new(&e.loop), 0);
	t_err("jobs", mailbox_new_blocking(CREDITS, &e.jobs), 0);
	t_err("answers", mailbox_new(e.loop, 0, on_answer, &e, &e.answers), 0);
	t_err("thread",
	    net_thread_start(echo_main, &e, "a name that is too long", &t), 0);
	for (int i = 0; i < CREDITS; i++)
		t_err("job", mailbox_post(e.jobs, &letter(0, i)->node), 0);
	loop_run(e.loop);
	t_int("all", e.got, LETTERS);
	mailbox_shut(e.jobs);
	net_thread_join(t);
	net_thread_join(NULL);
	t_bool("signals are for the main thread", e.mask_ok, true);
	mailbox_free(e.jobs, drop);
	mailbox_shut(e.answers);
	mailbox_free(e.answers, drop);
	loop_free(e.loop);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_on_loop),
	    cmocka_unit_test(test_free_drops),
	    cmocka_unit_test(test_blocking),
	    cmocka_unit_test(test_many_to_loop),
	    cmocka_unit_test(test_many_to_blocking),
	    cmocka_unit_test(test_there_and_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
