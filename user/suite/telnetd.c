/* A telnet server: `telnetd PORT` serves a shell to each connection, refusing every option that a client offers or asks for.
 * Without a port it serves two clients of its own, which check the refusals and what the shell answers. */
#include "internet.h"

enum { COMMAND = 255, DONT = 254, DO = 253, WONT = 252, WILL = 251 };

/* One connection: the shell reads what is no command; its output goes back as it is. */
static void session(int fd)
{
	int input[2];
	CHECK_EQUAL(pipe(input), 0);
	pid_t shell = fork();
	if (shell == 0) {
		dup2(input[0], 0), dup2(fd, 1), dup2(fd, 2);
		close(input[0]), close(input[1]), close(fd);
		execlp("sh", "sh", NULL);
		_exit(127);
	}
	close(input[0]);
	unsigned char byte, command[3];
	while (read(fd, &byte, 1) == 1) {
		if (byte == COMMAND) {
			if (read(fd, command, 2) != 2)
				break;
			unsigned char refusal[3] = { COMMAND, command[0] == WILL ? DONT : WONT, command[1] };
			if ((command[0] == WILL || command[0] == DO) && write(fd, refusal, 3) != 3)
				break;
		} else if (byte != '\r' && byte != 0 && write(input[1], &byte, 1) != 1) {
			break;
		}
	}
	close(input[1]);
	wait_status(shell);
}

static void serve(int server, int connections)
{
	for (int i = 0; connections == 0 || i < connections; i++) {
		int fd = accept(server, NULL, NULL);
		CHECK(fd >= 0);
		pid_t child = fork();
		if (child == 0) {
			close(server);
			session(fd);
			_exit(0);
		}
		close(fd);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	}
}

static void visit(uint16_t port, int number)
{
	int fd = connected(port);
	unsigned char back[3];
	CHECK_EQUAL(write(fd, (unsigned char[]){ COMMAND, WILL, 31 }, 3), 3);
	read_exactly(fd, back, 3);
	CHECK(back[0] == COMMAND && back[1] == DONT && back[2] == 31);
	CHECK_EQUAL(write(fd, (unsigned char[]){ COMMAND, DO, 1 }, 3), 3);
	read_exactly(fd, back, 3);
	CHECK(back[0] == COMMAND && back[1] == WONT && back[2] == 1);
	dprintf(fd, "echo visitor $((%d * 111))\r\nexit 0\r\n", number);
	CHECK_EQUAL(shutdown(fd, SHUT_WR), 0);
	char text[64] = "", expected[64];
	size_t bytes = 0;
	for (ssize_t got; (got = read(fd, text + bytes, sizeof text - 1 - bytes)) > 0;)
		bytes += (size_t)got;
	snprintf(expected, sizeof expected, "visitor %d\n", number * 111);
	CHECK(strcmp(text, expected) == 0);
	close(fd);
}

int main(int count, char **arguments)
{
	uint16_t port;
	signal(SIGPIPE, SIG_IGN);
	if (count > 1) {
		struct sockaddr_in name = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(arguments[1])) };
		int server = socket(AF_INET, SOCK_STREAM, 0), yes = 1;
		CHECK_EQUAL(setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes), 0);
		CHECK_EQUAL(bind(server, ADDRESS(name), sizeof name), 0);
		CHECK_EQUAL(listen(server, 8), 0);
		serve(server, 0);
	}
	int server = listener(&port, 8);
	pid_t clients[2];
	for (int i = 0; i < 2; i++) {
		clients[i] = fork();
		CHECK(clients[i] >= 0);
		if (clients[i] == 0) {
			close(server);
			visit(port, i + 1);
			_exit(0);
		}
	}
	pid_t parent = fork();
	if (parent == 0) {
		serve(server, 2);
		_exit(0);
	}
	close(server);
	for (int i = 0; i < 2; i++)
		CHECK_EXITS(clients[i], 0);
	CHECK_EXITS(parent, 0);
	return 0;
}
