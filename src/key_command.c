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
#define LOOK_MS 10				/* between two looks at a command that runs */

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

/* What has become of the command. */
typedef struct Running
{
	pid_t		process;
	int			output;
	char	   *text;
	size_t		length;
	bool		has_told;		/* its output has ended */
	bool		has_ended;
	int			status;			/* then */
} Running;

/* Never waits.  Room is left over: what fills it is too long. */
static void
look(Running *running)
{
	struct pollfd wanted = {running->output, POLLIN, 0};
	ssize_t		got;

	while (!running->has_told && running->length < KEY_TEXT_SIZE && poll(&wanted, 1, 0) > 0)
	{
		got = read(running->output, running->text + running->length, KEY_TEXT_SIZE - running->length);
		if (got < 0)
			return;
		running->has_told = got == 0;
		running->length += (size_t) got;
	}
	if (running->has_told && !running->has_ended)
		running->has_ended = waitpid(running->process, &running->status, WNOHANG) == running->process;
}

/* Returns whether it was waited for until its end, its limit, or too much output. */
static bool
await(Running *running, int timeout_ms, KeyPatience patience)
{
	long long	deadline = now_ms() + timeout_ms;
	bool		is_patient = true;

	look(running);
	while (!running->has_ended && running->length < KEY_TEXT_SIZE && now_ms() < deadline &&
		   (is_patient = patience(LOOK_MS)))
		look(running);
	return is_patient;
}

static void
end(const Running *running)
{
	(void) kill(-running->process, SIGKILL);	/* and whatever it has started */
	while (!running->has_ended && waitpid(running->process, NULL, 0) < 0 && errno == EINTR)
		;
}

static KeyRing *
read_ring(Running *running, int timeout_ms, KeyPatience patience, char problem[KEY_PROBLEM_SIZE])
{
	bool		is_patient = await(running, timeout_ms, patience);

	end(running);
	if (!is_patient)
		snprintf(problem, KEY_PROBLEM_SIZE, "Its end was not waited for, because the process was told to stop.");
	else if (!running->has_ended)
		snprintf(problem, KEY_PROBLEM_SIZE, "It did not end within %d ms, or printed more than 16 kB.", timeout_ms);
	else if (WIFEXITED(running->status) && WEXITSTATUS(running->status) != 0)
		snprintf(problem, KEY_PROBLEM_SIZE, "It ended with exit status %d.", WEXITSTATUS(running->status));
	else if (!WIFEXITED(running->status))
		snprintf(problem, KEY_PROBLEM_SIZE, "It was ended by signal %d.", WTERMSIG(running->status));
	else
		return provision_key_ring_parse(running->text, running->length, problem);
	return NULL;
}

static KeyRing *
run(char *words[], int timeout_ms, KeyPatience patience, char *text, char problem[KEY_PROBLEM_SIZE])
{
	Running		running = {.text = text};
	int			ends[2];
	KeyRing    *ring = NULL;

	if (pipe2(ends, O_CLOEXEC) != 0)
	{
		snprintf(problem, KEY_PROBLEM_SIZE, "It cannot be started: %s.", strerror(errno));
		return NULL;
	}
	running.output = ends[0];
	running.process = start(words, ends[1]);
	if (running.process < 0)
		snprintf(problem, KEY_PROBLEM_SIZE, "It cannot be started: %s.", strerror(errno));
	close(ends[1]);
	if (running.process >= 0)
		ring = read_ring(&running, timeout_ms, patience, problem);
	close(ends[0]);
	return ring;
}

KeyRing *
provision_key_command_run(const char *command, int timeout_ms, KeyPatience patience, char problem[KEY_PROBLEM_SIZE])
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
		ring = run(words, timeout_ms, patience, text, problem);
	provision_secret_free(text, KEY_TEXT_SIZE);
	return ring;
}
