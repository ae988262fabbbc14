/*
 * Many threads post into one mailbox, which is shut in the middle by its
 * receiver or by somebody else, while it is full, empty or neither. Each node
 * is delivered once, or dropped once by mailbox_free, or stays its sender's:
 * exactly one of these. What a sender posted comes in its order; a receiver
 * never holds more than the credits; and when nobody shuts, all comes.
 *
 *	STRESS_SEED=N   what the threads do
 *	STRESS_SEEDS=N  how many seeds, one after the other
 *	STRESS_STALL=N  seconds without any movement that are too many
 */
#include "config.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "relay/base/buf.h"
#include "relay/base/err.h"
#include "relay/net/loop.h"
#include "tests/stress/stress.h"

#define SENDERS 6
#define LETTERS 400

struct letter {
	struct mail_node node;
	struct sender *from;
	bool credited; /* took a credit; written before the post */
	/* Written by whoever has it: sender before, receiver behind. */
	unsigned delivered, dropped, kept;
};

struct sender {
	struct post *post;
	struct net_thread *thread;
	struct rng rng;
	struct letter letters[LETTERS];
	int last; /* receiver: number of the last one that came */
};

/* One mailbox and all around it. */
struct post {
	struct tally tally;
	struct rng rng; /* receiver's */
	struct mailbox *mb;
	struct loop *loop; /* NULL: blocking receiver */
	struct mailbox *done; /* wakes the loop of the receiver */
	struct net_thread *receiver, *killer;
	struct sender *senders;
	unsigned credits, held, came;
	unsigned shut_at; /* deliveries; 0: not by the receiver */
	unsigned leave_at; /* deliveries after which the loop ends; 0: none */
	bool by_killer;
	atomic_bool is_shut; /* and mailbox_shut has returned */
	unsigned long kill_at; /* progress */
	unsigned wrong;
};

static void
wrong(struct post *p, const char *what)
{
	printf("stress_mailbox: %s\n", what);
	p->wrong++;
}

static void
shut(struct post *p)
{
	mailbox_shut(p->mb);
	atomic_store(&p->is_shut, true);
}

/* ---- senders ---- */

static bool
send_one(struct sender *s, struct letter *l)
{
	unsigned tries = 1 + rng_below(&s->rng, 50);
	int err = ERR_FULL;

	l->credited = rng_below(&s->rng, 8) != 0;
	if (!l->credited) {
		err = mailbox_post_always(s->post->mb, &l->node);
		if (err == ERR_FULL)
			BUG("no credit is needed");
	}
	while (l->credited && err == ERR_FULL && tries-- > 0) {
		err = mailbox_post(s->post->mb, &l->node);
		if (err == ERR_FULL)
			sched_yield();
	}
	if (err)
		l->kept++;
	return err != ERR_CLOSED;
}

static void
sender_main(void *arg)
{
	struct sender *s = arg;
	bool open = true;

	for (unsigned i = 0; i < LETTERS; i++) {
		bool was_shut = atomic_load(&s->post->is_shut);
		bool still = send_one(s, &s->letters[i]);

		if (still && (was_shut || !open))
			BUG("a mailbox that was shut is open");
		open = still;
		tally_moved(&s->post->tally);
	}
	atomic_fetch_add(&s->post->tally.accepted, 1);
}

/* ---- receiver ---- */

static void
take(struct post *p, struct mail_node *node)
{
	struct letter *l = (struct letter *)(void *)node;
	int number = (int)(l - l->from->letters);

	l->delivered++;
	if (number <= l->from->last)
		wrong(p, "out of order");
	l->from->last = number;
	p->came++;
	atomic_fetch_add(&p->tally.delivered, 1);
	tally_moved(&p->tally);
	if (l->credited && ++p->held > p->credits)
		wrong(p, "more under way than there are credits");
	if (p->held > 0 &&
	    (p->held == p->credits || rng_below(&p->rng, 3) == 0)) {
		mailbox_release(p->mb, p->held);
		p->held = 0;
	}
	if (p->came == p->shut_at)
		shut(p);
	if (p->came == p->leave_at)
		loop_stop(p->loop);
}

static void
on_letter(void *arg, struct mail_node *node)
{
	take(arg, node);
}

static void
on_done(void *arg, struct mail_node *node)
{
	struct post *p = arg;

	(void)node;
	loop_stop(p->loop);
}

static void
receiver_main(void *arg)
{
	struct post *p = arg;
	struct mail_node *list;

	if (p->loop) {
		loop_run(p->loop);
		return;
	}
	while ((list = mailbox_wait(p->mb, -1)) != NULL) {
		while (list) {
			struct mail_node *next = list->next;

			take(p, list);
			list = next;
		}
	}
}

static void
killer_main(void *arg)
{
	struct post *p = arg;

	while (atomic_load(&p->tally.progress) < p->kill_at &&
	    atomic_load(&p->tally.accepted) < SENDERS)
		sched_yield();
	shut(p);
}

/* ---- one mailbox ---- */

static void
on_drop(struct mail_node *node)
{
	((struct letter *)(void *)node)->dropped++;
}

