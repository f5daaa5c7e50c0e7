/* execve with arguments whose bytes, pointers and list were all built on the stack a moment before: they must have reached memory
 * by the time of the call, and must be read before the stack they are on is thrown away. */
#include "suite.h"

enum { ARGUMENTS = 40 };

static int as_child(int count, char **arguments)
{
	CHECK_EQUAL(count, ARGUMENTS + 2);
	for (int i = 0; i < ARGUMENTS; i++) {
		char expected[32];
		snprintf(expected, sizeof expected, "argument-%d-%d", i, i * i);
		CHECK(strcmp(arguments[i + 2], expected) == 0);
	}
	CHECK(arguments[count] == NULL);
	CHECK(getenv("ON_STACK") && strcmp(getenv("ON_STACK"), "too") == 0);
	return 31;
}

static __attribute__((noinline)) void execute(int depth)
{
	/* Deeper frames each time, so that the strings lie at other offsets of their pages. */
	char padding[97];
	__asm__ volatile("" : : "r"(padding) : "memory");
	if (depth > 0) {
		execute(depth - 1);
		__asm__ volatile("" : : "r"(padding) : "memory");
		return;
	}
	char strings[ARGUMENTS][32], first[] = { 'n', 'a', 'm', 'e', 0 }, child[] = { 'c', 'h', 'i', 'l', 'd', 0 };
	char variable[] = { 'O', 'N', '_', 'S', 'T', 'A', 'C', 'K', '=', 't', 'o', 'o', 0 };
	char *list[ARGUMENTS + 3] = { first, child }, *environment[] = { variable, NULL };
	for (int i = 0; i < ARGUMENTS; i++) {
		snprintf(strings[i], sizeof strings[i], "argument-%d-%d", i, i * i);
		list[i + 2] = strings[i];
	}
	list[ARGUMENTS + 2] = NULL;
	execve("/proc/self/exe", list, environment);
	_exit(100);
}

int main(int count, char **arguments)
{
	if (count > 1 && strcmp(arguments[1], "child") == 0)
		return as_child(count, arguments);
	for (int depth = 0; depth < 90; depth += 9) {
		pid_t child = fork();
		if (child == 0)
			execute(depth);
		CHECK_EXITS(child, 31);
	}
	return 0;
}
