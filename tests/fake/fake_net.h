/* The net between the relay and the hosts of the world: conn.h on it. */
#ifndef TESTS_FAKE_FAKE_NET_H
#define TESTS_FAKE_FAKE_NET_H

#include <stdbool.h>
#include <stddef.h>

#include "relay/base/domain.h"
#include "relay/base/str.h"
#include "relay/model/tls_plan.h"
#include "relay/model/tls_result.h"
#include "relay/net/conn.h"

#define FAKE_NAMES 6

/* What a host shows in a handshake. */
struct fake_cert {
	char key[32]; /* name of the key pair of the certificate */
	char ta[32]; /* name of the authority behind it, "" none */
	char names[FAKE_NAMES][DOMAIN_MAX];
	size_t n_names;
	bool trusted; /* the authority is one of the CA store */
	bool expired;
	bool broken; /* the handshake itself fails */
	enum tls_version version;
};

/* The association data that a TLSA record has for a name of a key (usage 3) or
 * authority (usage 2): bytes written, at most 64. */
size_t fake_tlsa_data(
    const char *name, unsigned selector, unsigned mtype, char out[64]);
/* The verdict on cert under plan: RFC 7672 and RFC 8461 once more, as plainly
 * as can be. */
void fake_tls_verify(const struct tls_plan *plan, const struct fake_cert *cert,
    struct tls_result *out);

/* The other end of a connection. */
struct fake_side {
	/* Bytes of the relay; tls: they came through TLS. */
	void (*data)(void *arg, struct str bytes, bool tls);
	void (*tls)(void *arg, bool ok); /* the handshake ended */
	void (*closed)(void *arg); /* the relay is gone; last call */
	const struct fake_cert *(*cert)(void *arg);
};

/* ---- calls of the other end ---- */

/* *seen becomes true when the relay got the bytes; may be NULL, else it must
 * live as long as the world. */
void fake_conn_send(struct conn *c, struct str bytes, bool *seen);
void fake_conn_eof(struct conn *c);
void fake_conn_reset(struct conn *c);

/* ---- wiring ---- */

/* Who answers at an address: 0 (*side, *arg set), or ERR_REFUSED, ERR_UNREACH,
 * ERR_TIMEOUT. c is for the calls above, until side->closed. */
int fake_peer_accept(struct conn *c, const struct sockaddr_any *to,
    const struct fake_side **side, void **arg);
/* A client that conn_accepted will find by this descriptor; the caller hands
 * it on. on_conn tells the client its end; NULL c: it was never taken. */
int fake_net_client(const struct fake_side *side, void *arg,
    void (*on_conn)(void *arg, struct conn *c));
/* Clients whose descriptors were never adopted. */
void fake_net_clear(void);

#endif
