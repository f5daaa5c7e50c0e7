/* personality: asking and setting, inherited by children and kept over exec, where ADDR_NO_RANDOMIZE makes every start the same;
 * READ_IMPLIES_EXEC makes what can be read executable. */
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

/* Whether the area at `start` is one that can be executed, by /proc/self/maps. */
static int is_executable(const void *start)
{
	char line[512], rights[8];
	unsigned long first, last;
	int answer = -1;
	FILE *file = fopen("/proc/self/maps", "r");
	CHECK(file != NULL);
	while (fgets(line, sizeof line, file))
		if (sscanf(line, "%lx-%lx %7s", &first, &last, rights) == 3 && first <= (unsigned long)start &&
		    (unsigned long)start < last)
			answer = rights[2] == 'x';
	CHECK_EQUAL(fclose(file), 0);
	CHECK(answer >= 0);
	return answer;
}

/* What can be read can be executed. */
static void reads_execute(void)
{
	const int anonymous = MAP_PRIVATE | MAP_ANONYMOUS;
	char *before = mmap(NULL, 4096, PROT_READ, anonymous, -1, 0);
	CHECK(before != MAP_FAILED);
	CHECK_EQUAL(personality(READ_IMPLIES_EXEC), 0);
	CHECK_EQUAL(personality(0xffffffff), READ_IMPLIES_EXEC);
	CHECK(!is_executable(before));
	char *after = mmap(NULL, 4096, PROT_READ, anonymous, -1, 0), *none = mmap(NULL, 4096, PROT_NONE, anonymous, -1, 0);
	CHECK(after != MAP_FAILED && none != MAP_FAILED);
	CHECK(is_executable(after));
	CHECK(!is_executable(none));
	CHECK_EQUAL(mprotect(none, 4096, PROT_READ | PROT_WRITE), 0);
	CHECK(is_executable(none));
	CHECK_EQUAL(mprotect(before, 4096, PROT_READ), 0);
	CHECK(is_executable(before));
	/* New programs begin without it. */
	execl("/proc/self/exe", "personality_test", "plain", NULL);
	_exit(9);
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
	if (count > 1 && strcmp(arguments[1], "plain") == 0) {
		CHECK_EQUAL(personality(0xffffffff), 0);
		void *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		CHECK(page != MAP_FAILED && !is_executable(page));
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
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		CHECK_EQUAL(personality(0), ADDR_NO_RANDOMIZE);
		if (personality(READ_IMPLIES_EXEC) < 0)
			_exit(errno == EPERM ? 0 : 1);
		CHECK_EQUAL(personality(0), READ_IMPLIES_EXEC);
		reads_execute();
	}
	CHECK_EXITS(child, 0);
	CHECK_EQUAL(personality(was), ADDR_NO_RANDOMIZE);
	CHECK_EQUAL(personality(0xffffffff), was);
	return 0;
}
