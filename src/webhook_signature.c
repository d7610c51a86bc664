/*
 * webhook_signature.c
 *		Signatures by the Standard Webhooks specification: the base64 of
 *		HMAC-SHA256 over "id.timestamp.body", as "v1,...".
 */
#include "webhook_signature.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "secret.h"

#define SECRET_PREFIX "whsec_"
#define SHORTEST_KEY 24
#define LONGEST_KEY 64
#define LONGEST_ENCODED 88		/* base64 of LONGEST_KEY bytes */
#define DIGEST_SIZE 32

/* How many bytes a secret stands for; 0 when it is none. */
static size_t
decode_secret(const char *secret, unsigned char key[LONGEST_ENCODED])
{
	const char *encoded = secret + strlen(SECRET_PREFIX);
	size_t		length;
	int			decoded;

	if (strncmp(secret, SECRET_PREFIX, strlen(SECRET_PREFIX)) != 0)
		return 0;
	length = strlen(encoded);
	if (length == 0 || length > LONGEST_ENCODED)
		return 0;
	decoded = EVP_DecodeBlock(key, (const unsigned char *) encoded, (int) length);
	if (decoded < 0)
		return 0;
	/* OpenSSL counts what "=" stands for. */
	while (length > 0 && encoded[--length] == '=')
		decoded--;
	return decoded >= SHORTEST_KEY && decoded <= LONGEST_KEY ? (size_t) decoded : 0;
}

/* "id.timestamp.body", malloc'ed; NULL without memory. */
static unsigned char *
signed_content(const char *id, const char *timestamp, const char *body, size_t body_length, size_t *length)
{
	size_t		id_length = strlen(id);
	size_t		timestamp_length = strlen(timestamp);
	unsigned char *content = malloc(id_length + timestamp_length + body_length + 2);

	if (content == NULL)
		return NULL;
	memcpy(content, id, id_length);
	content[id_length] = '.';
	memcpy(content + id_length + 1, timestamp, timestamp_length);
	content[id_length + 1 + timestamp_length] = '.';
	memcpy(content + id_length + timestamp_length + 2, body, body_length);
	*length = id_length + timestamp_length + body_length + 2;
	return content;
}

bool
provision_webhook_signature_make(const char *secret, const char *id, const char *timestamp,
								 const char *body, size_t body_length,
								 char signature[WEBHOOK_SIGNATURE_SIZE])
{
	unsigned char key[LONGEST_ENCODED];
	unsigned char digest[DIGEST_SIZE];
	size_t		key_length = decode_secret(secret, key);
	size_t		length;
	unsigned char *content = key_length == 0 ? NULL : signed_content(id, timestamp, body, body_length, &length);
	bool		is_signed = content != NULL &&
		HMAC(EVP_sha256(), key, (int) key_length, content, length, digest, NULL) != NULL;

	provision_secret_wipe(key, sizeof(key));
	free(content);
	if (!is_signed)
		return false;
	memcpy(signature, "v1,", 3);
	EVP_EncodeBlock((unsigned char *) signature + 3, digest, DIGEST_SIZE);
	return true;
}

void
provision_webhook_signature_secret(const unsigned char *bytes, size_t length, char secret[WEBHOOK_SECRET_SIZE])
{
	memcpy(secret, SECRET_PREFIX, strlen(SECRET_PREFIX));
	EVP_EncodeBlock((unsigned char *) secret + strlen(SECRET_PREFIX), bytes, (int) length);
}
