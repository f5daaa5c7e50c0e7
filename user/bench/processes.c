/* What processes cost: fork, exec of programs of several sizes, posix_spawn, switching between processes. Lines as measure.h says.
 * Usage: processes [RUNS]. The programs it starts are in its own directory. */
#define _GNU_SOURCE
#include "measure.h"
#include <spawn.h>
#include <string.h>

static char directory[256];
static char program[300];
static char *words[3];
static char *environment[] = { NULL };

static void choose(const char *name, char *argument)
{
	snprintf(program, sizeof program, "%s/%s", directory, name);
	words[0] = program;
	words[1] = argument;
}

static void fork_wait(void)
{
	pid_t child = fork();
	if (child == 0)
		_exit(0);
	reap(child);
}

static void fork_exec_wait(void)
{
	pid_t child = fork();
	if (child == 0) {
		execve(program, words, environment);
		_exit(1);
	}
	reap(child);
}

static void vfork_exec_wait(void)
{
	pid_t child = vfork();
	if (child == 0) {
		execve(program, words, environment);
		_exit(1);
	}
	reap(child);
}

static void spawn_wait(void)
{
	pid_t child;
	must(posix_spawn(&child, program, NULL, NULL, words, environment) == 0, "posix_spawn");
	reap(child);
}

#define MOST 8
static int ring[MOST][2];
static char token;

/* A token goes once around a ring of processes: as many switches as there are processes. */
static void around(void)
{
	must(write(ring[0][1], &token, 1) == 1 && read(ring[MOST - 1][0], &token, 1) == 1, "ring");
}

/* The processes of the ring but this one: each passes on what it gets, from pipe i to pipe i + 1; the last writes to the last pipe. */
static void switching(const char *name, int processes)
{
	pid_t children[MOST];
	for (int i = 0; i < MOST; i++)
		must(pipe(ring[i]) == 0, "pipe");
	for (int i = 0; i < processes - 1; i++) {
		int to = i == processes - 2 ? MOST - 1 : i + 1;
		children[i] = fork();
		if (children[i] == 0) {
			for (int j = 0; j < MOST; j++)
				if (j != to)
					close(ring[j][1]);
			while (read(ring[i][0], &token, 1) == 1)
				if (write(ring[to][1], &token, 1) != 1)
					_exit(1);
			_exit(0);
		}
		must(children[i] > 0, "fork");
	}
	measure(name, around, 300);
	for (int i = 0; i < MOST; i++)
		close(ring[i][1]);
	for (int i = 0; i < processes - 1; i++)
		reap(children[i]);
	for (int i = 0; i < MOST; i++)
		close(ring[i][0]);
}

int main(int count, char **arguments)
{
	snprintf(directory, sizeof directory, "%s", arguments[0]);
	char *slash = strrchr(directory, '/');
	if (slash)
		*slash = 0;
	bench_begin(count, arguments, 1);
	measure("fork.wait", fork_wait, 50);
	choose("nothing", NULL);
	measure("fork.exec.wait", fork_exec_wait, 50);
	measure("vfork.exec.wait", vfork_exec_wait, 50);
	measure("spawn.wait", spawn_wait, 50);
	choose("large2", NULL);
	measure("exec.2MB", vfork_exec_wait, 20);
	choose("large24", NULL);
	measure("exec.24MB", vfork_exec_wait, 20);
	choose("large2", "touch");
	measure("exec.2MB.touched", vfork_exec_wait, 5);
	choose("large24", "touch");
	measure("exec.24MB.touched", vfork_exec_wait, 2);
	switching("switch.2.processes", 2);
	switching("switch.8.processes", 8);
	return bench_end();
}
