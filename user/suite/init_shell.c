/* A small shell: pipelines with redirections, background jobs, cd, exit, jobs, wait, bg, fg and kill of a job. Reads lines from the file that is
 * named or from standard input; the status is the last command's. Its parts, the parser and the job table, have tests of their own. */
#include "suite.h"
#include "job_table.h"
#include "pipeline.h"

static struct job_table table;
static int last_status;

static void redirect(const struct stage *stage)
{
	if (stage->input) {
		int file = open(stage->input, O_RDONLY);
		if (file < 0 || dup2(file, 0) < 0)
			_exit(1);
		close(file);
	}
	if (stage->output) {
		int file = open(stage->output, O_WRONLY | O_CREAT | (stage->appends ? O_APPEND : O_TRUNC), 0666);
		if (file < 0 || dup2(file, 1) < 0)
			_exit(1);
		close(file);
	}
}

/* Starts all stages in one process group; answers it, and the last stage's pid. */
static pid_t start(const struct pipeline *line, pid_t *last)
{
	pid_t group = 0;
	int input = -1;
	for (int i = 0; i < line->count; i++) {
		int ends[2] = { -1, -1 };
		if (i + 1 < line->count && pipe(ends) < 0)
			return -1;
		*last = fork();
		if (*last == 0) {
			setpgid(0, group);
			if (input >= 0)
				dup2(input, 0), close(input);
			if (ends[1] >= 0)
				dup2(ends[1], 1), close(ends[1]), close(ends[0]);
			redirect(&line->stages[i]);
			execvp(line->stages[i].words[0], line->stages[i].words);
			dprintf(2, "init_shell: %s: %s\n", line->stages[i].words[0], strerror(errno));
			_exit(127);
		}
		if (*last < 0)
			return -1;
		if (group == 0)
			group = *last;
		setpgid(*last, group);
		if (input >= 0)
			close(input);
		if (ends[1] >= 0)
			close(ends[1]);
		input = ends[0];
	}
	return group;
}

static int code_of(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Waits until a job is over or stops. */
static void wait_for(int number)
{
	struct job *job = job_get(&table, number);
	int status;
	for (;;) {
		pid_t found = waitpid(-job->group, &status, WUNTRACED);
		if (found < 0 && errno == EINTR)
			continue;
		if (found < 0)
			break;
		if (WIFSTOPPED(status)) {
			job_set_state(&table, number, JOB_STOPPED);
			last_status = 128 + WSTOPSIG(status);
			return;
		}
		if (found == job->status || job->status == 0)
			last_status = code_of(status);
	}
	job_remove(&table, number);
}

static int built_in(const struct stage *stage)
{
	const char *name = stage->words[0], *word = stage->words[1];
	if (strcmp(name, "cd") == 0) {
		last_status = chdir(word ? word : "/") < 0;
	} else if (strcmp(name, "exit") == 0) {
		exit(word ? atoi(word) : last_status);
	} else if (strcmp(name, "jobs") == 0) {
		for (int i = 1; i <= MOST_JOBS; i++)
			if (job_get(&table, i))
				printf("[%d] %s %s\n", i, table.jobs[i - 1].state == JOB_STOPPED ? "Stopped" : "Running", table.jobs[i - 1].text);
		fflush(stdout);
		last_status = 0;
	} else if (strcmp(name, "wait") == 0 && !word) {
		for (int i = 1; i <= MOST_JOBS; i++)
			if (job_get(&table, i))
				wait_for(i);
	} else if (strcmp(name, "wait") == 0 || strcmp(name, "fg") == 0 || strcmp(name, "bg") == 0 || strcmp(name, "kill") == 0) {
		int number = job_parse(&table, word);
		if (number <= 0) {
			dprintf(2, "init_shell: %s: no such job\n", name);
			last_status = 1;
			return 1;
		}
		last_status = 0;
		if (strcmp(name, "kill") == 0)
			kill(-table.jobs[number - 1].group, SIGTERM);
		if (strcmp(name, "fg") == 0 || strcmp(name, "bg") == 0) {
			kill(-table.jobs[number - 1].group, SIGCONT);
			job_set_state(&table, number, JOB_RUNNING);
		}
		if (strcmp(name, "fg") == 0 || strcmp(name, "wait") == 0)
			wait_for(number);
	} else {
		return 0;
	}
	return 1;
}

int main(int count, char **arguments)
{
	static struct pipeline line;
	static char text[LINE_BYTES];
	FILE *input = count > 1 ? fopen(arguments[1], "r") : stdin;
	if (!input) {
		dprintf(2, "init_shell: %s: %s\n", arguments[1], strerror(errno));
		return 127;
	}
	fcntl(fileno(input), F_SETFD, FD_CLOEXEC);
	while (fgets(text, sizeof text, input)) {
		text[strcspn(text, "\n")] = 0;
		enum pipeline_error error = pipeline_parse(&line, text);
		if (error == PIPELINE_EMPTY)
			continue;
		if (error != PIPELINE_OK) {
			dprintf(2, "init_shell: cannot make sense of: %s\n", text);
			last_status = 2;
			continue;
		}
		if (line.count == 1 && built_in(&line.stages[0]))
			continue;
		pid_t last = 0, group = start(&line, &last);
		int number = group > 0 ? job_add(&table, group, text) : 0;
		if (number == 0) {
			dprintf(2, "init_shell: cannot start: %s\n", text);
			return 2;
		}
		/* The job's status is its last process's. */
		table.jobs[number - 1].status = (int)last;
		if (!line.in_background)
			wait_for(number);
	}
	return last_status;
}
