/* Names of what a handshake proved or failed by. */
#include "config.h"

#include "relay/model/tls_result.h"

#define TLS_CASE_(id, text) \
	case id: \
		s = text; \
		break;

const char *
tls_proof_str(enum tls_proof v)
{
	const char *s = "?";

	switch (v) {
		TLS_PROOF_LIST(TLS_CASE_)
	}
	return s;
}

const char *
tls_failure_str(enum tls_failure v)
{
	const char *s = "?";

	switch (v) {
		TLS_FAILURE_LIST(TLS_CASE_)
	}
	return s;
}
