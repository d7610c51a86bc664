/*
 * test_key_ring.c
 *		The forms a key may have, files that are refused, commands that hang.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "key_source.h"
#include "tap.h"

#define HEX "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define BASE64 "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define OTHER "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
#define SALT "00112233445566778899aabbccddeeff"

typedef struct BadText
{
	const char *text;
	const char *problem;
} BadText;

static const BadText bad_texts[] = {
	{"", "It holds no key."},
	{"\n# only a comment\n\n", "It holds no key."},
	{"k1\n", "Line 1 of it: a line must be id:key, with an id of 1 to 32 letters, digits, dots, dashes and underscores."},
	{":" HEX, "Line 1 of it: a line must be id:key, with an id of 1 to 32 letters, digits, dots, dashes and underscores."},
	{"k 1:" HEX, "Line 1 of it: a line must be id:key, with an id of 1 to 32 letters, digits, dots, dashes and underscores."},
	{"x23456789012345678901234567890123:" HEX, "Line 1 of it: a line must be id:key, with an id of 1 to 32 letters, digits, dots, dashes and underscores."},
	{"k1:" HEX "\nk1:" OTHER, "Line 2 of it: a key before it has the same id."},
	{"k1:" HEX "0", "Line 1 of it: a key must be 64 hexadecimal digits, 44 characters of base64, or scrypt:salt:passphrase."},
	{"k1:" HEX " ", "Line 1 of it: a key must be 64 hexadecimal digits, 44 characters of base64, or scrypt:salt:passphrase."},
	{"k1:hunter2", "Line 1 of it: a key must be 64 hexadecimal digits, 44 characters of base64, or scrypt:salt:passphrase."},
	{"k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh==", "Line 1 of it: a key must be 64 hexadecimal digits, 44 characters of base64, or scrypt:salt:passphrase."},
	{"k1:scrypt:hunter2hunter2", "Line 1 of it: the salt must be 16 to 128 hexadecimal digits, as in id:scrypt:salt:passphrase."},
	{"k1:scrypt:0011:hunter2hunter2", "Line 1 of it: the salt must be 16 to 128 hexadecimal digits, as in id:scrypt:salt:passphrase."},
	{"k1:scrypt:" SALT "0:hunter2hunter2", "Line 1 of it: the salt must be 16 to 128 hexadecimal digits, as in id:scrypt:salt:passphrase."},
	{"k1:scrypt:" SALT ":hunter2", "Line 1 of it: the passphrase must have 12 to 256 bytes."},
};

static KeyRing *
parse(const char *text, char *problem)
{
	strcpy(problem, "none");
	return provision_key_ring_parse(text, strlen(text), problem);
}

static void
test_forms(void)
{
	char		problem[KEY_PROBLEM_SIZE];
	KeyRing    *ring = parse("# keys\r\nnew:" BASE64 "\r\n\nold.key-1_:" OTHER, problem);
	const unsigned char *key;
	unsigned char sealed[4 + SECRET_MAX_OVERHEAD];
	unsigned char plain[sizeof(sealed)];
	char		id[SECRET_MAX_ID_LENGTH + 1];
	size_t		size;

	tap_is_text(problem, "none", "two keys are read");
	tap_is_text(provision_key_ring_id(ring, 0), "new", "the first is current");
	tap_is_text(provision_key_ring_id(ring, 1), "old.key-1_", "the second is there");
	tap_is_text(provision_key_ring_id(ring, 2), NULL, "and that is all");
	key = provision_key_ring_find(ring, "new");
	tap_ok(key != NULL && key[0] == 0 && key[1] == 1 && key[31] == 31, "base64 is understood");
	key = provision_key_ring_find(ring, "old.key-1_");
	tap_ok(key != NULL && key[0] == 255 && key[31] == 255, "and hexadecimal");
	tap_ok(provision_key_ring_find(ring, "k3") == NULL, "no other key is there");
	tap_ok(provision_key_ring_find(NULL, "k3") == NULL, "nor without a ring");
	tap_ok(provision_key_ring_seal(ring, "me", "word", 4, sealed, &size) && size <= 4 + SECRET_MAX_OVERHEAD, "the first seals");
	tap_ok(provision_secret_key_id(sealed, size, id) && strcmp(id, "new") == 0, "and says so");
	tap_ok(provision_secret_open(provision_key_ring_find(ring, "new"), "me", sealed, size, plain, &size) && size == 4 && memcmp(plain, "word", 4) == 0,
		   "and opens");
	provision_key_ring_free(ring);
}

static void
test_bad_texts(void)
{
	char		problem[KEY_PROBLEM_SIZE];

	for (size_t i = 0; i < sizeof(bad_texts) / sizeof(bad_texts[0]); i++)
	{
		tap_ok(parse(bad_texts[i].text, problem) == NULL, "refused");
		tap_is_text(problem, bad_texts[i].problem, "because");
	}
	tap_ok(provision_key_ring_parse("k1\0:" HEX, 68, problem) == NULL, "a NUL is refused");
}

static void
test_too_many(void)
{
	char		text[65 * 80];
	char		problem[KEY_PROBLEM_SIZE];
	size_t		length = 0;
	KeyRing    *ring;

	for (int i = 0; i < 64; i++)
		length += (size_t) sprintf(text + length, "k%d:%s\n", i, HEX);
	ring = parse(text, problem);
	tap_ok(ring != NULL && provision_key_ring_id(ring, 63) != NULL, "64 keys are read");
	provision_key_ring_free(ring);
	sprintf(text + length, "k64:%s\n", HEX);
	tap_ok(parse(text, problem) == NULL, "and not 65");
}

/* The value was computed with Python's hashlib.scrypt (n=65536, r=8, p=2). */
static void
test_passphrase(void)
{
	static const unsigned char expected[4] = {0xb4, 0x5a, 0xeb, 0x9d};
	char		problem[KEY_PROBLEM_SIZE];
	KeyRing    *ring = parse("k1:scrypt:" SALT ":correct horse: battery", problem);
	const unsigned char *key;

	tap_ok(ring != NULL, "a passphrase may hold colons and blanks");
	if (!tap_is_slow())
	{
		key = provision_key_ring_find(ring, "k1");
		tap_ok(key != NULL && memcmp(key, expected, sizeof(expected)) == 0, "scrypt makes the key");
		tap_ok(provision_key_ring_find(ring, "k1") == key, "once");
	}
	provision_key_ring_free(ring);
}

