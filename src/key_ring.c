/*
 * key_ring.c
 *		The keys of secrets, as a key file or key command gives them.
 */
#include "key_ring.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#define MAX_SALT_SIZE 64
#define MIN_SALT_SIZE 8
#define MAX_PASSPHRASE_LENGTH 256
#define MIN_PASSPHRASE_LENGTH 12

/* scrypt at the strength that OWASP recommends: 64 MB, twice. */
#define SCRYPT_N 65536
#define SCRYPT_R 8
#define SCRYPT_P 2
#define SCRYPT_MEMORY (UINT64_C(80) * 1024 * 1024)

typedef struct Key
{
	char		id[SECRET_MAX_ID_LENGTH + 1];
	bool		is_made;
	unsigned char key[SECRET_KEY_SIZE];

	/* of what it is made, as long as it is not */
	size_t		salt_size;
	unsigned char salt[MAX_SALT_SIZE];
	char		passphrase[MAX_PASSPHRASE_LENGTH + 1];

	/* what stood in the file, to see whether that has changed */
	unsigned char digest[SECRET_KEY_SIZE];
} Key;

struct KeyRing
{
	int			count;
	Key			keys[KEY_RING_MAX];
};

/* One line without its end; text is not terminated. */
typedef struct Line
{
	const char *text;
	size_t		length;
} Line;

static int
digit_value(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	if (digit >= 'a' && digit <= 'f')
		return digit - 'a' + 10;
	if (digit >= 'A' && digit <= 'F')
		return digit - 'A' + 10;
	return -1;
}

static bool
read_hex(Line value, unsigned char *bytes)
{
	for (size_t i = 0; i < value.length; i += 2)
	{
		int			high = digit_value(value.text[i]);
		int			low = i + 1 < value.length ? digit_value(value.text[i + 1]) : -1;

		if (high < 0 || low < 0)
			return false;
		bytes[i / 2] = (unsigned char) (high << 4 | low);
	}
	return true;
}

/* 44 characters hold 33 bytes, of which the last stands for the "=". */
static bool
read_base64(Line value, unsigned char key[SECRET_KEY_SIZE])
{
	unsigned char bytes[SECRET_KEY_SIZE + 1];
	bool		is_key = value.text[43] == '=' && value.text[42] != '=' &&
		EVP_DecodeBlock(bytes, (const unsigned char *) value.text, 44) == sizeof(bytes);

	memcpy(key, bytes, SECRET_KEY_SIZE);
	provision_secret_wipe(bytes, sizeof(bytes));
	return is_key;
}

/* salt:passphrase */
static const char *
read_passphrase(Line value, Key *key)
{
	const char *colon = memchr(value.text, ':', value.length);
	Line		salt = {value.text, colon == NULL ? 0 : (size_t) (colon - value.text)};
	size_t		length = colon == NULL ? 0 : value.length - salt.length - 1;

	if (salt.length < 2 * MIN_SALT_SIZE || salt.length > 2 * MAX_SALT_SIZE || !read_hex(salt, key->salt))
		return "the salt must be 16 to 128 hexadecimal digits, as in id:scrypt:salt:passphrase";
	if (length < MIN_PASSPHRASE_LENGTH || length > MAX_PASSPHRASE_LENGTH)
		return "the passphrase must have 12 to 256 bytes";
	key->salt_size = salt.length / 2;
	memcpy(key->passphrase, colon + 1, length);
	return NULL;
}

static const char *
read_value(Line value, Key *key)
{
	static const char scrypt[] = "scrypt:";

	key->is_made = value.length == 64 && read_hex(value, key->key);
	if (key->is_made)
		return NULL;
	key->is_made = value.length == 44 && read_base64(value, key->key);
	if (key->is_made)
		return NULL;
	if (value.length >= sizeof(scrypt) - 1 && memcmp(value.text, scrypt, sizeof(scrypt) - 1) == 0)
	{
		value.text += sizeof(scrypt) - 1;
		value.length -= sizeof(scrypt) - 1;
		return read_passphrase(value, key);
	}
	return "a key must be 64 hexadecimal digits, 44 characters of base64, or scrypt:salt:passphrase";
}

static bool
is_id(Line id)
{
	for (size_t i = 0; i < id.length; i++)
		if (!isalnum((unsigned char) id.text[i]) && strchr("_.-", id.text[i]) == NULL)
			return false;
	return id.length > 0 && id.length <= SECRET_MAX_ID_LENGTH;
}

