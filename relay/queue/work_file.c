/*
 * A header, then places of 16 bytes, written one at a time by pwrite: what has
 * been handed to the kernel is there after any death of the process. They are
 * not mapped: a store to a mapped page kills the process when the file system
 * finds no block for it, on a full disk with copy on write.
 *
 * Numbers are in the machine's order: the files do not travel.
 */
#include "config.h"

#include "relay/queue/work_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "relay/base/buf.h"
#include "relay/base/codec.h"

#define WORK_PREFIX "work."
#define WORK_SUFFIX_NEW ".new"
#define WORK_PLACES_MAX (1u << 20) /* of a file that is believed */

struct work_header {
	char magic[8];
	uint64_t places;
};

static const char magic[8] = "WXWORK1";

struct work_file {
	int fd;
	size_t places;
	size_t *unused; /* stack of free places */
	size_t n_unused;
};

_Static_assert(sizeof(struct work_entry) == 16, "as it stands in the file");
_Static_assert(sizeof(struct work_header) == 16, "as it stands in the file");

void
work_file_name(unsigned shard, char out[WORK_FILE_NAME_MAX])
{
	(void)snprintf(out, WORK_FILE_NAME_MAX, WORK_PREFIX "%u", shard);
}

/* The number of a file work.N; false: it is none. */
static bool
name_shard(const char *name, uint64_t *shard)
{
	struct str s = str_of(name);

	if (!str_starts(s, STR(WORK_PREFIX)))
		return false;
	s = str_skip(s, strlen(WORK_PREFIX));
	return codec_u64(s, UINT32_MAX, shard) == 0;
}

/* ---- reading ---- */

static bool
read_at(int fd, void *p, size_t n, off_t at)
{
	return pread(fd, p, n, at) == (ssize_t)n;
}

struct list_of {
	struct work_entry *v;
	size_t n;
};

static void
read_places(int fd, struct list_of *l, uint32_t flags)
{
	struct work_header h;
	struct work_entry *v;
	size_t places;

	if (!read_at(fd, &h, sizeof(h), 0) ||
	    memcmp(h.magic, magic, sizeof(magic)) != 0 ||
	    h.places > WORK_PLACES_MAX)
		return;
	places = (size_t)h.places;
	l->v = xrealloc(l->v, (l->n + places + 1) * sizeof(*l->v));
	v = l->v + l->n;
	if (!read_at(fd, v, places * sizeof(*v), (off_t)sizeof(h)))
		return;
	for (size_t i = 0; i < places; i++) {
		if (v[i].msg == 0)
			continue;
		l->v[l->n] = v[i];
		l->v[l->n++].flags |= flags;
	}
}

static void
read_file(int dir, const char *name, struct list_of *l, uint32_t flags)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return;
	read_places(fd, l, flags);
	(void)close(fd);
}

void
work_file_read_all(const char *dir, struct work_entry **out, size_t *n)
{
	struct list_of l = {.v = xcalloc(1, sizeof(*l.v))};
	DIR *d = opendir(dir);
	struct dirent *e;
	uint64_t shard;

	while (d && (e = readdir(d)) != NULL) {
		if (name_shard(e->d_name, &shard))
			read_file(dirfd(d), e->d_name, &l, WORK_RUNNING);
		else if (strcmp(e->d_name, WORK_FILE_SUSPECTS) == 0)
			read_file(dirfd(d), e->d_name, &l, 0);
	}
	if (d)
		(void)closedir(d);
	*out = l.v;
	*n = l.n;
}

void
work_file_sweep(const char *dir, unsigned shards)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	uint64_t shard;

	while (d && (e = readdir(d)) != NULL) {
		if (name_shard(e->d_name, &shard) && shard >= shards)
			(void)unlinkat(dirfd(d), e->d_name, 0);
	}
	if (d)
		(void)closedir(d);
}

/* ---- writing ---- */

static NODISCARD int
system_error(const char *path, char text[256])
{
	int e = errno;

	(void)snprintf(text, 256, "%s: %s", path, strerror(e));
	switch (e) {
	case EACCES:
	case EPERM:
	case EROFS:
		return ERR_PERM;
	case ENOSPC:
	case EDQUOT:
		return ERR_FULL;
	default:
		return ERR_IO;
	}
}

/* All places at once: what is written later needs no more room. */
static bool
write_all(int fd, const struct work_entry *v, size_t n, size_t places)
{
	struct work_header h = {.places = places};
	size_t size = sizeof(h) + places * sizeof(*v);
	char *all = xcalloc(1, size);
	bool ok;

	memcpy(h.magic, magic, sizeof(magic));
	memcpy(all, &h, sizeof(h));
	if (n > 0)
		memcpy(all + sizeof(h), v, n * sizeof(*v));
	ok = write(fd, all, size) == (ssize_t)size;
	if (!ok && errno == 0)
		errno = ENOSPC;
	free(all);
	return ok;
}

static struct work_file *
file_new(int fd, size_t n, size_t places)
{
	struct work_file *w = xcalloc(1, sizeof(*w));

	w->fd = fd;
	w->places = places;
	w->unused = xcalloc(places, sizeof(*w->unused));
	for (size_t i = places; i > n; i--)
		w->unused[w->n_unused++] = i - 1;
	return w;
}

int
work_file_new(const char *dir, const char *name, const struct work_entry *v,
    size_t n, size_t places, struct work_file **out, char text[256])
{
	struct buf path, fresh;
	int rc = 0;
	int fd;

	if (places < n)
		BUG("%zu entries in %zu places", n, places);
	buf_init(&path, 8192);
	buf_init(&fresh, 8192);
	(void)buf_addf(&path, "%s/%s", dir, name);
	(void)buf_addf(&fresh, "%s/%s" WORK_SUFFIX_NEW, dir, name);
	fd = open(
	    fresh.p, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	errno = fd < 0 ? errno : 0;
	if (fd < 0 || !write_all(fd, v, n, places) ||
	    rename(fresh.p, path.p) != 0) {
		rc = system_error(path.p, text);
		/* What the old one says was judged. */
		(void)unlink(path.p);
		if (fd >= 0) {
			(void)unlink(fresh.p);
			(void)close(fd);
		}
	} else {
		*out = file_new(fd, n, places);
	}
	buf_clear(&path);
	buf_clear(&fresh);
	return rc;
}

void
work_file_close(struct work_file *w)
{
	if (!w)
		return;
	(void)close(w->fd);
	free(w->unused);
	free(w);
}

static void
write_place(const struct work_file *w, size_t place, const struct work_entry *e)
{
	off_t at = (off_t)(sizeof(struct work_header) + place * sizeof(*e));

	if (pwrite(w->fd, e, sizeof(*e), at) != (ssize_t)sizeof(*e))
		return; /* a crash now finds less; mail is not held up */
}

size_t
work_file_add(struct work_file *w, const struct work_entry *e)
{
	size_t place;

	if (!w)
		return 0;
	if (w->n_unused == 0)
		return w->places;
	place = w->unused[--w->n_unused];
	write_place(w, place, e);
	return place;
}

void
work_file_set(struct work_file *w, size_t place, const struct work_entry *e)
{
	const struct work_entry none = {0};

	if (!w || place >= w->places)
		return;
	write_place(w, place, e ? e : &none);
	if (!e)
		w->unused[w->n_unused++] = place;
}
