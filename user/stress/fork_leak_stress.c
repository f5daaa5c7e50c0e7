/* Hunts what each connection's forked child leaves behind: stacks, descriptors, processes.
 *
 * A server forks a child for every connection, as in the case where the hundredth failed; afterwards the machine has as much memory as
 * before, within what others may have taken meanwhile, and as many processes and descriptors. */
#include "../check.h"
#include <dirent.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/sysinfo.h>
#include <sys/un.h>

enum { CONNECTIONS = 300 };

static int entries(const char *path, int only_numbers)
{
	int number = 0;
	DIR *directory = opendir(path);
	CHECK(directory != NULL);
	for (struct dirent *entry; (entry = readdir(directory));)
		number += !only_numbers || (entry->d_name[0] >= '0' && entry->d_name[0] <= '9');
	closedir(directory);
	return number;
}

static long free_kib(void)
{
	struct sysinfo now;
	CHECK_EQUAL(sysinfo(&now), 0);
	return (long)((uint64_t)now.freeram * now.mem_unit / 1024);
}

static void serve(int connections)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int length = snprintf(name.sun_path + 1, sizeof name.sun_path - 1, "fork_leak_%d", (int)getpid());
	socklen_t bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length);
	int listener = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK_EQUAL(bind(listener, (struct sockaddr *)&name, bytes), 0);
	CHECK_EQUAL(listen(listener, 16), 0);
	pid_t client = fork();
	CHECK(client >= 0);
	if (client == 0) {
		for (int i = 0; i < connections; i++) {
			char back[16];
			int end = socket(AF_UNIX, SOCK_STREAM, 0);
			CHECK_EQUAL(connect(end, (struct sockaddr *)&name, bytes), 0);
			CHECK_EQUAL(write(end, &i, sizeof i), (ssize_t)sizeof i);
			CHECK_EQUAL(read(end, back, sizeof back), (ssize_t)sizeof i);
			CHECK_EQUAL(memcmp(back, &i, sizeof i), 0);
			CHECK_EQUAL(read(end, back, 1), 0);
			close(end);
		}
		_exit(0);
	}
	for (int i = 0; i < connections; i++) {
		int end = accept(listener, NULL, NULL);
		CHECK(end >= 0);
		pid_t child = fork();
		CHECK(child >= 0);
		if (child == 0) {
			int number;
			CHECK_EQUAL(read(end, &number, sizeof number), (ssize_t)sizeof number);
			CHECK_EQUAL(write(end, &number, sizeof number), (ssize_t)sizeof number);
			_exit(0);
		}
		close(end);
		CHECK_EXITS(child, 0);
	}
	CHECK_EXITS(client, 0);
	close(listener);
}

int main(int count, char **arguments)
{
	int rounds = count > 1 ? atoi(arguments[1]) : 1;
	/* The first connections fill caches. */
	serve(50);
	int descriptors = entries("/proc/self/fd", 0), processes = entries("/proc", 1);
	long before = free_kib();
	serve(rounds * CONNECTIONS);
	CHECK_EQUAL(entries("/proc/self/fd", 0), descriptors);
	/* Where nothing else runs, nothing else explains a difference; the first process of a small machine is such a place. */
	struct sysinfo machine;
	CHECK_EQUAL(sysinfo(&machine), 0);
	if (processes < 10 && machine.totalram / 1024 * machine.mem_unit < 1 << 20) {
		CHECK_EQUAL(entries("/proc", 1), processes);
		CHECK(before - free_kib() < 1024);
	}
	return 0;
}
