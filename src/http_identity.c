/*
 * http_identity.c
 *		Files of certificates: the one by which we prove to a server who we are,
 *		and those by which it proves who it is.
 */
#include "http_identity.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#define MAX_FILE_SIZE (1024 * 1024)

/* A regular file of a sensible size, to be closed; NULL, and why in problem, when it is none. */
static FILE *
open_file(const char *path, const char *what, bool must_be_closed, char problem[KEY_PROBLEM_SIZE])
{
	int			descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);	/* not to wait in a FIFO */
	struct stat status;
	char		reason[KEY_PROBLEM_SIZE] = "";
	FILE	   *file = NULL;

	if (descriptor < 0 || fstat(descriptor, &status) != 0)
		snprintf(reason, sizeof(reason), "It cannot be opened: %s.", strerror(errno));
	else if (!S_ISREG(status.st_mode) || status.st_size > MAX_FILE_SIZE)
		snprintf(reason, sizeof(reason), "It is not a regular file of at most 1 MB.");
	else if (!must_be_closed || provision_key_file_is_closed(&status, reason))
		file = fdopen(descriptor, "r");
	if (file == NULL && descriptor >= 0)
		close(descriptor);
	if (file == NULL)
		snprintf(problem, KEY_PROBLEM_SIZE, "The file of the %s cannot be used. %.150s", what, reason);
	return file;
}

/* Called inside OpenSSL, which would otherwise ask a terminal. */
static int
note_passphrase(char *buffer, int size, int is_writing, void *was_asked)
{
	(void) buffer;
	(void) size;
	(void) is_writing;
	*(bool *) was_asked = true;
	return -1;
}

/* The first certificate in a file; what is the word for it. */
static X509 *
read_certificate(const char *path, const char *what, char problem[KEY_PROBLEM_SIZE])
{
	FILE	   *file = open_file(path, what, false, problem);
	bool		was_asked = false;
	X509	   *certificate;

	if (file == NULL)
		return NULL;
	certificate = PEM_read_X509(file, NULL, note_passphrase, &was_asked);
	if (certificate == NULL)
		snprintf(problem, KEY_PROBLEM_SIZE, "The file of the %s holds no certificate in PEM form.", what);
	fclose(file);
	return certificate;
}

static EVP_PKEY *
read_key(const char *path, char problem[KEY_PROBLEM_SIZE])
{
	FILE	   *file = open_file(path, "client key", true, problem);
	bool		was_asked = false;
	EVP_PKEY   *key;

	if (file == NULL)
		return NULL;
	setvbuf(file, NULL, _IONBF, 0); /* no copy of the key that nobody wipes */
	key = PEM_read_PrivateKey(file, NULL, note_passphrase, &was_asked);
	if (key == NULL && was_asked)
		snprintf(problem, KEY_PROBLEM_SIZE,
				 "The client key is protected by a passphrase, which nobody could type: take it off (openssl pkey) and close the file to others.");
	else if (key == NULL)
		snprintf(problem, KEY_PROBLEM_SIZE, "The file of the client key holds no private key in PEM form.");
	fclose(file);
	return key;
}

static bool
is_usable(X509 *certificate, EVP_PKEY *key, char problem[KEY_PROBLEM_SIZE])
{
	if (X509_check_private_key(certificate, key) != 1)
		snprintf(problem, KEY_PROBLEM_SIZE, "The client key does not belong to the client certificate.");
	else if (X509_cmp_current_time(X509_get0_notAfter(certificate)) <= 0)
		snprintf(problem, KEY_PROBLEM_SIZE, "The client certificate has expired.");
	else
		return true;
	return false;
}

bool
provision_http_identity_check(const char *certificate_file, const char *key_file, char problem[KEY_PROBLEM_SIZE])
{
	X509	   *certificate = read_certificate(certificate_file, "client certificate", problem);
	EVP_PKEY   *key = certificate == NULL ? NULL : read_key(key_file, problem);
	bool		result = key != NULL && is_usable(certificate, key, problem);

	X509_free(certificate);
	EVP_PKEY_free(key);
	ERR_clear_error();
	return result;
}

bool
provision_http_identity_check_authorities(const char *file, char problem[KEY_PROBLEM_SIZE])
{
	X509	   *authority = read_certificate(file, "certificate authorities", problem);
	bool		result = authority != NULL;

	X509_free(authority);
	ERR_clear_error();
	return result;
}
