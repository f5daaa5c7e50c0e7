/* A shell's parser of pipelines, as init_shell uses it and pipeline_test tests it: words with quotes, `|`, `<`, `>`, `>>` and a `&` at
 * the end. Works in place on a copy of the line. */
#ifndef PIPELINE_H
#define PIPELINE_H

#include <string.h>

enum { MOST_STAGES = 8, MOST_WORDS = 16, LINE_BYTES = 512 };

enum pipeline_error { PIPELINE_OK, PIPELINE_EMPTY, PIPELINE_SYNTAX, PIPELINE_QUOTE, PIPELINE_LONG };

struct stage {
	char *words[MOST_WORDS + 1];
	int count;
	char *input, *output;
	int appends;
};

struct pipeline {
	struct stage stages[MOST_STAGES];
	int count;
	int in_background;
	char bytes[LINE_BYTES * 2];
};

/* Parses a line. */
static inline enum pipeline_error pipeline_parse(struct pipeline *it, const char *line)
{
	memset(it, 0, sizeof *it);
	if (strlen(line) >= LINE_BYTES)
		return PIPELINE_LONG;
	char *out = it->bytes;
	struct stage *stage = &it->stages[0];
	char redirection = 0;
	for (;;) {
		while (*line == ' ' || *line == '\t' || *line == '\n')
			line++;
		if (it->in_background && *line && *line != '#')
			return PIPELINE_SYNTAX;
		if (*line == 0 || *line == '#')
			break;
		if (*line == '|' || *line == '&' || *line == '<' || *line == '>') {
			if (redirection)
				return PIPELINE_SYNTAX;
			char mark = *line++;
			if (mark == '<' || mark == '>') {
				redirection = mark;
				if (mark == '>' && *line == '>') {
					redirection = '+';
					line++;
				}
				continue;
			}
			if (stage->count == 0)
				return PIPELINE_SYNTAX;
			if (mark == '&') {
				it->in_background = 1;
				continue;
			}
			if (it->count + 1 == MOST_STAGES)
				return PIPELINE_LONG;
			stage = &it->stages[++it->count];
			continue;
		}
		char *word = out, quote = 0;
		for (; *line && (quote || !strchr(" \t\n|&<>", *line)); line++) {
			if (quote ? *line == quote : *line == '\'' || *line == '"')
				quote = quote ? 0 : *line;
			else if (*line == '\\' && quote != '\'' && line[1])
				*out++ = *++line;
			else
				*out++ = *line;
		}
		if (quote)
			return PIPELINE_QUOTE;
		*out++ = 0;
		if (redirection == '<') {
			stage->input = word;
		} else if (redirection) {
			stage->output = word;
			stage->appends = redirection == '+';
		} else if (stage->count == MOST_WORDS) {
			return PIPELINE_LONG;
		} else {
			stage->words[stage->count++] = word;
		}
		redirection = 0;
	}
	if (redirection)
		return PIPELINE_SYNTAX;
	if (it->count == 0 && stage->count == 0)
		return stage->input || stage->output ? PIPELINE_SYNTAX : PIPELINE_EMPTY;
	if (stage->count == 0)
		return PIPELINE_SYNTAX;
	it->count++;
	return PIPELINE_OK;
}

#endif
