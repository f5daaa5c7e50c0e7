/* readv and writev: a vector is one transfer. Records of several pieces written by 64 threads at once into one file, one pipe and one socket
 * arrive whole and in each writer's order, and a reader with pieces of its own gets them whole. How many pieces there may be, how a full
 * pipe cuts a vector, and what is done when a piece in the middle is not memory. */
#include "check.h"
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

enum { WRITERS = 64, READERS = 4, RECORD = 512, MOST = 1024 };

static int rounds = 12;
static int target_in, target_out;
static int is_own_file, taken[WRITERS + 1], next_turn[WRITERS + 1];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char path[512];

/* What a record says of itself at its beginning; every byte after that is `fill`. */
struct head {
	uint32_t writer, turn, fill;
};

static void make(char *record, uint32_t writer, uint32_t turn)
{
	struct head head = { writer, turn, (writer * 31 + turn * 7) & 0xff };
	memset(record, (int)head.fill, RECORD);
	memcpy(record, &head, sizeof head);
}

/* Whether a record is whole; answers its writer. */
static uint32_t check_record(const char *record)
{
	struct head head;
	memcpy(&head, record, sizeof head);
	CHECK(head.writer >= 1 && head.writer <= WRITERS && head.turn < (uint32_t)rounds);
	CHECK_EQUAL(head.fill, (head.writer * 31 + head.turn * 7) & 0xff);
	for (int i = sizeof head; i < RECORD; i++)
		CHECK_EQUAL((unsigned char)record[i], head.fill);
	return head.writer;
}

/* Cuts RECORD bytes into `pieces` parts of many sizes, the first one smaller than the head. */
static void cut(char *bytes, struct iovec *parts, int pieces, uint64_t *random)
{
	size_t done = 0;
	for (int i = 0; i < pieces; i++) {
		size_t length = i == 0 ? 5 : i == pieces - 1 ? RECORD - done : next_random(random) % ((RECORD - done) / 2);
		parts[i] = (struct iovec){ bytes + done, length };
		done += length;
	}
}

static void *write_records(void *argument)
{
	uint32_t me = (uintptr_t)argument;
	uint64_t random = me * 1237;
	char record[RECORD];
	struct iovec parts[7];
	int file = is_own_file ? open(path, O_WRONLY | O_APPEND) : target_in;
	CHECK(file >= 0);
	for (int turn = 0; turn < rounds; turn++) {
		int pieces = 3 + next_random(&random) % 5;
		make(record, me, turn);
		cut(record, parts, pieces, &random);
		CHECK_EQUAL(writev(file, parts, pieces), RECORD);
	}
	if (is_own_file)
		CHECK_EQUAL(close(file), 0);
	return NULL;
}

static void *read_records(void *argument)
{
	uint64_t random = (uintptr_t)argument * 7919;
	char record[RECORD];
	struct iovec parts[7];
	ssize_t got;
	for (;;) {
		int pieces = 3 + next_random(&random) % 5;
		cut(record, parts, pieces, &random);
		got = readv(target_out, parts, pieces);
		if (got == 0)
			return NULL;
		CHECK_EQUAL(got, RECORD);
		uint32_t writer = check_record(record);
		CHECK_EQUAL(pthread_mutex_lock(&lock), 0);
		taken[writer]++;
		CHECK_EQUAL(pthread_mutex_unlock(&lock), 0);
	}
}

static void start(pthread_t *threads, int count, void *(*work)(void *))
{
	pthread_attr_t small;
	CHECK_EQUAL(pthread_attr_init(&small) | pthread_attr_setstacksize(&small, 256 << 10), 0);
	for (uintptr_t i = 0; i < (uintptr_t)count; i++)
		CHECK_EQUAL(pthread_create(&threads[i], &small, work, (void *)(i + 1)), 0);
}

static void join(pthread_t *threads, int count)
{
	for (int i = 0; i < count; i++)
		CHECK_EQUAL(pthread_join(threads[i], NULL), 0);
}

/* Through a pipe or a socket, with several readers at its other end. */
static void check_stream(int in, int out)
{
	pthread_t writers[WRITERS], readers[READERS];
	target_in = in, target_out = out;
	memset(taken, 0, sizeof taken);
	start(readers, READERS, read_records);
	start(writers, WRITERS, write_records);
	join(writers, WRITERS);
	CHECK_EQUAL(close(in), 0);
	join(readers, READERS);
	CHECK_EQUAL(close(out), 0);
	for (int i = 1; i <= WRITERS; i++)
		CHECK_EQUAL(taken[i], rounds);
}

