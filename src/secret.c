/*
 * secret.c
 *		Sealing a secret, opening it, and leaving nothing behind.
 */
#include "secret.h"

#include <string.h>
#include <sys/mman.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#define VERSION 1
#define NONCE_SIZE 12
#define TAG_SIZE 16

/* The length of what comes before the nonce. */
static size_t
head_length(size_t id_length)
{
	return 2 + id_length;
}

size_t
provision_secret_overhead(const char *key_id)
{
	return head_length(strlen(key_id)) + NONCE_SIZE + TAG_SIZE;
}

/* Both directions vouch for the head and the identity. */
static bool
vouch_for(EVP_CIPHER_CTX *context, bool sealing, const unsigned char *head, size_t head_size, const char *identity)
{
	int			(*update) (EVP_CIPHER_CTX *, unsigned char *, int *, const unsigned char *, int) =
		sealing ? EVP_EncryptUpdate : EVP_DecryptUpdate;
	int			written;

	return update(context, NULL, &written, head, (int) head_size) == 1 &&
		update(context, NULL, &written, (const unsigned char *) identity, (int) strlen(identity)) == 1;
}

static bool
encrypt(EVP_CIPHER_CTX *context, const unsigned char *key, const char *identity,
		const void *plain, size_t length, unsigned char *sealed, size_t head_size)
{
	unsigned char *nonce = sealed + head_size;
	unsigned char *encrypted = nonce + NONCE_SIZE;
	int			written = 0;
	int			finished = 0;

	return EVP_EncryptInit_ex(context, EVP_aes_256_gcm(), NULL, key, nonce) == 1 &&
		vouch_for(context, true, sealed, head_size, identity) &&
		EVP_EncryptUpdate(context, encrypted, &written, plain, (int) length) == 1 &&
		EVP_EncryptFinal_ex(context, encrypted + written, &finished) == 1 &&
		EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, TAG_SIZE, encrypted + length) == 1;
}

bool
provision_secret_seal(const char *key_id, const unsigned char key[SECRET_KEY_SIZE], const char *identity,
					  const void *plain, size_t length, unsigned char *sealed)
{
	size_t		id_length = strlen(key_id);
	EVP_CIPHER_CTX *context;
	bool		done;

	if (id_length == 0 || id_length > SECRET_MAX_ID_LENGTH)
		return false;
	sealed[0] = VERSION;
	sealed[1] = (unsigned char) id_length;
	memcpy(sealed + 2, key_id, id_length);
	if (RAND_bytes(sealed + head_length(id_length), NONCE_SIZE) != 1)
		return false;
	context = EVP_CIPHER_CTX_new();
	if (context == NULL)
		return false;
	done = encrypt(context, key, identity, plain, length, sealed, head_length(id_length));
	EVP_CIPHER_CTX_free(context);	/* which wipes the key in it */
	return done;
}

/* The length of the head, 0 when this cannot be a sealed value. */
static size_t
check_form(const unsigned char *sealed, size_t length)
{
	if (length < 2 || sealed[0] != VERSION || sealed[1] == 0 || sealed[1] > SECRET_MAX_ID_LENGTH ||
		length < head_length(sealed[1]) + NONCE_SIZE + TAG_SIZE)
		return 0;
	return head_length(sealed[1]);
}

bool
provision_secret_key_id(const unsigned char *sealed, size_t length, char key_id[SECRET_MAX_ID_LENGTH + 1])
{
	if (check_form(sealed, length) == 0)
		return false;
	memcpy(key_id, sealed + 2, sealed[1]);
	key_id[sealed[1]] = '\0';
	return true;
}

static bool
decrypt(EVP_CIPHER_CTX *context, const unsigned char *key, const char *identity,
		const unsigned char *sealed, size_t head_size, size_t encrypted_length, unsigned char *plain)
{
	const unsigned char *nonce = sealed + head_size;
	const unsigned char *encrypted = nonce + NONCE_SIZE;
	unsigned char tag[TAG_SIZE];
	int			written = 0;
	int			finished = 0;

	memcpy(tag, encrypted + encrypted_length, TAG_SIZE);
	return EVP_DecryptInit_ex(context, EVP_aes_256_gcm(), NULL, key, nonce) == 1 &&
		vouch_for(context, false, sealed, head_size, identity) &&
		EVP_DecryptUpdate(context, plain, &written, encrypted, (int) encrypted_length) == 1 &&
		EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, TAG_SIZE, tag) == 1 &&
		EVP_DecryptFinal_ex(context, plain + written, &finished) == 1;
}

bool
provision_secret_open(const unsigned char key[SECRET_KEY_SIZE], const char *identity,
					  const unsigned char *sealed, size_t length, unsigned char *plain, size_t *plain_length)
{
	size_t		head_size = check_form(sealed, length);
	EVP_CIPHER_CTX *context;
	bool		done;

	*plain_length = 0;
	if (head_size == 0)
		return false;
	context = EVP_CIPHER_CTX_new();
	if (context == NULL)
		return false;
	*plain_length = length - head_size - NONCE_SIZE - TAG_SIZE;
	done = decrypt(context, key, identity, sealed, head_size, *plain_length, plain);
	EVP_CIPHER_CTX_free(context);
	if (!done)
	{
		provision_secret_wipe(plain, *plain_length);	/* it was decrypted before the tag was looked at */
		*plain_length = 0;
	}
	return done;
}

void
provision_secret_wipe(void *memory, size_t size)
{
	OPENSSL_cleanse(memory, size);
}

void *
provision_secret_allocate(size_t size)
{
	void	   *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return NULL;

	/* Each is a bonus: a limit (RLIMIT_MEMLOCK) or an old kernel may refuse it. */
	(void) mlock(memory, size);
#ifdef MADV_DONTDUMP
	(void) madvise(memory, size, MADV_DONTDUMP);
#endif
#ifdef MADV_WIPEONFORK
	(void) madvise(memory, size, MADV_WIPEONFORK);
#endif
	return memory;
}

void
provision_secret_free(void *memory, size_t size)
{
	if (memory == NULL)
		return;
	provision_secret_wipe(memory, size);
	(void) munmap(memory, size);
}
