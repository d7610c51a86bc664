/*
 * key_command.c
 *		Runs the command that prints the keys of secrets.
 *
 * Without a shell, in a process group of its own, with nothing on its standard
 * input, and with its standard error thrown away: what a program prints there
 * may hold what it should not.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE				/* pipe2, addclosefrom */
#endif

#include "key_source.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_WORDS 64
#define COMMAND_SIZE 2048

extern char **environ;

static long long
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* Cuts the command in place; false when it has too many words, or none. */
static bool
split_words(char *command, char *words[MAX_WORDS + 1])
{
	int			count = 0;
	char	   *state;
	char	   *word = strtok_r(command, " \t", &state);

	for (; word != NULL && count < MAX_WORDS; word = strtok_r(NULL, " \t", &state))
		words[count++] = word;
	words[count] = NULL;
	return count > 0 && word == NULL;
}

/* The server's own handlers and masked signals are not for the command. */
static bool
set_attributes(posix_spawnattr_t *attributes)
{
	sigset_t	all;
	sigset_t	none;

	sigfillset(&all);
	sigemptyset(&none);
	return posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK) == 0 &&
		posix_spawnattr_setpgroup(attributes, 0) == 0 &&
		posix_spawnattr_setsigdefault(attributes, &all) == 0 &&
		posix_spawnattr_setsigmask(attributes, &none) == 0;
}

static bool
set_files(posix_spawn_file_actions_t *files, int output)
{
	return posix_spawn_file_actions_addopen(files, STDIN_FILENO, "/dev/null", O_RDONLY, 0) == 0 &&
		posix_spawn_file_actions_adddup2(files, output, STDOUT_FILENO) == 0 &&
		posix_spawn_file_actions_addopen(files, STDERR_FILENO, "/dev/null", O_WRONLY, 0) == 0
#if defined(__GLIBC_PREREQ)
#if __GLIBC_PREREQ(2, 34)
		&& posix_spawn_file_actions_addclosefrom_np(files, STDERR_FILENO + 1) == 0
#endif
#endif
		;
}

/* The process, or -1 with errno. */
static pid_t
start(char *words[], int output)
{
	posix_spawnattr_t attributes;
	posix_spawn_file_actions_t files;
	pid_t		process;
	int			code = ENOMEM;

	if (posix_spawnattr_init(&attributes) != 0)
		return -1;
	if (posix_spawn_file_actions_init(&files) == 0)
	{
		if (set_attributes(&attributes) && set_files(&files, output))
			code = posix_spawn(&process, words[0], &files, &attributes, words, environ);
		posix_spawn_file_actions_destroy(&files);
	}
	posix_spawnattr_destroy(&attributes);
	errno = code;
	return code == 0 ? process : -1;
}

/* Reads until the end or the deadline; -1: neither the end nor room was left. */
static ssize_t
read_output(int output, char *text, long long deadline)
{
	struct pollfd wanted = {output, POLLIN, 0};
	size_t		length = 0;
	long long	left;

	while (length < KEY_TEXT_SIZE && (left = deadline - now_ms()) > 0)
	{
		ssize_t		got;

		if (poll(&wanted, 1, (int) left) <= 0)
			continue;
		got = read(output, text + length, KEY_TEXT_SIZE - length);
		if (got == 0)
			return (ssize_t) length;
		length += got > 0 ? (size_t) got : 0;
	}
	return -1;
}

/* True when the command ended well by itself before the deadline. */
static bool
await(pid_t process, long long deadline, int *status)
{
	const struct timespec moment = {0, 5 * 1000 * 1000};
	pid_t		ended;

	while ((ended = waitpid(process, status, WNOHANG)) == 0 && now_ms() < deadline)
		nanosleep(&moment, NULL);
	(void) kill(-process, SIGKILL); /* and whatever it has started */
	while (ended == 0 && waitpid(process, status, 0) < 0 && errno == EINTR)
		;
	return ended == process;
}

static KeyRing *
read_ring(pid_t process, int output, int timeout_ms, char *text, char problem[KEY_PROBLEM_SIZE])
{
	long long	deadline = now_ms() + timeout_ms;
	ssize_t		length = read_output(output, text, deadline);
	int			status = 0;
	bool		has_ended = await(process, length < 0 ? 0 : deadline, &status);

	if (length < 0 || !has_ended)
		snprintf(problem, KEY_PROBLEM_SIZE, "It did not end within %d ms, or printed more than 16 kB.", timeout_ms);
	else if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
		snprintf(problem, KEY_PROBLEM_SIZE, "It ended with exit status %d.", WEXITSTATUS(status));
	else if (!WIFEXITED(status))
		snprintf(problem, KEY_PROBLEM_SIZE, "It was ended by signal %d.", WTERMSIG(status));
	else
		return provision_key_ring_parse(text, (size_t) length, problem);
	return NULL;
}

static KeyRing *
run(char *words[], int timeout_ms, char *text, char problem[KEY_PROBLEM_SIZE])
{
	int			ends[2];
	pid_t		process;
	KeyRing    *ring = NULL;

	if (pipe2(ends, O_CLOEXEC) != 0)
	{
		snprintf(problem, KEY_PROBLEM_SIZE, "It cannot be started: %s.", strerror(errno));
		return NULL;
	}
	process = start(words, ends[1]);
	if (process < 0)
		snprintf(problem, KEY_PROBLEM_SIZE, "It cannot be started: %s.", strerror(errno));
	close(ends[1]);
	if (process >= 0)
		ring = read_ring(process, ends[0], timeout_ms, text, problem);
	close(ends[0]);
	return ring;
}

KeyRing *
provision_key_command_run(const char *command, int timeout_ms, char problem[KEY_PROBLEM_SIZE])
{
	char		copy[COMMAND_SIZE];
	char	   *words[MAX_WORDS + 1];
	char	   *text;
	KeyRing    *ring = NULL;

	if (snprintf(copy, sizeof(copy), "%s", command) >= (int) sizeof(copy) || !split_words(copy, words) || words[0][0] != '/')
	{
		snprintf(problem, KEY_PROBLEM_SIZE, "It must begin with the absolute path of a program and have at most 64 words.");
		return NULL;
	}
	text = provision_secret_allocate(KEY_TEXT_SIZE);
	if (text == NULL)
		snprintf(problem, KEY_PROBLEM_SIZE, "There is no memory for the keys.");
	else
		ring = run(words, timeout_ms, text, problem);
	provision_secret_free(text, KEY_TEXT_SIZE);
	return ring;
}
