/*
 * http_identity.h
 *		Files of certificates: the one by which we prove to a server who we are,
 *		and those by which it proves who it is.
 *
 * Nothing here knows PostgreSQL or libcurl.
 */
#ifndef PROVISION_HTTP_IDENTITY_H
#define PROVISION_HTTP_IDENTITY_H

#include <stdbool.h>

#include "key_source.h"

/*
 * Whether a certificate and its private key, both PEM files, can be used: the
 * key is closed to others, has no passphrase and belongs to the certificate,
 * whose time has not passed. If not, problem is a sentence.
 */
extern bool provision_http_identity_check(const char *certificate_file, const char *key_file,
										  char problem[KEY_PROBLEM_SIZE]);

/* Whether a file holds certificate authorities in PEM form; if not, problem is a sentence. */
extern bool provision_http_identity_check_authorities(const char *file, char problem[KEY_PROBLEM_SIZE]);

#endif							/* PROVISION_HTTP_IDENTITY_H */