/* Into a file: by one description, whose position all share, or by one for each that appends; then out of it by one description. */
static void check_file(int own)
{
	pthread_t threads[WRITERS];
	is_own_file = own;
	target_in = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	CHECK(target_in >= 0);
	start(threads, WRITERS, write_records);
	join(threads, WRITERS);
	is_own_file = 0;
	struct stat status;
	CHECK_EQUAL(fstat(target_in, &status), 0);
	CHECK_EQUAL(status.st_size, WRITERS * rounds * RECORD);
	memset(next_turn, 0, sizeof next_turn);
	for (off_t at = 0; at < status.st_size; at += RECORD) {
		char record[RECORD];
		struct head head;
		CHECK_EQUAL(pread(target_in, record, RECORD, at), RECORD);
		uint32_t writer = check_record(record);
		memcpy(&head, record, sizeof head);
		CHECK_EQUAL(head.turn, next_turn[writer]++);
	}
	memset(taken, 0, sizeof taken);
	target_out = target_in;
	CHECK_EQUAL(lseek(target_out, 0, SEEK_SET), 0);
	start(threads, WRITERS, read_records);
	join(threads, WRITERS);
	for (int i = 1; i <= WRITERS; i++)
		CHECK_EQUAL(taken[i], rounds);
	CHECK_EQUAL(close(target_in) | unlink(path), 0);
}

/* IOV_MAX pieces are allowed, one more is not; nor a sum that does not fit. */
static void check_limits(void)
{
	static struct iovec many[MOST + 1];
	static char bytes[MOST + 1], back[MOST + 1];
	for (int i = 0; i <= MOST; i++)
		bytes[i] = (char)(i * 5), many[i] = (struct iovec){ &bytes[i], 1 };
	int file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600), ends[2], pair[2];
	CHECK(file >= 0);
	CHECK_EQUAL(pipe(ends) | socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	CHECK_EQUAL(sysconf(_SC_IOV_MAX), MOST);
	int outs[] = { file, ends[1], pair[1] }, ins[] = { file, ends[0], pair[0] };
	for (int i = 0; i < 3; i++) {
		CHECK_ERRNO(writev(outs[i], many, MOST + 1), EINVAL);
		CHECK_ERRNO(syscall(SYS_writev, outs[i], many, -1L), EINVAL);
		CHECK_EQUAL(writev(outs[i], many, 0), 0);
		CHECK_EQUAL(writev(outs[i], many, MOST), MOST);
		if (outs[i] == file)
			CHECK_EQUAL(lseek(file, 0, SEEK_SET), 0);
		CHECK_EQUAL(read(ins[i], back, MOST), MOST);
		CHECK(memcmp(bytes, back, MOST) == 0);
		CHECK_EQUAL(write(outs[i], back, i ? MOST : 0), i ? MOST : 0);
		if (outs[i] == file)
			CHECK_EQUAL(lseek(file, 0, SEEK_SET), 0);
		memset(bytes, 0, MOST);
		CHECK_ERRNO(readv(ins[i], many, MOST + 1), EINVAL);
		CHECK_EQUAL(readv(ins[i], many, MOST), MOST);
		CHECK(memcmp(bytes, back, MOST) == 0);
	}
	CHECK_ERRNO(pwritev(file, many, MOST + 1, 0), EINVAL);
	CHECK_ERRNO(preadv(file, many, MOST + 1, 0), EINVAL);
	CHECK_EQUAL(pwritev(file, many, MOST, 5), MOST);
	CHECK_EQUAL(preadv(file, many, MOST, 5), MOST);
	struct msghdr message = { .msg_iov = many, .msg_iovlen = MOST };
	CHECK_EQUAL(sendmsg(pair[1], &message, 0), MOST);
	CHECK_EQUAL(recvmsg(pair[0], &message, 0), MOST);
	message.msg_iovlen = MOST + 1;
	CHECK_ERRNO(sendmsg(pair[1], &message, 0), EMSGSIZE);
	CHECK_ERRNO(recvmsg(pair[0], &message, 0), EMSGSIZE);
	struct iovec huge[2] = { { bytes, 1 }, { bytes, SIZE_MAX } };
	CHECK_ERRNO(writev(file, huge, 2), EINVAL);
	CHECK_ERRNO(readv(file, huge, 2), EINVAL);
	CHECK_ERRNO(syscall(SYS_writev, file, 8L, 2L), EFAULT);
	CHECK_ERRNO(syscall(SYS_readv, file, 8L, 2L), EFAULT);
	for (int i = 0; i < 2; i++)
		close(ends[i]), close(pair[i]);
	CHECK_EQUAL(close(file) | unlink(path), 0);
}

