/*
 * hostile.h
 *		The hostile server as a child of the test, and calls made to it.
 */
#ifndef PROVISION_TEST_HOSTILE_H
#define PROVISION_TEST_HOSTILE_H

#include "http_client.h"

typedef struct HostilePorts
{
	int			plain;
	int			plain_v6;		/* on ::1; 0 without IPv6 */
	int			full;			/* nobody accepts */
	int			tls;			/* self-signed certificate for 127.0.0.1 */
	int			signed_by_authority;
	int			expired;		/* signed by the authority, too */
	int			wrong_host;		/* certificate for another host */
	int			old_tls;		/* TLS 1.1 at most */
	int			client_certificate; /* wants one, in TLS 1.2 */
	int			client_certificate_later;	/* wants one, in TLS 1.3 */
	int			broken_tls;		/* closes within the handshake */
	int			silent_tls;		/* never answers the handshake */
	int			http2;			/* refuses every second stream */
	char		ca_file[200];	/* of the self-signed ones but wrong_host */
	char		wrong_ca_file[200];
	char		authority_file[200];
	char		folder[200];	/* of the certificates: client.pem and
								 * client.key are signed by the authority,
								 * client.sealed.key is the key with a
								 * passphrase */
} HostilePorts;

extern HostilePorts hostile;

/* Starts the server, or ends the test program. */
extern void hostile_start(void);
extern void hostile_stop(void);

/* http://127.0.0.1:<plain><path>; valid until the fourth call from now. */
extern const char *hostile_url(const char *path);
extern const char *hostile_url_at(const char *scheme, int port,
								  const char *path);

/* A request of this method for a path, without anything else. */
extern HttpRequest hostile_request(const char *method, const char *path);

/* Waits for the next answer of any call, as the worker does. */
extern HttpAnswer *hostile_wait(void);

/* Sends one request and waits for its answer. */
extern HttpAnswer *hostile_call(const HttpRequest *request);

/* Makes sure that a kept connection to the server exists. */
extern void hostile_warm_up(const char *url, const char *ca_file);

/* How many requests with this path and query arrived. */
extern int	hostile_count(const char *target);

#endif							/* PROVISION_TEST_HOSTILE_H */
