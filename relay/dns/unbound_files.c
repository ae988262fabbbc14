/*
 * A file is written under another name and moved into place, made new and
 * never followed: the folder's owner is the child, and the parent may be
 * root. The seed of the anchor is kept beside it, to see whether it changed:
 * unbound rewrites the anchor itself with its RFC 5011 state.
 */
#include "config.h"

#include "relay/dns/unbound_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "relay/base/buf.h"
#include "relay/dns/unbound_conf.h"

#define SEED_NAME "root.seed"
#define SYSTEM_ANCHOR "/usr/share/dns/root.key"
#define FILE_MAX 65536u /* bytes of an anchor or hints file */

struct folder {
	int fd;
	long uid, gid;
};

static int
fail(char text[256], const char *what, const char *name)
{
	int err = errno == EACCES || errno == EPERM ? ERR_PERM
	    : errno == ENOSPC || errno == EDQUOT    ? ERR_FULL
						    : ERR_IO;

	(void)snprintf(text, 256, "%s %.150s: %s", what, name, strerror(errno));
	return err;
}

/* Whole file into b; errno on -1. dir: AT_FDCWD follows links, ours don't. */
static int
read_all(int dir, const char *name, struct buf *b)
{
	int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;
	char part[4096];
	ssize_t n = -1;
	int fd, saved;

	if (dir != AT_FDCWD)
		flags |= O_NOFOLLOW;
	fd = openat(dir, name, flags);
	if (fd < 0)
		return -1;
	while ((n = read(fd, part, sizeof(part))) > 0) {
		if (buf_add(b, part, (size_t)n) != 0) {
			errno = EFBIG;
			n = -1;
			break;
		}
	}
	saved = errno;
	close(fd);
	errno = saved;
	return n < 0 ? -1 : 0;
}

static int
write_all(int fd, struct str s)
{
	while (s.n > 0) {
		ssize_t n = write(fd, s.p, s.n);

		if (n < 0 && errno != EINTR)
			return -1;
		if (n > 0)
			s = str_skip(s, (size_t)n);
	}
	return fsync(fd);
}

static int
put_file(const struct folder *f, const char *name, struct str content,
    char text[256])
{
	char temp[64];
	int fd, err = 0;

	(void)snprintf(temp, sizeof(temp), "%s.new", name);
	(void)unlinkat(f->fd, temp, 0);
	fd = openat(f->fd, temp,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640);
	if (fd < 0)
		return fail(text, "can't create", name);
	if (write_all(fd, content) != 0 ||
	    (f->uid >= 0 && fchown(fd, (uid_t)f->uid, (gid_t)f->gid) != 0) ||
	    renameat(f->fd, temp, f->fd, name) != 0)
		err = fail(text, "can't write", name);
	close(fd);
	return err;
}

static int
open_folder(
    const struct unbound_files_opts *o, struct folder *f, char text[256])
{
	f->uid = o->uid;
	f->gid = o->gid;
	if (mkdir(o->dir, 0750) != 0 && errno != EEXIST)
		return fail(text, "can't make folder", o->dir);
	f->fd = open(o->dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (f->fd < 0)
		return fail(text, "can't open folder", o->dir);
	if (o->uid >= 0 && fchown(f->fd, (uid_t)o->uid, (gid_t)o->gid) != 0)
		return fail(text, "can't give away folder", o->dir);
	return 0;
}

static int
put_conf(
    const struct unbound_files_opts *o, const struct folder *f, char text[256])
{
	struct buf b;
	int err;

	buf_init(&b, UNBOUND_CONF_MAX);
	err = unbound_conf_write(&b, o->resolver, o->port, o->shards, text);
	if (!err)
		err = put_file(f, UNBOUND_CONF_NAME, buf_str(&b), text);
	buf_clear(&b);
	return err;
}

/* A file of the administrator, readable for us but maybe not for the child. */
static int
read_given(const char *what, const char *path, struct buf *b, char text[256])
{
	if (read_all(AT_FDCWD, path, b) != 0)
		return fail(text, what, path);
	if (b->n > 0)
		return 0;
	(void)snprintf(text, 256, "%s %.150s: empty", what, path);
	return ERR_CONFIG;
}

static int
read_seed(const char *given, struct buf *b, char text[256])
{
	if (given)
		return read_given("trust_anchor", given, b, text);
	/* The system's may know a newer key than we do. */
	if (read_all(AT_FDCWD, SYSTEM_ANCHOR, b) != 0 ||
	    !unbound_conf_anchor_covers(buf_str(b))) {
		buf_clear(b);
		buf_add_str(b, unbound_conf_builtin_anchor());
	}
	return 0;
}

static bool
must_seed(const struct folder *f, bool given, struct str seed)
{
	struct buf old;
	struct stat st;
	bool must;

	if (fstatat(f->fd, UNBOUND_CONF_ANCHOR, &st, AT_SYMLINK_NOFOLLOW) !=
		0 ||
	    !S_ISREG(st.st_mode) || st.st_size == 0)
		return true;
	buf_init(&old, FILE_MAX);
	if (read_all(f->fd, SEED_NAME, &old) != 0)
		must = true;
	else if (given)
		must = !str_eq(buf_str(&old), seed);
	else
		must = !unbound_conf_anchor_covers(buf_str(&old));
	buf_clear(&old);
	return must;
}

static int
put_anchor(
    const struct unbound_files_opts *o, const struct folder *f, char text[256])
{
	const char *given = o->resolver->trust_anchor;
	struct buf seed;
	int err;

	buf_init(&seed, FILE_MAX);
	err = read_seed(given, &seed, text);
	if (err)
		goto out;
	if (must_seed(f, given != NULL, buf_str(&seed))) {
		/* The anchor first: a seed without it would hide its lack. */
		err = put_file(f, UNBOUND_CONF_ANCHOR, buf_str(&seed), text);
		if (!err)
			err = put_file(f, SEED_NAME, buf_str(&seed), text);
	} else if (f->uid >= 0 &&
	    fchownat(f->fd, UNBOUND_CONF_ANCHOR, (uid_t)f->uid, (gid_t)f->gid,
		AT_SYMLINK_NOFOLLOW) != 0) {
		err = fail(text, "can't give away", UNBOUND_CONF_ANCHOR);
	}
out:
	buf_clear(&seed);
	return err;
}

static int
put_hints(
    const struct unbound_files_opts *o, const struct folder *f, char text[256])
{
	struct buf b;
	int err;

	if (!o->resolver->root_hints)
		return 0;
	buf_init(&b, FILE_MAX);
	err = read_given("root_hints", o->resolver->root_hints, &b, text);
	if (!err)
		err = put_file(f, UNBOUND_CONF_HINTS, buf_str(&b), text);
	buf_clear(&b);
	return err;
}

int
unbound_files_write(
    const struct unbound_files_opts *o, int *dir_fd, char text[256])
{
	struct folder f = {-1, -1, -1};
	int err;

	err = open_folder(o, &f, text);
	if (!err)
		err = put_conf(o, &f, text);
	if (!err)
		err = put_anchor(o, &f, text);
	if (!err)
		err = put_hints(o, &f, text);
	if (err) {
		if (f.fd >= 0)
			close(f.fd);
		return err;
	}
	*dir_fd = f.fd;
	return 0;
}
