/* System V message queues: types, order, waiting for messages and for room, cutting, removal, rights. */
#include "check.h"
#include <sys/ipc.h>
#include <sys/msg.h>

static int queue;
static struct {
	long type;
	char text[9000];
} message;

static int put(long type, const char *text, int flags)
{
	message.type = type;
	strcpy(message.text, text);
	return msgsnd(queue, &message, strlen(text), flags);
}

static void expect(long wanted, int flags, long type, const char *text)
{
	memset(&message, 0, sizeof message);
	ssize_t length = msgrcv(queue, &message, 100, wanted, flags);
	CHECK_EQUAL(length, strlen(text));
	CHECK_EQUAL(message.type, type);
	CHECK(memcmp(message.text, text, length) == 0);
}

int main(void)
{
	struct msqid_ds status;
	key_t key = 0x4f440000 + (getpid() & 0xffff);
	CHECK_ERRNO(msgget(key, 0), ENOENT);
	queue = msgget(key, IPC_CREAT | 0600);
	CHECK(queue >= 0);
	CHECK_EQUAL(msgget(key, 0), queue);
	CHECK_ERRNO(msgget(key, IPC_CREAT | IPC_EXCL), EEXIST);
	CHECK_ERRNO(msgrcv(queue, &message, 100, 0, IPC_NOWAIT), ENOMSG);
	CHECK_EQUAL(put(3, "three", 0) | put(1, "one", 0) | put(2, "two", 0) | put(1, "uno", 0) | put(5, "", 0), 0);
	CHECK_EQUAL(msgctl(queue, IPC_STAT, &status), 0);
	CHECK_EQUAL(status.msg_qnum, 5);
	CHECK_EQUAL(status.msg_cbytes, 14);
	CHECK_EQUAL(status.msg_lspid, getpid());
	CHECK_EQUAL(status.msg_lrpid, 0);
	CHECK(status.msg_stime > 0 && status.msg_rtime == 0);
	expect(1, 0, 1, "one");
	expect(-2, 0, 1, "uno");
	expect(3, MSG_EXCEPT, 2, "two");
	CHECK_ERRNO(msgrcv(queue, &message, 100, 9, IPC_NOWAIT), ENOMSG);
	CHECK_ERRNO(msgrcv(queue, &message, 3, 0, 0), E2BIG);
	memset(&message, 0, sizeof message);
	CHECK_EQUAL(msgrcv(queue, &message, 3, 0, MSG_NOERROR), 3);
	CHECK(memcmp(message.text, "thr", 4) == 0);
	expect(0, 0, 5, "");
	CHECK_EQUAL(msgctl(queue, IPC_STAT, &status), 0);
	CHECK_EQUAL(status.msg_lrpid, getpid());
	CHECK_EQUAL(status.msg_qnum, 0);
	CHECK_ERRNO(put(0, "x", 0), EINVAL);
	CHECK_ERRNO(put(-1, "x", 0), EINVAL);
	message.type = 1;
	CHECK_ERRNO(msgsnd(queue, &message, 8193, 0), EINVAL);
	CHECK_ERRNO(msgsnd(queue, &message, -1, 0), EINVAL);
	CHECK_ERRNO(msgsnd(-1, &message, 1, 0), EINVAL);
	CHECK_ERRNO(msgrcv(queue, &message, -1, 0, 0), EINVAL);
	/* Waits for a message of a type. */
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		expect(7, 0, 7, "seven");
		_exit(0);
	}
	sleep_ms(10);
	CHECK_EQUAL(put(6, "six", 0) | put(7, "seven", 0), 0);
	CHECK_EXITS(child, 0);
	expect(0, 0, 6, "six");
	/* Waits for room. */
	int sent = 0;
	message.type = 1;
	while (msgsnd(queue, &message, 4000, IPC_NOWAIT) == 0)
		sent++;
	CHECK_EQUAL(errno, EAGAIN);
	CHECK_EQUAL(msgctl(queue, IPC_STAT, &status), 0);
	CHECK_EQUAL(sent, status.msg_qbytes / 4000);
	CHECK((child = fork()) >= 0);
	if (child == 0) {
		message.type = 2;
		CHECK_EQUAL(msgsnd(queue, &message, 4000, 0), 0);
		_exit(0);
	}
	sleep_ms(10);
	CHECK_EQUAL(waitpid(child, NULL, WNOHANG), 0);
	CHECK_EQUAL(msgrcv(queue, &message, 9000, 0, 0), 4000);
	CHECK_EXITS(child, 0);
	status.msg_qbytes = 8000;
	CHECK_EQUAL(msgctl(queue, IPC_SET, &status), 0);
	CHECK_EQUAL(msgctl(queue, IPC_STAT, &status), 0);
	CHECK_EQUAL(status.msg_qbytes, 8000);
	for (int i = 0; i < sent; i++)
		CHECK_EQUAL(msgrcv(queue, &message, 9000, 0, 0), 4000);
	CHECK_EQUAL(message.type, 2);
	/* Others, and the end. */
	int ready[2];
	char byte;
	CHECK_EQUAL(pipe(ready), 0);
	CHECK((child = fork()) >= 0);
	if (child == 0) {
		CHECK_EQUAL(write(ready[1], "x", 1), 1);
		CHECK_ERRNO(msgrcv(queue, &message, 100, 0, 0), EIDRM);
		_exit(0);
	}
	CHECK_EQUAL(read(ready[0], &byte, 1), 1);
	wait_asleep(child);
	if (is_superuser()) {
		pid_t other = fork();
		CHECK(other >= 0);
		if (other == 0) {
			CHECK_EQUAL(setresgid(4321, 4321, 4321) | setresuid(4321, 4321, 4321), 0);
			CHECK_ERRNO(put(1, "x", 0), EACCES);
			CHECK_ERRNO(msgrcv(queue, &message, 100, 0, IPC_NOWAIT), EACCES);
			CHECK_ERRNO(msgctl(queue, IPC_RMID, NULL), EPERM);
			_exit(0);
		}
		CHECK_EXITS(other, 0);
	}
	CHECK_EQUAL(msgctl(queue, IPC_RMID, NULL), 0);
	CHECK_EXITS(child, 0);
	CHECK_ERRNO(put(1, "x", 0), EINVAL);
	CHECK_ERRNO(msgget(key, 0), ENOENT);
	return 0;
}
