/* personality: asking and setting, inherited by children and kept over exec, where ADDR_NO_RANDOMIZE makes every start the same. */
#include "check.h"
#include <sys/personality.h>

/* What /proc says of the caller. */
static unsigned long told(void)
{
	char text[16];
	int file = open("/proc/self/personality", O_RDONLY);
	CHECK(file >= 0);
	CHECK_EQUAL(read(file, text, sizeof text), 9);
	CHECK_EQUAL(close(file), 0);
	return strtoul(text, NULL, 16);
}

/* Where a new program finds its stack, a mapping and its heap. */
static void where(uintptr_t found[3])
{
	int ends[2];
	CHECK_EQUAL(pipe(ends), 0);
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		/* Name and environment lie on the stack. */
		char *const arguments[] = { "personality_test", "where", NULL }, *const environment[] = { NULL };
		dup2(ends[1], 1);
		execve("/proc/self/exe", arguments, environment);
		_exit(9);
	}
	CHECK_EQUAL(close(ends[1]), 0);
	CHECK_EQUAL(read(ends[0], found, 3 * sizeof *found), 3 * (ssize_t)sizeof *found);
	CHECK_EQUAL(close(ends[0]), 0);
	CHECK_EXITS(child, 0);
}

int main(int count, char **arguments)
{
	uintptr_t first[3], second[3];
	if (count > 1 && strcmp(arguments[1], "where") == 0) {
		CHECK_EQUAL(personality(0xffffffff), ADDR_NO_RANDOMIZE);
		CHECK_EQUAL(told(), ADDR_NO_RANDOMIZE);
		first[0] = (uintptr_t)arguments;
		first[1] = (uintptr_t)mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		first[2] = (uintptr_t)sbrk(0);
		CHECK_EQUAL(write(1, first, sizeof first), sizeof first);
		return 0;
	}
	int was = personality(0xffffffff);
	CHECK(was >= 0);
	if (personality(ADDR_NO_RANDOMIZE) < 0) {
		/* Containers refuse it. */
		CHECK_EQUAL(errno, EPERM);
		return 0;
	}
	CHECK_EQUAL(personality(0xffffffff), ADDR_NO_RANDOMIZE);
	CHECK_EQUAL(told(), ADDR_NO_RANDOMIZE);
	where(first);
	for (int turn = 0; turn < 3; turn++) {
		where(second);
		for (int i = 0; i < 3; i++)
			CHECK_EQUAL(second[i], first[i]);
	}
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		CHECK_EQUAL(personality(0), ADDR_NO_RANDOMIZE);
		CHECK_EQUAL(personality(0xffffffff), 0);
		_exit(0);
	}
	CHECK_EXITS(child, 0);
	CHECK_EQUAL(personality(was), ADDR_NO_RANDOMIZE);
	CHECK_EQUAL(personality(0xffffffff), was);
	return 0;
}
