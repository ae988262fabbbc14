/*
 * The scan of a configuration for comments. Nothing moves: only blanks are put
 * in, no line end goes, and a second scan finds no comment any more.
 */
#include "config.h"

#include "relay/config/conf_tree.h"

#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conf_open open, other;
	char *text = xstrndup((const char *)data, size), *blank, *again;
	int lines = 1;

	blank = conf_tree_blank_comments(text, &open);
	FUZZ_CHECK(strlen(blank) == strlen(text));
	for (size_t i = 0; text[i]; i++) {
		lines += text[i] == '\n';
		FUZZ_CHECK(blank[i] == text[i] ||
		    (blank[i] == ' ' && text[i] != '\n'));
	}
	FUZZ_CHECK(!open.what || (open.line >= 1 && open.line <= lines));
	again = conf_tree_blank_comments(blank, &other);
	FUZZ_CHECK(strcmp(again, blank) == 0);
	/* What is open stays so, but for a comment. */
	if (open.what && strcmp(open.what, "/*") != 0)
		FUZZ_CHECK(other.what && strcmp(other.what, open.what) == 0 &&
		    other.line == open.line);
	free(again);
	free(blank);
	free(text);
	return 0;
}
