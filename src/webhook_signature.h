/*
 * webhook_signature.h
 *		Signatures by the Standard Webhooks specification.
 *
 * Nothing here knows PostgreSQL.
 */
#ifndef PROVISION_WEBHOOK_SIGNATURE_H
#define PROVISION_WEBHOOK_SIGNATURE_H

#include <stdbool.h>
#include <stddef.h>

/* "whsec_", the base64 of 64 bytes, and a NUL. */
#define WEBHOOK_SECRET_SIZE 95

/* "v1,", the base64 of 32 bytes, and a NUL. */
#define WEBHOOK_SIGNATURE_SIZE 48

/*
 * Signs a message under its id and the time at which it is sent. False when
 * the secret is not "whsec_" and the base64 of 24 to 64 bytes, or without
 * memory.
 */
extern bool provision_webhook_signature_make(const char *secret, const char *id, const char *timestamp,
											 const char *body, size_t body_length,
											 char signature[WEBHOOK_SIGNATURE_SIZE]);

/* Writes some random bytes, 24 to 64, as a secret. */
extern void provision_webhook_signature_secret(const unsigned char *bytes, size_t length, char secret[WEBHOOK_SECRET_SIZE]);

#endif							/* PROVISION_WEBHOOK_SIGNATURE_H */