/* A pipe with less room than the vector, and nobody who reads: what fits is taken, exactly, over the pieces' borders. */
static void check_cut_short(void)
{
	static char bytes[100000], back[100000];
	struct iovec parts[100];
	int ends[2];
	CHECK_EQUAL(pipe2(ends, O_NONBLOCK), 0);
	int room = fcntl(ends[1], F_GETPIPE_SZ);
	CHECK(room > 0 && room < 100000);
	for (int i = 0; i < 100000; i++)
		bytes[i] = (char)(i / 251);
	for (int i = 0; i < 100; i++)
		parts[i] = (struct iovec){ bytes + i * 1000, 1000 };
	CHECK_EQUAL(writev(ends[1], parts, 100), room);
	CHECK_ERRNO(writev(ends[1], parts, 4), EAGAIN);
	/* What is not longer than PIPE_BUF goes whole or not at all; what is longer may go in part. */
	CHECK_EQUAL(read(ends[0], back, 4096), 4096);
	CHECK_EQUAL(writev(ends[1], parts, 4), 4000);
	CHECK_ERRNO(writev(ends[1], parts, 1), EAGAIN);
	CHECK_EQUAL(read(ends[0], back + 4096, 100000 - 4096), room - 4096 + 4000);
	CHECK(memcmp(bytes, back, room) == 0 && memcmp(back + room, bytes, 4000) == 0);
	CHECK_EQUAL(close(ends[0]) | close(ends[1]), 0);
}

/* The second of three pieces is not memory. */
static void check_bad_piece(void)
{
	static char first[4096], last[16], back[16384];
	int file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600), ends[2], pair[2], packets[2], number;
	CHECK(file >= 0);
	CHECK_EQUAL(pipe2(ends, O_NONBLOCK) | socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	CHECK_EQUAL(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, packets), 0);
	char *none = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(none != MAP_FAILED);
	memset(first, 'f', sizeof first), memset(last, 'l', sizeof last);
	struct iovec parts[3] = { { first, 4096 }, { none, 16 }, { last, 16 } };
	/* Written: a file and a pipe take the page before it, a message does not begin to be one. */
	CHECK_EQUAL(writev(file, parts, 3), 4096);
	CHECK_EQUAL(lseek(file, 0, SEEK_END), 4096);
	CHECK_EQUAL(writev(ends[1], parts, 3), 4096);
	CHECK_EQUAL(read(ends[0], back, sizeof back), 4096);
	CHECK_ERRNO(writev(pair[1], parts, 3), EFAULT);
	CHECK_ERRNO(read(pair[0], back, sizeof back), EAGAIN);
	CHECK_ERRNO(writev(packets[1], parts, 3), EFAULT);
	CHECK_ERRNO(read(packets[0], back, sizeof back), EAGAIN);
	/* A few bytes before it: a pipe takes none of them. */
	parts[0].iov_len = 10;
	CHECK_ERRNO(writev(ends[1], parts, 3), EFAULT);
	CHECK_ERRNO(read(ends[0], back, sizeof back), EAGAIN);
	/* Read: of a file comes what fits before it; a pipe and a stream keep all. */
	CHECK_EQUAL(pwrite(file, "0123456789abcdefghijklmnopqrstuvwxyz", 36, 0), 36);
	CHECK_EQUAL(lseek(file, 0, SEEK_SET), 0);
	CHECK_EQUAL(readv(file, parts, 3), 10);
	CHECK(memcmp(first, "0123456789ffff", 14) == 0);
	CHECK_EQUAL(lseek(file, 0, SEEK_CUR), 10);
	CHECK_EQUAL(write(ends[1], "0123456789abcdefghijklmnopqrstuvwxyz", 36), 36);
	CHECK_ERRNO(readv(ends[0], parts, 3), EFAULT);
	CHECK_EQUAL(ioctl(ends[0], FIONREAD, &number), 0);
	CHECK_EQUAL(number, 36);
	CHECK_EQUAL(read(ends[0], back, sizeof back), 36);
	CHECK_EQUAL(write(pair[1], "0123456789abcdefghijklmnopqrstuvwxyz", 36), 36);
	CHECK_ERRNO(readv(pair[0], parts, 3), EFAULT);
	CHECK_EQUAL(read(pair[0], back, sizeof back), 36);
	CHECK_EQUAL(write(packets[1], "0123456789abcdefghijklmnopqrstuvwxyz", 36), 36);
	CHECK_ERRNO(readv(packets[0], parts, 3), EFAULT);
	/* The bad piece is the last one, and there is nothing for it. */
	CHECK_EQUAL(write(ends[1], "0123456789", 10), 10);
	CHECK_EQUAL(readv(ends[0], parts, 3), 10);
	for (int i = 0; i < 2; i++)
		close(ends[i]), close(pair[i]), close(packets[i]);
	CHECK_EQUAL(munmap(none, 4096) | close(file) | unlink(path), 0);
}

int main(int count, char **arguments)
{
	int ends[2];
	if (count > 1)
		rounds = atoi(arguments[1]);
	snprintf(path, sizeof path, "/tmp/vectors-%d", getpid());
	CHECK_EQUAL(pipe(ends), 0);
	check_stream(ends[1], ends[0]);
	CHECK_EQUAL(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	check_stream(ends[1], ends[0]);
	check_file(0);
	check_file(1);
	check_limits();
	check_cut_short();
	check_bad_piece();
	return 0;
}
