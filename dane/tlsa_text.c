/* Words divided by blanks: three numbers, the rest is hex. */
#include "config.h"

#include "dane/tlsa_text.h"

#include "relay/base/buf.h"
#include "relay/base/codec.h"

/* Cuts the next word off *rest; empty at the end. */
static struct str
next_word(struct str *rest)
{
	struct str word;
	size_t n = 0;

	while (rest->n > 0 && (rest->p[0] == ' ' || rest->p[0] == '\t'))
		*rest = str_skip(*rest, 1);
	while (n < rest->n && rest->p[n] != ' ' && rest->p[n] != '\t')
		n++;
	word = str_n(rest->p, n);
	*rest = str_skip(*rest, n);
	return word;
}

static NODISCARD int
take_number(struct str *rest, uint8_t *out)
{
	struct str word = next_word(rest);
	uint64_t v;

	if (word.n > 3 || codec_u64(word, UINT8_MAX, &v))
		return ERR_SYNTAX;
	*out = (uint8_t)v;
	return 0;
}

static NODISCARD int
take_hex(struct str rest, struct buf *digits, struct buf *data)
{
	struct str word = next_word(&rest);
	int err = 0;

	while (word.n > 0 && !err) {
		err = buf_add_str(digits, word);
		word = next_word(&rest);
	}
	if (!err)
		err = codec_unhex(buf_str(digits), data);
	if (!err && data->n == 0)
		err = ERR_SYNTAX;
	return err;
}

int
tlsa_text_parse(struct str s, struct rr_tlsa *out, const char **what)
{
	struct rr_tlsa t = {.data = NULL};
	struct buf digits, data;
	int err;

	if (take_number(&s, &t.usage) || take_number(&s, &t.selector) ||
	    take_number(&s, &t.mtype)) {
		*what = "does not begin with three numbers of 0 to 255";
		return ERR_SYNTAX;
	}
	buf_init(&digits, 2 * RR_TLSA_MAX);
	buf_init(&data, RR_TLSA_MAX);
	err = take_hex(s, &digits, &data);
	if (err) {
		*what = err == ERR_TOOBIG ? "is larger than DNS can carry here"
					  : "has no pairs of hex digits";
	} else {
		t.len = (uint16_t)data.n;
		t.data = (uint8_t *)buf_take(&data);
		*out = t;
	}
	buf_clear(&digits);
	buf_clear(&data);
	return err;
}