/* NULL: the key is read.  Otherwise what is wrong with the line. */
static const char *
read_key(Line line, Key *key)
{
	const char *colon = memchr(line.text, ':', line.length);
	Line		id = {line.text, colon == NULL ? 0 : (size_t) (colon - line.text)};
	Line		value = {line.text + id.length + 1, colon == NULL ? 0 : line.length - id.length - 1};

	if (memchr(line.text, '\0', line.length) != NULL || !is_id(id))
		return "a line must be id:key, with an id of 1 to 32 letters, digits, dots, dashes and underscores";
	memcpy(key->id, id.text, id.length);
	if (EVP_Digest(value.text, value.length, key->digest, NULL, EVP_sha256(), NULL) != 1)
		return "OpenSSL has no SHA-256";
	return read_value(value, key);
}

static Key *
key_with_id(KeyRing *ring, const char *id)
{
	for (int i = 0; ring != NULL && i < ring->count; i++)
		if (strcmp(ring->keys[i].id, id) == 0)
			return &ring->keys[i];
	return NULL;
}

static const char *
add_key(KeyRing *ring, Line line)
{
	Key		   *key = &ring->keys[ring->count];
	const char *problem;

	if (ring->count == KEY_RING_MAX)
		return "there are more than 64 keys";
	problem = read_key(line, key);
	if (problem == NULL && key_with_id(ring, key->id) != NULL)
		problem = "a key before it has the same id";
	if (problem == NULL)
		ring->count++;
	return problem;
}

/* Takes the next line off the text; false at its end. */
static bool
next_line(Line *rest, Line *line)
{
	const char *end;

	if (rest->length == 0)
		return false;
	end = memchr(rest->text, '\n', rest->length);
	line->text = rest->text;
	line->length = end == NULL ? rest->length : (size_t) (end - rest->text);
	rest->text += line->length + (end != NULL);
	rest->length -= line->length + (end != NULL);
	if (line->length > 0 && line->text[line->length - 1] == '\r')
		line->length--;
	return true;
}

static const char *
read_lines(KeyRing *ring, Line rest, int *number)
{
	Line		line;
	const char *problem = NULL;

	for (*number = 1; problem == NULL && next_line(&rest, &line); (*number)++)
		if (line.length > 0 && line.text[0] != '#')
			problem = add_key(ring, line);
	(*number)--;
	return problem;
}

KeyRing *
provision_key_ring_parse(const char *text, size_t length, char problem[KEY_PROBLEM_SIZE])
{
	KeyRing    *ring = provision_secret_allocate(sizeof(KeyRing));
	const char *found;
	int			number;

	if (ring == NULL)
	{
		snprintf(problem, KEY_PROBLEM_SIZE, "There is no memory for the keys.");
		return NULL;
	}
	found = read_lines(ring, (Line) {text, length}, &number);
	if (found == NULL && ring->count > 0)
		return ring;
	if (found == NULL)
		snprintf(problem, KEY_PROBLEM_SIZE, "It holds no key.");
	else
		snprintf(problem, KEY_PROBLEM_SIZE, "Line %d of it: %s.", number, found);
	provision_key_ring_free(ring);
	return NULL;
}

void
provision_key_ring_free(KeyRing *ring)
{
	provision_secret_free(ring, sizeof(KeyRing));
}

const char *
provision_key_ring_id(const KeyRing *ring, int position)
{
	return position < ring->count ? ring->keys[position].id : NULL;
}

static bool
make_key(Key *key)
{
	key->is_made = EVP_PBE_scrypt(key->passphrase, strlen(key->passphrase), key->salt, key->salt_size,
								  SCRYPT_N, SCRYPT_R, SCRYPT_P, SCRYPT_MEMORY,
								  key->key, sizeof(key->key)) == 1;
	if (key->is_made)
		provision_secret_wipe(key->passphrase, sizeof(key->passphrase));
	return key->is_made;
}

const unsigned char *
provision_key_ring_find(KeyRing *ring, const char *id)
{
	Key		   *key = key_with_id(ring, id);

	return key != NULL && (key->is_made || make_key(key)) ? key->key : NULL;
}

bool
provision_key_ring_seal(KeyRing *ring, const char *identity, const void *plain, size_t length,
						unsigned char *sealed, size_t *sealed_length)
{
	const char *id = provision_key_ring_id(ring, 0);
	const unsigned char *key = provision_key_ring_find(ring, id);

	*sealed_length = length + provision_secret_overhead(id);
	return key != NULL && provision_secret_seal(id, key, identity, plain, length, sealed);
}

bool
provision_key_ring_is_same(const KeyRing *one, const KeyRing *other)
{
	if (one == NULL || other == NULL)
		return one == other;
	for (int i = 0; i < one->count; i++)
		if (i >= other->count || strcmp(one->keys[i].id, other->keys[i].id) != 0 ||
			CRYPTO_memcmp(one->keys[i].digest, other->keys[i].digest, SECRET_KEY_SIZE) != 0)
			return false;
	return one->count == other->count;
}
