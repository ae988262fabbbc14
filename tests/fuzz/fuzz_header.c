/*
 * The header of a message, and the field that is put on top of it. The input
 * is the name a client gave itself, a field to look for and the message.
 */
#include "config.h"

#include "relay/smtp/header.h"

#include "tests/fuzz/fuzz.h"

static void
check_block(struct str msg)
{
	struct str block = header_block(msg), again = header_block(block);

	FUZZ_CHECK(block.p == msg.p && block.n <= msg.n);
	FUZZ_CHECK(block.n <= HEADER_MAX);
	FUZZ_CHECK(again.n == block.n);
}

static void
check_field(struct str msg, const char *name)
{
	struct buf value;
	size_t n = header_count(msg, name);
	bool found;

	buf_init(&value, HEADER_MAX);
	found = header_get(msg, name, &value);
	FUZZ_CHECK(found == (n > 0));
	FUZZ_CHECK(str_find(buf_str(&value), '\n') == value.n);
	FUZZ_CHECK(n == header_count(header_block(msg), name));
	buf_clear(&value);
}

/* The trace field is whole, short and one more, whatever the client says. */
static void
check_received(struct str msg, struct str helo)
{
	struct sink_client client = {.protocol = "ESMTP"};
	struct str rest, line;
	struct buf b;
	size_t n = header_count(msg, "Received"), own;

	fuzz_text(client.helo, sizeof(client.helo), helo);
	(void)snprintf(client.addr, sizeof(client.addr), "%s",
	    helo.n % 2 ? "192.0.2.1" : "2001:db8::1");
	buf_init(&b, 1u << 20);
	header_received(&b, &client, "relay.example", "0123456789ABC",
	    helo.n % 3 ? "you@example.com" : NULL, (int64_t)msg.n);
	rest = buf_str(&b);
	own = b.n;
	while (str_cut(&rest, '\n', &line)) {
		FUZZ_CHECK(line.n > 1 && line.n <= 999);
		FUZZ_CHECK(line.p[line.n - 1] == '\r');
		line.n--;
		FUZZ_CHECK(fuzz_is_printable(line, "\t"));
	}
	FUZZ_CHECK(header_block(buf_str(&b)).n == own);
	FUZZ_CHECK(header_count(buf_str(&b), "Received") == 1);
	buf_add_str(&b, msg);
	/* A first line that goes on would go on in ours. */
	if (msg.n + own < HEADER_MAX && msg.n > 0 && msg.p[0] != ' ' &&
	    msg.p[0] != '\t')
		FUZZ_CHECK(header_count(buf_str(&b), "received") == n + 1);
	buf_clear(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = {data, size};
	struct str helo = fuzz_take_until(&in, '\n');
	struct str field = fuzz_take_until(&in, '\n');
	struct str msg = fuzz_rest(&in);
	char name[64];
	bool high = false;

	fuzz_text(name, sizeof(name), field);
	check_block(msg);
	check_field(msg, name);
	check_field(msg, "Received");
	check_received(msg, helo);
	for (size_t i = 0; i < msg.n; i++)
		high |= (unsigned char)msg.p[i] >= 0x80;
	FUZZ_CHECK(header_is_8bit(msg) == high);
	return 0;
}
