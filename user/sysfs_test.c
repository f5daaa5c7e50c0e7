/* /sys tells how many processors there are and how they hang together, the same as sched_getaffinity and sysconf. */
#include "check.h"
#include <dirent.h>
#include <sys/statvfs.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define CPU "/sys/devices/system/cpu"

static char text[4096];

/* The contents of a file, read in pieces of so many bytes. */
static const char *contents_by(const char *path, size_t piece)
{
	int file = open(path, O_RDONLY);
	CHECK(file >= 0);
	size_t length = 0;
	for (ssize_t count; length + piece < sizeof text && (count = read(file, text + length, piece)) > 0; )
		length += (size_t)count;
	text[length] = 0;
	close(file);
	return text;
}

static const char *contents(const char *path) { return contents_by(path, 1024); }

/* How many processors a list such as "0-3,5" names. */
static int count_of_list(const char *list)
{
	int count = 0;
	while (*list && *list != '\n') {
		char *end;
		long first = strtol(list, &end, 10), last = first;
		CHECK(end != list);
		if (*end == '-')
			last = strtol(end + 1, &end, 10);
		CHECK(last >= first);
		count += (int)(last - first) + 1;
		list = *end == ',' ? end + 1 : end;
	}
	return count;
}

int main(void)
{
	struct statfs info;
	CHECK(statfs("/sys", &info) == 0 && info.f_type == 0x62656572);

	int online = count_of_list(contents(CPU "/online"));
	CHECK(online >= 1 && online == sysconf(_SC_NPROCESSORS_ONLN));
	/* A reader in pieces sees the same text. */
	CHECK_EQUAL(count_of_list(contents_by(CPU "/online", 1)), online);
	CHECK(count_of_list(contents(CPU "/possible")) >= online);
	CHECK(atoi(contents(CPU "/kernel_max")) + 1 >= online);
	cpu_set_t set;
	CHECK(sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) <= online);

	int directories = 0;
	DIR *listing = opendir(CPU);
	CHECK(listing != NULL);
	for (struct dirent *entry; (entry = readdir(listing)); ) {
		char *end;
		if (strncmp(entry->d_name, "cpu", 3) || strtol(entry->d_name + 3, &end, 10) < 0 || end == entry->d_name + 3 || *end)
			continue;
		CHECK(entry->d_type == DT_DIR);
		char path[600];
		struct stat data;
		snprintf(path, sizeof path, CPU "/%s/topology/core_id", entry->d_name);
		CHECK(atoi(contents(path)) >= 0 && stat(path, &data) == 0);
		CHECK(S_ISREG(data.st_mode) && (data.st_mode & 0777) == 0444 && data.st_size == 4096);
		snprintf(path, sizeof path, CPU "/%s/topology/thread_siblings_list", entry->d_name);
		CHECK(count_of_list(contents(path)) >= 1);
		directories++;
	}
	closedir(listing);
	CHECK(directories >= online);

	/* It takes nothing. */
	struct statvfs mounted;
	CHECK_EQUAL(statvfs("/sys", &mounted), 0);
	if (mounted.f_flag & ST_RDONLY)
		/* As in containers. */
		return 0;
	CHECK_ERRNO(open(CPU "/online", O_WRONLY), EACCES);
	CHECK_ERRNO(open(CPU "/online", O_RDWR), EACCES);
	CHECK_ERRNO(open(CPU "/no-such-file", O_RDONLY), ENOENT);
	CHECK_ERRNO(open(CPU "/online/below", O_RDONLY), ENOTDIR);
	CHECK_ERRNO(open("/sys/new", O_CREAT | O_WRONLY, 0600), EACCES);
	CHECK(mkdir("/sys/new", 0700) == -1 && (errno == EPERM || errno == EACCES));
	CHECK(unlink(CPU "/online") == -1 && (errno == EPERM || errno == EACCES));
	return 0;
}
