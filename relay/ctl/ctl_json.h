/* Building JSON: members that may not fail, texts that are UTF-8. Pure. */
#ifndef RELAY_CTL_CTL_JSON_H
#define RELAY_CTL_CTL_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "relay/base/buf.h"
#include "relay/base/str.h"

struct json_t;

/* All end the process when memory is out; a key replaces what it had. */
/* v, which must be one. */
struct json_t *ctl_json_need(struct json_t *v);
struct json_t *ctl_json_object(void);
/* {"ok":...}: every answer of the daemon begins so. */
struct json_t *ctl_json_answer(bool ok);
struct json_t *ctl_json_array(void);
void ctl_json_set(struct json_t *o, const char *key, struct json_t *take_v);
void ctl_json_null(struct json_t *o, const char *key);
void ctl_json_bool(struct json_t *o, const char *key, bool v);
void ctl_json_number(struct json_t *o, const char *key, int64_t n);
/* n below 2^63. */
void ctl_json_count(struct json_t *o, const char *key, uint64_t n);
/* Bytes that are not UTF-8 become \xNN. NULL is the empty text. */
void ctl_json_text(struct json_t *o, const char *key, const char *text);
void ctl_json_str(struct json_t *o, const char *key, struct str s);
/* RFC 3339, or null for 0. */
void ctl_json_time(struct json_t *o, const char *key, int64_t s);
void ctl_json_append(struct json_t *array, struct json_t *take_v);
void ctl_json_append_text(struct json_t *array, const char *text);
/* One line with its end, appended to out. */
void ctl_json_write(struct json_t *take_root, struct buf *out);

#endif
