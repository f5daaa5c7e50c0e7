/* What starting programs of a distribution costs, from fork to wait: a shell and an interpreter, each with nothing to do. Lines as
 * measure.h says. Usage: starts [RUNS]. A program that the root lacks gives no line. */
#define _GNU_SOURCE
#include "measure.h"
#include <spawn.h>

static char *environment[] = { "PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/root", "LC_ALL=C", NULL };
static char **words;

static void start(void)
{
	pid_t child;
	must(posix_spawn(&child, words[0], NULL, NULL, words, environment) == 0, words[0]);
	reap(child);
}

static void starting(const char *name, char **its_words, int repeats)
{
	words = its_words;
	if (access(words[0], X_OK) == 0)
		measure(name, start, repeats);
}

int main(int count, char **arguments)
{
	bench_begin(count, arguments, 1);
	starting("start.true", (char *[]){ "/bin/true", NULL }, 10);
	starting("start.bash", (char *[]){ "/bin/bash", "-c", "true", NULL }, 10);
	starting("start.python3", (char *[]){ "/usr/bin/python3", "-c", "pass", NULL }, 2);
	return bench_end();
}
