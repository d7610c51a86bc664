/*
 * key_file.c
 *		Reads the keys of secrets from a file, and makes one.
 */
#include "key_source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/rand.h>

#define PATH_SIZE 1100

static void describe(char problem[KEY_PROBLEM_SIZE], const char *format,...)
			__attribute__((format(printf, 2, 3)));

static void
describe(char problem[KEY_PROBLEM_SIZE], const char *format,...)
{
	va_list		arguments;

	va_start(arguments, format);
	vsnprintf(problem, KEY_PROBLEM_SIZE, format, arguments);
	va_end(arguments);
}

/* The rule of PostgreSQL's ssl_key_file: root may let a group read its file. */
static bool
is_closed(const struct stat *status, bool directory_is_closed, char problem[KEY_PROBLEM_SIZE])
{
	mode_t		forbidden = status->st_uid == 0 ? S_IWGRP | S_IXGRP | S_IRWXO : S_IRWXG | S_IRWXO;

	if (!S_ISREG(status->st_mode))
		describe(problem, "It is not a regular file.");
	else if (status->st_uid != geteuid() && status->st_uid != 0)
		describe(problem, "It belongs neither to the server's user nor to root.");
	else if (!directory_is_closed && (status->st_mode & forbidden) != 0)
		describe(problem, "Others may read or change it (mode %04o): its mode must be 0600 or less, or 0640 when it belongs to root.",
				 (unsigned int) (status->st_mode & 07777));
	else
		return true;
	return false;
}

bool
provision_key_file_is_closed(const struct stat *status, char problem[KEY_PROBLEM_SIZE])
{
	return is_closed(status, false, problem);
}

/* The number of bytes, at most KEY_TEXT_SIZE; -1 after an error. */
static ssize_t
read_all(int file, char *text)
{
	size_t		length = 0;

	while (length < KEY_TEXT_SIZE)
	{
		ssize_t		got = read(file, text + length, KEY_TEXT_SIZE - length);

		if (got == 0)
			break;
		if (got < 0 && errno != EINTR)
			return -1;
		length += got > 0 ? (size_t) got : 0;
	}
	return (ssize_t) length;
}

static KeyRing *
read_ring(int file, char problem[KEY_PROBLEM_SIZE])
{
	char	   *text = provision_secret_allocate(KEY_TEXT_SIZE);
	ssize_t		length = text == NULL ? -1 : read_all(file, text);
	KeyRing    *ring = NULL;

	if (length < 0)
		describe(problem, "It cannot be read: %s.", strerror(errno));
	else if (length == KEY_TEXT_SIZE)
		describe(problem, "It has more than 16 kB.");
	else
		ring = provision_key_ring_parse(text, (size_t) length, problem);
	provision_secret_free(text, KEY_TEXT_SIZE);
	return ring;
}

KeyRing *
provision_key_file_read(const char *path, bool directory_is_closed, char problem[KEY_PROBLEM_SIZE])
{
	int			file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);	/* not to wait in a FIFO */
	struct stat status;
	KeyRing    *ring = NULL;

	if (file < 0)
	{
		describe(problem, "It cannot be opened: %s.", strerror(errno));
		return NULL;
	}
	if (fstat(file, &status) != 0)
		describe(problem, "It cannot be looked at: %s.", strerror(errno));
	else if (is_closed(&status, directory_is_closed, problem))
		ring = read_ring(file, problem);
	close(file);
	return ring;
}

KeyFileMark
provision_key_file_mark(const char *path)
{
	struct stat status;

	if (stat(path, &status) != 0)
		return (KeyFileMark) {{errno}};
	return (KeyFileMark) {{0, status.st_dev, status.st_ino, status.st_size, status.st_mtim.tv_sec * 1000000000LL + status.st_mtim.tv_nsec,
		status.st_ctim.tv_sec * 1000000000LL + status.st_ctim.tv_nsec, status.st_mode}};
}

static bool
write_new_key(int file)
{
	unsigned char key[SECRET_KEY_SIZE];
	char		line[2 * SECRET_KEY_SIZE + 5] = "k1:";
	char	   *next = line + 3;
	bool		done = RAND_bytes(key, sizeof(key)) == 1;

	for (size_t i = 0; i < sizeof(key); i++, next += 2)
		snprintf(next, 3, "%02x", key[i]);
	*next = '\n';
	done = done && write(file, line, sizeof(line) - 1) == (ssize_t) sizeof(line) - 1 && fsync(file) == 0;
	provision_secret_wipe(key, sizeof(key));
	provision_secret_wipe(line, sizeof(line));
	return done;
}

/* That the name is there after a crash of the machine, too. */
static bool
sync_directory(const char *path)
{
	char		directory[PATH_SIZE];
	char	   *slash;
	int			file;
	bool		done;

	snprintf(directory, sizeof(directory), "%s", path);
	slash = strrchr(directory, '/');
	if (slash != NULL)
		slash[slash == directory] = '\0';
	file = open(slash == NULL ? "." : directory, O_RDONLY | O_CLOEXEC | O_DIRECTORY);
	if (file < 0)
		return false;
	done = fsync(file) == 0;
	close(file);
	return done;
}

bool
provision_key_file_make(const char *path, char problem[KEY_PROBLEM_SIZE])
{
	char		draft[PATH_SIZE];
	int			file;
	bool		done;

	snprintf(draft, sizeof(draft), "%s.%ld.new", path, (long) getpid());
	(void) unlink(draft);		/* of a process that had this number and died here */
	file = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
	if (file < 0)
	{
		describe(problem, "It cannot be made: %s.", strerror(errno));
		return false;
	}
	/* The name appears with the whole content or not, and never takes another's place. */
	done = write_new_key(file) && (link(draft, path) == 0 || errno == EEXIST) && sync_directory(path);
	if (!done)
		describe(problem, "It cannot be made: %s.", strerror(errno));
	close(file);
	(void) unlink(draft);
	return done;
}
