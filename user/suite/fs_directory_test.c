/* Directories: made, filled, listed, nested, counted by their links, refused while full, removed. */
#include "suite.h"
#include <dirent.h>

static int entries_in(const char *path)
{
	int count = 0;
	DIR *directory = opendir(path);
	CHECK(directory != NULL);
	while (readdir(directory))
		count++;
	closedir(directory);
	return count - 2;
}

int main(void)
{
	const char *scratch = enter_scratch();
	struct stat status;
	umask(022);
	CHECK_EQUAL(mkdir("directory", 0777), 0);
	CHECK_ERRNO(mkdir("directory", 0777), EEXIST);
	CHECK_EQUAL(stat("directory", &status), 0);
	CHECK(S_ISDIR(status.st_mode));
	CHECK_EQUAL(status.st_mode & 07777, 0755);
	CHECK_EQUAL(entries_in("directory"), 0);
	write_file("directory/file", "inside");
	check_file("directory/file", "inside");
	CHECK_EQUAL(entries_in("directory"), 1);
	CHECK_EQUAL(mkdir("directory/nested", 0755), 0);
	CHECK_EQUAL(mkdir("directory/nested/deeper", 0755), 0);
	CHECK_EQUAL(entries_in("directory"), 2);
	CHECK_EQUAL(stat("directory/nested/deeper/../..", &status), 0);
	CHECK_ERRNO(mkdir("missing/nested", 0755), ENOENT);
	CHECK_ERRNO(mkdir("directory/file/nested", 0755), ENOTDIR);
	CHECK_ERRNO(rmdir("directory"), ENOTEMPTY);
	CHECK_ERRNO(rmdir("directory/file"), ENOTDIR);
	CHECK_ERRNO(rmdir("missing"), ENOENT);
	CHECK_ERRNO(unlink("directory/nested"), EISDIR);
	CHECK_ERRNO(rmdir("directory/nested/."), EINVAL);
	/* Several blocks of names. */
	char name[64];
	for (int i = 0; i < 500; i++) {
		snprintf(name, sizeof name, "directory/nested/a-name-of-some-length-%d", i);
		write_file(name, "x");
	}
	CHECK_EQUAL(entries_in("directory/nested"), 501);
	for (int i = 0; i < 500; i += 2) {
		snprintf(name, sizeof name, "directory/nested/a-name-of-some-length-%d", i);
		CHECK_EQUAL(unlink(name), 0);
	}
	CHECK_EQUAL(entries_in("directory/nested"), 251);
	for (int i = 1; i < 500; i += 2) {
		snprintf(name, sizeof name, "directory/nested/a-name-of-some-length-%d", i);
		check_file(name, "x");
		CHECK_EQUAL(unlink(name), 0);
	}
	CHECK_EQUAL(rmdir("directory/nested/deeper"), 0);
	CHECK_EQUAL(rmdir("directory/nested"), 0);
	CHECK_EQUAL(unlink("directory/file"), 0);
	CHECK_EQUAL(rmdir("directory"), 0);
	CHECK_ERRNO(stat("directory", &status), ENOENT);
	leave_scratch(scratch);
	return 0;
}