static void
start(struct post *p, uint64_t seed)
{
	p->senders = xcalloc(SENDERS, sizeof(*p->senders));
	for (unsigned i = 0; i < SENDERS; i++) {
		struct sender *s = &p->senders[i];

		s->post = p;
		s->last = -1;
		rng_init_seed(&s->rng, seed * 100 + i);
		for (unsigned k = 0; k < LETTERS; k++)
			s->letters[k].from = s;
	}
	if (p->by_killer &&
	    net_thread_start(killer_main, p, "killer", &p->killer) != 0)
		BUG("no thread");
	if (net_thread_start(receiver_main, p, "receiver", &p->receiver) != 0)
		BUG("no thread");
	for (unsigned i = 0; i < SENDERS; i++) {
		struct sender *s = &p->senders[i];

		if (net_thread_start(sender_main, s, "sender", &s->thread) != 0)
			BUG("no thread");
	}
}

/* Nobody shut it: the receiver is woken for all that was posted. */
static void
wait_for_all(struct post *p)
{
	unsigned posted = 0;

	for (unsigned i = 0; i < SENDERS; i++) {
		for (unsigned k = 0; k < LETTERS; k++)
			posted += !p->senders[i].letters[k].kept;
	}
	while (atomic_load(&p->tally.delivered) < posted)
		sched_yield();
}

static void
end(struct post *p, struct mail_node *done)
{
	for (unsigned i = 0; i < SENDERS; i++)
		net_thread_join(p->senders[i].thread);
	net_thread_join(p->killer);
	if (!p->by_killer && !p->shut_at && !p->leave_at)
		wait_for_all(p);
	if (!p->loop)
		mailbox_shut(p->mb); /* it takes what is there, then ends */
	else if (mailbox_post_always(p->done, done) != 0)
		BUG("receiver is gone");
	net_thread_join(p->receiver);
	mailbox_shut(p->mb);
	mailbox_free(p->mb, on_drop);
	if (p->loop) {
		mailbox_shut(p->done);
		mailbox_free(p->done, NULL);
		loop_free(p->loop);
	}
}

static void
judge(struct post *p, unsigned counts[3])
{
	for (unsigned i = 0; i < SENDERS; i++) {
		for (unsigned k = 0; k < LETTERS; k++) {
			const struct letter *l = &p->senders[i].letters[k];

			counts[0] += l->delivered;
			counts[1] += l->dropped;
			counts[2] += l->kept;
			if (l->delivered + l->dropped + l->kept == 0)
				wrong(p, "a node was lost");
			else if (l->delivered + l->dropped + l->kept > 1)
				wrong(p, "a node came to two ends");
		}
	}
}

static void
no_dump(void *arg)
{
	(void)arg;
}

static unsigned
one_mailbox(uint64_t seed, bool on_loop, unsigned counts[3])
{
	struct post *p = xcalloc(1, sizeof(*p));
	struct mail_node done;
	struct stress_watch *w;
	unsigned bad;
	int err;

	rng_init_seed(&p->rng, seed);
	p->credits = 1 + rng_below(&p->rng, 32);
	p->by_killer = rng_below(&p->rng, 2) != 0;
	p->kill_at = rng_below(&p->rng, SENDERS * LETTERS);
	if (rng_below(&p->rng, 2))
		p->shut_at = 1 + rng_below(&p->rng, SENDERS * LETTERS);
	if (on_loop && rng_below(&p->rng, 3) == 0)
		p->leave_at = 1 + rng_below(&p->rng, SENDERS * LETTERS / 4);
	tally_phase(&p->tally, on_loop ? "on a loop" : "blocking");
	w = stress_watch_start(&p->tally,
	    (int64_t)stress_env("STRESS_STALL", 60) * 1000, no_dump, NULL);
	if (on_loop) {
		err = loop_new(&p->loop);
		if (!err)
			err = mailbox_new(
			    p->loop, p->credits, on_letter, p, &p->mb);
		if (!err)
			err = mailbox_new(p->loop, 0, on_done, p, &p->done);
	} else {
		err = mailbox_new_blocking(p->credits, &p->mb);
	}
	if (err)
		BUG("no mailbox");
	start(p, seed);
	end(p, &done);
	judge(p, counts);
	stress_watch_stop(w);
	bad = p->wrong;
	free(p->senders);
	free(p);
	return bad;
}

int
main(void)
{
	unsigned first = stress_env("STRESS_SEED", 1);
	unsigned seeds = stress_env("STRESS_SEEDS", 25);
	unsigned counts[3] = {0};
	unsigned bad = 0;

	for (unsigned i = 0; i < seeds && !bad; i++) {
		bad += one_mailbox(first + i, false, counts);
		bad += one_mailbox(first + i, true, counts);
		if (bad)
			printf("seed %u\n", first + i);
	}
	printf("%u delivered, %u dropped, %u kept, %u wrong\n", counts[0],
	    counts[1], counts[2], bad);
	/* A test in which one of these never happens tests nothing. */
	if (seeds >= 10 && (!counts[0] || !counts[1] || !counts[2])) {
		printf("some end never came\n");
		bad++;
	}
	return bad ? 1 : 0;
}
