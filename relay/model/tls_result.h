/* What a TLS handshake was seen to prove. */
#ifndef RELAY_MODEL_TLS_RESULT_H
#define RELAY_MODEL_TLS_RESULT_H

#include <stdbool.h>

#define TLS_PROOF_LIST(X) \
	X(TLS_PROOF_NONE, "none") \
	X(TLS_PROOF_DANE_EE, "dane-ee") \
	X(TLS_PROOF_DANE_TA, "dane-ta") \
	X(TLS_PROOF_PKIX, "pkix")

enum tls_proof {
#define TLS_ENUM_(id, text) id,
	TLS_PROOF_LIST(TLS_ENUM_)
#undef TLS_ENUM_
};

/* Result types of RFC 8460 4.3 plus what they leave out. */
#define TLS_FAILURE_LIST(X) \
	X(TLS_OK, "ok") \
	X(TLS_NO_STARTTLS, "starttls-not-supported") \
	X(TLS_HOST_MISMATCH, "certificate-host-mismatch") \
	X(TLS_EXPIRED, "certificate-expired") \
	X(TLS_NOT_TRUSTED, "certificate-not-trusted") \
	X(TLS_TLSA_MISMATCH, "validation-failure") \
	X(TLS_HANDSHAKE, "handshake-failure") \
	X(TLS_PROTOCOL, "protocol-error")

enum tls_failure {
#define TLS_ENUM_(id, text) id,
	TLS_FAILURE_LIST(TLS_ENUM_)
#undef TLS_ENUM_
};

struct tls_result {
	bool established; /* the channel is encrypted */
	/* The proof that the plan asked for is there; false for the levels that
	 * ask for none. */
	bool verified;
	enum tls_proof proof;
	enum tls_failure failure;
	enum tls_failure audit; /* outcome of audit_pkix, TLS_OK if not asked */
	enum tls_failure would; /* outcome of the plan that is audited, same */
	int depth; /* chain depth of the matching TLSA, or -1 */
	char version[16]; /* "TLSv1.3" */
	char cipher[64];
	char text[160]; /* reason of the library, ASCII, for the log */
};

const char *tls_proof_str(enum tls_proof v);
const char *tls_failure_str(enum tls_failure v);

#endif
