/* Listings: small buffers, positions to come back to, entries that come and go meanwhile, types, both layouts. */
#include "check.h"
#include <dirent.h>

struct entry64 {
	uint64_t inode;
	int64_t next;
	uint16_t bytes;
	uint8_t type;
	char name[];
};

/* Lists with a buffer of `room` bytes; answers entries found, each checked to be found once. */
static int list(int directory, unsigned room)
{
	char buffer[4096], seen[600] = { 0 };
	int count = 0;
	CHECK_EQUAL(lseek(directory, 0, SEEK_SET), 0);
	for (;;) {
		long got = syscall(SYS_getdents64, directory, buffer, room);
		CHECK(got >= 0);
		if (got == 0)
			return count;
		for (long at = 0; at < got;) {
			struct entry64 *entry = (void *)(buffer + at);
			CHECK(entry->bytes % 8 == 0 && entry->bytes >= 24);
			CHECK(strlen(entry->name) < entry->bytes - 19u);
			struct stat status;
			CHECK_EQUAL(fstatat(directory, entry->name, &status, AT_SYMLINK_NOFOLLOW), 0);
			if (strcmp(entry->name, "..") != 0)
				CHECK_EQUAL(status.st_ino, entry->inode);
			CHECK_EQUAL((status.st_mode & S_IFMT) >> 12, entry->type);
			if (entry->name[0] == 'f') {
				int number = atoi(entry->name + 1);
				CHECK_EQUAL(seen[number], 0);
				seen[number] = 1;
			}
			count++;
			at += entry->bytes;
		}
	}
}

int main(void)
{
	char name[32], buffer[64];
	const char *scratch = enter_scratch();
	for (int i = 0; i < 500; i++) {
		snprintf(name, sizeof name, "f%d", i);
		CHECK_EQUAL(mknod(name, i % 5 == 0 ? S_IFIFO | 0600 : S_IFREG | 0600, 0), 0);
	}
	CHECK_EQUAL(mkdir("sub", 0755), 0);
	CHECK_EQUAL(symlink("f1", "link"), 0);
	int directory = open(".", O_RDONLY | O_DIRECTORY);
	CHECK(directory >= 0);
	CHECK_EQUAL(list(directory, 4096), 504);
	CHECK_EQUAL(list(directory, 100), 504);
	CHECK_EQUAL(list(directory, 32), 504);
	CHECK_EQUAL(lseek(directory, 0, SEEK_SET), 0);
	CHECK_ERRNO(syscall(SYS_getdents64, directory, buffer, 8), EINVAL);
	CHECK_ERRNO(syscall(SYS_getdents64, directory, 8, 1024), EFAULT);
	int file = open("f1", O_RDONLY);
	CHECK_ERRNO(syscall(SYS_getdents64, file, buffer, 64), ENOTDIR);
	/* A place to come back to. */
	DIR *stream = opendir(".");
	for (int i = 0; i < 100; i++)
		CHECK(readdir(stream) != NULL);
	long place = telldir(stream);
	struct dirent *entry = readdir(stream);
	strcpy(name, entry->d_name);
	while (readdir(stream))
		;
	seekdir(stream, place);
	entry = readdir(stream);
	CHECK(entry != NULL && strcmp(entry->d_name, name) == 0);
	rewinddir(stream);
	/* Half of it goes while it is listed: what stays is found. */
	for (int i = 0; i < 50; i++)
		CHECK(readdir(stream) != NULL);
	for (int i = 1; i < 500; i += 2) {
		snprintf(name, sizeof name, "f%d", i);
		CHECK_EQUAL(unlink(name), 0);
	}
	closedir(stream);
	CHECK_EQUAL(list(directory, 256), 254);
	/* A removed directory lists nothing. */
	int gone = open("sub", O_RDONLY | O_DIRECTORY);
	CHECK_EQUAL(rmdir("sub"), 0);
	CHECK_ERRNO(syscall(SYS_getdents64, gone, buffer, 64), ENOENT);
	for (int i = 0; i < 500; i += 2) {
		snprintf(name, sizeof name, "f%d", i);
		CHECK_EQUAL(unlink(name), 0);
	}
	CHECK_EQUAL(unlink("link"), 0);
	leave_scratch(scratch);
	return 0;
}
