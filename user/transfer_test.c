/* Transfers that stop half way, holes, sendfile, copy_file_range, fallocate, and one file seen by read, write and mmap. */
#include "check.h"
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

int main(void)
{
	char bytes[16384], back[16384];
	for (unsigned i = 0; i < sizeof bytes; i++)
		bytes[i] = i * 7 + i / 256;
	const char *scratch = enter_scratch();
	int file = open("file", O_RDWR | O_CREAT | O_EXCL, 0644);
	CHECK(file >= 0);
	CHECK_EQUAL(write(file, bytes, sizeof bytes), (ssize_t)sizeof bytes);

	/* A buffer that ends in the middle: what lies before counts. */
	char *area = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(area != MAP_FAILED);
	CHECK_EQUAL(munmap(area + 4096, 4096), 0);
	CHECK_EQUAL(pread(file, area + 4000, 200, 0), 96);
	CHECK(memcmp(area + 4000, bytes, 96) == 0);
	CHECK_ERRNO(pread(file, area + 4096, 200, 0), EFAULT);
	CHECK_EQUAL(pwrite(file, area + 4090, 100, 0), 6);
	CHECK_EQUAL(pwrite(file, bytes, 100, 0), 100);
	int ends[2];
	CHECK_EQUAL(pipe(ends), 0);
	CHECK_EQUAL(write(ends[1], bytes, 100), 100);
	struct iovec segments[2] = { { back, 10 }, { area + 4096, 50 } };
	/* A pipe gives a piece as a whole or not at all. */
	CHECK_ERRNO(readv(ends[0], segments, 2), EFAULT);
	CHECK_EQUAL(read(ends[0], back, 200), 100);
	CHECK(memcmp(back, bytes, 100) == 0);
	segments[1].iov_base = area + 4090;
	CHECK_ERRNO(writev(ends[1], segments, 2), EFAULT);
	CHECK_ERRNO(syscall(SYS_readv, ends[0], 8, 1), EFAULT);
	segments[0].iov_len = -1;
	CHECK_ERRNO(readv(ends[0], segments, 1), EINVAL);
	CHECK_ERRNO(pread(ends[0], back, 1, 0), ESPIPE);
	CHECK_ERRNO(pread(file, back, 1, -1), EINVAL);
	CHECK_EQUAL(read(file, back, 0), 0);
	CHECK_ERRNO(syscall(SYS_read, file, back, -1L), EFAULT);

	/* The file through a mapping. */
	char *map = mmap(NULL, sizeof bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	CHECK(map != MAP_FAILED);
	CHECK(memcmp(map, bytes, sizeof bytes) == 0);
	map[5000] = 'M';
	CHECK_EQUAL(pread(file, back, 1, 5000), 1);
	CHECK_EQUAL(back[0], 'M');
	CHECK_EQUAL(pwrite(file, "W", 1, 5001), 1);
	CHECK_EQUAL(map[5001], 'W');
	bytes[5000] = 'M';
	bytes[5001] = 'W';
	/* A file copied into itself through its own mapping. */
	CHECK_EQUAL(pwrite(file, map, 4096, 8192), 4096);
	CHECK(memcmp(map, map + 8192, 4096) == 0);
	memcpy(bytes + 8192, bytes, 4096);
	/* Cut off and grown again: zeros. */
	CHECK_EQUAL(ftruncate(file, 100), 0);
	CHECK_EQUAL(ftruncate(file, sizeof bytes), 0);
	CHECK_EQUAL(map[99], bytes[99]);
	CHECK_EQUAL(map[100], 0);
	CHECK_EQUAL(map[9000], 0);
	CHECK_EQUAL(pwrite(file, bytes, sizeof bytes, 0), (ssize_t)sizeof bytes);
	CHECK(memcmp(map, bytes, sizeof bytes) == 0);
	CHECK_EQUAL(munmap(map, sizeof bytes), 0);

	/* sendfile. */
	CHECK_EQUAL(lseek(file, 10, SEEK_SET), 10);
	CHECK_EQUAL(sendfile(ends[1], file, NULL, 1000), 1000);
	CHECK_EQUAL(lseek(file, 0, SEEK_CUR), 1010);
	CHECK_EQUAL(read(ends[0], back, sizeof back), 1000);
	CHECK(memcmp(back, bytes + 10, 1000) == 0);
	off_t offset = sizeof bytes - 5;
	CHECK_EQUAL(sendfile(ends[1], file, &offset, 1000), 5);
	CHECK_EQUAL(offset, sizeof bytes);
	CHECK_EQUAL(lseek(file, 0, SEEK_CUR), 1010);
	CHECK_EQUAL(read(ends[0], back, sizeof back), 5);
	/* copy_file_range. */
	int other = open("other", O_RDWR | O_CREAT | O_EXCL, 0644);
	offset = 0;
	CHECK_EQUAL(copy_file_range(file, &offset, other, NULL, 5000, 0), 5000);
	CHECK_EQUAL(offset, 5000);
	CHECK_EQUAL(pread(other, back, sizeof back, 0), 5000);
	CHECK(memcmp(back, bytes, 5000) == 0);
	CHECK_ERRNO(copy_file_range(file, NULL, other, NULL, 1, 1), EINVAL);
	CHECK_ERRNO(copy_file_range(file, NULL, ends[1], NULL, 1, 0), EINVAL);

	/* Holes. */
	CHECK_EQUAL(ftruncate(other, 0), 0);
	CHECK_EQUAL(pwrite(other, "x", 1, 1 << 20), 1);
	CHECK_EQUAL(lseek(other, 0, SEEK_DATA), 1 << 20);
	CHECK_EQUAL(lseek(other, 0, SEEK_HOLE), 0);
	CHECK_EQUAL(lseek(other, 1 << 20, SEEK_HOLE), (1 << 20) + 1);
	CHECK_ERRNO(lseek(other, (1 << 20) + 1, SEEK_DATA), ENXIO);
	CHECK_ERRNO(lseek(other, -1, SEEK_DATA), ENXIO);
	CHECK_EQUAL(pread(other, back, 100, 5000), 100);
	for (int i = 0; i < 100; i++)
		CHECK_EQUAL(back[i], 0);
	struct stat status;
	CHECK_EQUAL(fstat(other, &status), 0);
	CHECK(status.st_blocks < 1000);
	CHECK_EQUAL(posix_fallocate(other, 0, 2 << 20), 0);
	CHECK_EQUAL(fstat(other, &status), 0);
	CHECK_EQUAL(status.st_size, 2 << 20);
	CHECK(status.st_blocks >= 4096);
	CHECK_EQUAL(pwrite(other, bytes, sizeof bytes, 0), (ssize_t)sizeof bytes);
	CHECK_EQUAL(fallocate(other, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 100, 9000), 0);
	CHECK_EQUAL(pread(other, back, sizeof back, 0), (ssize_t)sizeof back);
	CHECK(memcmp(back, bytes, 100) == 0 && back[100] == 0 && back[9099] == 0);
	CHECK(memcmp(back + 9100, bytes + 9100, sizeof bytes - 9100) == 0);
	CHECK_ERRNO(fallocate(other, FALLOC_FL_PUNCH_HOLE, 0, 1), EOPNOTSUPP);
	CHECK_ERRNO(fallocate(other, 0, 0, 0), EINVAL);
	CHECK_ERRNO(lseek(other, INT64_MAX, SEEK_END), EINVAL);
	/* The limit on sizes. */
	struct rlimit limit = { 10000, RLIM_INFINITY };
	signal(SIGXFSZ, SIG_IGN);
	CHECK_EQUAL(ftruncate(other, 0), 0);
	CHECK_EQUAL(setrlimit(RLIMIT_FSIZE, &limit), 0);
	CHECK_EQUAL(pwrite(other, bytes, 8000, 4000), 6000);
	CHECK_ERRNO(pwrite(other, bytes, 1, 10000), EFBIG);
	CHECK_ERRNO(ftruncate(other, 10001), EFBIG);
	pid_t child = fork();
	if (child == 0) {
		signal(SIGXFSZ, SIG_DFL);
		(void)!pwrite(other, bytes, 1, 10000);
		exit(1);
	}
	CHECK_KILLED(child, SIGXFSZ);
	CHECK_EQUAL(unlink("file") | unlink("other"), 0);
	leave_scratch(scratch);
	return 0;
}
