/* JSON of our own making: small steps that can't fail. */
#include "config.h"

#include "relay/ctl/ctl_json.h"

#include <jansson.h>

#include "relay/base/date.h"
#include "relay/base/err.h"
#include "relay/ctl/ctl_text.h"

json_t *
ctl_json_need(json_t *v)
{
	if (!v)
		BUG("out of memory");
	return v;
}

json_t *
ctl_json_object(void)
{
	return ctl_json_need(json_object());
}

json_t *
ctl_json_answer(bool ok)
{
	json_t *root = ctl_json_object();

	ctl_json_set_bool(root, "ok", ok);
	return root;
}

void
ctl_json_set(json_t *object, const char *key, json_t *take_v)
{
	if (json_object_set_new(object, key, ctl_json_need(take_v)))
		BUG("out of memory");
}

void
ctl_json_set_str(json_t *object, const char *key, struct str text)
{
	struct buf b;
	struct str s;

	/* Escapes make four bytes of one. */
	buf_init(&b, 4 * text.n + 1);
	ctl_text_utf8(&b, text);
	s = buf_str(&b);
	ctl_json_set(object, key, json_stringn(s.p ? s.p : "", s.n));
	buf_clear(&b);
}

void
ctl_json_set_text(json_t *object, const char *key, const char *text)
{
	ctl_json_set_str(object, key, str_of(text));
}

void
ctl_json_set_int(json_t *object, const char *key, int64_t n)
{
	ctl_json_set(object, key, json_integer(n));
}

void
ctl_json_set_bool(json_t *object, const char *key, bool v)
{
	ctl_json_set(object, key, json_boolean(v));
}

void
ctl_json_set_time(json_t *object, const char *key, int64_t s)
{
	char text[DATE_MAX];

	date_rfc3339(s, text);
	ctl_json_set_text(object, key, text);
}

static int
add_bytes(const char *p, size_t n, void *arg)
{
	buf_add(arg, p, n);
	return 0;
}

void
ctl_json_finish(json_t *take_root, struct buf *out)
{
	if (json_dump_callback(take_root, add_bytes, out, JSON_COMPACT))
		BUG("JSON of our own can't be written");
	buf_add_char(out, '\n');
	json_decref(take_root);
}