static void
test_sameness(void)
{
	char		problem[KEY_PROBLEM_SIZE];
	KeyRing    *one = parse("a:" HEX "\nb:" OTHER "\n", problem);
	KeyRing    *same = parse("a:" HEX "\n# more\nb:" OTHER, problem);
	KeyRing    *swapped = parse("b:" OTHER "\na:" HEX, problem);
	KeyRing    *changed = parse("a:" HEX "\nb:" HEX, problem);
	KeyRing    *shorter = parse("a:" HEX, problem);

	tap_ok(provision_key_ring_is_same(one, same), "comments make no difference");
	tap_ok(!provision_key_ring_is_same(one, swapped), "the order does");
	tap_ok(!provision_key_ring_is_same(one, changed), "a key does");
	tap_ok(!provision_key_ring_is_same(one, shorter) && !provision_key_ring_is_same(shorter, one), "and one more or less");
	tap_ok(!provision_key_ring_is_same(one, NULL) && provision_key_ring_is_same(NULL, NULL), "and none");
	provision_key_ring_free(one);
	provision_key_ring_free(same);
	provision_key_ring_free(swapped);
	provision_key_ring_free(changed);
	provision_key_ring_free(shorter);
}

static void
write_file(const char *path, const char *text, mode_t mode)
{
	FILE	   *file = fopen(path, "w");

	if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0 || chmod(path, mode) != 0)
		tap_ok(false, "could not write %s", path);
}

static void
refuse_file(const char *path, const char *expected, const char *name)
{
	char		problem[KEY_PROBLEM_SIZE] = "none";
	KeyRing    *ring = provision_key_file_read(path, false, problem);

	tap_ok(ring == NULL, "%s is refused", name);
	tap_is_text(problem, expected, "because");
	provision_key_ring_free(ring);
}

static void
test_files(void)
{
	static char huge[KEY_TEXT_SIZE + 10];
	char		problem[KEY_PROBLEM_SIZE];
	KeyRing    *ring;

	write_file("keys", "k1:" HEX, 0600);
	ring = provision_key_file_read("keys", false, problem);
	tap_ok(ring != NULL, "a file of mode 0600 is read");
	provision_key_ring_free(ring);
	chmod("keys", 0644);
	if (getuid() != 0)
		refuse_file("keys", "Others may read or change it (mode 0644): its mode must be 0600 or less, or 0640 when it belongs to root.", "one that others may read");
	chmod("keys", 0640);
	if (getuid() != 0)
		refuse_file("keys", "Others may read or change it (mode 0640): its mode must be 0600 or less, or 0640 when it belongs to root.", "one that a group may read");
	ring = provision_key_file_read("keys", true, problem);
	tap_ok(ring != NULL, "in a closed directory it does not matter");
	provision_key_ring_free(ring);
	refuse_file("nowhere", "It cannot be opened: No such file or directory.", "one that is not there");
	refuse_file(".", "It is not a regular file.", "a directory");
	tap_ok(mkfifo("pipe", 0600) == 0, "a pipe is made");
	refuse_file("pipe", "It is not a regular file.", "a pipe");
	memset(huge, '#', sizeof(huge) - 1);
	write_file("huge", huge, 0600);
	refuse_file("huge", "It has more than 16 kB.", "a huge one");
}

