/* argc and argv: as the harness gave them (our name alone), and through exec with no arguments, one, and many. */
#include "suite.h"

static int as_child(int count, char **arguments, int expected)
{
	CHECK_EQUAL(count, expected + 2);
	for (int i = 0; i < expected; i++)
		CHECK_EQUAL(atoi(arguments[i + 2]), i * 7);
	CHECK(arguments[count] == NULL);
	/* The strings lie one after the other, as `ps` and setproctitle rely on. */
	for (int i = 0; i + 1 < count; i++)
		CHECK(arguments[i + 1] == arguments[i] + strlen(arguments[i]) + 1);
	return 11;
}

static void execute(int number)
{
	char *list[1003], strings[1000][8], name[16];
	snprintf(name, sizeof name, "child%d", number);
	list[0] = name;
	list[1] = "child";
	for (int i = 0; i < number; i++) {
		snprintf(strings[i], sizeof strings[i], "%d", i * 7);
		list[i + 2] = strings[i];
	}
	list[number + 2] = NULL;
	execv("/proc/self/exe", list);
	_exit(100);
}

int main(int count, char **arguments)
{
	if (count > 1) {
		CHECK(strncmp(arguments[0], "child", 5) == 0);
		return as_child(count, arguments, atoi(arguments[0] + 5));
	}
	CHECK_EQUAL(count, 1);
	if (getenv("EMPTY_LIST")) {
		CHECK(arguments[0][0] == 0 && arguments[1] == NULL);
		return 12;
	}
	const char *name = strrchr(arguments[0], '/');
	CHECK(strcmp(name ? name + 1 : arguments[0], "argv_test") == 0);
	CHECK(arguments[1] == NULL);
	static const int numbers[] = { 0, 1, 2, 100, 1000 };
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		pid_t child = fork();
		if (child == 0)
			execute(numbers[i]);
		CHECK_EXITS(child, 11);
	}
	/* LINUX: an empty list becomes one empty name. */
	pid_t child = fork();
	if (child == 0) {
		char *none[] = { NULL }, *environment[] = { "EMPTY_LIST=1", NULL };
		execve("/proc/self/exe", none, environment);
		_exit(100);
	}
	CHECK_EXITS(child, 12);
	return 0;
}
