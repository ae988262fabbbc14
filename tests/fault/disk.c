/*
 * The model of the disk: for each file its durable bytes and the writes since
 * the last sync, for each name the durable file and the changes since the last
 * sync of its folder. A sector holds one of the versions it had since then,
 * and a file one of its lengths: more than real disks do is allowed here, as
 * no program may count on the order in which they write.
 */
#include "config.h"

#include "tests/fault/disk.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "relay/base/buf.h"

#define PATH_LEN 96
#define MAX_NAMES 512

/* bytes NULL: a truncation to size at. */
struct op {
	uint8_t *bytes;
	uint64_t at;
	size_t n;
};

struct file {
	bool folder;
	struct buf durable;
	struct op *ops;
	size_t n_ops, cap;
};

/* File that a name means: NULL for none. */
struct name {
	char path[PATH_LEN]; /* below the watched folder */
	struct file *durable;
	struct file **since; /* what it meant since the last sync */
	size_t n;
};

struct disk {
	pthread_mutex_t lock;
	char dir[256];
	size_t dir_len;
	struct name names[MAX_NAMES];
	size_t n;
};

static struct disk disk = {.lock = PTHREAD_MUTEX_INITIALIZER};

void
disk_watch(const char *dir)
{
	(void)snprintf(disk.dir, sizeof(disk.dir), "%s", dir);
	disk.dir_len = strlen(disk.dir);
}

/* The part below the folder, "" for the folder itself; NULL: not watched. */
static const char *
below(const char *path)
{
	size_t n = strlen(path);

	if (disk.dir_len == 0 || strncmp(path, disk.dir, disk.dir_len) != 0)
		return NULL;
	if (n > 4 && strcmp(path + n - 4, "-shm") == 0)
		return NULL;
	path += disk.dir_len;
	if (*path == '\0')
		return path;
	return *path == '/' ? path + 1 : NULL;
}

static struct name *
name_of(const char *rel, bool make)
{
	struct name *n;

	for (size_t i = 0; i < disk.n; i++) {
		if (strcmp(disk.names[i].path, rel) == 0)
			return &disk.names[i];
	}
	if (!make)
		return NULL;
	if (disk.n == MAX_NAMES || strlen(rel) >= PATH_LEN)
		BUG("disk: no room for %s", rel);
	n = &disk.names[disk.n++];
	(void)snprintf(n->path, sizeof(n->path), "%s", rel);
	return n;
}

static struct file *
now(const struct name *n)
{
	return n->n > 0 ? n->since[n->n - 1] : n->durable;
}

static void
change_name(const char *path, struct file *f)
{
	const char *rel = below(path);
	struct name *n;

	if (!rel) {
		free(f);
		return;
	}
	n = name_of(rel, true);
	n->since = xrealloc(n->since, (n->n + 1) * sizeof(struct file *));
	n->since[n->n++] = f;
}

void
disk_made(const char *path, bool folder)
{
	struct file *f = xcalloc(1, sizeof(*f));

	f->folder = folder;
	buf_init(&f->durable, 1u << 30);
	pthread_mutex_lock(&disk.lock);
	change_name(path, f);
	pthread_mutex_unlock(&disk.lock);
}

void
disk_removed(const char *path)
{
	pthread_mutex_lock(&disk.lock);
	change_name(path, NULL);
	pthread_mutex_unlock(&disk.lock);
}

/* bytes: taken over. */
static void
add_op(const char *path, struct op op)
{
	const char *rel;
	struct name *n;
	struct file *f = NULL;

	pthread_mutex_lock(&disk.lock);
	rel = below(path);
	n = rel ? name_of(rel, false) : NULL;
	if (n)
		f = now(n);
	if (f && f->n_ops == f->cap) {
		f->cap = f->cap > 0 ? f->cap * 2 : 16;
		f->ops = xrealloc(f->ops, f->cap * sizeof(*f->ops));
	}
	if (f)
		f->ops[f->n_ops++] = op;
	else
		free(op.bytes); /* not watched, or nobody's any more */
	pthread_mutex_unlock(&disk.lock);
}

void
disk_wrote(const char *path, uint64_t at, const void *p, size_t n)
{
	struct op op = {xmalloc(n), at, n};

	memcpy(op.bytes, p, n);
	add_op(path, op);
}

void
disk_truncated(const char *path, uint64_t size)
{
	add_op(path, (struct op){NULL, size, 0});
}

/* Length after an operation. */
static size_t
size_after(size_t size, const struct op *op)
{
	size_t end = (size_t)op->at + op->n;

	return !op->bytes || end > size ? end : size;
}

static void
resize(struct buf *b, size_t size)
{
	static const char zeros[4096];

	while (b->n < size) {
		size_t n = size - b->n;

		(void)buf_add(b, zeros, n < sizeof(zeros) ? n : sizeof(zeros));
	}
	b->n = size;
}