static void
test_making(void)
{
	char		problem[KEY_PROBLEM_SIZE] = "none";
	struct stat status;
	KeyFileMark before = provision_key_file_mark("made");
	KeyFileMark after;
	KeyRing    *ring;
	KeyRing    *again;

	tap_ok(provision_key_file_make("made", problem), "a key file is made");
	after = provision_key_file_mark("made");
	tap_ok(memcmp(&before, &after, sizeof(before)) != 0, "which is seen");
	tap_ok(stat("made", &status) == 0 && (status.st_mode & 07777) == 0600, "for its owner only");
	ring = provision_key_file_read("made", false, problem);
	tap_ok(ring != NULL && strcmp(provision_key_ring_id(ring, 0), "k1") == 0, "with a key");
	tap_ok(provision_key_file_make("made", problem), "a second time");
	again = provision_key_file_read("made", false, problem);
	tap_ok(provision_key_ring_is_same(ring, again), "it stays as it was");
	tap_ok(!provision_key_file_make("nowhere/made", problem), "not without a directory");
	tap_is_text(problem, "It cannot be made: No such file or directory.", "because");
	provision_key_ring_free(ring);
	provision_key_ring_free(again);
}

static bool
wait_a_moment(int timeout_ms)
{
	return usleep((useconds_t) timeout_ms * 1000) == 0;
}

/* When the command has started what it starts. */
static bool
lose_patience(int timeout_ms)
{
	return wait_a_moment(timeout_ms) && access("began", F_OK) != 0;
}

static void
test_patience(void)
{
	char		problem[KEY_PROBLEM_SIZE] = "none";
	struct pollfd life = {.events = POLLIN};

	write_file("hangs", "(exec > life; touch began; sleep 60) &\nwait\n", 0600);
	tap_ok(mkfifo("life", 0600) == 0 && (life.fd = open("life", O_RDONLY | O_NONBLOCK)) >= 0, "a pipe is made");
	tap_ok(provision_key_command_run("/bin/sh hangs", 60000, lose_patience, problem) == NULL, "a command is not waited for without patience");
	tap_is_text(problem, "Its end was not waited for, because the process was told to stop.", "which is said");
	tap_ok(poll(&life, 1, 30000) == 1 && (life.revents & POLLHUP) != 0, "it was killed, with what it had started");
	close(life.fd);
	(void) unlink("hangs");
	(void) unlink("life");
	(void) unlink("began");
}

static void
refuse_command(const char *command, const char *expected)
{
	char		problem[KEY_PROBLEM_SIZE] = "none";
	KeyRing    *ring = provision_key_command_run(command, 500, wait_a_moment, problem);

	tap_ok(ring == NULL, "refused");
	tap_is_text(problem, expected, "%s", command);
	provision_key_ring_free(ring);
}

static void
test_commands(void)
{
	char		problem[KEY_PROBLEM_SIZE] = "none";
	KeyRing    *ring = provision_key_command_run("/bin/echo  k1:" HEX, 30000, wait_a_moment, problem);

	tap_is_text(problem, "none", "a command is run");
	tap_ok(ring != NULL && provision_key_ring_find(ring, "k1") != NULL, "and what it prints is read");
	provision_key_ring_free(ring);
	ring = provision_key_command_run("/bin/echo k1:scrypt:" SALT ":$(echo;hunter2)>\"x\"", 30000, wait_a_moment, problem);
	tap_ok(ring != NULL && access("x", F_OK) != 0, "no shell reads it");
	provision_key_ring_free(ring);
	refuse_command("", "It must begin with the absolute path of a program and have at most 64 words.");
	refuse_command("echo k1:" HEX, "It must begin with the absolute path of a program and have at most 64 words.");
	if (!tap_is_slow())			/* valgrind notices only later */
		refuse_command("/nowhere/key", "It cannot be started: No such file or directory.");
	refuse_command("/bin/sleep 60", "It did not end within 500 ms, or printed more than 16 kB.");
	refuse_command("/bin/cat /dev/zero", "It did not end within 500 ms, or printed more than 16 kB.");
	ring = provision_key_command_run("/bin/false", 30000, wait_a_moment, problem);
	tap_is_text(problem, "It ended with exit status 1.", "a command that fails");
	ring = provision_key_command_run("/bin/true", 30000, wait_a_moment, problem);
	tap_is_text(problem, "It holds no key.", "a command that prints nothing");
}

int
main(void)
{
	char		directory[] = "/tmp/provision-keys.XXXXXX";

	if (mkdtemp(directory) == NULL || chdir(directory) != 0)
		return 1;
	test_forms();
	test_bad_texts();
	test_too_many();
	test_passphrase();
	test_sameness();
	test_files();
	test_making();
	test_commands();
	test_patience();
	(void) unlink("keys");
	(void) unlink("pipe");
	(void) unlink("huge");
	(void) unlink("made");
	(void) rmdir(directory);
	return tap_done();
}
