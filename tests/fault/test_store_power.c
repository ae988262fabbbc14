/*
 * The power goes at a moment of a run of the store: before and after every
 * sync, before every name that is removed, at the end, and at moments by
 * chance. Of what was not synced by then nothing survives, or all, or each
 * sector (512 or 4096 bytes) and each name by chance. A start on what is left
 * finds what was answered, and of the job under way all or nothing (QUE-01).
 *
 *	test_store_power [SEED]		a failure says its seed
 *
 * The run stands still while the parent looks at the images of a moment. With
 * WAXSEAL_FAULT_FULL=1 every operation is a moment, under more seeds.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "relay/base/buf.h"
#include "tests/fault/cases.h"
#include "tests/fault/disk.h"

#define MAX_IMAGES 32

struct power {
	struct case_env *env;
	struct ledger *then; /* at the moment; shared */
	unsigned long seed;
	bool many;
	unsigned random_images; /* of each size of sector */
	unsigned every; /* one operation of so many is a moment */
	unsigned syncs; /* one sync of so many is, too */
	int to_parent[2], to_child[2];

	/* Child. */
	struct rng rng;
	unsigned long ops;
	bool after_sync;
	/* Parent. */
	unsigned long moments, images;
};

/* One moment, as told to the parent. */
struct moment {
	unsigned long op;
	unsigned images;
	size_t pending;
};

static void
image_dir(const struct power *p, unsigned i, char out[256])
{
	(void)snprintf(out, 256, "%s-image%u", p->env->dir, i);
}

/* Child: makes the images and waits until they have been looked at. */
static void
lose_power(struct power *p)
{
	static const size_t sectors[] = {512, 4096};
	struct moment m = {.op = p->ops, .pending = disk_pending()};
	char dir[256];
	char c;

	ledger_copy(p->then, p->env->l);
	image_dir(p, m.images++, dir);
	disk_image(dir, DISK_NONE, 512, &p->rng);
	image_dir(p, m.images++, dir);
	disk_image(dir, DISK_ALL, 512, &p->rng);
	for (unsigned i = 0; m.pending > 0 && i < 2 * p->random_images; i++) {
		image_dir(p, m.images++, dir);
		disk_image(dir, DISK_SOME, sectors[i % 2], &p->rng);
	}
	if (write(p->to_parent[1], &m, sizeof(m)) != (ssize_t)sizeof(m) ||
	    read(p->to_child[0], &c, 1) != 1)
		_exit(3);
}

/* Before each operation. */
static void
look(void *arg, enum fault_kind kind)
{
	struct power *p = arg;
	bool sync = kind == FAULT_SYNC || kind == FAULT_SYS_SYNC;
	bool name = kind == FAULT_DELETE || kind == FAULT_SYS_UNLINK;
	bool mine;

	p->ops++;
	mine = (sync || name) && rng_below(&p->rng, p->syncs) == 0;
	if (mine || p->after_sync || rng_below(&p->rng, p->every) == 0)
		lose_power(p);
	p->after_sync = mine;
}

static void
one_run(void *arg, struct world *w, struct ledger *l)
{
	struct power *p = arg;
	struct fault_plan plan = {FAULT_N_KINDS, FAULT_MODE_NONE, 0, false};

	rng_init_seed(&p->rng, p->seed);
	disk_watch(p->env->dir);
	fault_arm(&plan, look, p);
	script_run(w, l, p->many);
	fault_disarm();
	lose_power(p);
	script_heal(w, l);
}

/* Parent: each image by a store that knows nothing of the shims. */
static void
check_images(struct power *p, const struct moment *m)
{
	char dir[256];

	for (unsigned i = 0; i < m->images; i++) {
		struct case_env e = *p->env;

		image_dir(p, i, dir);
		e.l = p->then;
		if (!case_passed(case_check(&e, dir, false))) {
			p->env->failed++;
			printf("FAILED: test_store_power %lu: %s run, before "
			       "operation %lu, image %u\n",
			    p->seed, p->many ? "long" : "short", m->op, i);
		}
		case_remove(dir);
		p->images++;
	}
	p->moments++;
}

/* Until the child has no end of the pipe any more. */
static void
attend(void *arg, pid_t child)
{
	struct power *p = arg;
	struct moment m;

	(void)child;
	(void)close(p->to_parent[1]);
	(void)close(p->to_child[0]);
	while (read(p->to_parent[0], &m, sizeof(m)) == (ssize_t)sizeof(m)) {
		check_images(p, &m);
		if (write(p->to_child[1], "", 1) != 1)
			break;
	}
	(void)close(p->to_parent[0]);
	(void)close(p->to_child[1]);
}

static void
run(struct case_env *e, unsigned long seed, bool many, unsigned random_images,
    unsigned every)
{
	struct power p = {.env = e,
	    .seed = seed,
	    .many = many,
	    .syncs = many ? case_stride(4) : 1,
	    .random_images = random_images,
	    .every = every};
	int status;

	p.then = ledger_new();
	if (pipe(p.to_parent) != 0 || pipe(p.to_child) != 0)
		BUG("no pipe");
	case_reset(e);
	e->run++;
	status = case_child(e, one_run, attend, &p);
	if (!case_passed(status) || !e->l->whole || p.moments == 0) {
		e->failed++;
		printf("FAILED: test_store_power %lu: the run itself\n", seed);
	}
	printf("%s run, seed %lu: %lu moments, %lu images, %u failed\n",
	    many ? "long" : "short", seed, p.moments, p.images, e->failed);
}

int
main(int argc, char **argv)
{
	unsigned long first = argc > 1 ? case_number(argv[1]) : 1;
	unsigned long last = argc > 1 ? first : 3;
	struct case_env e;
	unsigned stride = case_stride(4);

	case_begin(&e);
	if (case_full() && argc == 1)
		last = 8;
	for (unsigned long seed = first; seed <= last; seed++) {
		if (seed > first && stride > 1)
			break;
		run(&e, seed, false, stride > 1 ? 1 : 3,
		    case_full() ? 1 : 8 * stride);
	}
	run(&e, first, true, 1, case_full() ? 7 : 4000 * stride);
	return case_end(&e, "test_store_power");
}
