/*
 * The TXT record at _mta-sts. The list of fields is relay/base/kvlist; here
 * is what RFC 8461 adds: the version comes first, an id must be there.
 */
#include "config.h"

#include "sts/sts_record.h"

#include <string.h>

#include "relay/base/kvlist.h"
#include "relay/base/str.h"

#define VERSION "v=STSv1"

/* True when txt begins with the version and a delimiter. */
static bool
is_ours(struct str txt)
{
	struct str rest;

	if (!str_starts(txt, STR(VERSION)))
		return false;
	/* RFC 8461 3.1: sts-field-delim = *WSP ";" *WSP */
	rest = str_skip(txt, sizeof(VERSION) - 1);
	while (rest.n > 0 && (rest.p[0] == ' ' || rest.p[0] == '\t'))
		rest = str_skip(rest, 1);
	return rest.n > 0 && rest.p[0] == ';';
}

static NODISCARD int
take_id(struct str value, char id[STS_ID_MAX])
{
	if (value.n < 1 || value.n >= STS_ID_MAX)
		return ERR_SYNTAX;
	for (size_t i = 0; i < value.n; i++) {
		if (!str_is_alnum(value.p[i]))
			return ERR_SYNTAX;
	}
	memcpy(id, value.p, value.n);
	id[value.n] = '\0';
	return 0;
}

int
sts_record_parse(struct str txt, char id[STS_ID_MAX])
{
	struct str key, value, rest = txt;
	char found[STS_ID_MAX] = "";
	int err;

	if (!is_ours(txt))
		return ERR_NOTFOUND;
	err = kvlist_next(&rest, 0, &key, &value); /* the version */
	while (!err) {
		err = kvlist_next(&rest, 0, &key, &value);
		/* RFC 8461 3.2: of repeated fields the first counts, unknown
		 * ones are ignored. */
		if (!err && str_eq(key, STR("id")) && !found[0])
			err = take_id(value, found);
	}
	if (err != ERR_NOTFOUND || !found[0])
		return ERR_SYNTAX;
	memcpy(id, found, sizeof(found));
	return 0;
}

int
sts_record_select(const struct rr_set *txt, char id[STS_ID_MAX])
{
	const struct str *one = NULL;

	if (txt->status != RR_OK || txt->n == 0)
		return ERR_NOTFOUND;
	if (txt->n == 1)
		return sts_record_parse(txt->u.txt[0], id);
	/* RFC 8461 3.1: among several, those that don't begin with exactly
	 * "v=STSv1;" are discarded; then one must be left. */
	for (size_t i = 0; i < txt->n; i++) {
		if (!str_starts(txt->u.txt[i], STR(VERSION ";")))
			continue;
		if (one)
			return ERR_SYNTAX;
		one = &txt->u.txt[i];
	}
	return one ? sts_record_parse(*one, id) : ERR_NOTFOUND;
}
