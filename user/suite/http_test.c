/* A small HTTP client: its parser of addresses, its refusal of HTTPS, a name that cannot be resolved, and GETs from a server of our own. */
#include "resolver.h"

enum http_error { HTTP_OK, HTTP_BAD_ADDRESS, HTTP_NO_TLS, HTTP_NO_NAME, HTTP_NO_SERVER, HTTP_BAD_ANSWER };

struct address {
	char host[128], path[256];
	int port;
};

static enum http_error parse(const char *text, struct address *it)
{
	if (strncmp(text, "https://", 8) == 0)
		return HTTP_NO_TLS;
	if (strncmp(text, "http://", 7) != 0)
		return HTTP_BAD_ADDRESS;
	text += 7;
	size_t bytes = strcspn(text, ":/");
	if (bytes == 0 || bytes >= sizeof it->host)
		return HTTP_BAD_ADDRESS;
	memcpy(it->host, text, bytes);
	it->host[bytes] = 0;
	text += bytes;
	it->port = 80;
	if (*text == ':') {
		char *end;
		long port = strtol(text + 1, &end, 10);
		if (end == text + 1 || port < 1 || port > 65535 || (*end && *end != '/'))
			return HTTP_BAD_ADDRESS;
		it->port = (int)port;
		text = end;
	}
	if (strlen(text) >= sizeof it->path)
		return HTTP_BAD_ADDRESS;
	strcpy(it->path, *text ? text : "/");
	return HTTP_OK;
}

static enum http_error get(uint16_t dns, const char *text, int *code, char *body, size_t room)
{
	struct address it;
	struct in_addr number;
	uint16_t id;
	enum http_error error = parse(text, &it);
	if (error != HTTP_OK)
		return error;
	if (inet_pton(AF_INET, it.host, &number) != 1 && dns_resolve(dns, it.host, &number, &id) != DNS_OK)
		return HTTP_NO_NAME;
	struct sockaddr_in name = { .sin_family = AF_INET, .sin_port = htons((uint16_t)it.port), .sin_addr = number };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	if (connect(fd, ADDRESS(name), sizeof name) < 0) {
		close(fd);
		return HTTP_NO_SERVER;
	}
	dprintf(fd, "GET %s HTTP/1.0\r\nHost: %s\r\n\r\n", it.path, it.host);
	static char answer[65536];
	size_t bytes = 0;
	for (ssize_t got; (got = read(fd, answer + bytes, sizeof answer - 1 - bytes)) > 0;)
		bytes += (size_t)got;
	close(fd);
	answer[bytes] = 0;
	char *start = strstr(answer, "\r\n\r\n");
	if (!start || sscanf(answer, "HTTP/1.%*d %d", code) != 1)
		return HTTP_BAD_ANSWER;
	snprintf(body, room, "%s", start + 4);
	return HTTP_OK;
}

static void serve(int server)
{
	for (;;) {
		char line[1024];
		int end = accept(server, NULL, NULL);
		ssize_t got = read(end, line, sizeof line - 1);
		line[got > 0 ? got : 0] = 0;
		if (strncmp(line, "GET /hello ", 11) == 0)
			dprintf(end, "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nhello over http\n");
		else if (strncmp(line, "GET /large ", 11) == 0) {
			dprintf(end, "HTTP/1.0 200 OK\r\n\r\n");
			for (int i = 0; i < 3000; i++)
				dprintf(end, "line %04d\n", i);
		} else if (strncmp(line, "GET /nonsense ", 14) == 0)
			dprintf(end, "nonsense\n");
		else
			dprintf(end, "HTTP/1.0 404 Not Found\r\n\r\nno\n");
		close(end);
	}
}

int main(void)
{
	struct address it;
	CHECK_EQUAL(parse("http://host/path/x?y", &it), HTTP_OK);
	CHECK(strcmp(it.host, "host") == 0 && it.port == 80 && strcmp(it.path, "/path/x?y") == 0);
	CHECK_EQUAL(parse("http://10.0.2.2:8080", &it), HTTP_OK);
	CHECK(strcmp(it.host, "10.0.2.2") == 0 && it.port == 8080 && strcmp(it.path, "/") == 0);
	static const char *const wrong[] = { "", "host", "ftp://host/", "http://", "http:///x", "http://host:/", "http://host:0/", "http://host:99999/", "http://host:8x/" };
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		CHECK_EQUAL(parse(wrong[i], &it), HTTP_BAD_ADDRESS);
	CHECK_EQUAL(parse("https://host/", &it), HTTP_NO_TLS);
	uint16_t dns, port;
	int names = bound_socket(SOCK_DGRAM, &dns), server = listener(&port, 8);
	pid_t name_server = fork();
	if (name_server == 0)
		dns_serve(names);
	pid_t http_server = fork();
	if (http_server == 0)
		serve(server);
	close(names), close(server);
	static char body[65536];
	char text[128];
	int code;
#define GET(format, ...) (snprintf(text, sizeof text, format, __VA_ARGS__), get(dns, text, &code, body, sizeof body))
	CHECK_EQUAL(GET("http://host.suite.test:%d/hello", port), HTTP_OK);
	CHECK_EQUAL(code, 200);
	CHECK(strcmp(body, "hello over http\n") == 0);
	CHECK_EQUAL(GET("http://127.0.0.1:%d/large", port), HTTP_OK);
	CHECK_EQUAL(strlen(body), 30000);
	CHECK(strstr(body, "line 2999\n") != NULL);
	CHECK_EQUAL(GET("http://127.0.0.1:%d/missing", port), HTTP_OK);
	CHECK_EQUAL(code, 404);
	CHECK_EQUAL(GET("http://127.0.0.1:%d/nonsense", port), HTTP_BAD_ANSWER);
	CHECK_EQUAL(GET("http://missing.suite.test:%d/", port), HTTP_NO_NAME);
	CHECK_EQUAL(GET("https://127.0.0.1:%d/", port), HTTP_NO_TLS);
	kill(http_server, SIGKILL), kill(name_server, SIGKILL);
	CHECK_KILLED(http_server, SIGKILL);
	CHECK_KILLED(name_server, SIGKILL);
	CHECK_EQUAL(GET("http://127.0.0.1:%d/hello", port), HTTP_NO_SERVER);
	return 0;
}
