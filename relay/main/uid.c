/* See the header. Nothing of this is undone: setresuid with all three. */
#include "config.h"

#include "relay/main/uid.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "relay/base/codec.h"
#include "relay/base/str.h"

#define UID_LIMIT 0x7ffffffeU

int
uid_resolve(const char *user, struct uid *out, char text[256])
{
	struct str rest = str_of(user), first;
	uint64_t u, g;
	const struct passwd *pw;

	out->uid = out->gid = -1;
	if (geteuid() != 0)
		return 0;
	if (str_cut(&rest, ':', &first) && !codec_u64(first, UID_LIMIT, &u)) {
		g = u;
		if (rest.n && codec_u64(rest, UID_LIMIT, &g))
			g = 0;
	} else {
		pw = getpwnam(user);
		if (!pw) {
			(void)snprintf(text, 256,
			    "user \"%s\" is not known: make it (adduser "
			    "--system --group %s) or name another one",
			    user, user);
			return ERR_CONFIG;
		}
		u = pw->pw_uid;
		g = pw->pw_gid;
	}
	if (u == 0 || g == 0) {
		(void)snprintf(text, 256,
		    "user \"%s\" is root: name one without rights", user);
		return ERR_CONFIG;
	}
	out->uid = (long)u;
	out->gid = (long)g;
	return 0;
}

int
uid_drop(const struct uid *u)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return ERR_PERM;
	if (u->uid < 0)
		return 0;
	if (setgroups(0, NULL) != 0 ||
	    setresgid((gid_t)u->gid, (gid_t)u->gid, (gid_t)u->gid) != 0 ||
	    setresuid((uid_t)u->uid, (uid_t)u->uid, (uid_t)u->uid) != 0)
		return ERR_PERM;
	return setuid(0) == 0 ? ERR_PERM : 0; /* must fail now */
}
