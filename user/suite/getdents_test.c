/* Listing directories: the root is not empty and holds the fixtures, /dev has null with its type, each name comes once, errors. */
#include "suite.h"
#include <dirent.h>

/* How often a name is in a directory, and its type. */
static int count_of(const char *path, const char *name, int *type, int *all)
{
	DIR *directory = opendir(path);
	CHECK(directory != NULL);
	int found = 0;
	*all = 0;
	for (struct dirent *entry; (entry = readdir(directory));) {
		++*all;
		if (strcmp(entry->d_name, name) == 0) {
			found++;
			*type = entry->d_type;
			CHECK(entry->d_ino != 0);
		}
	}
	CHECK_EQUAL(closedir(directory), 0);
	return found;
}

int main(void)
{
	int type = -1, all;
	CHECK_EQUAL(count_of("/", "dev", &type, &all), 1);
	CHECK(all > 3);
	CHECK_EQUAL(count_of(fixture("/"), "hello.txt", &type, &all), 1);
	CHECK_EQUAL(type, DT_REG);
	CHECK_EQUAL(count_of(fixture("/"), "test", &type, &all), 1);
	CHECK_EQUAL(type, DT_DIR);
	CHECK_EQUAL(count_of(fixture("/"), ".", &type, &all), 1);
	CHECK_EQUAL(count_of(fixture("/"), "..", &type, &all), 1);
	CHECK_EQUAL(count_of(fixture("/deep/path/to/file"), "data.txt", &type, &all), 1);
	CHECK_EQUAL(all, 3);
	CHECK_EQUAL(count_of("/dev", "null", &type, &all), 1);
	CHECK_EQUAL(type, DT_CHR);
	CHECK_EQUAL(count_of("/dev", "no-such-device", &type, &all), 0);
	CHECK(opendir(fixture("/missing")) == NULL && errno == ENOENT);
	CHECK(opendir(fixture("/hello.txt")) == NULL && errno == ENOTDIR);
	int file = open(fixture("/hello.txt"), O_RDONLY), directory = open(fixture("/test"), O_RDONLY | O_DIRECTORY);
	char buffer[1024];
	CHECK(file >= 0 && directory >= 0);
	CHECK_ERRNO(syscall(SYS_getdents64, file, buffer, sizeof buffer), ENOTDIR);
	CHECK_ERRNO(syscall(SYS_getdents64, directory, buffer, 1), EINVAL);
	CHECK(syscall(SYS_getdents64, directory, buffer, sizeof buffer) > 0);
	CHECK_EQUAL(syscall(SYS_getdents64, directory, buffer, sizeof buffer), 0);
	return 0;
}