/* The part of an operation that lies in [from, to), which b holds. */
static void
apply(struct buf *b, const struct op *op, size_t from, size_t to)
{
	size_t at = (size_t)op->at;
	size_t end = op->bytes ? at + op->n : b->n;

	if (at < from)
		at = from;
	if (end > to)
		end = to;
	if (at >= end)
		return;
	if (op->bytes)
		memcpy(b->p + at, op->bytes + (at - (size_t)op->at), end - at);
	else
		memset(b->p + at, 0, end - at);
}

static bool
touches(const struct op *op, size_t from, size_t to)
{
	return op->at < to && (!op->bytes || op->at + op->n > from);
}

static void
sync_file(struct file *f)
{
	for (size_t i = 0; i < f->n_ops; i++) {
		resize(&f->durable, size_after(f->durable.n, &f->ops[i]));
		apply(&f->durable, &f->ops[i], 0, f->durable.n);
		free(f->ops[i].bytes);
	}
	f->n_ops = 0;
}

void
disk_synced(const char *path)
{
	const char *rel;
	const struct name *n;

	pthread_mutex_lock(&disk.lock);
	rel = below(path);
	n = rel ? name_of(rel, false) : NULL;
	if (n && now(n))
		sync_file(now(n));
	pthread_mutex_unlock(&disk.lock);
}

/* Does the name stand directly in the folder? */
static bool
stands_in(const char *rel, const char *folder)
{
	size_t n = strlen(folder);

	if (n == 0)
		return strchr(rel, '/') == NULL;
	return strncmp(rel, folder, n) == 0 && rel[n] == '/';
}

void
disk_synced_names(const char *folder)
{
	const char *rel;

	pthread_mutex_lock(&disk.lock);
	rel = below(folder);
	for (size_t i = 0; rel && i < disk.n; i++) {
		struct name *n = &disk.names[i];

		if (!stands_in(n->path, rel))
			continue;
		n->durable = now(n);
		n->n = 0;
	}
	pthread_mutex_unlock(&disk.lock);
}

size_t
disk_pending(void)
{
	size_t n = 0;

	pthread_mutex_lock(&disk.lock);
	for (size_t i = 0; i < disk.n; i++) {
		const struct file *f = now(&disk.names[i]);

		n += disk.names[i].n;
		if (f)
			n += f->n_ops;
	}
	pthread_mutex_unlock(&disk.lock);
	return n;
}

/* How many of n changes come through. */
static size_t
luck(enum disk_fate fate, struct rng *rng, size_t n)
{
	if (fate == DISK_NONE)
		return 0;
	return fate == DISK_ALL ? n : rng_below(rng, (uint32_t)n + 1);
}

/* What lies in [from, from + sector) when the power is back. */
static void
keep_sector(struct buf *b, const struct file *f, size_t from, size_t to,
    enum disk_fate fate, struct rng *rng)
{
	size_t n = 0;

	for (size_t i = 0; i < f->n_ops; i++)
		n += touches(&f->ops[i], from, to);
	n = luck(fate, rng, n);
	for (size_t i = 0; n > 0; i++) {
		if (!touches(&f->ops[i], from, to))
			continue;
		apply(b, &f->ops[i], from, to);
		n--;
	}
}

static struct buf
surviving(
    const struct file *f, enum disk_fate fate, size_t sector, struct rng *rng)
{
	struct buf b;
	size_t max = f->durable.n;
	size_t size = max;
	size_t last = size;
	size_t kept = luck(fate, rng, f->n_ops);

	buf_init(&b, 1u << 30);
	(void)buf_add(&b, f->durable.p, f->durable.n);
	for (size_t i = 0; i < f->n_ops; i++) {
		last = size_after(last, &f->ops[i]);
		if (last > max)
			max = last;
		if (i < kept)
			size = last;
	}
	resize(&b, max);
	for (size_t at = 0; at < max; at += sector)
		keep_sector(&b, f, at, at + sector < max ? at + sector : max,
		    fate, rng);
	b.n = size;
	return b;
}

static void
write_file(const char *path, struct buf *b)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	size_t at = 0;

	/* The folder above it may be one that was lost. */
	while (fd >= 0 && at < b->n) {
		ssize_t n = write(fd, b->p + at, b->n - at);

		if (n <= 0)
			BUG("disk: no room for %s", path);
		at += (size_t)n;
	}
	if (fd >= 0)
		(void)close(fd);
	buf_clear(b);
}

/* Names are in the order of their making: a folder comes before its files. */
void
disk_image(const char *to, enum disk_fate fate, size_t sector, struct rng *rng)
{
	char path[512];
	struct buf b;

	pthread_mutex_lock(&disk.lock);
	(void)mkdir(to, 0700);
	for (size_t i = 0; i < disk.n; i++) {
		const struct name *n = &disk.names[i];
		size_t kept = luck(fate, rng, n->n);
		const struct file *f = kept ? n->since[kept - 1] : n->durable;

		(void)snprintf(path, sizeof(path), "%s/%s", to, n->path);
		if (!f)
			continue;
		if (f->folder) {
			(void)mkdir(path, 0700);
			continue;
		}
		b = surviving(f, fate, sector, rng);
		write_file(path, &b);
	}
	pthread_mutex_unlock(&disk.lock);
}
