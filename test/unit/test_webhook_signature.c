/*
 * test_webhook_signature.c
 *		The specification's own example, and secrets that are none.
 */
#include <stdlib.h>
#include <string.h>

#include "tap.h"
#include "webhook_signature.h"

/* From the test data of the project Standard Webhooks. */
#define SECRET "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define ID "msg_p5jXN8AQM9LWM0D4loKWxJek"
#define TIMESTAMP "1614265330"
#define BODY "{\"test\": 2432232314}"
#define SIGNATURE "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

static const char *const no_secrets[] = {
	"", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "WHSEC_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
	"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa==", "whsec_*fKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
	"whsec_================================", "whsec_AAAA",
	"whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
	"whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
};

static bool
is_signed(const char *secret, const char *id, const char *timestamp, const char *body, char *signature)
{
	memset(signature, 'x', WEBHOOK_SIGNATURE_SIZE);
	return provision_webhook_signature_make(secret, id, timestamp, body, strlen(body), signature);
}

static void
test_example(void)
{
	char		signature[WEBHOOK_SIGNATURE_SIZE];

	tap_ok(is_signed(SECRET, ID, TIMESTAMP, BODY, signature), "the example is signed");
	tap_is_text(signature, SIGNATURE, "as the specification says");
	tap_ok(is_signed(SECRET, ID "x", TIMESTAMP, BODY, signature) && strcmp(signature, SIGNATURE) != 0, "another id, another signature");
	tap_ok(is_signed(SECRET, ID, "1614265331", BODY, signature) && strcmp(signature, SIGNATURE) != 0, "another time, another signature");
	tap_ok(is_signed(SECRET, ID, TIMESTAMP, BODY " ", signature) && strcmp(signature, SIGNATURE) != 0, "another body, another signature");
	tap_ok(is_signed(SECRET, ID, TIMESTAMP, "", signature), "a body may be empty");
}

static void
test_new_secrets(void)
{
	unsigned char bytes[64];
	char		secret[WEBHOOK_SECRET_SIZE];
	char		signature[WEBHOOK_SIGNATURE_SIZE];

	memset(bytes, 0xfb, sizeof(bytes));
	for (size_t length = 24; length <= sizeof(bytes); length += 8)
	{
		provision_webhook_signature_secret(bytes, length, secret);
		tap_ok(is_signed(secret, ID, TIMESTAMP, BODY, signature), "a secret of %d bytes signs", (int) length);
	}
	tap_is(strlen(secret), WEBHOOK_SECRET_SIZE - 1, "the longest fills its place");
}

int
main(void)
{
	char		signature[WEBHOOK_SIGNATURE_SIZE];

	test_example();
	test_new_secrets();
	for (size_t i = 0; i < sizeof(no_secrets) / sizeof(no_secrets[0]); i++)
		tap_ok(!is_signed(no_secrets[i], ID, TIMESTAMP, BODY, signature), "no secret: \"%s\"", no_secrets[i]);
	return tap_done();
}
