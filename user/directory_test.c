/* Directories: make, list, rename, links, remove, and the errors of each. */
#include "check.h"
#include <dirent.h>

static int count_entries(const char *path)
{
	DIR *directory = opendir(path);
	CHECK(directory != NULL);
	int count = 0;
	while (readdir(directory))
		count++;
	closedir(directory);
	return count;
}

int main(void)
{
	struct stat status, other;
	char bytes[64], name[32];
	const char *scratch = enter_scratch();
	CHECK_ERRNO(mkdir(scratch, 0755), EEXIST);
	CHECK_ERRNO(mkdir("no/such", 0755), ENOENT);
	CHECK_EQUAL(mkdir("sub", 0700), 0);
	CHECK_EQUAL(stat(".", &status), 0);
	CHECK_EQUAL(status.st_nlink, 3);
	CHECK_EQUAL(count_entries("."), 3);
	for (int i = 0; i < 300; i++) {
		snprintf(name, sizeof name, "sub/file_with_number_%03d", i);
		int file = open(name, O_WRONLY | O_CREAT, 0644);
		CHECK(file >= 0);
		CHECK_EQUAL(close(file), 0);
	}
	CHECK_EQUAL(count_entries("sub"), 302);
	CHECK_ERRNO(rmdir("sub"), ENOTEMPTY);
	CHECK_ERRNO(unlink("sub"), EISDIR);
	CHECK_ERRNO(open("sub", O_WRONLY), EISDIR);
	CHECK_ERRNO(rmdir("sub/file_with_number_000"), ENOTDIR);
	CHECK_ERRNO(open("sub/file_with_number_000/x", O_RDONLY), ENOTDIR);
	CHECK_ERRNO(open("sub/file_with_number_000", O_RDONLY | O_DIRECTORY), ENOTDIR);
	int directory = open("sub", O_RDONLY | O_DIRECTORY);
	CHECK(directory >= 0);
	CHECK_ERRNO(read(directory, bytes, 1), EISDIR);
	CHECK_EQUAL(fstatat(directory, "file_with_number_007", &status, 0), 0);
	/* Hard links. */
	CHECK_EQUAL(link("sub/file_with_number_007", "hard"), 0);
	CHECK_EQUAL(stat("hard", &other), 0);
	CHECK_EQUAL(other.st_ino, status.st_ino);
	CHECK_EQUAL(other.st_nlink, 2);
	CHECK_ERRNO(link("sub", "hard2"), EPERM);
	CHECK_ERRNO(link("hard", "sub"), EEXIST);
	/* Symbolic links. */
	CHECK_EQUAL(symlink("sub/file_with_number_008", "soft"), 0);
	CHECK_EQUAL(lstat("soft", &status), 0);
	CHECK(S_ISLNK(status.st_mode));
	CHECK_EQUAL(status.st_size, 24);
	CHECK_EQUAL(stat("soft", &status), 0);
	CHECK(S_ISREG(status.st_mode));
	CHECK_EQUAL(readlink("soft", bytes, 10), 10);
	CHECK(memcmp(bytes, "sub/file_w", 10) == 0);
	CHECK_ERRNO(readlink("hard", bytes, 10), EINVAL);
	CHECK_ERRNO(open("soft", O_RDONLY | O_NOFOLLOW), ELOOP);
	CHECK_EQUAL(symlink("circle", "circle"), 0);
	CHECK_ERRNO(open("circle", O_RDONLY), ELOOP);
	CHECK_ERRNO(symlink("x", "soft"), EEXIST);
	/* Rename: over a file, over a directory, into itself. */
	CHECK_EQUAL(rename("hard", "sub/file_with_number_009"), 0);
	CHECK_ERRNO(stat("hard", &status), ENOENT);
	CHECK_EQUAL(stat("sub/file_with_number_009", &status), 0);
	CHECK_EQUAL(status.st_ino, other.st_ino);
	CHECK_EQUAL(mkdir("empty", 0755), 0);
	CHECK_ERRNO(rename("soft", "empty"), EISDIR);
	CHECK_ERRNO(rename("empty", "soft"), ENOTDIR);
	CHECK_ERRNO(rename("empty", "sub"), ENOTEMPTY);
	CHECK_ERRNO(rename("sub", "sub/inside"), EINVAL);
	CHECK_EQUAL(rename("sub", "empty"), 0);
	CHECK_EQUAL(count_entries("empty"), 302);
	CHECK_EQUAL(fstat(directory, &status), 0);
	CHECK_EQUAL(status.st_nlink, 2);
	/* Names. */
	char lengthy[300];
	memset(lengthy, 'n', sizeof lengthy);
	lengthy[256] = 0;
	CHECK_ERRNO(mkdir(lengthy, 0755), ENAMETOOLONG);
	lengthy[255] = 0;
	CHECK_EQUAL(mkdir(lengthy, 0755), 0);
	CHECK_EQUAL(rmdir(lengthy), 0);
	CHECK_ERRNO(stat("", &status), ENOENT);
	CHECK_EQUAL(stat("empty/../empty/.//", &status), 0);
	/* The working directory. */
	CHECK_EQUAL(chdir("empty"), 0);
	CHECK(getcwd(bytes, sizeof bytes) && strncmp(bytes, scratch, strlen(scratch)) == 0 && strcmp(bytes + strlen(scratch), "/empty") == 0);
	CHECK_ERRNO(syscall(SYS_getcwd, bytes, 3), ERANGE);
	CHECK_ERRNO(chdir("file_with_number_001"), ENOTDIR);
	CHECK_EQUAL(fchdir(directory), 0);
	/* Delete while listing: everything goes, nothing twice. */
	DIR *listing = opendir(".");
	int removed = 0;
	for (struct dirent *entry; (entry = readdir(listing));)
		if (entry->d_name[0] != '.') {
			CHECK_EQUAL(entry->d_type, DT_REG);
			CHECK_EQUAL(unlink(entry->d_name), 0);
			removed++;
		}
	closedir(listing);
	CHECK_EQUAL(removed, 300);
	CHECK_EQUAL(chdir(scratch), 0);
	CHECK_EQUAL(unlink("soft") | unlink("circle") | rmdir("empty"), 0);
	leave_scratch(scratch);
	return 0;
}
